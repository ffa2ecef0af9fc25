"""The functions that Excel, Google Sheets and LibreOffice all have, for those that networks are made of.

`z` is a cell or a whole sum; where a function needs it once, it stands around the sum. Written so that nothing overflows, and that
small results keep their digits: exp(z) - 1 is 2·exp(z/2)·sinh(z/2), and ln(1 + y) is 2·artanh(y/(2 + y)).

    >>> applied("relu", (), "A1+B1"), applied("leaky_relu", (0.01,), "A1")
    ('MAX(0,A1+B1)', 'IF(A1>0,A1,0.01*A1)')
    >>> wraps_once("relu"), wraps_once("leaky_relu")
    (True, False)
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from slidesum.core.ops import Combination, Function
from slidesum.run.numpy_functions import SELU

MOST_ARGUMENTS = 250
"""Excel takes 255."""

_SIGMOID = "1/(1+EXP(-MAX(-700,{z})))"
_EXPM1 = "2*EXP(MIN(0,{z})/2)*SINH(MIN(0,{z})/2)"
_SOFTPLUS = "(MAX(0,{z})+2*ATANH(EXP(-ABS({z}))/(2+EXP(-ABS({z})))))"

FUNCTIONS: Mapping[Function, str] = {
    "identity": "{z}",
    "affine": "{0}*({z})+{1}",
    "relu": "MAX(0,{z})",
    "relu6": "MIN(6,MAX(0,{z}))",
    "leaky_relu": "IF({z}>0,{z},{0}*{z})",
    "elu": f"IF({{z}}>0,{{z}},{{0}}*{_EXPM1})",
    "selu": f"{SELU[0]!r}*IF({{z}}>0,{{z}},{SELU[1]!r}*{_EXPM1})",
    "celu": f"IF({{z}}>0,{{z}},{{0}}*{_EXPM1.replace('/2)', '/2/{0})')})",
    "clip": "MIN({1},MAX({0},{z}))",
    "sigmoid": _SIGMOID,
    "hard_sigmoid": "MIN(1,MAX(0,{0}*({z})+{1}))",
    "tanh": "TANH({z})",
    "scaled_tanh": "1.7159*TANH(2/3*({z}))",
    "silu": "{z}/(1+EXP(-MAX(-700,{z})))",
    "hard_swish": "{z}*MIN(1,MAX(0,{z}/6+0.5))",
    "mish": f"{{z}}*TANH({_SOFTPLUS})",
    "gelu": "0.5*{z}*ERFC(-{z}/SQRT(2))",
    "gelu_tanh": "{z}/(1+EXP(-MAX(-700,2*SQRT(2/PI())*({z}+0.044715*{z}*{z}*{z}))))",
    "softplus": f"{_SOFTPLUS.replace('{z}', '{0}*{z}')}/{{0}}",
    "softsign": "{z}/(1+ABS({z}))",
    "exp": "EXP({z})",
    "log": "LN({z})",
    "sqrt": "SQRT({z})",
    "power": "POWER({z},{0})",
    "reciprocal": "1/({z})",
    "abs": "ABS({z})",
    "negative": "-({z})",
    "sign": "SIGN({z})",
    "floor": "INT({z})",
    "ceil": "-INT(-({z}))",
    "round": "IF(MOD({z},1)=0.5,2*ROUND({z}/2,0),ROUND({z},0))",  # halves to the even number
    "erf": "ERF({z})",
    "sin": "SIN({z})",
    "cos": "COS({z})",
}

COMBINATIONS: Mapping[Combination, str] = {
    "add": "{a}+{b}",
    "subtract": "{a}-{b}",
    "multiply": "{a}*{b}",
    "divide": "{a}/{b}",
    "maximum": "MAX({a},{b})",
    "minimum": "MIN({a},{b})",
    "power": "POWER({a},{b})",
}

_PLAIN = re.compile(r"('[^']*(''[^']*)*'!)?[$A-Z]+[$0-9]+\Z")


def wraps_once(function: Function) -> bool:
    """Whether the value stands in it once, so that a whole sum may."""
    return FUNCTIONS[function].count("{z}") == 1


def applied(function: Function, options: Sequence[float], z: str) -> str:
    """The function of a cell, or, where it wraps once, of a sum."""
    text = FUNCTIONS[function]
    told = z if _PLAIN.match(z) or text.count("{z}") == 1 else f"({z})"
    return text.format(*map(number, options), z=told)


def number(value: float) -> str:
    """A number in a formula: a negative one in parentheses.

    >>> number(0.5), number(-1e-05)
    ('0.5', '(-1e-05)')
    """
    told = repr(float(value)).removesuffix(".0")
    return told if value >= 0 else f"({told})"


def of_many(name: str, arguments: Sequence[str]) -> str:
    """A function such as MAX or SUM of any number of arguments: nested, where one call can't take them.

    >>> of_many("MAX", ["A1", "B1"])
    'MAX(A1,B1)'
    """
    told = list(arguments)
    while len(told) > MOST_ARGUMENTS:
        told = [f"{name}({','.join(told[k : k + MOST_ARGUMENTS])})" for k in range(0, len(told), MOST_ARGUMENTS)]
    return f"{name}({','.join(told)})"
