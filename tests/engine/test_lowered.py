"""Any equation as kernels: random ones against the plain loops, and that none is left to its plan."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rounding import largest_sum
from strategies import Problem, sized_problems
from test_whole import poisoned, written_inside

import slidesum as ss
from slidesum.core.axis import Merged, Name
from slidesum.core.equation import Operand
from slidesum.core.network import Graph, Node
from slidesum.core.ops import Input, Layer
from slidesum.core.sized import Sized
from slidesum.engine.host import host
from slidesum.engine.whole.network import NativeNetwork, widest
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.run import reference

HOST = host()
pytestmark = pytest.mark.skipif(HOST is None, reason="there is no engine for this processor")
ROUNDING = 4e-6
EXAMPLES = 60


@dataclass(frozen=True)
class Case:
    """A problem, how many of its operands are results of other layers, and the result's axes that have a bias."""

    problem: Problem
    results: int = 1
    bias: tuple[int, ...] | None = None

    def solve(self) -> Sized:
        p = self.problem
        equation = parse(p.pattern)
        if self.bias is not None:
            equation = replace(equation, bias=Operand("a", tuple(equation.result.axes[k] for k in self.bias)))
        return replace(solve(equation, p.shapes, p.sizes, padding=p.padding, border=p.border), inputs=self.results)


@st.composite
def cases(draw: Any) -> Case:
    problem = draw(sized_problems())
    equation = parse(problem.pattern)
    results = draw(st.integers(1, min(2, len(equation.operands))))
    bias = None
    if equation.reduce == "sum" and draw(st.booleans()):
        whole = [k for k, axis in enumerate(equation.result.axes) if isinstance(axis, Name | Merged)]
        bias = tuple(draw(st.lists(st.sampled_from(whole), unique=True, max_size=2))) if whole else None
    return Case(problem, results, bias)


def by_plan(node: Node, before: Any) -> Any:
    raise AssertionError(f"{node.name} was left to its plan")


def checked(case: Case, threads: int = 2) -> list[str]:
    """Compared with the loops, value by value; the kernels that computed it."""
    sized = case.solve()
    random = np.random.default_rng(0)
    arrays = [random.standard_normal(shape).astype("float32") for shape in sized.shapes]
    bias = None if sized.bias_shape is None else random.standard_normal(sized.bias_shape).astype("float32")
    names = [f"x{k}" for k in range(case.results)]
    inputs = [Node(n, Input(()), (), shape) for n, shape in zip(names, sized.shapes, strict=False)]
    op = Layer(sized.equation, case.problem.sizes, case.problem.padding, case.problem.border)
    graph = Graph("one", (*inputs, Node("layer", op, tuple(names), sized.result_shape, sized)))
    values = {f"layer.{operand.name}": arrays[number] for number, operand in sized.numbered_filters}
    values |= {} if bias is None else {"layer.bias": bias}
    assert HOST is not None
    made = NativeNetwork(graph, values, HOST, threads, False, by_plan)
    memory = made.program.memory.array
    memory[: memory.size // 4 * 4].view(np.float32)[...] = np.nan  # what isn't written before it is read shows
    (found,) = made.run(arrays[: case.results])
    with np.errstate(all="ignore"):
        exact = [array.astype("float64") for array in arrays]
        wanted = reference.evaluate(sized, exact, None if bias is None else bias.astype("float64"))
        scale = largest_sum(sized, exact) + (0 if bias is None else np.abs(bias).max(initial=0)) + 1e-30
    infinite = np.isinf(wanted)
    assert np.array_equal(found[infinite], wanted[infinite])
    error = np.abs(found[~infinite] - wanted[~infinite]) / scale[~infinite]
    assert error.max(initial=0) <= ROUNDING, case.problem.pattern
    kernels = [str(row["kernel"]) for row in made.rows()]
    assert sum(int(row["macs asked"]) for row in made.rows()) == (made.asked["layer"] if kernels else 0)
    return kernels


def test_random_equations():
    seen: set[str] = set()

    @settings(deadline=None, derandomize=True, max_examples=EXAMPLES, suppress_health_check=[*HealthCheck])
    @given(cases())
    def check(case: Case) -> None:
        sized = case.solve()
        if 0 not in sized.extents.values() and math.prod(sized.result_shape):
            seen.update(checked(case))

    check()
    assert {"direct", "depthwise", "gather", "pool"} <= seen


KINDS = {
    "type 1": ("b c i+u-1 j+v-1, o u v -> b c o i j", {"o": "o", "u": 3, "v": 3}),
    "type 2.1": ("b c i+u-1 j+v-1, o u v -> b o i j", {"o": "o", "u": 3, "v": 3}),
    "transposed": ("b c i j, c o u v -> b o 2*i+u-1 2*j+v-1", {"o": "o", "u": 4, "v": 4}),
    "up": ("b c i j, c o u v -> b o 2*i+u 2*j+v", {"o": "o", "u": 2, "v": 2}),
    "transposed, stride 1": ("b c i j, c o u v -> b o i+u-1 j+v-1", {"o": "o", "u": 3, "v": 3}),
    "transposed, dilated": ("b c i j, c o u v -> b o 3*i+2*u-2 2*j+2*v", {"o": "o", "u": 3, "v": 2}),
    "transposed, with gaps": ("b c i j, c o u v -> b o 3*i+u 4*j+v", {"o": "o", "u": 2, "v": 1}),
    "transposed, grouped": ("b (g c) i j, g c o u v -> b (g o) 2*i+u-1 2*j+v-1", {"g": 2, "o": "o", "u": 3, "v": 3}),
    "transposed, depthwise": ("b c i j, c u v -> b c 2*i+u-1 2*j+v-1", {"u": 4, "v": 4}),
    "transposed, depthwise, with gaps": ("b c i j, c u v -> b c 3*i+u 2*j+v", {"u": 2, "v": 1}),
    "locally connected": ("b c i+u-1 j+v-1, o c u v i j -> b o i j", {"o": "o", "u": 3, "v": 3}),
    "channels last": ("b i+u-1 j+v-1 c, o u v c -> b i j o", {"o": "o", "u": 3, "v": 3}),
    "four axes": ("b c i+u j+v k+w l+t, o c u v w t -> b o i j k l", {"o": "o", "u": 2, "v": 3, "w": 1, "t": 2}),
    "separable": ("b c i+u-1 j+v-1, c u v, o c -> b o i j", {"o": "o", "u": 3, "v": 3}),
    "factored": ("b c i+u-1 j+v-1, r c, r u, r v, o r -> b o i j", {"o": "o", "u": 3, "v": 3, "r": 5}),
    "a filter a sample": ("b c i+u-1 j+v-1, b o c u v -> b o i j", {"o": "o", "u": 3, "v": 3}),
    "a product of results": ("b h t d, b h s d -> b h t s", {}),
    "scaled": ("b c i j, b c -> b c i j", {}),
    "last axis": ("b t c, o c -> b t o", {"o": "o"}),
    "folded": ("b c u v i j -> b c 2*i+u 2*j+v", {"u": 2, "v": 3}),
    "upsampled": ("b c i j -> b c 2*i+u 2*j+v", {"u": 2, "v": 2}),
    "unfolded": ("b c i+u j+v -> b (c u v) (i j)", {"u": 3, "v": 2}),
    "shuffled": ("b (g c) i j -> b (c g) i j", {"g": 2}),
    "mean over maps": ("mean b c i j -> b i j", {}),
    "max over maps": ("max b (c g) i j -> b c i j", {"g": 2}),
}

RESULTS = {"a filter a sample", "a product of results", "scaled"}
"""Kinds whose second operand is a result, too."""


@pytest.mark.parametrize("kind", KINDS)
def test_kinds(kind: str):
    """Also where maps fill no block, or several, and where a tail follows."""
    pattern, given = KINDS[kind]
    equation = parse(pattern)
    for c, o, side in ((3, 18, 7), (32, 5, 4), (20, 33, 5)):
        random = np.random.default_rng(c)
        sizes = {name: o if extent == "o" else extent for name, extent in given.items()}
        extents = {
            "b": 2,
            "h": 2,
            "c": c if "g" not in given else 2 * c,
            "d": c,
            **{n: side + k for k, n in enumerate("ijklts")},
            **sizes,
        }
        net, tensors = ss.Network("kind"), []
        for number in range(2 if kind in RESULTS else 1):
            operand = equation.operands[number]
            shape = [
                extents[axis.name]
                if isinstance(axis, Name)
                else extents["c"]
                if isinstance(axis, Merged)
                else extents["ijkl"[k - 2]] + 3
                for k, axis in enumerate(operand.axes)
            ]
            names = [f"a{k}" for k in range(len(shape))]
            x = net.input(" ".join(names), name=f"x{number}", **dict(zip(names, shape, strict=True)))
            tensors.append(net.activation(x, "leaky_relu"))
        y = net.conv(tensors, pattern, bias="o" if "o" in given and not equation.is_pooling else None, **sizes)
        net.activation(y, "relu")
        net.values = {name: random.standard_normal(array.shape).astype("float32") for name, array in net.values.items()}
        fast = net.compile(threads=2)
        inputs = [random.standard_normal([int(n) for n in node.shape]).astype("float32") for node in net.graph.inputs]
        exact = ss.Network.of(net.graph, {n: a.astype("float64") for n, a in net.values.items()})
        wanted = list(exact.run(*(x.astype("float64") for x in inputs)).values())[-1]
        written_inside(fast, inputs)
        poisoned(fast)
        assert np.linalg.norm(fast(*inputs) - wanted) <= 1e-5 * np.linalg.norm(wanted)
        assert "plan" not in {row["kernel"] for row in fast.rows()}


def test_tails_and_sums_go_into_the_kernels():
    """A transposed convolution with its batch norm, the residual sum and the activation is one kernel a phase."""
    net = ss.Network("tails")
    x = net.input("b c i j", b=1, c=20, i=6, j=6, name="x")
    other = net.conv(net.activation(x, "relu", name="start"), "b c i+u-1 j+v-1, o c u v -> b o i j", o=33, u=3, v=3, name="other")
    other = net.conv(other, "b c i j, c o u v -> b o 2*i+u 2*j+v", o=17, u=2, v=2, name="up")
    y = net.conv(x, "b c i j, c o u v -> b o 2*i+u-1 2*j+v-1", o=17, u=4, v=4, bias="o", name="deconv")
    net.activation(net.add(net.norm(y, name="norm"), other, name="sum"), "tanh", name="end")
    random = np.random.default_rng(0)
    net.values = {name: random.uniform(0.1, 0.3, w.shape).astype("float32") for name, w in net.values.items()}
    fast, image = net.compile(threads=2), random.standard_normal((1, 20, 6, 6)).astype("float32")
    wanted = list(net.run(image.astype("float64")).values())[-1]
    assert np.linalg.norm(fast(image) - wanted) <= 1e-5 * np.linalg.norm(wanted)
    assert [row["layer"] for row in fast.rows() if row["kernel"] == "direct"][-4:] == ["end"] * 4
    assert [row["layer"] for row in fast.rows() if row["kernel"] in ("combine", "plan")] == ["start"]


def test_what_only_moves_is_moved_once_and_a_view_never():
    net = ss.Network("moves")
    x = net.input("b c i j", b=2, c=3, i=4, j=5)
    x = net.pool(net.pool(x, "b c i j -> b j i c"), "b j i c -> b (i c) j")
    net.pool(x, "b a j -> b j a")
    fast = net.compile(threads=1)
    image = np.arange(120, dtype="float32").reshape(2, 3, 4, 5)
    assert np.array_equal(fast(image), list(net.run(image).values())[-1])
    assert [row["kernel"] for row in fast.rows()] == ["gather"]
    flat = ss.Network("view")
    flat.pool(flat.activation(flat.input("b c i j", b=2, c=3, i=4, j=5), "relu"), "b c i j -> b (c i j)")
    program = flat.compile(threads=1)
    assert [row["kernel"] for row in program.rows()] == ["pack", "combine", "unpack"]
    assert np.array_equal(program(-image), list(flat.run(-image).values())[-1])


def test_too_large_to_be_opened_is_planned(monkeypatch):
    net = ss.Network("large")
    x = net.input("b c i j", b=1, c=2, i=9, j=9)
    net.conv(x, "b c i+u j+v, o c u v i j -> b o i j", o=2, u=3, v=3, name="local")
    monkeypatch.setattr("slidesum.engine.whole.opened.MOST", 500)
    image = np.ones((1, 2, 9, 9), "float32")
    fast = net.compile(threads=1)
    assert [row["kernel"] for row in fast.rows()] == ["plan"]
    assert np.allclose(fast(image), list(net.run(image).values())[-1])


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("behind", ["pool", "conv", "both", "nothing", "concat"])
@pytest.mark.parametrize("filters", [8, 16, 32])
def test_maps_of_type_1_lie_where_they_are_read(batch: int, behind: str, filters: int):
    """Every map of x is a sample with its filters; where these fill blocks, samples behind each other are maps already."""
    net = ss.Network("type 1")
    x = net.input("b c i j", b=batch, c=3, i=9, j=7)
    y = net.conv(x, "b c i+u-1 j+v-1, o u v -> b (c o) i j", o=filters, u=3, v=3)
    if behind in ("pool", "both"):
        net.pool(y, "max b c 2*i+u 2*j+v -> b c i j", u=2, v=2)
    if behind in ("conv", "both"):
        net.conv(y, "b c i+u-2 j+v, o c u v -> b o i j", o=5, u=5, v=1)
    if behind == "concat":
        net.concat([y, net.activation(y, "tanh")])
    random = np.random.default_rng(0)
    net.values = {name: random.standard_normal(array.shape).astype("float32") for name, array in net.values.items()}
    given = random.standard_normal((batch, 3, 9, 7)).astype("float32")
    fast = net.compile(threads=2)
    poisoned(fast)
    wanted = net.run(given)
    for _ in range(2):
        found = fast(given)
        for node in net.graph.outputs:
            one = found[node.name] if isinstance(found, dict) else found
            np.testing.assert_allclose(one, wanted[node.name], rtol=0, atol=2e-5 * np.abs(wanted[node.name]).max())
    gathers = sum(row["kernel"] == "gather" for row in fast.rows())
    assert HOST is not None
    assert gathers == (behind in ("pool", "conv", "both", "concat") and filters % (widest(HOST).bytes_wide // 4) > 0)
