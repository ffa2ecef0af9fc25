"""Broken and malicious .pt2 files: a typed error, read by its whole text; no code runs, and no memory is spent."""

import contextlib
import json
import pickle
import zipfile
from io import BytesIO

import pytest
import torch
from torch import nn

from slidesum.errors import FileError
from slidesum.read.torch_model import read_pt2


@pytest.fixture(scope="module")
def good():
    """The entries of a sound archive by name."""
    torch.manual_seed(0)
    kept = BytesIO()
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).eval()
    torch.export.save(torch.export.export(module, (torch.zeros(2, 3, 8, 8),)), kept)
    with zipfile.ZipFile(kept) as archive:
        return {info.filename.partition("/")[2]: archive.read(info) for info in archive.infolist()}


def written(path, entries, root="archive/", compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(root + name, data)
    return path


def changed(entries, name, change):
    """The entries with one JSON document changed."""
    document = json.loads(entries[name])
    change(document)
    return {**entries, name: json.dumps(document).encode()}


MODEL, WEIGHTS = "models/model.json", "data/weights/model_weights_config.json"
SAVE = "  Save the model anew with torch.export.save."


def without(entries, *names):
    return {name: data for name, data in entries.items() if name not in names}


def refused(path):
    with pytest.raises(FileError) as error:
        read_pt2(path)
    return str(error.value).replace(str(path), "net.pt2")


def test_a_sound_archive_is_read(good, tmp_path):
    read = read_pt2(written(tmp_path / "net.pt2", good))
    assert [node.name for node in read.graph] == ["input", "0", "1"]
    assert read.unsupported == ()


def test_text(tmp_path):
    path = tmp_path / "net.pt2"
    path.write_text("conv relu conv relu\n")
    assert refused(path) == (
        "net.pt2 is no .pt2 archive\n  It was cut off, or holds something else: torch.save writes .pt files, which are pickles.\n"
        "  Write it with torch.export.save(torch.export.export(model, (example,)), path)."
    )


def test_a_missing_file(tmp_path):
    assert refused(tmp_path / "net.pt2") == "there is no file net.pt2\n  Check the folder and the spelling of the name."


def test_a_truncated_file(good, tmp_path):
    path = written(tmp_path / "net.pt2", without(good, "data/sample_inputs/model.pt"))
    data = path.read_bytes()
    for rest in (len(data) - 30, len(data) // 2, 4, 0):
        path.write_bytes(data[:rest])
        assert refused(path) == (
            "net.pt2 is no .pt2 archive\n"
            "  It was cut off, or holds something else: torch.save writes .pt files, which are pickles.\n"
            "  Write it with torch.export.save(torch.export.export(model, (example,)), path)."
        )


def test_bytes_changed_on_the_way(good, tmp_path):
    path = written(tmp_path / "net.pt2", good)
    data = path.read_bytes()
    path.write_bytes(data.replace(good["data/weights/weight_1"], bytes(16), 1))
    assert refused(path) == "net.pt2: the entry 'data/weights/weight_1' is damaged\n  It was cut off or changed.\n  Copy it again."


def test_another_zip(tmp_path):
    assert refused(written(tmp_path / "net.pt2", {"hello.txt": b"hello"})) == (
        "net.pt2 is a zip, and no .pt2 archive\n  The entry archive_format is missing or says something else.\n"
        "  Name a file that torch.export.save wrote."
    )


def test_a_wrong_version(good, tmp_path):
    entries = changed(good, MODEL, lambda d: d["schema_version"].update(major=9))
    assert refused(written(tmp_path / "net.pt2", entries)) == (
        "net.pt2 has the schema version 9\n  This slidesum reads version 8, which torch writes since 2.5.\n"
        "  Save the model anew, or install a newer slidesum."
    )


def test_missing_weights(good, tmp_path):
    assert refused(written(tmp_path / "net.pt2", without(good, "data/weights/weight_0"))) == (
        "net.pt2: the entry 'data/weights/weight_0' is missing\n"
        "  The archive is incomplete, or was written by another version of torch.\n" + SAVE
    )
    entries = changed(good, WEIGHTS, lambda d: d["config"].pop("0.weight"))
    assert refused(written(tmp_path / "net.pt2", entries)) == (
        "net.pt2: the array '0.weight' is missing\n  The model names it, and the archive doesn't hold it.\n" + SAVE
    )


def test_paths_outside(good, tmp_path):
    entries = {**good, "../../evil": b"x"}
    assert refused(written(tmp_path / "net.pt2", entries)) == (
        "net.pt2 is refused: its entry 'archive/../../evil' lies outside\n  Names in an archive lead nowhere else.\n" + SAVE
    )
    entries = changed(good, WEIGHTS, lambda d: d["config"]["0.weight"].update(path_name="../../../secret"))
    assert refused(written(tmp_path / "net.pt2", entries)) == (
        "net.pt2 is refused: the array '0.weight' names the file '../../../secret'\n  Files of arrays have plain names.\n" + SAVE
    )


def test_a_circle(good, tmp_path):
    def turn(document):
        nodes = document["graph_module"]["graph"]["nodes"]
        nodes[0]["inputs"][0]["arg"] = {"as_tensor": {"name": nodes[1]["name"]}}

    assert refused(written(tmp_path / "net.pt2", changed(good, MODEL, turn))) == (
        "net.pt2: 'relu' is used before it is computed\n  Operations stand in the order of computation; a circle has none.\n"
        "  Save the model anew."
    )


def test_sizes_of_two_to_the_forty(good, tmp_path):
    def grow(document):
        document["config"]["0.weight"]["tensor_meta"]["sizes"][0] = {"as_int": 2**40}

    assert refused(written(tmp_path / "net.pt2", changed(good, WEIGHTS, grow))) == (
        "net.pt2: the array '0.weight': an extent is 1099511627776\n  Extents are whole numbers from 0 to 2,147,483,647."
    )

    def repeat(document):
        meta = document["config"]["0.weight"]["tensor_meta"]
        meta["sizes"], meta["strides"] = [{"as_int": 2**20}] * 2, [{"as_int": 0}] * 2

    assert refused(written(tmp_path / "net.pt2", changed(good, WEIGHTS, repeat))) == (
        "net.pt2: the array '0.weight' has the shape 1048576×1048576, and its file 108 numbers\n"
        "  The file was cut off or changed.\n  Save the model anew."
    )

    def inflate(document):
        sizes = document["graph_module"]["graph"]["tensor_values"]["relu"]["sizes"]
        sizes[0] = sizes[1] = {"as_int": 2**20}

    assert refused(written(tmp_path / "net.pt2", changed(good, MODEL, inflate))) == (
        "net.pt2: 'relu' has 39,582,418,599,936 numbers\n  At most 1,099,511,627,776 are read.\n  Export a smaller model."
    )


def test_a_zip_bomb(good, tmp_path):
    entries = {**good, "data/weights/weight_9": bytes(2**22)}
    assert refused(written(tmp_path / "net.pt2", entries, compression=zipfile.ZIP_DEFLATED)) == (
        "net.pt2 is refused: its entry 'archive/data/weights/weight_0' is compressed\n  torch writes entries as they are.\n" + SAVE
    )


def test_entries_that_overlap(good, tmp_path):
    path = written(tmp_path / "net.pt2", good)
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02")  # the last entry of the directory claims a gigabyte, stored
    data[at + 20 : at + 28] = (2**30).to_bytes(4, "little") * 2
    path.write_bytes(data)
    total = 2**30 + sum(map(len, without(good, list(good)[-1]).values()))
    assert refused(path) == (
        f"net.pt2 is refused: its entries claim {total:,} bytes, and the file has {len(data):,}\n"
        "  They overlap, or it was cut off.\n" + SAVE
    )


class Bomb:
    """Unpickled, it would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


def test_pickles_are_not_opened(good, tmp_path):
    bomb = pickle.dumps(Bomb(tmp_path / "exploded"))
    entries = {**good, "data/sample_inputs/model.pt": bomb, "data/weights/weight_0": bomb}
    entries = changed(entries, WEIGHTS, lambda d: d["config"]["0.weight"].update(use_pickle=True))
    assert refused(written(tmp_path / "net.pt2", entries)) == (
        "net.pt2: the array '0.weight' is a pickle, which is not read\n"
        "  It is a tensor of a class of its own, or a custom object; unpickling runs code.\n  Export the model with plain tensors."
    )
    legacy = {**without(good, WEIGHTS), "data/weights/model.pt": bomb}
    assert refused(written(tmp_path / "net.pt2", legacy)) == (
        "net.pt2 is refused: its arrays are a pickle\n  Archives from before torch 2.9 keep them so; unpickling runs code.\n" + SAVE
    )
    sample = {**good, "data/sample_inputs/model.pt": bomb}
    assert read_pt2(written(tmp_path / "net.pt2", sample)).unsupported == ()  # it isn't read at all
    assert not (tmp_path / "exploded").exists()


def test_a_file_of_torch_save(tmp_path):
    path = tmp_path / "net.pt2"
    torch.save({"weight": torch.zeros(3)}, path)
    assert refused(path).startswith("net.pt2 is a zip, and no .pt2 archive\n")


def test_compiled_libraries_are_not_loaded(good, tmp_path):
    entries = {**without(good, MODEL), "data/aotinductor/model/evil.so": b"\x7fELF"}
    assert refused(written(tmp_path / "net.pt2", entries)) == (
        "net.pt2 holds 0 models\n  It has compiled libraries only, which are never loaded.\n"
        "  Save one exported program: torch.export.save(program, path)."
    )


def test_an_unknown_operation_stays_opaque(good, tmp_path):
    def rename(document):
        document["graph_module"]["graph"]["nodes"][1]["target"] = "torch.ops.evil.run.default"

    read = read_pt2(written(tmp_path / "net.pt2", changed(good, MODEL, rename)))
    [unsupported] = read.unsupported
    assert str(unsupported) == "evil.run.default at 1: it has no equation, and is none of the other layers known here"
    assert read.graph.output.shape == (2, 4, 6, 6)


def test_json_that_is_none(good, tmp_path):
    for broken in (b"{", b"[" * 100_000, b"\xff"):
        path = written(tmp_path / "net.pt2", {**good, MODEL: broken})
        assert refused(path) == "net.pt2: models/model.json is no JSON\n  It was changed.\n  Save the model anew."


def test_missing_and_wrong_fields(good, tmp_path):
    entries = changed(good, MODEL, lambda d: d["graph_module"].pop("graph"))
    assert refused(written(tmp_path / "net.pt2", entries)).startswith("net.pt2: the model: the field 'graph' is missing\n")
    entries = changed(good, MODEL, lambda d: d["graph_module"]["graph"]["nodes"].insert(0, 3))
    assert refused(written(tmp_path / "net.pt2", entries)).startswith("net.pt2: an operation is 3, not an object\n")
    entries = changed(good, MODEL, lambda d: d["graph_module"]["graph"]["nodes"][0]["inputs"][0].update(arg={"as_tensor": 5}))
    read = read_pt2(written(tmp_path / "net.pt2", entries))
    assert str(read.unsupported[0]).endswith("its arguments aren't those of this operator")


@pytest.mark.parametrize("seed", range(40))
def test_any_byte_may_be_wrong(good, tmp_path, seed):
    """A changed document is read, or refused by a FileError; nothing else comes out of it."""
    import random

    chance = random.Random(seed)
    text = bytearray(good[MODEL])
    for _ in range(8):
        at = chance.randrange(len(text))
        text[at] = chance.choice(b'0123456789{}[]",:abcxyz- ')
    path = written(tmp_path / "net.pt2", {**good, MODEL: bytes(text)})
    with contextlib.suppress(FileError):
        assert read_pt2(path).graph.nodes
