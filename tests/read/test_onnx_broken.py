"""Files that are no sound ONNX models: typed errors, read whole. Nothing runs, nothing outside the folder is read, memory stays small."""

from __future__ import annotations

import io
import os
import pickle
import random
import resource
import zipfile

import numpy as np
import pytest
from onnx import TensorProto, helper
from read.onnx_made import FLOAT, conv, drawn, message, model, node, outside

from slidesum.errors import FileError, ReadError, SlidesumError, SpaceError
from slidesum.read.onnx import read_onnx

NO_MODEL = """m.onnx is no ONNX model
  It was cut off, or holds something else.
  Copy it again, or export the model anew."""


def zip_bomb():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", b"\0" * 10**7)
    return file.getvalue()


def deep():
    graph = b""
    for _ in range(200):
        graph = message(1, message(5, message(6, graph)))
    return b"\x08\x0a" + message(7, graph)


def functions(count):
    """Each calls the one before it twice."""
    opsets = [helper.make_opsetid("", 21), helper.make_opsetid("f", 1)]
    made = [helper.make_function("f", "f0", ["a"], ["b"], [node("Relu", "a", "b")], opsets)]
    for k in range(1, count):
        twice = [node(f"f{k - 1}", "a", "b", domain="f"), node(f"f{k - 1}", "b", "c", domain="f")]
        made.append(helper.make_function("f", f"f{k}", ["a"], ["c"], twice, opsets))
    return model([node(f"f{count - 1}", "x", "y", domain="f")], functions=made)


def calls_itself():
    opsets = [helper.make_opsetid("f", 1)]
    made = helper.make_function("f", "f0", ["a"], ["b"], [node("f0", "a", "b", domain="f")], opsets)
    return model([node("f0", "x", "y", domain="f")], functions=[made])


def endless():
    """A loop that turns a million times."""
    body = helper.make_graph(
        [node("Relu", "s", "t"), node("Identity", "going", "on")],
        "body",
        [helper.make_tensor_value_info(n, k, s) for n, k, s in (("i", 7, ()), ("going", 9, ()), ("s", FLOAT, (1, 3, 8, 8)))],
        [helper.make_empty_tensor_value_info(name) for name in ("on", "t")],
    )
    return model([node("Loop", "n _ x", "y", body=body, name="loop")], {"n": np.asarray(10**6)})


HUGE = np.asarray([2**13, 2**13, 2**14])
BROKEN = {
    "truncated": (conv().SerializeToString()[:-50], NO_MODEL),
    "text": (b"This is a story about a network.\n" * 20, NO_MODEL),
    "empty": (b"", NO_MODEL.replace("model\n", "model: it has no graph with a result\n", 1)),
    "pickle": (pickle.dumps({"weights": [1.0, 2.0]}), NO_MODEL),
    "zip bomb": (zip_bomb(), NO_MODEL),
    "newer format": (
        model([node("Relu", "x", "y")], ir=99),
        """m.onnx is of version 99 of the ONNX format, and the installed onnx knows IR
  Install a newer onnx, or export the model for an older one.""",
    ),
    "newer opset": (
        model([node("Relu", "x", "y")], opset=400),
        """m.onnx uses opset 400, and the installed onnx knows 1 to OPSET
  Install a newer onnx, or export the model for an older opset.""",
    ),
    "cyclic": (
        model([node("Add", "x b", "a", name="one"), node("Relu", "a", "b", name="two"), node("Relu", "b", "y")]),
        """m.onnx: the graph is cyclic: Add 'one' -> Relu 'two' -> Add 'one'
  A network is computed from its input on.
  Export the model anew.""",
    ),
    "nothing makes it": (
        model([node("Add", "x z", "y", name="one")]),
        """m.onnx: Add 'one' reads 'z', which nothing makes
  The file is damaged, or a part of a model.
  Export the model anew.""",
    ),
    "made twice": (
        model([node("Relu", "x", "y"), node("Abs", "x", "y")]),
        """m.onnx: 'y' is the result of two nodes
  Every result has one name, once.
  Export the model anew.""",
    ),
    "an array of 2^40 numbers": (
        conv(w=TensorProto(name="w", data_type=FLOAT, dims=[2**20, 2**20])),
        """m.onnx: the array 'w' of the shape (1048576, 1048576) needs 1,099,511,627,776 numbers, and has 0
  The file was cut off, or is damaged.
  Copy it again, or export the model anew.""",
    ),
    "an input of 2^40 cells": (
        model([node("Relu", "x", "y")], inputs={"x": (2**40,)}),
        """m.onnx: axis 0 of the input 'x' has the extent 1099511627776
  Extents are whole numbers from 1 to 2,147,483,647.
  Give another one, or export the model anew.""",
    ),
    "a result of 2^43 cells": (
        model([node("Tile", "x n", "y", name="tile")], {"n": np.asarray([1, 1, 2**40, 1])}),
        """m.onnx: tile has the shape 1×3×8796093022208×8
  Extents are at most 2,147,483,647.
  Give other sizes, or export the model anew.""",
    ),
    "a constant of 2^40 numbers": (
        model([node("ConstantOfShape", "s", "c"), node("Add", "x c", "y", name="add")], {"s": HUGE}),
        """m.onnx: add (Add) isn't understood, and the shape of its result can't be told: it repeats a number 1,099,511,627,776 times
  Its shape depends on values, or its operator is none of ONNX.
  Export the model with the shapes of its results (value_info), or without this operator.""",
    ),
    "a type that there is none of": (
        conv(w=TensorProto(name="w", data_type=77, dims=[4, 3, 3, 3])),
        """m.onnx: the array 'w' is of the type 77, which there is none of
  The file is damaged.
  Export the model anew.""",
    ),
    "missing external data": (
        conv(w=outside("w.bin")),
        """m.onnx: the array 'w' lies in w.bin, which is missing
  A model with external data is several files, which stay together.
  Put w.bin beside the model.""",
    ),
    "external data too short": (
        conv(w=outside("short.bin")),
        """m.onnx: the array 'w' takes 432 bytes from byte 0 of short.bin, which has 10
  One of the files was cut off, or belongs to another model.
  Copy both again.""",
    ),
    "external data from before the file": (
        conv(w=outside("short.bin", offset=-5)),
        """m.onnx: where the array 'w' lies in 'short.bin' is told by {'offset': '-5'}
  Offset and length are whole numbers of bytes.
  Export the model anew.""",
    ),
    **{
        f"outside the folder: {where}": (
            conv(w=outside(where)),
            f"""m.onnx: the array 'w' lies in {where!r}, outside the model's folder
  A model reads files in its own folder only.
  Put the file beside the model, and name it without a path.""",
        )
        for where in ("/etc/hostname", "../secret.bin", "folder/../../secret.bin", "link.bin", "", "C:\\secret.bin")
    },
    "unknown operator": (
        model([node("Frobnicate", "x", "y", domain="com.acme", name="frob")]),
        """m.onnx: frob (com.acme.Frobnicate) isn't understood, and the shape of its result can't be told: it has no equation, and is none \
of the other layers known here
  Its shape depends on values, or its operator is none of ONNX.
  Export the model with the shapes of its results (value_info), or without this operator.""",
    ),
    "many parts": (
        b"\x08\x0a" + message(7, b"\x0a\x00" * 4_200_000),
        """m.onnx: more than 4,194,304 parts
  A network of 10,000 layers has some 100,000.
  Export a part of the model, or unroll fewer loops.""",
    ),
    "deep": (
        deep(),
        """m.onnx: messages in messages, more than 60 deep
  No ONNX model is built so.""",
    ),
    "functions of functions": (
        functions(40),
        """m.onnx: its functions written out are 549,755,813,888 nodes, and 1,000,000 are read at most
  Export a part of the model.""",
    ),
    "a function of itself": (
        calls_itself(),
        """m.onnx: the function 'f0' calls itself
  Export the model without functions.""",
    ),
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder to read in, with a secret beside it."""
    (tmp_path / "secret.bin").write_bytes(b"secret" * 1000)
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "short.bin").write_bytes(b"0123456789")
    os.symlink(tmp_path / "secret.bin", inner / "link.bin")
    monkeypatch.chdir(inner)
    return inner


@pytest.mark.parametrize("what", BROKEN)
def test_broken(what, folder):
    import onnx

    contents, told = BROKEN[what]
    (folder / "m.onnx").write_bytes(contents if isinstance(contents, bytes) else contents.SerializeToString())
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(FileError) as caught:
        read_onnx("m.onnx")
    assert str(caught.value) == told.replace("IR", str(onnx.IR_VERSION)).replace("OPSET", str(onnx.defs.onnx_opset_version()))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**19  # kilobytes


def test_no_file(folder):
    with pytest.raises(FileError) as caught:
        read_onnx("n.onnx")
    assert str(caught.value) == "there is no file n.onnx\n  Check the folder and the spelling of the name."
    with pytest.raises(FileError) as caught:
        read_onnx(".")
    assert str(caught.value) == ". is a folder, not a model\n  Name the .onnx file in it."


def test_more_than_the_memory_holds(folder):
    with open(folder / "w.bin", "wb") as file:
        file.truncate(2**40)  # takes no room on the disk
    path = folder / "m.onnx"
    path.write_bytes(conv(w=outside("w.bin", (2**19, 2**19))).SerializeToString())
    with pytest.raises(SpaceError, match=r"m.onnx takes 1,099,511,627,776 bytes in memory, and [0-9,]+ are free") as caught:
        read_onnx(path)
    assert str(caught.value).endswith("\n  Close other programs, or read it on a larger machine.")


def test_sizes_that_the_file_leaves_open(folder):
    pooled = model([node("Conv", "x w", "y", name="conv")], {"w": drawn(4, 3, 3, 3)}, {"x": ("batch", 3, "height", "width")})
    (folder / "m.onnx").write_bytes(pooled.SerializeToString())
    with pytest.raises(FileError) as caught:
        read_onnx("m.onnx")
    assert (
        str(caught.value)
        == """m.onnx: conv (Conv) isn't understood, and the shape of its result can't be told: the window of i spans 3 cells, and x with \
its padding has 1
  Sizes that the file leaves open are taken as one: height, width.
  Give them: ss.load('m.onnx', height=224, width=224)."""
    )
    assert read_onnx("m.onnx", sizes={"height": 9, "width": 7}).graph.output.shape == (1, 4, 7, 5)


def test_what_is_not_understood_stays_and_is_listed(folder):
    made = model([node("Relu", "x", "r"), node("Hardmax", "r", "y", name="winner")])
    (folder / "m.onnx").write_bytes(made.SerializeToString())
    found = read_onnx("m.onnx")
    assert [str(one) for one in found.unsupported] == [
        "Hardmax at winner: it has no equation, and is none of the other layers known here"
    ]
    assert found.graph.output.shape == (1, 3, 8, 8)
    with pytest.raises(ReadError) as caught:
        read_onnx("m.onnx", strict=True)
    assert (
        str(caught.value)
        == """made: one operation is not supported
    Hardmax at winner: it has no equation, and is none of the other layers known here
  Without strict they stay in the network as opaque layers, which are counted but can't be run.
  Read it without strict, or replace them in the model."""
    )


def test_a_loop_that_never_ends_is_kept_as_it_is(folder):
    (folder / "m.onnx").write_bytes(endless().SerializeToString())
    with pytest.raises(FileError, match=r"^m.onnx: loop \(Loop\) isn't understood, and the shape of its result can't be told"):
        read_onnx("m.onnx")


def test_whatever_byte_is_wrong(folder):
    """It is read, or refused with a typed error."""
    sound = model(
        [
            node("Conv", "x w a", "c", pads=[1, 1, 1, 1]),
            node("BatchNormalization", "c a a a a", "d"),
            node("MaxPool", "d", "p", kernel_shape=[3, 3]),
            node("Shape", "p", "s"),
            node("Reshape", "p t", "f"),
            node("Gemm", "f v", "g", transB=1),
            node("Softmax", "g", "z", axis=1),
            node("Transpose", "z", "y", perm=[1, 0]),
        ],
        {"w": drawn(4, 3, 3, 3), "a": np.ones(4, np.float32), "t": np.asarray([1, -1]), "v": drawn(5, 144)},
        {"x": ("N", 3, 8, 8)},
        ("y", "s"),
    ).SerializeToString()
    verdicts = set()
    for seed in range(400):
        dice, damaged = random.Random(seed), bytearray(sound)
        for _ in range(dice.randint(1, 6)):
            at = dice.randrange(len(damaged))
            damaged[at : at + dice.choice((0, 1, 1, 3))] = bytes(dice.randrange(256) for _ in range(dice.choice((1, 1, 1, 2))))
        (folder / "m.onnx").write_bytes(bytes(damaged))
        try:
            read_onnx("m.onnx")
            verdicts.add("read")
        except SlidesumError as error:
            verdicts.add(type(error).__name__)
    assert verdicts >= {"read", "FileError"}
