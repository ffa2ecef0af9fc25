"""Networks whose sheets are computed: the demo's three, LeNet-5, one of every kind of equation, and one with the other layers."""

import numpy as np

import slidesum as ss


def question(kind):
    return ss.load(f"type-{kind}").with_sizes(k1=3, k2=4, n=8, m=8)


def of(name, axes, sizes, *layers):
    """One input, and equations behind each other: (pattern, options)."""
    net = ss.Network(name)
    x = net.input(axes, **sizes)
    for number, (pattern, options) in enumerate(layers):
        verb = net.conv if "," in pattern.partition("->")[0] else net.pool
        x = verb(x, pattern, name=f"layer{number}", **options)
    return net


IMAGE = ("b c i j", {"b": 1, "c": 2, "i": 7, "j": 9})
SPANNING = "b c i+u j+v, o c u v -> b o i j"


def equations():
    """By name: every equation of the notation that a layer is known by."""
    return {
        "depthwise": of("depthwise", *IMAGE, ("b c i+u j+v, c u v -> b c i j", {"u": 3, "v": 3, "padding": "same", "bias": "c"})),
        "separable": of("separable", *IMAGE, ("b c i+u j+v, c u v, o c -> b o i j", {"u": 3, "v": 2, "o": 3, "bias": "o"})),
        "grouped": of(
            "grouped",
            "b c i j",
            {"b": 1, "c": 4, "i": 6, "j": 6},
            ("b (g c) i+u j+v, (g o) c u v -> b (g o) i j", {"g": 2, "o": 3, "u": 3, "v": 3, "padding": "same", "bias": "(g o)"}),
        ),
        "transposed": of(
            "transposed",
            *IMAGE,
            ("b c i j, c o u v -> b o 2*i+u 2*j+v", {"o": 2, "u": 3, "v": 3, "bias": "o"}),
            ("b c i j, c o u v -> b o 3*i+u-1 2*j+v-2", {"o": 1, "u": 2, "v": 4}),
        ),
        "signal": of(
            "signal",
            "b c i",
            {"b": 1, "c": 2, "i": 20},
            ("b c 2*i+u-2, o c u -> b o i", {"o": 3, "u": 5, "bias": "o"}),
            ("max b c 2*i+u -> b c i", {"u": 3}),
        ),
        "volume": of(
            "volume",
            "b c d i j",
            {"b": 1, "c": 2, "d": 4, "i": 5, "j": 6},
            ("b c d+t i+u j+v, o c t u v -> b o d i j", {"o": 2, "t": 2, "u": 3, "v": 3, "padding": "same", "bias": "o"}),
            ("max b c 2*d+t 2*i+u 2*j+v -> b c d i j", {"t": 2, "u": 2, "v": 2}),
        ),
        "stack": of(
            "stack",
            "b d i j",
            {"b": 1, "d": 5, "i": 5, "j": 5},
            ("b d+t i+u j+v, o t u v -> b (o d) i j", {"o": 2, "t": 3, "u": 2, "v": 2}),
        ),
        "strided": of("strided", *IMAGE, ("b c 2*i+u-3 3*j+v-1, o c u v -> b o i j", {"o": 2, "u": 4, "v": 3, "bias": "o"})),
        "dilated": of("dilated", *IMAGE, ("b c i+2*u j+3*v, o c u v -> b o i j", {"o": 2, "u": 3, "v": 3, "padding": "same"})),
        "circular": of("circular", *IMAGE, (SPANNING, {"o": 2, "u": 3, "v": 3, "padding": "same", "border": "circular"})),
        "reflect": of("reflect", *IMAGE, (SPANNING, {"o": 2, "u": 3, "v": 3, "padding": 2, "border": "reflect"})),
        "replicate": of("replicate", *IMAGE, (SPANNING, {"o": 2, "u": 3, "v": 3, "padding": "full", "border": "replicate"})),
        "half": of("half", *IMAGE, (SPANNING, {"o": 2, "u": 3, "v": 3, "padding": "same", "border": 0.5})),
        "backwards": of("backwards", *IMAGE, ("b c i-u j-v, o c u v -> b o i j", {"o": 2, "u": 3, "v": 3})),
        "flat": of("flat", *IMAGE, ("b c i j, o c -> b o i j", {"o": 3, "bias": "o"})),
        "unshared": of("unshared", *IMAGE, ("b c i+u j+v, o c i j u v -> b o i j", {"o": 2, "u": 2, "v": 2, "bias": "o"})),
        "sampled": of("sampled", *IMAGE, ("b c i+u j+v, b o c u v -> b o i j", {"o": 2, "u": 2, "v": 2})),
        "last": of(
            "last",
            "b i j c",
            {"b": 1, "i": 6, "j": 6, "c": 3},
            ("b i+u j+v c, u v c o -> b i j o", {"o": 4, "u": 3, "v": 3, "padding": "same", "bias": "o"}),
            ("max b 2*i+u 2*j+v c -> b i j c", {"u": 2, "v": 2}),
        ),
        "pooled": of(
            "pooled",
            "b c i j",
            {"b": 1, "c": 4, "i": 9, "j": 9},
            ("max b c 2*i+u-1 2*j+v-1 -> b c i j", {"u": 3, "v": 3}),
            ("mean b c i+u j+v -> b c i j", {"u": 2, "v": 2, "padding": "same"}),
            ("min b (c p) i j -> b c i j", {"p": 2}),
            ("sum b c i+u j+2*v -> b c i j", {"u": 2, "v": 2}),
            ("mean b c i j -> b c 1 1", {}),
        ),
        "maxout": of("maxout", "b c i j", {"b": 1, "c": 6, "i": 4, "j": 4}, ("max b (o p) i j -> b o i j", {"p": 2})),
        "long": of(
            "long",
            "b c i j",
            {"b": 1, "c": 300, "i": 4, "j": 4},
            (SPANNING, {"o": 1, "u": 3, "v": 3, "padding": "same", "bias": "o"}),
        ),
    }


def others():
    """Every layer that is no equation, in one network; functions that not every number has are given positive ones."""
    net = ss.Network("others")
    x = net.input("b c i j", b=1, c=4, i=4, j=6)
    x = net.norm(net.conv(x, SPANNING, o=4, u=3, v=3, padding="same", bias="o", name="conv"), name="batch")
    net.activation(x, "relu", name="relu")
    parts = [net.norm(x, "layer"), net.norm(x, "group", groups=2), net.norm(x, "instance"), net.norm(x, "lrn", size=3)]
    parts.append(net.norm(x, "layer", axis=1, centred=False, shift=False, name="rms"))
    total = net.add(*parts, name="total")
    maps = net.softmax(total, axis=1, name="by_map")
    line = net.softmax(total, axis=-1, name="by_row")
    y = net.concat([maps, line], name="beside")
    y = net.take(net.slice(y, 2, 1, 4, name="rows"), 3, [5, 3, 3, 0], name="taken")
    y = net.pad(y, (0, 0), (0, 0), (1, 1), (2, -1), border="reflect", name="reflected")
    y = net.pad(y, (0, 0), (0, 0), (0, 0), (1, 1), border=2.5, name="framed")
    y = net.combine("multiply", y, net.stored([7], name="gains"), name="gained")
    y = net.linear(net.dropout(net.reshape(y, 1, -1, name="flat"), name="dropped"), 6, name="scores")
    net.softmax(net.distance(net.softmax(y, name="shares"), [[0.1] * 6, [0.5] * 6, [1.0] * 6], name="distances"), name="end")
    return net


def functions():
    """Every activation and every combination of two arrays."""
    from slidesum.core.ops import COMBINATIONS, FUNCTIONS

    net = ss.Network("functions")
    x = net.input("b c i", b=1, c=1, i=16)
    positive = net.activation(net.activation(x, "abs", name="size"), "affine", scale=0.5, shift=0.25, name="positive")
    for function in FUNCTIONS:
        source = positive if function in ("log", "sqrt", "power", "reciprocal") else x
        net.activation(source, function, name=f"f_{function}")
    for function in COMBINATIONS:
        net.combine(function, positive, net.take(positive, 2, [*range(1, 16), 0]), name=f"two_{function}")
    return net


def image_for(net, seed=0):
    shape = [int(n) for n in net.graph.inputs[0].shape]
    return np.random.default_rng(seed).normal(size=shape).astype("float32")
