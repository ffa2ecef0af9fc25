"""What follows a sum while it is still in a register: functions of every value. NaN stays NaN."""

from __future__ import annotations

from typing import Any

from llvmlite import ir

from slidesum.core.ops import OPTIONS, Activation
from slidesum.engine.code import Value
from slidesum.engine.whole.kernel import Body

Tail = tuple[str, tuple[float, ...]]
"""A function and its numbers; ("identity", ()) for none."""
PLAIN: Tail = ("identity", ())
NAMES = frozenset(
    [
        "identity",
        "affine",
        "relu",
        "relu6",
        "leaky_relu",
        "clip",
        "hard_sigmoid",
        "hard_swish",
        "abs",
        "negative",
        "sigmoid",
        "tanh",
        "scaled_tanh",
        "silu",
    ]
)
"""The functions that there is code for. At 0 all of them are finite: lanes behind the last map hold such values."""


def tail_of(op: Activation) -> Tail | None:
    """The tail that an activation is, if there is code for it."""
    if op.function not in NAMES:
        return None
    numbers = op.options or tuple(value for _, value in OPTIONS.get(op.function, ()))
    return op.function, tuple(float(n) for n in numbers)


def applied(body: Body, tail: Tail, x: Value) -> Value:
    """The function of every lane."""
    builder = body.builder
    match tail:
        case "identity", ():
            return x
        case "affine", (scale, shift):
            return body.multiply_add(x, body.constant(scale), body.constant(shift))
        case "relu", ():
            return _at_least(body, x, 0.0)
        case "relu6", ():
            return _at_most(body, _at_least(body, x, 0.0), 6.0)
        case "clip", (low, high):
            return _at_most(body, _at_least(body, x, low), high)
        case "leaky_relu", (slope,):
            below = builder.fcmp_ordered("<", x, body.zeros())
            return builder.select(below, builder.fmul(x, body.constant(slope)), x)
        case "hard_sigmoid", (slope, shift):
            return _hard_sigmoid(body, x, slope, shift)
        case "hard_swish", ():
            return builder.fmul(x, _hard_sigmoid(body, x, 1 / 6, 0.5))
        case "abs", ():
            return builder.select(builder.fcmp_ordered("<", x, body.zeros()), builder.fneg(x), x)
        case "negative", ():
            return builder.fneg(x)
        case "sigmoid", ():
            return _sigmoid(body, x)
        case "silu", ():
            return builder.fmul(x, _sigmoid(body, x))
        case "tanh", ():  # 2·sigmoid(2x) - 1, and x where that would cancel
            double = _sigmoid(body, builder.fadd(x, x))
            far = builder.fsub(builder.fadd(double, double), body.constant(1))
            near = builder.fcmp_ordered("<", builder.fmul(x, x), body.constant(0.25))
            return builder.select(near, _tanh_near(body, x), far)
        case "scaled_tanh", ():
            inner = applied(body, ("tanh", ()), builder.fmul(x, body.constant(2 / 3)))
            return builder.fmul(inner, body.constant(1.7159))
        case _:
            raise AssertionError(f"there is no code for {tail}")


def _at_least(body: Body, x: Value, low: float) -> Value:
    return body.builder.select(body.builder.fcmp_ordered("<", x, body.constant(low)), body.constant(low), x)


def _at_most(body: Body, x: Value, high: float) -> Value:
    return body.builder.select(body.builder.fcmp_ordered(">", x, body.constant(high)), body.constant(high), x)


def _hard_sigmoid(body: Body, x: Value, slope: float, shift: float) -> Value:
    return _at_most(body, _at_least(body, body.multiply_add(x, body.constant(slope), body.constant(shift)), 0.0), 1.0)


def _sigmoid(body: Body, x: Value) -> Value:
    return body.builder.fdiv(body.constant(1), body.builder.fadd(body.constant(1), exponential(body, body.builder.fneg(x))))


def _tanh_near(body: Body, x: Value) -> Value:
    """Padé approximant of tanh around 0 (continued fraction of Lambert), exact to a rounding where |x| < 1/2."""
    square = body.builder.fmul(x, x)
    above = _polynomial(body, square, (1.0, 105.0 / 945.0, 1.0 / 945.0))
    below = _polynomial(body, square, (1.0, 420.0 / 945.0, 15.0 / 945.0))
    return body.builder.fdiv(body.builder.fmul(x, above), below)


def exponential(body: Body, x: Value) -> Value:
    """e to the x: 2^n times a polynomial of the rest, x = n·ln 2 + rest; within one unit of the last place. NaN stays NaN."""
    builder = body.builder
    x = _at_most(body, _at_least(body, x, -87.3), 88.3)
    rounded = body.rounded(builder.fmul(x, body.constant(1.4426950408889634)))
    rest = body.multiply_add(rounded, body.constant(-0.693359375), x)
    rest = body.multiply_add(rounded, body.constant(2.12194440e-4), rest)
    value = _polynomial(body, rest, (1.0, 1.0, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720, 1 / 5040))
    whole = ir.VectorType(ir.IntType(32), body.lanes)
    is_number = builder.fcmp_ordered("==", x, x)
    power = builder.fptosi(builder.select(is_number, rounded, body.zeros()), whole)
    bits = builder.shl(builder.add(power, _whole(whole, 127)), _whole(whole, 23))
    return builder.fmul(value, builder.bitcast(bits, body.vector))


def _polynomial(body: Body, x: Value, coefficients: tuple[float, ...]) -> Value:
    value = body.constant(coefficients[-1])
    for coefficient in reversed(coefficients[:-1]):
        value = body.multiply_add(value, x, body.constant(coefficient))
    return value


def _whole(kind: Any, value: int) -> Value:
    return ir.Constant(kind, [value] * kind.count)
