"""Saved networks on disk: two files that belong together, written whole or not at all."""

import json
import os
import re
import stat
import struct

import numpy as np
import pytest
from safetensors.numpy import save as save_arrays

from slidesum.draft.verbs import Draft
from slidesum.errors import FileError
from slidesum.read import atomic, load, save
from slidesum.read.atomic import write_atomically
from slidesum.read.saved import paths
from slidesum.run.network import initial_values
from slidesum.zoo import build, lenet5, question


@pytest.fixture
def small():
    return question("2.2", k1=2, k2=3, n=4, m=4)


@pytest.fixture
def saved(tmp_path, small):
    save(tmp_path / "type-2.2", small, initial_values(small))
    return tmp_path / "type-2.2"


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("ending", ["", ".json"])
def test_round_trip(tmp_path, ending, dtype):
    values = initial_values(lenet5(), dtype=dtype)
    written = save(str(tmp_path / "some" / f"lenet-5.1{ending}"), lenet5(), values)
    assert [path.name for path in written] == ["lenet-5.1.json", "lenet-5.1.safetensors"]
    for name in ("lenet-5.1", "lenet-5.1.json", "lenet-5.1.safetensors"):
        graph, found = load(tmp_path / "some" / name)
        assert graph == lenet5()
        assert set(found) == set(values)
        assert all(np.array_equal(found[k], values[k]) and found[k].dtype == dtype for k in values)


def test_a_network_without_arrays(tmp_path):
    (path,) = save(tmp_path / "open", build("type-1"), None)
    assert load(path) == (build("type-1"), None)
    assert os.listdir(tmp_path) == ["open.json"]


def test_a_network_that_needs_no_arrays(tmp_path):
    net = Draft("pool")
    net.pool(net.input("b i", b=1, i=4), "mean b 2*i+u -> b i", u=2)
    save(tmp_path / "pool", net.graph, {})
    assert load(tmp_path / "pool") == (net.graph, {})


def test_arrays_of_any_layout(tmp_path, small):
    values = {name: np.asfortranarray(array) for name, array in initial_values(small).items()}
    save(tmp_path / "a", small, values)
    assert all(np.array_equal(array, values[name]) for name, array in load(tmp_path / "a")[1].items())


# What `save` refuses


def refused(text):
    return pytest.raises(FileError, match=f"^{re.escape(text)}$")


def test_save_refuses_arrays_that_do_not_fit(tmp_path, small):
    values = initial_values(small)
    advice = "\n  Give the arrays that belong to this network."
    with refused(f"type-2.2 can't be saved: the array 'conv1.w' has the shape (2, 1, 3), and (2, 1, 3, 3) is needed{advice}"):
        save(tmp_path / "a", small, {**values, "conv1.w": values["conv1.w"][..., 0]})
    with refused(f"type-2.2 can't be saved: the array 'conv3.w' belongs to no layer{advice}"):
        save(tmp_path / "a", small, {**values, "conv3.w": values["conv1.w"]})
    del values["conv2.bias"]
    with refused(f"type-2.2 can't be saved: the array 'conv2.bias' is missing\n  It needs 6 arrays.{advice}"):
        save(tmp_path / "a", small, values)
    assert os.listdir(tmp_path) == []


def test_save_refuses_symbols_and_odd_dtypes(tmp_path, small):
    with refused(
        "type-1 has open sizes: k1, k2, m, n\n"
        "  Arrays have numbers for sizes, not symbols.\n"
        "  Save it without arrays, or give the symbols numbers first."
    ):
        save(tmp_path / "a", build("type-1"), {})
    with refused(
        "the array 'conv1.w' holds complex128, which isn't saved\n"
        "  Weights are float16, float32 or float64.\n"
        "  Convert it: array.astype('float32')."
    ):
        save(tmp_path / "a", small, {**initial_values(small), "conv1.w": np.zeros((2, 1, 3, 3), complex)})
    with refused(". is a folder, not the name of a network\n  Write for example folder/name."):
        paths(".")


# Ten broken pairs of files


def test_no_file(tmp_path):
    with refused(f"there is no file {tmp_path}/none.json\n  Check the folder and the spelling of the name."):
        load(tmp_path / "none")


def test_a_folder(tmp_path):
    (tmp_path / "a.json").mkdir()
    with refused(f"{tmp_path}/a.json can't be read: Is a directory\n  Check that it is a file, and that you may read it."):
        load(tmp_path / "a")


def test_no_text(tmp_path):
    (tmp_path / "a.json").write_bytes(b"\x89PNG\xff\xfe")
    with refused(f"{tmp_path}/a.json is no text\n  Name the JSON file of a saved network."):
        load(tmp_path / "a.json")


def test_a_file_too_large(tmp_path):
    with (tmp_path / "a.json").open("wb") as file:
        file.truncate(2**40)  # sparse: takes no room
    with refused(f"{tmp_path}/a.json is larger than 16 MB\n  Name the JSON file of a saved network; arrays stand beside it."):
        load(tmp_path / "a")


def test_another_checksum(saved, small):
    save(saved.parent / "other", small, initial_values(small, seed=1))
    os.replace(saved.parent / "other.safetensors", f"{saved}.safetensors")
    with refused(
        f"{saved}.safetensors isn't the file that was saved with this network\n"
        "  A save was interrupted between its two files, or one of them was replaced or damaged.\n"
        "  Save the network anew."
    ):
        load(saved)


def test_arrays_missing(saved):
    os.unlink(f"{saved}.safetensors")
    with refused(f"there is no file {saved}.safetensors\n  Check the folder and the spelling of the name."):
        load(saved)


def test_arrays_of_another_network(saved):
    save(saved.parent / "other", lenet5(), initial_values(lenet5()))
    os.replace(saved.parent / "other.safetensors", f"{saved}.safetensors")
    with refused(
        f"{saved}.safetensors: the array 'conv1.w' is missing\n  It needs 6 arrays.\n  Give the arrays that belong to this network."
    ):
        load(saved)


def test_arrays_cut_off(saved):
    file = saved.with_name("type-2.2.safetensors")
    data = file.read_bytes()
    file.write_bytes(data[:-10])
    with refused(
        f"{file} has {len(data) - 10:,} bytes, and its header tells of {len(data):,}\n"
        "  It was cut off, or isn't complete yet.\n"
        "  Copy it again, or save the network anew."
    ):
        load(saved)


def header(told):
    text = json.dumps(told).encode()
    return struct.pack("<Q", len(text)) + text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01",
        struct.pack("<Q", 2**60),
        struct.pack("<Q", 4) + b"[[[[",
        header([]),
        header({"conv1.w": None}),
        header({"conv1.w": {"shape": 3, "dtype": "F32"}}),
        header({"conv1.w": {"shape": [-1], "dtype": "F32"}}),
        header({"conv1.w": {"shape": ["x"], "dtype": "F32"}}),
        header({"conv1.w": {"shape": [1], "dtype": "PICKLE"}}),
        struct.pack("<Q", 10**6) + b"[" * 10**6,
    ],
)
def test_no_safetensors(saved, data):
    file = saved.with_name("type-2.2.safetensors")
    file.write_bytes(data)
    with refused(
        f"{file} is no safetensors file\n  It was cut off, or holds something else.\n  Copy it again, or save the network anew."
    ):
        load(saved)


def test_a_header_that_claims_too_much(saved):
    """Nothing is allocated by what a header says."""
    file = saved.with_name("type-2.2.safetensors")
    file.write_bytes(header({"conv1.w": {"shape": [2**40], "dtype": "F32", "data_offsets": [0, 2**42]}}))
    with pytest.raises(
        FileError, match=re.escape("the array 'conv1.w' has the shape (1099511627776,), and (2, 1, 3, 3) is needed")
    ):
        load(saved)


def test_values_that_are_none(saved):
    file = saved.with_name("type-2.2.json")
    told = json.loads(file.read_text())
    file.write_text(json.dumps({**told, "values": 1}))
    with refused(f"{file}: the field 'values' is 1, not an object\n  Write an object: {{\"name\": …}}."):
        load(saved)
    file.write_text(json.dumps({**told, "values": {"sha256": 7}}))
    with refused(f"{file}: the field 'values': the field 'sha256' is 7\n  Write text of 1 to 64 characters."):
        load(saved)
    file.write_text(json.dumps({**told, "values": {}}))
    with refused(
        f"{file}: the field 'values': the field 'sha256' is missing\n  It has no other fields.\n  Add it, or save the network anew."
    ):
        load(saved)


def test_the_checksum_is_over_the_bytes(saved, small):
    """A file that another tool wrote with the same arrays isn't taken for ours."""
    file = saved.with_name("type-2.2.safetensors")
    file.write_bytes(save_arrays(initial_values(small), metadata={"by": "another"}))
    with pytest.raises(FileError, match="isn't the file that was saved with this network"):
        load(saved)


# Whole or not at all


@pytest.mark.parametrize("stop", ["fsync", "replace"])
@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_interrupted_writing_leaves_the_old_file(tmp_path, monkeypatch, stop, error):
    path = tmp_path / "a.json"
    write_atomically(path, b"old")

    def refuse(*_):
        raise error

    monkeypatch.setattr(atomic.os, stop, refuse)
    expected = FileError if isinstance(error, OSError) else KeyboardInterrupt
    with pytest.raises(expected) as caught:
        write_atomically(path, b"new")
    if expected is FileError:
        assert str(caught.value) == (
            f"{path} can't be written: No space left on device\n"
            "  The folder is missing or read-only, or the disk is full.\n"
            "  Choose another folder."
        )
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["a.json"]


def test_an_interruption_between_the_two_files_is_noticed(saved, small, monkeypatch):
    real = os.replace

    def once(source, target):
        if str(target).endswith(".json"):
            raise KeyboardInterrupt("between the two files")
        real(source, target)

    monkeypatch.setattr(atomic.os, "replace", once)
    with pytest.raises(KeyboardInterrupt, match=r"^between the two files$"):
        save(saved, small, initial_values(small, seed=1))
    with pytest.raises(FileError) as error:
        load(saved)
    assert str(error.value) == (
        f"{saved}.safetensors isn't the file that was saved with this network\n"
        "  A save was interrupted between its two files, or one of them was replaced or damaged.\n  Save the network anew."
    )


def test_permissions(tmp_path):
    path = tmp_path / "a"
    write_atomically(path, b"1")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask
    path.chmod(0o640)
    write_atomically(path, b"2")
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_a_folder_that_is_a_file(tmp_path):
    (tmp_path / "a").write_text("")
    with pytest.raises(FileError, match=re.escape(f"{tmp_path}/a/b can't be written: ")):
        write_atomically(tmp_path / "a" / "b", b"")
