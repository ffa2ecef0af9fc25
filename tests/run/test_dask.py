"""Chunked arrays: any equation in any chunks is the same as in one piece."""

from __future__ import annotations

import logging
import math
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pytest
import zarr
from distributed import Client, LocalCluster, as_completed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import Problem, sized_problems

from slidesum.errors import ArrayError
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.run import reference
from slidesum.run.compute import Options, compute
from slidesum.run.dask import Compute, evaluate
from slidesum.run.met import numpy_backend

ROUNDING = 1e-10
PLENTY = 2**30
ROOMY = Options(budget=PLENTY)


@pytest.fixture(autouse=True)
def synchronous():
    with dask.config.set(scheduler="synchronous"):
        yield


def drawn(shapes: Any, dtype: str = "float64") -> list[np.ndarray]:
    random = np.random.default_rng(0)
    return [random.standard_normal(shape).astype(dtype) for shape in shapes]


def assert_same(found: da.Array, wanted: np.ndarray) -> None:
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    assert found._meta.dtype == wanted.dtype
    blocks = np.empty(found.numblocks, object)
    blocks.ravel()[:] = [*dask.compute(*found.to_delayed().ravel()), None][:-1]
    for index, block in np.ndenumerate(blocks):  # what was promised of a block is what it is
        assert block.shape == tuple(parts[k] for parts, k in zip(found.chunks, index, strict=True))
        assert block.dtype == wanted.dtype
    np.testing.assert_allclose(found.compute(), wanted, rtol=ROUNDING, atol=ROUNDING)


# Everything the notation can write


@st.composite
def chunkings(draw: Any, shape: tuple[int, ...]) -> Any:
    """Chunks of any lengths along every axis, or None for a NumPy array."""
    if draw(st.integers(0, 4)) == 0:
        return None
    chunks = []
    for extent in shape:
        cuts = sorted(draw(st.sets(st.integers(1, extent - 1)))) if extent > 1 and draw(st.booleans()) else []
        chunks.append(tuple(b - a for a, b in zip([0, *cuts], [*cuts, extent], strict=True)))
    return tuple(chunks)


@settings(max_examples=250, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(st.data(), sized_problems(), st.sampled_from([PLENTY, PLENTY, 400, 100, 1]))
def test_random_equations_in_random_chunks(data: st.DataObject, problem: Problem, budget: int):
    sized = problem.solve()
    arrays = drawn(sized.shapes)
    chunks = [data.draw(chunkings(x.shape)) for x in arrays]
    given_ = [x if c is None else da.from_array(x, chunks=c) for x, c in zip(arrays, chunks, strict=True)]
    found = evaluate(sized, given_, options=Options(budget=budget))
    wanted = reference.evaluate(sized, arrays)
    assert found.dtype == wanted.dtype
    assert found.shape == wanted.shape
    assert [sum(parts) for parts in found.chunks] == list(wanted.shape)
    np.testing.assert_allclose(found.compute(), wanted, rtol=ROUNDING, atol=ROUNDING)


NAMED: dict[str, tuple[str, list[Any], dict[str, Any]]] = {
    "convolution": ("b c i+u j+v, o c u v -> b o i j", [(2, 4, 9, 8), (3, 4, 3, 2)], {}),
    "strided, dilated": ("b c 3*i+2*u-1 j, o c u -> b o i j", [(2, 4, 17, 3), (3, 4, 3)], {}),
    "true convolution": ("b c i-u, o c u -> b o i", [(2, 4, 9), (3, 4, 3)], {"padding": "same"}),
    "backwards": ("c -2*i+u, o c u -> o i", [(4, 19), (3, 4, 3)], {}),
    "transposed": ("b c i j, c o u v -> b o 2*i+u-1 3*j+v", [(2, 4, 5, 5), (4, 3, 3, 2)], {}),
    "transposed, backwards": ("b c i, c o u -> b o 2*i-u", [(2, 4, 9), (4, 3, 3)], {}),
    "transposed with gaps": ("c i, c o u -> o 4*i+u", [(4, 9), (4, 3, 2)], {}),
    "transposed, larger": ("c i, c o u -> o 2*i+u", [(4, 9), (4, 3, 2)], {"extent": {"i": 19}}),
    "gathered and spread": ("c 2*i+u, c o u v -> o 3*i+v", [(4, 9), (4, 3, 3, 2)], {}),
    "grouped": ("b (g c) i+u, (g o) c u -> b (g o) i", [(2, 8, 9), (6, 4, 3)], {}),
    "type 1": ("b c i+u, o u -> b (c o) i", [(2, 4, 9), (3, 3)], {}),
    "type 1, other order": ("b c i+u, o u -> b (o c) i", [(2, 4, 9), (3, 3)], {}),
    "merged positions": ("b c i+u j+v, o c u v -> b (i j) o", [(2, 4, 9, 8), (3, 4, 3, 2)], {}),
    "locally connected": ("c i+u, o c i u -> o i", [(4, 9), (3, 4, 7, 3)], {}),
    "three operands": ("b c i+u, o r, r c u -> b o i", [(2, 4, 9), (5, 2), (2, 4, 3)], {}),
    "two addresses of one position": ("i+u, i+v, u v -> i", [(12,), (12,), (3, 4)], {}),
    "an index twice": ("b i i -> b i", [(2, 9, 9)], {}),
    "unfold": ("b c i+u -> b (c u) i", [(2, 4, 9)], {"sizes": {"u": 3}}),
    "fold": ("b c i u -> b c 2*i+u", [(2, 4, 9, 3)], {}),
    "repeat": ("b c i -> b c n i", [(2, 4, 9)], {"sizes": {"n": 3}}),
    "max": ("max b c 2*i+u-1 -> b c i", [(2, 4, 9)], {"sizes": {"u": 3}}),
    "maxout": ("max b (o p) i -> b o i", [(2, 8, 9)], {"sizes": {"p": 2}}),
    "min over everything": ("min b c i -> ", [(2, 8, 9)], {}),
    "global mean": ("mean b c i -> b", [(2, 8, 9)], {}),
    "mean of windows and maps": ("mean b c 2*i+u -> b i", [(2, 8, 9)], {"sizes": {"u": 3}, "padding": 1}),
    "summed windows": ("i+u, u -> ", [(9,), (3,)], {"sizes": {"i": 7}}),
    "matrix product": ("i k, k j -> i j", [(9, 8), (8, 7)], {}),
    "a number": ("i, i ->", [(5,), (5,)], {}),
}


@pytest.mark.parametrize("name", NAMED)
def test_every_operand_in_small_chunks(name: str):
    pattern, shapes, options = NAMED[name]
    sized = solve(parse(pattern), shapes, **{"sizes": {"g": 2} if name == "grouped" else None, **options})
    arrays = drawn(shapes)
    wanted = reference.evaluate(sized, arrays)
    for length in (2, 3):
        assert_same(evaluate(sized, [da.from_array(x, chunks=length) for x in arrays], options=ROOMY), wanted)


@pytest.mark.parametrize("border", ["zero", "circular", "reflect", "replicate", -1.5])
@pytest.mark.parametrize("padding", ["same", "full", (7, 0), (0, 8), (-2, 3), (20, 20)], ids=str)
def test_every_border(border: Any, padding: Any):
    sized = solve(parse("i+u 2*j+v, u v -> i j"), [(7, 9), (3, 2)], padding=padding, border=border)
    arrays = drawn(sized.shapes)
    found = evaluate(sized, [da.from_array(arrays[0], chunks=(2, 3)), arrays[1]], options=ROOMY)
    assert found.npartitions > 1
    assert_same(found, reference.evaluate(sized, arrays))


@pytest.mark.parametrize("border", ["circular", "reflect", "replicate"])
def test_a_result_that_folds_its_border(border: Any):
    """As gradients do: what lies beyond the edge of the result is added to the cell that the border repeats."""
    sized = solve(parse("i j, u -> i+u-2 j"), [(9, 2), (4,)])
    sized = replace(sized, slides={key: replace(slide, border=border) for key, slide in sized.slides.items()})
    arrays = drawn(sized.shapes)
    for chunks in (1, 2, 4):
        found = evaluate(sized, [da.from_array(arrays[0], chunks=chunks), arrays[1]], options=ROOMY)
        assert_same(found, reference.evaluate(sized, arrays))


@pytest.mark.parametrize("dtype", ["float32", "float16", "int64", "int16", "uint8", "complex64"])
@pytest.mark.parametrize("pattern", ["c i+u-1, o c u -> o i", "mean c i+u-1 -> i", "max c i+u-1 -> i", "sum c i+u-1 -> i"])
def test_dtypes(dtype: str, pattern: str):
    if dtype == "complex64" and pattern.startswith("max"):
        return
    shapes = [(4, 9), (3, 4, 3)][: 1 + ("," in pattern)]
    sized = solve(parse(pattern), shapes, {} if "," in pattern else {"u": 3})
    arrays = [np.random.default_rng(0).integers(0, 4, shape).astype(dtype) for shape in shapes]
    found = evaluate(sized, [da.from_array(x, chunks=2) for x in arrays], options=ROOMY)
    wanted = reference.evaluate(sized, arrays)
    assert found.dtype == found.compute().dtype == wanted.dtype
    np.testing.assert_allclose(found.compute(), wanted, rtol=1e-2 if dtype == "float16" else 1e-6)


def test_no_cell_of_a_batch():
    sized = solve(parse("b c i+u, o c u -> b o i"), [(0, 4, 9), (3, 4, 3)])
    x, w = drawn(sized.shapes)
    assert evaluate(sized, [da.from_array(x, chunks=(1, 2, 3)), w]).compute().shape == (0, 3, 7)


BIASED = {
    "y[b,o,i] = x[b,c,i+u] * w[o,c,u] + a[o]": [(2, 4, 9), (3, 4, 3)],
    "y[b,(g o),i] = x[b,(g c),i+u] * w[(g o),c,u] + a[(g o)]": [(2, 4, 9), (6, 2, 3)],
    "y[b,(c o),i] = x[b,c,i+u] * w[o,u] + a[o]": [(2, 4, 9), (3, 3)],
    "y[b,(c o),i] = x[b,c,i+u] * w[o,u] + a[o,c]": [(2, 4, 9), (3, 3)],
    "y[b,o,2*i+u] = x[b,c,i] * w[c,o,u] + a[o]": [(2, 4, 9), (4, 3, 3)],
    "y[b,o,i] = x[b,c,i+u] * w[o,c,u] + a[i,o]": [(2, 4, 9), (3, 4, 3)],
    "y[o] = x[c] * w[o,c] + a[1]": [(4,), (3, 4)],
}


@pytest.mark.parametrize("chunked", [False, True], ids=["numpy", "dask"])
@pytest.mark.parametrize("text", BIASED)
def test_biases(text: str, chunked: bool):
    sized = solve(parse(text), BIASED[text], {"g": 2} if "g" in text else {})
    *arrays, bias = drawn([*sized.shapes, sized.bias_shape])
    found = evaluate(
        sized,
        [da.from_array(x, chunks=2) for x in arrays],
        da.from_array(bias, chunks=2) if chunked else bias,
        options=ROOMY,
    )
    assert_same(found, reference.evaluate(sized, arrays, bias))


# The graph


class Counted:
    """An array that counts what is read of it, and refuses at will."""

    def __init__(self, array: np.ndarray, *, refuses: bool = False) -> None:
        self.array, self.refuses, self.read = array, refuses, 0
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def __getitem__(self, part: Any) -> np.ndarray:
        assert not self.refuses, "computed"
        found = self.array[part]
        self.read += found.size
        return found


CONV = "b c i+u j+v, o c u v -> b o i j"


def counted(shape: tuple[int, ...], chunks: Any, **options: Any) -> tuple[Counted, da.Array]:
    source = Counted(np.random.default_rng(0).standard_normal(shape), **options)
    return source, da.from_array(source, chunks=chunks, asarray=False, meta=np.empty((0,) * len(shape)))


def test_nothing_is_computed_until_asked():
    _, x = counted((4, 8, 60, 60), (2, 4, 20, 20), refuses=True)
    w, bias = np.ones((6, 8, 3, 3)), np.ones(6)
    equation = parse("y[b,o,i,j] = x[b,c,i+u,j+v] * w[o,c,u,v] + a[o]")
    y = evaluate(solve(equation, [x.shape, w.shape], padding="same"), [x, w], bias)
    assert (y.shape, y.chunks, y.dtype) == ((4, 6, 60, 60), ((2, 2), (6,), (20,) * 3, (20,) * 3), np.float64)
    with pytest.raises(AssertionError, match="computed"):
        y[0, 0, 0, 0].compute()


def test_a_part_of_the_result_reads_a_part_of_the_operand():
    source, x = counted((100, 100), (10, 10))
    y = evaluate(solve(parse("i+u j+v, u v -> i j"), [x.shape, (3, 3)], padding="same"), [x, np.ones((3, 3))], options=ROOMY)
    y[45, 45].compute()
    assert source.read == 900  # one chunk and the eight around it


def test_every_chunk_is_read_once():
    source, x = counted((2, 6, 30, 30), (1, 2, 10, 10))
    w = drawn([(4, 6, 3, 3)])[0]
    y = evaluate(solve(parse(CONV), [x.shape, w.shape], padding="same", border="circular"), [x, w], options=Options(budget=5_000))
    assert y.npartitions > 18
    y.compute()
    assert source.read == source.array.size


def test_the_halo_moves_and_not_its_chunk():
    """A block waits for its own chunk, for the filter, and for what is cut out of the chunks beside it: their edges."""
    x = da.zeros((40, 40), chunks=20)
    y = evaluate(solve(parse("i+u j+v, u v -> i j"), [x.shape, (3, 3)], padding="same"), [x, np.ones((3, 3))], options=ROOMY)
    graph = dict(y.__dask_graph__())
    others = [dask.get(graph, key) for key in graph[y.name, 0, 0][1:] if key[0] != x.name]
    assert sorted(piece.size for halo in others if isinstance(halo, list) for piece in halo) == [1] * 3 + [20] * 6
    assert [piece.size for piece in others if not isinstance(piece, list)] == [9]


def test_the_graph_is_no_larger_than_needed():
    """Three tasks a block: its chunk, the halo that is cut out of that, itself; and the filter once."""
    x, w = da.zeros((100, 100), chunks=10), np.ones((3, 3))
    y = evaluate(solve(parse("i+u j+v, u v -> i j"), [x.shape, w.shape], padding="same"), [x, w], options=ROOMY)
    tasks = dict(y.__dask_graph__())
    assert sum(key[0] == y.name for key in tasks) == 100
    assert len(tasks) <= 3 * 100 + 2
    arrays = [task for task in tasks.values() if isinstance(task, np.ndarray)]
    assert len(arrays) <= 1


@pytest.mark.parametrize("name", ["convolution", "grouped", "transposed", "type 1, other order", "matrix product", "fold"])
@pytest.mark.parametrize("budget", [5_000, 20_000])
def test_blocks_keep_within_the_budget(name: str, budget: int):
    pattern, shapes, options = NAMED[name]
    larger = [tuple(4 * n if n > 3 else n for n in shape) for shape in shapes]
    if name == "grouped":
        larger = [(2, 32, 36), (24, 16, 3)]
    sized = solve(parse(pattern), larger, **{"sizes": {"g": 2} if name == "grouped" else None, **options})
    arrays = drawn(larger)
    y = evaluate(sized, [da.from_array(x, chunks=-1) for x in arrays], options=Options(budget=budget))
    for task in dict(y.__dask_graph__()).values():
        if isinstance(task, tuple) and isinstance(task[0], Compute):
            held = [*task[0].sized.shapes, task[0].sized.result_shape]
            assert sum(8 * math.prod(shape) for shape in held) <= budget
    np.testing.assert_allclose(y.compute(), compute(numpy_backend(), sized, arrays), rtol=1e-9, atol=1e-9)


def test_chunks_are_regular_where_the_operands_are():
    """As zarr needs them."""
    x = da.zeros((3, 100, 100), chunks=(1, 32, 32))
    for pattern, chunks in {
        "c i+u j+v, o c u v -> o i j": ((5,), (32, 32, 32, 2), (32, 32, 32, 2)),
        "c 2*i+u-1 j, o c u -> o i j": ((5,), (16, 16, 16, 2), (32, 32, 32, 4)),
        "c i j, o c u -> o 2*i+u j": ((5,), (64, 64, 64, 9), (32, 32, 32, 4)),
    }.items():
        w = np.zeros((5, 3, 3, 3)[: 3 + ("v" in pattern)])
        assert evaluate(solve(parse(pattern), [x.shape, w.shape]), [x, w], options=ROOMY).chunks == chunks


def test_chunks_of_kept_indices_stay():
    x = da.zeros((6, 4, 9), chunks=((1, 3, 2), (4,), (2, 3, 4)))
    y = evaluate(solve(parse("b c i, o c -> b o i"), [x.shape, (5, 4)]), [x, np.zeros((5, 4))])
    assert y.chunks == ((1, 3, 2), (5,), (2, 3, 4))


def test_equal_calls_have_equal_names():
    x, w = da.zeros((9,), chunks=3), np.ones(3)
    sized = solve(parse("i+u, u -> i"), [(9,), (3,)])
    assert evaluate(sized, [x, w]).name == evaluate(sized, [x, w.copy()]).name != evaluate(sized, [x, 2 * w]).name


def test_a_border_that_an_array_cannot_hold_is_refused_at_once():
    sized = solve(parse("i+u, u -> i"), [(9,), (3,)], padding="same", border=1.5)
    with pytest.raises(ArrayError, match="an array of int64 can't hold the border"):
        evaluate(sized, [da.zeros(9, chunks=3, dtype="int64"), np.ones(3, "int64")])


# Files and other processes


def test_zarr(tmp_path: Path):
    volume = drawn([(30, 25, 20)], "float32")[0]
    written = zarr.create_array(str(tmp_path / "x.zarr"), shape=volume.shape, chunks=(10, 10, 10), dtype="float32")
    written[...] = volume
    w = drawn([(3, 3, 3)], "float32")[0]
    sized = solve(parse("i+u j+v k+w, u v w -> i j k"), [volume.shape, w.shape], padding="same")
    evaluate(sized, [da.from_zarr(str(tmp_path / "x.zarr")), w]).to_zarr(str(tmp_path / "y.zarr"))
    read = zarr.open_array(str(tmp_path / "y.zarr"), mode="r")
    assert read.chunks == (10, 10, 10)
    np.testing.assert_allclose(read[...], compute(numpy_backend(), sized, [volume, w]), rtol=1e-5, atol=1e-5)


def test_a_volume_larger_than_memory(tmp_path: Path):
    """300 MB in and 300 MB out, in a process that may have 800 with its imports; the script alone does 6 GB under 2 GB."""
    script = Path(__file__).with_name("big_volume.py")
    options = ["--bytes", "300_000_000", "--cap", "800_000_000", "--chunk", "64", "--folder", str(tmp_path)]
    done = subprocess.run([sys.executable, script, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "20 random blocks differ by at most" in done.stdout


def slowly(block: np.ndarray) -> np.ndarray:
    time.sleep(0.05)
    return block


def test_a_worker_that_dies_half_way():
    """Two processes compute; one is killed when about half of the blocks are there. What it held is computed again."""
    x, w = drawn([(2, 4, 96, 96), (3, 4, 3, 3)])
    sized = solve(parse(CONV), [x.shape, w.shape], padding="same", border="circular")
    chunked = da.from_array(x, chunks=(1, 2, 24, 24)).map_blocks(slowly, dtype=x.dtype)
    y = evaluate(sized, [chunked, w], options=ROOMY)
    with (
        dask.config.set({"distributed.comm.timeouts.connect": "5s", "distributed.scheduler.allowed-failures": 10}),
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
            silence_logs=logging.CRITICAL,
        ) as cluster,
        Client(cluster) as client,
    ):
        blocks = client.compute([y.blocks[index] for index in np.ndindex(*y.numblocks)])
        ended = as_completed(blocks)
        for _ in range(len(blocks) // 2):
            next(ended)
        first, _ = cluster.workers.values()
        killed = first.pid
        os.kill(killed, signal.SIGKILL)
        found = dict(zip(np.ndindex(*y.numblocks), client.gather(blocks), strict=True))
        assert killed not in {worker.pid for worker in cluster.workers.values()}
    edges = [np.cumsum([0, *parts]) for parts in y.chunks]
    whole = np.empty(y.shape)
    for index, part in found.items():
        whole[tuple(slice(e[k], e[k + 1]) for e, k in zip(edges, index, strict=True))] = part
    np.testing.assert_allclose(whole, compute(numpy_backend(), sized, [x, w]), rtol=ROUNDING, atol=ROUNDING)
