"""`slidesum run`, as a user runs it."""

import numpy as np
import pytest
from process import slidesum

import slidesum as ss


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    folder = tmp_path_factory.mktemp("nets")
    net = ss.load("type-2.2").with_sizes(n=8, m=8, k1=2, k2=3)
    net.save(folder / "net.json")
    image = np.random.default_rng(0).random((8, 8)).astype("float32")
    np.save(folder / "image.npy", image)
    result = net.run(image)[net.graph.output.name]
    return folder, result


@pytest.mark.parametrize("engine", [(), ("--engine", "native")])
def test_the_largest_values(saved, engine):
    folder, result = saved
    told = slidesum("run", str(folder / "net.json"), str(folder / "image.npy"), "--top", "2", *engine)
    assert told.returncode == 0
    head, *values = told.stdout.splitlines()
    assert head == "linear 1×10"
    order = result[0].argsort()[::-1][:2]
    assert [line.split(":")[0] for line in values] == [f"  0,{k}" for k in order]
    assert [float(line.split(":")[1]) for line in values] == pytest.approx(result[0][order].tolist(), rel=1e-4)


def test_of_distances_the_smallest_are_told(tmp_path):
    image = np.random.default_rng(0).random((32, 32)).astype("float32")
    np.save(tmp_path / "image.npy", image)
    result = ss.load("lenet5").run(image)["OUTPUT"][0]
    head, *values = slidesum("run", "lenet5", tmp_path / "image.npy", "--top", "3").stdout.splitlines()
    assert head == "OUTPUT 1×10  the smallest wins"
    assert [line.split(":")[0] for line in values] == [f"  0,{k}" for k in result.argsort()[:3]]


def test_the_table_of_the_program(saved):
    folder, _ = saved
    told = slidesum("run", str(folder / "net.json"), str(folder / "image.npy"), "--engine", "native", "--table", "--threads", "1")
    assert told.returncode == 0
    assert told.stdout.startswith("type-2.2, 1 threads, float32\nlayer ")
    assert "\nin all " in told.stdout
    assert "measured ms" in told.stdout


def test_a_tuned_program_tells_what_was_measured(saved):
    folder, _ = saved
    told = slidesum(
        "run", str(folder / "net.json"), str(folder / "image.npy"), "--engine", "native", "--table", "--tune", "--threads", "1"
    )
    assert told.returncode == 0
    assert told.stdout.startswith("type-2.2, 1 threads, float32, tuned: 3 of 3 kinds of layers are measured\nlayer ")
    assert "tuned ms" in told.stdout


def test_weights_in_half_the_bytes(saved):
    folder, _ = saved
    told = slidesum(
        "run", str(folder / "net.json"), str(folder / "image.npy"), "--engine", "native", "--table", "--weights", "float16"
    )
    assert told.returncode == 0
    assert ", float32, weights of 0 layers in float16\nlayer " in told.stdout


@pytest.mark.parametrize("option", [["--exact"], ["--weights", "float16"]])
def test_options_of_the_other_engine(saved, option):
    folder, _ = saved
    told = slidesum("run", str(folder / "net.json"), str(folder / "image.npy"), *option)
    assert told.returncode == 2
    assert "--threads, --exact, --tune, --weights and --table are of a compiled program" in told.stderr
