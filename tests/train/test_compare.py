"""The three types side by side, as rows, as JSON, as a picture."""

import json
import re
import sys
from dataclasses import replace

import pytest

from slidesum.errors import FileError, SizeError, UsageError
from slidesum.run.network import run
from slidesum.train import compare as module
from slidesum.train.compare import compare
from slidesum.train.data import digits
from slidesum.train.loop import Settings, train
from slidesum.train.plot import apart, plot


@pytest.fixture(scope="module")
def made():
    return compare(k1=2, k2=3, settings=Settings(epochs=2, batch=64))


def test_rows(made):
    counts = [(r.type, r.maps, r.conv_weights, r.conv_biases, r.weights, r.biases, r.parameters) for r in made.rows]
    assert counts == [
        ("1", 6, 93, 5, 93 + 960, 15, 1068),
        ("2.1", 3, 93, 5, 93 + 480, 15, 588),
        ("2.2", 3, 168, 5, 168 + 480, 15, 663),
    ]
    assert [r.macs for r in made.rows] == [64 * (18 + 150) + 960, 64 * (18 + 150) + 480, 64 * (18 + 150) + 480]
    for row in made.rows:
        one = made.trained[row.type]
        assert (row.accuracy, row.loss, row.epochs) == (one.accuracy, one.loss, 2)
        assert row.parameters == sum(array.size for array in one.values.values())
        answers = run(one.graph, one.values, digits().test_images)["linear"].argmax(1)
        assert row.accuracy == (answers == digits().test_labels).mean()


def test_json(made, tmp_path):
    told = json.loads(made.save(tmp_path / "some" / "comparison.json").read_text())
    assert told["data"] == "digits"
    assert told["test_images"] == 450
    assert told["settings"] == {
        "epochs": 2,
        "seed": 0,
        "batch": 64,
        "learning_rate": 0.02,
        "optimiser": "adamw",
        "threads": 1,
    }
    assert [row["parameters"] for row in told["rows"]] == [1068, 588, 663]
    assert [len(told["history"][row["type"]]) for row in told["rows"]] == [2, 2, 2]


def test_stopped_and_resumed(made, tmp_path, monkeypatch):
    settings = Settings(epochs=2, batch=64)

    def stop(epoch):
        raise KeyboardInterrupt

    def stopping(graph, data, **options):
        return train(graph, data, **options, on_epoch=stop if graph.name == "type-2.1" else None)

    with monkeypatch.context() as patch:
        patch.setattr(module, "train", stopping)
        part = compare(k1=2, k2=3, settings=settings, checkpoint=tmp_path)
    assert part.interrupted
    assert [(row.type, row.epochs) for row in part.rows] == [("1", 2), ("2.1", 1)]
    whole = compare(k1=2, k2=3, settings=settings, checkpoint=tmp_path, resume=True)
    assert [replace(row, seconds=0) for row in whole.rows] == [replace(row, seconds=0) for row in made.rows]


def test_what_cannot_be_compared():
    def refused(error, text):
        return pytest.raises(error, match=f"^{re.escape(text)}$")

    with refused(UsageError, "no types to compare\n  The types are 1, 2.1, 2.2.\n  Name at least one."):
        compare(())
    with refused(
        UsageError,
        "there is no type '3'\n  The types are 1, 2.1, 2.2.\n  Write question(\"2.2\") for the layer that everybody uses.",
    ):
        compare(("3",))
    with refused(SizeError, "k1='k1' can't be trained\n  Give a whole number of at least 1, such as k1=8."):
        compare(k1="k1")
    with refused(UsageError, "there is no data set 'mnist'\n  There are: digits.\n  Write one of them."):
        compare(data="mnist")


def test_plot(made, tmp_path):
    path = plot(made, tmp_path / "some" / "plot.png")
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = (int.from_bytes(data[k : k + 4], "big") for k in (16, 20))
    assert (width, height) == (1560, 780)
    assert [one.name for one in path.parent.iterdir()] == ["plot.png"]


def test_plots_that_cannot_be(made, tmp_path, monkeypatch):
    empty = replace(made, rows=tuple(replace(row, accuracy=None) for row in made.rows))
    told = "there is nothing to plot: no epoch was finished\n  Train for at least one epoch."
    with pytest.raises(UsageError, match=f"^{re.escape(told)}$"):
        plot(empty, tmp_path / "a.png")
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="can't be written"):
        plot(made, tmp_path / "file" / "a.png")
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    told = "the plot is drawn by matplotlib, which isn't installed\n  Install it: pip install 'slidesum[train]'."
    with pytest.raises(UsageError, match=f"^{re.escape(told)}$"):
        plot(made, tmp_path / "a.png")


def test_labels_stand_apart():
    found = apart([0.98, 0.98, 0.985, 0.5], 0.01)
    assert found[3] == 0.5
    assert [found[0], found[1], found[2]] == pytest.approx([0.98 + d + 0.005 / 3 for d in (-0.01, 0, 0.01)])
