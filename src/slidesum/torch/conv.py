"""An equation as an `nn.Module`: `Conv` with filters to learn, `Pool` without."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from functools import lru_cache
from math import sqrt
from typing import Any

import torch
from torch import nn

from slidesum.core.equation import Equation, HasTree, Reduce
from slidesum.core.sized import Border, Connections, Padding, Sized
from slidesum.core.sizes import SizeLike, is_number
from slidesum.draft.asked import with_bias, with_reduction
from slidesum.errors import ArrayError, SizeError, UsageError
from slidesum.laws.count import fan_in
from slidesum.laws.given import check_extent, check_positions, index_span, known_border, known_sizes
from slidesum.laws.kind import kind
from slidesum.laws.padding import known_padding
from slidesum.laws.parameters import check_connections, stored_shape
from slidesum.laws.roles import on_filters, with_role
from slidesum.laws.shape import solve
from slidesum.notation.parse import equation_of, parse
from slidesum.notation.write import axes, named, pattern
from slidesum.run import calls
from slidesum.run.compute import DEFAULT, made_for_all
from slidesum.run.execute import solved
from slidesum.run.torch import Torch
from slidesum.run.torch_autograd import signature
from slidesum.run.wiring import full_filters

BACKEND = Torch()
_MANY = 1024  # stands for the extents that only the input will tell


@torch.compiler.allow_in_graph  # type: ignore[untyped-decorator]
def _evaluate(
    spelling: Any, sizes: Any, padding: Any, border: Any, extent: Any, bias: torch.Tensor | None, *arrays: torch.Tensor
) -> torch.Tensor:
    """An equation, as `_spelled` writes it, on tensors.

    To `torch.compile` this is one node of its graph: all but the tensors are plain constants, and solving the shapes isn't traced
    but run. A symbolic size is pinned to its number, so a call of another shape compiles anew.
    """
    equation = _read(*spelling)
    tensors = [*arrays, *([bias] if bias is not None else [])]
    if not equation.is_pooling:
        tensors = _autocast(tensors)
    looks = signature(tensors)
    key = looks and (spelling, sizes, padding, type(border), border, extent, bias is None, looks)
    run = calls.known(key) if key else None
    if run is None:
        BACKEND.check(tensors, equation.reduce)
        shapes = [tuple(map(operator.index, x.shape)) for x in arrays]
        sized = solved(equation, shapes, dict(sizes), padding=dict(padding) or "valid", border=border, extent=dict(extent))
        run = made_for_all(BACKEND, sized, tensors[: len(arrays)], DEFAULT)
        if key:
            calls.remember(key, run)
    result: torch.Tensor = run(tensors[: len(arrays)], tensors[-1] if bias is not None else None)
    return result


def _autocast(tensors: list[torch.Tensor]) -> list[torch.Tensor]:
    """Under `torch.autocast` products are computed in its dtype, as those of `nn.Conv2d` are."""
    device = tensors[0].device.type
    if not torch.is_autocast_enabled(device):
        return tensors
    dtype = torch.get_autocast_dtype(device)
    return [x.to(dtype) if x.is_floating_point() and x.dtype != torch.float64 else x for x in tensors]


@lru_cache(maxsize=1024)
def _read(text: str, bias: str, reduce: Reduce) -> Equation:
    equation = parse(text)
    if bias:
        equation = with_bias(equation, bias)
    return equation if equation.reduce == reduce else with_reduction(equation, reduce)


def _spelled(equation: Equation) -> tuple[str, str, Reduce]:
    """The text of an equation, its bias and its reduction: as the user wrote it, so that messages point at known words."""
    bias = axes(equation.bias, " ") if equation.bias else ""
    for text, beside in ((equation.text, bias), (equation.text, "")):
        if text and parse(text).reduce in ("sum", equation.reduce) and _read(text, beside, equation.reduce) == equation:
            return text, beside, equation.reduce
    return named(equation), "", equation.reduce


class _Equated(nn.Module):
    """What `Conv` and `Pool` have in common: an equation, its sizes, and how it is run."""

    def __init__(
        self, equation: Equation, sizes: Mapping[str, SizeLike], padding: Padding, border: Border, extent: Any = None
    ) -> None:
        super().__init__()
        self.equation = equation
        self.sizes = known_sizes("sizes", sizes)
        self.padding, self.border = known_padding(padding), known_border(border)
        self.extent = known_sizes("extent", extent or {})
        check_positions(equation, "padding", self.padding if isinstance(self.padding, Mapping) else {})
        check_extent(equation, self.extent)
        self._spelling = _spelled(equation)
        each = self.padding if isinstance(self.padding, Mapping) else dict.fromkeys(equation.positions, self.padding)
        self._options = (tuple(self.sizes.items()), tuple(each.items()), self.border, tuple(self.extent.items()))

    def _evaluated(self, arrays: list[torch.Tensor], bias: torch.Tensor | None) -> torch.Tensor:
        refuse_other(arrays)
        result: torch.Tensor = _evaluate(self._spelling, *self._options, bias, *arrays)
        return result

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
        equation: str | Equation | HasTree,
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
        if dtype is not None and not (dtype.is_floating_point or dtype.is_complex):
            raise UsageError(f"filters of {dtype} can't be learned", advice="Give a floating dtype, such as torch.float32.")
        tree = with_bias(equation_of(equation), bias)
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
        equation: str | Equation | HasTree,
        reduce: Reduce | None = None,
        *,
        padding: Padding = "valid",
        border: Border = "zero",
        extent: Mapping[str, SizeLike] | None = None,
        **sizes: SizeLike,
    ) -> None:
        tree = with_reduction(equation_of(equation), reduce)
        if not tree.is_pooling:
            raise UsageError(f"a pooling has one operand, and the pattern has {len(tree.operands)}", advice="Write Conv(…).")
        super().__init__(tree, sizes, padding, border, extent)
        _refuse_open_taps(tree, self.sizes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The result of the equation for x."""
        return self._evaluated([x], None)


def refuse_other(arrays: Sequence[Any]) -> None:
    """Raise ArrayError for what is no tensor."""
    for x in arrays:
        if not isinstance(x, torch.Tensor):
            raise ArrayError(f"a module takes torch tensors, not {type(x).__name__}", advice="Convert it: torch.as_tensor(x).")


def _refuse_open_taps(equation: Equation, sizes: Mapping[str, Any]) -> None:
    """No input will ever tell the extent of a tap that stands in addresses only."""
    told = {*sizes, *(name for operand in equation.operands for name in operand.bare)}
    missing = [name for name in with_role(equation, "tap") if name not in told]
    if missing:
        raise SizeError(
            f"the extent of {missing[0]!r} is open",
            equation.text,
            index_span(equation, missing[0]),
            usual="Nothing that is given has an axis of that name alone.",
            advice=f"Give it beside the pattern: {', '.join(f'{n}=3' for n in missing)}.",
        )


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
