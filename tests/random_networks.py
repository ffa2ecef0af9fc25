"""Random small networks of every layer there is: for what holds of any network.

>>> graph = random_network(3)
>>> len(graph.nodes) > 3, graph == random_network(3)
(True, True)
"""

from __future__ import annotations

import random
from collections.abc import Callable

from slidesum.core.network import Graph
from slidesum.core.ops import (
    COMBINATIONS,
    FUNCTIONS,
    OPTIONS,
    Activation,
    Add,
    BatchNorm,
    Concat,
    Distance,
    Dropout,
    Elementwise,
    GroupNorm,
    Layer,
    LayerNorm,
    LocalResponseNorm,
    Opaque,
    Pad,
    Reshape,
    Slice,
    Softmax,
    Stored,
    Take,
)
from slidesum.core.sized import Connections
from slidesum.draft.asked import with_bias
from slidesum.draft.place import Tensor
from slidesum.draft.verbs import Draft
from slidesum.errors import SlidesumError
from slidesum.notation.parse import parse

PARTIAL = ("log", "sqrt", "power", "reciprocal")
"""Functions that not every number has a value under; what they are given is made positive first."""

EQUATIONS = (
    ("b c i+u j+v, o c u v -> b o i j", {"u": 3, "v": 2}, "o"),
    ("b c i+u j+v, o u v -> b o i j", {"u": 2, "v": 2}, "o"),
    ("b c i+u j+v, o u v -> b (c o) i j", {"u": 2, "v": 2}, "(c o)"),
    ("b c i+u j+v, c u v -> b c i j", {"u": 3, "v": 3}, "c"),
    ("b c 2*i+u j+2*v, c m u v -> b (c m) i j", {"m": 2, "u": 2, "v": 2}, "(c m)"),
    ("b (g c) i+u j+v, (g o) c u v -> b (g o) i j", {"g": 2, "o": 2, "u": 3, "v": 1}, "(g o)"),
    ("b c i j, o c -> b o i j", {}, "o"),
    ("b c 2*i j+v, o c v -> b o i j", {"v": 3}, "o"),
    ("b c i j, c o u v -> b o 2*i+u j+v", {"u": 3, "v": 2}, "o"),
    ("b c i j, c o u v -> b o 2*i+u-1 3*j+v-1", {"u": 2, "v": 3}, "o"),
    ("b c i+u j+v, c u v, o c -> b o i j", {"u": 2, "v": 2}, "o"),
    ("b c i j, o j -> b c i o", {}, "o"),
    ("b c i j, j o -> b c i o", {}, "o"),
    ("b c i j, o c i j -> b o", {}, "o"),
    ("max b c 2*i+u j+v -> b c i j", {"u": 2, "v": 3}, None),
    ("mean b c i+u 2*j+v -> b c i j", {"u": 3, "v": 2}, None),
    ("mean b c i j -> b c", {}, None),
    ("max b c i j -> b c 1 1", {}, None),
    ("sum b c i j -> b i j", {}, None),
    ("min b (c p) i j -> b c i j", {"p": 2}, None),
    ("b c i j -> b j c i", {}, None),
    ("b c i j -> b (c i j)", {}, None),
    ("b c i j -> b c (i u) (j v)", {"u": 2, "v": 1}, None),
    ("b c i+u j -> b (c u) i j", {"u": 2}, None),
)


def random_network(seed: int, steps: int = 12, *, opaque: bool = False) -> Graph:
    """A network of up to so many layers, all of whose sizes are small numbers."""
    chance = random.Random(seed)
    net = Draft(f"random {seed}")
    pool = [net.input("b c i j", b=2, c=4, i=6, j=6, name="x")]
    if chance.random() < 0.3:
        pool.append(net.input("b c i j", b=2, c=4, i=6, j=6, name="other-input"))
    sharers: dict[str, tuple[Layer, tuple[int, ...]]] = {}
    for step in range(steps):
        _one(net, pool, chance, f"{chance.choice(('layer', 'block/conv', 'a-b', '1st', 'train'))}{step}", sharers)
    if opaque:
        pool.append(net.place("unknown", Opaque("Mystery", (2, 3), (("0", (4, 2)), ("cell_1", ()))), (pool[0],)))
    heads = {pool[-1], chance.choice(pool)} if chance.random() < 0.3 else set()
    if heads:
        net.output(*sorted(heads, key=lambda tensor: tensor.layer))
    return net.graph


def _one(net: Draft, pool: list[Tensor], chance: random.Random, name: str, sharers: dict) -> None:
    x = chance.choice(pool[-3:])
    rank = len(x.shape)
    ways: list[Callable[[], Tensor]] = [
        lambda: _activation(net, x, chance, name),
        lambda: net.place(name, Softmax(chance.randrange(1, rank)), (x,)),
        lambda: net.place(name, Dropout(0.25), (x,)),
        lambda: net.place(name, BatchNorm(chance.randrange(1, rank), 1e-3, chance.random() < 0.7), (x,)),
        lambda: net.place(name, _layer_norm(chance, rank), (x,)),
        lambda: net.place(name, LocalResponseNorm(3, 0.1, 0.75, 1.0, chance.randrange(1, rank)), (x,)),
        lambda: net.place(
            name, Take(axis := chance.randrange(1, rank), tuple(chance.randrange(x.shape[axis]) for _ in range(3))), (x,)
        ),
        lambda: _slice(net, x, chance, name),
        lambda: net.place(name, Concat(chance.randrange(1, rank)), (x,) * chance.randrange(1, 3)),
        lambda: net.place(name, Add(), tuple(t for t in pool if t.shape == x.shape)[:3]),
        lambda: net.place(name, Elementwise(chance.choice(COMBINATIONS[:6])), (x, _positive(net, x, name))),
        lambda: net.place(
            name, Elementwise("multiply"), (x, net.place(f"{name}-kept", Stored((x.shape[-1],), chance.random() < 0.5)))
        ),
        lambda: net.place(name, _pad(chance, x), (x,)),
    ]
    if rank == 2:
        ways += [
            lambda: net.linear(x, 5, name=name, bias=chance.random() < 0.5),
            lambda: net.place(name, Distance(tuple((0.5 * k,) * x.shape[1] for k in range(3))), (x,)),
            lambda: net.place(name, Reshape((-1, 1, x.shape[1])), (x,)),
        ]
    if rank == 3:
        ways += [
            lambda: net.place(name, Layer(parse("b i c, b j c -> b i j"), {}), (x, x)),
            lambda: net.place(name, Layer(with_bias(parse("b i+u c, u c o -> b i o"), "o"), {"u": 1, "o": 3}), (x,)),
            lambda: net.place(name, Layer(parse("b i c, b i d, c d o -> b i o"), {"o": 2}), (x, x)),
        ]
    if rank == 4:
        maps = x.shape[1]
        ways += [lambda: _equation(net, x, chance, name, sharers)] * 12
        ways += [
            lambda: net.place(name, GroupNorm(2 if maps % 2 == 0 else 1, 1e-4, chance.random() < 0.7), (x,)),
            lambda: net.place(name, Layer(parse("b c i j, b d i j -> b c d"), {}), (x, x)),
            lambda: _wired(net, x, name),
        ]
    for _ in range(20):
        try:
            made = chance.choice(ways)()
        except SlidesumError:  # a window larger than what is left, an odd number of maps: another one is drawn
            continue
        size = 1
        for n in made.shape:
            size *= n
        if 0 < size <= 20_000:
            pool.append(made)
        return


def _equation(net: Draft, x: Tensor, chance: random.Random, name: str, sharers: dict) -> Tensor:
    text, sizes, bias = chance.choice(EQUATIONS)
    equation = with_bias(parse(text), bias if bias and chance.random() < 0.6 else None)
    told = dict(sizes)
    if bias and "o" in equation.indices and "o" not in told:
        told["o"] = 4
    padding = (
        chance.choice(("valid", "same", "same", "same_lower", (1, 1), (0, 1)))
        if equation.positions and "-1" not in text
        else "valid"
    )
    border = (
        chance.choice(("zero", "zero", "zero", "circular", "reflect", "replicate", 0.5)) if equation.reduce == "sum" else "zero"
    )
    op = Layer(equation, told, padding, border if "2*i+u-1" not in text else "zero")
    again = next((owner for owner, (other, shape) in sharers.items() if other == op and shape == x.shape), None)
    made = net.place(name, op, (x,), shares=again)
    if again is None and bias:
        sharers[name] = (op, x.shape)
    return made


def _wired(net: Draft, x: Tensor, name: str) -> Tensor:
    pairs = tuple((o, c) for o in range(3) for c in range(x.shape[1]) if (o + c) % 2 == 0)
    equation = with_bias(parse("b c i+u j+v, o c u v -> b o i j"), "o")
    return net.place(name, Layer(equation, {"o": 3, "u": 2, "v": 2}, connections=Connections(("o", "c"), pairs)), (x,))


def _activation(net: Draft, x: Tensor, chance: random.Random, name: str) -> Tensor:
    function = chance.choice(FUNCTIONS)
    options = tuple(default + chance.choice((0.0, 0.25)) for _, default in OPTIONS.get(function, ()))
    return net.place(name, Activation(function, options), (_positive(net, x, name) if function in PARTIAL else x,))


def _positive(net: Draft, x: Tensor, name: str) -> Tensor:
    y = net.place(f"{name}-between", Activation("sigmoid"), (x,))
    return net.place(f"{name}-positive", Activation("affine", (0.5, 0.5)), (y,))


def _layer_norm(chance: random.Random, rank: int) -> LayerNorm:
    axes = tuple(chance.sample(range(1, rank), chance.randrange(1, rank)))
    return LayerNorm(axes, 1e-3, *(chance.random() < 0.6 for _ in range(3)))


def _slice(net: Draft, x: Tensor, chance: random.Random, name: str) -> Tensor:
    axis = chance.randrange(1, len(x.shape))
    start = chance.randrange(x.shape[axis])
    return net.place(name, Slice(axis, start, chance.randrange(start + 1, x.shape[axis] + 1), chance.randrange(1, 3)), (x,))


def _pad(chance: random.Random, x: Tensor) -> Pad:
    border = chance.choice(("zero", "reflect", "replicate", "circular", 1.5))
    cells = [(0, 0)] + [(chance.randrange(-1, 2), chance.randrange(-1, 2)) if n > 3 else (0, 0) for n in x.shape[1:]]
    return Pad(tuple(cells), border)
