"""Sizes: exact integers, or formulas when a size is a symbol.

A size is an `int` or a SymPy expression. Every function here does plain integer arithmetic on integers and hands over to SymPy only
when it meets an expression, so SymPy is imported when, and only when, somebody writes `o="k1"`.

    >>> ceil_div(7, 2), size("k1") + 1, ceil_div(size("n"), 1)
    (4, k1 + 1, n)

A formula is exact for whole numbers. A symbol that multiplies sizes may also be given a fraction, as the width 3/4 of a MobileNet,
if every size that it stands in becomes whole: a `Ratio` is a size or such a fraction.

    >>> substitute(size("32*alpha"), {"alpha": ratio("3/4")}), scaled(32, 0.75), scaled(32, "alpha")
    (24, 24, 32*alpha)
"""

from __future__ import annotations

import ast
import math
import operator
import re
import warnings
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from typing import TYPE_CHECKING, Any, Union

from slidesum.errors import SizeError

if TYPE_CHECKING:
    import sympy

Size = Union[int, "sympy.Expr"]
SizeLike = Union[int, str, "sympy.Expr"]
Ratio = Union[int, Fraction, "sympy.Expr"]
RatioLike = Union[int, float, str, Fraction, "sympy.Expr"]


def is_number(value: Size) -> bool:
    """True for an integer, False for a formula."""
    return type(value) is int or not hasattr(value, "free_symbols")


def size(value: SizeLike) -> Size:
    """An integer, a symbol or a formula from what a user writes: 3, "k1", "2*k1 + 1", "n//2".

    A symbol stands for a positive integer. Text is read as arithmetic (+ - * / // ** and parentheses) and never evaluated as code.
    """
    if isinstance(value, bool) or not (isinstance(value, str) or hasattr(value, "__index__") or hasattr(value, "free_symbols")):
        raise SizeError(f"a size is a whole number or a symbol, not {value!r}", advice='Write a size such as o=64 or o="k1".')
    found = tidy(_from_text(value) if isinstance(value, str) else value)
    if not is_number(found) and not _is_finite_formula(found):
        raise SizeError(
            f"the size {str(value)[:60]!r} is no whole number", advice='Write a size such as o=64, o="k1" or o="k1//2".'
        )
    return found


def tidy(value: Any) -> Size:
    """A formula without symbols is a number again; NumPy integers become Python's; formulas are multiplied out."""
    if type(value) is int:  # as nearly all are
        return value
    if not is_number(value):
        import sympy

        if value.is_Integer:
            return int(value)
        return sympy.expand(value) if value.free_symbols or not value.is_integer else int(value)
    try:
        return operator.index(value)
    except TypeError:  # a symbolic integer of torch.export or torch.compile, which must stay what it is
        return value


def ratio(value: RatioLike) -> Ratio:
    """What may multiply sizes: a size, or an exact fraction from what a user writes.

    >>> ratio("3/4"), ratio(0.75), ratio("1.0"), ratio("2*alpha")
    (Fraction(3, 4), Fraction(3, 4), 1, 2*alpha)

    A decimal number is what it says: 0.714 is 357/500 and not 5/7. Raises SizeError for what is no number.
    """
    if isinstance(value, Fraction):
        return value.numerator if value.denominator == 1 else value
    found = number(str(value)) if isinstance(value, str | float) else None
    if found is None and isinstance(value, float):
        raise SizeError(f"{value!r} multiplies no size", advice='Write a number such as 0.75, a fraction "3/4" or a symbol.')
    return size(value) if found is None else found


def number(text: str) -> int | Fraction | None:
    """A whole number, a decimal number or a fraction, exactly; None for any other text.

    >>> number("8"), number("0.75"), number("k1")
    (8, Fraction(3, 4), None)
    """
    if not _FRACTION.fullmatch(text.strip()):
        return None
    found = Fraction(text.strip())
    return found.numerator if found.denominator == 1 else found


def scaled(value: SizeLike, factor: RatioLike) -> Size:
    """A size times a ratio. Raises SizeError where the product is no whole number."""
    product = size(value) * ratio(factor)
    if isinstance(product, Fraction):
        if product.denominator != 1:
            raise SizeError(f"{value}·{factor} = {product} is no whole number", advice="Give a factor that makes it whole.")
        return product.numerator
    return tidy(product)


def prod(values: Iterable[Size]) -> Size:
    """The product, 1 for none.

    >>> prod([5, 5, size("k1")])
    25*k1
    """
    return tidy(math.prod(values))


def floor_div(a: Size, b: Size) -> Size:
    """The largest integer that is at most a / b."""
    return tidy(a) if is_number(b) and b == 1 else tidy(a // b)


def ceil_div(a: Size, b: Size) -> Size:
    """The smallest integer that is at least a / b."""
    if is_number(a) and is_number(b):
        return -(-a // b)
    if is_number(b) and b == 1:
        return a
    import sympy

    return tidy(sympy.ceiling(sympy.sympify(a) / b))


def largest(*values: Size) -> Size:
    """The maximum, as `Max(…)` where it can't be decided."""
    if all(is_number(v) for v in values):
        return max(values)
    import sympy

    return tidy(sympy.Max(*values))


def smallest(*values: Size) -> Size:
    """The minimum, as `Min(…)` where it can't be decided."""
    if all(is_number(v) for v in values):
        return min(values)
    import sympy

    return tidy(sympy.Min(*values))


def surely_less(a: Size, b: Size) -> bool:
    """True only if a < b whatever positive integers the symbols stand for."""
    if is_number(a) and is_number(b):
        return bool(a < b)
    difference: Any = b - a
    return bool(difference.is_positive)


def surely_differ(a: Size, b: Size) -> bool:
    """True only if a and b can't be equal: two numbers that differ, or formulas whose difference is a nonzero number."""
    if is_number(a) and is_number(b):
        return bool(a != b)
    import sympy

    difference = sympy.expand(a - b)
    return bool(difference.is_nonzero)


def substitute(value: Size, numbers: Mapping[str, Ratio]) -> Size:
    """The size with symbols replaced; what isn't named stays a symbol. Raises SizeError where the result is no whole number."""
    if is_number(value):
        return value
    import sympy

    assert not isinstance(value, int)
    found = tidy(value.subs({_symbol(sympy, name): number for name, number in numbers.items()}, simultaneous=True))
    if getattr(found, "is_Rational", False):  # whole ones are integers by now
        given = ", ".join(f"{name}={numbers[name]}" for name in sorted(symbols(value)))
        raise SizeError(
            f"the size {value} is {found} with {given}, which is no whole number", advice="Give numbers that make every size whole."
        )
    return found


def symbols(value: Size) -> set[str]:
    """The names of the symbols in a size."""
    return set() if isinstance(value, int) else {str(s) for s in getattr(value, "free_symbols", ())}


def _is_finite_formula(value: Any) -> bool:
    import sympy

    return bool(symbols(value)) and not value.has(sympy.zoo, sympy.nan, sympy.oo, -sympy.oo)


def _symbol(sympy: Any, name: str) -> Any:
    return sympy.Symbol(name, integer=True, positive=True)


_OPERATIONS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}
_FUNCTIONS = {"floor", "ceiling", "Max", "Min"}
_FRACTION = re.compile(r"\d{1,30}(\.\d{1,30}|/0*[1-9]\d{0,29})?")
_LONGEST = 1000
_MOST_TERMS = 1000
_MOST_BITS = 4096


def _from_text(text: str) -> Any:
    advice = 'Write a number, a symbol such as "k1", or arithmetic such as "2*k1 + 1".'
    refused = SizeError(f"the size {text[:60]!r} can't be read", advice=advice)
    if len(text) > _LONGEST:
        raise refused
    if text.strip().isdecimal():
        return int(text)
    try:
        with warnings.catch_warnings():  # "1or 2" is a matter of taste to Python, and none to us
            warnings.simplefilter("ignore", SyntaxWarning)
            warnings.simplefilter("ignore", DeprecationWarning)
            tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise refused from None

    def walk(node: ast.expr) -> Any:
        import sympy

        match node:
            case ast.Constant(value=int(number)) if not isinstance(number, bool):
                return sympy.Integer(number)
            case ast.Name(id=name):
                return _symbol(sympy, name)
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return -walk(inner)
            case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(power))):
                return walk(left) ** power
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATIONS and not isinstance(op, ast.Pow):
                return _OPERATIONS[type(op)](walk(left), walk(right))
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in _FUNCTIONS and arguments:
                return getattr(sympy, name)(*map(walk, arguments))
            case _:
                raise refused

    try:
        terms, bits = _worst(tree)
        if terms > _MOST_TERMS or bits > _MOST_BITS:
            raise refused
        return walk(tree)
    except (ZeroDivisionError, TypeError, RecursionError):
        raise refused from None


def _worst(node: ast.AST) -> tuple[int, int]:
    """At most how many terms the formula has multiplied out, and how many bits its numbers: told before anything is computed."""
    match node:
        case ast.Constant(value=int(number)):
            return 1, number.bit_length()
        case ast.BinOp(left=left, op=ast.Pow(), right=ast.Constant(value=int(power))):
            terms, bits = _worst(left)
            power = min(power, _MOST_BITS + 1)
            return min(terms, _MOST_TERMS + 1) ** power, max(1, bits) * power
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub(), right=right):
            (terms, bits), (more, others) = _worst(left), _worst(right)
            return terms + more, max(bits, others) + 1
        case _:
            parts = [_worst(part) for part in ast.iter_child_nodes(node)]
            return math.prod(terms for terms, _ in parts), sum(bits for _, bits in parts)
