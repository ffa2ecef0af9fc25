"""The command as a user runs it: a process, its output, its exit status."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from process import slidesum

import slidesum as ss


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nets")
    net = ss.load("type-2.2").with_sizes(n=8, m=8, k1=2, k2=3)
    net.save(folder / "net.json")
    np.save(folder / "image.npy", np.random.default_rng(0).random((8, 8)))
    Image.fromarray(np.arange(256, dtype="uint8").reshape(16, 16)).save(folder / "image.png")
    (folder / "text.png").write_text("no picture")
    return folder


def test_help_names_every_command_and_imports_nothing_heavy():
    result = slidesum("--help")
    assert (result.returncode, result.stderr) == (0, "")
    assert all(f"\n  {command} " in result.stdout for command in ("demo", "show", "explain", "train", "compare"))
    script = (
        "import sys\nsys.argv = ['slidesum', '--help']\nimport slidesum.cli\ntry: slidesum.cli.main()\nexcept SystemExit: pass\n"
    )
    script += "print({'torch', 'numpy', 'sympy', 'rich', 'sklearn'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert told.endswith("set()\n")


def test_version():
    result = slidesum("--version")
    assert (result.returncode, result.stdout) == (0, f"slidesum {ss.__version__}\n")


def test_show_prints_the_table_on_stdout_only():
    result = slidesum("show", "lenet5")
    assert (result.returncode, result.stderr) == (0, "")
    assert "60,000 parameters, 340,908 connections" in result.stdout
    assert "60 of 96 pairs connected" in result.stdout
    assert "\x1b" not in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


def test_show_fits_a_narrow_window():
    result = slidesum("show", "type-2.2", "--set", "k1=8", "--set", "k2=16", "--set", "n=8", "--set", "m=8", COLUMNS="80")
    assert max(map(len, result.stdout.splitlines())) <= 80
    assert "type 2.2, padding 2" in result.stdout


def test_no_color_is_honoured():
    forced = slidesum("show", "lenet5", FORCE_COLOR="1", TERM="xterm-256color").stdout
    plain = slidesum("show", "lenet5", FORCE_COLOR="1", NO_COLOR="1", TERM="xterm-256color").stdout
    assert "\x1b[36m" in forced
    assert "\x1b[36m" not in plain


def test_show_writes_json_csv_and_markdown(saved):
    document = json.loads(slidesum("show", saved / "net.json", "--format", "json").stdout)
    assert [layer["name"] for layer in document["layers"]] == ["conv1", "relu1", "conv2", "relu2", "pool", "linear"]
    assert document["totals"]["weights"] == 9 * 2 + 25 * 2 * 3 + 10 * 3 * 16
    rows = list(csv.DictReader(io.StringIO(slidesum("show", "type-1", "--format", "csv").stdout)))
    assert rows[2]["weights"] == "25*k2"
    assert slidesum("show", "type-1", "--format", "markdown").stdout.startswith("| layer | kind | equation |")


def test_explain_reads_arrays_and_pictures(saved):
    result = slidesum("explain", saved / "net.json", saved / "image.npy", "--layer", "conv2", "--at", "1,3,4")
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout.startswith("conv2[0,1,3,4]   y[b,o,i,j] = x[b,c,i+u,j+v] * w[o,c,u,v] + a[o]")
    assert "… 25 more terms: --all shows them" in result.stdout
    scaled = slidesum("explain", saved / "net.json", saved / "image.png", "--layer", "conv2", "--at", "1,3,4", "--all")
    assert scaled.stderr == "image.png: scaled from 16×16 to 8×8 pixels\n"
    assert "more terms" not in scaled.stdout
    document = json.loads(
        slidesum("explain", saved / "net.json", saved / "image.npy", "--layer", "pool", "--at", "0,0,0", "--format", "json").stdout
    )
    assert len(document["terms"]) == 4


def test_show_takes_fractions_for_symbols_that_multiply():
    result = slidesum("show", "mobilenet", "--set", "alpha=3/4", "--set", "rho=1.0", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert sum(int(row["macs"]) for row in rows) == 325_400_448


def test_explain_takes_a_test_image_of_the_digits(saved):
    result = slidesum("explain", "lenet5", "digits:3", "--layer", "C1", "--at", "0,4,5")
    assert result.stderr == "lenet5 was never trained: its arrays are drawn at random, with seed 0\n"
    assert (result.returncode, result.stdout[:9]) == (0, "C1[0,0,4,")


REFUSED = [
    (("show", "nope"), 1, "there is no network 'nope'"),
    (("show", "lenet5", "--set", "k1=3"), 1, "lenet5 has no symbol 'k1'"),
    (("show", "type-1", "--set", "k1"), 2, "--set 'k1' names no size\n  Write --set k1=8.\n"),
    (("show", "lenet5", "--format", "yaml"), 2, "'yaml' is not one of 'table', 'json', 'csv', 'markdown'"),
    (("show",), 2, "Missing argument"),
    (("explain", "lenet5", "missing.png", "--layer", "C1", "--at", "0,0,0"), 1, "there is no file missing.png"),
    (("explain", "lenet5", "text.png", "--layer", "C1", "--at", "0,0,0"), 1, "text.png is no picture"),
    (
        ("explain", "lenet5", "image.npy", "--layer", "C1", "--at", "0,0,0"),
        1,
        "the input has the shape (1, 1, 8, 8), and the network expects",
    ),
    (("explain", "lenet5", "image.png", "--layer", "C9", "--at", "0,0,0"), 1, "lenet5 has no layer 'C9'"),
    (("explain", "lenet5", "image.png", "--layer", "C1", "--at", "0,0,28"), 1, "C1 has no value at (0, 0, 28)"),
    (
        ("explain", "lenet5", "image.png", "--layer", "C1", "--at", "a,b"),
        2,
        "--at 'a,b' is no place\n  Write whole numbers with commas between: --at 7,12,9.\n",
    ),
    (
        ("explain", "type-1", "image.npy", "--layer", "conv1", "--at", "0,0,0", "--set", "k1=3"),
        1,
        "type-1 has open sizes: k2, m, n\n  Symbols are enough to count, but not to compute.\n"
        "  Give them numbers: --set k2=8 --set m=8 --set n=8.\n",
    ),
    (("explain", "lenet5", "digits:9999", "--layer", "C1", "--at", "0,0,0"), 1, "there is no image digits:9999"),
    (("train", "--type", "3"), 2, "'3' is not one of '1', '2.1', '2.2'"),
    (("train", "--data", "cats"), 1, "there is no data set 'cats'"),
    (("train", "lenet5", "--type", "1"), 2, "make the question's network; MODEL is another one"),
    (("train", "--set", "n=8"), 2, "--set gives sizes to MODEL, and there is none"),
    (("demo", "--out", "/proc/nowhere"), 1, "/proc/nowhere can't be written"),
    (("explain", "lenet5", "image.png", "--layer", "C1", "--at", "0,0"), 1, "C1 has no value at (0, 0)"),
    (("compare", "--resume"), 1, "--resume needs the folder to resume from"),
    (("frobnicate",), 2, "No such command 'frobnicate'"),
]


@pytest.mark.parametrize(
    ("arguments", "status", "text"), REFUSED, ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_refusals_are_one_message_on_stderr(saved, arguments, status, text):
    arguments = [saved / a if a.endswith((".png", ".npy")) and a != "missing.png" else a for a in arguments]
    result = slidesum(*arguments, COLUMNS="200")
    assert (result.returncode, result.stdout) == (status, "")
    assert text in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", ["show lenet5", "show lenet5 --format json", "--help", "--version"])
def test_a_full_disk_is_told_in_one_line(arguments):
    command = f"{sys.executable} -m slidesum.cli {arguments} > /dev/full"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (1, "the output: No space left on device\n")


def test_no_line_in_a_file_ends_in_spaces(saved):
    shown = [slidesum("show", "type-1", COLUMNS=width).stdout for width in ("60", "100", "180")]
    shown.append(slidesum("explain", saved / "net.json", saved / "image.npy", "--layer", "conv2", "--at", "1,3,4").stdout)
    assert all(text.count("\n") > 10 for text in shown)
    assert [line for text in shown for line in text.splitlines() if line != line.rstrip()] == []


def test_a_closed_pipe_is_no_error():
    command = f"{sys.executable} -m slidesum.cli show lenet5 --format json | head -1"
    result = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert (result.stdout, result.stderr) == ("{\n", "")
