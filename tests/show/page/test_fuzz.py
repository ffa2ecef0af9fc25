"""Random and mutated asks, frames and pictures: never an exception nor status 500, always an object with an answer or an error."""

import io
import json
import math
import random

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from random_networks import random_network
from serving import BASE, PORT, TOKEN, unframed
from starlette.testclient import TestClient

import slidesum as ss
from slidesum.errors import FileError
from slidesum.read.image import decoded_image
from slidesum.show.page.frame import frame
from slidesum.show.page.serve import app
from slidesum.show.page.session import ASKS, Session

settings.register_profile("page", deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
QUICK = settings(settings.get_profile("page"), max_examples=250)

NUMBERS = st.one_of(
    st.integers(-3, 40),
    st.integers(),
    st.floats(),
    st.sampled_from([2**31, 2**53, -(2**63), 10**400, -(10**4000), 1e39, 5e-324, -0.0, math.nan, math.inf]),
)
TEXTS = st.one_of(
    st.text(max_size=8),
    st.text(st.characters(categories=["Cs", "Cc", "Lo"]), max_size=4),
    st.sampled_from(["", "input", "C1", "C1.w", "C1.bias", "OUTPUT", "__class__", "../..", "a" * 5000, *ASKS]),
)
ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
NAMES = st.sampled_from(["input", "C1", "C1-squash", "S2", "C3", "F6", "OUTPUT", "C1.w", "C3.w", "C3.bias", "F6.bias"])
PLACES = st.lists(st.integers(-1, 12), max_size=5)
PROPER = st.fixed_dictionaries(
    {"id": st.integers(0, 99), "ask": st.sampled_from([*ASKS]), "layer": NAMES, "array": NAMES, "at": PLACES, "value": NUMBERS},
    optional={"values": st.one_of(st.lists(NUMBERS, max_size=9), st.just([0.5] * 1024)), "class": NUMBERS, "buffers": ANYTHING},
)


@st.composite
def asks(draw):
    """A proper ask, of which some fields are something else, or missing, or whatever comes."""
    if draw(st.integers(0, 4)) == 0:
        return draw(ANYTHING)
    content = draw(PROPER)
    for name in draw(st.lists(st.sampled_from([*content]), max_size=3)):
        if draw(st.booleans()):
            content.pop(name, None)
        else:
            content[name] = draw(ANYTHING)
    return content


def headed(length, rest):
    return length.to_bytes(4, "little") + rest


PARTS = st.lists(st.one_of(st.binary(max_size=64), st.just(bytes(4096))), max_size=5)


def is_answer(found):
    if "error" in found:
        assert set(found) <= {"id", "error"}
        assert {name: type(told) for name, told in found["error"].items()} == {"headline": str, "usual": str, "advice": str}
        assert found["error"]["headline"]
        assert len(json.dumps(found)) < 20_000  # it doesn't send back what was sent
    return True


@pytest.fixture(scope="module")
def session():
    net = ss.load("lenet5")
    return Session(net.graph, net.values, np.zeros((32, 32)))


@pytest.fixture(scope="module")
def client(session):
    with TestClient(app(session, TOKEN, PORT), base_url=BASE) as found:
        yield found


def posted(client, body):
    """Any body; what a server answers that never fails."""
    response = client.post("/ask", content=body, headers={"X-Slidesum-Token": TOKEN})
    assert response.status_code in (200, 400, 413)
    found = unframed(response.content)[0] if response.status_code == 200 else response.json()
    assert is_answer(found)
    return response.status_code, found


@QUICK
@given(content=asks(), parts=PARTS)
def test_a_session_answers_whatever_it_is_asked(session, content, parts):
    found, sent = session.answer(content, parts)
    json.dumps(found, allow_nan=False)
    assert is_answer(found)
    assert all(isinstance(one, bytes) for one in sent)


@pytest.mark.parametrize("depth", [10, 100_000])
def test_a_session_is_asked_something_deep_or_long(session, depth):
    deep = []
    for _ in range(depth):
        deep = [deep]
    for wrong in (deep, 10**5000, {"a": deep}, "\ud800" * depth, [10**5000]):
        for field in ("id", "ask", "layer", "array", "at", "value", "values"):
            for ask in ASKS:
                found, _ = session.answer(
                    {"id": 1, "ask": ask, "layer": "C1", "array": "C1.w", "at": [0] * 4, "value": 1, field: wrong}
                )
                json.dumps(found)
                assert is_answer(found)


@QUICK
@given(content=asks(), parts=PARTS)
def test_the_server_answers_whatever_it_is_asked(client, content, parts):
    if isinstance(content, dict):
        text = json.dumps({**content, "buffers": [len(one) for one in parts]}).encode()
    else:
        text = json.dumps(content).encode()
    posted(client, headed(len(text), text + b"".join(parts)))


@QUICK
@given(body=st.one_of(st.binary(max_size=80), st.builds(headed, st.integers(0, 60), st.binary(max_size=60))))
def test_the_server_answers_whatever_is_sent(client, body):
    status, found = posted(client, body)
    assert status != 200 or found["error"]


@QUICK
@given(content=PROPER, parts=PARTS, chance=st.randoms(use_true_random=False))
def test_the_server_answers_frames_with_bytes_changed_cut_and_added(client, content, parts, chance):
    body = bytearray(
        frame({name: value for name, value in content.items() if name not in ("value", "values", "class", "buffers")}, parts)
    )
    for _ in range(chance.randint(1, 6)):
        place = chance.randrange(len(body) or 1)
        match chance.randrange(4):
            case 0:
                body[place : place + 1] = bytes([chance.randrange(256)])
            case 1:
                del body[place:]
            case 2:
                body[place:place] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 8)))
            case _:
                del body[place : place + chance.randint(1, 8)]
    posted(client, bytes(body))


REQUESTS = st.tuples(
    st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS"]),
    st.one_of(
        st.sampled_from(["/", "/ask", "/document", "/%00", "/../ask", f"/?token={TOKEN}", "/?token=%ff"]),
        st.text("ask/.%?=&;~token0", max_size=12).map("/a".__add__),
    ),
    st.dictionaries(
        st.sampled_from(["Host", "Origin", "X-Slidesum-Token", "Content-Length", "Cookie", "X-Forwarded-Host"]),
        st.one_of(
            st.sampled_from([f"127.0.0.1:{PORT}", BASE, TOKEN, "0", "null"]),
            st.text(st.characters(max_codepoint=255, exclude_categories=["Cc"]), max_size=9),
        ),
        max_size=4,
    ),
)


@QUICK
@given(asked=REQUESTS)
def test_requests_of_any_kind_are_answered(client, asked):
    method, path, headers = asked
    response = client.request(method, path, headers={name: text.encode("latin-1") for name, text in headers.items()})
    assert response.status_code in (200, 307, 400, 403, 404, 405, 413)
    if response.status_code == 200:
        assert headers.get("X-Slidesum-Token") == TOKEN or path == f"/?token={TOKEN}"


EXTREMES = [0.0, -1.0, 1e38, -3e38, 3e38, 1e-45, -5.0, 1e20]


@pytest.mark.parametrize("seed", [seed for seed in range(24) if len(random_network(seed).inputs) == 1])
def test_networks_of_any_layers_are_explained_when_their_numbers_are_extreme(seed):
    graph = random_network(seed)
    chance = random.Random(seed)
    session = Session(graph, None, np.random.default_rng(seed).normal(size=(1, *graph.inputs[0].shape[1:])))
    for _ in range(6):
        arrays = {**session.values, graph.inputs[0].name: session.maps[graph.inputs[0].name]}
        name = chance.choice([name for name, array in arrays.items() if array.size])
        if chance.random() < 0.4:
            session.answer(
                {"ask": "pixels", "values": [chance.choice(EXTREMES) for _ in range(session.maps[graph.inputs[0].name].size)]}
            )
        at = [chance.randrange(n) for n in arrays[name].shape]
        changed, _ = session.answer({"ask": "edit", "array": name, "at": at, "value": chance.choice(EXTREMES)})
        assert changed["revision"] == session.revision
        for node in graph:
            found, _ = session.answer({"ask": "maps", "layer": node.name})
            assert found["shape"] == list(session.maps[node.name].shape)
            if math.prod(found["shape"]):
                at = [chance.randrange(n) for n in found["shape"]]
                told, _ = session.answer({"ask": "explain", "layer": node.name, "at": at})
                json.dumps(told, allow_nan=False)
                assert is_answer(told)
        json.dumps(session.document(editable=True), allow_nan=False)


def encoded(picture, format, **options):
    buffer = io.BytesIO()
    picture.save(buffer, format=format, **options)
    return buffer.getvalue()


COLOURS = Image.fromarray(np.random.default_rng(0).integers(0, 255, (24, 31, 3), dtype="uint8"))
PICTURES = [
    encoded(COLOURS.convert(mode), format, **options)
    for format, modes, options in (
        ("PNG", ("RGB", "L", "P", "RGBA", "1", "LA"), {}),
        ("JPEG", ("RGB", "L", "CMYK"), {}),
        ("JPEG", ("RGB",), {"progressive": True}),
        ("GIF", ("P", "L"), {}),
        ("BMP", ("RGB", "P", "1"), {}),
        ("WEBP", ("RGB", "RGBA"), {}),
        ("WEBP", ("RGB",), {"lossless": True}),
    )
    for mode in modes
]


@settings(QUICK, max_examples=1000)
@given(data=st.sampled_from(PICTURES), chance=st.randoms(use_true_random=False))
def test_pictures_with_bytes_changed_are_pictures_or_told_to_be_none(data, chance):
    body = bytearray(data)
    for _ in range(chance.choice([1, 1, 2, 4, 10])):
        place = chance.randrange(min(len(body), chance.choice([40, 200, 10**6])) or 1)
        match chance.randrange(4):
            case 0 | 1:
                body[place : place + 1] = bytes([chance.choice([0, 255, 127, 128, chance.randrange(256)])])
            case 2:
                body[place:place] = bytes(chance.randrange(256) for _ in range(8))
            case _:
                del body[place : place + chance.choice([1, 8, 10**6])]
    try:
        found, _ = decoded_image(bytes(body), (1, 3, 8, 8))
    except FileError as error:
        told = error.headline
    else:
        told = "the file is a picture" if (found.shape, found.dtype) == ((1, 3, 8, 8), np.float32) else "something else"
    assert told.startswith("the file ")
