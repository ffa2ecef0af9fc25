"""One call, four libraries: the array says which; mixing is refused in words."""

import dask.array as da
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

import slidesum as ss

LAYER = "b c i+u j+v, o c u v -> b o i j"
RANDOM = np.random.default_rng(0)
X, W, A = (RANDOM.standard_normal(shape).astype("float32") for shape in ((2, 3, 9, 8), (4, 3, 3, 3), (4,)))
MAKERS = {"numpy": np.asarray, "torch": torch.as_tensor, "jax": jnp.asarray, "dask": lambda x: da.from_array(x, chunks=2)}
CLASSES = {"numpy": np.ndarray, "torch": torch.Tensor, "jax": jax.Array, "dask": da.Array}


@pytest.mark.parametrize("name", MAKERS)
def test_the_array_says_who_computes(name):
    wanted = ss.conv(LAYER, X.astype("float64"), W.astype("float64"), bias=A.astype("float64"), padding="same")
    found = ss.conv(LAYER, MAKERS[name](X), MAKERS[name](W), bias=MAKERS[name](A), padding="same")
    assert isinstance(found, CLASSES[name])
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", MAKERS)
def test_gradients(name):
    dy = RANDOM.standard_normal((2, 4, 9, 8)).astype("float32")
    for operand, shape in (("x", X.shape), ("w", W.shape), ("a", A.shape)):
        wanted = ss.gradient(LAYER, operand, *(x.astype("float64") for x in (dy, X, W)), bias=A, padding="same")
        make = MAKERS[name]
        found = ss.gradient(LAYER, operand, make(dy), make(X), make(W), bias=make(A), padding="same")
        assert isinstance(found, CLASSES[name])
        assert found.shape == shape
        np.testing.assert_allclose(np.asarray(found), wanted, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", MAKERS)
def test_poolings(name):
    found = ss.pool("b c 2*i+u 2*j+v -> b c i j", MAKERS[name](X), "max", u=2, v=2)
    assert isinstance(found, CLASSES[name])
    np.testing.assert_allclose(np.asarray(found), X[:, :, :8].reshape(2, 3, 4, 2, 4, 2).max((3, 5)))


def test_filters_of_a_chunked_layer_may_be_arrays_of_numpy():
    found = ss.conv(LAYER, MAKERS["dask"](X), W, bias=A, padding="same", memory=2**16)
    assert isinstance(found, da.Array)
    np.testing.assert_allclose(found.compute(), ss.conv(LAYER, X, W, bias=A, padding="same"), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("arrays", "text"),
    [
        (
            lambda: (torch.as_tensor(X), W),
            """a torch tensor meets a ndarray
  All arrays of an equation belong to one library, so that nothing is copied unseen.
  Convert one of them: torch.as_tensor(a), or t.detach().numpy().""",
        ),
        (
            lambda: (jnp.asarray(X), W),
            """a JAX array meets a ndarray
  All arrays of an equation belong to one library, so that nothing is copied unseen.
  Convert one of them: jax.numpy.asarray(a), or numpy.asarray(a).""",
        ),
        (
            lambda: (X, torch.as_tensor(W)),
            """a torch tensor meets a ndarray
  All arrays of an equation belong to one library, so that nothing is copied unseen.
  Convert one of them: torch.as_tensor(a), or t.detach().numpy().""",
        ),
        (
            lambda: (da.from_array(X), torch.as_tensor(W)),
            """a dask array meets a torch tensor
  Chunks are computed with NumPy, so the filters beside them are NumPy arrays, or dask arrays too.
  Convert it: numpy.asarray(a).""",
        ),
    ],
)
def test_libraries_are_not_mixed(arrays, text):
    with pytest.raises(ss.errors.ArrayError) as refused:
        ss.conv(LAYER, *arrays())
    assert str(refused.value) == text


def test_chunks_of_unknown_size():
    x = da.from_array(np.arange(8.0), chunks=4)
    with pytest.raises(ss.errors.ArrayError) as refused:
        ss.conv("i+u, u -> i", x[x > 2], np.ones(3))
    assert (
        str(refused.value)
        == """a dask array has chunks of unknown size
  A selection by values was made, and how much it leaves is known only when it is computed.
  Call x.compute_chunk_sizes() first."""
    )


def test_gradients_of_chunked_poolings_are_refused():
    with pytest.raises(ss.errors.ArrayError) as refused:
        ss.gradient("max i+u -> i", "x", np.ones(6), da.from_array(np.arange(8.0)), u=3)
    assert (
        str(refused.value)
        == """the gradient of dask arrays is that of products and sums of real numbers
  What wins a maximum, and a conjugate, are not computed chunk by chunk.
  Call .compute() on the arrays first."""
    )


OPTIONS = {
    "no method": (
        {"plan": "fourier"},
        """'fourier' is no way to compute an equation
  Those that can be forced here: direct, unfolded, windows.
  Name one of them, or leave plan= out.""",
    ),
    "not a name": (
        {"plan": 3},
        """plan= is the name of a method, not 3
  Write one of library, channels-last, direct, unfolded, taps, fft, transposed, folded, pooling, windows, matmul, sum.""",
    ),
    "exact": (
        {"exact": "no"},
        """exact= is True or False, not 'no'
  Write exact=False to allow Fourier transforms.""",
    ),
    "memory": (
        {"memory": "2 GB"},
        """memory= is a number of bytes, not '2 GB'
  Write memory=2**30, say.""",
    ),
    "no memory": (
        {"memory": 0},
        """memory= is a number of bytes, not 0
  Write memory=2**30, say.""",
    ),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_options_are_checked(name):
    options, text = OPTIONS[name]
    with pytest.raises(ss.errors.UsageError) as refused:
        ss.conv(LAYER, X, W, **options)
    assert str(refused.value) == text


def test_a_plan_for_shapes_or_for_arrays():
    for_shapes = ss.plan(LAYER, X.shape, W.shape, padding="same")
    assert str(for_shapes) == str(ss.plan(LAYER, X, W, padding="same"))
    with pytest.raises(ss.errors.UsageError, match="operands are all arrays, or all shapes"):
        ss.plan(LAYER, X, W.shape)
    with pytest.raises(ss.errors.UsageError, match="there is no backend 'cupy'"):
        ss.plan(LAYER, X.shape, W.shape, backend="cupy")
    with pytest.raises(ss.errors.UsageError, match="'text' is no dtype to compute with"):
        ss.plan(LAYER, X.shape, W.shape, dtype="text")
