"""NAME.slidesum: a network in one file; the same from the same, and nothing believed of what stands in it."""

import io
import json
import os
import pickle
import re
import struct
import zipfile
from typing import get_args

import numpy as np
import pytest
from random_networks import random_network

import slidesum as ss
from slidesum.core.ops import Op
from slidesum.errors import FileError
from slidesum.read import archive, load, save
from slidesum.read.archive import packed
from slidesum.run.network import initial_values
from slidesum.zoo import build, lenet5, question


@pytest.fixture
def small():
    return question("2.2", k1=2, k2=3, n=4, m=4)


@pytest.fixture
def saved(tmp_path, small):
    (path,) = save(tmp_path / "some" / "a.slidesum", small, initial_values(small))
    return path


def refused(text):
    return pytest.raises(FileError, match=f"^{re.escape(text)}$")


def entries(path):
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_round_trip(tmp_path, dtype):
    values = initial_values(lenet5(), dtype=dtype)
    assert save(tmp_path / "l.slidesum", lenet5(), values) == (tmp_path / "l.slidesum",)
    graph, found = load(tmp_path / "l.slidesum")
    assert graph == lenet5()
    assert set(found) == set(values)
    assert all(np.array_equal(found[k], values[k]) and found[k].dtype == dtype for k in values)
    assert os.listdir(tmp_path) == ["l.slidesum"]


def test_it_holds_what_a_pair_holds(tmp_path, saved, small):
    told, kept = save(tmp_path / "a.json", small, initial_values(small))
    assert entries(saved) == {"network.json": told.read_bytes(), "values.safetensors": kept.read_bytes()}


def test_the_same_bytes_from_the_same_network(saved, small):
    before = saved.read_bytes()
    save(saved, small, initial_values(small))
    assert saved.read_bytes() == before
    assert save(saved, small, initial_values(small, seed=1)) == (saved,)
    assert saved.read_bytes() != before


def test_a_network_with_symbols(tmp_path):
    net = ss.load("type-1")
    net.save(tmp_path / "open.slidesum")
    assert load(tmp_path / "open.slidesum") == (build("type-1"), None)
    assert ss.load(tmp_path / "open.slidesum").graph == net.graph


def test_as_a_user_calls_it(tmp_path):
    net = ss.Network("one")
    net.linear(net.input("b f", b=1, f=4), 2, name="linear")
    net.save(tmp_path / "one.slidesum")
    again = ss.load(tmp_path / "one.slidesum")
    assert again.has_values
    x = np.arange(8.0).reshape(2, 4)
    assert np.array_equal(again.run(x)["linear"], net.run(x)["linear"])


def test_deflated_by_another_program(saved, small):
    held = entries(saved)
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as file:
        for name in reversed(held):
            file.writestr(name, held[name])
    graph, values = load(saved)
    assert graph == small
    assert set(values) == set(initial_values(small))


def test_a_file_over_four_gigabytes_is_told_of_in_its_own_record(saved, small, monkeypatch):
    """The same record that zipfile writes for large files, asked for here by a small limit."""
    held = entries(saved)
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 100)
    saved.write_bytes(packed(held))
    assert b"PK\x06\x06" in saved.read_bytes()[-98:]
    assert load(saved)[0] == small


# What is refused

ELSEWHERE = "\n  Check where the file comes from."
NO_ZIP = "is no zip file\n  It was cut off, or holds something else.\n  Check which file this is."
DAMAGED = "\n  It was cut off or damaged.\n  Copy it again, or save it anew."
DISTRUST = "\n  Nothing that belongs there is so large; don't trust the file."


@pytest.mark.parametrize(
    "data",
    [b"", b"text\n", b"PK\x05\x06", pickle.dumps({"a": 1}), b"PK\x03\x04" + bytes(300), b"PK\x05\x06" + bytes(17) + b"\x01"],
)
def test_no_zip(saved, data):
    saved.write_bytes(data)
    with refused(f"{saved} {NO_ZIP}"):
        load(saved)


def test_no_file(tmp_path):
    with refused(f"there is no file {tmp_path}/none.slidesum\n  Check the folder and the spelling of the name."):
        ss.load(tmp_path / "none.slidesum")


def test_cut_off(saved):
    data = saved.read_bytes()
    for length in (len(data) - 1, len(data) // 2, 30):
        saved.write_bytes(data[:length])
        with refused(f"{saved} {NO_ZIP}"):
            load(saved)


def test_the_start_cut_off(saved):
    saved.write_bytes(saved.read_bytes()[100:])
    with refused(f"{saved}: its directory can't be read{DAMAGED}"):
        load(saved)


@pytest.mark.parametrize(
    "name", ["../network.json", "/etc/passwd", "archive/data.pkl", "network.json/", "NETWORK.JSON", "network.json\\", "é"]
)
def test_an_entry_that_does_not_belong_there(saved, name):
    saved.write_bytes(packed({**entries(saved), name: b"x"}))
    with refused(f"{saved}: the entry {name!r} doesn't belong there{ELSEWHERE}"):
        load(saved)


def test_a_name_that_is_cut_at_a_zero_byte(saved):
    held = entries(saved)
    data = packed({"network.jsonX": held["network.json"], "values.safetensors": held["values.safetensors"]})
    saved.write_bytes(data.replace(b"network.jsonX", b"network.json\0"))
    with refused(f"{saved}: the entry 'network.json\\x00' doesn't belong there{ELSEWHERE}"):
        load(saved)


def test_an_entry_twice(saved):
    held = entries(saved)
    other = b"network.jso2"
    data = packed({"network.json": held["network.json"], other.decode(): held["network.json"]})
    saved.write_bytes(data.replace(other, b"network.json"))
    with refused(f"{saved}: the entry 'network.json' stands there twice{ELSEWHERE}"):
        load(saved)


def test_the_network_missing(saved):
    saved.write_bytes(packed({"values.safetensors": entries(saved)["values.safetensors"]}))
    with refused(f"{saved} has no entry 'network.json'\n  It is another kind of zip.\n  Check which file this is."):
        load(saved)


def test_the_arrays_missing(saved):
    saved.write_bytes(packed({"network.json": entries(saved)["network.json"]}))
    with refused(f"{saved} has no entry 'values.safetensors'\n  It is another kind of zip.\n  Check which file this is."):
        load(saved)


def test_arrays_that_nobody_told_of(saved, small):
    told, _ = save(saved.parent / "b.json", small, None)[0], None
    saved.write_bytes(packed({**entries(saved), "network.json": told.read_bytes()}))
    with refused(f"{saved}: network.json tells of no arrays, and values.safetensors holds some\n  Save the network anew."):
        load(saved)


def test_another_packing(saved):
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_LZMA) as file:
        file.writestr("network.json", "{}")
    with refused(f"{saved}: the entry 'network.json' is neither stored nor deflated{ELSEWHERE}"):
        load(saved)


def directory_entry(data, name):
    """Where an entry of the directory begins."""
    return data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + (1 if name == "values.safetensors" else 0))


def test_encrypted(saved):
    data = bytearray(saved.read_bytes())
    data[directory_entry(data, "network.json") + 8] |= 1
    saved.write_bytes(data)
    with refused(f"{saved}: the entry 'network.json' is encrypted{ELSEWHERE}"):
        load(saved)


def claim(saved, name, size):
    data = bytearray(saved.read_bytes())
    at = directory_entry(data, name) + 24
    before = struct.unpack("<L", data[at - 4 : at])[0]
    data[at : at + 4] = struct.pack("<L", size)
    saved.write_bytes(data)
    return before


def test_a_stored_entry_that_claims_too_much(saved):
    packed_size = claim(saved, "values.safetensors", 2**31)
    with refused(
        f"{saved}: the entry 'values.safetensors' is stored in {packed_size:,} bytes, and is said to have {2**31:,}{ELSEWHERE}"
    ):
        load(saved)


def test_a_deflated_entry_that_claims_more_than_deflate_can_do(saved):
    packed_size = claim(saved, "network.json", 2**31)
    with refused(f"{saved}: the entry 'network.json' would grow from {packed_size:,} bytes to {2**31:,}{ELSEWHERE}"):
        load(saved)


def test_a_bomb_in_the_text(saved):
    saved.write_bytes(packed({**entries(saved), "network.json": bytes(17 * 2**20)}))
    assert saved.stat().st_size < 2**16
    with refused(f"{saved}: the entry 'network.json' has {17 * 2**20:,} bytes, and at most {16 * 2**20:,} are read{DISTRUST}"):
        load(saved)


def test_a_bomb_in_the_arrays(saved):
    held = entries(saved)
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("network.json", held["network.json"])
        file.writestr("values.safetensors", bytes(20 * 2**20))
    with pytest.raises(FileError, match=rf"has {20 * 2**20:,} bytes, and at most 16,\d\d\d,\d\d\d are read{re.escape(DISTRUST)}$"):
        load(saved)


def test_a_bomb_larger_than_any_deflated_entry(saved, monkeypatch):
    monkeypatch.setattr(archive, "MOST_INFLATED", 1000)
    held = entries(saved)
    with zipfile.ZipFile(saved, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("network.json", held["network.json"])
        size = file.getinfo("network.json").compress_size
    told = f"would grow from {size:,} bytes to {len(held['network.json']):,}"
    with refused(f"{saved}: the entry 'network.json' {told}{ELSEWHERE}"):
        load(saved)


def test_too_many_entries(saved):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for number in range(17_000):
            file.writestr(f"{number:016}", b"")
    saved.write_bytes(buffer.getvalue())
    listed = 17_000 * (46 + 16)
    with refused(
        f"{saved} lists {listed:,} bytes of entries, and at most {2**20:,} are read\n"
        "  Nothing that belongs there has so many; don't trust the file."
    ):
        load(saved)


def test_a_flipped_bit(saved):
    data = bytearray(saved.read_bytes())
    data[data.index(b"values.safetensors") + 200] ^= 1
    saved.write_bytes(data)
    with refused(f"{saved}: the entry 'values.safetensors' can't be read{DAMAGED}"):
        load(saved)


def test_another_checksum(saved, small):
    other = save(saved.parent / "b.slidesum", small, initial_values(small, seed=1))[0]
    saved.write_bytes(packed({**entries(saved), "values.safetensors": entries(other)["values.safetensors"]}))
    with refused(
        f"{saved}: values.safetensors isn't the file that was saved with this network\n"
        "  A save was interrupted between its two files, or one of them was replaced or damaged.\n"
        "  Save the network anew."
    ):
        load(saved)


def test_arrays_of_another_network(saved, small):
    other = save(saved.parent / "b.slidesum", lenet5(), initial_values(lenet5()))[0]
    saved.write_bytes(packed({**entries(saved), "values.safetensors": entries(other)["values.safetensors"]}))
    with refused(
        f"{saved}: values.safetensors: the array 'conv1.w' is missing\n"
        "  It needs 6 arrays.\n  Give the arrays that belong to this network."
    ):
        load(saved)


def test_a_pickle_for_arrays(saved):
    saved.write_bytes(packed({**entries(saved), "values.safetensors": pickle.dumps([1, 2, 3])}))
    with refused(
        f"{saved}: values.safetensors is no safetensors file\n"
        "  It was cut off, or holds something else.\n  Copy it again, or save the network anew."
    ):
        load(saved)


def test_another_version(saved):
    held = entries(saved)
    told = json.loads(held["network.json"]) | {"format": "slidesum/99"}
    saved.write_bytes(packed({**held, "network.json": json.dumps(told).encode()}))
    with pytest.raises(FileError, match=re.escape(f"{saved}: network.json is no saved network: its format is 'slidesum/99'\n")):
        load(saved)


def test_no_text(saved):
    saved.write_bytes(packed({**entries(saved), "network.json": b"\x89PNG\xff"}))
    with refused(f"{saved}: network.json is no text\n  Name the JSON file of a saved network."):
        load(saved)


# Any network there is


@pytest.mark.parametrize("seed", range(60))
def test_random_networks_of_every_layer(tmp_path, seed):
    graph = random_network(seed, opaque=True)
    values = initial_values(graph, seed)
    for name in ("r.slidesum", "r.json"):
        save(tmp_path / name, graph, values)
        again, found = load(tmp_path / name)
        assert again == graph
        assert set(found) == set(values)
        assert all(np.array_equal(found[key], array) and found[key].dtype == array.dtype for key, array in values.items())


def test_the_random_networks_have_every_layer():
    met = {type(node.op) for seed in range(60) for node in random_network(seed, opaque=True)}
    assert met == set(get_args(Op))
