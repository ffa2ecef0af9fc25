"""slidesum sheet: a network as a workbook, and back."""

import numpy as np
import openpyxl
from process import slidesum

import slidesum as ss

SIZES = ("--set", "k1=2", "--set", "k2=3", "--set", "n=8", "--set", "m=8")


def test_there_and_back(tmp_path):
    done = slidesum("sheet", "type-2.2", "digits:3", *SIZES, "-o", tmp_path / "net.xlsx")
    assert (done.returncode, done.stdout) == (0, "")
    lines = done.stderr.splitlines()
    assert lines[0] == "type-2.2 was never trained: its arrays are drawn at random, with seed 0"
    assert lines[1].startswith("type-2.2: 925 formulas, ")
    assert lines[2] == "Image: sheet 1 of 5"
    assert "formulas" in done.stderr.split("wrote", 1)[1]
    book = openpyxl.load_workbook(tmp_path / "net.xlsx")
    assert book.sheetnames == ["Network", "Image", "conv1", "conv2", "pool", "linear", "Prediction", "Explain", "slidesum"]
    book["Image"]["B6"].value = 0.25
    book.save(tmp_path / "net.xlsx")
    done = slidesum("sheet", "--read", tmp_path / "net.xlsx", "-o", tmp_path / "again.slidesum")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.count("wrote ") == 2
    assert np.load(tmp_path / "again.npy")[0, 0, 0, 0] == 0.25
    shown = slidesum("explain", tmp_path / "again.slidesum", tmp_path / "again.npy", "--layer", "linear", "--at", "0")
    assert shown.returncode == 0


def refused(*arguments):
    done = slidesum("sheet", *arguments)
    assert done.returncode == 2
    return " ".join(done.stderr.replace("│", " ").split())


def test_wrong_usage():
    assert "a sheet needs a network and an image Write slidesum sheet MODEL IMAGE, or --read FILE." in refused("lenet5")
    assert "net.ods is no workbook Write -o NAME.xlsx." in refused("lenet5", "digits:3", "-o", "net.ods")
    assert "--read takes a workbook and -o only Write slidesum sheet --read net.xlsx -o net.slidesum." in refused(
        "lenet5", "--read", "a.xlsx"
    )
    assert "net.onnx is no saved network Write -o NAME.slidesum." in refused("--read", "a.xlsx", "-o", "net.onnx")
    assert "--crop '1,2' is no part of an image Write its top, left, rows and columns: --crop 2,2,8,8." in refused(
        "lenet5", "digits:3", "--crop", "1,2"
    )
    assert "--crop 'a' is no place Write whole numbers with commas between: --crop 2,2,8,8." in refused(
        "lenet5", "digits:3", "--crop", "a"
    )


def test_too_large_is_refused(tmp_path):
    done = slidesum("sheet", "alexnet", np_image(tmp_path), "-o", tmp_path / "net.xlsx")
    assert done.returncode == 1
    assert "the sheet of alexnet would have " in done.stderr
    assert "More than 200,000 formulas are refused" in " ".join(done.stderr.split())
    assert not (tmp_path / "net.xlsx").exists()


def np_image(folder):
    np.save(folder / "image.npy", np.zeros((1, 3, 227, 227), dtype=np.float32))
    return folder / "image.npy"


def test_several_inputs_are_several_files(tmp_path):
    net = ss.Network("two")
    net.add(net.input("b f", b=1, f=3, name="a/b"), net.input("b f", b=1, f=3, name="second"), name="sum")
    net.sheet(([[1.0, 2.0, 3.0]], [[4.0, 5.0, 6.0]]), tmp_path / "net.xlsx")
    done = slidesum("sheet", "--read", tmp_path / "net.xlsx", "-o", tmp_path / "again.slidesum")
    assert (done.returncode, done.stdout) == (0, "")
    names = {path.name for path in tmp_path.iterdir()} - {"net.xlsx", "again.slidesum"}
    assert names == {"again-a-b.npy", "again-second.npy"}
    assert np.load(tmp_path / "again-a-b.npy").tolist() == [[1.0, 2.0, 3.0]]
