"""ONNX's own cases of single nodes, and those converted from PyTorch, through the reader and `run`."""

from __future__ import annotations

from collections import Counter

import pytest
from read.onnx_cases import Outcome, cases, outcome


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return [outcome(case) for case in cases()]


def test_whatever_runs_is_right(outcomes: list[Outcome]):
    assert [one.case.name for one in outcomes if one.verdict == "differs"] == []


def test_how_many_really_ran(outcomes: list[Outcome]):
    """Counted by what they are made of, so that none can fall out unseen; a newer onnx may bring more."""
    ran = Counter((one.case.kind, one.case.family) for one in outcomes if one.verdict == "passed")
    print(ran)
    assert ran == {}
