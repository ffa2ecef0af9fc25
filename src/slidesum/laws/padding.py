"""Where windows start: the padding of one address, from the constant in the address or from `padding=` (rule 4).

For a position with stride s over N cells, and windows that span k cells:

    "valid"       no padding; or what the constant in the address says: -3 is three before, and as many after
    "same"        as many outputs as ceil(N / s); an odd cell is added after (SAME_UPPER)
    "same_lower"  the same, the odd cell before
    "full"        k - 1 on either side: every window that touches the array
    2, (1, 2)     so many on both sides; so many before and after
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from slidesum.core.axis import Address
from slidesum.core.sized import PADDINGS, Padding, PositionPadding
from slidesum.core.sizes import Size, ceil_div, floor_div, is_number, largest, size, surely_less, tidy
from slidesum.errors import SizeError, UsageError


def window_span(steps: Sequence[tuple[Size, Size]]) -> Size:
    """How many cells a window covers from its first to its last: 1 + sum(step·(extent - 1)).

    >>> window_span([(2, 3)])
    5
    """
    return tidy(1 + sum(step * (extent - 1) for step, extent in steps))


def known_padding(padding: Any) -> Padding:
    """The padding with plain numbers in it, hashable where it is no dict. Raises UsageError for what is none.

    A pair may hold symbols, as sizes do: ("p", "p") pads by a symbol p.

    >>> known_padding({"i": [1, 2], "j": "same"})
    {'i': (1, 2), 'j': 'same'}
    """
    if isinstance(padding, Mapping):
        return {name: _known_rule(rule) for name, rule in padding.items()}
    return _known_rule(padding)


def _known_rule(rule: Any) -> PositionPadding:
    if isinstance(rule, str) and rule in PADDINGS:
        return cast(PositionPadding, rule)
    if _is_whole(rule):
        return tidy(rule)
    if isinstance(rule, tuple | list) and len(rule) == 2 and all(isinstance(n, str) or _is_whole(n) for n in rule):
        return size(rule[0]), size(rule[1])
    raise UsageError(
        f"{rule!r} is no padding",
        usual=f"Padding is {', '.join(PADDINGS)}, a number, (before, after), or a dict by position.",
        advice='Write padding="same", say.',
    )


def keeps_all(padding: Padding, position: str | None) -> bool:
    """Whether the padding is "same": then there are ceil(N / stride) positions, by definition."""
    return _rule(padding, position) in ("same", "same_lower")


def resolve_padding(
    padding: Padding, position: str | None, address: Address, cells: Size, stride: Size, span: Size, text: str
) -> tuple[Size, Size]:
    """The cells before and after the array, for an address of an operand."""
    rule = _rule(padding, position)
    constant = address.constant
    if rule == "valid":
        return -constant, max(0, -constant)
    low, high = _sides(rule, cells, abs(stride), span)
    _refuse_two_starts(low, address, rule, text)
    return low, high


def transposed_padding(
    padding: Padding,
    position: str,
    address: Address,
    whole: Size,
    positions: Size,
    stride: Size,
    wanted: Size | None,
    text: str,
) -> tuple[Size, Size, Size]:
    """The cells cropped before and after, and the extent left, for an address on the result (rule 6)."""
    rule = _rule(padding, position)
    stride = abs(stride)
    if rule == "full":
        raise UsageError(
            'padding="full" has no meaning for an address on the result',
            usual="A transposed convolution crops what padding adds; without cropping it is full already.",
            advice='Leave it out, or write "same" or a number.',
        )
    if rule == "valid":
        low, high = -address.constant, max(0, -address.constant)
    elif rule in ("same", "same_lower"):
        crop = tidy(whole - positions * stride)  # below 0 where windows leave gaps: then nothing is cropped before
        total = largest(0, crop)
        low = floor_div(total, 2) if rule == "same" else ceil_div(total, 2)
        high = tidy(crop - low)
        _refuse_two_starts(low, address, rule, text)
    else:
        low, high = _sides(rule, whole, stride, span=1)
        _refuse_two_starts(low, address, rule, text)
    extent = tidy(whole - low - high)
    if wanted is not None:
        most = tidy(extent + stride - 1)
        if surely_less(wanted, extent) or surely_less(most, wanted):
            raise SizeError(
                f"the result can't have {wanted} cells along {position}",
                text,
                address.span,
                usual=f"It has {extent}, or as many more as a layer of stride {stride} leaves unread.",
                advice=f"Give {extent}." if most == extent else f"Give a number from {extent} to {most}.",
            )
        high, extent = tidy(high - (wanted - extent)), wanted
    if surely_less(extent, 1):
        raise SizeError(
            f"cropping leaves no cell along {position}",
            text,
            address.span,
            usual=f"There are {whole}, cropped by {low} and {high}.",
            advice="Crop less.",
        )
    return low, high, extent


def _rule(padding: Padding, position: str | None) -> Any:
    if isinstance(padding, Mapping):
        return padding.get(position, "valid") if position else "valid"
    return padding if position else "valid"


def _sides(rule: Any, cells: Size, stride: Size, span: Size) -> tuple[Size, Size]:
    if rule in ("same", "same_lower"):
        outputs = ceil_div(cells, stride)
        total = tidy(span - 1) if is_number(stride) and stride == 1 else largest(0, tidy((outputs - 1) * stride + span - cells))
        small = floor_div(total, 2)
        return (small, tidy(total - small)) if rule == "same" else (tidy(total - small), small)
    if rule == "full":
        return tidy(span - 1), tidy(span - 1)
    return rule if isinstance(rule, tuple) else (rule, rule)


def _is_whole(value: Any) -> bool:
    """An integer of any library, or a formula. An array of one number has an `__index__` too, and is neither."""
    if isinstance(value, bool) or (hasattr(value, "ndim") and value.ndim):
        return False
    return hasattr(value, "__index__") or hasattr(value, "free_symbols")


def _refuse_two_starts(low: Size, address: Address, rule: Any, text: str) -> None:
    if address.constant and (not is_number(low) or low != -address.constant):
        raise SizeError(
            f"the start of the windows is said twice: {address.constant:+d} in the pattern, padding={rule!r} beside it",
            text,
            address.span,
            usual="The constant in the address and padding= are two spellings of one thing.",
            advice="Take one of them away.",
        )
