"""The page as one HTML file: everything inside, opened from disk, no network.

What it holds is decided by what fits. Where all arrays and results in float32 are small, the page explains every value exactly.
Where they aren't, maps are there in eight bits, and the chosen values (`choose`) exactly; the page says so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from slidesum.core.ops import Input
from slidesum.errors import SpaceError
from slidesum.read.atomic import write_atomically
from slidesum.show.page.choose import pack_chosen
from slidesum.show.page.front import script, style
from slidesum.show.page.numbers import Packed, compressed, eight_bits, float_bytes, hasty
from slidesum.show.page.session import Session

EXACT_BYTES = 4_000_000
"""A page holds all numbers in float32 up to here."""
CHOSEN_BYTES = 2_500_000
"""So much of a larger one goes to what is explained exactly beside the strongest path."""
SMALL_ARRAY = 4096
"""Of arrays not larger than this all numbers are there in any page: biases, statistics."""
ENTRY = 60
"""The letters, compressed, that say where an array lies."""
LARGEST_PAGE = 100_000_000
"""A browser shows no larger page with ease."""

EXACT = "Every number in this page is there in float32, as it was computed. The page sends nothing anywhere."
CHOSEN = (
    "Maps are drawn from eight bits a number. The values that are marked are explained from float32; "
    "slidesum page … --serve explains all of them. The page sends nothing anywhere."
)

POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
"""No request goes out, whatever the page holds."""


@dataclass(frozen=True)
class Estimate:
    """What a page will take before it is made, and whether every value can be explained in it."""

    bytes: int
    exact: bool

    def __str__(self) -> str:
        told = "every value explained exactly" if self.exact else "maps in eight bits, chosen values explained exactly"
        return f"about {self.bytes / 1e6:.1f} MB: {told}"


def estimate(session: Session) -> Estimate:
    """The size of the file, from above: its numbers compressed in haste, and all room taken that chosen values may take."""
    arrays = len(session.values) + len(session.maps)
    told = len(_html(session.graph.name, session.document(answers="here"), b"")) + ENTRY * arrays
    if float_bytes(session.values) + float_bytes(session.maps) <= EXACT_BYTES:
        return Estimate(told + sum(hasty(array) for _, array in _exact(session)), True)
    looks = sum(hasty(eight_bits(array)[0]) for array in session.maps.values())
    return Estimate(told + looks + CHOSEN_BYTES * 4 // 3, False)


def page(session: Session, *, remarks: Sequence[str] = ()) -> str:
    """The text of the file. Raises SpaceError for what no browser would show."""
    told = estimate(session)
    if told.bytes > LARGEST_PAGE:
        raise SpaceError(
            f"the page would take {told.bytes / 1e6:,.0f} MB",
            usual=f"More than {LARGEST_PAGE / 1e6:,.0f} MB are refused.",
            advice="Look at it with --serve, which sends what is looked at.",
        )
    packed = Packed()
    document = session.document(answers="here", remarks=remarks)
    document["notes"] = [EXACT if told.exact else CHOSEN]
    if told.exact:
        for name, array in _exact(session):
            packed.add(name, array)
    else:
        for name, array in session.maps.items():
            eight, scale = eight_bits(array)
            packed.add(f"maps:{name}", eight, scale=scale)
        for name, array in session.values.items():
            if array.size <= SMALL_ARRAY:
                packed.add(f"array:{name}", np.asarray(array, dtype=np.float32))
        document["chosen"] = pack_chosen(packed, session.graph, session.values, session.maps, CHOSEN_BYTES)
        document["exact"] = "chosen"
    document["packed"] = packed.entries
    return _html(session.graph.name, document, packed.joined())


def write_page(path: Path, session: Session, *, remarks: Sequence[str] = ()) -> int:
    """Write the page, atomically; its bytes."""
    data = page(session, remarks=remarks).encode("utf-8")
    write_atomically(path, data)
    return len(data)


def _exact(session: Session) -> Iterator[tuple[str, Any]]:
    for name, array in session.values.items():
        yield f"array:{name}", np.asarray(array, dtype=np.float32)
    for node in session.graph:
        kept = isinstance(node.op, Input) or node.shape
        if kept:
            yield f"exact:{node.name}", np.asarray(session.maps[node.name], dtype=np.float32)


def _html(name: str, document: Mapping[str, Any], numbers: bytes) -> str:
    """The page unpacks its code and numbers by the browser's own gunzip, then calls `render` as a notebook would."""
    title = escape(f"{name} · slidesum")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
html, body {{ margin: 0; height: 100%; }}
</style>
</head>
<body>
<div id="slidesum"><p style="font: 1rem system-ui; margin: 0; padding: 1rem">Unpacking {escape(name)} …</p></div>
<noscript>This page needs JavaScript; it sends nothing anywhere.</noscript>
<script type="text/plain" id="slidesum-document">{compressed(_json(document))}</script>
<script type="text/plain" id="slidesum-numbers">{compressed(numbers)}</script>
<script type="text/plain" id="slidesum-style">{compressed(style().encode())}</script>
<script type="text/plain" id="slidesum-code">{compressed(script().encode())}</script>
<script>
{BOOT}
</script>
</body>
</html>
"""


BOOT = """"use strict";
(async () => {
  const unpacked = async (id) => {
    const text = document.getElementById(id).textContent.trim();
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Uint8Array(await new Response(stream).arrayBuffer());
  };
  const decoder = new TextDecoder();
  const [told, numbers, looks, code] = await Promise.all(
    ["document", "numbers", "style", "code"].map((name) => unpacked("slidesum-" + name)),
  );
  const sheet = document.createElement("style");
  sheet.textContent = decoder.decode(looks);
  document.head.append(sheet);
  const known = {
    document: JSON.parse(decoder.decode(told)),
    numbers: new DataView(numbers.buffer, numbers.byteOffset, numbers.byteLength),
  };
  window.slidesumModel = { get: (name) => known[name], set() {}, save_changes() {}, on() {}, off() {}, send() {} };
  const module = document.createElement("script");
  module.type = "module";
  const entry = /export default (\\{ render \\});?\\s*$/;
  module.textContent = decoder.decode(code).replace(entry, "") +
    "\\nconst home = document.getElementById('slidesum'); home.replaceChildren();" +
    "\\nrender({ model: window.slidesumModel, el: home });\\n";
  document.body.append(module);
})();"""


def _json(document: Mapping[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
