"""Where tools disagree: the judge counts what torch computes, slidesum counts the same, and the page says what was measured."""

import json
from pathlib import Path

import numpy as np
import pytest

from slidesum.bench.tools import page
from slidesum.bench.tools.adapters import MODULES, slidesum
from slidesum.bench.tools.case import judge
from slidesum.bench.tools.cases import CASES
from slidesum.bench.tools.judge import Loops

ROOT = Path(__file__).parents[2]
RESULTS = json.loads((ROOT / "bench/tools.json").read_text(encoding="utf-8"))

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths:UserWarning")


@pytest.mark.parametrize("name", CASES)
def test_the_loops_compute_what_torch_computes(name):
    found = judge(CASES[name])
    assert found.error < 1e-5
    measured = RESULTS["judge"][name]
    assert (found.macs, found.macs_inside, list(found.equations)) == tuple(measured.values())


@pytest.mark.parametrize("name", CASES)
def test_slidesum_counts_what_the_loops_multiply(name):
    case = CASES[name]
    assert slidesum.count(*case.make(), case.batch).macs == RESULTS["judge"][name]["macs"]


def test_a_product_is_noted_once_and_a_sum_never():
    loops = Loops()
    loops("b c i, c o -> b o i", np.ones((2, 3, 4)), np.ones((3, 5)))
    assert loops.macs == 2 * 3 * 4 * 5
    loops("b c i -> b i", np.ones((2, 3, 4)))
    assert loops.macs == 2 * 3 * 4 * 5
    loops("b i, c, o -> b o i", np.ones((2, 4)), np.ones(3), np.ones(5))  # two products a term
    assert loops.macs == 2 * 3 * 4 * 5 + 2 * (2 * 4 * 3 * 5)


def test_the_page_says_what_was_measured():
    text = (ROOT / "docs/tools.md").read_text(encoding="utf-8")
    assert page.put(text, RESULTS) == text


def test_the_page_begins_with_what_was_printed():
    printed = sorted({one["printed"] for one in RESULTS["readings"] if one["case"] == "transposed"})
    told = " ".join((ROOT / "docs/tools.md").read_text(encoding="utf-8").split())
    assert f"they print {', '.join(map(str, printed[:-1]))} and {printed[-1]}." in told


def test_all_tools_were_asked_for_all_cases():
    assert [(one["tool"], one["case"]) for one in RESULTS["readings"]] == [(tool, case) for tool in MODULES for case in CASES]


def test_each_tool_that_is_off_is_accounted_for():
    readings = [one for one in RESULTS["readings"] if one.get("macs") != RESULTS["judge"][one["case"]]["macs"]]
    assert {one["tool"] for one in readings}.isdisjoint({"slidesum"})
    for one in readings:
        assert one["tool"].removesuffix("-aten").replace("FlopCounterMode", "torch") in CASES[one["case"]].why, one
