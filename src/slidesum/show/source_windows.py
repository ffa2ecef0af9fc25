"""The windows of an equation as torch.nn takes them: extents, strides, dilations, and the same padding before and after."""

from __future__ import annotations

from collections.abc import Sequence

from slidesum.core.axis import Address, Axis, Name
from slidesum.core.sized import Sized, Slide


def are_names(axes: Sequence[Axis]) -> bool:
    """Whether every axis is an index by itself."""
    return all(isinstance(axis, Name) for axis in axes)


def slides_of(sized: Sized, x: Sequence[Axis], y: Sequence[Axis]) -> list[Slide] | None:
    """How x is read along each axis behind the channels; None unless results stand in that order and windows run forwards."""
    found = []
    for k, (axis, result) in enumerate(zip(x[2:], y[2:], strict=True), start=2):
        match axis, result:
            case Name(name), Name(position) if name == position:
                found.append(Slide(((name, 1),), 0, sized.shapes[0][k], (0, 0), name))
            case Address(), Name(position):
                slide = sized.slides[0, k]
                if slide.position != position or len(slide.taps) > 1 or any(step < 1 for _, step in slide.steps):
                    return None
                found.append(slide)
            case _:
                return None
    return found


def taps_of(slides: Sequence[Slide], single: Axis | None = None) -> list[Axis]:
    """What a filter has along the slides; where there is no tap, nothing, or a `single` cell."""
    found = [Name(slide.taps[0][0]) if slide.taps else single for slide in slides]
    return [axis for axis in found if axis is not None]


def window_of(sized: Sized, slides: Sequence[Slide]) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Extents of the windows, strides, dilations."""
    window = tuple(int(sized.extents[slide.taps[0][0]]) if slide.taps else 1 for slide in slides)
    dilation = tuple(int(slide.taps[0][1]) if slide.taps else 1 for slide in slides)
    return window, tuple(int(slide.stride) for slide in slides), dilation


def even_padding(
    sized: Sized, slides: Sequence[Slide], window: Sequence[int], dilation: Sequence[int], *, ceiling: bool = False
) -> tuple[int, ...] | None:
    """The same padding before and after that gives these results; with `ceiling`, a last window may lead beyond it. Else None."""
    found = []
    for slide, k, d in zip(slides, window, dilation, strict=True):
        low = int(slide.padding[0])
        stride = int(slide.stride)
        positions = (int(slide.extent) + 2 * low - d * (k - 1) - 1 + (stride - 1 if ceiling else 0)) // stride + 1
        if ceiling and (positions - 1) * stride >= int(slide.extent) + low:  # torch drops a window that begins in the padding
            positions -= 1
        if low < 0 or positions != int(sized.extents[slide.position or ""]):
            return None
        found.append(low)
    return tuple(found)
