"""An edited workbook becomes a network again; anything else is told apart."""

import contextlib
import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np
import openpyxl
import pytest

import slidesum as ss
from slidesum.errors import FileError
from slidesum.show.sheet.book import drawn
from slidesum.show.sheet.read import read_sheet

sys.path.insert(0, str(Path(__file__).parent))
from networks import equations, image_for, others, question

OURS = "It wasn't written by slidesum sheet, or its hidden sheet was taken away."


@pytest.fixture
def path(tmp_path):
    net = question("2.2")
    net.sheet(image_for(net), tmp_path / "net.xlsx")
    return tmp_path / "net.xlsx"


def message(caught):
    return str(caught.value)


def refused(path):
    with pytest.raises(FileError) as caught:
        read_sheet(path)
    return message(caught).replace(str(path), "net.xlsx")


def changed(path, change):
    book = openpyxl.load_workbook(path)
    change(book)
    book.save(path)


def test_every_network_comes_back(tmp_path):
    nets = {"lenet5": ss.load("lenet5"), "others": others(), **equations()}
    for name, net in nets.items():
        net.initialise(5)
        image = image_for(net)
        net.sheet(image, tmp_path / f"{name}.xlsx", formulas=name != "long")
        again, given = ss.Network.from_sheet(tmp_path / f"{name}.xlsx")
        assert again.graph == net.graph
        assert np.array_equal(given, image)
        assert again.values.keys() == net.values.keys()
        assert all(np.array_equal(again.values[key], net.values[key]) for key in net.values), name


def test_edits_are_read_and_everything_else_is_ignored(path):
    net = question("2.2")
    plan = drawn(net.graph, net.values, image_for(net))
    first = plan.layout.arrays["conv2.w"].cell((1, 2, 3, 4))

    def change(book):
        book["conv2"].cell(first[0] + 1, first[1] + 1).value = 0.125
        book["Image"]["B6"].value = -7
        book["Image"]["C6"].value = None
        book["Network"]["A1"].value = "mine now"
        book["conv1"]["B6"].value = "=WEBSERVICE(1)"
        book.create_sheet("notes")["A1"] = "nothing of yours"

    changed(path, change)
    again, given = ss.Network.from_sheet(path)
    assert again.values["conv2.w"][1, 2, 3, 4] == 0.125
    assert (given[0, 0, 0, 0], given[0, 0, 0, 1]) == (-7, 0)
    same = again.values["conv2.w"].copy()
    same[1, 2, 3, 4] = net.values["conv2.w"][1, 2, 3, 4]
    assert np.array_equal(same, net.values["conv2.w"])


def test_text_where_a_number_belongs(path):
    changed(path, lambda book: setattr(book["Image"]["B6"], "value", "white"))
    assert refused(path) == (
        "net.xlsx: B6 of the sheet 'Image' holds 'white', which is no number\n  It belongs to input.\n  Type a number there."
    )


def test_a_part_is_no_network(tmp_path):
    net = question("2.2")
    net.sheet(image_for(net), tmp_path / "net.xlsx", layers="conv2..pool")
    assert refused(tmp_path / "net.xlsx") == (
        "net.xlsx holds only the layers conv2..pool\n  A network is read back whole.\n  Write the sheet without --layers."
    )


def test_what_was_taken_away(path):
    data = path.read_bytes()
    changed(path, lambda book: book.remove(book["slidesum"]))
    assert refused(path) == f"net.xlsx is no sheet of a network\n  {OURS}\n  Name a file that slidesum sheet wrote."
    path.write_bytes(data)
    changed(path, lambda book: book.defined_names.pop("conv1_w"))
    assert refused(path) == (
        "net.xlsx has no cells for conv1.w\n  The name conv1_w is missing, or its sheet was taken away.\n"
        "  Edit numbers only, and leave sheets and names as they are."
    )
    path.write_bytes(data)
    changed(path, lambda book: setattr(book.defined_names["conv1_w"], "attr_text", "'conv1'!$B$2:$C$3"))
    assert refused(path) == (
        "net.xlsx: conv1_w has 2×2 cells, and conv1.w takes 21×3\n  Rows or columns were put in or taken out within it.\n"
        "  Edit numbers only."
    )
    path.write_bytes(data)
    changed(path, lambda book: setattr(book["slidesum"]["A1"], "value", "something else"))
    assert refused(path) == f"net.xlsx is no sheet of a network\n  {OURS}\n  Name a file that slidesum sheet wrote."


def test_a_record_that_lies(path):
    """What the hidden sheet says of shapes and steps is checked before anything is made of it."""
    data = path.read_bytes()
    for lie in (
        {"shape": [10**9, 1, 3, 3]},
        {"steps": [[0, 10**6]] * 4},
        {"shape": [-1, 1, 3, 3]},
        {"shape": [3]},
        {"line": -2},
        {"steps": 1},
    ):
        path.write_bytes(data)

        def change(book, lie=lie):
            for row in book["slidesum"].iter_rows():
                if row[0].value == "array" and json.loads(row[1].value)["array"] == "conv1.w":
                    row[1].value = json.dumps({**json.loads(row[1].value), **lie})

        changed(path, change)
        assert refused(path).startswith(("net.xlsx can't be read as a workbook: ", "net.xlsx: conv1_w has "))


def test_files_that_are_none(tmp_path):
    path = tmp_path / "net.xlsx"
    assert refused(path) == "there is no file net.xlsx\n  Check the folder and the spelling of the name."
    path.write_bytes(b"no zip")
    assert refused(path) == "net.xlsx is no zip file\n  It was cut off, or holds something else.\n  Check which file this is."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("word/document.xml", "<a/>")
    assert refused(path) == f"net.xlsx is no sheet of a network\n  {OURS}\n  Name a file that slidesum sheet wrote."
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("xl/workbook.xml", "<a/>")
    assert refused(path) == (
        "net.xlsx can't be read as a workbook: KeyError\n  It is damaged, or holds what no spreadsheet program writes.\n"
        "  Save it anew as .xlsx, or write the sheet anew."
    )
    book = openpyxl.Workbook()
    book.save(path)
    assert refused(path) == f"net.xlsx is no sheet of a network\n  {OURS}\n  Name a file that slidesum sheet wrote."


def test_bombs(path, monkeypatch):
    bomb = io.BytesIO()
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            text = source.read(name)
            target.writestr(
                name, text.replace(b"<sst ", b'<!DOCTYPE a [<!ENTITY b "c">]><sst ') if "sharedStrings" in name else text
            )
    path.write_bytes(bomb.getvalue())
    assert refused(path) == (
        "net.xlsx: xl/sharedStrings.xml declares entities\n  No spreadsheet program writes them.\n  Don't trust the file."
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * 300_000_000)
    assert refused(path) == (
        "net.xlsx: the entry 'xl/workbook.xml' has 300,000,000 bytes, and at most 268,435,456 are read\n"
        "  Nothing that belongs there is so large; don't trust the file."
    )
    monkeypatch.setattr("slidesum.show.sheet.read.LARGEST_FILE", 10_000_000)
    assert refused(path) == (
        "net.xlsx would grow to 300,000,000 bytes\n  At most 40,000,000 are read.\n"
        "  No sheet of ours is so large; don't trust the file."
    )


def test_damaged_bytes_give_one_error(path):
    """Whatever byte is wrong, the file is read or refused, never a traceback."""
    data = path.read_bytes()
    random = np.random.default_rng(0)
    for _ in range(25):
        broken = bytearray(data)
        for place in random.integers(0, len(data), 20):
            broken[place] = int(random.integers(256))
        path.write_bytes(bytes(broken))
        with contextlib.suppress(FileError):
            read_sheet(path)
