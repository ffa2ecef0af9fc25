"""What the page asks, and what is answered: numbers equal to the network's own."""

import json

import numpy as np
import pytest
from PIL import Image

import slidesum as ss
from slidesum.errors import SizeError, UsageError
from slidesum.show.page import session as session_module
from slidesum.show.page.session import Session
from slidesum.train.data import digits


@pytest.fixture(scope="module")
def lenet():
    net = ss.load("lenet5")
    net.initialise(3)
    return net


@pytest.fixture
def session(lenet):
    return Session(lenet.graph, lenet.values, digits(side=32).test_images[0])


def asked(session, **content):
    found, buffers = session.answer({"id": 1, **content})
    json.dumps(found, allow_nan=False)
    assert found.pop("id") == 1
    return found, buffers


def test_the_document_is_the_table(lenet, session):
    document = session.document()
    json.dumps(document, allow_nan=False)
    rows = {row["name"]: row for row in lenet.table()}
    layers = {layer["name"]: layer for layer in document["layers"]}
    assert list(layers) == ["input", *rows]
    for name, row in rows.items():
        told = layers[name]
        assert all(
            told[column] == row[column]
            for column in ("kind", "weights", "biases", "macs", "macs_percent", "inputs")
            if column != "inputs"
        )
        assert told["inputs"] == list(row["inputs"])
        assert tuple(told["shape"]) == row["shape"]
    assert layers["C3"]["sized"]["connections"]["pairs"][:3] == [[0, 0], [0, 1], [0, 2]]
    assert layers["C3"]["arrays"] == [
        {"name": "C3.w", "short": "w", "shape": [60, 5, 5]},
        {"name": "C3.bias", "short": "bias", "shape": [16]},
    ]
    assert layers["S2"]["reach"]["i"] == {"field": 6, "stride": 2.0, "padding": 0.0, "along": 2}
    assert (layers["S2"]["places"], layers["S2"]["map_axis"], layers["S2"]["maps"]) == ([2, 3], 1, 6)


def test_the_smallest_distance_wins(lenet, session):
    scores = lenet.run(digits(side=32).test_images[0])["OUTPUT"][0]
    told = session.document()["prediction"]
    assert (told["layer"], told["sense"], told["best"]) == ("OUTPUT", "smallest", int(scores.argmin()))
    assert [k for k, _ in told["top"]] == np.argsort(scores, kind="stable").tolist()


def test_maps_in_eight_bits_are_near(session):
    for layer in ("input", "C1", "C1-squash", "F6"):
        found, (data,) = asked(session, ask="maps", layer=layer)
        array = session.maps[layer]
        eight = np.frombuffer(data, np.int8).reshape(found["shape"]) * found["scale"]
        assert found["shape"] == list(array.shape)
        assert np.abs(eight - array).max() <= found["scale"] / 2 * 1.001


def test_arrays_are_exact_as_far_as_they_are_sent(lenet, session, monkeypatch):
    found, (data,) = asked(session, ask="array", array="C3.w")
    assert (found["dtype"], found["scale"]) == ("float32", 1)
    assert np.array_equal(np.frombuffer(data, "<f4").reshape(found["shape"]), lenet.values["C3.w"])
    found, (data,) = asked(session, ask="array", array="input")
    assert np.array_equal(np.frombuffer(data, "<f4"), session.maps["input"].ravel())
    monkeypatch.setattr(session_module, "LARGEST_ARRAY", 100)
    found, buffers = asked(session, ask="array", array="C3.w")
    assert (found["error"]["headline"], found["error"]["usual"]) == ("C3.w has 1,500 numbers", "100 are the most that are sent.")
    assert (found["error"]["advice"], buffers) == ("Ask for the explanation of a value: it has the numbers that are read.", [])


def test_explanations_are_those_of_the_network(lenet, session):
    found, _ = asked(session, ask="explain", layer="C3", at=[0, 4, 5, 6])
    why = lenet.explain("C3", (0, 4, 5, 6), session.maps)
    assert found["explanation"] == why.document()
    assert {term["from"] for term in found["explanation"]["terms"]} == {"S2-squash"}


def test_a_pixel_and_a_weight_are_changed_and_everything_with_them(lenet, session):
    image = digits(side=32).test_images[0].copy()
    image[0, 10, 11] = 0.5
    asked(session, ask="edit", array="input", at=[0, 0, 10, 11], value=0.5)
    values = {name: array.copy() for name, array in lenet.values.items()}
    values["C1.w"][2, 0, 1, 1] = -2
    found, _ = asked(session, ask="edit", array="C1.w", at=[2, 0, 1, 1], value=-2)
    net = ss.Network.of(lenet.graph, values)
    wanted = net.run(image[None])
    assert found["revision"] == 2
    assert all(np.array_equal(session.maps[name], wanted[name]) for name in wanted)
    assert found["prediction"]["top"] == [
        [int(k), float(wanted["OUTPUT"][0, k])] for k in np.argsort(wanted["OUTPUT"][0], kind="stable")
    ]
    asked(session, ask="reset")
    assert np.array_equal(session.maps["OUTPUT"], lenet.run(digits(side=32).test_images[0])["OUTPUT"])


def test_drawn_pixels_and_pictures(tmp_path, lenet, session):
    drawn = np.linspace(-0.1, 1.175, 32 * 32).astype("float32")
    asked(session, ask="pixels", values=[float(v) for v in drawn])
    assert np.array_equal(session.maps["input"].ravel(), drawn)
    Image.fromarray(np.full((64, 64), 51, "uint8")).save(tmp_path / "grey.png")
    found, _ = session.answer({"ask": "image"}, [(tmp_path / "grey.png").read_bytes()])
    assert found["note"] == "the file: scaled from 64×64 to 32×32 pixels"
    assert np.allclose(session.maps["input"], 0.2)


KNOWN = "Name one of them: 'input', 'C1.w', 'C1.bias', 'S2.w', 'S2.bias', 'C3.w', ..."
REFUSED = [
    ({"ask": "everything"}, "'everything' can't be asked", "Ask for maps, array, explain, edit, image, pixels, reset."),
    ({"ask": "maps", "layer": 3}, "layer is a name, not 3", "Name it as the document does."),
    ({"ask": "array", "array": "C1"}, "there is no array 'C1'", KNOWN),
    ({"ask": "maps", "layer": "C9"}, "lenet5 has no layer 'C9'", "Name one of them."),
    ({"ask": "explain", "layer": "C1", "at": [0, 0, 0, 99]}, "C1 has no value at (0, 0, 0, 99)", "Give coordinates inside it."),
    ({"ask": "explain", "layer": "C1", "at": "abc"}, "'abc' is no place", "Send for example [0, 7, 12, 9]."),
    ({"ask": "explain", "layer": "input", "at": [0, 0, 0, 0]}, "'input' is the input", "Name a layer behind it."),
    (
        {"ask": "edit", "array": "C1.v", "at": [0], "value": 1},
        "there is no array 'C1.v'",
        KNOWN,
    ),
    (
        {"ask": "edit", "array": "C1.w", "at": [0, 0, 9, 0], "value": 1},
        "C1.w has no number at (0, 0, 9, 0)",
        "Give coordinates inside it.",
    ),
    ({"ask": "edit", "array": "C1.bias", "at": [0], "value": "1"}, "'1' is no number that float32 holds", "Give a finite number."),
    (
        {"ask": "edit", "array": "C1.bias", "at": [0], "value": float("nan")},
        "nan is no number that float32 holds",
        "Give a finite number.",
    ),
    ({"ask": "pixels", "values": [1, 2]}, "the input has 1,024 numbers, and 2 were sent", "Send one for every pixel, row by row."),
    ({"ask": "image"}, "an image is one file, and 0 were sent", "Send one."),
]


@pytest.mark.parametrize(("content", "headline", "advice"), REFUSED)
def test_what_cannot_be_answered_is_told_and_changes_nothing(session, content, headline, advice):
    found, buffers = asked(session, **content)
    assert (found["error"]["headline"], found["error"]["advice"], buffers) == (headline, advice, [])
    assert session.revision == 0


def test_networks_that_the_page_cannot_show():
    two = ss.Network("two")
    two.add(two.input("b f", b=1, f=2, name="p"), two.input("b f", b=1, f=2, name="q"))
    with pytest.raises(UsageError) as error:
        Session(two.graph, two.values, np.zeros((1, 2)))
    assert str(error.value) == "two has 2 inputs, and the page shows one\n  Show a part of it that begins with one input."
    net = ss.load("lenet5")
    with pytest.raises(SizeError) as error:
        Session(net.graph, net.values, np.zeros((3, 1, 32, 32)))
    assert str(error.value) == "3 images were given, and the page shows one\n  Give one of them."
    with pytest.raises(SizeError) as error:
        Session(ss.load("type-2.2").graph, None, np.zeros((8, 8)))
    assert str(error.value).startswith("type-2.2 has open sizes: k1, k2, m, n\n")
