"""An equation as an `nn.Module`: `Conv` with filters to learn, `Pool` without."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from math import sqrt
from typing import Any

import torch
from torch import nn

from slidesum.core.equation import Equation, Reduce
from slidesum.core.sized import Border, Connections, Padding, Sized
from slidesum.core.sizes import SizeLike, is_number, size
from slidesum.draft.verbs import with_bias, with_reduction
from slidesum.errors import SizeError, UsageError
from slidesum.laws.count import fan_in
from slidesum.laws.kind import kind
from slidesum.laws.parameters import check_connections, stored_shape
from slidesum.laws.roles import on_filters
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.notation.write import axes, named, pattern
from slidesum.run.execute import solved
from slidesum.run.torch import Torch
from slidesum.run.windows import compute
from slidesum.run.wiring import full_filters

BACKEND = Torch()
_MANY = 1024  # stands for the extents that only the input will tell


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def _evaluate(
    text: str, sizes: Any, padding: Any, border: Any, extent: Any, bias: torch.Tensor | None, *arrays: torch.Tensor
) -> torch.Tensor:
    """An equation in its named spelling on tensors.

    To `torch.compile` this is one node of its graph: all but the tensors are plain constants, and solving the shapes isn't traced
    but run. A symbolic size is pinned to its number, so a call of another shape compiles anew.
    """
    equation, shapes = parse(text), [tuple(map(operator.index, x.shape)) for x in arrays]
    BACKEND.check([*arrays, *([bias] if bias is not None else [])], equation.reduce)
    sized = solved(equation, shapes, dict(sizes), padding=padding, border=border, extent=dict(extent))
    return compute(BACKEND, sized, arrays, bias)  # type: ignore[no-any-return]


class _Equated(nn.Module):
    """What `Conv` and `Pool` have in common: an equation, its sizes, and how it is run."""

    def __init__(
        self, equation: Equation, sizes: Mapping[str, SizeLike], padding: Padding, border: Border, extent: Any = None
    ) -> None:
        super().__init__()
        self.equation = equation
        self.sizes = {name: size(value) for name, value in sizes.items()}
        self.padding, self.border = padding, border
        self.extent = {name: size(value) for name, value in (extent or {}).items()}
        self._text = named(equation)

    def _evaluated(self, arrays: list[torch.Tensor], bias: torch.Tensor | None) -> torch.Tensor:
        sizes, extent = tuple(self.sizes.items()), tuple(self.extent.items())
        return _evaluate(self._text, sizes, self.padding, self.border, extent, bias, *arrays)  # type: ignore[no-any-return]

    def extra_repr(self) -> str:
        given = "".join(f", {name}={value}" for name, value in self.sizes.items())
        bias = f", bias=[{axes(self.equation.bias, ',')}]" if self.equation.bias else ""
        pad = "" if self.padding == "valid" else f", padding={self.padding!r}"
        edge = "" if self.border == "zero" else f", border={self.border!r}"
        return f"{pattern(self.equation)}{given}{bias}{pad}{edge}: {kind(self.equation)}"


class Conv(_Equated):
    """A layer with filters, from its equation.

    The filters are the parameters `w`, `w2`, … in the shapes that the equation names, and `bias` where it has one. They begin as
    those of `nn.Conv2d` with the same number of terms in a sum (uniform within ±1/sqrt(fan_in)).

        >>> layer = Conv("b c i+u j+v, o c u v -> b o i j", c=3, o=64, u=3, v=3, bias="o", padding="same")
        >>> layer
        Conv(b c i+u j+v, o c u v -> b o i j, c=3, o=64, u=3, v=3, bias=[o], padding='same': type 2.2)
        >>> layer(torch.zeros(2, 3, 8, 8)).shape
        torch.Size([2, 64, 8, 8])

    Raises SizeError if a size is missing that the filters, or their initialisation, depend on.
    """

    def __init__(
        self,
        equation: str | Equation,
        *,
        bias: str | bool | None = None,
        padding: Padding = "valid",
        border: Border = "zero",
        extent: Mapping[str, SizeLike] | None = None,
        connections: Connections | None = None,
        device: Any = None,
        dtype: torch.dtype | None = None,
        **sizes: SizeLike,
    ) -> None:
        tree = with_bias(parse(equation) if isinstance(equation, str) else equation, bias)
        super().__init__(tree, sizes, padding, border, extent)
        self.connections = connections
        template = _template(self.equation, self.sizes, connections)
        self.fan_in = int(fan_in(template))
        self._filters = tuple(operand.name for operand in template.filters)
        for number, name in enumerate(self._filters, start=1):
            if hasattr(self, name):
                raise UsageError(
                    f"a module's filter can't be called {name!r}",
                    usual="The module has an attribute of that name already.",
                    advice="Give it another name in the equation, such as w.",
                )
            shape = stored_shape(template, number)
            self.register_parameter(name, nn.Parameter(torch.empty(shape, device=device, dtype=dtype)))
        bias_shape = template.bias_shape
        self.register_parameter(
            "bias", None if bias_shape is None else nn.Parameter(torch.empty(bias_shape, device=device, dtype=dtype))
        )
        self._wired = template if connections else None
        self.bias: nn.Parameter | None
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw filters and bias anew."""
        bound = 1 / sqrt(max(1, self.fan_in))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -bound, bound)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The result of the equation for x."""
        filters = [getattr(self, name) for name in self._filters]
        if self._wired is not None:
            filters = full_filters(BACKEND, self._wired, filters)
        return self._evaluated([x, *filters], self.bias)


class Pool(_Equated):
    """A layer without filters, from its equation.

    >>> Pool("b c 2*i+u 2*j+v -> b c i j", "max", u=3, v=3)
    Pool(max b c 2*i+u 2*j+v -> b c i j, u=3, v=3: max pooling, stride 2)
    """

    def __init__(
        self,
        equation: str | Equation,
        reduce: Reduce | None = None,
        *,
        padding: Padding = "valid",
        border: Border = "zero",
        extent: Mapping[str, SizeLike] | None = None,
        **sizes: SizeLike,
    ) -> None:
        tree = with_reduction(parse(equation) if isinstance(equation, str) else equation, reduce)
        super().__init__(tree, sizes, padding, border, extent)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The result of the equation for x."""
        return self._evaluated([x], None)


def _template(equation: Equation, sizes: Mapping[str, Any], connections: Connections | None) -> Sized:
    """The equation with sizes that stand in for those of the input to come."""
    symbolic = next((name for name, value in sizes.items() if not is_number(value)), None)
    if symbolic:
        raise SizeError(
            f"the size {symbolic}={sizes[symbolic]} is a symbol", advice="A module needs numbers: its filters are arrays."
        )
    weighted = on_filters(equation)
    free = [name for name in equation.result.indices if name not in weighted and name not in sizes]
    told = {name: _MANY if name in equation.positions else 1 for name in free}
    sized = solve(equation, [None] * len(equation.operands), {**told, **sizes}, connections=connections)
    check_connections(sized)
    return sized
