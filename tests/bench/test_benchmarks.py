"""The page of benchmarks says what was measured: every figure of its table and of the paragraphs below is the recorded one."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FIGURES = json.loads((ROOT / "bench/figures.json").read_text(encoding="utf-8"))
PAGE = (ROOT / "docs/benchmarks.md").read_text(encoding="utf-8").partition("## Recorded figures\n")[2]
TOLD = " ".join(PAGE.split())
CALL = "call"
"""A case of a difference in time and of no ratio: a sentence below the table."""


def line(row):
    """A row of the page, from a recorded one; where no ratio is wanted, it stands in the file alone."""
    ours, other, ratio, floors = (f"{row[key]:.3g}" for key in ("ours_ms", "peer_ms", "ratio", "ours_floors"))
    wanted = f"{row['wanted']:g} {'✓' if row['reached'] else '✗'}"
    return f"| {row['case']} | {row['passes']} | {ours} | {other} | {ratio} | {wanted} | {floors} |"


def test_the_table_is_what_was_recorded():
    told = [text for text in PAGE.splitlines() if text.startswith("|")][2:]
    assert told == [line(row) for row in FIGURES["rows"] if row["wanted"] is not None]
    assert not FIGURES["skipped"]
    assert not FIGURES["refused"]
    assert FIGURES["stopped"] is False


def test_the_machine_is_the_recorded_one():
    machine = FIGURES["machine"]
    assert (machine["cores"], machine["threads"]) == (2, 2)
    assert TOLD.startswith(f"Two cores of an {machine['cpu']} with AVX-512, torch {machine['versions']['torch']}, two threads;")


def test_the_call_costs_what_was_recorded():
    (row,) = (row for row in FIGURES["rows"] if row["case"] == CALL)
    least, most, wanted = map(
        float, re.search(r"costs ([\d.]+) to ([\d.]+) µs more .* \(wanted: at most ([\d.]+)\)", TOLD).groups()
    )
    assert least <= round(row["extra_us"], 1) <= most
    assert row["wanted_extra_us"] == wanted


def test_the_memory_is_what_was_recorded():
    forward, backward = (row["memory"] for row in FIGURES["rows"] if row["memory"])
    mib = [f"{one[key] / 2**20:.1f}" for one in (forward, backward) for key in ("ours_bytes", "peer_bytes", "returned_bytes")]
    assert (
        f"Memory of `locally-connected`: forward {mib[0]} MiB against {mib[1]}, with backward {mib[3]} against {mib[4]}. "
        f"Of these, {mib[2]} and {mib[5]} MiB are the result and the gradients, which both must return; beside them ours takes "
        f"{forward['share_beside']:.2f} and {backward['share_beside']:.2f} of the peer's"
    ) in TOLD


@pytest.mark.parametrize("row", FIGURES["rows"], ids=lambda row: f"{row['case']}, {row['passes']}")
def test_a_recorded_ratio_follows_from_its_times(row):
    assert row["ratio"] == pytest.approx(row["peer_ms"] / row["ours_ms"])
    assert row["ours_floors"] == pytest.approx(row["ours_ms"] / row["floor_ms"])
    asked = [row["ratio"] >= row["wanted"]] if row["wanted"] is not None else []
    asked += [row["extra_us"] <= row["wanted_extra_us"]] if row["wanted_extra_us"] is not None else []
    assert row["reached"] == (all(asked) if asked else None)
