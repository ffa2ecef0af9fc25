"""Asks over HTTP, for the tests of the server."""

import contextlib
import json
import struct
import threading
import time
import urllib.error
import urllib.request

from slidesum.show.page.frame import frame
from slidesum.show.page.serve import prepared

TOKEN, PORT = "correct-token", 8765
BASE = f"http://127.0.0.1:{PORT}"


def unframed(data):
    """The object of a frame and its parts."""
    (length,) = struct.unpack_from("<I", data)
    content = json.loads(data[4 : 4 + length])
    parts, offset = [], 4 + length
    for size in content.pop("buffers", []):
        parts.append(data[offset : offset + size])
        offset += size
    assert offset == len(data)
    return content, parts


def posted(client, content, parts=(), **headers):
    """An ask through Starlette's client, and what its frame holds."""
    response = client.post("/ask", content=frame(content, parts), headers={"X-Slidesum-Token": TOKEN, **headers})
    assert (response.status_code, response.headers["content-type"]) == (200, "application/octet-stream")
    return unframed(response.content)


@contextlib.contextmanager
def served(session, **options):
    """A real server in a thread of its own; its address."""
    serving = prepared(session, **options)
    thread = threading.Thread(target=serving.run)
    thread.start()
    try:
        while not serving.server.started:
            time.sleep(0.005)
        yield serving.address
    finally:
        serving.server.should_exit = True
        thread.join()


def fetched(address, path="/", content=None, parts=(), **headers):
    """Status, headers and body of one request to a real server, by a client that knows nothing of this project."""
    base, _, token = address.partition("/?token=")
    data = None if content is None else frame(content, parts)
    request = urllib.request.Request(f"{base}{path}", data=data, headers={"X-Slidesum-Token": token, **headers})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()
