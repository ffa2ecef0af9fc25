"""What goes over HTTP in both directions: a JSON object and the bytes that belong to it, in one piece.

    4 bytes     the length of the JSON, little-endian
    JSON        an object; its "buffers" has the length of each of the parts that follow, and is left out where there are none
    parts       one behind the other, without anything between

Nothing is read that wasn't announced, and no length is believed: it is compared with its limit before there is memory for so much.
What is no frame is a Refused, with the status to answer.

    >>> frame({"id": 1, "ask": "image"}, [b"GIF"])
    b'$\\x00\\x00\\x00{"id":1,"ask":"image","buffers":[3]}GIF'
"""

from __future__ import annotations

import json
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from slidesum.errors import UsageError
from slidesum.show.page.session import shown

LENGTH = struct.Struct("<I")
LARGEST_JSON = 1_000_000
"""Bytes of JSON in one ask."""
LARGEST_PARTS = 20_000_000
"""Bytes of all parts of one ask: a picture file."""
MOST_PARTS = 4
EXAMPLE = 'Send for example {"id": 1, "ask": "reset"}.'


class Refused(UsageError):
    """A request that isn't answered, and the status that says why."""

    def __init__(self, status: int, headline: str, *, usual: str = "", advice: str = "") -> None:
        self.status = status
        super().__init__(headline, usual=usual, advice=advice)


class Stream:
    """A request's body, from which so many bytes are taken as are wanted, and no more are kept than came with them."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self._held = bytearray()

    async def take(self, count: int) -> bytes:
        """The next `count` bytes. Raises Refused where the body ends before."""
        while len(self._held) < count:
            chunk = await anext(self._chunks, None)
            if chunk is None:
                raise Refused(400, "the request ends too early", advice="Send as many bytes as it announces.")
            self._held += chunk
        taken = bytes(memoryview(self._held)[:count])
        del self._held[:count]
        return taken

    async def end(self) -> None:
        """Raises Refused unless everything was taken."""
        while not self._held and (chunk := await anext(self._chunks, None)) is not None:
            self._held += chunk
        if self._held:
            raise Refused(400, "the request goes on behind its last part", advice="Announce every part in buffers.")

    async def drain(self, most: int) -> None:
        """Let go of what is left, up to `most` bytes: a browser that is still sending doesn't read the answer."""
        left = most
        while left > 0 and (chunk := await anext(self._chunks, None)) is not None:
            left -= len(chunk)


async def head(stream: Stream) -> tuple[dict[str, Any], list[int]]:
    """The object of a frame, and the lengths of the parts that follow it."""
    (length,) = LENGTH.unpack(await stream.take(LENGTH.size))
    if length > LARGEST_JSON:
        raise Refused(
            413, f"the ask has {length:,} bytes of JSON", usual=f"{LARGEST_JSON:,} are the most.", advice="Send numbers as a part."
        )
    content = _object(await stream.take(length))
    return content, _lengths(content.pop("buffers", []))


async def parts(stream: Stream, lengths: Sequence[int]) -> list[bytes]:
    """The parts of a frame, behind which there is nothing."""
    found = [await stream.take(length) for length in lengths]
    await stream.end()
    return found


def frame(content: Mapping[str, Any], buffers: Sequence[bytes] = ()) -> bytes:
    """An object and its parts as bytes."""
    told = {**content, "buffers": [len(one) for one in buffers]} if buffers else content
    text = json_bytes(told)
    return b"".join((LENGTH.pack(len(text)), text, *buffers))


def json_bytes(content: Mapping[str, Any]) -> bytes:
    """JSON in ASCII, which has a spelling for any text, and none for what is no number."""
    return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")


def _object(text: bytes) -> dict[str, Any]:
    try:
        found = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError):  # no JSON, no UTF-8, integers of thousands of digits, lists a thousand deep
        raise Refused(400, "the request is no JSON", advice=EXAMPLE) from None
    if not isinstance(found, dict):
        raise Refused(400, f"an ask is an object, not {shown(found)}", advice=EXAMPLE)
    return found


def _lengths(told: Any) -> list[int]:
    if not isinstance(told, list) or not all(type(n) is int and n >= 0 for n in told):
        raise Refused(400, f"buffers are the lengths of the parts, not {shown(told)}", advice="Send a list of whole numbers.")
    if len(told) > MOST_PARTS or sum(told) > LARGEST_PARTS:
        raise Refused(
            413,
            "what was sent is too large",
            usual=f"{LARGEST_PARTS / 1e6:.0f} MB are the most, in {MOST_PARTS} parts.",
            advice="Send a smaller picture.",
        )
    return told
