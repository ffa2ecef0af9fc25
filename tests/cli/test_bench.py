"""bench as a user runs it. What is asserted is what is said of times, never how long something takes."""

import json
import subprocess
import sys

import numpy as np
import pytest
from process import environment, slidesum

from slidesum.bench.case import Case, Duel, Side, Wanted
from slidesum.bench.cases.catalogue import CASES, chosen
from slidesum.bench.cases.made import slidesum as ours
from slidesum.bench.cases.made import tensors
from slidesum.bench.clock import Rounds, Times, interleaved
from slidesum.bench.measure import measure
from slidesum.bench.memory import CLEAR, memory
from slidesum.bench.peak import Peak
from slidesum.bench.row import row
from slidesum.bench.run import run
from slidesum.errors import SlidesumError

TINY = "b c i+u, o c u -> b o i"
PEAK = Peak(100e9, 20e9)


def tiny(peer, **options):
    """A case of our convolution against this peer."""

    def prepare():
        x, w = tensors((1, 2, 9), (3, 2, 3))
        return Duel((ours(TINY, x, w),), (Side("a peer", peer, (x, w), **options),), 100)

    return Case("tiny", "tests", TINY, "2 → 3 maps", "a peer", prepare)


def library(x, w):
    import torch

    return torch.conv1d(x, w)


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "figures.json"
    options = ["--case", "call", "--case", "per-sample-8-8-16", "--runs", "1", "--json", path]
    return slidesum("bench", *options, COLUMNS="80"), json.loads(path.read_text())


def test_every_case_has_a_name_of_its_own():
    assert len({case.name for case in CASES}) == len(CASES)
    assert all(case.equation and case.what and case.against for case in CASES)


def test_list_names_every_case_and_needs_no_torch():
    script = (
        "import sys; sys.modules['torch'] = None; sys.argv = ['slidesum', 'bench', '--list']; import slidesum.cli as c; c.main()"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment(), check=False)
    assert (result.returncode, result.stderr) == (0, "")
    named = [line.split()[0] for line in result.stdout.splitlines() if not line.startswith(" ")]
    assert named == [case.name for case in CASES]


def test_the_table_fits_80_columns(measured):
    result, document = measured
    assert (result.returncode, result.stderr.split()[0]) == (0, "saved")
    lines = result.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    (head,) = (line for line in lines if line.startswith("case "))
    assert head.split() == ["case", "ours", "other", "ratio", "wanted", "floor", "ours×", "other×"]
    assert [line for line in lines if line.startswith(("per-sample-8-8-16 ", "  and backward ", "call "))]
    assert f"of {len(document['rows'])} wanted ratios reached" in result.stdout


def test_the_json_is_complete_and_agrees_with_itself(measured):
    _, document = measured
    assert document["machine"]["threads"] == 2
    assert document["machine"]["cpu"]
    assert {"numpy", "torch"} <= set(document["machine"]["versions"])
    peak = document["peak"]
    assert min(peak["macs_per_second"], peak["bytes_per_second"]) > 0
    assert (document["skipped"], document["refused"], document["stopped"]) == ({}, {}, False)
    rows = document["rows"]
    assert [(r["case"], r["passes"]) for r in rows] == [
        ("per-sample-8-8-16", "forward"),
        ("per-sample-8-8-16", "forward+backward"),
        ("call", "forward"),
    ]
    for r in rows:
        assert r["ratio"] == r["peer_ms"] / r["ours_ms"]
        assert r["ours_floors"] == r["ours_ms"] / r["floor_ms"]
        assert r["peer_floors"] == r["peer_ms"] / r["floor_ms"]
        for mine, ms in ((True, r["ours_ms"]), (False, r["peer_ms"])):
            assert min(side["times"]["ms"] for side in r["sides"] if side["ours"] is mine) == ms
        assert all(side["times"]["runs"] == 1 for side in r["sides"])
    assert [r["reached"] for r in rows[:2]] == [r["ratio"] >= 1.5 for r in rows[:2]]
    assert rows[2]["reached"] == (rows[2]["extra_us"] <= 5)


def test_an_unknown_case_is_told_with_the_groups():
    result = slidesum("bench", "--case", "nope", COLUMNS="200")
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr == (
        "there is no case 'nope'\n"
        "  The groups of cases are question, standard, axes, sharing, factors, depthwise, others, numpy, overhead, jax.\n"
        "  slidesum bench --list names every case.\n"
    )


WITHOUT_TORCH = """
import sys
sys.modules["torch"] = None
sys.argv = ["slidesum", "bench", "--runs", "1", "--case", {!r}]
import slidesum.cli
slidesum.cli.main()
"""


def test_without_torch_its_cases_say_what_to_install_and_those_of_numpy_run():
    def bench(case):
        command = [sys.executable, "-c", WITHOUT_TORCH.format(case)]
        return subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)

    refused = bench("call")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "this command needs torch, which isn't installed\n  Install it: pip install 'slidesum[train]'.\n"
    done = bench("numpy-einsum-optimize")
    assert (done.returncode, done.stderr) == (0, "")
    assert "numpy-einsum-optimize" in done.stdout


def test_a_peer_that_agrees_is_timed_forward_and_backward():
    rows = list(measure(tiny(library), PEAK, Rounds(exactly=2), 2))
    assert [r.passes for r in rows] == ["forward", "forward+backward"]
    assert [r.floor_ms for r in rows] == [PEAK.floor_ms(100, 4 * (18 + 18 + 21)), PEAK.floor_ms(300, 4 * (3 * 36 + 2 * 21))]


def test_a_peer_with_another_result_is_refused():
    with pytest.raises(SlidesumError, match=r"^slidesum and a peer disagree: they are up to .* apart"):
        list(measure(tiny(lambda x, w: library(x, w) * 1.01), PEAK, Rounds(exactly=1), 2))
    with pytest.raises(SlidesumError, match=r"disagree: the shapes are \(1, 3, 6\) and \(1, 3, 7\)"):
        list(measure(tiny(lambda x, w: library(x, w)[..., 1:]), PEAK, Rounds(exactly=1), 2))
    with pytest.raises(SlidesumError, match="disagree"):
        list(measure(tiny(lambda x, w: library(x, w) * float("nan")), PEAK, Rounds(exactly=1), 2))


def test_a_peer_with_other_gradients_is_refused():
    wrong = tiny(library, gradients=lambda dx, dw: (dx, 2 * dw))
    with pytest.raises(SlidesumError, match="disagree"):
        list(measure(wrong, PEAK, Rounds(exactly=1), 2))


def test_a_refused_case_is_told_and_the_others_go_on():
    results = run([tiny(lambda x, w: library(x, w) + 1), tiny(library)], runs=1)
    assert list(results.refused) == ["tiny"]
    assert "disagree" in results.refused["tiny"]
    assert [r.passes for r in results.rows] == ["forward", "forward+backward"]


def test_ctrl_c_gives_what_is_there():
    def stopped():
        raise KeyboardInterrupt

    results = run([tiny(library), Case("next", "tests", TINY, "", "", stopped)], runs=1)
    assert results.stopped
    assert len(results.rows) == 2


@pytest.mark.skipif(not CLEAR.exists(), reason="no peak to read here")
def test_memory_is_that_of_one_run_above_its_arrays():
    (case,) = chosen(["locally-connected"])
    found = memory(case, "forward", 2)
    windows = 4 * 16 * 32 * 9 * 28 * 28
    assert found.peer_bytes > windows
    assert found.share == found.ours_bytes / found.peer_bytes
    assert found.returned_bytes == 16 * 32 * 28 * 28 * 4
    assert found.share_beside == (found.ours_bytes - found.returned_bytes) / (found.peer_bytes - found.returned_bytes)
    assert found.reached == (found.share_beside <= 1 / 3)


def test_calls_take_turns():
    order = []
    times = interleaved([lambda: order.append("a"), lambda: order.append("b")], Rounds(exactly=8))
    rounds = ["".join(order[k : k + 2]) for k in range(0, len(order), 2)]
    assert len(rounds) == 9  # the first one warms up
    assert set(rounds) == {"ab", "ba"}
    assert [t.runs for t in times] == [8, 8]


def test_the_fastest_of_several_counts_and_layouts_stand_apart():
    x = np.zeros(1)

    def side(name, layout):
        return Side(name, abs, (x,), layout=layout)

    duel = Duel((side("ours", "A"), side("ours", "B")), (side("one", "A"), side("two", "B")), 1)
    case = Case("layouts", "tests", TINY, "", "", lambda: duel, Wanted(forward=2.5))
    found = row(case, "forward", duel, [Times(ms, ms, ms, 1) for ms in (4, 8, 2, 6)], floor_ms=1)  # ours A, one A, ours B, two B
    assert (found.ours_ms, found.peer_ms, found.ratio, found.against, found.reached) == (2, 6, 3, "two", True)
    assert found.layouts == {"A": 2, "B": 3}
