"""What nobody means to give, and what is rarely given: NaN, nothing, too much. Whole texts, on every library."""

import jax.numpy as jnp
import numpy as np
import pytest
import torch

import slidesum as ss
from slidesum.errors import ArrayError, SizeError, SpaceError, UsageError

MAKERS = {"numpy": np.asarray, "torch": torch.as_tensor, "jax": jnp.asarray}
FLAT, LAYER = "s*i+u, u -> i", "b c i+u, o c u -> b o i"

REFUSED = {
    "a stride that is no number": (
        lambda make: ss.conv(FLAT, make(np.ones(9)), make(np.ones(3)), s=float("nan")),
        SizeError,
        """a size is a whole number or a symbol, not nan
  Write a size such as o=64 or o="k1".""",
    ),
    "a stride of zero": (
        lambda make: ss.conv(FLAT, make(np.ones(9)), make(np.ones(3)), s=0),
        SizeError,
        """the size s=0 is too small
    s*i+u, u -> i
    ^^^^^
  Give at least 1.""",
    ),
    "a padding that is no number": (
        lambda make: ss.conv("i+u, u -> i", make(np.ones(9)), make(np.ones(3)), padding=float("nan")),
        UsageError,
        """nan is no padding
  Padding is valid, same, same_lower, full, a number, (before, after), or a dict by position.
  Write padding="same", say.""",
    ),
    "positions beyond the array": (
        lambda make: ss.conv("i+u, u -> i", make(np.ones(9)), make(np.ones(3)), i=10**12),
        SizeError,
        """the address reaches 1000000000002 cells, and x with its padding has 9
    i+u, u -> i
    ^^^
  The extents of i, u were given, and they lead beyond the array.
  Give smaller extents, or pad.""",
    ),
    "an image of nothing": (
        lambda make: ss.conv("i+u, u -> i", make(np.ones(0)), make(np.ones(3))),
        SizeError,
        """the window of i spans 3 cells, and x with its padding has 0
    i+u, u -> i
    ^^^
  The axis has 0 cells, padded by 0 before and 0 after.
  Make the filter smaller, or pad: padding="same".""",
    ),
    "a maximum of nothing": (
        lambda make: ss.pool("max i+u -> i", make(np.ones(3)), u=0),
        SizeError,
        """there is no max of nothing, and 'u' has the extent 0
  Give an array that has values along it.""",
    ),
    "too few axes": (
        lambda make: ss.conv(LAYER, make(np.ones((3, 9))), make(np.ones((4, 3, 3)))),
        ss.errors.RankError,
        """x has 2 axes, and the pattern names 3
    b c i+u, o c u -> b o i
    ^^^^^^^
  The shape of x is (3, 9); a batch axis is easily forgotten.
  Name one axis for each axis of the array, or add an axis to the array (x[None] makes a batch of one).""",
    ),
    "maps that don't match": (
        lambda make: ss.conv(LAYER, make(np.ones((2, 3, 9))), make(np.ones((4, 5, 3)))),
        SizeError,
        """'c' is 5 on w, but 3 elsewhere
    b c i+u, o c u -> b o i
               ^
  An index has one extent, wherever it stands.
  Check the shapes, or the size given beside the pattern.""",
    ),
}


@pytest.mark.parametrize("library", MAKERS)
@pytest.mark.parametrize("name", REFUSED)
def test_refused_in_words(name, library):
    call, error, text = REFUSED[name]
    with pytest.raises(error) as refused:
        call(MAKERS[library])
    assert str(refused.value) == text


@pytest.mark.parametrize(("dtype", "itemsize"), [("float32", "400.0 TB"), ("float64", "800.0 TB")])
@pytest.mark.parametrize("library", ["numpy", "torch"])
def test_too_large_to_begin(library, dtype, itemsize, monkeypatch):
    for module in ("numpy", "torch"):
        monkeypatch.setattr(f"slidesum.run.{module}.free_bytes", lambda: 24 * 10**9)
    line = np.broadcast_to(np.ones((), dtype), (10**7,))
    wide = torch.ones((), dtype=getattr(torch, dtype)).expand(10**7) if library == "torch" else line
    with pytest.raises(SpaceError) as refused:
        ss.conv("i, j -> i j", wide, wide)
    assert (
        str(refused.value)
        == f"""this takes {itemsize}, and 24.0 GB are free
  The result, 10000000×10000000, has {itemsize}; 0 bytes are needed on the way.
  Compute it in parts along an axis that the result keeps, or with dask arrays."""
    )


@pytest.mark.parametrize("library", MAKERS)
def test_an_empty_batch_gives_an_empty_result(library):
    make = MAKERS[library]
    found = ss.conv(LAYER, make(np.ones((0, 3, 9))), make(np.ones((4, 3, 3))), padding="same")
    assert tuple(found.shape) == (0, 4, 9)
    back = ss.gradient(LAYER, "w", found, make(np.ones((0, 3, 9))), make(np.ones((4, 3, 3))), padding="same")
    np.testing.assert_array_equal(np.asarray(back), np.zeros((4, 3, 3)))


@pytest.mark.parametrize("library", MAKERS)
def test_a_sum_over_nothing_is_zero(library):
    make = MAKERS[library]
    found = ss.conv(LAYER, make(np.ones((2, 0, 9))), make(np.ones((4, 0, 3))))
    np.testing.assert_array_equal(np.asarray(found), np.zeros((2, 4, 7)))
    no_taps = ss.conv("i+u, u -> i", make(np.ones(3)), make(np.ones(0)))
    np.testing.assert_array_equal(np.asarray(no_taps), np.zeros(4))


def test_dtypes_are_not_mixed_unseen():
    with pytest.raises(ArrayError) as refused:
        ss.conv(LAYER, torch.ones((2, 3, 9)), torch.ones((4, 3, 3), dtype=torch.float64))
    assert (
        str(refused.value)
        == """the tensors have the dtypes torch.float32 and torch.float64
  torch doesn't promote in convolutions.
  Convert one of them, for example with .to(torch.float32)."""
    )
