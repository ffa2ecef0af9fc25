"""Networks whose large arrays stay in their file: the same arrays, the same refusals, and nothing read that nobody looks at."""

import json
import mmap
import struct
import zipfile

import numpy as np
import pytest

from slidesum.draft.verbs import Draft
from slidesum.engine.mapped import is_mapped
from slidesum.errors import FileError
from slidesum.read import load, mapped, save
from slidesum.read.mapped import Place, arrays_at
from slidesum.run.network import initial_values


@pytest.fixture
def graph():
    net = Draft("large")
    x = net.input("b c", b=1, c=1024)
    net.conv(net.conv(x, "b c, o c -> b o", o=512), "b c, o c -> b o", o=8)
    return net.graph


@pytest.fixture(params=["a.slidesum", "a.json"])
def saved(request, tmp_path, graph):
    save(tmp_path / request.param, graph, initial_values(graph))
    return tmp_path / request.param


def test_large_arrays_are_mapped(saved, graph):
    _, found = load(saved, mapped=True)
    assert [is_mapped(array) for array in found.values()] == [array.nbytes >= mapped.LARGE for array in found.values()]
    assert sum(map(is_mapped, found.values())) == 1
    assert all(np.array_equal(found[name], array) for name, array in initial_values(graph).items())
    assert not any(map(is_mapped, load(saved)[1].values()))


def test_they_are_for_reading_only(saved):
    _, found = load(saved, mapped=True)
    assert not any(array.flags.writeable for array in found.values())


def test_the_file_may_be_replaced(saved, graph):
    _, found = load(saved, mapped=True)
    save(saved, graph, initial_values(graph, seed=1))
    assert all(np.array_equal(found[name], array) for name, array in initial_values(graph).items())


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("large", [0, 2**40])
def test_numbers_of_any_kind(tmp_path, graph, dtype, large, monkeypatch):
    monkeypatch.setattr(mapped, "LARGE", large)
    values = initial_values(graph, dtype=dtype)
    save(tmp_path / "a", graph, values)
    _, found = load(tmp_path / "a", mapped=True)
    assert all(np.array_equal(found[name], array) and found[name].dtype == dtype for name, array in values.items())


def test_only_the_largest_are_mapped(tmp_path, monkeypatch):
    monkeypatch.setattr(mapped, "MOST", 2)
    (tmp_path / "a").write_bytes(bytes(2**23))
    sizes = {"a": 2**20, "b": 2**21, "c": 2**16, "d": 2**20 + 2**10}
    with (tmp_path / "a").open("rb") as file:
        found = arrays_at(file, {name: Place(8, (size // 4,), np.dtype("<f4")) for name, size in sizes.items()})
    assert {name for name, array in found.items() if is_mapped(array)} == {"b", "d"}


def test_a_deflated_entry_is_read(tmp_path, graph):
    save(tmp_path / "a.slidesum", graph, initial_values(graph))
    with (
        zipfile.ZipFile(tmp_path / "a.slidesum") as old,
        zipfile.ZipFile(tmp_path / "b.slidesum", "w", zipfile.ZIP_DEFLATED) as new,
    ):
        for name in old.namelist():
            new.writestr(name, old.read(name))
    _, found = load(tmp_path / "b.slidesum", mapped=True)
    assert all(np.array_equal(found[name], array) for name, array in initial_values(graph).items())


@pytest.mark.parametrize("ending", ["slidesum", "json"])
def test_what_cant_be_mapped_is_read(tmp_path, graph, ending, monkeypatch):
    def refused(*_, **__):
        raise OSError("no such device")

    save(tmp_path / f"a.{ending}", graph, initial_values(graph))
    monkeypatch.setattr(mmap, "mmap", refused)
    _, found = load(tmp_path / f"a.{ending}", mapped=True)
    assert all(np.array_equal(found[name], array) for name, array in initial_values(graph).items())


def refusal(path):
    with pytest.raises(FileError) as caught:
        load(path, mapped=True)
    return str(caught.value)


def test_another_number(saved):
    """In the middle of the file that holds the arrays."""
    file = saved if saved.suffix == ".slidesum" else saved.with_suffix(".safetensors")
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    where = f"{file}: values.safetensors" if file == saved else file
    assert refusal(saved) == (
        f"{where} isn't the file that was saved with this network\n"
        "  A save was interrupted between its two files, or one of them was replaced or damaged.\n"
        "  Save the network anew."
    )


def test_no_entry_where_the_directory_says(tmp_path, graph):
    save(tmp_path / "a.slidesum", graph, initial_values(graph))
    data = bytearray((tmp_path / "a.slidesum").read_bytes())
    at = data.index(b"PK\x03\x04", 4)  # the second entry holds the arrays
    data[at] ^= 1
    (tmp_path / "a.slidesum").write_bytes(data)
    assert refusal(tmp_path / "a.slidesum") == (
        f"{tmp_path}/a.slidesum: the entry 'values.safetensors' can't be read\n"
        "  It was cut off or damaged.\n"
        "  Copy it again, or save it anew."
    )


@pytest.mark.parametrize(
    "offsets", [None, [0], [0, 4, 8], ["0", "4"], [-4, 0], [4, 0], [0, 2**40], [2**40, 2**40 + 4], [0.0, 4.0], [True, 5]]
)
@pytest.mark.parametrize("is_mapped", [False, True])
def test_arrays_that_lie_nowhere(tmp_path, offsets, is_mapped):
    """By what a header says of where they are."""
    net = Draft("small")
    net.conv(net.input("b c", b=1, c=1), "b c, o c -> b o", o=1, bias=False)
    save(tmp_path / "a", net.graph, initial_values(net.graph))
    text = json.dumps({"conv1.w": {"shape": [1, 1], "dtype": "F32", "data_offsets": offsets}}).encode()
    (tmp_path / "a.safetensors").write_bytes(struct.pack("<Q", len(text)) + text + bytes(4))
    with pytest.raises(FileError) as caught:
        load(tmp_path / "a", mapped=is_mapped)
    assert str(caught.value) == (
        f"{tmp_path}/a.safetensors is no safetensors file\n"
        "  It was cut off, or holds something else.\n"
        "  Copy it again, or save the network anew."
    )


def test_a_mapping_begins_anywhere(tmp_path):
    numbers = np.arange(3 * mmap.PAGESIZE, dtype="<f4")
    for begin in (0, 1, 4, mmap.PAGESIZE - 1, mmap.PAGESIZE, 3 * mmap.PAGESIZE + 7):
        (tmp_path / "a").write_bytes(bytes(begin) + numbers.tobytes())
        with (tmp_path / "a").open("rb") as file:
            np.testing.assert_array_equal(mapped._mapped(file, Place(begin, numbers.shape, numbers.dtype)), numbers)
