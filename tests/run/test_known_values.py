"""Against torch's own layers, against numbers known from elsewhere, and the example of 1337 maps."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from slidesum.laws.count import count
from slidesum.laws.explain import readings
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.run import reference
from slidesum.run.execute import evaluate


def drawn(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype("float32")


Case = tuple[str, list[tuple[int, ...]], dict[str, Any], Callable[..., torch.Tensor]]
CONV1, CONV2 = "b c i+u, o c u -> b o i", "b c i+u j+v, o c u v -> b o i j"
CONV3 = "b c i+u j+v k+w, o c u v w -> b o i j k"
POOL2 = "b c 2*i+u 2*j+v -> b c i j"
UV3 = {"sizes": {"u": 3, "v": 3}}

LAYERS: dict[str, Case] = {
    "conv1d": (CONV1, [(2, 3, 20), (4, 3, 5)], {}, F.conv1d),
    "conv2d": (CONV2, [(2, 3, 12, 11), (4, 3, 5, 3)], {}, F.conv2d),
    "conv3d": (CONV3, [(2, 3, 6, 7, 8), (4, 3, 3, 2, 3)], {}, F.conv3d),
    "same": (CONV2, [(2, 3, 12, 11), (4, 3, 5, 3)], {"padding": "same"}, lambda x, w: F.conv2d(x, w, padding="same")),
    "full": (CONV2, [(2, 3, 12, 11), (4, 3, 5, 3)], {"padding": "full"}, lambda x, w: F.conv2d(x, w, padding=(4, 2))),
    "strided": (
        "b c 2*i+u-3 3*j+v-1, o c u v -> b o i j",
        [(2, 3, 24, 23), (4, 3, 7, 3)],
        {},
        lambda x, w: F.conv2d(x, w, stride=(2, 3), padding=(3, 1)),
    ),
    "dilated": (
        "b c i+2*u j+3*v, o c u v -> b o i j",
        [(2, 3, 24, 23), (4, 3, 3, 3)],
        {},
        lambda x, w: F.conv2d(x, w, dilation=(2, 3)),
    ),
    "grouped": (
        "b (g c) i+u j+v, (g o) c u v -> b (g o) i j",
        [(2, 6, 12, 11), (8, 3, 3, 3)],
        {"sizes": {"g": 2}},
        lambda x, w: F.conv2d(x, w, groups=2),
    ),
    "depthwise": (
        "b c i+u j+v, c u v -> b c i j",
        [(2, 6, 12, 11), (6, 3, 3)],
        {},
        lambda x, w: F.conv2d(x, w[:, None], groups=6),
    ),
    "circular": (
        CONV2,
        [(2, 3, 12, 11), (4, 3, 3, 3)],
        {"padding": 1, "border": "circular"},
        lambda x, w: F.conv2d(F.pad(x, (1, 1, 1, 1), mode="circular"), w),
    ),
    "reflect": (
        CONV2,
        [(2, 3, 12, 11), (4, 3, 5, 5)],
        {"padding": 2, "border": "reflect"},
        lambda x, w: F.conv2d(F.pad(x, (2, 2, 2, 2), mode="reflect"), w),
    ),
    "replicate": (
        CONV2,
        [(2, 3, 12, 11), (4, 3, 5, 5)],
        {"padding": 2, "border": "replicate"},
        lambda x, w: F.conv2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), w),
    ),
    "conv_transpose1d": (
        "b c i, c o u -> b o 2*i+u",
        [(2, 3, 9), (3, 4, 5)],
        {},
        lambda x, w: F.conv_transpose1d(x, w, stride=2),
    ),
    "conv_transpose2d": (
        "b c i j, c o u v -> b o 2*i+u-1 2*j+v-1",
        [(2, 3, 9, 8), (3, 4, 3, 3)],
        {"extent": {"i": 18, "j": 16}},
        lambda x, w: F.conv_transpose2d(x, w, stride=2, padding=1, output_padding=1),
    ),
    "conv_transpose2d, dilated": (
        "b c i j, c o u v -> b o i+2*u j+3*v",
        [(2, 3, 9, 8), (3, 4, 3, 3)],
        {},
        lambda x, w: F.conv_transpose2d(x, w, dilation=(2, 3)),
    ),
    "conv_transpose2d, grouped": (
        "b (g c) i j, (g c) o u v -> b (g o) 2*i+u 2*j+v",
        [(2, 6, 9, 8), (6, 4, 3, 3)],
        {"sizes": {"g": 2}},
        lambda x, w: F.conv_transpose2d(x, w, stride=2, groups=2),
    ),
    "linear": ("b c, o c -> b o", [(5, 30), (7, 30)], {}, F.linear),
    "max_pool1d": ("max b c 3*i+u -> b c i", [(2, 3, 20)], {"sizes": {"u": 5}}, lambda x: F.max_pool1d(x, 5, 3)),
    "max_pool2d": (f"max {POOL2}", [(2, 3, 13, 12)], UV3, lambda x: F.max_pool2d(x, 3, 2)),
    "max_pool2d, padded": (f"max {POOL2}", [(2, 3, 13, 12)], UV3 | {"padding": 1}, lambda x: F.max_pool2d(x, 3, 2, 1)),
    "max_pool3d": (
        "max b c i+u j+v k+w -> b c i j k",
        [(2, 3, 6, 7, 8)],
        {"sizes": {"u": 2, "v": 3, "w": 2}},
        lambda x: F.max_pool3d(x, (2, 3, 2), 1),
    ),
    "avg_pool2d": (f"mean {POOL2}", [(2, 3, 13, 12)], UV3, lambda x: F.avg_pool2d(x, 3, 2)),
    "avg_pool2d, padded": (f"mean {POOL2}", [(2, 3, 13, 12)], UV3 | {"padding": 1}, lambda x: F.avg_pool2d(x, 3, 2, 1)),
    "adaptive_avg_pool2d": ("mean b c i j -> b c 1 1", [(2, 3, 13, 12)], {}, lambda x: F.adaptive_avg_pool2d(x, 1)),
    "unfold": (
        "b c i+u j+v -> b (c u v) (i j)",
        [(2, 3, 7, 6)],
        {"sizes": {"u": 3, "v": 2}},
        lambda x: F.unfold(x, (3, 2)),
    ),
    "fold": (
        "b (c u v) (i j) -> b c i+u j+v",
        [(2, 18, 20)],
        {"sizes": {"u": 3, "v": 2, "i": 4}},
        lambda x: F.fold(x, (6, 6), (3, 2)),
    ),
    "pixel_shuffle": (
        "b (c u v) i j -> b c (i u) (j v)",
        [(2, 12, 5, 4)],
        {"sizes": {"u": 2, "v": 2}},
        lambda x: F.pixel_shuffle(x, 2),
    ),
    "nearest": (
        "b c i j -> b c 2*i+u 2*j+v",
        [(2, 3, 5, 4)],
        {"sizes": {"u": 2, "v": 2}},
        lambda x: F.interpolate(x, scale_factor=2),
    ),
}


@pytest.mark.parametrize("name", LAYERS)
def test_torch_layers(name: str):
    pattern, shapes, options, layer = LAYERS[name]
    arrays = [drawn(*shape, seed=k) for k, shape in enumerate(shapes)]
    tensors = [torch.from_numpy(x) for x in arrays]
    wanted = layer(*tensors)
    by_torch = evaluate(parse(pattern), tensors, **options)
    by_numpy = evaluate(parse(pattern), arrays, **options)
    torch.testing.assert_close(by_torch, wanted, rtol=1e-6, atol=1e-6)
    assert by_numpy.dtype == np.float32
    np.testing.assert_allclose(by_numpy, wanted.numpy(), rtol=1e-5, atol=2e-5)


@pytest.mark.parametrize("name", [n for n in LAYERS if "max" in n or n in ("conv2d", "depthwise", "avg_pool2d", "nearest")])
def test_the_same_kernel_gives_the_same_bits(name: str):
    pattern, shapes, options, layer = LAYERS[name]
    tensors = [torch.from_numpy(drawn(*shape, seed=k)) for k, shape in enumerate(shapes)]
    assert torch.equal(evaluate(parse(pattern), tensors, **options), layer(*tensors))


# Numbers that can be checked by hand

BY_HAND: dict[str, tuple[str, list[Any], dict[str, Any], Any]] = {
    "correlation": ("i+u, u -> i", [[1, 2, 3, 4], [10, 1]], {}, [12, 23, 34]),
    "true convolution": ("i-u, u -> i", [[1, 2, 3, 4], [10, 1]], {}, [21, 32, 43]),
    "a product of polynomials": ("i, u -> i+u", [[1, 2, 1], [1, 2, 1]], {}, [1, 4, 6, 4, 1]),
    "the same, gathered": ("i-u, u -> i", [[1, 2, 1], [1, 2, 1]], {"padding": "full"}, [1, 4, 6, 4, 1]),
    "same": ("i+u, u -> i", [[1, 2, 3, 4], [10, 1]], {"padding": "same"}, [12, 23, 34, 40]),
    "same_lower": ("i+u, u -> i", [[1, 2, 3, 4], [10, 1]], {"padding": "same_lower"}, [1, 12, 23, 34]),
    "circular": ("i+u, u -> i", [[1, 2, 3, 4], [10, 1]], {"padding": "same", "border": "circular"}, [12, 23, 34, 41]),
    "stride 2": ("2*i+u, u -> i", [[1, 2, 3, 4, 5], [10, 1]], {}, [12, 34]),
    "dilation 2": ("i+2*u, u -> i", [[1, 2, 3, 4], [10, 1]], {}, [13, 24]),
    "transposed": ("i, u -> 2*i+u", [[1, 2], [1, 10, 100]], {}, [1, 10, 102, 20, 200]),
    "a transposed one with a gap": ("i, u -> 3*i+u", [[1, 2], [1, 10]], {}, [1, 10, 0, 2, 20]),
    "max": ("max 2*i+u -> i", [[1, 5, 2, 4]], {"sizes": {"u": 2}}, [5, 4]),
    "mean counts the padding": ("mean i+u-1 -> i", [[3, 6]], {"sizes": {"u": 3}}, [3, 3]),
    "a window in the border altogether": ("max i+u -> i", [[1.0]], {"sizes": {"u": 1}, "padding": 1}, [-np.inf, 1, -np.inf]),
    "repeated": ("i -> n i", [[1, 2]], {"sizes": {"n": 2}}, [[1, 2], [1, 2]]),
    "diagonal": ("i i -> i", [[[1, 2], [3, 4]]], {}, [1, 4]),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_by_hand(name: str):
    pattern, arrays, options, wanted = BY_HAND[name]
    given = [np.asarray(x) for x in arrays]
    sized = solve(parse(pattern), [x.shape for x in given], **options)
    assert reference.evaluate(sized, given).tolist() == wanted
    assert evaluate(parse(pattern), given, **options).tolist() == wanted
    assert evaluate(parse(pattern), [torch.from_numpy(x) for x in given], **options).tolist() == wanted


def test_edges_of_a_step():
    """A Sobel filter on a step finds the step, and nothing else."""
    image = np.zeros((1, 5, 6))
    image[:, :, 3:] = 1
    sobel = np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]])
    found = evaluate(parse("b i+u j+v, u v -> b i j"), [image, sobel], padding="same", border="replicate")
    assert found.tolist() == [[[0, 0, 4, 4, 0, 0]] * 5]


def sizes_of_the_layers():
    """(N - F + 2P)/S + 1 for every padding number."""
    for cells, filter_size, stride, pad in itertools.product((11, 12, 13), (3, 4, 5), (1, 2, 3, 4), (0, 1, 2)):
        yield cells, filter_size, stride, pad, (cells - filter_size + 2 * pad) // stride + 1


@pytest.mark.parametrize("library", [np.zeros, torch.zeros], ids=["numpy", "torch"])
def test_output_sizes(library: Any):
    for cells, filter_size, stride, pad, wanted in sizes_of_the_layers():
        y = evaluate(parse("b s*i+u, u -> b i"), [library((1, cells)), library(filter_size)], sizes={"s": stride}, padding=pad)
        assert tuple(y.shape) == (1, wanted)


@pytest.mark.parametrize(("cells", "wanted"), [(227, 55), (224, 54)])
def test_the_first_layer_of_alexnet(cells: int, wanted: int):
    pattern = parse("b c 4*i+u 4*j+v, o c u v -> b o i j")
    x, w = drawn(1, 3, cells, cells), drawn(2, 3, 11, 11, seed=1)
    by_numpy, by_torch = evaluate(pattern, [x, w]), evaluate(pattern, [torch.from_numpy(x), torch.from_numpy(w)])
    assert by_numpy.shape == tuple(by_torch.shape) == (1, 2, wanted, wanted)
    np.testing.assert_allclose(by_numpy, by_torch.numpy(), rtol=1e-4, atol=1e-4)
    notes = solve(pattern, [x.shape, w.shape]).notes
    unread = "the last cell is left unread of the 224"
    assert notes == (
        ()
        if cells == 227
        else (
            f"i: {unread} on axis 2 of x (windows of 11, step 4)",
            f"j: {unread} on axis 3 of x (windows of 11, step 4)",
        )
    )


# 1337 maps of 42×314 and a filter that slides over all three axes

STACK = "b d+t i+u j+v, t u v -> b d i j"


@pytest.fixture(scope="module")
def maps() -> np.ndarray:
    return drawn(1, 1337, 42, 314)


@pytest.fixture(scope="module")
def slid(maps: np.ndarray) -> np.ndarray:
    return evaluate(parse(STACK), [maps, drawn(3, 4, 5, seed=1)])


def test_1337_maps(maps: np.ndarray, slid: np.ndarray):
    w = drawn(3, 4, 5, seed=1)
    assert slid.shape == (1, 1335, 39, 310)
    assert count(solve(parse(STACK), [maps.shape, w.shape])).weights == w.size == 60
    by_torch = evaluate(parse(STACK), [torch.from_numpy(maps), torch.from_numpy(w)])
    assert np.abs(by_torch.numpy() - slid).max() < 1e-4


def test_1337_maps_in_another_order(maps: np.ndarray, slid: np.ndarray):
    """Every position is a sum of its own: blocks of positions, visited in any order, give the same numbers."""
    w = drawn(3, 4, 5, seed=1)
    in_another_order = np.full_like(slid, np.nan)
    blocks = list(itertools.product(range(0, 1335, 89), range(0, 39, 13), range(0, 310, 62)))
    np.random.default_rng(2).shuffle(blocks)
    for d, i, j in blocks:
        part = maps[:, d : d + 89 + 2, i : i + 13 + 3, j : j + 62 + 4]
        in_another_order[:, d : d + 89, i : i + 13, j : j + 62] = evaluate(parse(STACK), [part, w])
    assert np.abs(in_another_order - slid).max() < 1e-4


def test_1337_maps_position_by_position(maps: np.ndarray, slid: np.ndarray):
    """Single positions at random, each from its own 60 terms."""
    w = drawn(3, 4, 5, seed=1)
    sized = solve(parse(STACK), [maps.shape, w.shape])
    random = np.random.default_rng(3)
    for _ in range(200):
        at = tuple(int(random.integers(n)) for n in slid.shape)
        terms = [float(maps[term.cells[0]]) * float(w[term.cells[1]]) for term in readings(sized, at)]
        assert len(terms) == 60
        assert slid[at] == pytest.approx(sum(terms), rel=1e-5, abs=1e-4)


def test_the_definition_in_another_order(maps: np.ndarray):
    """The plain loops, run forwards and shuffled: to the last bit where the terms are whole numbers."""
    part = np.round(maps[:, :5, :7, :8] * 10).astype("int64")
    w = np.arange(60).reshape(3, 4, 5)
    sized = solve(parse(STACK), [part.shape, w.shape])
    order = list(itertools.product(*(range(sized.extents[name]) for name in sized.equation.indices)))
    np.random.default_rng(4).shuffle(order)
    shuffled = reference.evaluate(sized, [part, w], order=map(tuple, order))
    np.testing.assert_array_equal(shuffled, reference.evaluate(sized, [part, w]))
    np.testing.assert_array_equal(shuffled, evaluate(parse(STACK), [part, w]))


def test_1337_maps_with_padding_and_two_filters(maps: np.ndarray, slid: np.ndarray):
    pattern, w = "b d+t i+u j+v, o t u v -> b (o d) i j", np.stack([drawn(3, 4, 5, seed=1), drawn(3, 4, 5, seed=2)])
    by_numpy = evaluate(parse(pattern), [maps, w], padding="same")
    assert by_numpy.shape == (1, 2 * 1337, 42, 314)
    by_torch = evaluate(parse(pattern), [torch.from_numpy(maps), torch.from_numpy(w)], padding="same")
    assert np.abs(by_torch.numpy() - by_numpy).max() < 1e-4
    inner = by_numpy[:, 1 : 1 + 1335, 1 : 1 + 39, 2 : 2 + 310]  # where no window meets the padding, it is the unpadded layer
    assert np.abs(inner - slid).max() < 1e-4
