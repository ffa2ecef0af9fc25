"""Every way of writing a pattern wrongly: the type of the error and its whole text, carets included."""

import re

import pytest

from slidesum.errors import MeaningError, NotationError, PatternError, SlidesumError, UsageError, carets
from slidesum.notation.parse import parse
from slidesum.notation.scan import read_axes

CASES = [
    (
        "",
        NotationError,
        """\
the pattern is empty
  Write operands, an arrow and the result: 'b c i+u j+v, o c u v -> b o i j'.""",
    ),
    (
        "b c i",
        NotationError,
        """\
the arrow is missing
    b c i
         ^
  The result isn't guessed: its axes say what is kept.
  End with '-> ' and the axes of the result, as in '-> b o i j'.""",
    ),
    (
        "b c i => b c",
        NotationError,
        """\
'=>' is not the arrow
    b c i => b c
          ^^
  Write '->' between the operands and the result.""",
    ),
    (
        "b c i → b c",
        NotationError,
        """\
'→' is not the arrow
    b c i → b c
          ^
  Write '->' between the operands and the result.""",
    ),
    (
        "b c i --> b c",
        NotationError,
        """\
'-->' is not the arrow
    b c i --> b c
          ^^^
  Write '->' between the operands and the result.""",
    ),
    (
        "b c i ->> b c",
        NotationError,
        """\
'->>' is not the arrow
    b c i ->> b c
          ^^^
  Write '->' between the operands and the result.""",
    ),
    (
        "b c i > b c",
        NotationError,
        """\
'>' is not the arrow
    b c i > b c
          ^
  Write '->' between the operands and the result.""",
    ),
    (
        "b c i <- b c",
        NotationError,
        """\
'<-' is not the arrow
    b c i <- b c
          ^^
  Write '->' between the operands and the result.""",
    ),
    (
        "b c = b",
        NotationError,
        """\
a pattern has no '='
    b c = b
        ^
  The named spelling has brackets: y[b,i] = x[b,i+u] * w[u].
  Write '->' before the result, or put the axes in brackets.""",
    ),
    (
        "b c -> b -> b",
        NotationError,
        """\
a second arrow
    b c -> b -> b
             ^^
  One equation is one layer.
  Write one equation a layer, or more operands: 'b c i+u, c u, o c -> b o i'.""",
    ),
    (
        "b c i+u == b i",
        NotationError,
        """\
a pattern has no '='
    b c i+u == b i
            ^
  The named spelling has brackets: y[b,i] = x[b,i+u] * w[u].
  Write '->' before the result, or put the axes in brackets.""",
    ),
    (
        "b c i - > b",
        NotationError,
        """\
'- >' is not the arrow
    b c i - > b
          ^^^
  Write '->' between the operands and the result.""",
    ),
    (
        "b c i+u >= b i",
        NotationError,
        """\
'>' is not the arrow
    b c i+u >= b i
            ^
  Write '->' between the operands and the result.""",
    ),
    (
        "i u => i -> u",
        NotationError,
        """\
'=>' is not the arrow
    i u => i -> u
        ^^
  Write '->' between the operands and the result.""",
    ),
    (
        "b c |-> b",
        NotationError,
        """\
'|->' is not the arrow
    b c |-> b
        ^^^
  Write '->' between the operands and the result.""",
    ),
    (
        "b c i, -> b i",
        NotationError,
        """\
operand 2 of 2 has no axes
    b c i, -> b i
          ^
  A comma too many, or an operand forgotten.
  Write its axes, or take the comma away; a plain number is an array with the axis 1.""",
    ),
    (
        ", b c i -> b i",
        NotationError,
        """\
operand 1 of 2 has no axes
    , b c i -> b i
    ^
  A comma too many, or an operand forgotten.
  Write its axes, or take the comma away; a plain number is an array with the axis 1.""",
    ),
    (
        "-> b i",
        NotationError,
        """\
the only operand has no axes
    -> b i
    ^
  What is read stands left of the arrow.
  Write its axes; a plain number is an array with the axis 1.""",
    ),
    (
        "b c,, o -> b",
        NotationError,
        """\
operand 2 of 3 has no axes
    b c,, o -> b
        ^
  A comma too many, or an operand forgotten.
  Write its axes, or take the comma away; a plain number is an array with the axis 1.""",
    ),
    (
        "b i -> b, i",
        NotationError,
        """\
the result holds a comma
    b i -> b, i
            ^
  An equation has one result; commas separate operands.
  Separate the axes of the result by spaces.""",
    ),
    (
        "max -> b",
        NotationError,
        """\
the only operand has no axes
    max -> b
       ^
  What is read stands left of the arrow.
  Write its axes; a plain number is an array with the axis 1.""",
    ),
    (
        "b i, o c; u -> b",
        NotationError,
        """\
';' can't stand in an axis
    b i, o c; u -> b
            ^
  Names are letters, digits and '_'; addresses add '+', '-', '*' and integers.
  Take it away, or write a name instead.""",
    ),
    (
        "avg b i+u -> b i",
        NotationError,
        """\
there is no reduction 'avg'
    avg b i+u -> b i
    ^^^
  The reductions are sum, max, mean, min.
  Write mean.""",
    ),
    (
        "maximum b i+u -> b i",
        NotationError,
        """\
there is no reduction 'maximum'
    maximum b i+u -> b i
    ^^^^^^^
  The reductions are sum, max, mean, min.
  Write max.""",
    ),
    (
        "prod b i -> b",
        NotationError,
        """\
there is no reduction 'prod'
    prod b i -> b
    ^^^^
  The reductions are sum, max, mean, min.
  Write one of them; if 'prod' is an index, begin with 'sum'.""",
    ),
    (
        "max b i+u, u -> b i",
        MeaningError,
        """\
'max' pools one operand, and here are 2
    max b i+u, u -> b i
               ^
  Products are summed; only the values of one array have a maximum, mean or minimum.
  Multiply in one equation and pool in the next.""",
    ),
    (
        "Max b i+u -> b i",
        NotationError,
        """\
there is no reduction 'Max'
    Max b i+u -> b i
    ^^^
  The reductions are sum, max, mean, min.
  Write max.""",
    ),
    (
        "max(b i) -> b",
        NotationError,
        """\
a '(' touches what stands beside it
    max(b i) -> b
       ^
  Parentheses merge whole indices into one axis; nothing is added to them or multiplied with them.
  Write (g c) with spaces around it, and an address without parentheses: 2*i+2*u.""",
    ),
    (
        "b i + u -> b i",
        NotationError,
        """\
an address holds no spaces
    b i + u -> b i
        ^
  A space ends an axis.
  Write the parts together: 2*i+u.""",
    ),
    (
        "b i+ u -> b i",
        NotationError,
        """\
an address holds no spaces
    b i+ u -> b i
      ^^
  A space ends an axis.
  Write the parts together: 2*i+u.""",
    ),
    (
        "b i +u -> b i",
        NotationError,
        """\
an address holds no spaces
    b i +u -> b i
        ^^
  A space ends an axis.
  Write the parts together: 2*i+u.""",
    ),
    (
        "b 2 * i -> b i",
        NotationError,
        """\
an address holds no spaces
    b 2 * i -> b i
        ^
  A space ends an axis.
  Write the parts together: 2*i+u.""",
    ),
    (
        "i + -> i",
        NotationError,
        """\
an address holds no spaces
    i + -> i
      ^
  A space ends an axis.
  Write the parts together: 2*i+u.""",
    ),
    (
        "b i+u -> b i +",
        NotationError,
        """\
an address holds no spaces
    b i+u -> b i +
                 ^
  A space ends an axis.
  Write the parts together: 2*i+u.""",
    ),
    (
        "b 2i+u -> b i",
        NotationError,
        """\
the '*' is missing in '2i'
    b 2i+u -> b i
      ^^
  A stride or dilation is written with a star.
  Write 2*i.""",
    ),
    (
        "b i2*+u -> b i",
        NotationError,
        """\
a '*' lacks what it multiplies
    b i2*+u -> b i
        ^
  A stride or dilation multiplies an index.
  Write 2*i, or s*i with s=2 given as a size.""",
    ),
    (
        "b *i -> b i",
        NotationError,
        """\
a '*' lacks what it multiplies
    b *i -> b i
      ^
  A stride or dilation multiplies an index.
  Write 2*i, or s*i with s=2 given as a size.""",
    ),
    (
        "b 2**i -> b i",
        NotationError,
        """\
a '*' lacks what it multiplies
    b 2**i -> b i
        ^
  A stride or dilation multiplies an index.
  Write 2*i, or s*i with s=2 given as a size.""",
    ),
    (
        "b 2*i+ -> b i",
        NotationError,
        """\
nothing follows the '+'
    b 2*i+ -> b i
         ^
  An address holds no spaces: its parts stand together.
  Write i+u, or take the sign away.""",
    ),
    (
        "b 2* -> b",
        NotationError,
        """\
a '*' lacks what it multiplies
    b 2* -> b
       ^
  A stride or dilation multiplies an index.
  Write 2*i, or s*i with s=2 given as a size.""",
    ),
    (
        "b i++u -> b i",
        NotationError,
        """\
two signs follow each other
    b i++u -> b i
       ^^
  Write one: i+u or i-u.""",
    ),
    (
        "b i+-u -> b i",
        NotationError,
        """\
two signs follow each other
    b i+-u -> b i
       ^^
  Write one: i+u or i-u.""",
    ),
    (
        "b --i -> b i",
        NotationError,
        """\
two signs follow each other
    b --i -> b i
      ^^
  Write one: i+u or i-u.""",
    ),
    (
        "b 1.5*i -> b i",
        NotationError,
        """\
1.5 is no whole number
    b 1.5*i -> b i
      ^^^
  Arrays have whole cells only.
  Write an integer; to move by half a cell, put the address on the result: 'b c i, c o u -> b o 2*i+u'.""",
    ),
    (
        "b .5*i+u -> b i",
        NotationError,
        """\
.5 is no whole number
    b .5*i+u -> b i
      ^^
  Arrays have whole cells only.
  Write an integer; to move by half a cell, put the address on the result: 'b c i, c o u -> b o 2*i+u'.""",
    ),
    (
        "b i/2 -> b i",
        NotationError,
        """\
an address can't divide
    b i/2 -> b i
       ^
  Reading every half cell is what a transposed convolution does.
  Put the address on the result: 'b c i, c o u -> b o 2*i+u'.""",
    ),
    (
        "b i*2+u -> b i",
        NotationError,
        """\
the number stands behind its index
    b i*2+u -> b i
      ^^^
  Write the coefficient first: 2*i.""",
    ),
    (
        "b 2*i*u -> b i u",
        MeaningError,
        """\
'i' is an index here and a coefficient elsewhere
    b 2*i*u -> b i u
                 ^
  A name is either an index or a stride or dilation, never both.
  Give the stride another name, such as s.""",
    ),
    (
        "b s*d*i -> b i",
        NotationError,
        """\
three names are multiplied
    b s*d*i -> b i
      ^^^^^
  An index has one stride or dilation.
  Write s*i and give the product as the size of s.""",
    ),
    (
        "b s*i*2 -> b i",
        NotationError,
        """\
the number stands behind its index
    b s*i*2 -> b i
      ^^^^^
  Write the coefficient first: 2*s*i.""",
    ),
    (
        "b 0*i+u -> b i",
        NotationError,
        """\
'i' has the coefficient 0
    b 0*i+u -> b i
      ^^^
  A window that never moves is no address.
  Leave the term out, or write i.""",
    ),
    (
        "b i+i -> b i",
        NotationError,
        """\
'i' stands twice in one address
    b i+i -> b i
      ^^^
  Add the coefficients up: 2*i for i+i.""",
    ),
    (
        "b 3 -> b",
        NotationError,
        """\
'3' is a number, not an axis
    b 3 -> b
      ^
  The only number that is an axis is 1, an axis of extent one.
  Write a name, and give its extent beside the pattern: u=3.""",
    ),
    (
        "b +3 -> b",
        NotationError,
        """\
an address holds no spaces
    b +3 -> b
      ^^
  A space ends an axis.
  Write the parts together: 2*i+u.""",
    ),
    (
        "b .. c -> b",
        NotationError,
        """\
'..' is no axis
    b .. c -> b
      ^^
  Write three dots, '...', for the axes that you don't name.""",
    ),
    (
        "b .... -> b",
        NotationError,
        """\
'....' is no axis
    b .... -> b
      ^^^^
  Write three dots, '...', for the axes that you don't name.""",
    ),
    (
        "b … -> b",
        NotationError,
        """\
'…' is no axis
    b … -> b
      ^
  Write three dots, '...', for the axes that you don't name.""",
    ),
    (
        "b ...c -> b",
        NotationError,
        """\
'...' is an axis of its own
    b ...c -> b
      ^^^
  Write it with spaces around it: b ... i.""",
    ),
    (
        "b i? -> b",
        NotationError,
        """\
'?' can't stand in an axis
    b i? -> b
       ^
  Names are letters, digits and '_'; addresses add '+', '-', '*' and integers.
  Take it away, or write a name instead.""",
    ),
    (
        "b i' -> b",
        NotationError,
        """\
"'" can't stand in an axis
    b i' -> b
       ^
  Names are letters, digits and '_'; addresses add '+', '-', '*' and integers.
  Take it away, or write a name instead.""",
    ),
    (
        "b i%2 -> b",
        NotationError,
        """\
'%' can't stand in an axis
    b i%2 -> b
       ^
  Names are letters, digits and '_'; addresses add '+', '-', '*' and integers.
  Take it away, or write a name instead.""",
    ),
    (
        "b {i} -> b",
        NotationError,
        """\
'{' can't stand in an axis
    b {i} -> b
      ^
  Names are letters, digits and '_'; addresses add '+', '-', '*' and integers.
  Take it away, or write a name instead.""",
    ),
    (
        "b i.j -> b",
        NotationError,
        """\
'.' can't stand in an axis
    b i.j -> b
       ^
  Names are letters, digits and '_'; addresses add '+', '-', '*' and integers.
  Take it away, or write a name instead.""",
    ),
    (
        "b 3x3 -> b",
        NotationError,
        """\
the '*' is missing in '3x3'
    b 3x3 -> b
      ^^^
  A stride or dilation is written with a star.
  Write 3*x3.""",
    ),
    (
        "b i u*2 -> b i",
        NotationError,
        """\
the number stands behind its index
    b i u*2 -> b i
        ^^^
  Write the coefficient first: 2*u.""",
    ),
    (
        "b 2(i+u) -> b i",
        NotationError,
        """\
a '(' touches what stands beside it
    b 2(i+u) -> b i
       ^
  Parentheses merge whole indices into one axis; nothing is added to them or multiplied with them.
  Write (g c) with spaces around it, and an address without parentheses: 2*i+2*u.""",
    ),
    (
        "b 2*(i+u) -> b i",
        NotationError,
        """\
a '(' touches what stands beside it
    b 2*(i+u) -> b i
        ^
  Parentheses merge whole indices into one axis; nothing is added to them or multiplied with them.
  Write (g c) with spaces around it, and an address without parentheses: 2*i+2*u.""",
    ),
    (
        "b (c o) i(u) -> b",
        NotationError,
        """\
a '(' touches what stands beside it
    b (c o) i(u) -> b
             ^
  Parentheses merge whole indices into one axis; nothing is added to them or multiplied with them.
  Write (g c) with spaces around it, and an address without parentheses: 2*i+2*u.""",
    ),
    (
        "b 2.*i -> b i",
        NotationError,
        """\
2. is no whole number
    b 2.*i -> b i
      ^^
  Arrays have whole cells only.
  Write an integer; to move by half a cell, put the address on the result: 'b c i, c o u -> b o 2*i+u'.""",
    ),
    (
        "b i+1.5 -> b i",
        NotationError,
        """\
1.5 is no whole number
    b i+1.5 -> b i
        ^^^
  Arrays have whole cells only.
  Write an integer; to move by half a cell, put the address on the result: 'b c i, c o u -> b o 2*i+u'.""",
    ),
    (
        "b (g c -> b",
        NotationError,
        """\
a '(' without its ')'
    b (g c -> b
      ^
  Close it: (g c).""",
    ),
    (
        "b g c) -> b",
        NotationError,
        """\
a ')' without its '('
    b g c) -> b
         ^
  Write (g c), or take the parenthesis away.""",
    ),
    (
        "b ((g c) h) -> b",
        NotationError,
        """\
a parenthesis inside a parenthesis
    b ((g c) h) -> b
       ^
  Merging is flat: (g c) is cell g·C + c.
  Write all merged indices in one parenthesis: (a b c).""",
    ),
    (
        "b () -> b",
        NotationError,
        """\
nothing stands between the parentheses
    b () -> b
      ^^
  Write the merged indices, (g c), or 1 for an axis of extent one.""",
    ),
    (
        "b (g ...) -> b",
        NotationError,
        """\
'...' can't be merged
    b (g ...) -> b
         ^^^
  How many axes it stands for isn't known, so neither is their product.
  Name the axes that you want to merge, as in (g c).""",
    ),
    (
        "b (g i+u) -> b",
        NotationError,
        """\
parentheses never hold an address
    b (g i+u) -> b
         ^^^
  They merge whole indices into one axis, (g c); what slides stands outside.
  Write the address as an axis of its own, without parentheses.""",
    ),
    (
        "b (g 2) -> b",
        NotationError,
        """\
'2' is no name
    b (g 2) -> b
         ^
  Names are letters, digits and '_', and begin with a letter.
  Write the merged indices with spaces between, as in (g c).""",
    ),
    (
        "b (g g) -> b",
        NotationError,
        """\
an index is merged with itself
    b (g g) -> b
      ^^^^^
  Merge different indices, as in (g c).""",
    ),
    (
        "b (g,c) i -> b",
        NotationError,
        """\
'g,c' is no name
    b (g,c) i -> b
       ^^^
  Names are letters, digits and '_', and begin with a letter.
  Write the merged indices with spaces between, as in (g c).""",
    ),
    (
        "b (g 1) -> b",
        NotationError,
        """\
'1' is no name
    b (g 1) -> b
         ^
  Names are letters, digits and '_', and begin with a letter.
  Write the merged indices with spaces between, as in (g c).""",
    ),
    (
        "b (g *) -> b",
        NotationError,
        """\
parentheses never hold an address
    b (g *) -> b
         ^
  They merge whole indices into one axis, (g c); what slides stands outside.
  Write the address as an axis of its own, without parentheses.""",
    ),
    (
        "b (g c)i -> b",
        NotationError,
        """\
a ')' touches what stands beside it
    b (g c)i -> b
          ^
  Parentheses merge whole indices into one axis; nothing is added to them or multiplied with them.
  Write (g c) with spaces around it, and an address without parentheses: 2*i+2*u.""",
    ),
    (
        "b (i)+u -> b",
        NotationError,
        """\
a ')' touches what stands beside it
    b (i)+u -> b
        ^
  Parentheses merge whole indices into one axis; nothing is added to them or multiplied with them.
  Write (g c) with spaces around it, and an address without parentheses: 2*i+2*u.""",
    ),
    (
        "b i+(u) -> b",
        NotationError,
        """\
a '(' touches what stands beside it
    b i+(u) -> b
        ^
  Parentheses merge whole indices into one axis; nothing is added to them or multiplied with them.
  Write (g c) with spaces around it, and an address without parentheses: 2*i+2*u.""",
    ),
    (
        "(g 11 1) -> g",
        NotationError,
        """\
'11' is no name
    (g 11 1) -> g
       ^^
  Names are letters, digits and '_', and begin with a letter.
  Write the merged indices with spaces between, as in (g c).""",
    ),
    (
        "... c ... -> c",
        MeaningError,
        """\
'...' stands twice on one array
    ... c ... -> c
          ^^^
  Where the first ends and the second begins can't be told.
  Name the axes of one of them.""",
    ),
    (
        "b c -> b ...",
        MeaningError,
        """\
'...' stands on the result only
    b c -> b ...
             ^^^
  It repeats the axes that '...' stands for on an operand.
  Write '...' on an operand too, or name the axes.""",
    ),
    (
        "s*i s -> i s",
        MeaningError,
        """\
's' is an index here and a coefficient elsewhere
    s*i s -> i s
        ^
  A name is either an index or a stride or dilation, never both.
  Give the stride another name, such as d.""",
    ),
    (
        "b c i+u, o c u -> bo i",
        MeaningError,
        """\
'bo' stands on the result but on no operand
    b c i+u, o c u -> bo i
                      ^^
  Names may be longer than a letter, so axes are separated by spaces.
  Write 'b o'.""",
    ),
    (
        "b c i -> b b",
        MeaningError,
        """\
'b' stands twice on the result
    b c i -> b b
               ^
  The values would lie on a diagonal, with zeros beside it.
  Name it once, or give the second axis an index of its own.""",
    ),
    (
        "b c i -> b (i b)",
        MeaningError,
        """\
'b' stands twice on the result
    b c i -> b (i b)
               ^^^^^
  The values would lie on a diagonal, with zeros beside it.
  Name it once, or give the second axis an index of its own.""",
    ),
    (
        "b i -> i+u i",
        MeaningError,
        """\
'i' stands twice on the result
    b i -> i+u i
               ^
  The values would lie on a diagonal, with zeros beside it.
  Name it once, or give the second axis an index of its own.""",
    ),
    (
        "max b i -> b 2*i+u",
        MeaningError,
        """\
'max' can't have an address on the result
    max b i -> b 2*i+u
                 ^^^^^
  Several values may fall on one cell there; they are summed.
  Leave the reduction out, or put the address on the operand.""",
    ),
    (
        "x y -> xy z",
        MeaningError,
        """\
'xy' stands on the result but on no operand
    x y -> xy z
           ^^
  Names may be longer than a letter, so axes are separated by spaces.
  Write 'x y'.""",
    ),
    (
        "b s*i+s -> b i",
        MeaningError,
        """\
's' is an index here and a coefficient elsewhere
    b s*i+s -> b i
      ^^^^^
  A name is either an index or a stride or dilation, never both.
  Give the stride another name, such as d.""",
    ),
    (
        "b i*i -> b i",
        MeaningError,
        """\
'i' is an index here and a coefficient elsewhere
    b i*i -> b i
      ^^^
  A name is either an index or a stride or dilation, never both.
  Give the stride another name, such as s.""",
    ),
    (
        "b c i -> b ... ...",
        MeaningError,
        """\
'...' stands twice on one array
    b c i -> b ... ...
                   ^^^
  Where the first ends and the second begins can't be told.
  Name the axes of one of them.""",
    ),
    (
        "y[b,i] x[b,i]",
        NotationError,
        """\
the '=' is missing
    y[b,i] x[b,i]
                 ^
  The named spelling is 'y[b,i] = x[b,i+u] * w[u]'; patterns have no brackets.
  Write the result, '=', and the operands.""",
    ),
    (
        "y[b] = x[b] = z[b]",
        NotationError,
        """\
a second '='
    y[b] = x[b] = z[b]
                ^
  Write one equation a layer.""",
    ),
    (
        "= x[b]",
        NotationError,
        """\
no arrays stand left of the '='
    = x[b]
    ^
  The result is one array.
  Write it alone: 'y[b,i] = …'.""",
    ),
    (
        "y[b] z[b] = x[b,c]",
        NotationError,
        """\
'z' can't stand between arrays
    y[b] z[b] = x[b,c]
         ^
  Arrays are multiplied, and a bias is added.
  Write '*' between operands and '+' before the bias.""",
    ),
    (
        "y[b] * z[b] = x[b]",
        NotationError,
        """\
2 arrays stand left of the '='
    y[b] * z[b] = x[b]
    ^^^^^^^^^^^^
  The result is one array.
  Write it alone: 'y[b,i] = …'.""",
    ),
    (
        "y[b] =",
        NotationError,
        """\
no operand stands right of the '='
    y[b] =
         ^
  Write at least one, as in 'y[b,i] = x[b,i+u] * w[u]'.""",
    ),
    (
        "y[b] = a",
        NotationError,
        """\
an array is expected here
    y[b] = a
           ^
  An array is a name and its axes in brackets.
  Write x[b,c,i+u,j+v].""",
    ),
    (
        "y[b = x[b]",
        NotationError,
        """\
a ']' is missing
    y[b = x[b]
     ^
  Close the axes of the array with ']'.""",
    ),
    (
        "y[b] = x[b",
        NotationError,
        """\
a ']' is missing
    y[b] = x[b
            ^
  Close the axes of the array with ']'.""",
    ),
    (
        "y[b] = x b]",
        NotationError,
        """\
there is no reduction 'x'
    y[b] = x b]
           ^
  The reductions are sum, max, mean, min.
  Write one of them, or, if 'x' is an array, its axes in brackets.""",
    ),
    (
        "y[b] = x[b] / w[b]",
        NotationError,
        """\
'/' can't stand between arrays
    y[b] = x[b] / w[b]
                ^
  Arrays are multiplied, and a bias is added.
  Write '*' between operands and '+' before the bias.""",
    ),
    (
        "y[b] = x[b] - w[b]",
        NotationError,
        """\
'-' can't stand between arrays
    y[b] = x[b] - w[b]
                ^
  Arrays are multiplied, and a bias is added.
  Write '*' between operands and '+' before the bias.""",
    ),
    (
        "y[b] = x[b] w[b]",
        NotationError,
        """\
'w' can't stand between arrays
    y[b] = x[b] w[b]
                ^
  Arrays are multiplied, and a bias is added.
  Write '*' between operands and '+' before the bias.""",
    ),
    (
        "y[b] = x[b] *",
        NotationError,
        """\
an array is expected here
    y[b] = x[b] *
                 ^
  An array is a name and its axes in brackets.
  Write x[b,c,i+u,j+v].""",
    ),
    (
        "y[b] = x[b] + a[b] + c[b]",
        NotationError,
        """\
'c' follows the bias
    y[b] = x[b] + a[b] + c[b]
                         ^
  The bias is one array, added last.
  Write the product first, then one '+ a[o]'.""",
    ),
    (
        "y[b] = + a[b]",
        NotationError,
        """\
an array is expected here
    y[b] = + a[b]
           ^
  An array is a name and its axes in brackets.
  Write x[b,c,i+u,j+v].""",
    ),
    (
        "y[b] = x[b,]",
        NotationError,
        """\
an axis of 'x' is empty
    y[b] = x[b,]
               ^
  Write its name, or take the comma away.""",
    ),
    (
        "y[b] = x[,b]",
        NotationError,
        """\
an axis of 'x' is empty
    y[b] = x[,b]
             ^
  Write its name, or take the comma away.""",
    ),
    (
        "y[b] = x[b,,c]",
        NotationError,
        """\
an axis of 'x' is empty
    y[b] = x[b,,c]
               ^
  Write its name, or take the comma away.""",
    ),
    (
        "y[b] = x[b c]",
        NotationError,
        """\
a comma is missing between two axes
    y[b] = x[b c]
             ^^^
  Inside brackets axes are separated by commas, and an address holds no spaces.
  Write x[b,c,i+u,j+v].""",
    ),
    (
        "y[b] = x[b] * x[b]",
        MeaningError,
        """\
two arrays are called 'x'
    y[b] = x[b] * x[b]
                  ^
  Give every array a name of its own.""",
    ),
    (
        "y[b] = avg x[b,c]",
        NotationError,
        """\
there is no reduction 'avg'
    y[b] = avg x[b,c]
           ^^^
  The reductions are sum, max, mean, min.
  Write mean.""",
    ),
    (
        "y[b] = argmax x[b,c]",
        NotationError,
        """\
there is no reduction 'argmax'
    y[b] = argmax x[b,c]
           ^^^^^^
  The reductions are sum, max, mean, min.
  Write one of them, or, if 'argmax' is an array, its axes in brackets.""",
    ),
    (
        "y[b] = max x[b,c] * w[c]",
        MeaningError,
        """\
'max' pools one operand, and here are 2
    y[b] = max x[b,c] * w[c]
                          ^
  Products are summed; only the values of one array have a maximum, mean or minimum.
  Multiply in one equation and pool in the next.""",
    ),
    (
        "y[b] = max x[b,c] + a[b]",
        MeaningError,
        """\
'max' has no bias
    y[b] = max x[b,c] + a[b]
                          ^
  Add it in an equation of its own, after the pooling.""",
    ),
    (
        "y[b] = x[b,c] + a[c]",
        MeaningError,
        """\
the bias runs over 'c', which doesn't stand on the result
    y[b] = x[b,c] + a[c]
                      ^
  The bias is added after the sum, to what is left.
  Give it an index of the result, usually that of the filters: a[o].""",
    ),
    (
        "y[b] = x[b,c] + a[b,b]",
        MeaningError,
        """\
the bias runs over 'b' twice
    y[b] = x[b,c] + a[b,b]
                        ^
  Name it once.""",
    ),
    (
        "y[b,2*i+u] = x[b,i] * w[u] + a[2*i+u]",
        MeaningError,
        """\
an axis of the bias is no plain index
    y[b,2*i+u] = x[b,i] * w[u] + a[2*i+u]
                                   ^^^^^
  A bias is added to whole maps.
  Name the index of the filters, as in a[o].""",
    ),
    (
        "y[b,...] = x[b,...] + a[...]",
        MeaningError,
        """\
an axis of the bias is no plain index
    y[b,...] = x[b,...] + a[...]
                            ^^^
  A bias is added to whole maps.
  Name the index of the filters, as in a[o].""",
    ),
    (
        "y[b,i] = x[b,i + u] * w[u]",
        NotationError,
        """\
an address holds no spaces
    y[b,i] = x[b,i + u] * w[u]
                   ^
  A space ends an axis.
  Write the parts together: 2*i+u.""",
    ),
    (
        "y[b,i] = x[b,(g c),i+u] * w[(g c)",
        NotationError,
        """\
a ']' is missing
    y[b,i] = x[b,(g c),i+u] * w[(g c)
                               ^
  Close the axes of the array with ']'.""",
    ),
    (
        "y[b,i] = x[b,2i+u] * w[u]",
        NotationError,
        """\
the '*' is missing in '2i'
    y[b,i] = x[b,2i+u] * w[u]
                 ^^
  A stride or dilation is written with a star.
  Write 2*i.""",
    ),
    (
        "y[b] = 2*x[b]",
        NotationError,
        """\
an array is expected here
    y[b] = 2*x[b]
           ^
  An array is a name and its axes in brackets.
  Write x[b,c,i+u,j+v].""",
    ),
    (
        "y[b] = x[b]] * w[b]",
        NotationError,
        """\
']' can't stand between arrays
    y[b] = x[b]] * w[b]
               ^
  Arrays are multiplied, and a bias is added.
  Write '*' between operands and '+' before the bias.""",
    ),
    (
        "y[b] = x[[b]]",
        NotationError,
        """\
'[' can't stand in an axis
    y[b] = x[[b]]
             ^
  Names are letters, digits and '_'; addresses add '+', '-', '*' and integers.
  Take it away, or write a name instead.""",
    ),
    (
        "y[b,i] = sum(x[b,i+u])",
        NotationError,
        """\
an array is expected here
    y[b,i] = sum(x[b,i+u])
             ^^^
  An array is a name and its axes in brackets.
  Write x[b,c,i+u,j+v].""",
    ),
    (
        "y[b] = w[b] * x(b)",
        NotationError,
        """\
an array is expected here
    y[b] = w[b] * x(b)
                  ^
  An array is a name and its axes in brackets.
  Write x[b,c,i+u,j+v].""",
    ),
    (
        "[b] = [b]",
        NotationError,
        """\
an array is expected here
    [b] = [b]
    ^
  An array is a name and its axes in brackets.
  Write x[b,c,i+u,j+v].""",
    ),
    (
        "b c -> [b]",
        NotationError,
        """\
the named spelling has no arrow
    b c -> [b]
        ^^
  With brackets the result stands first: y[b,i] = x[b,i+u] * w[u].
  Write it so, or leave the brackets out: 'b i+u, u -> b i'.""",
    ),
    (
        "y[b] <- x[b]",
        NotationError,
        """\
the '=' is missing
    y[b] <- x[b]
                ^
  The named spelling is 'y[b,i] = x[b,i+u] * w[u]'; patterns have no brackets.
  Write the result, '=', and the operands.""",
    ),
    (
        "y[b] = 3",
        NotationError,
        """\
an array is expected here
    y[b] = 3
           ^
  An array is a name and its axes in brackets.
  Write x[b,c,i+u,j+v].""",
    ),
    (
        "y[b] += x[b]",
        NotationError,
        """\
an array is expected here
    y[b] += x[b]
          ^
  An array is a name and its axes in brackets.
  Write x[b,c,i+u,j+v].""",
    ),
    (
        "y[b] = x[b] + 1",
        NotationError,
        """\
an array is expected here
    y[b] = x[b] + 1
                  ^
  An array is a name and its axes in brackets.
  Write x[b,c,i+u,j+v].""",
    ),
    (
        "ex[b] = x[b] * x[b]",
        MeaningError,
        """\
two arrays are called 'x'
    ex[b] = x[b] * x[b]
                   ^
  Give every array a name of its own.""",
    ),
    (
        "y[b] = relu(x[b])",
        NotationError,
        """\
an array is expected here
    y[b] = relu(x[b])
           ^^^^
  An array is a name and its axes in brackets.
  Write x[b,c,i+u,j+v].""",
    ),
    (
        "x[b,i] -> y[b]",
        NotationError,
        """\
the named spelling has no arrow
    x[b,i] -> y[b]
           ^^
  With brackets the result stands first: y[b,i] = x[b,i+u] * w[u].
  Write it so, or leave the brackets out: 'b i+u, u -> b i'.""",
    ),
    (
        "y[b,i] = x[b,i+u] ** w[u]",
        NotationError,
        """\
an array is expected here
    y[b,i] = x[b,i+u] ** w[u]
                       ^
  An array is a name and its axes in brackets.
  Write x[b,c,i+u,j+v].""",
    ),
    (
        "y[o] = ww[o] * w[o] + w[o]",
        MeaningError,
        """\
two arrays are called 'w'
    y[o] = ww[o] * w[o] + w[o]
                          ^
  Give every array a name of its own.""",
    ),
    (
        "b (g2 2) -> b",
        NotationError,
        """\
'2' is no name
    b (g2 2) -> b
          ^
  Names are letters, digits and '_', and begin with a letter.
  Write the merged indices with spaces between, as in (g c).""",
    ),
    (
        "b 2*i*3*s -> b",
        NotationError,
        """\
the number stands behind its index
    b 2*i*3*s -> b
      ^^^^^^^
  Write the coefficient first: 6*i.""",
    ),
    (
        "y[b] = MAX x[b,c]",
        NotationError,
        """\
there is no reduction 'MAX'
    y[b] = MAX x[b,c]
           ^^^
  The reductions are sum, max, mean, min.
  Write max.""",
    ),
    (
        "y[b] = max x[b,c] * w[]",
        MeaningError,
        """\
'max' pools one operand, and here are 2
    y[b] = max x[b,c] * w[]
    ^^^^^^^^^^^^^^^^^^^^^^^
  Products are summed; only the values of one array have a maximum, mean or minimum.
  Multiply in one equation and pool in the next.""",
    ),
    (
        "b\tc\n2i -> b",
        NotationError,
        """\
the '*' is missing in '2i'
    b c 2i -> b
        ^^
  A stride or dilation is written with a star.
  Write 2*i.""",
    ),
]


@pytest.mark.parametrize(("pattern", "kind", "text"), CASES, ids=[case[0] or "nothing" for case in CASES])
def test_a_bad_pattern_says_what_where_and_what_to_write(pattern, kind, text):
    with pytest.raises(PatternError, match=re.escape(text)) as caught:
        parse(pattern)
    assert type(caught.value) is kind
    assert str(caught.value) == text


def test_the_table_holds_each_pattern_once():
    patterns = [case[0] for case in CASES]
    assert len(set(patterns)) == len(patterns) >= 45


@pytest.mark.parametrize(("pattern", "text"), [(case[0], case[2]) for case in CASES if "^" in case[2]])
def test_the_carets_lie_under_the_pattern(pattern, text):
    _, picture, marks, *_ = text.split("\n")
    assert picture[4:].replace("\n", " ") == pattern.replace("\t", " ").replace("\n", " ")
    assert set(marks.strip()) == {"^"}
    assert len(marks) <= len(picture) + 1  # one beyond the end says that something is missing there


ADVISED = [
    "b c i+u j+v, o c u v -> b o i j",
    "b c i+u, c u, o c -> b o i",
    "b c i, c o u -> b o 2*i+u",
    "y[b,i] = x[b,i+u] * w[u]",
    "b i+u, u -> b i",
    "b c i, o c -> b o i",
    "sum prod b i -> b",
    "b 1, 1 -> b",
    "b ... i -> b ...",
]


@pytest.mark.parametrize("pattern", ADVISED)
def test_what_the_advice_recommends_is_itself_a_pattern(pattern):
    assert parse(pattern).text == pattern


def test_a_number_of_thousands_of_digits_is_refused_before_it_is_read():
    with pytest.raises(NotationError, match=r"^a number of 5000 digits\n") as caught:
        parse(f"b i+{'9' * 5000} -> b i")
    assert str(caught.value).endswith("  No array has so many cells.\n  Write a smaller one.")


@pytest.mark.parametrize(("given", "called"), [(None, "NoneType"), (3, "int"), (["b c -> b"], "list"), (b"b -> b", "bytes")])
def test_a_pattern_is_text(given, called):
    with pytest.raises(UsageError, match="a pattern is text") as caught:
        parse(given)
    assert str(caught.value) == f"a pattern is text, not {called}\n  Write for example 'b c i+u j+v, o c u v -> b o i j'."


def test_axes_alone_are_checked_alike():
    with pytest.raises(NotationError, match="missing") as caught:
        read_axes("b 2i")
    assert str(caught.value) == (
        "the '*' is missing in '2i'\n    b 2i\n      ^^\n  A stride or dilation is written with a star.\n  Write 2*i."
    )


def test_every_error_is_one_family_and_keeps_its_parts():
    with pytest.raises(SlidesumError, match="second arrow") as caught:
        parse("b -> b -> b")
    error = caught.value
    assert isinstance(error, NotationError)
    assert (error.text, error.span, error.headline) == ("b -> b -> b", (7, 9), "a second arrow")
    assert error.usual == "One equation is one layer."
    assert not issubclass(MeaningError, NotationError)


@pytest.mark.parametrize(
    ("text", "span", "lines"),
    [
        ("b c", (2, 3), ["    b c", "      ^"]),
        ("b c", (2, 2), ["    b c", "      ^"]),
        ("b c", (3, 4), ["    b c", "       ^"]),
        ("b\tc\nd", (4, 5), ["    b c d", "        ^"]),
        ("b c", None, []),
        ("  ", (0, 1), []),
    ],
)
def test_carets_are_at_least_one_and_tabs_are_one_wide(text, span, lines):
    assert carets(text, span) == lines
