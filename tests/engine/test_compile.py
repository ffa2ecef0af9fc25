"""`ss.compile`: the same program as a network's, without the network."""

from __future__ import annotations

import gc
import pickle
import tracemalloc
import weakref

import numpy as np
import pytest

import slidesum as ss
from slidesum.engine.mapped import is_mapped
from slidesum.engine.whole import emit_chosen
from slidesum.errors import FileError, UsageError

X = np.random.default_rng(1).standard_normal((2, 16, 12, 12)).astype("float32")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Layers by Winograd's transforms and by the sum, a batch norm that is folded, and a layer that a plan computes."""
    net = ss.Network("one of each")
    x = net.input("b c i j", b=1, c=16, i=12, j=12)
    x = net.conv(x, "b c i+u-1 j+v-1, o c u v -> b o i j", o=64, u=3, v=3, name="wide")
    x = net.activation(net.norm(x, name="norm"), "relu", name="relu")
    x = net.conv(x, "b c i j, o c -> b o i j", o=512, name="point")
    x = net.linear(net.pool(x, "mean b c i j -> b c", name="mean"), 32, name="fc")
    net.norm(x, "layer", name="planned")
    path = tmp_path_factory.mktemp("nets") / "net.slidesum"
    net.save(path)
    return path, net


def test_it_gives_what_the_compiled_network_gives(saved):
    path, net = saved
    fast = ss.compile(path, 2, threads=2)
    assert np.array_equal(fast(X), net.compile(batch=2, threads=2)(X))
    assert fast.is_native


def test_of_arrays_only_those_are_kept_that_a_plan_needs(saved):
    path, net = saved
    owners = {name.rpartition(".")[0] for name in ss.compile(path).values}
    assert owners == {"planned"}
    assert len(net.compile().values) == len(net.values)


def test_arrays_are_freed_while_it_is_compiled(saved):
    path, net = saved
    given = sum(array.nbytes for array in net.values.values())

    def held(make):
        gc.collect()
        tracemalloc.start()
        made = make()
        now = tracemalloc.get_traced_memory()[0]
        tracemalloc.stop()
        return now, made

    ss.compile(path)  # so that code is loaded
    (alone, _), (beside, _) = held(lambda: ss.compile(path)), held(lambda: ss.load(path).compile())
    assert beside - alone > 0.8 * given


def test_an_array_goes_when_its_kernel_is_there(monkeypatch):
    """Of filters whose way is chosen, those before have none any more when the next are written."""
    net = ss.Network("many")
    x = net.input("b c i j", b=1, c=16, i=12, j=12)
    for k in range(4):
        x = net.conv(x, "b c i+u-1 j+v-1, o c u v -> b o i j", o=32, u=3, v=3, name=f"conv{k}")
    seen, written = [], emit_chosen.parts_of

    def parts_of(work, *rest):
        assert [ref() for ref in seen] == [None] * len(seen)
        seen.append(weakref.ref(work.w))
        return written(work, *rest)

    monkeypatch.setattr(emit_chosen, "parts_of", parts_of)
    net.compile(threads=1)
    assert len(seen) == 4


def test_it_is_pickled_as_what_it_was_made_of(saved, tmp_path, monkeypatch):
    path, _ = saved
    monkeypatch.chdir(path.parent)
    fast = ss.compile(path.name, 2, threads=1, exact=True)
    text = pickle.dumps(fast)
    monkeypatch.chdir(tmp_path)
    again = pickle.loads(text)
    assert len(text) < 1000
    assert (again.threads, again.exact) == (1, True)
    assert np.array_equal(again(X), fast(X))


def test_a_factory_is_not_called_again(tmp_path, monkeypatch):
    (tmp_path / "drawn.py").write_text("import torch\n\ndef net():\n    return torch.nn.Conv2d(16, 4, 3)\n")
    monkeypatch.chdir(tmp_path)
    fast = ss.compile("drawn:net", 2, input=(1, 16, 12, 12))
    assert np.array_equal(pickle.loads(pickle.dumps(fast))(X), fast(X))


def test_options_of_the_zoo_and_without_an_engine(monkeypatch):
    x = np.ones((1, 3, 32, 32), "float32")
    wanted = ss.load("resnet18", width="1/8", side=32).compile()(x)
    assert np.array_equal(ss.compile("resnet18", width="1/8", side=32)(x), wanted)
    monkeypatch.setattr("slidesum.run.compiled.host", lambda: None)
    by_plans = ss.compile("resnet18", width="1/8", side=32)
    assert not by_plans.is_native
    assert np.allclose(by_plans(x), wanted, rtol=1e-3, atol=1e-5)


def test_what_has_no_name_is_refused():
    with pytest.raises(UsageError) as caught:
        ss.compile(ss.Network("held"))
    assert str(caught.value) == (
        "a Network isn't a name or a file\n  The arrays of a model that somebody holds can't be let go.\n"
        "  Write ss.load(model).compile()."
    )
    with pytest.raises(FileError, match=r"^there is no file nothing\.json"):
        ss.compile("nothing.json")


def test_how_it_is_compiled_is_pickled_too():
    fast = ss.compile("lenet5", 2, threads=1, tune=0, weights="bfloat16")
    again = pickle.loads(pickle.dumps(fast))
    assert (again.tune, again.weights) == (fast.tune, fast.weights) == (0, "bfloat16")


@pytest.mark.parametrize("name", ["one of each", "mobilenet-v2", "googlenet", "lenet5"])
@pytest.mark.parametrize("engine", ["native", "by plans"])
def test_of_a_mapped_file_nothing_is_held(saved, tmp_path, name, engine, monkeypatch):
    """Neither by a kernel nor for a plan: the file may change as soon as the network is compiled."""
    path, net = saved
    if name != "one of each":
        sizes = {"googlenet": {"width": "1/4", "side": 64}, "mobilenet-v2": {"side": 32}}.get(name, {})
        path, net = tmp_path / "net.slidesum", ss.load(name, **sizes)
        net.save(path)
    monkeypatch.setattr("slidesum.read.mapped.LARGE", 1)
    monkeypatch.setattr("slidesum.read.mapped.MOST", 10**6)
    if engine == "by plans":
        monkeypatch.setattr("slidesum.run.compiled.host", lambda: None)
    fast, beside = ss.compile(path, 2, threads=2), net.compile(batch=2, threads=2)
    assert not any(map(is_mapped, fast.values.values()))
    if engine == "native":
        numbers = [n for part in fast.native.program.plan.parts for n in part.numbers.values() if isinstance(n, np.ndarray)]
        assert numbers
        assert not any(map(is_mapped, numbers))
    x = np.random.default_rng(0).standard_normal((2, *net.graph.inputs[0].shape[1:])).astype("float32")
    assert np.array_equal(fast(x), beside(x))
