"""A plan on a backend: every step becomes a function of arrays, made once and called often.

Whatever can be decided without the arrays is decided here: which axes move, which shapes change, what needs no work at all.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from slidesum.core.axis import indices
from slidesum.core.sized import Sized
from slidesum.plans.lowering import Laid, Lowering
from slidesum.plans.step import Plan, Step
from slidesum.run.backend import Array, Backend, Laying
from slidesum.run.border import padded, unpadded
from slidesum.run.finish import biased, finished
from slidesum.run.fourier import transformed
from slidesum.run.taps import over_taps
from slidesum.run.windows import by_windows

Call = Callable[..., Array]


def program(backend: Backend, plan: Plan) -> Callable[[Sequence[Array], Array | None], Array]:
    """The function (operands, bias) -> result of a plan."""
    finish, add = finished(backend, plan), biased(backend, plan.sized)
    direct = _direct(backend, plan)
    if direct:

        def at_once(arrays: Sequence[Array], bias: Array | None = None) -> Array:
            return direct(*arrays) if bias is None else add(direct(*arrays), bias)

        return at_once
    entering = [_entering(backend, given, wanted) for given, wanted in zip(plan.sized.shapes, plan.normal.shapes, strict=True)]
    calls = [(step_call(backend, step), step.operands) for step in plan.steps]
    if len(calls) == 1 and finish is None and not any(entering):
        call, numbers = calls[0]
        in_order = numbers == tuple(range(len(plan.sized.shapes)))

        def single(arrays: Sequence[Array], bias: Array | None = None) -> Array:
            y = call(*arrays) if in_order else call(*[arrays[n] for n in numbers])
            return y if bias is None else add(y, bias)

        return single
    last_use = {register: k for k, (_, operands) in enumerate(calls) for register in operands}

    def run(arrays: Sequence[Array], bias: Array | None = None) -> Array:
        registers = [enter(x) if enter else x for enter, x in zip(entering, arrays, strict=True)]
        for k, (call, operands) in enumerate(calls):
            y = call(*[registers[n] for n in operands])
            for n in operands:
                if last_use[n] == k:
                    registers[n] = None  # what is no longer needed gives its memory back
            registers.append(y)
        y = registers[-1]
        registers.clear()
        y = finish(y) if finish else y
        return y if bias is None else add(y, bias)

    return run


def _direct(backend: Backend, plan: Plan) -> Call | None:
    """The library's convolution itself, where all arrays are shaped as it takes them; merged axes needn't be opened then."""
    step, low = plan.steps[0], plan.steps[0].lowering
    if len(plan.steps) > 1 or low is None or low.w is None or low.scatters or step.method not in ("library", "channels-last"):
        return None
    in_order = low.x == 0 and low.x_laid.keeps_order and low.w_laid and low.w_laid.keeps_order
    y_in_order = low.y_order == tuple(range(len(low.y_order)))
    if not (in_order and y_in_order) or low.flipped or low.padded or _trims(low, step):
        return None
    assert low.w_laid is not None
    if plan.sized.shapes[0] != low.x_laid.shape or plan.sized.result_shape != low.y_given:
        return None
    convolve, shape = backend.convolution(low.geometry, step.method), low.w_laid.shape
    return convolve if plan.sized.shapes[1] == shape else lambda x, w: convolve(x, backend.reshape(w, shape))


def step_call(backend: Backend, step: Step) -> Call:
    """The function of one step."""
    sized, low = step.sized, step.lowering
    match step.method:
        case "windows":
            return lambda *arrays: by_windows(backend, sized, arrays, step.pieces)
        case "sum" | "matmul":
            return _still(backend, sized) or (lambda *arrays: by_windows(backend, sized, arrays))
        case "taps":
            assert step.inner is not None
            return over_taps(backend, sized, step.tap, step_call(backend, step.inner))
    assert low is not None
    match step.method:
        case "pooling":
            return _pooling(backend, step, low)
        case "transposed" | "folded":
            return _transposed(backend, step, low)
        case "fft":
            return _convolution(backend, step, low, lambda x, w: transformed(backend, step, x, w))
        case "direct":
            return _by_kernel(backend, step, low)
        case _:
            return _convolution(backend, step, low, backend.convolution(low.geometry, step.method))


def _still(backend: Backend, sized: Sized) -> Call | None:
    """A reduction or a product where nothing slides and nothing is empty; None where an index stands twice on an array."""
    equation = sized.equation
    labels = {name: k for k, name in enumerate(equation.indices)}
    flat = [[labels[n] for axis in operand.axes for n in indices(axis)] for _, operand in equation.arrays()]
    *given, wanted = flat
    if any(len(set(one)) < len(one) for one in flat) or 0 in sized.extents.values():
        return None
    if len(given) == 2:
        a, b = given
        return lambda x, w: backend.einsum([(x, a), (w, b)], wanted)
    axes = [k for k, label in enumerate(given[0]) if label not in wanted]
    left = [label for label in given[0] if label in wanted]
    order, how = [left.index(label) for label in wanted], equation.reduce
    if order == sorted(order):
        return lambda x: backend.reduce(x, axes, how) if axes else x
    return lambda x: backend.transpose(backend.reduce(x, axes, how) if axes else x, order)


def _entering(backend: Backend, given: Sequence[int], wanted: Sequence[int]) -> Callable[[Array], Array] | None:
    shape = tuple(wanted)
    return None if tuple(given) == shape else lambda x: backend.reshape(x, shape)


def _convolution(backend: Backend, step: Step, low: Lowering, convolve: Call) -> Call:
    assert low.w is not None
    assert low.w_laid is not None
    number_x, number_w = low.x, low.w
    lay_x, lay_w = _laying(backend, low.x_laid), _laying(backend, low.w_laid)
    leave = _leaving(backend, low)
    pads = _pads(backend, step, low)
    trims = _trims(low, step)
    if number_x == 0 and not (lay_x or lay_w or leave or pads or trims or low.flipped):
        return convolve

    def call(*arrays: Array) -> Array:
        x, w = arrays[number_x], arrays[number_w]
        x = lay_x(x) if lay_x else x
        for pad in pads:
            x = pad(x)
        w = lay_w(w) if lay_w else w
        w = backend.flip(w, low.flipped) if low.flipped else w
        y = convolve(x, w)
        y = y[trims] if trims else y
        return leave(y) if leave else y

    return call


def _by_kernel(backend: Backend, step: Step, low: Lowering) -> Call:
    """What pads x beforehand lays it out, too."""
    assert low.w is not None
    assert low.w_laid is not None
    number_x, number_w = low.x, low.w
    lay_x, pads = _laying(backend, low.x_laid), _pads(backend, step, low)

    def padded_x(x: Array) -> Array:
        x = lay_x(x) if lay_x else x
        for pad in pads:
            x = pad(x)
        return x

    trims, leave = _trims(low, step), _leaving(backend, low)
    in_order = not trims and low.y_order == tuple(range(len(low.y_order)))
    shape = low.y_shape if in_order else ()
    laying = Laying(padded_x if pads else lay_x, _laying(backend, low.w_laid), low.flipped, shape)
    convolve = backend.kernel(low.geometry, laying)
    if number_x == 0 and in_order:
        return convolve

    def call(*arrays: Array) -> Array:
        y = convolve(arrays[number_x], arrays[number_w])
        y = y[trims] if trims else y
        return y if in_order or leave is None else leave(y)

    return call


def _transposed(backend: Backend, step: Step, low: Lowering) -> Call:
    assert low.w is not None
    assert low.w_laid is not None
    number_x, number_w = low.x, low.w
    lay_x, lay_w = _laying(backend, low.x_laid), _laying(backend, low.w_laid)
    leave = _leaving(backend, low)

    def call(*arrays: Array) -> Array:
        x, w = arrays[number_x], arrays[number_w]
        x = lay_x(x) if lay_x else x
        w = lay_w(w) if lay_w else w
        w = backend.flip(w, low.flipped) if low.flipped else w
        y = backend.transposed(x, w, low.geometry, step.method)
        for k in low.padded:
            y = unpadded(backend, low.lines[k].slide, y, 2 + k)
        return leave(y) if leave else y

    return call


def _pooling(backend: Backend, step: Step, low: Lowering) -> Call:
    sized = step.sized
    lay, leave, pads, trims = _laying(backend, low.x_laid), _leaving(backend, low), _pads(backend, step, low), _trims(low, step)
    sizes = [int(sized.extents[line.tap]) if line.tap else 1 for line in low.lines]

    def call(x: Array) -> Array:
        x = lay(x) if lay else x
        for pad in pads:
            x = pad(x)
        y = backend.pooled(x, sized.equation.reduce, sizes, low.geometry)
        y = y[trims] if trims else y
        return leave(y) if leave else y

    return call


def _laying(backend: Backend, laid: Laid) -> Callable[[Array], Array] | None:
    order, shape = laid.order, laid.shape
    if laid.keeps_order:
        return None if shape == laid.given else lambda x: backend.reshape(x, shape)
    return lambda x: backend.reshape(backend.transpose(x, order), shape)


def _leaving(backend: Backend, low: Lowering) -> Callable[[Array], Array] | None:
    shape, order = low.y_shape, low.y_order
    in_order = order == tuple(range(len(order)))
    if in_order:
        return None if shape == low.y_given else lambda y: backend.reshape(y, shape)
    return lambda y: backend.transpose(backend.reshape(y, shape), order)


def _pads(backend: Backend, step: Step, low: Lowering) -> list[Callable[[Array], Array]]:
    def pad(k: int) -> Callable[[Array], Array]:
        slide = low.lines[k].slide
        return lambda x: padded(backend, step.sized, slide, x, 2 + k)

    return [pad(k) for k in low.padded]


def _trims(low: Lowering, step: Step) -> tuple[slice, ...]:
    """Positions that were given fewer than would fit."""
    cells = []
    for k, line in enumerate(low.lines):
        beside = sum(line.slide.padding) if k in low.padded else 0
        cells.append(int(line.slide.extent + beside))
    taps = tuple(int(step.sized.extents[line.tap]) if line.tap else 1 for line in low.lines)
    fitting = low.geometry.positions(tuple(cells), taps)
    if fitting == low.positions:
        return ()
    return (slice(None), slice(None), *(slice(0, n) for n in low.positions))
