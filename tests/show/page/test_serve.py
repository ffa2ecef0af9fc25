"""The server: who is let in, what is answered, what is refused, and many at once."""

import asyncio
import importlib
import io
import json
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image
from process import COMMAND, environment
from serving import BASE, PORT, TOKEN, fetched, posted, served, unframed
from starlette.testclient import TestClient

import slidesum as ss
from slidesum.errors import MissingPackage, UsageError
from slidesum.show.page import serve
from slidesum.show.page.frame import LARGEST_JSON, LARGEST_PARTS, frame
from slidesum.show.page.session import Session
from slidesum.train.data import digits


@pytest.fixture(scope="module")
def net():
    found = ss.load("lenet5")
    found.initialise(3)
    return found


@pytest.fixture(scope="module")
def image():
    return digits(side=32).test_images[0]


@pytest.fixture
def session(net, image):
    return Session(net.graph, net.values, image)


@pytest.fixture
def client(session):
    with TestClient(serve.app(session, TOKEN, PORT, remarks=("drawn at random",)), base_url=BASE) as found:
        yield found


# Who is let in

CLOSED = "Open the address that the command printed."
NO_TOKEN = "this page opens with its token only"
OTHER_HOST = "this server answers for its own address only"
OTHER_PAGE = "another page may not ask this server"


@pytest.mark.parametrize(
    ("query", "headers", "status", "told"),
    [
        (f"?token={TOKEN}", {}, 200, "Loading lenet5"),
        ("", {"X-Slidesum-Token": TOKEN}, 200, "Loading lenet5"),
        (f"?token={TOKEN}", {"Host": f"localhost:{PORT}"}, 200, "Loading lenet5"),
        (f"?token={TOKEN}", {"Host": f"[::1]:{PORT}"}, 200, "Loading lenet5"),
        (f"?token={TOKEN}", {"Origin": BASE}, 200, "Loading lenet5"),
        ("", {}, 403, NO_TOKEN),
        ("?token=", {}, 403, NO_TOKEN),
        ("?token=wrong-token", {}, 403, NO_TOKEN),
        (f"?token={TOKEN}x", {}, 403, NO_TOKEN),
        ("?token=%FF%F0%9F%98%80", {}, 403, NO_TOKEN),
        (f"?token={TOKEN}", {"X-Slidesum-Token": "wrong"}, 403, NO_TOKEN),
        (f"?token={TOKEN}", {"Host": f"slides.example:{PORT}"}, 403, OTHER_HOST),
        (f"?token={TOKEN}", {"Host": "127.0.0.1"}, 403, OTHER_HOST),
        (f"?token={TOKEN}", {"Host": "127.0.0.1:1"}, 403, OTHER_HOST),
        (f"?token={TOKEN}", {"Host": ""}, 403, OTHER_HOST),
        (f"?token={TOKEN}", {"Origin": "http://slides.example"}, 403, OTHER_PAGE),
        (f"?token={TOKEN}", {"Origin": f"https://127.0.0.1:{PORT}"}, 403, OTHER_PAGE),
        (f"?token={TOKEN}", {"Origin": f"http://localhost:{PORT}"}, 403, OTHER_PAGE),
        (f"?token={TOKEN}", {"Origin": "null"}, 403, OTHER_PAGE),
    ],
)
def test_who_has_the_token_and_comes_from_here_is_let_in(client, query, headers, status, told):
    response = client.get(f"/{query}", headers=headers)
    assert (response.status_code, response.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert told in response.text
    if status == 403:
        assert re.search(r"<p [^>]*>([^<]*)</p>", response.text)[1] == f"{told}\n  {CLOSED}"
        assert TOKEN not in response.text


@pytest.mark.parametrize("path", ["/start.js", "/page.js", "/document", "/nothing", "/ask"])
def test_nothing_is_told_without_the_token(client, path):
    assert client.get(path).status_code == 403
    response = client.post(path, content=frame({"ask": "maps", "layer": "C1"}), params={"token": TOKEN})  # a form could send that
    assert (response.status_code, response.json()) == (403, {"error": {"headline": NO_TOKEN, "usual": "", "advice": CLOSED}})


def test_two_hosts_or_origins_are_refused(client):
    for name in ("Host", "Origin"):
        own = f"127.0.0.1:{PORT}" if name == "Host" else BASE
        response = client.get("/", params={"token": TOKEN}, headers=[(name, own), (name, "http://slides.example")])
        assert response.status_code == 403


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_are_refused(client, method):
    response = client.request(method, "/ask", headers={"X-Slidesum-Token": TOKEN, "Origin": BASE})
    assert response.status_code == 405
    if method != "HEAD":
        headline = f"{method} is nothing that this server does"
        assert response.json()["error"] == {"headline": headline, "usual": "", "advice": "Send GET or POST."}


def test_other_addresses_lead_nowhere(client):
    for method, path, status in (
        ("GET", "/favicon.ico", 404),
        ("GET", "/../serve.py", 404),
        ("POST", "/", 405),
        ("GET", "/ask", 405),
    ):
        response = client.request(method, path, headers={"X-Slidesum-Token": TOKEN})
        assert response.status_code == status
        told = response.json()["error"]
        assert told["headline"].startswith(f"{method} /")
        assert told["headline"].endswith(" leads nowhere")
        assert told["advice"] == "Open the page at /."


def test_every_answer_says_how_it_is_to_be_kept(client):
    own = {"X-Slidesum-Token": TOKEN}
    answers = [
        client.get("/"),
        client.get("/", headers=own),
        client.get("/document", headers=own),
        client.get("/nothing", headers=own),
        client.post("/ask", headers=own, content=b"x"),
        client.post("/ask", headers=own, content=frame({"ask": "reset"})),
        client.put("/"),
    ]
    assert [one.status_code for one in answers] == [403, 200, 200, 404, 400, 200, 405]
    for one in answers:
        assert one.headers["cache-control"] == "no-store"
        assert one.headers["referrer-policy"] == "no-referrer"
        assert one.headers["x-content-type-options"] == "nosniff"
        assert one.headers["x-frame-options"] == "DENY"
        policy = one.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; script-src 'self' 'sha256-")
        assert "connect-src 'self'; " in policy
        assert "http" not in policy
        assert not any(name.startswith("access-control") for name in one.headers)


# What is answered


def test_the_document_is_the_sessions_and_can_be_changed(client, session):
    told = client.get("/document", headers={"X-Slidesum-Token": TOKEN}).json()
    assert told == json.loads(json.dumps(session.document(editable=True, remarks=("drawn at random",))))
    assert (told["answers"], told["editable"], told["revision"]) == ("asked", True, 0)
    posted(client, {"ask": "edit", "array": "C1.bias", "at": [0], "value": 1})
    assert client.get("/document", headers={"X-Slidesum-Token": TOKEN}).json()["revision"] == 1


def test_asks_are_answered_by_the_session(client, session, net):
    found, (data,) = posted(client, {"id": 7, "ask": "maps", "layer": "C1"})
    assert (found["id"], found["shape"], found["dtype"], found["revision"]) == (7, [1, 6, 28, 28], "int8", 0)
    eight = np.frombuffer(data, np.int8).reshape(found["shape"])
    assert np.abs(eight * found["scale"] - session.maps["C1"]).max() <= found["scale"]
    found, _ = posted(client, {"id": "a", "ask": "explain", "layer": "C3", "at": [0, 4, 5, 6]})
    assert found["explanation"] == json.loads(net.explain("C3", (0, 4, 5, 6), session.maps).to_json())
    found, parts = posted(client, {"id": 8, "ask": "maps", "layer": "C9"})
    assert (found["id"], found["error"]["headline"], parts) == (8, "lenet5 has no layer 'C9'", [])


def test_the_input_is_changed_by_numbers_and_by_bytes(client, session):
    drawn = np.linspace(-1, 1, 1024).astype("<f4")
    posted(client, {"ask": "pixels", "values": drawn.tolist()})
    assert np.array_equal(session.maps["input"].ravel(), drawn)
    posted(client, {"ask": "pixels"}, [(2 * drawn).tobytes()])
    assert np.array_equal(session.maps["input"].ravel(), 2 * drawn)
    for part, told in (
        (drawn[:3].tobytes(), "the input has 1,024 numbers, and 3 were sent"),
        (b"abcde", "the numbers of the input are missing"),
        (np.full(1024, np.nan, "<f4").tobytes(), "not all of the input is finite"),
    ):
        assert posted(client, {"ask": "pixels"}, [part])[0]["error"]["headline"] == told
    assert session.revision == 2


# What is no ask

EXAMPLE = 'Send for example {"id": 1, "ask": "reset"}.'


def headed(text, length=None):
    return struct.pack("<I", len(text) if length is None else length) + text


@pytest.mark.parametrize(
    ("body", "status", "headline", "advice"),
    [
        (b"", 400, "the request ends too early", "Send as many bytes as it announces."),
        (b"\x01\x00", 400, "the request ends too early", "Send as many bytes as it announces."),
        (headed(b"{}", 3), 400, "the request ends too early", "Send as many bytes as it announces."),
        (headed(b"", 2**32 - 1), 413, "the ask has 4,294,967,295 bytes of JSON", "Send numbers as a part."),
        (headed(b" " * (LARGEST_JSON + 1)), 413, "the ask has 1,000,001 bytes of JSON", "Send numbers as a part."),
        (headed(b"{}") + b"x", 400, "the request goes on behind its last part", "Announce every part in buffers."),
        (headed(b'{"buffers":[1]}'), 400, "the request ends too early", "Send as many bytes as it announces."),
        (headed(b'{"buffers":[1]}') + b"ab", 400, "the request goes on behind its last part", "Announce every part in buffers."),
        (headed(b'{"buffers":[1,-1]}'), 400, "buffers are the lengths of the parts, not [1, -1]", "Send a list of whole numbers."),
        (headed(b'{"buffers":[true]}'), 400, "buffers are the lengths of the parts, not [True]", "Send a list of whole numbers."),
        (headed(b'{"buffers":[1.5]}'), 400, "buffers are the lengths of the parts, not [1.5]", "Send a list of whole numbers."),
        (headed(b'{"buffers":7}'), 400, "buffers are the lengths of the parts, not 7", "Send a list of whole numbers."),
        (headed(b'{"buffers":[20000001]}'), 413, "what was sent is too large", "Send a smaller picture."),
        (headed(b'{"buffers":[19000000,1000001]}'), 413, "what was sent is too large", "Send a smaller picture."),
        (headed(b'{"buffers":[1,1,1,1,1]}'), 413, "what was sent is too large", "Send a smaller picture."),
        (headed(b'{"buffers":[' + b"9" * 4000 + b"]}"), 413, "what was sent is too large", "Send a smaller picture."),
        (headed(b'{"at":[' + b"9" * 5000 + b"]}"), 400, "the request is no JSON", EXAMPLE),
        (headed(b"{"), 400, "the request is no JSON", EXAMPLE),
        (headed(b"\xff\xfe{}"), 400, "the request is no JSON", EXAMPLE),
        (headed(b"[" * 100_000), 400, "the request is no JSON", EXAMPLE),
        (headed(b"[1,2]"), 400, "an ask is an object, not [1, 2]", EXAMPLE),
        (headed(b"null"), 400, "an ask is an object, not None", EXAMPLE),
        (headed(b'"' + b"a" * 900_000 + b'"'), 400, "an ask is an object, not 'aaaaaaaaaaaa...aaaaaaaaaaaaa'", EXAMPLE),
    ],
)
def test_what_is_no_frame_is_refused(client, body, status, headline, advice):
    response = client.post("/ask", content=body, headers={"X-Slidesum-Token": TOKEN})
    assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
    told = response.json()["error"]
    assert (told["headline"], told["advice"]) == (headline, advice)


SCOPE = {
    "type": "http",
    "method": "POST",
    "path": "/ask",
    "query_string": b"",
    "headers": [(b"host", f"127.0.0.1:{PORT}".encode()), (b"x-slidesum-token", TOKEN.encode())],
}


def straight_at(session, receive, send):
    """One request to the application, without a client."""
    with ThreadPoolExecutor(1) as apart:  # this thread may have the loop of a browser's driver
        apart.submit(lambda: asyncio.run(serve.app(session, TOKEN, PORT)(dict(SCOPE), receive, send))).result()


def test_what_is_too_large_is_never_in_memory(session):
    """Straight at the application: what is announced as too large is let go of as it comes, up to twice the limit."""
    sizes, sent = [], []

    async def receive():
        body = bytes(1_000_000) if sizes else headed(b'{"ask":"image","buffers":[4000000000]}')
        sizes.append(len(body))
        return {"type": "http.request", "body": body, "more_body": True}

    async def send(message):
        sent.append((message.get("status"), len(sizes)))

    tracemalloc.start()
    straight_at(session, receive, send)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sent[0] == (413, 1 + 2 * LARGEST_PARTS // 1_000_000)
    assert peak < 5_000_000


def test_an_upload_lies_in_memory_once_or_twice(client, session):
    data = bytes(LARGEST_PARTS)
    sent = frame({"ask": "image"}, [data])
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    response = client.post("/ask", content=sent, headers={"X-Slidesum-Token": TOKEN})
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert unframed(response.content)[0]["error"]["headline"] == "the file is no picture"
    assert peak - before < 3.5 * LARGEST_PARTS  # the client's own copy, the server's buffer, what it is read from


@pytest.mark.parametrize("begun", [b"", b"\x02\x00", headed(b'{"ask":"image","buffers":[100]}') + bytes(50)])
def test_who_sends_too_slowly_is_not_waited_for(session, monkeypatch, begun):
    monkeypatch.setattr(serve, "SECONDS", 0.05)
    chunks, sent = [begun], []

    async def receive():
        if chunks:
            return {"type": "http.request", "body": chunks.pop(), "more_body": True}
        return await asyncio.Event().wait()

    async def send(message):
        sent.append(message)

    straight_at(session, receive, send)
    assert sent[0]["status"] == 408
    told = json.loads(sent[1]["body"])["error"]
    assert told == {"headline": "the request didn't arrive in time", "usual": "", "advice": "Send it again."}


def test_what_nobody_foresaw_is_told_too(session, monkeypatch):
    def fail(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(session, "answer", fail)
    with TestClient(serve.app(session, TOKEN, PORT), base_url=BASE, raise_server_exceptions=False) as client:
        response = client.post("/ask", content=frame({"ask": "reset"}), headers={"X-Slidesum-Token": TOKEN})
    assert (response.status_code, response.headers["x-frame-options"]) == (500, "DENY")
    assert response.json()["error"] == {
        "headline": "the server failed: ZeroDivisionError",
        "usual": "",
        "advice": "Report it with what the command wrote to the terminal.",
    }


# Pictures


def encoded(picture, format="PNG", **options):
    buffer = io.BytesIO()
    picture.save(buffer, format=format, **options)
    return buffer.getvalue()


def png(width, height, data):
    def chunk(name, body):
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))

    head = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


BOMB = png(60_000, 60_000, zlib.compress(bytes(4_000_000), 9))
NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 30, 3), dtype="uint8"))
SEND = "Send one of PNG, JPEG, GIF, BMP, WEBP."


@pytest.mark.parametrize(
    ("data", "headline", "advice"),
    [
        (BOMB, "the file unpacks to too many pixels", "Scale it down."),
        (png(8_000, 8_000, zlib.compress(bytes(8_008_000), 9)), "the file has 8000×8000 pixels", "Scale it down."),
        (b"", "the file is no picture", SEND),
        (b"To whom it may concern", "the file is no picture", SEND),
        (b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', "the file is no picture", SEND),
        (encoded(NOISE, "EPS"), "the file is no picture", SEND),
        (encoded(NOISE)[:1000], "the file is a broken picture", SEND),
        (encoded(NOISE, "JPEG")[:300], "the file is a broken picture", SEND),
        (encoded(NOISE)[:20], "the file is a broken picture", SEND),
    ],
)
def test_pictures_that_are_none_are_told_in_words(client, session, data, headline, advice):
    began = time.perf_counter()
    found, _ = posted(client, {"id": 1, "ask": "image"}, [data])
    assert (found["error"]["headline"], found["error"]["advice"], session.revision) == (headline, advice, 0)
    assert time.perf_counter() - began < 1


def test_a_bomb_is_small():
    assert len(BOMB) < 10_000


def test_a_picture_is_taken(client, session):
    found, _ = posted(client, {"id": 1, "ask": "image"}, [encoded(NOISE, "JPEG")])
    assert (found["note"], found["revision"]) == ("the file: scaled from 30×40 to 32×32 pixels", 1)
    assert found["prediction"]["layer"] == "OUTPUT"
    found, _ = posted(client, {"id": 1, "ask": "image"}, [b"a", b"b"])
    assert found["error"]["headline"] == "an image is one file, and 2 were sent"


# A real server


def test_fifty_clients_at_once_get_right_answers(session, net):
    layers = [node.name for node in net.graph if node.name != "input"]

    def one(seed):
        chance = random.Random(seed)
        found = []
        for number in range(4):
            layer = chance.choice(layers)
            at = [chance.randrange(n) for n in session.maps[layer].shape]
            status, _, body = fetched(address, "/ask", {"id": number, "ask": "explain", "layer": layer, "at": at})
            found.append((status, number, layer, tuple(at), unframed(body)[0]))
        return found

    with served(session) as address, ThreadPoolExecutor(50) as clients:
        answers = [answer for found in clients.map(one, range(50)) for answer in found]
    assert len(answers) == 200
    for status, number, layer, at, told in answers:
        assert (status, told["id"], told["revision"]) == (200, number, 0)
        assert told["explanation"] == json.loads(net.explain(layer, at, session.maps).to_json())


def test_so_many_are_answered_at_once_and_the_others_wait(session, monkeypatch):
    inside, most, gate = [], [], threading.Lock()

    def slow(content, buffers):
        with gate:
            inside.append(content["id"])
            most.append((len(inside), sum(one < 10 for one in inside)))
        time.sleep(0.02)
        with gate:
            inside.remove(content["id"])
        return {"id": content["id"]}, []

    monkeypatch.setattr(session, "answer", slow)
    with served(session) as address, ThreadPoolExecutor(30) as clients:
        asks = [({"id": k}, [b"part"] if k < 10 else []) for k in range(30)]
        answers = [*clients.map(lambda ask: unframed(fetched(address, "/ask", *ask)[2])[0]["id"], asks)]
    assert answers == list(range(30))
    assert max(count for count, _ in most) == serve.AT_ONCE
    assert max(parts for _, parts in most) <= serve.UPLOADS


def test_clients_that_change_it_at_once_do_not_mix(session, net, image):
    """Twenty clients set a bias, each to its own value; who asks meanwhile is answered for one of them, as the revision says."""
    values = [round(0.1 * k, 1) for k in range(20)]

    def change(value):
        _, _, body = fetched(address, "/ask", {"ask": "edit", "array": "C1.bias", "at": [2], "value": value})
        return unframed(body)[0]["revision"], value

    def ask(_):
        _, _, body = fetched(address, "/ask", {"ask": "explain", "layer": "C1", "at": [0, 2, 9, 9]})
        return unframed(body)[0]

    with served(session) as address, ThreadPoolExecutor(40) as clients:
        changes, asks = clients.map(change, values), clients.map(ask, range(20))
        known, answers = {0: float(net.values["C1.bias"][2]), **dict(changes)}, list(asks)
    assert sorted(known) == list(range(21))
    for told in answers:
        why = told["explanation"]
        assert why["bias"] == float(np.float32(known[told["revision"]]))
        assert why["value"] == pytest.approx(why["computed"], abs=1e-5)


def test_who_hangs_up_early_does_no_harm(session, caplog):
    with served(session) as address:
        base, _, token = address.partition("/?token=")
        port = int(base.rpartition(":")[2])
        body = headed(b'{"ask":"image","buffers":[1000]}') + bytes(10)
        for head in (
            f"X-Slidesum-Token: {token}\r\nContent-Length: 9999\r\n",
            f"X-Slidesum-Token: {token}\r\n",
            "Content-Length: -1\r\n",
        ):
            with socket.create_connection(("127.0.0.1", port)) as line:
                line.sendall(f"POST /ask HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{head}\r\n".encode() + body)
        with socket.create_connection(("127.0.0.1", port)) as line:
            line.sendall(b"\x16\x03\x01 no HTTP at all\r\n\r\n")
            assert line.recv(100).startswith(b"HTTP/1.1 400")
        assert fetched(address)[0] == 200
    assert [record.message for record in caplog.records if record.levelname in ("ERROR", "CRITICAL")] == []


def test_too_large_an_upload_is_told_to_who_is_still_sending(session):
    with served(session) as address:
        status, _, body = fetched(address, "/ask", {"ask": "image"}, [bytes(LARGEST_PARTS + 1)])
        assert (status, json.loads(body)["error"]["headline"]) == (413, "what was sent is too large")
        status, _, body = fetched(address, "/ask", {"ask": "image"}, [bytes(LARGEST_PARTS)])
        assert (status, unframed(body)[0]["error"]["headline"]) == (200, "the file is no picture")


def test_the_address_is_of_this_machine_and_each_token_another(session):
    first, second = serve.prepared(session), serve.prepared(session)
    try:
        found = [re.fullmatch(r"http://127\.0\.0\.1:(\d+)/\?token=([\w-]{43})", one.address) for one in (first, second)]
        assert found[0][1] != found[1][1]
        assert found[0][2] != found[1][2]
        assert first.listener.getsockname() == ("127.0.0.1", int(found[0][1]))
    finally:
        first.listener.close()
        second.listener.close()


def test_ports_that_cannot_be_had(session):
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(UsageError) as error:
            serve.serve(session, port=taken)
    assert str(error.value) == f"port {taken} is taken\n  Give another one, or none: a free one is found."
    with pytest.raises(UsageError) as error:
        serve.serve(session, port=70000)
    assert str(error.value) == "there is no port 70000\n  Give one from 1 to 65535, or none: a free one is found."


def test_the_browser_is_opened_where_that_is_asked(session, monkeypatch):
    opened, told = [], []
    monkeypatch.setattr(serve.webbrowser, "open", opened.append)
    monkeypatch.setattr(serve.Serving, "run", lambda self: self.listener.close())
    serve.serve(session, tell=told.append)
    assert opened == []
    serve.serve(session, open_browser=True, tell=told.append)
    for _ in range(200):
        if opened:
            break
        time.sleep(0.01)
    assert opened == told[1:]


@pytest.mark.parametrize("name", ["uvicorn", "starlette"])
def test_without_the_packages_it_says_what_to_install(monkeypatch, name):
    for one in [one for one in sys.modules if one == "slidesum.show.page.serve" or one.split(".")[0] == name]:
        monkeypatch.delitem(sys.modules, one)
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingPackage) as error:
        importlib.import_module("slidesum.show.page.serve")
    told = f"the server needs {name}, which isn't installed\n  Install it: pip install 'slidesum[page]'."
    assert str(error.value) == told


def test_the_command_serves_until_ctrl_c(tmp_path):
    Image.fromarray(np.full((8, 8), 200, "uint8")).save(tmp_path / "grey.png")
    command = [*COMMAND, "page", "lenet5", str(tmp_path / "grey.png"), "--serve"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment())
    try:
        address = process.stdout.readline().strip()
        status, _, body = fetched(address, "/document")
        assert (status, json.loads(body)["editable"]) == (200, True)
        assert fetched(address, "/document", **{"X-Slidesum-Token": "wrong"})[0] == 403
        _, _, body = fetched(address, "/ask", {"id": 1, "ask": "maps", "layer": "input"})
        found, (data,) = unframed(body)
        assert (found["shape"], set(data)) == ([1, 1, 32, 32], {127})
        process.send_signal(signal.SIGINT)
        out, said = process.communicate(timeout=20)
    finally:
        process.kill()
    assert (process.returncode, out) == (130, "")
    assert said.splitlines()[-1] == "stopped"
    assert "Traceback" not in said
