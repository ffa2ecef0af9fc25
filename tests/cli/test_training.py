"""demo, train and compare as a user runs them."""

import csv
import io
import json
import signal
import subprocess
import time
from dataclasses import replace

import pytest
from PIL import Image
from process import COMMAND, environment, slidesum
from safetensors.numpy import load_file

import slidesum as ss


@pytest.fixture(scope="module")
def tour(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tour")
    return folder, slidesum("demo", "--epochs", "1", "--k1", "2", "--k2", "3", "--out", "made", cwd=folder, COLUMNS="80")


def test_the_demo_shows_every_step_and_nothing_on_stderr(tour):
    _, result = tour
    assert (result.returncode, result.stderr) == (0, "")
    for piece in (
        "How do subsequent convolution layers work?",
        "b c i+u j+v, o u v -> b (c o) i j   type 1, padding 2",
        "b c i+u j+v, o u v -> b o i j   type 2.1, padding 2",
        "b c i+u j+v, o c u v -> b o i j   type 2.2, padding 2",
        "weights        25·k1·k2 + 9·k1 + 10·k2·⌊m/2⌋·⌊n/2⌋",
        "multiply-adds  25·k1·k2·m·n + 9·k1·m·n + 10·k2·⌊m/2⌋·⌊n/2⌋",
        "k2  25·k1     25·k1·k2  k1 + k2\n",
        "relu of it",
        "residual against the network",
        "c=1 ",
        "Next:",
    ):
        assert piece in result.stdout, piece
    assert max(len(line) for line in result.stdout.splitlines() if "slidesum" not in line and "cli" not in line) <= 80


def test_the_demo_leaves_networks_figures_and_a_plot(tour):
    folder, result = tour
    made = folder / "made"
    names = ["comparison.json", "comparison.png", *(f"type-{k}.{e}" for k in ("1", "2.1", "2.2") for e in ("json", "safetensors"))]
    assert sorted(path.name for path in made.iterdir()) == sorted(names)
    figures = json.loads((made / "comparison.json").read_text())
    assert [row["type"] for row in figures["rows"]] == ["1", "2.1", "2.2"]
    for row in figures["rows"]:
        net = ss.load(made / f"type-{row['type']}.json")
        assert (
            net.parameters == row["parameters"] == sum(x.size for x in load_file(made / f"type-{row['type']}.safetensors").values())
        )
        assert f"{row['accuracy']:.2%}" in result.stdout
    with Image.open(made / "comparison.png") as plot:
        assert plot.size[0] > 1000


def test_the_commands_that_the_demo_recommends_work(tour):
    folder, _ = tour
    assert slidesum("show", "made/type-2.2.json", cwd=folder).returncode == 0
    result = slidesum("explain", "made/type-2.2.json", "digits:7", "--layer", "conv2", "--at", "2,4,4", "--all", cwd=folder)
    assert (result.returncode, result.stdout.count("w[2,")) == (0, 50)


def test_train_saves_a_network_that_loads(tmp_path):
    result = slidesum("train", "--type", "2.1", "--k1", "2", "--k2", "3", "--epochs", "2", "--seed", "3", "--out", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("type-2.1: test accuracy ")
    assert result.stdout.endswith(f"saved {tmp_path / 'type-2.1.json'}\n")
    assert ss.load(tmp_path / "type-2.1.json").values["conv2.w"].shape == (3, 5, 5)


def test_a_stopped_training_is_resumed_to_the_same_bits(tmp_path):
    options = ["--k1", "2", "--k2", "2", "--epochs", "6"]
    whole = slidesum("train", *options, "--out", tmp_path / "whole")
    assert whole.returncode == 0
    stopped = tmp_path / "stopped"
    command = [*COMMAND, "train", *options, "--out", str(stopped)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        checkpoint, limit = stopped / "type-2.2.ckpt", time.monotonic() + 60
        while not checkpoint.exists() and time.monotonic() < limit:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "of 6 epochs; the same command with --resume goes on" in " ".join(told.split())
    assert "Traceback" not in told
    resumed = slidesum("train", *options, "--out", stopped, "--resume")
    assert resumed.returncode == 0
    assert (stopped / "type-2.2.safetensors").read_bytes() == (tmp_path / "whole" / "type-2.2.safetensors").read_bytes()


def test_lenet5_trains_by_its_name(tmp_path):
    result = slidesum("train", "lenet5", "--epochs", "1", "--out", tmp_path)
    assert (result.returncode, result.stderr) == (0, "")
    assert ss.load(tmp_path / "lenet5.json").parameters == 60_000


def test_compare_writes_json_and_csv(tmp_path):
    options = ["--type", "2.1", "--type", "2.2", "--k1", "2", "--k2", "2", "--epochs", "1"]
    document = json.loads(slidesum("compare", *options, "--format", "json").stdout)
    assert [row["type"] for row in document["rows"]] == ["2.1", "2.2"]
    result = slidesum("compare", *options, "--format", "csv", "--out", tmp_path)
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert [row["conv_weights"] for row in rows] == ["68", "118"]
    assert rows[0]["accuracy"] == str(document["rows"][0]["accuracy"])
    assert f"saved {tmp_path / 'comparison.json'}" in result.stderr
    again = slidesum("compare", *options, "--format", "csv", "--out", tmp_path, "--resume")
    assert again.stdout == result.stdout  # nothing is left to train, so even the seconds are the same
    table = slidesum("compare", "--type", "2.1", "--k1", "2", "--k2", "2", "--epochs", "1", "--format", "markdown").stdout
    assert table.startswith("| type | network | equation |")


def stopped(*arguments, after):
    """The command, ended by Ctrl-C as soon as `after` exists."""
    with subprocess.Popen(
        [*COMMAND, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        limit = time.monotonic() + 60
        while not after.exists() and time.monotonic() < limit:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, told = process.communicate(timeout=60)
    return process.returncode, " ".join(out.split()), " ".join(told.split())


def test_a_stopped_comparison_says_what_is_missing_and_shows_no_accuracy_that_was_not_measured(tmp_path):
    status, out, told = stopped("compare", "--k1", 40, "--k2", 40, "--out", tmp_path, after=tmp_path / "type-1.ckpt")
    assert status == 130
    assert "Stopped: type 1 after 0 of 20 epochs; not trained: 2.1, 2.2." in out
    assert "0.00%" not in out
    assert "stopped; --resume goes on" in told
    assert not (tmp_path / "type-1.json").exists()


def test_ctrl_c_outside_training_is_said_in_a_word(tmp_path):
    folder = tmp_path / "made"
    status, _, told = stopped("demo", "--out", folder, after=folder)
    assert (status, told) == (130, "stopped")


def test_a_name_from_a_file_leads_to_no_other_folder(tmp_path):
    inner = tmp_path / "one" / "two"
    inner.mkdir(parents=True)
    graph = ss.load("type-2.2").with_sizes(k1=1, k2=1, n=8, m=8).graph
    ss.Network.of(replace(graph, name="../../up")).save(inner / "net.json")
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    done = slidesum("train", inner / "net.json", "--epochs", "1", "--out", inner)
    assert (done.returncode, done.stderr) == (0, "")
    found = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.relative_to(inner).as_posix() for path in found} == {"up.ckpt", "up.json", "up.safetensors"}
