"""slidesum export: a network as an ONNX file."""

import onnx
from process import slidesum


def test_export(tmp_path):
    done = slidesum(
        "export", "type-2.2", "--set", "k1=2", "--set", "k2=3", "--set", "n=8", "--set", "m=8", "-o", tmp_path / "net.onnx"
    )
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith("type-2.2 was never trained: its arrays are drawn at random, with seed 0\nwrote ")
    assert [node.op_type for node in onnx.load(tmp_path / "net.onnx").graph.node][:2] == ["Conv", "Relu"]
    shown = slidesum("show", tmp_path / "net.onnx")
    assert shown.returncode == 0
    assert "conv2" in shown.stdout


def test_another_ending(tmp_path):
    done = slidesum("export", "lenet5", "-o", tmp_path / "net.pb")
    assert done.returncode == 2
    assert "net.pb is no ONNX file" in done.stderr.replace("\n", "")
