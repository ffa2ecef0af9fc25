"""bench of a whole network, as a user runs it. What is asserted is what is said, never how long something takes."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from process import COMMAND, environment, slidesum

import slidesum as ss
from slidesum.bench.engines.comparison import Comparison, Row
from slidesum.bench.engines.measure import relative_error
from slidesum.bench.engines.peers import PEERS, named
from slidesum.bench.engines.processes import Engine
from slidesum.bench.engines.question import ask
from slidesum.bench.machine import machine
from slidesum.bench.peak import Peak

MODEL = '''
import torch


class Odd(torch.nn.Module):
    """It can be read, but in its own rows it computes something else, or nothing."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3)

    def forward(self, x):
        if not torch.is_inference_mode_enabled():
            return self.conv(x)
        if not x.is_contiguous():
            raise RuntimeError("not in here\\nand more")
        return self.conv(x) * 1.01
'''


def bench(*arguments, cwd=None, **more):
    return slidesum("bench", *arguments, cwd=cwd, COLUMNS="80", **more)


def without_figures(text):
    """The text with an N for every number that is measured, and without the machine."""
    lines = text.splitlines()
    table = [re.sub(r"\d[\d.,e+–-]*", "N", re.sub(r" +", " ", line)).rstrip() for line in lines]
    return [line for line in table if line]


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    path = tmp_path_factory.mktemp("bench") / "figures.json"
    told = bench("lenet5", "--engines", "slidesum,torch", "--rounds", "2", "--batch", "3", "--json", path)
    return told, json.loads(path.read_text()), path


def test_the_table_of_a_network(measured):
    told, document, path = measured
    assert (told.returncode, told.stderr.replace("\n", "")) == (0, f"saved {path}")
    lines = told.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0] == "lenet5, batch 3, 2 threads"
    assert lines[1] == f"{document['machine']['cpu']}, {os.cpu_count()} cores"
    own, torch = document["rows"]
    # 3 images of 332,824 multiply-adds; 60,000 arrays and 840 centres, 3 images of 32×32, 3 results of 10: 4 bytes each
    assert (document["macs"], document["bytes"]) == (3 * 332_824, 4 * (60_000 + 3 * 1024 + 3 * 10))
    at = next(k for k, line in enumerate(lines) if line.startswith("limit "))
    assert without_figures(lines[at]) == ["limit N ms: N multiply-adds at N G/s, N bytes at N GB/s"]
    assert without_figures("\n".join(lines[at + 1 : at + 5])) == [
        "engine ms quartiles ratio limit error ready in",
        "slidesum N N N N% N N s",
        "torch N N N N% N N s",
    ]
    assert lines[-1] == f"slidesum is {torch['ratio']:.2f} times as fast as the best of the others, torch"
    assert own["ratio"] == 1


def test_the_json_agrees_with_itself(measured):
    _, document, _ = measured
    peak = Peak(**document["peak"])
    assert document["limit_ms"] == peak.floor_ms(document["macs"], document["bytes"]) > 0
    assert [row["engine"] for row in document["rows"]] == ["slidesum", "torch"]
    for row in document["rows"]:
        assert (row["state"], row["why"], row["agrees"], len(row["seconds"])) == ("timed", "", True, 2)
        assert 0 < row["error"] < 1e-5
        assert row["times"]["ms"] == pytest.approx(1e3 * sum(row["seconds"]) / 2)
        assert row["share"] == document["limit_ms"] / row["times"]["ms"]
        assert row["ratio"] == row["times"]["ms"] / document["rows"][0]["times"]["ms"]


def test_every_engine_that_is_installed_computes_an_onnx_file_with_two_results(tmp_path):
    net = ss.Network("two")
    x = net.input("b c i j", b=1, c=3, i=10, j=10)
    x = net.conv(x, "b c i+u-1 j+v-1, o c u v -> b o i j", o=8, u=3, v=3, bias="o", name="conv")
    net.output(net.linear(net.flatten(x), 5, name="five"), net.activation(x, "relu", name="relu"))
    net.to_onnx(tmp_path / "two.onnx")
    quick = [name for name in PEERS if name != "torch-compile"]
    told = bench(
        tmp_path / "two.onnx", "--engines", ",".join(quick), "--rounds", "1", "--batch", "2", "--json", tmp_path / "two.json"
    )
    rows = json.loads((tmp_path / "two.json").read_text())["rows"]
    assert told.returncode == 0, told.stdout
    assert [row["engine"] for row in rows] == quick
    states = {row["engine"]: row["state"] for row in rows}
    assert all(state == "timed" or PEERS[name].missing for name, state in states.items() if name != "slidesum-avx2")
    assert all(row["agrees"] and row["error"] < 1e-5 for row in rows)


def test_an_engine_that_fails_or_disagrees_is_told_and_the_others_go_on(tmp_path):
    (tmp_path / "own_models.py").write_text(MODEL)
    engines = "torch,torch-last,slidesum"
    told = bench("own_models:Odd", "--input", "1,3,8,8", "--engines", engines, "--rounds", "1", cwd=tmp_path)
    lines = told.stdout.splitlines()
    assert (told.returncode, told.stderr) == (1, "")
    assert lines[-2:] == [
        "torch: disagrees, its error is 1.0e-02, and 0.0001 is let pass",
        "torch-last: failed, RuntimeError: not in here",
    ]
    head = next(k for k, line in enumerate(lines) if line.startswith("engine "))
    assert [line.split()[0] for line in lines[head + 1 : head + 3]] == ["torch", "slidesum"]


def test_an_engine_whose_process_ends_says_how(tmp_path):
    net = ss.Network("one")
    net.linear(net.input("b f", b=1, f=4), 2)
    ask(net, tmp_path, batch=None, threads=1)
    with Engine("slidesum", tmp_path, 1) as engine:
        assert engine.ready()["state"] == "ready"
        assert engine.turn()["seconds"] > 0
        os.kill(engine.process.pid, signal.SIGKILL)
        engine.process.wait()
        assert engine.turn() == engine.turn() == {"state": "failed", "why": "it was ended by signal 9"}


def test_a_peer_that_is_not_installed_says_what_installs_it():
    script = (
        "import sys; sys.modules['openvino'] = None; sys.argv = ['slidesum', 'bench', 'lenet5', '--rounds', '1', '--engines', "
        "'slidesum,openvino']; import slidesum.cli as c; c.main()"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment(), check=False)
    assert (told.returncode, told.stderr) == (0, "")
    assert told.stdout.splitlines()[-1] == "openvino: needs openvino, which isn't installed: pip install 'slidesum[engines]'"


REFUSED = {
    ("lenet5", "--engines", "slidesum,toch"): (
        1,
        "there is no engine 'toch'\n"
        "  There are slidesum, slidesum-exact, slidesum-avx2, torch, torch-last, torch-compile, onnxruntime, openvino, jax.\n"
        "  Write them with commas between: slidesum,torch.\n",
    ),
    ("lenet5", "--engines", ","): (
        1,
        "no engine was named\n"
        "  There are slidesum, slidesum-exact, slidesum-avx2, torch, torch-last, torch-compile, onnxruntime, openvino, jax.\n"
        "  Write them with commas between: slidesum,torch.\n",
    ),
    ("mobilenet",): (
        1,
        "mobilenet has open sizes: alpha, rho\n"
        "  Symbols are enough to count, but not to compute.\n"
        "  Give them numbers: --set alpha=8 --set rho=8.\n",
    ),
    ("nothing.json",): (1, "there is no file nothing.json\n  Check the folder and the spelling of the name.\n"),
    ("lenet5", "--case", "call"): (
        2,
        "Error: Invalid value: --case, --runs and --list are of the cases, and a network was named\n"
        "  Take them away, or the network.\n",
    ),
    ("--batch", "2"): (
        2,
        "Error: Invalid value: --engines, --batch, --rounds, --set, --input and --strict are of a network, and none was named\n"
        "  Name one: slidesum bench googlenet.\n",
    ),
    ("lenet5", "--rounds", "0"): (2, "Error: Invalid value for '--rounds': Input should be greater than or equal to 1\n"),
}


@pytest.mark.parametrize("arguments", REFUSED)
def test_what_is_refused(arguments, tmp_path):
    status, message = REFUSED[arguments]
    told = slidesum("bench", *arguments, cwd=tmp_path, COLUMNS="200")
    assert (told.returncode, told.stdout) == (status, "")
    assert told.stderr.endswith(message)
    assert told.stderr == message or told.stderr.startswith("Usage: ")


needs_proc = pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="processes are looked up in /proc")


def workers(folder):
    """The processes of engines whose question lies in a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().split(b"\0")
            state = path.with_name("stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if any(str(folder).encode() in word for word in words) and b"slidesum.bench.engines.worker" in words and state != "Z":
            found.append(int(path.parent.name))
    return found


def until(condition, seconds=30.0):
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.02)
    return condition()


@needs_proc
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_no_process_is_left_when_it_is_stopped(tmp_path, number):
    command = [*COMMAND, "bench", "lenet5", "--engines", "slidesum", "--rounds", "1000000"]
    running = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(TMPDIR=str(tmp_path))
    )
    engine = f"{tmp_path}/slidesum-"
    assert until(lambda: list(tmp_path.glob("slidesum-*/slidesum.npz")))  # it has computed: rounds go on
    assert workers(engine)
    running.send_signal(number)
    out, err = running.communicate(timeout=30)
    assert until(lambda: not workers(engine))
    if number is signal.SIGINT:
        assert (running.returncode, err) == (130, "stopped before everything was measured\n")
        assert out.startswith("lenet5, batch 1, 2 threads\n")
        assert not list(tmp_path.glob("slidesum-*"))


def test_named_engines():
    assert "slidesum-avx2" not in named(None)
    assert named(" torch,slidesum,torch ") == ["torch", "slidesum"]


def test_relative_error_of_what_is_no_result():
    ones = [np.ones(3)]
    assert relative_error([np.full(3, np.nan)], ones) == relative_error([np.ones(4)], ones) == relative_error([], ones) == np.inf
    assert relative_error([np.ones(3), np.array([3.0, 4.5])], [np.ones(3), np.array([3.0, 4.0])]) == 0.1


def test_an_engine_that_disagrees_is_not_the_best():
    found = Comparison("n", 1, 1, 1, "", machine(1), 100, 100, peak=Peak(1e9, 1e9))
    found.rows = [Row("slidesum", seconds=[2.0]), Row("torch", seconds=[1.0], agrees=False), Row("jax", seconds=[3.0])]
    found.settle()
    assert found.best_other is found.rows[2]
    assert found.is_wrong
    assert [row.ratio for row in found.rows] == [1.0, 0.5, 1.5]
