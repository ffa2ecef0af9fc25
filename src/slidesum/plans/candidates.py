"""One equation of one or two operands -> the ways to compute it, each as a step with its cost."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from slidesum.core.axis import Address, indices
from slidesum.core.sized import Sized
from slidesum.core.sizes import prod
from slidesum.laws.rewrite import at_tap
from slidesum.plans.cost import copied_once, copied_values, macs, reordered_values, seconds, spectrum_cells, taps_count
from slidesum.plans.lowering import Lowering, lowered
from slidesum.plans.machine import Machine, Method
from slidesum.plans.step import Step

PIECE = 2**21
"""Bytes of windows that are opened at once: what a cache holds."""
UNFOLDED = 2**21
"""Bytes of the buffer of an unfolded convolution."""
SLAB = 2**22
"""Bytes of the rows that a kernel's thread lays out anew at the least: beyond it, they would stay in no cache."""
COPIED = 2**19
"""Bytes of the parts of x that a kernel's threads lay out anew."""
PRODUCTS = 2**23
"""Bytes of the products of a folded one."""
COMPILED = (4, 8)
"""Bytes of the floating numbers that kernels are compiled for."""
LONG = 8
"""Indices that are shorter are taken in parts last."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a plan is made for.

    kind     of the values, as NumPy calls it: "f", "c" for complex, "i" for integers
    exact    whether rounding must stay that of a sum of products; float64 may always be transformed
    budget   bytes that may be held beside operands and result
    """

    machine: Machine
    itemsize: int = 4
    kind: str = "f"
    exact: bool = True
    budget: int = 2**30

    @property
    def may_transform(self) -> bool:
        return self.kind in "fc" and (not self.exact or self.itemsize >= (8 if self.kind == "f" else 16)) and self.itemsize >= 4


def candidates(sized: Sized, setting: Setting, operands: tuple[int, ...]) -> Iterator[Step]:
    """Steps that compute a normal equation of one or two operands, in no order; "windows" or one that can't fail is among them."""
    low = lowered(sized)
    if not sized.slides:
        yield _step(sized, setting, operands, "sum" if len(operands) == 1 else "matmul")
        if low and setting.machine.multiplies_by_convolving and setting.kind == "f":
            yield _step(sized, setting, operands, "library", low)
        return
    if low and len(operands) == 1:
        if _can_pool(sized, low, setting):
            yield _step(sized, setting, operands, "pooling", low)
    elif low and low.scatters:
        wanted: tuple[Method, ...] = ("transposed", "folded")
        for method in wanted:
            if setting.kind in "fc" and method in setting.machine.methods and len(low.lines) <= setting.machine.slid:
                yield _step(sized, setting, operands, method, low)
    elif low:
        yield from _convolutions(sized, low, setting, operands)
    yield windows(sized, setting, operands)


def _convolutions(sized: Sized, low: Lowering, setting: Setting, operands: tuple[int, ...]) -> Iterator[Step]:
    slid, machine = len(low.lines), setting.machine
    floating = setting.kind in "fc"
    if floating and slid <= machine.slid:
        wanted: tuple[Method, ...] = ("library", "channels-last", "unfolded")
        for method in wanted:
            if method in machine.methods and (method != "channels-last" or (slid in (2, 3) and setting.kind == "f")):
                yield _step(sized, setting, operands, method, low)
    if "direct" in machine.methods and slid <= 3 and _can_be_laid_out(sized, low, setting):
        yield _step(sized, setting, operands, "direct", low)
    if setting.may_transform and "fft" in machine.methods:
        cells = math.prod(spectrum_cells(low, sized))
        arrays = sum(math.prod(shape[:2]) for shape in (low.x_laid.shape, low.w_laid.shape if low.w_laid else (0,)))
        held = (arrays + int(prod(sized.result_shape)) // max(1, math.prod(low.positions))) * cells * setting.itemsize
        yield _step(sized, setting, operands, "fft", low, held=held)
    if looped := _looped(sized, low, setting):
        yield _over_taps(sized, setting, operands, looped)


def _can_be_laid_out(sized: Sized, low: Lowering, setting: Setting) -> bool:
    """Whether a kernel is compiled for such numbers, and a window's rows in all maps, those beside it included, are few enough.

    Where the taps are more than the positions, maps are taken one by one.
    """
    taps = [int(sized.extents[line.tap]) if line.tap else 1 for line in low.lines]
    cells = [int(line.slide.extent + sum(line.slide.padding)) + 2 * abs(line.dilation) for line in low.lines]
    maps = 1 if taps[-1] > low.positions[-1] else math.prod(int(sized.extents[n]) for n in low.channel)
    outer = min(cells[0], abs(low.lines[0].dilation) * (taps[0] + 8) + 8 * low.lines[0].stride) if len(cells) > 1 else 1
    return (
        setting.kind == "f"
        and setting.itemsize in COMPILED
        and maps * outer * math.prod(cells[1:] or cells) * setting.itemsize <= SLAB
    )


def _looped(sized: Sized, low: Lowering, setting: Setting) -> list[str]:
    """The taps to take one by one: so many that the library can do the rest, or all where nothing is summed but them."""
    taps = [line.tap for line in low.lines if line.tap]
    elementwise = not any(sized.extents[n] != 1 for n in (*low.channel, *low.filter))
    if elementwise and math.prod(int(sized.extents[t]) for t in taps) <= 4096:
        return taps
    spare = len(low.lines) - setting.machine.slid
    if spare <= 0 or setting.kind not in "fc":
        return []
    return sorted(taps, key=lambda tap: int(sized.extents[tap]))[:spare]


def _over_taps(sized: Sized, setting: Setting, operands: tuple[int, ...], taps: list[str]) -> Step:
    """A step a value of the first tap, and so on for the others."""
    tap, *more = taps
    held_fast = at_tap(sized, tap)
    inner_operands = tuple(range(len(operands)))
    inner = (
        _over_taps(held_fast, setting, inner_operands, more)
        if more
        else min(candidates(held_fast, setting, inner_operands), key=lambda step: step.seconds)
    )
    count = int(sized.extents[tap])
    values = int(prod(sized.result_shape)) * setting.itemsize
    step = _step(sized, setting, operands, "taps")
    adding = 3 * values / setting.machine.bytes_per_second
    return replace(
        step,
        tap=tap,
        inner=inner,
        seconds=count * (inner.seconds + adding),
        bytes_read=count * (inner.bytes_read + values),
        bytes_written=count * inner.bytes_written,
        bytes_held=values + inner.bytes_held,
    )


def windows(sized: Sized, setting: Setting, operands: tuple[int, ...]) -> Step:
    """Views of windows and one sum of products: what can compute every equation."""
    step = _step(sized, setting, operands, "windows")
    pieces, values = _pieces(sized, min(PIECE, max(1, setting.budget // 2)) // setting.itemsize)
    return replace(step, pieces=pieces, bytes_held=(2 * values + _padded_values(sized)) * setting.itemsize)


def _padded_values(sized: Sized) -> int:
    """What is copied to pad the operands; of two padded axes, one copy is made from the other."""
    total = 0
    for number, shape in enumerate(sized.shapes):
        beside = {
            place: sum(slide.padding) for (owner, place), slide in sized.slides.items() if owner == number and slide.is_padded
        }
        total += min(2, len(beside)) * math.prod(int(n + beside.get(place, 0)) for place, n in enumerate(shape))
    return total


def _pieces(sized: Sized, most: int) -> tuple[tuple[tuple[str, int], ...], int]:
    """Which indices to take in parts, and how many values at once, so that no opened operand has more than `most` values.

    Nor one that has a position of its own, as weights that no place shares: it is copied piece by piece too.
    """
    equation = sized.equation
    numbers = {number for number, _ in sized.slides}
    opened = [operand.indices for number, operand in equation.arrays() if number in numbers]
    opened += [operand.indices for operand in equation.operands if set(operand.bare) & set(equation.positions)]
    scattered = {n for axis in equation.result.axes if isinstance(axis, Address) for n in indices(axis)}
    at_once = {n: int(extent) for n, extent in sized.extents.items()}
    pieces: dict[str, int] = {}
    while True:
        names = max(opened, key=lambda names: math.prod(at_once[n] for n in names))
        size = math.prod(at_once[n] for n in names)
        summed = [n for n in names if n not in equation.result.indices and equation.reduce == "sum"]
        free = [n for n in names if n in summed or (n in equation.result.indices and n not in scattered)]
        # shared indices first, which make all parts smaller; long ones, so that parts stay wide; kept ones are only put together
        ranks = {n: (-sum(n in other for other in opened), at_once[n] < LONG, n in summed, -at_once[n]) for n in free}
        name = min((n for n in free if at_once[n] > 1), key=ranks.__getitem__, default=None)
        if size <= most or name is None:
            return tuple(pieces.items()), size
        at_once[name] = pieces[name] = max(1, at_once[name] // math.ceil(size / max(1, most)))


def _can_pool(sized: Sized, low: Lowering, setting: Setting) -> bool:
    reduce = sized.equation.reduce
    backwards = any(line.dilation < 0 for line in low.lines)
    if reduce not in setting.machine.poolings or len(low.lines) > setting.machine.slid or backwards or setting.kind != "f":
        return False
    return reduce == "max" or setting.machine.name != "torch" or all(line.dilation == 1 for line in low.lines)


def _piece_values(sized: Sized, low: Lowering, method: Method, setting: Setting) -> int:
    """Values of the buffer of a method that has one: what is copied at once, and no less than the least that can be."""
    if method == "direct":
        return min(copied_once(sized, low), COPIED // setting.itemsize)
    if method not in ("unfolded", "folded"):
        return 0
    taps, places = taps_count(low, sized), math.prod(int(sized.extents[line.position]) for line in low.lines)
    if method == "unfolded":
        least = math.prod(int(sized.extents[n]) for n in low.channel) * taps * places // int(sized.extents[low.lines[0].position])
    else:
        least = math.prod(int(sized.extents[n]) for n in low.filter) * taps * places
    usual = UNFOLDED if method == "unfolded" else PRODUCTS
    return min(max(usual // setting.itemsize, least), max(least, copied_values(sized, low)))


def _padded_beforehand(low: Lowering, method: Method) -> int:
    """Values of x with what stands beyond its edges, where it is copied for that."""
    own = low.geometry.padding if method in ("unfolded", "fft") else (0,) * len(low.lines)
    beside = [
        2 * p + (int(sum(line.slide.padding)) if k in low.padded else 0)
        for k, (p, line) in enumerate(zip(own, low.lines, strict=True))
    ]
    if low.scatters or not any(beside):
        return 0
    batch, maps, *cells = low.x_laid.shape
    return batch * maps * math.prod(n + b for n, b in zip(cells, beside, strict=True))


def _step(
    sized: Sized,
    setting: Setting,
    operands: tuple[int, ...],
    method: Method,
    low: Lowering | None = None,
    held: int = 0,
) -> Step:
    read = sum(int(prod(shape)) for shape in sized.shapes) * setting.itemsize
    written = int(prod(sized.result_shape)) * setting.itemsize
    if low:
        held += (_piece_values(sized, low, method, setting) + reordered_values(low)) * setting.itemsize
        held += _padded_beforehand(low, method) * setting.itemsize
        held += read if method == "channels-last" else 0
    return Step(
        sized.equation.result.name,
        sized,
        operands,
        method,
        macs(sized),
        read,
        written,
        held,
        seconds(sized, method, low, setting.machine, setting.itemsize, read=read, written=written),
        low,
    )
