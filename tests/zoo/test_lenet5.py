"""LeNet-5 against the published table."""

import numpy as np
import pytest

from slidesum.laws.graph import node_counts, reaches, totals
from slidesum.run.network import initial_values, run
from slidesum.zoo.bitmaps import BITMAPS, COLUMNS, ROWS, drawn
from slidesum.zoo.lenet5 import TABLE_I, lenet5

# LeCun et al. 1998, section II.B: maps out, parameters, connections, multiply-adds (None: the paper's subsampling adds first)
PUBLISHED = {
    "C1": ([6, 28, 28], 156, 122304, 117600),
    "S2": ([6, 14, 14], 12, 5880, None),
    "C3": ([16, 10, 10], 1516, 151600, 150000),
    "S4": ([16, 5, 5], 32, 2000, None),
    "C5": ([120, 1, 1], 48120, 48120, 48000),
    "F6": ([84], 10164, 10164, 10080),
    "OUTPUT": ([10], 0, 840, 840),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_each_row(name):
    node = lenet5()[name]
    counts = node_counts(node)
    shape, parameters, connections, macs = PUBLISHED[name]
    assert list(node.shape[1:]) == shape
    assert (counts.parameters, counts.connections) == (parameters, connections)
    assert counts.macs == (macs if macs is not None else 4 * np.prod(shape))


def test_totals():
    assert (totals(lenet5()).parameters, totals(lenet5()).connections) == (60_000, 340_908)
    assert sum(a.size for a in initial_values(lenet5()).values()) == 60_000


def test_the_table_of_c3():
    assert len(TABLE_I) == 16
    assert sum(map(len, TABLE_I)) == 60
    assert [sum(c in maps for maps in TABLE_I) for c in range(6)] == [10] * 6  # every map of S2 is read ten times
    assert len(set(TABLE_I)) == 16  # no two see the same maps: this breaks the symmetry (section II.B)


def test_reach():
    found = reaches(lenet5())
    assert {name: found[name]["i"].field for name in ("C1", "S2", "C3", "S4", "C5")} == {
        "C1": 5,
        "S2": 6,
        "C3": 14,
        "S4": 16,
        "C5": 32,
    }


def test_maps_of_c3_read_what_the_table_says():
    net = lenet5()
    values = initial_values(net, dtype="float64")
    image = np.random.default_rng(0).normal(size=(1, 1, 32, 32))
    before = run(net, values, image)
    s2 = before["S2-squash"]
    w = values["C3.w"]
    pair = 0
    for o, maps in enumerate(TABLE_I):
        wanted = values["C3.bias"][o]
        for c in maps:
            wanted = wanted + (s2[0, c, 3:8, 4:9] * w[pair]).sum()
            pair += 1
        np.testing.assert_allclose(before["C3"][0, o, 3, 4], wanted, rtol=1e-12)


def test_subsampling_and_output_by_hand():
    net = lenet5()
    values = initial_values(net, dtype="float64")
    found = run(net, values, np.random.default_rng(1).normal(size=(1, 1, 32, 32)))
    block = found["C1-squash"][0, 2, 6:8, 10:12].sum()
    np.testing.assert_allclose(found["S2"][0, 2, 3, 5], block * values["S2.w"][2] + values["S2.bias"][2], rtol=1e-12)
    np.testing.assert_allclose(found["S2-squash"], 1.7159 * np.tanh(2 / 3 * found["S2"]), rtol=1e-12)
    np.testing.assert_allclose(found["OUTPUT"], ((found["F6-squash"][:, None] - np.array(BITMAPS)) ** 2).sum(2), rtol=1e-12)


def test_bitmaps():
    bitmaps = np.array(BITMAPS)
    assert bitmaps.shape == (10, ROWS * COLUMNS)
    assert set(bitmaps.ravel()) == {-1.0, 1.0}
    distances = ((bitmaps[:, None] - bitmaps) ** 2).sum(2)
    assert distances[~np.eye(10, dtype=bool)].min() >= 36  # so that a penalty of some ten is an answer
    assert distances[5, 6] < distances[5, 1]  # what looks alike has codes that are alike
    assert drawn(BITMAPS[1]).splitlines()[0] == "...##.."
