"""What can't be computed is refused with the reason and the remedy; every text is read whole."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from slidesum.errors import ArrayError, RankError, SizeError, SlidesumError, UsageError
from slidesum.notation.parse import parse
from slidesum.run.execute import evaluate, solved

CONV = "b c i+u, o c u -> b o i"
BIASED = "y[b,o,i] = x[b,c,i+u] * w[o,c,u] + a[o]"
X, W = np.zeros((2, 3, 8)), np.zeros((4, 3, 3))
TX, TW = torch.zeros(2, 3, 8), torch.zeros(4, 3, 3)

ERRORS: dict[str, tuple[type[SlidesumError], str, list[Any], dict[str, Any], str]] = {
    "wrong rank": (
        RankError,
        CONV,
        [X[0], W],
        {},
        """\
x has 2 axes, and the pattern names 3
    b c i+u, o c u -> b o i
    ^^^^^^^
  The shape of x is (3, 8); a batch axis is easily forgotten.
  Name one axis for each axis of the array, or add an axis to the array (x[None] makes a batch of one).""",
    ),
    "a number for an array": (
        RankError,
        CONV,
        [X, 2.0],
        {},
        """\
w has 0 axes, and the pattern names 3
    b c i+u, o c u -> b o i
             ^^^^^
  The shape of w is ().
  Name one axis for each axis of the array.""",
    ),
    "too few arrays": (
        RankError,
        CONV,
        [X],
        {},
        """\
the pattern has 2 operands, and 1 arrays were given
    b c i+u, o c u -> b o i
    ^^^^^^^^^^^^^^
  Operands are separated by commas; the bias is no operand.
  Give one array for each operand, and the bias as bias=.""",
    ),
    "wrong size": (
        SizeError,
        CONV,
        [TX, torch.zeros(4, 5, 3)],
        {},
        """\
'c' is 5 on w, but 3 elsewhere
    b c i+u, o c u -> b o i
               ^
  An index has one extent, wherever it stands.
  Check the shapes, or the size given beside the pattern.""",
    ),
    "a window larger than the array": (
        SizeError,
        CONV,
        [X, np.zeros((4, 3, 9))],
        {},
        """\
the window of i spans 9 cells, and x with its padding has 8
    b c i+u, o c u -> b o i
        ^^^
  The axis has 8 cells, padded by 0 before and 0 after.
  Make the filter smaller, or pad: padding="same".""",
    ),
    "an open size": (
        SizeError,
        "max b i+u -> b i",
        [np.zeros((2, 3))],
        {},
        """\
the extent of 'u' is open
    max b i+u -> b i
          ^^^
  Nothing that was given has an axis of that name alone.
  Give it beside the pattern: u=3.""",
    ),
    "a symbol for a size": (
        SizeError,
        "max b i+u -> b i",
        [np.zeros((2, 3))],
        {"sizes": {"u": "k"}},
        """\
the size u=k is a symbol
  Symbols are enough to count, but not to compute: give a number.""",
    ),
    "the maximum of nothing": (
        SizeError,
        "max b c -> b",
        [np.zeros((2, 0))],
        {},
        """\
there is no max of nothing, and 'c' has the extent 0
  Give an array that has values along it.""",
    ),
    "the mean of nothing, torch": (
        SizeError,
        "mean b i+u -> b i",
        [torch.zeros(2, 3)],
        {"sizes": {"u": 0}},
        """\
there is no mean of nothing, and 'u' has the extent 0
  Give an array that has values along it.""",
    ),
    "torch and numpy": (
        ArrayError,
        CONV,
        [TX, W],
        {},
        """\
a torch tensor meets a ndarray
  All arrays of an equation belong to one library, so that nothing is copied unseen.
  Convert one of them: torch.as_tensor(a), or t.detach().numpy().""",
    ),
    "torch and a list": (
        ArrayError,
        BIASED,
        [TX, TW],
        {"bias": [1, 2, 3, 4]},
        """\
a torch tensor meets a list
  All arrays of an equation belong to one library, so that nothing is copied unseen.
  Convert one of them: torch.as_tensor(a), or t.detach().numpy().""",
    ),
    "two dtypes": (
        ArrayError,
        CONV,
        [TX, TW.double()],
        {},
        """\
the tensors have the dtypes torch.float32 and torch.float64
  torch doesn't promote in convolutions.
  Convert one of them, for example with .to(torch.float32).""",
    ),
    "a bias of another dtype": (
        ArrayError,
        BIASED,
        [TX, TW],
        {"bias": torch.zeros(4, dtype=torch.float16)},
        """\
the tensors have the dtypes torch.float32 and torch.float16
  torch doesn't promote in convolutions.
  Convert one of them, for example with .to(torch.float32).""",
    ),
    "two devices": (
        ArrayError,
        CONV,
        [TX, TW.to("meta")],
        {},
        """\
the tensors are on cpu and meta
  Move one of them, for example with .to('cpu').""",
    ),
    "sparse": (
        ArrayError,
        CONV,
        [TX.to_sparse(), TW],
        {},
        """\
a tensor is torch.sparse_coo
  Make it dense first, with x.to_dense().""",
    ),
    "bool": (
        ArrayError,
        CONV,
        [X > 0, W],
        {},
        """\
no sums and products of dtype bool
  Convert the array to numbers, for example with x.astype('float32').""",
    ),
    "bool, torch": (
        ArrayError,
        CONV,
        [TX > 0, TW > 0],
        {},
        """\
no sums and products of dtype torch.bool
  Convert the tensor to numbers, for example with x.float().""",
    ),
    "text": (
        ArrayError,
        CONV,
        [X.astype("U3"), W],
        {},
        """\
no sums and products of dtype <U3
  Convert the array to numbers, for example with x.astype('float32').""",
    ),
    "objects": (
        ArrayError,
        CONV,
        [X.astype(object), W],
        {},
        """\
an array of Python objects is no array of numbers
  Give an array of NumPy, torch, JAX or dask.""",
    ),
    "nothing": (
        ArrayError,
        CONV,
        [None, W],
        {},
        """\
NoneType is no array of numbers
  Give an array of NumPy, torch, JAX or dask.""",
    ),
    "a ragged list": (
        ArrayError,
        CONV,
        [[[1], [2, 3]], W],
        {},
        """\
list is no array of numbers
  Give an array of NumPy, torch, JAX or dask.""",
    ),
    "the maximum of complex numbers": (
        ArrayError,
        "max b i -> b",
        [np.zeros((2, 3), complex)],
        {},
        """\
complex numbers have no max
  Pool the absolute values, abs(x).""",
    ),
    "the minimum of complex numbers, torch": (
        ArrayError,
        "min b i -> b",
        [torch.zeros(2, 3, dtype=torch.complex64)],
        {},
        """\
complex numbers have no min
  Pool the absolute values, x.abs().""",
    ),
    "a complex border of real numbers": (
        ArrayError,
        CONV,
        [X, W],
        {"padding": 1, "border": 2j},
        """\
an array of float64 can't hold the border 2j
  The border becomes part of the array.
  Convert the array, or give a border of its kind.""",
    ),
    "a broken border of whole numbers": (
        ArrayError,
        CONV,
        [TX.int(), TW.int()],
        {"padding": 1, "border": 0.5},
        """\
an array of torch.int32 can't hold the border 0.5
  The border becomes part of the array.
  Convert the array, or give a border of its kind.""",
    ),
    "a border too large": (
        ArrayError,
        CONV,
        [X.astype("uint8"), W.astype("uint8")],
        {"padding": 1, "border": -1},
        """\
an array of uint8 can't hold the border -1
  The border becomes part of the array.
  Convert the array, or give a border of its kind.""",
    ),
    "a bias of the wrong shape": (
        SizeError,
        BIASED,
        [X, W],
        {"bias": np.zeros(5)},
        """\
the bias has the shape (5,), and (4,) is expected
  A bias has one number for each filter, and is added to its whole map.
  Give it that shape, or name its axes in the equation: '… + a[o]'.""",
    ),
    "a missing bias": (
        UsageError,
        BIASED,
        [X, W],
        {},
        """\
the equation has a bias, and no array was given for it
  Give bias= exactly when the equation adds one.""",
    ),
    "a bias too many": (
        UsageError,
        CONV,
        [X, W],
        {"bias": np.zeros(4)},
        """\
a bias was given, and the equation has none
  Give bias= exactly when the equation adds one.""",
    ),
    "no padding": (
        UsageError,
        CONV,
        [X, W],
        {"padding": (("i", 1),)},
        """\
(('i', 1),) is no padding
  Padding is valid, same, same_lower, full, a number, (before, after), or a dict by position.
  Write padding="same", say.""",
    ),
    "no border": (
        UsageError,
        CONV,
        [X, W],
        {"border": "mirror"},
        """\
'mirror' is no border
  Write one of zero, circular, reflect, replicate, or a number.""",
    ),
}


@pytest.mark.parametrize("name", ERRORS)
def test_the_whole_text(name: str):
    kind, pattern, arrays, options, text = ERRORS[name]
    with pytest.raises(SlidesumError) as caught:
        evaluate(parse(pattern), arrays, **options)
    assert type(caught.value) is kind
    assert str(caught.value) == text


def test_a_border_that_stands_nowhere_is_not_looked_at():
    assert evaluate(parse(CONV), [X.astype(int), W.astype(int)], border=0.5).shape == (2, 4, 6)


@pytest.mark.parametrize("padding", [(1, 2), [1, 2], {"i": (1, 2)}, {"i": [1, 2]}], ids=str)
def test_a_pair_may_be_a_list(padding: Any):
    assert evaluate(parse(CONV), [X, W], padding=padding).shape == (2, 4, 9)


def test_an_empty_dict_pads_nothing():
    assert evaluate(parse(CONV), [X, W], padding={}).shape == (2, 4, 6)


def test_what_was_solved_once_is_remembered():
    def again(**options: Any) -> Any:
        shapes = [X.shape, W.shape]
        return solved(parse(CONV), shapes, None, **{"padding": "valid", "border": "zero", "extent": None} | options)

    assert again() is again()
    assert again(padding={"i": 1}) is again(padding={"i": 1})
    assert again(padding={"i": 1}) is not again(padding={"i": 2})
    assert again(border=1).border == 1
    assert isinstance(again(border=1 + 0j).border, complex)  # equal to 1, and yet another border
    with pytest.raises(UsageError, match="True is no border"):
        again(border=True)
