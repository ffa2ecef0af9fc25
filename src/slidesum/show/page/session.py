"""A network and what it looks at: answers what the page asks, and computes anew when a pixel or a weight is changed.

    maps      a layer's result in eight bits, to look at
    explain   every term of one value
    edit      one number of an array, or of the input, becomes another
    image     another picture
    pixels    another input, number by number: what was drawn
    reset     the network and the input as they were

An ask is never an exception: what can't be answered is told as headline, usual, advice, as everywhere.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from slidesum.core.network import Graph
from slidesum.errors import SizeError, SlidesumError, UsageError
from slidesum.read.image import decoded_image
from slidesum.run.network import fitted_inputs, initial_values, run
from slidesum.show.explanation import explain
from slidesum.show.formula import finite
from slidesum.show.given import coordinates
from slidesum.show.page.document import page_document, prediction
from slidesum.show.page.numbers import Array, eight_bits

Answer = tuple[dict[str, Any], list[bytes]]

LARGEST_DRAWN = 2**20
"""An input that is sent number by number has so many at most."""


class Session:
    """One network with its arrays and one input, computed in float32.

    Raises SizeError while sizes are symbols or for more than one image, UsageError for a network with several inputs.
    """

    def __init__(self, graph: Graph, values: Mapping[str, Any] | None, image: Any) -> None:
        if len(graph.inputs) != 1:
            raise UsageError(
                f"{graph.name} has {len(graph.inputs)} inputs, and the page shows one",
                advice="Show a part of it that begins with one input.",
            )
        self.graph = graph
        held = values if values else initial_values(graph)
        self._values = {name: np.asarray(array, dtype=np.float32) for name, array in held.items()}
        self._input = self._fitted(image)
        self._first = dict(self._values), self._input
        self._lock = threading.Lock()
        self.revision = 0
        self.maps = self._run(self._values, self._input)

    @property
    def values(self) -> Mapping[str, Array]:
        return self._values

    def document(self, *, answers: str = "asked", editable: bool = False, remarks: Sequence[str] = ()) -> dict[str, Any]:
        """The page's document; it says who answers, and whether anything can be changed."""
        with self._lock:
            told = page_document(self.graph, self.maps, remarks)
        notes = ["Maps are drawn from eight bits a number; what is explained is computed from float32."]
        more = {"answers": answers, "editable": editable, "exact": "all", "notes": notes, "packed": {}, "chosen": {}}
        return dict(finite({**told, **more, "revision": self.revision}))

    def answer(self, content: Any, buffers: Sequence[bytes] = ()) -> Answer:
        """The answer to one ask, and the bytes that belong to it."""
        told = content if isinstance(content, Mapping) else {}
        number = told.get("id")
        head = {"id": number} if isinstance(number, int | str) else {}
        try:
            deed = ASKS.get(str(told.get("ask")))
            if deed is None:
                raise UsageError(f"{told.get('ask')!r} can't be asked", advice=f"Ask for {', '.join(ASKS)}.")
            with self._lock:
                found, sent = deed(self, told, buffers)
        except SlidesumError as error:
            return {**head, "error": {"headline": error.headline, "usual": error.usual, "advice": error.advice}}, []
        return {**head, **found}, sent

    # What can be asked

    def _maps(self, content: Mapping[str, Any], _: Sequence[bytes]) -> Answer:
        array = np.asarray(self.maps[self.graph[_text(content, "layer")].name])
        eight, scale = eight_bits(array)
        return {"shape": list(array.shape), "dtype": "int8", "scale": scale, "revision": self.revision}, [eight.tobytes()]

    def _explain(self, content: Mapping[str, Any], _: Sequence[bytes]) -> Answer:
        at = coordinates(content.get("at"))
        return {"explanation": explain(self.graph, self._values, self.maps, _text(content, "layer"), at).document()}, []

    def _edit(self, content: Mapping[str, Any], _: Sequence[bytes]) -> Answer:
        name, at, value = _text(content, "array"), coordinates(content.get("at")), _number(content.get("value"))
        source = self.graph.inputs[0].name
        known = {**self._values, source: self._input}
        if name not in known:
            raise UsageError(f"there is no array {name!r}", advice=f"Name {source!r}, or an array such as {next(iter(known))!r}.")
        if len(at) != known[name].ndim or not all(0 <= k < n for k, n in zip(at, known[name].shape, strict=True)):
            raise SizeError(
                f"{name} has no number at {at}",
                usual=f"Its shape is {known[name].shape}, counted from 0.",
                advice="Give coordinates inside it.",
            )
        changed = known[name].copy()
        changed[at] = value
        if name == source:
            return self._become(self._values, changed)
        return self._become({**self._values, name: changed}, self._input)

    def _image(self, _: Mapping[str, Any], buffers: Sequence[bytes]) -> Answer:
        if len(buffers) != 1:
            raise UsageError(f"an image is one file, and {len(buffers)} were sent", advice="Send one.")
        array, note = decoded_image(bytes(buffers[0]), [int(n) for n in self.graph.inputs[0].shape])
        return self._become(self._values, self._fitted(array), note)

    def _pixels(self, content: Mapping[str, Any], _: Sequence[bytes]) -> Answer:
        given = content.get("values")
        if not isinstance(given, list) or len(given) != self._input.size or len(given) > LARGEST_DRAWN:
            raise SizeError(
                f"the input has {self._input.size:,} numbers, and {len(given) if isinstance(given, list) else 'none'} were sent",
                advice="Send one for every pixel, row by row.",
            )
        array = np.array([_number(value) for value in given], dtype=np.float32)
        return self._become(self._values, array.reshape(self._input.shape))

    def _reset(self, _: Mapping[str, Any], __: Sequence[bytes]) -> Answer:
        return self._become(*self._first)

    # What is computed

    def _become(self, values: Mapping[str, Array], image: Array, note: str = "") -> Answer:
        maps = self._run(values, image)
        self._values, self._input, self.maps = dict(values), image, maps
        self.revision += 1
        return {"revision": self.revision, "prediction": finite(prediction(self.graph, maps)), "note": note}, []

    def _run(self, values: Mapping[str, Array], image: Array) -> dict[str, Array]:
        with np.errstate(all="ignore"):  # an edited weight may overflow, and then the page shows infinity
            return {name: np.asarray(array) for name, array in run(self.graph, values, image).items()}

    def _fitted(self, image: Any) -> Array:
        array = np.asarray(image, dtype=np.float32)
        node = self.graph.inputs[0]
        fitted = np.asarray(fitted_inputs(self.graph, [array])[node.name])
        if fitted.ndim and fitted.shape[0] != 1:
            raise SizeError(f"{fitted.shape[0]} images were given, and the page shows one", advice="Give one of them.")
        return np.ascontiguousarray(fitted)


ASKS: Mapping[str, Callable[[Session, Mapping[str, Any], Sequence[bytes]], Answer]] = {
    "maps": Session._maps,
    "explain": Session._explain,
    "edit": Session._edit,
    "image": Session._image,
    "pixels": Session._pixels,
    "reset": Session._reset,
}


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str):
        raise UsageError(f"{name} is text, not {value!r:.80}", advice="Name it as the document does.")
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or abs(value) > 3e38:
        raise UsageError(f"{value!r:.80} is no number that float32 holds", advice="Give a finite number.")
    return float(value)
