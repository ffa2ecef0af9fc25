"""Tuning: every way that is offered computes the same; what was measured is kept, and never believed more than it should be."""

from __future__ import annotations

import io
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_whole import HOST, SETTINGS, error, inputs, layers, poisoned, spread, written_inside

import slidesum as ss
from slidesum.engine.host import Host
from slidesum.engine.whole import emit_winograd, objects, tuning
from slidesum.engine.whole.candidates import Setting, by_estimate, candidates
from slidesum.engine.whole.network import widest
from slidesum.engine.whole.trial import measured
from slidesum.engine.whole.ways import Problem, Summed, Transformed
from slidesum.errors import UsageError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SLIDESUM_CACHE", str(tmp_path))
    return tmp_path


@pytest.fixture
def fake(monkeypatch):
    """Instead of a clock: the last way is the fastest. Gives the problems that were asked for."""
    asked: list[Problem] = []

    def seconds(problem, ways, setting, between):
        asked.append(problem)
        return [1e-3 * (len(ways) - k) for k in range(len(ways))]

    monkeypatch.setattr(tuning, "measured", seconds)
    return asked


def small(maps: int = 32, layers: int = 1) -> ss.Network:
    net = ss.Network("small")
    x = net.activation(net.input("b c i j", b=1, c=maps, i=12, j=12), "relu")
    for k in range(layers):
        x = net.conv(x, "b c i+u-1 j+v-1, o c u v -> b o i j", o=maps * (k + 1), u=3, v=3, name=f"conv{k}")
    return spread(net)


def problems(net: ss.Network, threads: int = 2) -> tuple[list[Problem], Setting]:
    """What the layers of a network are."""
    found: list[Problem] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "slidesum.engine.whole.network.by_estimate", lambda asked, own: found.extend(asked) or by_estimate(asked, own)
        )
        net.compile(threads=threads)
    return found, Setting(widest(HOST), threads, exact=False)


def ways_of(fast) -> list[str]:
    return [row["tile"] for row in fast.rows() if row["kernel"] in ("direct", "winograd", "depthwise")]


def test_filters_without_a_weight_are_measured(cache):
    """Of stride 3 and two taps, every third row of results has none."""
    net = ss.Network("gaps")
    x = net.input("b c i j", b=1, c=16, i=6, j=6)
    net.conv(x, "b c i j, c o u v -> b o 3*i+u 3*j+v", o=16, u=2, v=2)
    tuned = spread(net).compile(threads=2, tune=True)
    assert error(net, tuned, inputs(net)) <= 1e-5
    assert "are measured" in str(tuned).splitlines()[0]


# Ways


@settings(SETTINGS, max_examples=40)
@given(layers(), st.integers(1, 3), st.data())
def test_every_way_that_is_offered_computes_the_same(net: ss.Network, threads: int, data: st.DataObject):
    chosen = []

    def choose(asked, setting):
        found = {}
        for problem, ways in by_estimate(asked, setting).items():
            way = data.draw(st.sampled_from(ways))
            chosen.append(way[0])
            found[problem] = [way, *ways]
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("slidesum.engine.whole.network.by_estimate", choose)
        fast = net.compile(threads=threads)
    assert {str(way) for way in chosen if isinstance(way, Transformed)} <= set(ways_of(fast))
    x = inputs(net)
    written_inside(fast, x)
    poisoned(fast)
    assert error(net, fast, x) <= 1e-5


def test_what_is_offered():
    """The best of each method, and nothing that rounds where that is forbidden."""
    (problem,), setting = problems(small(64))
    ways = candidates(problem, setting)
    assert {way.outputs for way in ways if isinstance(way, Transformed)} == {2, 4, 6}
    exact = candidates(problem, Setting(setting.host, 2, exact=True))
    assert exact == tuple(way for way in ways if isinstance(way, Summed)) != ()
    assert len(set(map(tuning.name, ways))) == len(set(ways)) == len(ways)


def test_layers_of_one_size_are_one_problem():
    net = ss.Network("twins")
    x = net.activation(net.input("b c i j", b=1, c=32, i=12, j=12), "relu")
    branches = [net.conv(x, "b c i+u-1 j+v-1, o c u v -> b o i j", o=32, u=3, v=3, name=f"conv{k}") for k in range(3)]
    net.concat(branches)
    found, _ = problems(net)
    assert len(found) == 3
    assert len(set(found)) == 1


def test_a_clock_tells_a_good_tile_from_a_bad_one():
    (problem,), setting = problems(small(64))
    best = candidates(problem, Setting(setting.host, 2, exact=True))[0]
    good, bad = measured(problem, [best, Summed(((1, 1),))], setting, 2**20)
    assert 0 < 2 * good < bad


# What was measured


def test_the_fastest_is_taken_and_known_from_then_on(cache, fake):
    net = small()
    (problem,), setting = problems(net)
    tuned = net.compile(threads=2, tune=True)
    assert fake == [problem]
    assert ways_of(tuned) == [str(candidates(problem, setting)[-1])]
    assert error(net, tuned, inputs(net)) <= 1e-5
    again = net.compile(threads=2, tune=True)
    assert fake == [problem]
    assert ways_of(again) == ways_of(tuned) != ways_of(net.compile(threads=2))


def test_the_table_tells_what_was_measured(cache, fake):
    net = small(layers=2)
    tuned = net.compile(threads=2, tune=True)
    title = "small, 2 threads, float32, tuned: 2 of 2 kinds of layers are measured"
    assert str(tuned).startswith(title + "\nlayer ")
    told = [(row["kernel"], row["tuned ms"]) for row in tuned.rows() if row["layer"] == "conv1"]
    assert told[0][1] == 1.0
    assert told[-1] == ("unpack", "")
    assert "tuned ms" not in next(net.compile(threads=2).rows())


def test_other_threads_and_processors_are_measured_by_themselves(cache, fake, monkeypatch):
    net = small()
    net.compile(threads=2, tune=True)
    net.compile(threads=1, tune=True)
    assert len(fake) == 2
    features = ",".join(f for f in HOST.features.split(",") if "avx512" not in f)
    monkeypatch.setattr("slidesum.run.compiled.host", lambda: Host(HOST.cpu, features, 16, 32))
    net.compile(threads=2, tune=True)
    assert len(fake) == 3


def test_winograd_is_bounded_and_never_exact(cache, monkeypatch):
    """Also where it was measured to be the fastest."""
    net = small(64)
    monkeypatch.setattr(
        tuning, "measured", lambda problem, ways, *others: [1e-6 if isinstance(way, Transformed) else 1e-3 for way in ways]
    )
    assert ways_of(net.compile(threads=2, tune=True))[0].startswith("F(")
    assert not ways_of(net.compile(threads=2, tune=True, exact=True))[0].startswith("F(")
    monkeypatch.setattr(emit_winograd, "BOUND", 1e-9)
    assert not ways_of(net.compile(threads=2, tune=True))[0].startswith("F(")


def test_what_exact_has_measured_is_completed(cache, fake):
    net = small(64)
    (problem,), setting = problems(net)
    net.compile(threads=2, tune=True, exact=True)
    assert tuning.known(problem, setting).keys() == {
        tuning.name(way) for way in candidates(problem, Setting(setting.host, 2, exact=True))
    }
    net.compile(threads=2, tune=True)
    assert len(fake) == 2
    assert tuning.known(problem, setting).keys() == {tuning.name(way) for way in candidates(problem, setting)}
    net.compile(threads=2, tune=True, exact=True)
    assert len(fake) == 2


NOT_WHAT_IT_SHOULD_BE = [
    b"",
    b"\xff\xfe",
    b"[" * 10_000,
    b"[1, 2]",
    b"{}",
    b'{"Summed 9x9": 1e-9}',
    b'{"Summed 1x12": "fast"}',
    b'{"Summed 1x12": NaN, "Summed 2x12": -1, "Summed 2x6": Infinity, "Summed 1x1": true}',
]


@pytest.mark.parametrize("content", NOT_WHAT_IT_SHOULD_BE)
def test_what_is_not_what_it_should_be_is_measured_again(cache, fake, content: bytes):
    net = small()
    (problem,), setting = problems(net)
    objects.keep(tuning._key(problem, setting), content)
    tuned = net.compile(threads=2, tune=True)
    assert ways_of(tuned) == [str(candidates(problem, setting)[-1])]
    assert len(fake) == 1
    assert tuning.known(problem, setting).items() >= {
        (tuning.name(way), 1e-3 * (len(ways) - k)) for ways in [candidates(problem, setting)] for k, way in enumerate(ways)
    }


def test_a_broken_file_is_measured_again(cache, fake):
    net = small()
    (problem,), setting = problems(net)
    net.compile(threads=2, tune=True)
    path = cache / "kernels" / tuning._key(problem, setting)
    path.write_bytes(path.read_bytes()[:-1])
    net.compile(threads=2, tune=True)
    assert len(fake) == 2
    assert json.loads(path.read_bytes()[32:]) == dict(tuning.known(problem, setting))


@pytest.mark.parametrize("place", ["", "file"])
def test_where_nothing_can_be_kept(tmp_path, monkeypatch, fake, place: str):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("SLIDESUM_CACHE", str(tmp_path / place) if place else "")
    net = small()
    for times in (1, 2):
        net.compile(threads=2, tune=True)
        assert len(fake) == times
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_several_processes_at_once(cache):
    script = (
        "import slidesum as ss\n"
        "net = ss.load('lenet5')\n"
        "fast = net.compile(threads=2, tune=True)\n"
        "print(fast.native.tuner.known, fast.native.tuner.all)\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    told = [process.communicate(timeout=120)[0].split() for process in running]
    assert all(known == of and int(of) > 2 for known, of in told)
    fast = ss.load("lenet5").compile(threads=2, tune=0)
    assert fast.native.tuner.known == fast.native.tuner.all


# Time


def test_without_time_the_estimate_is_taken(cache, fake):
    net = small()
    tuned = net.compile(threads=2, tune=0)
    assert fake == []
    assert ways_of(tuned) == ways_of(net.compile(threads=2))
    assert str(tuned).startswith("small, 2 threads, float32, tuned: 0 of 1 kinds of layers are measured\n")


def test_the_costliest_are_first_and_an_interrupt_leaves_what_was_measured(cache, monkeypatch):
    net = small(layers=3)
    own = []

    def seconds(problem, ways, setting, between):
        if own:
            raise KeyboardInterrupt("while it is measured")
        own.append(problem)
        return [1e-3] * len(ways)

    monkeypatch.setattr(tuning, "measured", seconds)
    with pytest.raises(KeyboardInterrupt, match=r"^while it is measured$"):
        net.compile(threads=2, tune=True)
    assert [problem.what.filters for problem in own] == [96]
    fast = net.compile(threads=2, tune=0)
    assert (fast.native.tuner.known, fast.native.tuner.all) == (1, 3)


def test_pickled_it_takes_what_is_known_there(cache, fake):
    net = small()
    tuned = net.compile(threads=2, tune=True)
    again = pickle.loads(pickle.dumps(tuned))
    assert len(fake) == 1
    assert ways_of(again) == ways_of(tuned)
    (x,) = inputs(net)
    assert np.array_equal(again(x), tuned(x))
    assert pickle.loads(pickle.dumps(net.compile(threads=2))).tune is None


def test_progress_is_told_to_a_terminal(cache, fake, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for kind, told in ((Terminal, "\r\x1b[Kmeasuring layers: 1 of 1\r\x1b[K"), (io.StringIO, "")):
        monkeypatch.setattr(sys, "stderr", kind())
        small(32 if told else 48).compile(threads=2, tune=True)
        assert sys.stderr.getvalue() == told


@pytest.mark.parametrize("tune", ["yes", -1, float("nan"), float("inf"), None])
def test_what_tune_may_be(tune):
    with pytest.raises(UsageError) as told:
        small().compile(tune=tune)
    assert str(told.value) == f"tune= is True, False or a number of seconds, not {tune!r}\n  Write tune=True."
