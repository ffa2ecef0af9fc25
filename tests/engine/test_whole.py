"""Whole networks on blocks: random layers and small members of the zoo against their plans in double precision."""

from __future__ import annotations

import math
import os
import pickle
import subprocess
import sys
import threading
import tracemalloc
from itertools import repeat

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import slidesum as ss
from slidesum.engine.host import Host, host
from slidesum.engine.whole import program
from slidesum.engine.whole.crew import crew
from slidesum.engine.whole.driver import GAP, WORDS
from slidesum.engine.whole.plan import Outside, Part, Place, Ref, Step
from slidesum.run.compiled import Compiled
from slidesum.zoo.catalogue import build

HOST = host()
SETTINGS = settings(deadline=None, derandomize=True, suppress_health_check=[*HealthCheck])
SIZES = st.sampled_from([1, 2, 3, 5, 7, 12, 14, 15, 16, 17, 24, 32, 40])
TAILS = [None, "relu", "relu6", "leaky_relu", "sigmoid", "silu", "tanh", "scaled_tanh", "hard_swish"]


def spread(net: ss.Network, seed: int = 0) -> ss.Network:
    """With arrays that keep what flows through the network at one size, so that a last layer tells of all of them."""
    random, values = np.random.default_rng(seed), dict(net.values)
    for name, array in values.items():
        kind = name.rpartition(".")[2]
        if kind.startswith("w"):
            fan_in = array.size / max(1, array.shape[0])
            values[name] = (random.standard_normal(array.shape) * math.sqrt(2 / max(1.0, fan_in))).astype("float32")
        elif kind == "variance":
            values[name] = random.uniform(0.5, 1.5, array.shape).astype("float32")
        elif kind != "scale":
            values[name] = (0.1 * random.standard_normal(array.shape)).astype("float32")
    net.values = values
    return net


def inputs(net: ss.Network, seed: int = 1) -> list[np.ndarray]:
    random = np.random.default_rng(seed)
    return [random.standard_normal([int(n) for n in node.shape]).astype("float32") for node in net.graph.inputs]


def error(net: ss.Network, fast: Compiled, x: list[np.ndarray]) -> float:
    """The largest relative error of an output, as a norm, against the plans in double precision."""
    y = fast(*x)
    outputs = [node.name for node in net.graph.outputs]
    found = {outputs[0]: y} if len(outputs) == 1 else y
    exact = ss.Network.of(fast.graph, {n: a.astype("float64") for n, a in net.values.items()}).run(
        *(a.astype("float64") for a in x)
    )
    return max(np.linalg.norm(found[n] - exact[n]) / max(np.linalg.norm(exact[n]), 1e-30) for n in outputs)


def poisoned(fast: Compiled) -> None:
    """Nothing in the arena but NaN: what isn't written before it is read shows."""
    memory = fast.native.program.memory.array
    memory[: memory.size // 4 * 4].view(np.float32)[...] = np.nan


CANARY = 4096
"""Values on either side of a result, none of which may change."""


def written_inside(fast: Compiled, x: list[np.ndarray]) -> None:
    """Run part by part; only the buffer or the result that a part is to write may change, and what it has of the scratch."""
    program = fast.native.program
    arena, given = program.memory.array, [array.copy() for array in x]
    scratch = program.base + program.arena_bytes - arena.ctypes.data
    guarded = [np.full(math.prod(shape) + 2 * CANARY, 7, np.float32) for shape in program.outputs]

    def whole(out: Outside) -> np.ndarray:
        return guarded[out.number][CANARY:-CANARY]

    def checked(what: Part | Step, run) -> None:
        before, results = arena.copy(), [array.copy() for array in guarded]
        run()
        allowed = np.zeros(arena.size, bool)
        allowed[scratch : scratch + 4 * program.plan.scratch] = True
        for place in target(what):
            if isinstance(place, Ref):
                begin = program.address(Ref(place.buffer)) - arena.ctypes.data
                allowed[begin : begin + 4 * program.plan.sizes[place.buffer]] = True
            else:
                results[place.number][CANARY:-CANARY] = whole(place)
        assert not (before != arena)[~allowed].any(), what.name
        assert all(map(np.array_equal, results, guarded, repeat(True))), what.name
        assert all(map(np.array_equal, x, given)), what.name

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            program, "results", lambda: [whole(Outside(k, given=False)).reshape(s) for k, s in enumerate(program.outputs)]
        )
        program.one_by_one(x, checked)


def target(what: Part | Step) -> list[Place]:
    """What a part or a step may write."""
    if isinstance(what, Step):
        return [what.writes[0]]
    places = [what.numbers.get(name) for name in ("y", "plain")]
    return [place for place in places if isinstance(place, Ref) or (isinstance(place, Outside) and not place.given)]


@st.composite
def layers(draw) -> ss.Network:
    """A convolution on random maps, of some kind, with what may follow."""
    rank = draw(st.integers(1, 3))
    cells = [draw(st.integers(1, 19 if rank < 3 else 7)) for _ in range(rank)]
    taps = [draw(st.integers(1, 4)) for _ in range(rank)]
    stride, dilation = draw(st.sampled_from([1, 1, 2, 3, 4])), draw(st.sampled_from([1, 1, 2]))
    low = [draw(st.integers(0, 2)) for _ in range(rank)]
    cells = [max(n, dilation * (k - 1) + 1 - 2 * p) for n, k, p in zip(cells, taps, low, strict=True)]
    positions, windows = "ijk"[:rank], "uvw"[:rank]
    slid = " ".join(f"{stride}*{i}+{dilation}*{u}-{p}" for i, u, p in zip(positions, windows, low, strict=True))
    kind = draw(st.sampled_from(["full", "full", "depthwise", "grouped"]))
    maps, filters, groups = draw(SIZES), draw(SIZES), draw(st.sampled_from([2, 3, 9]))
    total = maps * (groups if kind == "grouped" else 1)
    net = ss.Network("random")
    x = net.input(" ".join(["b", "c", *positions]), b=draw(st.integers(1, 3)), c=total, **dict(zip(positions, cells, strict=True)))
    if draw(st.booleans()):
        x = net.activation(x, "relu")  # so that x lies in blocks, not thin
    result, sizes = " ".join(positions), dict(zip(windows, taps, strict=True))
    shape = " ".join(windows)
    match kind:
        case "full":
            y = net.conv(x, f"b c {slid}, o c {shape} -> b o {result}", o=filters, bias="o", **sizes)
        case "depthwise":
            y = net.conv(x, f"b c {slid}, c {shape} -> b c {result}", bias="c", **sizes)
        case _:
            y = net.conv(x, f"b (g c) {slid}, (g o) c {shape} -> b (g o) {result}", g=groups, o=filters, bias="(g o)", **sizes)
    if draw(st.booleans()):
        y = net.norm(y)
    if draw(st.booleans()) and tuple(y.shape) == tuple(x.shape):
        y = net.add(y, x)
    tail = draw(st.sampled_from(TAILS))
    if tail:
        y = net.activation(y, tail)
    return spread(net)


def test_random_layers():
    seen = set()

    @settings(SETTINGS, max_examples=90)
    @given(layers(), st.integers(1, 3))
    def check(net: ss.Network, threads: int):
        fast = net.compile(threads=threads)
        x = inputs(net)
        written_inside(fast, x)
        poisoned(fast)
        assert error(net, fast, x) <= 1e-5
        seen.update(type(part.kernel).__name__ for part in fast.native.program.plan.parts)

    check()
    assert {"Direct", "Depthwise", "Pack", "Unpack", "Clear", "Combine"} <= seen


@st.composite
def poolings(draw) -> ss.Network:
    reduce = draw(st.sampled_from(["max", "mean", "sum", "min"]))
    stride, u, v = draw(st.integers(1, 3)), draw(st.integers(1, 4)), draw(st.integers(1, 4))
    low = draw(st.integers(0, 1))
    net = ss.Network("pool")
    x = net.input("b c i j", b=draw(st.integers(1, 2)), c=draw(SIZES), i=draw(st.integers(4, 15)), j=draw(st.integers(4, 15)))
    if draw(st.booleans()):
        x = net.conv(x, "b c i+u-2 j+v-2, o c u v -> b o i j", o=draw(SIZES), u=5, v=5)  # leaves a halo around x, not around y
    y = net.pool(x, f"{reduce} b c {stride}*i+u-{low} {stride}*j+v-{low} -> b c i j", u=max(u, low + 1), v=max(v, low + 1))
    if draw(st.booleans()):
        y = net.norm(y, "lrn", size=draw(st.sampled_from([1, 3, 5])), alpha=0.1, beta=draw(st.sampled_from([0.5, 0.75, 1.0])))
    if draw(st.booleans()):
        y = net.pool(y, "mean b c i j -> b c")
    return spread(net)


def test_random_poolings():
    @settings(SETTINGS, max_examples=40)
    @given(poolings())
    def check(net: ss.Network):
        fast = net.compile(threads=2)
        x = inputs(net)
        written_inside(fast, x)
        poisoned(fast)
        assert error(net, fast, x) <= 1e-5

    check()


def test_windows_that_lie_in_the_padding():
    """What comes out there is the plan's business."""
    net = ss.Network("beyond")
    net.pool(net.input("b c i", b=1, c=3, i=4), "max b c 2*i+u-3 -> b c i", u=2)
    fast, x = net.compile(threads=1), inputs(net)
    assert np.array_equal(fast(*x), list(net.run(*x).values())[-1])


ZOO = {
    "lenet5": {},
    "alexnet": {"width": "1/4", "side": 99},
    "nin": {"width": "1/4", "side": 67},
    "vgg11": {"width": "1/4", "side": 64},
    "googlenet-auxiliary": {"width": "1/4", "side": 128},
    "inception-v3": {"width": "1/4", "side": 107},
    "resnet18": {"width": "1/4", "side": 64},
    "resnet50": {"width": "1/4", "side": 64},
    "squeezenet": {"width": "1/2", "side": 64},
    "mobilenet": {"width": "1/4", "side": 64},
    "mobilenet-v2": {"side": 64},
    "maxout": {},
    "r3d18": {"width": "1/4", "side": 32, "frames": 8},
    "unet": {"width": "1/4", "side": 188},
}


@pytest.mark.parametrize("name", ZOO)
def test_zoo(name: str):
    net = spread(ss.Network.of(build(name, **ZOO[name])))
    fast = net.compile(batch=2, threads=2)
    poisoned(fast)
    x = [np.concatenate([x, x[:, ::-1]]) for x in inputs(net)]
    assert error(net, fast, x) <= 1e-5
    y, exact = fast(*x), net.run(*x)
    for node in net.graph.outputs:
        found = y[node.name] if isinstance(y, dict) else y
        assert (found.argmax(1) == exact[node.name].argmax(1)).mean() > 0.999


SMALL = spread(ss.Network.of(build("resnet18", width="1/8", side=32)))


def test_threads_take_turns():
    fast, x = SMALL.compile(threads=2), inputs(SMALL)[0]
    images = [x * k for k in range(1, 5)]
    wanted, wrong = [fast(image) for image in images], []

    def work(k: int) -> None:
        wrong.extend(k for _ in range(20) if not np.array_equal(fast(images[k]), wanted[k]))

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_nobody_is_called_for_little_work(monkeypatch):
    monkeypatch.setattr(program, "ALONE", 60e-6)
    assert {piece.workers for piece in ss.load("lenet5").compile(threads=2).native.program.pieces if piece} == {1}
    assert [piece.workers for piece in ss.load("squeezenet", side=64).compile(threads=2).native.program.pieces] == [2]


def test_lenet5_is_kernels_and_distances():
    """Subsampling has one weight a map for four values; the output units are centres, and no kernel."""
    fast = ss.load("lenet5").compile(threads=1)
    rows = [(row["layer"], row["kernel"], row["macs asked"]) for row in fast.rows()]
    assert [row for row in rows if row[0].startswith("S")] == [("S2-squash", "depthwise", 4704), ("S4-squash", "depthwise", 1600)]
    assert [row[0] for row in rows if row[1] == "plan"] == ["OUTPUT"]


def test_an_interrupt_when_helpers_are_called(monkeypatch):
    """The program is closed, so that nobody works in it while the next call begins."""
    fast, x = SMALL.compile(threads=2), inputs(SMALL)[0]
    wanted = fast(x)

    class Interrupted:
        def call(self, helpers: int, job) -> None:
            crew().call(helpers, job)
            raise KeyboardInterrupt("while they are called")

    with monkeypatch.context() as patch:
        patch.setattr("slidesum.engine.whole.program.crew", Interrupted)
        for _ in range(5):
            with pytest.raises(KeyboardInterrupt, match=r"^while they are called$"):
                fast(x)
            (piece,) = fast.native.program.pieces
            assert piece.words[GAP * WORDS.index("open")] == 0
    assert np.array_equal(fast(x), wanted)


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
def test_any_number_of_threads_gives_the_same(threads: int):
    x = inputs(SMALL)[0]
    assert np.array_equal(SMALL.compile(threads=threads, exact=True)(x), SMALL.compile(threads=1, exact=True)(x))


def test_pickled_is_compiled_again():
    fast, x = SMALL.compile(threads=2, exact=True), inputs(SMALL)[0]
    again = pickle.loads(pickle.dumps(fast))
    assert (again.threads, again.exact) == (2, True)
    assert np.array_equal(again(x), fast(x))


FORKED = """
import os, signal, sys, threading
import numpy as np
import slidesum as ss
from slidesum.zoo.catalogue import build

net = ss.Network.of(build("resnet18", width="1/8", side=32))
fast, x = net.compile(threads=2), np.random.default_rng(0).standard_normal((1, 3, 32, 32)).astype("float32")
wanted, stop = fast(x), threading.Event()

def work():
    while not stop.is_set():
        fast(x)

others = [threading.Thread(target=work) for _ in range(int(sys.argv[1]))]
for thread in others:
    thread.start()
for _ in range(5 if others else 1):
    child = os.fork()
    if child == 0:
        code = 1
        signal.alarm(30)  # rather than to wait for threads for ever
        try:
            code = int(not np.array_equal(fast(x), wanted))
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
stop.set()
for thread in others:
    thread.join()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.parametrize("others", [0, 1])
def test_a_process_that_was_forked(others):
    """At rest, and while another thread computes. In a process without JAX, which can't be forked."""
    subprocess.run([sys.executable, "-c", FORKED, str(others)], check=True, timeout=120)


def test_what_may_come_in():
    fast, x = SMALL.compile(), inputs(SMALL)[0]
    wanted = fast(x)
    unaligned = np.zeros(x.nbytes + 1, np.uint8)[1:].view(np.float32).reshape(x.shape)
    unaligned[...] = x
    strided = np.zeros((*x.shape[:3], 2 * x.shape[3]), np.float32)[..., ::2]
    strided[...] = x
    for same in (unaligned, strided, x.astype(np.float64), x[0], np.asfortranarray(x)):
        assert np.array_equal(fast(same), wanted)
    whole = (10 * x).astype(np.int8)
    assert np.array_equal(fast(whole), fast(whole.astype(np.float32)))


def test_torch_tensors():
    torch = pytest.importorskip("torch")
    fast, x = SMALL.compile(), inputs(SMALL)[0]
    y = fast(torch.from_numpy(x).requires_grad_())
    assert isinstance(y, torch.Tensor)
    assert np.array_equal(y.numpy(), fast(x))


def test_other_libraries_get_arrays_of_numpy():
    jnp = pytest.importorskip("jax.numpy")
    fast, x = SMALL.compile(), inputs(SMALL)[0]
    y = fast(jnp.asarray(x))
    assert type(y) is np.ndarray
    assert np.array_equal(y, fast(x))


def test_a_result_stays_as_it_is():
    fast, x = SMALL.compile(), inputs(SMALL)[0]
    y = fast(x)
    kept = y.copy()
    fast(-x)
    assert np.array_equal(y, kept)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_seen(value: float):
    net = ss.Network("window")
    x = net.input("b c i j", b=1, c=5, i=9, j=9)
    y = net.conv(net.activation(x, "leaky_relu"), "b c i+u-1 j+v-1, o c u v -> b o i j", o=20, u=3, v=3, bias="o")
    net.pool(net.activation(y, "relu"), "max b c i+u-1 j+v-1 -> b c i j", u=3, v=3)
    spread(net)
    (image,) = inputs(net)
    image[0, 2, 4, 4] = value
    found = net.compile(exact=True)(image)
    wanted = list(net.run(image).values())[-1]
    assert np.array_equal(np.isnan(found), np.isnan(wanted))
    assert np.array_equal(np.isposinf(found), np.isposinf(wanted))


@pytest.mark.parametrize(("bytes_wide", "vectors"), [(16, 32), (32, 16)])
def test_other_processors(monkeypatch, bytes_wide: int, vectors: int):
    """Vectors and registers of others: this processor computes with parts of its own."""
    features = ",".join(f for f in HOST.features.split(",") if "avx512" not in f)
    monkeypatch.setattr("slidesum.run.compiled.host", lambda: Host(HOST.cpu, features, bytes_wide, vectors))
    for name in ("resnet18", "mobilenet-v2"):
        net = spread(ss.Network.of(build(name, **ZOO[name])))
        assert error(net, net.compile(threads=2), inputs(net)) <= 1e-5


def test_without_an_engine(monkeypatch):
    monkeypatch.setattr("slidesum.run.compiled.host", lambda: None)
    fast, x = SMALL.compile(threads=2), inputs(SMALL)[0]
    assert not fast.is_native
    assert error(SMALL, fast, [x]) <= 1e-5
    assert str(fast) == (
        "resnet18, 2 threads, float32\n"
        "there is no engine here: llvmlite isn't installed (pip install 'slidesum[native]'), or the processor isn't known; "
        "every layer is computed by its plan"
    )


def test_filters_begin_where_a_line_of_the_cache_does():
    """A vector of them is read by one look into the cache, then, and not by two."""
    filters = [part.numbers["w"] for part in SMALL.compile(threads=2).native.program.plan.parts if "w" in part.numbers]
    assert len(filters) > 10
    assert all(w.ctypes.data % 64 == 0 for w in filters)


def test_no_allocation_between_layers():
    """What a call takes from the system is its result: its arena is there, and so are all tables."""
    fast, x = SMALL.compile(threads=1), inputs(SMALL)[0]
    fast(x)
    tracemalloc.start()
    fast(x)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 * 1000 + 20_000


@pytest.mark.parametrize("bias", ["i", "o j", "o i j"])
def test_a_bias_that_is_not_one_a_map_is_added_where_it_belongs(bias):
    net = ss.Network("biased")
    x = net.input("b c i j", b=2, c=4, i=8, j=8)
    net.conv(x, "b c i+u j+v, o c u v -> b o i j", o=6, u=3, v=3, bias=bias, padding="same", name="conv")
    random = np.random.default_rng(0)
    net.values = {name: random.standard_normal(array.shape).astype("float32") for name, array in net.values.items()}
    given = random.standard_normal((2, 4, 8, 8)).astype("float32")
    np.testing.assert_allclose(net.compile()(given), net.run(given)["conv"], rtol=1e-5, atol=1e-5)
