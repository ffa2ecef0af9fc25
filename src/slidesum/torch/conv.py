"""An equation as an `nn.Module`: `Conv` with filters to learn, `Pool` without."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any, Literal, cast

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
from slidesum.notation.parse import equation_of
from slidesum.notation.write import axes, pattern
from slidesum.run.native import NO_ENGINE, available
from slidesum.run.torch_autograd import watched
from slidesum.run.torch_learning import Lesson
from slidesum.run.wiring import full_filters
from slidesum.torch.evaluate import BACKEND, evaluate, spelled, taught

Engine = Literal["plans", "native"]
_MANY = 1024  # stands for the extents that only the input will tell


class _Equated(nn.Module):
    """What `Conv` and `Pool` have in common: an equation, its sizes, and how it is run."""

    engine: Engine = "plans"

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
        self._spelling = spelled(equation)
        each = self.padding if isinstance(self.padding, Mapping) else dict.fromkeys(equation.positions, self.padding)
        self._options = (tuple(self.sizes.items()), tuple(each.items()), self.border, tuple(self.extent.items()))

    def _evaluated(self, arrays: list[torch.Tensor], bias: torch.Tensor | None) -> torch.Tensor:
        refuse_other(arrays)
        result: torch.Tensor = evaluate(self._spelling, *self._options, bias, *arrays)
        return result

    def extra_repr(self) -> str:
        given = "".join(f", {name}={value}" for name, value in self.sizes.items())
        bias = f", bias=[{axes(self.equation.bias, ',')}]" if self.equation.bias else ""
        pad = "" if self.padding == "valid" else f", padding={self.padding!r}"
        edge = "" if self.border == "zero" else f", border={self.border!r}"
        engine = "" if self.engine == "plans" else f", engine={self.engine!r}"
        return f"{pattern(self.equation)}{given}{bias}{pad}{edge}{engine}: {kind(self.equation)}"


class Conv(_Equated):
    """A layer with filters, from its equation.

    The filters are the parameters `w`, `w2`, … in the shapes that the equation names, and `bias` where it has one. They begin as
    those of `nn.Conv2d` with the same number of terms in a sum (uniform within ±1/sqrt(fan_in)).

        >>> layer = Conv("b c i+u j+v, o c u v -> b o i j", c=3, o=64, u=3, v=3, bias="o", padding="same")
        >>> layer
        Conv(b c i+u j+v, o c u v -> b o i j, c=3, o=64, u=3, v=3, bias=[o], padding='same': type 2.2)
        >>> layer(torch.zeros(2, 3, 8, 8)).shape
        torch.Size([2, 64, 8, 8])

    `engine="native"` computes y and both gradients by the engine's own kernels, by Winograd's transforms, where there are such:
    square windows of 3 or 5 taps a side, in steps of one, over at least as many maps and filters as a vector holds (16, say), in
    float32 on the CPU, where there are tiles enough. They round within 1e-5 of the result, as a norm; filters that wouldn't when
    they are first used, and everything else, are left to the plan. `engine_for` says who computes.

        >>> layer = Conv("b c i+u j+v, o c u v -> b o i j", c=32, o=32, u=3, v=3, padding="same", engine="native")
        >>> layer.engine_for(1, 32, 28, 28), layer.engine_for(1, 32, 2, 2)
        ('native', 'plans')

    Raises SizeError if a size is missing that the filters, or their initialisation, depend on; UsageError for another engine.
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
        engine: Engine = "plans",
        **sizes: SizeLike,
    ) -> None:
        self.engine = _known_engine(engine)
        self._rounds: dict[tuple[int, ...], bool] = {}
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
        if self.engine == "native" and self._wired is None and len(filters) == 1:
            y = self._learned(x, filters[0])
            if y is not None:
                return y
        return self._evaluated([x, *filters], self.bias)

    def engine_for(self, *shape: int) -> Engine:
        """Who computes x of this shape: "native" kernels, or "plans"."""
        is_native = self.engine == "native" and self._wired is None and len(self._filters) == 1
        return "native" if is_native and self._lesson(shape) else "plans"

    def _learned(self, x: torch.Tensor, w: torch.Tensor) -> torch.Tensor | None:
        """The result by kernels that learn, or None where it is the plan's to compute."""
        arrays = [x, w] if self.bias is None else [x, w, self.bias]
        refuse_other(arrays)
        is_plain = all(a.dtype == torch.float32 and a.device.type == "cpu" and a.layout == torch.strided for a in arrays)
        if not is_plain or torch.is_autocast_enabled("cpu") or watched(arrays) == "traced":
            return None
        found = self._lesson(tuple(x.shape))
        return None if found is None else found(lambda *both: self._evaluated(list(both), None), x, w, self.bias)

    def _lesson(self, shape: tuple[int, ...]) -> Lesson | None:
        """The kernels for x of this shape, if these filters round well by them; that is measured once."""
        w = getattr(self, self._filters[0])
        found = taught(self._spelling, *self._options, shape, tuple(w.shape), torch.get_num_threads())
        if found is None:
            return None
        if shape not in self._rounds:
            self._rounds[shape] = found.rounds_well(w)
        return found if self._rounds[shape] else None


def _known_engine(engine: Any) -> Engine:
    if engine not in ("plans", "native"):
        raise UsageError(
            f"engine= is 'plans' or 'native', not {engine!r}", advice='Write engine="native" for the engine\'s kernels.'
        )
    if engine == "native" and not available():
        warnings.warn(f"{NO_ENGINE}; the layer is computed by its plan", stacklevel=3)
    return cast("Engine", engine)


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
