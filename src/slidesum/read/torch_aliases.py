"""Which values of a program are views of which: what else changes where one is written to.

An exported program may write into an array ("zero_", "add_") of which others are views. The name that is written to stands for the
result from then on. The array it is a view of, and the other views of that, change in part: each is told by a call "setitem", which
has no translation unless all of it is constant. So what reads them later reads an opaque layer, and not a number from before.
"""

from __future__ import annotations

from collections.abc import Iterator

from slidesum.read.torch_program import Call, Value

VIEWS = frozenset(
    {
        "_to_copy",
        "_unsafe_view",
        "alias",
        "as_strided",
        "chunk",
        "contiguous",
        "detach",
        "diagonal",
        "expand",
        "expand_as",
        "flatten",
    }
    | {"movedim", "narrow", "permute", "reshape", "select", "slice", "split", "split_with_sizes", "squeeze", "swapaxes", "t"}
    | {"to", "transpose", "unbind", "unflatten", "unfold", "unsafe_chunk", "unsafe_split", "unsqueeze", "view", "view_as"}
)
"""Operators whose results may lie in the memory of their argument."""


class Aliases:
    """The families of values that may share memory, as the calls tell."""

    def __init__(self) -> None:
        self._family: dict[Value, list[Value]] = {}

    def called(self, call: Call) -> None:
        """Note what this call makes views of."""
        source = call.get("self")
        if call.op in VIEWS and isinstance(source, Value):
            family = self._family.setdefault(source, [source])
            for value in call.results:
                if value is not None:
                    family.append(value)
                    self._family[value] = family

    def overwritten(self, written: Value, result: Value, write: Call) -> Iterator[tuple[Value, Call]]:
        """What changes besides when `written` becomes `result`: each value, and the call that stands for it from then on."""
        family = self._family.pop(written, [written])
        members = [result]
        for value in family:
            if value is not written:
                changed = Value(value.shape, value.dtype)
                members.append(changed)
                yield value, Call("setitem", {"self": value, "written": result, "by": write.op}, (changed,), write.place)
        self._family |= dict.fromkeys(members, members)
