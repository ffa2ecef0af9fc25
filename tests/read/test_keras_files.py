"""Broken and hostile `.keras` files: each a typed error, read whole; nothing runs, nothing outside is read."""

import base64
import contextlib
import io
import json
import marshal
import pickle
import re
import zipfile

import h5py
import keras_models as made
import numpy as np
import pytest

import slidesum as ss
from slidesum.core.ops import Opaque
from slidesum.errors import FileError, ReadError, UsageError
from slidesum.read.archive import packed
from slidesum.read.keras import read_keras

keras = pytest.importorskip("keras")
L = keras.layers

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")
ANEW = "\n  Save the model anew."


@pytest.fixture
def path(tmp_path):
    """A file that is fine, of a Functional model."""
    x = keras.Input((4,), name="x")
    y = L.Dense(3, name="one")(x)
    model = keras.Model(x, L.Add(name="sum")([y, L.Dense(3, name="two")(y)]), name="small")
    made.randomised(model).save(tmp_path / "m.keras")
    return tmp_path / "m.keras"


def refused(text):
    return pytest.raises(FileError, match=f"^{re.escape(text)}$")


def held(path):
    with zipfile.ZipFile(path) as file:
        return {name: file.read(name) for name in file.namelist()}


def changed(path, change):
    """The file with its description changed."""
    entries = held(path)
    told = json.loads(entries["config.json"])
    change(told, {layer["config"]["name"]: layer for layer in told["config"]["layers"]})
    path.write_bytes(packed({**entries, "config.json": json.dumps(told).encode()}))


def rewritten(path, change):
    """The file with its arrays changed."""
    entries = held(path)
    data = io.BytesIO(entries["model.weights.h5"])
    with h5py.File(data, "r+") as file:
        change(file)
    path.write_bytes(packed({**entries, "model.weights.h5": data.getvalue()}))


KERNEL = "layers/dense/vars/0"


def replaced(make):
    def change(file):
        del file[KERNEL]
        make(file)

    return change


def test_it_is_fine(path):
    assert sorted(read_keras(path, strict=True).values) == ["one.bias", "one.w", "two.bias", "two.w"]


# The zip; `test_one_file.py` has what is common to all


@pytest.mark.parametrize("data", [b"", b"text", pickle.dumps([1]), b"\x89HDF\r\n\x1a\n" + bytes(500)])
def test_no_zip(path, data):
    path.write_bytes(data)
    with refused(f"{path} is no zip file\n  It was cut off, or holds something else.\n  Check which file this is."):
        read_keras(path)


def test_entries_that_do_not_belong_there(path):
    path.write_bytes(packed({**held(path), "../evil.py": b"import os"}))
    with refused(f"{path}: the entry '../evil.py' doesn't belong there\n  Check where the file comes from."):
        read_keras(path)


def test_a_bomb(path):
    path.write_bytes(packed({**held(path), "config.json": bytes(70 * 2**20)}))
    assert path.stat().st_size < 2**18
    with refused(
        f"{path}: the entry 'config.json' has {70 * 2**20:,} bytes, and at most {64 * 2**20:,} are read\n"
        "  Nothing that belongs there is so large; don't trust the file."
    ):
        read_keras(path)


def test_no_weights(path):
    path.write_bytes(packed({"config.json": held(path)["config.json"]}))
    with refused(f"{path} has no entry 'model.weights.h5'\n  It is another kind of zip.\n  Check which file this is."):
        read_keras(path)


# The description


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"\xff", f"is no text{ANEW}"),
        (b"[]", 'is a list, not an object\n  Write an object: {"name": …}.'),
        (
            b"{",
            "is no JSON: line 1, column 2: Expecting property name enclosed in double quotes\n"
            f"  It was damaged, or isn't from Keras.{ANEW}",
        ),
        (b"[" * 100_000, "can't be read as JSON: its lists are nested too deeply\n  Save the network anew."),
        (b"{}", "the field 'class_name' is missing\n  It has no other fields.\n  Add it, or save the network anew."),
    ],
)
def test_a_broken_description(path, text, told):
    path.write_bytes(packed({**held(path), "config.json": text}))
    where = f"{path}: config.json" + (":" if told.startswith("the field") else "")
    with refused(f"{where} {told}"):
        read_keras(path)


def test_a_subclassed_model(path):
    path.write_bytes(packed({**held(path), "config.json": b'{"class_name": "Mine", "module": "os", "config": {}}'}))
    with refused(
        f"{path} holds a model of class 'Mine', and no layers\n"
        "  What a subclassed model does stands in its code, which isn't in the file.\n"
        "  Pass the model itself: ss.load(model, example=x)."
    ):
        read_keras(path)


def history(layer, name):
    layer["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = [name, 0, 0]


CHANGED = {
    "a circle": (
        lambda told, layers: history(layers["one"], "two"),
        f": the config of Functional: the layers read each other in a circle: one → two{ANEW}",
    ),
    "a layer that isn't there": (
        lambda told, layers: history(layers["one"], "nine"),
        f": the config of Functional: there is no call 0 of a layer 'nine'{ANEW}",
    ),
    "a name that is none": (
        lambda told, layers: history(layers["one"], 5),
        f": layer 'one': a result is named by a list, not by [layer, call, result]{ANEW}",
    ),
    "two layers of a name": (
        lambda told, layers: told["config"]["layers"].append(layers["one"]),
        f": layer 4: there are two layers of the name 'one'{ANEW}",
    ),
    "calls of Keras 2": (
        lambda told, layers: layers["one"].update(inbound_nodes=[[["x", 0, 0, {}]]]),
        ": layer 'one': a call of it is a list, not an object with args and kwargs\n"
        "  The file was written by Keras 2.\n  Load it with Keras 3, and save it anew.",
    ),
    "too many units": (
        lambda told, layers: layers["one"]["config"].update(units=2**40),
        f": layer 'one': the field 'units' is {2**40}\n  Write a whole number of at least 1.",
    ),
    "other units": (
        lambda told, layers: layers["one"]["config"].update(units=7),
        ": model.weights.h5: the array layers/dense/vars/0 has the shape (4, 3), and (4, 7) is needed\n"
        f"  The description and the arrays aren't of one model.{ANEW}",
    ),
    "another shape told": (
        lambda told, layers: layers["two"]["inbound_nodes"][0]["args"][0]["config"].update(shape=[None, 9]),
        f": layer 'one' makes (1, 3), and the file tells of (None, 9)\n  The description was changed or damaged.{ANEW}",
    ),
    "shapes that don't meet": (
        lambda told, layers: layers["sum"]["inbound_nodes"][0]["args"][0].__setitem__(
            0, {"class_name": "__keras_tensor__", "config": {"shape": None, "keras_history": ["x", 0, 0]}}
        ),
        ": layer 'sum': sum combines 1×4 and 1×3\n"
        "  Axes are compared from the last; they are equal, or one of them has the extent one.\n  Reshape one of them first.",
    ),
    "no outputs": (
        lambda told, layers: told["config"].update(output_layers=[]),
        f": the model has no outputs{ANEW}",
    ),
    "outputs that are none": (
        lambda told, layers: told["config"].update(output_layers=7),
        f": the config of Functional: its inputs or outputs are 7, not a list{ANEW}",
    ),
    "layers that are none": (
        lambda told, layers: told["config"]["layers"].append("Dense"),
        ": layer 4 is 'Dense', not an object\n  Write an object: {\"name\": …}.",
    ),
}


@pytest.mark.parametrize("case", CHANGED)
def test_a_changed_description(path, case):
    change, told = CHANGED[case]
    changed(path, change)
    with refused(f"{path}{told}"):
        read_keras(path)


def test_models_within_models(path):
    inner = {"name": "i", "layers": [], "output_layers": []}
    for _ in range(30):
        layer = {"class_name": "Sequential", "module": "keras", "config": inner}
        inner = {
            "name": "i",
            "layers": [
                {"class_name": "InputLayer", "module": "keras.layers", "config": {"name": "x", "batch_shape": [1, 2]}},
                layer,
            ],
        }
    path.write_bytes(packed({**held(path), "config.json": json.dumps(layer).encode()}))
    with pytest.raises(FileError, match=r"models lie within models too deeply\n  Save a part of the model\.$"):
        read_keras(path)


def test_an_unknown_end_of_a_file_has_no_shape(path):
    changed(path, lambda told, layers: layers["sum"].update(class_name="Mystery"))
    with refused(
        f"{path}: layer 'sum' (Mystery): the shape of its result isn't told\n"
        "  The layer stays opaque (no layer of this network does what it does), and no other layer says what it hands on.\n"
        "  Pass the model itself, built on sizes that are numbers, instead of the file."
    ):
        read_keras(path)


# Code: names of modules, bytecode, pickles


def test_no_code_runs(path, tmp_path, monkeypatch):
    trap = tmp_path / "trap.py"
    trap.write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    code = base64.b64encode(marshal.dumps(compile("raise SystemExit('ran')", "x", "exec"))).decode()

    def change(told, layers):
        evil = {"module": "trap", "class_name": "Trap", "config": {"value": [code, None, None]}, "registered_name": "trap>Trap"}
        layers["one"]["config"]["activation"] = {"class_name": "__lambda__", "config": {"value": [code, None, None]}}
        layers["one"]["config"]["kernel_initializer"] = evil
        layers["two"].update(module="trap", class_name="Trap", registered_name="trap>Trap")

    changed(path, change)
    found = read_keras(path)
    assert [(one.kind, one.place, one.reason) for one in found.unsupported] == [
        ("activation", "one/activation", "no layer of this network computes its activation"),
        ("Trap", "two", "its class is of trap, whose code isn't in the description"),
    ]
    assert [node.name for node in found.graph if isinstance(node.op, Opaque)] == ["one/activation", "two"]


def test_a_lambda_layer_stays_bytecode(tmp_path):
    model = keras.Sequential([keras.Input((4,)), L.Lambda(lambda x: x + 1, name="code"), L.Dense(2)])
    model.save(tmp_path / "m.keras")
    assert [one.kind for one in read_keras(tmp_path / "m.keras").unsupported] == ["Lambda"]


# The arrays


def test_no_hdf5(path):
    for data in (b"", pickle.dumps([1]), held(path)["model.weights.h5"][:900]):
        path.write_bytes(packed({**held(path), "model.weights.h5": data}))
        with refused(f"{path}: model.weights.h5 is no HDF5 file\n  It was cut off or damaged.{ANEW}"):
            read_keras(path)


@pytest.mark.parametrize(
    "link", [h5py.SoftLink("/layers/dense_1/vars/0"), h5py.ExternalLink("/etc/passwd", "/"), h5py.SoftLink("/none")]
)
def test_links(path, link):
    rewritten(path, replaced(lambda file: file.__setitem__(KERNEL, link)))
    with refused(
        f"{path}: model.weights.h5: {KERNEL} is a link to another place\n"
        "  Keras writes no links; this one may lead out of the file.\n  Check where the file comes from."
    ):
        read_keras(path)


def virtual(file):
    layout = h5py.VirtualLayout((4, 3), "f4")
    layout[:] = h5py.VirtualSource("/tmp/other.h5", "x", (4, 3))
    file.create_virtual_dataset(KERNEL, layout)


def claimed(file):
    """A dataset of 2^40 numbers that takes no room."""
    file.create_dataset(KERNEL, (2**20, 2**20), "f4")


ARRAYS = {
    "kept in another file": (
        lambda file: file.create_dataset(KERNEL, (4, 3), "f4", external=[("/etc/passwd", 0, 48)]),
        "is no plain array: compressed, or kept elsewhere",
    ),
    "put together of others": (virtual, "is no plain array: compressed, or kept elsewhere"),
    "compressed": (
        lambda file: file.create_dataset(KERNEL, data=np.zeros((4, 3), "f4"), compression="gzip"),
        "is no plain array: compressed, or kept elsewhere",
    ),
    "claimed": (claimed, f"claims {2**42:,} bytes that the file doesn't have"),
    "of objects": (lambda file: file.create_dataset(KERNEL, data=np.array([b"abc"])), "holds |S3, which isn't read"),
    "empty": (lambda file: file.__setitem__(KERNEL, h5py.Empty("f4")), "holds float32, which isn't read"),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_an_array(path, case):
    make, told = ARRAYS[case]
    rewritten(path, replaced(make))
    with refused(f"{path}: model.weights.h5: the array {KERNEL} {told}\n  Save the model anew with Keras."):
        read_keras(path)


def test_an_array_of_whole_numbers(path):
    rewritten(path, replaced(lambda file: file.__setitem__(KERNEL, np.zeros((4, 3), "i1"))))
    with refused(
        f"{path}: model.weights.h5: the array {KERNEL} holds int8, and floating numbers are needed\n"
        "  The model was quantised.\n  Save it before that."
    ):
        read_keras(path)


def test_an_array_that_is_missing(path):
    rewritten(path, replaced(lambda file: None))
    with refused(
        f"{path}: model.weights.h5: the array {KERNEL} is missing\n"
        "  The model was saved before it was built, or the file was damaged.\n"
        "  Call the model once on data, and save it anew."
    ):
        read_keras(path)


def test_many_names_for_one_place(tmp_path):
    """A thousand layers that all claim the one large array of the file."""
    x = keras.Input((64,))
    y = x
    for _ in range(40):
        y = L.Dense(64, use_bias=False)(y)
    keras.Model(x, y).save(tmp_path / "m.keras")

    def change(file):
        for k in range(1, 40):
            del file[f"layers/dense_{k}/vars/0"]
            file[f"layers/dense_{k}/vars/0"] = file[KERNEL]

    entries = held(tmp_path / "m.keras")
    with h5py.File(io.BytesIO(entries["model.weights.h5"])) as old, h5py.File(data := io.BytesIO(), "w") as new:
        new[KERNEL] = old[KERNEL][()]
        for k in range(1, 40):
            new[f"layers/dense_{k}/vars/0"] = new[KERNEL]
    (tmp_path / "m.keras").write_bytes(packed({**entries, "model.weights.h5": data.getvalue()}))
    with refused(
        f"{tmp_path / 'm.keras'}: model.weights.h5: its arrays claim more than {len(data.getvalue()):,} bytes together, "
        "which is all it has\n  Check where the file comes from."
    ):
        read_keras(tmp_path / "m.keras")


def test_what_is_no_model():
    with pytest.raises(UsageError, match=r"^int is no Keras model\n  Pass a keras\.Model, or the path of a \.keras file\.$"):
        read_keras(5)


def test_random_damage(path):
    """Whatever byte of the description or the arrays is changed: a network, or a FileError."""
    entries, random = held(path), np.random.default_rng(0)
    for number in range(60):
        name = ("config.json", "model.weights.h5")[number % 2]
        data = bytearray(entries[name])
        for place in random.integers(0, len(data), 3):
            data[place] = random.integers(0, 256)
        path.write_bytes(packed({**entries, name: bytes(data)}))
        with contextlib.suppress(FileError):
            read_keras(path)


def test_open_sizes_are_told_by_an_example_or_a_shape(tmp_path):
    model = keras.Sequential([keras.Input((None, None, 3)), keras.layers.Conv2D(4, 3)])
    model.save(tmp_path / "net.keras")
    assert len(ss.load(tmp_path / "net.keras").symbols) == 2
    for told in ({"example": np.zeros((2, 9, 7, 3))}, {"input": (2, 9, 7, 3)}):
        assert ss.load(tmp_path / "net.keras", **told).graph.output.shape == (2, 7, 5, 4)
        assert ss.load(model, **told).graph.output.shape == (2, 7, 5, 4)


class Silent(keras.layers.Layer):
    """A layer whose own code fails."""

    def __init__(self, error, **options):
        super().__init__(**options)
        self.error = error

    def call(self, x):
        return x

    def get_config(self):
        raise self.error


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (NotImplementedError(), "NotImplementedError"),
        (KeyError("units"), "KeyError: there is no key 'units'"),
        (ZeroDivisionError("by\nzero"), "ZeroDivisionError: by"),
    ],
)
def test_a_layer_that_does_not_say_its_options(error, told):
    model = keras.Sequential([keras.Input((3,)), Silent(error)], name="silent")
    with pytest.raises(ReadError) as raised:
        read_keras(model)
    assert str(raised.value) == (
        f"silent can't be written by Keras: {told}\n  A layer of its own doesn't say its options.\n  Give the layer a get_config."
    )


def test_a_full_disk_is_no_fault_of_the_layers():
    model = keras.Sequential([keras.Input((3,)), Silent(OSError(28, "No space left on device"))])
    with pytest.raises(FileError, match=r"model\.keras can't be written: No space left on device\n  The folder is missing"):
        read_keras(model)


def test_a_model_that_looks_at_values():
    class Decides(keras.Model):
        def call(self, x):
            raise ValueError

    with pytest.raises(ReadError) as raised:
        read_keras(Decides(name="decides"), example=np.zeros((1, 3)))
    assert str(raised.value) == (
        "decides can't be traced: ValueError\n  Its call looks at values, or isn't made of Keras' layers and operations.\n"
        "  Make it a Functional model."
    )
