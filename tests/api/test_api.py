"""What people hold: names, laziness, and the calls of the README."""

import subprocess
import sys

import numpy as np
import pytest
import torch

import slidesum as ss
from slidesum.errors import FileError, MissingPackage, SizeError, SlidesumError, UsageError
from slidesum.notation.parse import equation_of
from slidesum.zoo import ZOO


def loaded_after(code):
    """The top-level modules that are imported once `code` has run in a fresh interpreter."""
    script = f"import sys\n{code}\nprint(*sorted(m for m in sys.modules if '.' not in m))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(result.stdout.split())


def test_importing_slidesum_imports_nothing_heavy():
    assert not loaded_after("import slidesum") & {
        "torch",
        "numpy",
        "sympy",
        "rich",
        "typer",
        "safetensors",
        "sklearn",
        "matplotlib",
    }


def test_core_notation_and_laws_import_the_standard_library_only():
    code = (
        "from slidesum.notation.parse import parse\n"
        "from slidesum.laws.shape import solve\n"
        "from slidesum.laws import count, kind, reach, gradient, explain, graph, parameters\n"
        "print(count.count(solve(parse('b c i+u, o c u -> b o i'), [(1, 2, 9), (3, 2, 3)])), file=sys.stderr)"
    )
    assert not loaded_after(code) & {"torch", "numpy", "sympy", "rich"}


def test_symbols_bring_sympy_and_nothing_else_does():
    assert "sympy" in loaded_after("import slidesum\nslidesum.equation('b f, o f -> b o').sized(x=(1, 8), o='k')")
    assert "sympy" not in loaded_after("import slidesum\nslidesum.equation('b f, o f -> b o').sized(x=(1, 8), o=3)")


def test_numpy_arrays_do_not_bring_torch():
    assert "torch" not in loaded_after(
        "import numpy as np, slidesum as ss\nss.conv('b f, o f -> b o', np.ones((1, 2)), np.ones((3, 2)))"
    )


def test_the_names_people_call_are_there():
    assert set(ss.__all__) <= set(dir(ss))
    assert all(getattr(ss, name) is not None for name in ss.__all__)
    assert ss.__version__ == "0.1.0"
    with pytest.raises(AttributeError, match=r"^module 'slidesum' has no attribute 'Conv2d'$"):
        _ = ss.Conv2d


def test_both_spellings_are_one_equation():
    assert ss.equation("b c i+u, o c u -> b o i") == ss.equation("y[b,o,i] = x[b,c,i+u] * w[o,c,u]")
    assert len({ss.equation("b f, o f -> b o"), ss.equation("b  f ,o f->b o")}) == 1


def test_an_equation_answers():
    eq = ss.equation("b c 2*i+u-3 2*j+v-3, o c u v -> b o i j")
    assert str(eq) == "b c 2*i+u-3 2*j+v-3, o c u v -> b o i j"
    assert repr(eq) == "equation('b c 2*i+u-3 2*j+v-3, o c u v -> b o i j')"
    assert eq.named() == "y[b,o,i,j] = x[b,c,2*i+u-3,2*j+v-3] * w[o,c,u,v]"
    assert str(eq.kind) == "type 2.2, stride 2"
    layer = eq.sized(x=(1, 3, 224, 224), o=64, u=7, v=7)
    assert (layer.shape, layer.shapes["w"]) == ((1, 64, 112, 112), (64, 3, 7, 7))
    assert (layer.weights, layer.biases, layer.macs, layer.inputs_per_output) == (9408, 0, 118_013_952, 147)
    assert layer.macs_inside < layer.macs
    assert (layer.reach["i"].field, layer.reach["i"].stride, layer.reach["i"].padding) == (7, 2, 3)
    assert str(layer.kind) == "type 2.2, stride 2, padding 3"
    back = layer.gradient("x")
    assert back.tree.equation == eq.gradient("x").tree
    assert (back.shape, back.shapes["dy"], back.macs) == ((1, 3, 224, 224), (1, 64, 112, 112), layer.macs)
    assert layer.backward_macs == 2 * layer.macs
    assert str(back) == (
        "dx[b,c,2*i+u-3,2*j+v-3] = dy[b,o,i,j] * w[o,c,u,v]\n"
        "  dx (1, 3, 224, 224), dy (1, 64, 112, 112), w (64, 3, 7, 7)\n"
        "  b=1, c=3, i=112, u=7, j=112, v=7, o=64\n"
        "  padding (3, 2) at 2*i+u-3 of dx\n"
        "  padding (3, 2) at 2*j+v-3 of dx"
    )
    assert str(back.gradient("dy")).startswith("ddy[b,o,i,j] = ddx[b,c,2*i+u-3,2*j+v-3] * w[o,c,u,v]\n")


def test_a_border_is_told_where_it_stands():
    told = str(ss.equation("i+u-1, u -> i").sized(x=(5,), u=3, border="circular").gradient("x"))
    assert (
        told == "dx[i+u-1] = dy[i] * w[u]\n  dx (5,), dy (5,), w (3,)\n  i=5, u=3\n  padding (1, 1) at i+u-1 of dx, border circular"
    )


def test_conv_takes_an_equation_wherever_it_takes_text():
    x, w = np.arange(8.0).reshape(1, 2, 4), np.ones((3, 2, 2))
    text = "b c i+u, o c u -> b o i"
    results = [ss.conv(eq, x, w) for eq in (text, ss.equation(text), equation_of(text))]
    assert all(np.array_equal(results[0], other) for other in results[1:])


def test_conv_adds_a_bias_along_the_filters_of_any_type():
    x = np.zeros((1, 4, 5))
    for pattern, w, shape in [
        ("b c i+u, o u -> b (c o) i", (3, 2), (3,)),
        ("b c i+u, o u -> b o i", (3, 2), (3,)),
        ("b c i+u, c u -> b c i", (4, 2), (4,)),
        ("b (g c) i+u, (g o) c u -> b (g o) i", (6, 2, 2), (6,)),
    ]:
        y = ss.conv(pattern, x, np.zeros(w), bias=np.arange(float(np.prod(shape))))
        each = np.tile(np.arange(float(shape[0])), y.shape[1] // shape[0])
        assert np.array_equal(y, np.broadcast_to(each[None, :, None], y.shape))


def test_conv_keeps_the_library_of_its_arrays():
    x, w = torch.ones(1, 2, 4), torch.ones(3, 2, 2, requires_grad=True)
    y = ss.conv("b c i+u, o c u -> b o i", x, w)
    assert isinstance(y, torch.Tensor)
    y.sum().backward()
    assert torch.equal(w.grad, torch.full((3, 2, 2), 3.0))


def test_pool_says_its_reduction_once():
    x = np.arange(4.0).reshape(1, 1, 4)
    assert np.array_equal(ss.pool("max b c 2*i+u -> b c i", x, u=2), ss.pool("b c 2*i+u -> b c i", x, "max", u=2))
    with pytest.raises(UsageError) as error:
        ss.pool("max b c 2*i+u -> b c i", x, "mean", u=2)
    assert str(error.value) == "the pattern says 'max', and the call 'mean'\n  Say it once."


def test_what_is_no_equation_is_told():
    with pytest.raises(UsageError) as error:
        ss.conv(5, np.ones(3), np.ones(3))
    assert str(error.value) == "an equation is text, not int\n  Write for example 'b c i+u j+v, o c u v -> b o i j'."


def test_load_knows_the_zoo_and_saved_networks(tmp_path):
    net = ss.load("type-2.2").with_sizes(n=8, m=8, k1=2, k2=3)
    net.initialise(seed=5)
    net.save(tmp_path / "net.json")
    again = ss.load(tmp_path / "net.json")
    image = np.random.default_rng(0).random((8, 8), dtype="float32")
    assert again.graph == net.graph
    assert np.array_equal(again.run(image)["linear"], net.run(image)["linear"])
    symbolic = ss.load("type-1")
    symbolic.save(tmp_path / "symbols.json")
    assert ss.load(tmp_path / "symbols.json").symbols == ("k1", "k2", "m", "n")


def test_load_refuses_what_it_does_not_know(tmp_path):
    with pytest.raises(FileError) as error:
        ss.load("lenet6")
    assert str(error.value) == (
        f"there is no network 'lenet6'\n  The zoo has {', '.join(ZOO)}.\n"
        "  What can be loaded: A network of the zoo by its name, a file (.slidesum, .json, .pt2, .onnx, .keras), "
        "'package.module:factory', an nn.Module, or a Keras model."
    )
    with pytest.raises(UsageError) as error:
        ss.load("lenet6", width=2)
    assert str(error.value) == (
        f"'lenet6' isn't of the zoo, and takes no 'width'\n  The zoo has {', '.join(ZOO)}.\n"
        "  Take it away; only networks of the zoo have options, and .onnx files open sizes."
    )
    with pytest.raises(UsageError) as error:
        ss.load("lenet5", input=(1, 1, 28, 28))
    assert str(error.value) == (
        "'lenet5' is read without an example\n"
        "  Models of torch and Keras need the shape of their input; other networks say it themselves.\n"
        "  Take example= or input= away; sizes of the zoo are options, such as side=64."
    )
    with pytest.raises(SlidesumError, match=r"^there is no file "):
        ss.load(tmp_path / "missing.json")


def test_a_network_is_run_trained_and_taken_back():
    net = ss.load("type-2.1").with_sizes(n=8, m=8, k1=2, k2=3)
    image = np.random.default_rng(0).random((4, 1, 8, 8), dtype="float32")
    module = net.to_torch()
    before = net.run(image)["linear"]
    assert np.allclose(module(torch.from_numpy(image)).detach().numpy(), before, atol=1e-5)
    optimiser = torch.optim.SGD(module.parameters(), lr=0.1)
    torch.nn.functional.cross_entropy(module(torch.from_numpy(image)), torch.arange(4)).backward()
    optimiser.step()
    net.values = module.values()
    assert not np.allclose(net.run(image)["linear"], before, atol=1e-4)
    assert np.allclose(module(torch.from_numpy(image)).detach().numpy(), net.run(image)["linear"], atol=1e-5)


def test_symbols_can_be_counted_but_not_run():
    net = ss.load("type-2.2")
    with pytest.raises(SizeError) as error:
        net.run(np.zeros((8, 8)))
    assert str(error.value) == (
        "type-2.2 has open sizes: k1, k2, m, n\n  Symbols are enough to count, but not to compute.\n"
        "  Give them numbers: net.with_sizes(k1=8, k2=8, m=8, n=8)."
    )


def test_the_reach_of_a_network_grows_layer_by_layer():
    net = ss.load("lenet5")
    assert [net.reach(layer)["i"].field for layer in ("C1", "S2", "C3", "S4", "C5")] == [5, 6, 14, 16, 32]
    assert net.reach()["i"].along is None
    assert repr(net) == f"<Network 'lenet5': {len(net.graph.nodes)} layers>"


def test_a_widget_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "anywidget", None)
    with pytest.raises(MissingPackage) as error:
        ss.load("lenet5").view(np.zeros((32, 32)))
    assert str(error.value) == "the widget needs anywidget, which isn't installed\n  Install it: pip install 'slidesum[page]'."
