"""What can't be done is told in words, also where the mistake is no pattern's; and nothing is lost or cast unseen."""

import numpy as np
import pytest
import sympy
import torch

import slidesum as ss
from slidesum.draft.place import Tensor
from slidesum.errors import SlidesumError

P = "b c i+u j+v, o c u v -> b o i j"
X, W = np.ones((1, 3, 8, 8)), np.ones((4, 3, 3, 3))


def small():
    net = ss.Network("small")
    net.linear(net.input("b c i j", b=1, c=1, i=4, j=4), 2, name="linear")
    return net


@pytest.mark.parametrize("dtype", ["uint8", "int64", "bool"])
@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_pictures_of_integers_are_computed_in_the_arrays_dtype(dtype, engine):
    net = small()
    image = (np.arange(16).reshape(4, 4) * 10).astype(dtype)
    result = net.run(image if engine == "numpy" else torch.from_numpy(image))["linear"]
    assert np.allclose(np.asarray(result), net.run(image.astype("float32"))["linear"])


def test_complex_arrays_are_computed_with_as_such():
    net = small()
    net.values = {name: x * 1j for name, x in net.values.items()}
    assert net.run(np.ones((4, 4)))["linear"].dtype.kind == "c"


def test_arrays_outlive_a_new_layer_and_a_copy():
    net = small()
    net.values = {name: x + 5 for name, x in net.values.items()}
    kept = net.values["linear.w"].copy()
    assert np.array_equal(net.with_sizes().values["linear.w"], kept)
    x = net.activation(Tensor("linear", net.graph["linear"].shape), "relu")
    net.linear(x, 3, name="head")
    assert np.array_equal(net.values["linear.w"], kept)
    assert net.values["head.w"].shape == (3, 2)


def test_arrays_may_be_torch_tensors_that_learn():
    net = small()
    net.values = {name: torch.from_numpy(x).requires_grad_() for name, x in net.values.items()}
    assert net.run(np.ones((4, 4)))["linear"].shape == (1, 2)
    assert all(isinstance(x, np.ndarray) for x in net.values.values())


@pytest.mark.parametrize(
    ("first", "then", "text"),
    [
        ({"u": 3}, {"u": 3.0}, "^a size is a whole number or a symbol, not 3.0\n"),
        ({"padding": {"i": 1}}, {"padding": {"i": True}}, "^True is no padding\n"),
        ({"padding": (1, 1)}, {"padding": (1.0, 1)}, r"^\(1.0, 1\) is no padding\n"),
    ],
)
def test_what_was_given_before_does_not_change_what_is_refused(first, then, text):
    ss.conv(P, X, W, **first)
    with pytest.raises(SlidesumError, match=text):
        ss.conv(P, X, W, **then)


def test_numbers_of_numpy_are_numbers():
    expected = ss.conv(P, X, W, padding=1, border=2.0)
    assert np.array_equal(ss.conv(P, X, W, padding=np.int64(1), border=np.float32(2)), expected)
    assert np.array_equal(ss.conv(P, X, W, padding=[1, 1], border=2), expected)


def test_a_network_with_numpy_integers_is_saved(tmp_path):
    net = ss.Network("pads")
    x = net.input("b c i", b=1, c=1, i=np.int64(8))
    net.conv(x, "b c i+u, o c u -> b o i", o=np.int32(2), u=3, padding={"i": (np.int64(1), 2)}, name="conv")
    net.save(tmp_path / "pads")
    assert ss.load(tmp_path / "pads.json").graph == net.graph


def test_padding_may_be_a_symbol_and_gives_the_formula_of_the_textbooks(tmp_path):
    net = ss.Network("symbols")
    x = net.input("b c i", b=1, c=1, i="N")
    x = net.conv(x, "b c s*i+u, o c u -> b o i", o=1, u="F", s="S", padding=("P", "P"), name="conv")
    n, f, p, s = sympy.symbols("N F P S", integer=True, positive=True)
    assert sympy.simplify(x.shape[2] - (sympy.floor((n - f + 2 * p) / s) + 1)) == 0
    assert net.with_sizes(N=227, F=11, S=4, P=0).graph["conv"].shape == (1, 1, 55)
    net.save(tmp_path / "symbols")
    assert ss.load(tmp_path / "symbols.json").with_sizes(N=28, F=5, S=1, P=2).graph["conv"].shape == (1, 1, 28)


def test_same_padding_of_symbols_is_a_ceiling():
    layer = ss.equation("c 2*i+u, o c u -> o i").sized(x=("c", "n"), o="o", u=3, padding="same")
    assert str(layer.shape) == "(o, ceiling(n/2))"


def test_sized_takes_what_conv_takes():
    layer = ss.equation("b c i, c o u -> b o 2*i+u").sized(x=np.ones((1, 3, 4)), o=2, u=3, extent={"i": 10}, bias=True)
    assert (layer.shape, layer.biases) == ((1, 2, 10), 2)


def test_equations_are_taken_wherever_text_is():
    eq = ss.equation(P)
    net = ss.Network("eq")
    x = net.conv(net.input("b c i j", b=1, c=3, i=8, j=8), eq, o=4, u=3, v=3)
    assert x.shape == (1, 4, 6, 6)
    assert ss.torch.Conv(eq, c=3, o=4, u=3, v=3)(torch.ones(1, 3, 8, 8)).shape == (1, 4, 6, 6)
    assert net.pool(x, ss.equation("max b c 2*i+u j -> b c i j"), u=2).shape == (1, 4, 3, 6)


def test_results_share_no_memory_with_their_input():
    for x in (np.arange(6.0).reshape(1, 6), torch.arange(6.0).reshape(1, 6)):
        windows = ss.pool("b i+u -> b u i", x, u=3)
        windows += 1
        assert float(x.sum()) == 15


def test_messages_of_modules_point_at_the_users_own_words():
    layer = ss.torch.Conv("b c  i+u, o c u -> b o i", c=2, o=3, u=3, bias=True)
    with pytest.raises(SlidesumError) as error:
        layer(torch.ones(1, 2, 2))
    assert str(error.value).splitlines()[1:3] == ["    b c  i+u, o c u -> b o i", "         ^^^"]


def test_modules_follow_autocast():
    layers = torch.nn.Sequential(ss.torch.Conv(P, c=3, o=4, u=3, v=3, bias="o"), ss.torch.Conv(P, c=4, o=2, u=3, v=3))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = torch.nn.Sequential(torch.nn.Conv2d(3, 3, 1), layers)(torch.ones(1, 3, 8, 8))
    assert y.dtype == torch.bfloat16
    y.sum().backward()
    assert layers[0].w.grad.dtype == torch.float32


def started():
    net = ss.Network("net")
    return net, net.input("b c", b=1, c=4)


MANY = " ".join(f"i{k}" for k in range(60))
REFUSED = {
    "an extent along an operand": (
        lambda: ss.conv(P, X, W, extent={"i": 9}),
        "extent= names 'i', whose address stands on an operand\n"
        "  It sets the extent of a result axis that holds an address, as in '… -> b o 2*i+u'.\n"
        "  Give i=8 as a size to have fewer positions, or pad.",
    ),
    "an extent that is no dict": (lambda: ss.conv(P, X, W, extent=3), 'extent= is no dict: 3\n  Write extent={"i": 8}, say.'),
    "an array as padding": (
        lambda: ss.conv(P, X, W, padding=np.array([1, 2])),
        "array([1, 2]) is no padding\n  Padding is valid, same, same_lower, full, a number, (before, after), or a dict by position.\n"
        '  Write padding="same", say.',
    ),
    "a border that is none": (lambda: ss.conv(P, X, W, border="wrap"), "'wrap' is no border\n  Write one of zero, circular, reflect, replicate, or a number."),
    "a module's padding": (lambda: ss.torch.Conv(P, c=3, o=4, u=3, v=3, padding={"q": 1}), "padding= names 'q', which is no position\n  The positions of this pattern are: i, j.\n  Name one of them."),
    "a module of integers": (lambda: ss.torch.Conv(P, c=3, o=4, u=3, v=3, dtype=torch.int32), "filters of torch.int32 can't be learned\n  Give a floating dtype, such as torch.float32."),
    "a module on an array": (lambda: ss.torch.Conv(P, c=3, o=4, u=3, v=3)(X), "a module takes torch tensors, not ndarray\n  Convert it: torch.as_tensor(x)."),
    "a network's module on an array": (lambda: small().to_torch()(np.ones((1, 1, 4, 4))), "a module takes torch tensors, not ndarray\n  Convert it: torch.as_tensor(x)."),
    "a pooling with filters": (lambda: ss.torch.Pool("b c, o c -> b o"), "a pooling has one operand, and the pattern has 2\n  Write Conv(…)."),
    "a verb's pooling with filters": (lambda: started()[0].pool(started()[1], "b c, o c -> b o"), "a pooling has one operand, and the pattern has 2\n  Write net.conv(…)."),
    "running on text": (lambda: small().run("a"), "the input has the shape (), and the network expects (1, 1, 4, 4)\n  Its axes are b c i j; the first may have any extent.\n  Crop or scale the image, or give the network other sizes."),
    "running on nothing": (lambda: small().run(None), "NoneType is no array of numbers\n  Give an array of NumPy, torch, JAX or dask."),
    "arrays that are none": (lambda: setattr(small(), "values", None), "the arrays of a network are a dict, not NoneType\n  Give them by 'layer.array'."),
    "a layer's name for its result": (lambda: started()[0].linear("input", 3), "'input' is no result of a layer\n  Layers are put together by what the verbs return.\n  Write x = net.input(…) first, and pass x."),
    "one part to concat": (lambda: started()[0].concat(started()[1]), "concat takes the parts as one list\n  Write net.concat([x, y])."),
    "a list to add": (lambda: started()[0].add([started()[1]]), "[input (1, 4)] is no result of a layer\n  Layers are put together by what the verbs return.\n  Write x = net.input(…) first, and pass x."),
    "an axis that is no number": (lambda: started()[0].softmax(started()[1], axis=1.0), "an axis is a whole number, not 1.0\n  Write 1 for the maps, -1 for the last axis."),
    "a number as a layer's name": (lambda: started()[0].linear(started()[1], 3, name=3), "3 can't be a layer's name\n  Use letters, digits, '_', '-' and '/'."),
    "an axis below nothing": (lambda: ss.Network("n").input("b", b=-1), "the input's axis 'b' has the extent -1\n  Give at least 0."),
    "a negative epsilon": (lambda: started()[0].norm(started()[1], epsilon=-1), "epsilon=-1 can't normalise\n  Give a number of at least 0."),
    "a number as a network's name": (lambda: ss.Network(3), "a network's name is text, not 3\n  Write Network(\"two layers\"), say."),
    "nothing to load": (lambda: ss.load(None), "None names no network\n  A network of the zoo by its name, a file (.slidesum, .json, .pt2, .onnx, .keras), 'package.module:factory', an nn.Module, or a Keras model.\n  Write ss.load(\"lenet5\"), say."),
    "nowhere to save": (lambda: small().save(None), "None is no path of a network\n  Write for example folder/name."),
    "a folder to save to": (lambda: small().save("somewhere/"), "somewhere is a folder, not the name of a network\n  Write for example folder/name."),
    "too many indices": (
        lambda: ss.pool(f"i0 {MANY} -> {MANY}", np.ones((1,) * 61)),
        "the equation has 60 indices, and no library sums over more than 52\n"
        "  Merge axes that always go together, or compute it in two equations.",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_refusals(what):
    call, text = REFUSED[what]
    with pytest.raises(SlidesumError) as error:
        call()
    assert str(error.value) == text
