"""A network and what it looks at: answers what the page asks, and computes anew when a pixel or a weight is changed.

    maps      a layer's result in eight bits, to look at
    array     one of the network's arrays in float32, or the input
    explain   every term of one value
    edit      one number of an array, or of the input, becomes another
    image     another picture
    pixels    another input, number by number: what was drawn
    reset     the network and the input as they were

An ask is never an exception: what can't be answered is told as headline, usual, advice, as everywhere. Many may ask at once: each
is answered from one state of the network, and changes are made one after the other.
"""

from __future__ import annotations

import reprlib
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np

from slidesum.core.network import Graph
from slidesum.errors import SizeError, SlidesumError, SpaceError, UsageError
from slidesum.read.image import decoded_image
from slidesum.run.network import fitted_inputs, initial_values, run
from slidesum.show.explanation import explain
from slidesum.show.formula import finite
from slidesum.show.page.document import input_document, page_document, prediction
from slidesum.show.page.numbers import Array, eight_bits

Answer = tuple[dict[str, Any], list[bytes]]

LARGEST_DRAWN = 2**20
"""An input that is sent number by number has so many at most."""
LARGEST_ARRAY = 2**22
"""An array that is sent has so many numbers at most."""
LONGEST_NAME = 1000
MOST_AXES = 32
LARGEST_INTEGER = 2**53
"""What JavaScript counts with; larger integers are nobody's place or number."""
LARGEST_FLOAT = 3e38


@dataclass(frozen=True)
class State:
    """What a session holds at one moment. A change makes another one, so that no answer mixes two."""

    revision: int
    values: Mapping[str, Array]
    image: Array
    maps: Mapping[str, Array]


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
        first = {name: np.asarray(array, dtype=np.float32) for name, array in held.items()}
        fitted = self._fitted(image)
        self._changing = threading.Lock()
        self._first = self._state = State(0, first, fitted, self._run(first, fitted))

    @property
    def values(self) -> Mapping[str, Array]:
        return self._state.values

    @property
    def maps(self) -> Mapping[str, Array]:
        return self._state.maps

    @property
    def revision(self) -> int:
        """How often something was changed."""
        return self._state.revision

    def document(self, *, answers: str = "asked", editable: bool = False, remarks: Sequence[str] = ()) -> dict[str, Any]:
        """The page's document; it says who answers, and whether anything can be changed."""
        state = self._state
        told = page_document(self.graph, state.maps, remarks)
        told["input"] = input_document(self.graph, self._first.maps)  # a changed pixel is neither paper nor ink
        notes = ["Maps are drawn from eight bits a number; what is explained is computed from float32."]
        more = {"answers": answers, "editable": editable, "exact": "all", "notes": notes, "packed": {}, "chosen": {}}
        return dict(finite({**told, **more, "revision": state.revision}))

    def answer(self, content: Any, buffers: Sequence[bytes] = ()) -> Answer:
        """The answer to one ask, and the bytes that belong to it; it says by its revision which state it was read from."""
        told = content if isinstance(content, Mapping) else {}
        head = {"id": told["id"]} if _is_id(told.get("id")) else {}
        try:
            ask = told.get("ask")
            deed = ASKS.get(ask) if isinstance(ask, str) else None
            if deed is None:
                raise UsageError(f"{shown(ask)} can't be asked", advice=f"Ask for {', '.join(ASKS)}.")
            with self._changing if ask in CHANGES else nullcontext(), np.errstate(all="ignore"):
                state = self._state
                found, sent = deed(self, state, told, buffers)
        except SlidesumError as error:
            return {**head, **error_document(error)}, []
        return {**head, "revision": state.revision, **found}, sent

    # What can be asked

    def _maps(self, state: State, content: Mapping[str, Any], _: Sequence[bytes]) -> Answer:
        array = np.asarray(state.maps[self.graph[_text(content, "layer")].name])
        eight, scale = eight_bits(array)
        return {"shape": list(array.shape), "dtype": "int8", "scale": scale}, [eight.tobytes()]

    def _array(self, state: State, content: Mapping[str, Any], _: Sequence[bytes]) -> Answer:
        name = _text(content, "array")
        array = _named(self._known(state), name)
        if array.size > LARGEST_ARRAY:
            raise SpaceError(
                f"{name} has {array.size:,} numbers",
                usual=f"{LARGEST_ARRAY:,} are the most that are sent.",
                advice="Ask for the explanation of a value: it has the numbers that are read.",
            )
        return {"shape": list(array.shape), "dtype": "float32", "scale": 1}, [np.ascontiguousarray(array, "<f4").tobytes()]

    def _explain(self, state: State, content: Mapping[str, Any], _: Sequence[bytes]) -> Answer:
        why = explain(self.graph, state.values, state.maps, _text(content, "layer"), _place(content.get("at")))
        return {"explanation": why.document()}, []

    def _edit(self, state: State, content: Mapping[str, Any], _: Sequence[bytes]) -> Answer:
        name, at, value = _text(content, "array"), _place(content.get("at")), _number(content.get("value"))
        changed = _named(self._known(state), name).copy()
        if len(at) != changed.ndim or not all(0 <= k < n for k, n in zip(at, changed.shape, strict=True)):
            raise SizeError(
                f"{name} has no number at {at}",
                usual=f"Its shape is {changed.shape}, counted from 0.",
                advice="Give coordinates inside it.",
            )
        changed[at] = value
        if name == self.graph.inputs[0].name:
            return self._become(state.values, changed)
        return self._become({**state.values, name: changed}, state.image)

    def _image(self, state: State, _: Mapping[str, Any], buffers: Sequence[bytes]) -> Answer:
        if len(buffers) != 1:
            raise UsageError(f"an image is one file, and {len(buffers)} were sent", advice="Send one.")
        array, note = decoded_image(bytes(buffers[0]), [int(n) for n in self.graph.inputs[0].shape])
        return self._become(state.values, self._fitted(array), note)

    def _pixels(self, state: State, content: Mapping[str, Any], buffers: Sequence[bytes]) -> Answer:
        array = _drawn(content, buffers)
        if array.size != state.image.size:
            raise SizeError(
                f"the input has {state.image.size:,} numbers, and {array.size:,} were sent",
                advice="Send one for every pixel, row by row.",
            )
        return self._become(state.values, array.reshape(state.image.shape))

    def _reset(self, _: State, __: Mapping[str, Any], ___: Sequence[bytes]) -> Answer:
        return self._become(self._first.values, self._first.image)

    # What is computed

    def _known(self, state: State) -> dict[str, Array]:
        """What can be looked at and changed number by number: the input by its layer's name, and the arrays."""
        return {self.graph.inputs[0].name: state.image, **state.values}

    def _become(self, values: Mapping[str, Array], image: Array, note: str = "") -> Answer:
        state = State(self._state.revision + 1, values, image, self._run(values, image))
        self._state = state
        return {"revision": state.revision, "prediction": finite(prediction(self.graph, state.maps)), "note": note}, []

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


Deed = Callable[[Session, State, Mapping[str, Any], Sequence[bytes]], Answer]
CHANGES: Mapping[str, Deed] = {
    "edit": Session._edit,
    "image": Session._image,
    "pixels": Session._pixels,
    "reset": Session._reset,
}
ASKS: Mapping[str, Deed] = {"maps": Session._maps, "array": Session._array, "explain": Session._explain, **CHANGES}


def error_document(error: SlidesumError) -> dict[str, Any]:
    """An error as the page is told it."""
    return {"error": {"headline": error.headline, "usual": error.usual, "advice": error.advice}}


def shown(value: Any) -> str:
    """What was sent, as a message shows it: shortened, however long and deep it is."""
    try:
        return reprlib.repr(value)
    except ValueError:  # an integer of more digits than Python writes
        return "a number of thousands of digits"


def _is_id(value: Any) -> bool:
    return (isinstance(value, str) and len(value) <= LONGEST_NAME) or (type(value) is int and abs(value) < LARGEST_INTEGER)


def _text(content: Mapping[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or len(value) > LONGEST_NAME:
        raise UsageError(f"{name} is a name, not {shown(value)}", advice="Name it as the document does.")
    return value


def _named(known: Mapping[str, Array], name: str) -> Array:
    if name not in known:
        raise UsageError(f"there is no array {name!r}", advice=f"Name one of them: {shown([*known])[1:-1]}")
    return known[name]


def _place(value: Any) -> tuple[int, ...]:
    """Whole numbers only: rounding 7.9 or reading true as 1 would answer for another value than the one meant."""
    fits = isinstance(value, list | tuple) and len(value) <= MOST_AXES
    if not fits or not all(type(n) is int and abs(n) < LARGEST_INTEGER for n in value):
        raise UsageError(
            f"{shown(value)} is no place",
            usual="A place is a list of whole numbers, one for every axis, counted from 0.",
            advice="Send for example [0, 7, 12, 9].",
        )
    return tuple(value)


def _number(value: Any) -> float:
    # compared before it is converted: an integer may have more digits than any float
    if isinstance(value, bool) or not isinstance(value, int | float) or not -LARGEST_FLOAT <= value <= LARGEST_FLOAT:
        raise UsageError(f"{shown(value)} is no number that float32 holds", advice="Give a finite number.")
    return float(value)


def _drawn(content: Mapping[str, Any], buffers: Sequence[bytes]) -> Array:
    """An input number by number: a list, or the bytes of its float32 numbers, which take less room."""
    given = content.get("values")
    if len(buffers) == 1 and given is None and len(buffers[0]) % 4 == 0 and len(buffers[0]) <= 4 * LARGEST_DRAWN:
        array = np.frombuffer(buffers[0], dtype="<f4")
        if not (np.abs(array) <= LARGEST_FLOAT).all():
            raise UsageError("not all of the input is finite", advice="Give finite numbers.")
        return array.astype(np.float32)
    if buffers or not isinstance(given, list) or len(given) > LARGEST_DRAWN:
        raise UsageError("the numbers of the input are missing", advice="Send them as values, or in one buffer of float32.")
    return np.array([_number(value) for value in given], dtype=np.float32)
