"""ONNX's own cases of single nodes, and those converted from PyTorch, through the reader and `run`."""

from __future__ import annotations

from collections import Counter

import pytest
from read.onnx_cases import Outcome, cases, outcome

RAN = {
    "node": {
        "convolution": 17, "pooling": 49, "normalisation": 47, "activation": 73, "product": 21, "elementwise": 37, "reduction": 70,
        "shape": 133, "several": 190,
    },
    "pytorch-converted": {
        "convolution": 28, "pooling": 15, "normalisation": 5, "activation": 21, "product": 1, "shape": 5, "several": 5,
    },
    "pytorch-operator": {
        "convolution": 2, "pooling": 1, "normalisation": 1, "activation": 4, "product": 1, "elementwise": 8, "reduction": 4,
        "shape": 9, "several": 5,
    },
    "simple": {"activation": 2},
}  # fmt: skip
"""How many cases ran and were right, with onnx 1.23; a later one may bring more."""


@pytest.fixture(scope="module")
def outcomes() -> list[Outcome]:
    return [outcome(case) for case in cases()]


def test_whatever_runs_is_right(outcomes: list[Outcome]):
    assert [one.case.name for one in outcomes if one.verdict == "differs"] == []


def test_how_many_really_ran(outcomes: list[Outcome]):
    """Counted by what they are made of, so that none can fall out unseen."""
    ran = Counter((one.case.kind, one.case.family) for one in outcomes if one.verdict == "passed")
    fewer = {(k, f): (ran[k, f], n) for k, families in RAN.items() for f, n in families.items() if ran[k, f] < n}
    assert not fewer


def test_no_convolution_is_refused(outcomes: list[Outcome]):
    refused = {(one.case.kind, one.case.family): one.reason for one in outcomes if one.verdict == "refused"}
    assert [key for key in refused if key[1] == "convolution"] == []
    assert refused["node", "pooling"] == "MaxPool: its result 1 is used, which no layer here gives"
