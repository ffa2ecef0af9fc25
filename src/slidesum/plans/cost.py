"""What a step costs: multiply-adds over the speed of the method, bytes over the bandwidth, whichever is more, and the call.

The shares of the peak are measured on two cores with AVX-512; see docs/benchmarks.md. They steer choices between methods that
differ by factors, not by percents.
"""

from __future__ import annotations

import math

from slidesum.core.sized import Sized
from slidesum.core.sizes import prod
from slidesum.plans.lowering import Lowering
from slidesum.plans.machine import Machine, Method

CACHED = 4
"""How many times faster than memory the cache is in which a small buffer stays."""


def macs(sized: Sized) -> int:
    """Multiply-adds of one equation as it stands."""
    multiplications = len(sized.equation.operands) - 1
    return int(prod(sized.extents[name] for name in sized.equation.indices)) * multiplications


def seconds(
    sized: Sized, method: Method, lowering: Lowering | None, machine: Machine, itemsize: int, *, read: int, written: int
) -> float:
    """The estimate for one method, taps apart."""
    count = macs(sized)
    work = count / (machine.macs_per_second * efficiency(sized, method, lowering, machine))
    moved: float = read + written
    if lowering:
        turned = 0 if lowering.y_order == tuple(range(len(lowering.y_order))) else math.prod(lowering.y_shape)
        moved += 2 * (reordered_values(lowering) + turned) * itemsize
    if method == "unfolded" and lowering:
        work += 10 * machine.call_seconds
        moved += 2 * copied_values(sized, lowering) * itemsize / CACHED
    elif method == "direct" and lowering:
        work = work * itemsize / 4 + 2 * machine.call_seconds
        moved += copied_once(sized, lowering) * itemsize / CACHED
    elif method == "folded" and lowering:
        work += taps_count(lowering, sized) * machine.call_seconds
        kept = (*lowering.batch, *lowering.group, *lowering.filter, *(line.position for line in lowering.lines))
        moved += 3 * _extent(sized, kept) * taps_count(lowering, sized) * itemsize / CACHED
    elif method == "channels-last":
        moved *= 3
    elif method == "windows":
        moved += 3 * opened_values(sized) * itemsize
        work += opened_values(sized) * 1e-9
    elif method == "fft" and lowering:
        work = spectrum_operations(lowering, sized) / (machine.macs_per_second * efficiency(sized, method, lowering, machine))
        work += 20 * max(machine.call_seconds, 5e-6)  # three transforms, and it rounds worse: not for a small gain
    elif method == "pooling" and lowering:
        work = (
            taps_count(lowering, sized)
            * int(prod(sized.result_shape))
            / (machine.macs_per_second * machine.efficiency.get("pooling", 0.02))
        )
    return max(work, moved / machine.bytes_per_second) + machine.call_seconds


def efficiency(sized: Sized, method: Method, lowering: Lowering | None, machine: Machine) -> float:
    """The share of the peak that a method reaches on an equation."""
    share = machine.efficiency.get(method, 0.3)
    if lowering is None:
        return share
    channels, filters, groups = _extent(sized, lowering.channel), _extent(sized, lowering.filter), lowering.geometry.groups
    depthwise = channels == 1 and filters == 1 and groups > 1
    taps, positions = taps_count(lowering, sized), math.prod(lowering.positions)
    if method == "unfolded":  # products of matrices that are wide and high enough
        return 0.02 if depthwise else share * min(1.0, filters / 16) * min(1.0, channels * taps / 16) * (0.3 if groups > 1 else 1)
    if method == "folded":
        return 0.02 if depthwise else share * min(1.0, channels / 16) * min(1.0, filters * taps / 16) * (0.5 if groups > 1 else 1)
    if method == "direct":
        is_common = groups == 1 and (min(channels, filters) >= 32 or max(lowering.geometry.strides) > 1)
        return share * direct_share(channels, taps, positions, is_common=is_common)
    if machine.name != "torch":
        return share
    match method:
        case "library" if not sized.slides:
            return machine.efficiency.get("matmul", share) * 1.01  # as fast, and in the layout of x
        case "library" if depthwise:
            return 0.3 if taps <= 49 else 0.025
        case "channels-last" if depthwise:
            return 0.3 if taps <= 49 else 0.7
        case "channels-last":
            return share * 0.5
        case "library" | "channels-last" if groups == 1 and taps > 4 * positions:  # a gradient by weights: windows like images
            return 0.06 if channels > 4 else 0.2
        case "library" if filters <= 2 and groups == 1:
            return 0.06
        case "library" if channels <= 2 and groups == 1:  # moves more than it multiplies: much, if not from the cache
            return 0.06 if int(prod(sized.result_shape)) > 2**18 else 0.4
        case "transposed" if min(channels, filters) <= 2 and groups == 1:
            return 0.06
        case "library" if groups > 1:
            return 0.35 if channels % 16 or filters % 16 else 0.82
        case _:
            return share


def direct_share(channels: int, taps: int, positions: int, *, is_common: bool) -> float:
    """The part of its best that the engine reaches: less where there is little to sum, or vectors run along few taps.

    Among common layers it is taken for half as fast: there libraries are at their best, and so are their gradients.
    """
    if taps > positions:
        return 0.8
    return min(1.0, channels * taps / 16) * (0.55 if is_common else 1.0)


def copied_once(sized: Sized, lowering: Lowering) -> int:
    """Values of x with what stands beyond its edges."""
    kept = (*lowering.batch, *lowering.group, *lowering.channel)
    return _extent(sized, kept) * math.prod(
        int(line.slide.extent) + 2 * padding for line, padding in zip(lowering.lines, lowering.geometry.padding, strict=True)
    )


def taps_count(lowering: Lowering, sized: Sized) -> int:
    """Taps of the window."""
    return math.prod(int(sized.extents[line.tap]) for line in lowering.lines if line.tap)


def reordered_values(lowering: Lowering) -> int:
    """Values of operands whose axes are put in another order first."""
    laid = [lowering.x_laid, *([lowering.w_laid] if lowering.w_laid else [])]
    return sum(math.prod(one.given) for one in laid if not one.keeps_order)


def copied_values(sized: Sized, lowering: Lowering) -> int:
    """Values in all windows together."""
    kept = (*lowering.batch, *lowering.group, *lowering.channel, *(line.position for line in lowering.lines))
    return _extent(sized, kept) * taps_count(lowering, sized)


def opened_values(sized: Sized) -> int:
    """Values of the operands with addresses, one axis an index; 0 where nothing slides."""
    numbers = {number for number, _ in sized.slides}
    operands = [operand for number, operand in sized.equation.arrays() if number in numbers]
    return sum(int(prod(sized.extents[n] for n in operand.indices)) for operand in operands)


def spectrum_cells(lowering: Lowering, sized: Sized) -> tuple[int, ...]:
    """The sizes of the transforms, one a slid axis: the padded array's, rounded up to small factors."""
    cells = []
    for k, line in enumerate(lowering.lines):
        low, high = line.slide.padding
        n = (
            int(line.slide.extent + low + high)
            if k in lowering.padded
            else int(line.slide.extent) + 2 * lowering.geometry.padding[k]
        )
        taps = int(sized.extents[line.tap]) if line.tap else 1
        cells.append(fast_length(max(n, abs(line.dilation) * (taps - 1) + 1)))
    return tuple(cells)


def fast_length(n: int) -> int:
    """The smallest number from n on that has no prime factor but 2, 3 and 5.

    >>> fast_length(86)
    90
    """
    while True:
        left = n
        for factor in (2, 3, 5):
            while left % factor == 0:
                left //= factor
        if left == 1:
            return n
        n += 1


def spectrum_operations(lowering: Lowering, sized: Sized) -> float:
    """Multiply-adds of the transforms and of the products of spectra."""
    cells = math.prod(spectrum_cells(lowering, sized))
    batch, group = _extent(sized, lowering.batch), _extent(sized, lowering.group)
    channel, filters = _extent(sized, lowering.channel), _extent(sized, lowering.filter)
    transforms = group * (batch * channel + filters * channel + batch * filters)
    return transforms * 2.5 * cells * math.log2(max(2, cells)) / 2 + 2 * batch * group * channel * filters * cells


def _extent(sized: Sized, names: tuple[str, ...]) -> int:
    return math.prod(int(sized.extents[name]) for name in names)
