"""What a forward pass holds at once, against a run that is simulated array by array, and as a formula."""

import random

import pytest

import slidesum as ss
from slidesum.core.network import Graph, Node
from slidesum.core.ops import Activation, Concat, Input, Stored
from slidesum.core.sizes import size
from slidesum.laws.memory import Peak, at_most, peak, steps


def random_graph(seed):
    """Layers that read one to three earlier results, of random lengths, with several inputs, stored arrays and outputs."""
    chance = random.Random(seed)
    nodes = [Node("x0", Input(("b", "c0")), (), (1, chance.randint(1, 9)))]
    for k in range(1, chance.randint(3, 14)):
        kind = chance.random()
        shape = (1, chance.randint(1, 9))
        if kind < 0.1:
            nodes.append(Node(f"x{k}", Input(("b", f"c{k}")), (), shape))
        elif kind < 0.2:
            nodes.append(Node(f"x{k}", Stored(shape), (), shape))
        else:
            before = tuple(chance.choice(nodes).name for _ in range(chance.randint(1, 3)))
            nodes.append(Node(f"x{k}", Concat(), before, shape))
    heads = tuple(chance.sample([n.name for n in nodes], chance.randint(0, 2)))
    return Graph("random", tuple(nodes), heads)


def simulated(graph, itemsize=4):
    """Every array is freed as soon as nobody to come needs it: what was held at most during each step."""
    alive = {n.name: n.shape[1] * itemsize for n in graph.inputs}
    held = {}
    for k, node in enumerate(graph.nodes):
        if not isinstance(node.op, Input | Stored):
            alive[node.name] = node.shape[1] * itemsize
            held[node.name] = dict(alive)
        later = {name for other in graph.nodes[k + 1 :] for name in other.inputs}
        to_come = {n.name for n in graph.nodes[k + 1 :] if isinstance(n.op, Input)}
        wanted = {n.name for n in graph.outputs}
        alive = {name: n for name, n in alive.items() if name in later | to_come | wanted}
    return held


@pytest.mark.parametrize("seed", range(200))
def test_every_step_holds_what_a_simulated_run_holds(seed):
    graph = random_graph(seed)
    held = simulated(graph)
    found = {step.layer: step for step in steps(graph)}
    assert {name: step.bytes for name, step in found.items()} == {name: sum(arrays.values()) for name, arrays in held.items()}
    assert {name: set(step.results) for name, step in found.items()} == {name: set(arrays) for name, arrays in held.items()}
    most = max((step.bytes for step in found.values()), default=0)
    assert peak(graph).bytes == most
    if found:
        assert peak(graph).layer == next(name for name, step in found.items() if step.bytes == most)


def test_vgg16_holds_most_at_its_first_pair_of_maps():
    net = ss.load("vgg16")
    table = net.table()
    assert table[0]["activation_bytes"] == 64 * 224 * 224 * 4
    assert table.peak.bytes == 2 * 64 * 224 * 224 * 4
    assert table.totals["activation_bytes"] == sum(4 * n.shape[0] * _product(n.shape[1:]) for n in net.graph.nodes[1:])


def _product(shape):
    found = 1
    for n in shape:
        found *= n
    return found


def test_half_the_bytes_in_half_the_precision():
    graph = ss.load("lenet5").graph
    assert 2 * peak(graph, "float16").bytes == peak(graph).bytes


def test_a_formula_where_it_can_be_decided():
    shape = (1, size("n"))
    chain = [Node("x", Input(("b", "c")), (), shape), Node("relu", Activation("relu"), ("x",), shape)]
    assert str(peak(Graph("chain", tuple(chain))).bytes) == "8*n"
    wide = [*chain, Node("wide", Concat(), ("relu", "x"), (1, size("2*n"))), Node("end", Activation("relu"), ("wide",), shape)]
    assert (str(peak(Graph("wide", tuple(wide))).bytes), peak(Graph("wide", tuple(wide))).layer) == ("16*n", "wide")
    other = [*chain, Node("other", Concat(), ("relu",), (1, size("m")))]
    found = peak(Graph("other", tuple(other)))
    assert (str(found.bytes), found.layer) == ("Max(8*n, 4*m + 4*n)", None)
    for n, m in ((1, 5), (5, 1), (3, 3)):
        numeric = Graph("other", tuple(_with(node, {"n": n, "m": m}) for node in other))
        assert found.bytes.subs({s: {"n": n, "m": m}[str(s)] for s in found.bytes.free_symbols}) == peak(numeric).bytes


def _with(node, numbers):
    shape = tuple(n if isinstance(n, int) else int(n.subs({s: numbers[str(s)] for s in n.free_symbols})) for n in node.shape)
    return Node(node.name, node.op, node.inputs, shape)


@pytest.mark.parametrize(
    ("a", "b", "surely"),
    [
        (3, 3, True),
        (4, 3, False),
        ("n", "n**2", True),
        ("n**2", "n", False),
        ("n + 1", "2*n", True),
        ("n + 2", "2*n", False),
        ("n//2*m + m", "2*n*m", True),
        ("n*m", "n//2*m", False),
        ("Max(n, m)", "n + m", False),
        (5, "5*n", True),
    ],
)
def test_what_is_surely_at_most(a, b, surely):
    assert at_most(size(a), size(b)) is surely


def test_an_empty_network_holds_nothing():
    assert peak(Graph("empty")) == Peak(0, None, ())
