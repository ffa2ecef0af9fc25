"""What an equation becomes in torch: its own layer where torch.nn has one, `slidesum.torch.Conv` or `torch.einsum` otherwise.

b c 2*i+u 2*j+v, o c u v -> b o i j        nn.Conv2d(c, o, 3, stride=2)       also grouped, depthwise, dilated, 1-D, 3-D
b c i j, c o u v -> b o 2*i+u 2*j+v        nn.ConvTranspose2d(c, o, 3, stride=2)
b f, o f -> b o                            nn.Linear(f, o)                    also of several axes, or of the last one
max b c 2*i+u 2*j+v -> b c i j             nn.MaxPool2d(3, stride=2)
mean b c i j -> b c                        x.mean((2, 3))
b c i j -> b (c i j)                       torch.flatten(x, 1)
b i j c -> b c i j                         x.permute(0, 3, 1, 2)
b i c, b j c -> b i j                      torch.einsum("bic,bjc->bij", x, y)
"""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_letters
from typing import Any

from slidesum.core.axis import Merged, Name, One
from slidesum.core.network import Node
from slidesum.core.ops import Layer
from slidesum.core.sized import Sized
from slidesum.core.sizes import prod
from slidesum.laws.parameters import parameters, sizes_needed
from slidesum.notation.write import axes as written_axes
from slidesum.notation.write import named, pattern
from slidesum.show.code import number, sequence, text
from slidesum.show.source_layers import Written
from slidesum.show.source_windows import are_names, even_padding, slides_of, taps_of, window_of


def equation_written(node: Node) -> Written:
    """The first way that fits."""
    op, sized = node.op, node.sized
    assert isinstance(op, Layer)
    assert sized is not None
    if len(node.inputs) > 1:
        return _of_several(node, op, sized)
    if op.connections is None and op.border == "zero":
        ways = (_moved, _reduced, _pooled) if len(sized.equation.operands) == 1 else (_linear, _convolution, _transposed)
        for way in ways:
            if (found := way(sized)) is not None:
                return found
    return _by_slidesum(node, op, sized)


# One operand


def _moved(sized: Sized) -> Written | None:
    """torch.flatten, or another order of the axes."""
    x, y = sized.equation.operands[0].axes, sized.equation.result.axes
    if not all(isinstance(axis, Name) for axis in x) or sized.equation.summed:
        return None
    names = [axis.name for axis in x if isinstance(axis, Name)]
    if len(y) == 2 and y[0] == x[0] and y[1] == Merged(tuple(names[1:])):
        return Written("torch.flatten({0}, 1)")
    if sorted(names) == sorted(axis.name for axis in y if isinstance(axis, Name)) and len(y) == len(x):
        return Written(f"{{0}}.permute({', '.join(str(names.index(axis.name)) for axis in y if isinstance(axis, Name))})")
    return None


def _reduced(sized: Sized) -> Written | None:
    """Whole axes reduced, the others kept in their order, those that vanish perhaps as ones."""
    x, y, summed = sized.equation.operands[0].axes, sized.equation.result.axes, sized.equation.summed
    if not summed or not all(isinstance(axis, Name) for axis in x):
        return None
    gone = [k for k, axis in enumerate(x) if isinstance(axis, Name) and axis.name in summed]
    rest = [axis for k, axis in enumerate(x) if k not in gone]
    ones = [One() if k in gone else axis for k, axis in enumerate(x)]
    if list(y) not in (rest, ones):
        return None
    verb = {"sum": "sum", "mean": "mean", "max": "amax", "min": "amin"}[sized.equation.reduce]
    keep = ", keepdim=True" if list(y) == ones else ""
    return Written(f"{{0}}.{verb}({gone[0] if len(gone) == 1 else sequence(gone)}{keep})")


def _pooled(sized: Sized) -> Written | None:
    """nn.MaxPool and nn.AvgPool, channels first."""
    x, y, reduce = sized.equation.operands[0].axes, sized.equation.result.axes, sized.equation.reduce
    if reduce not in ("max", "mean") or not 3 <= len(x) <= 5 or x[:2] != y[:2] or not are_names(x[:2]):
        return None
    slides = slides_of(sized, x, y)
    if slides is None or any(name not in sized.equation.summed for slide in slides for name, _ in slide.taps):
        return None
    window, strides, dilation = window_of(sized, slides)
    padding, ceiling = even_padding(sized, slides, window, dilation), False
    if padding is None and reduce == "max":
        padding, ceiling = even_padding(sized, slides, window, dilation, ceiling=True), True
    if padding is None or any(2 * p > k for p, k in zip(padding, window, strict=True)) or (reduce == "mean" and max(dilation) > 1):
        return None
    kind = "MaxPool" if reduce == "max" else "AvgPool"
    options = _options(stride=(strides, window), padding=(padding, 0), dilation=(dilation, 1), ceil_mode=(ceiling, False))
    return Written("{self}({0})", f"nn.{kind}{len(slides)}d({_told(window)}{options})")


# With filters


def _linear(sized: Sized) -> Written | None:
    """nn.Linear: of the last axis, or of all axes behind the batch."""
    equation = sized.equation
    x, y = equation.operands[0].axes, equation.result.axes
    w = tuple(axis for axis in equation.operands[1].axes if axis != One())
    if len(equation.operands) != 2 or not are_names((*x, *w, *y)) or len(x) < 2:
        return None
    outputs = y[-1]
    plain = "" if w == equation.operands[1].axes else f".reshape({', '.join(str(n) for n in sized.shapes[1] if n != 1)})"
    bias = None if equation.bias is None else equation.bias.axes
    if bias not in (None, (outputs,)) or outputs in x:
        return None
    arrays: dict[str, tuple[str, str]]
    name = equation.operands[1].name
    if x[:-1] == y[:-1] and set(w) == {x[-1], outputs} and len(w) == 2:
        if plain and 1 in (sized.shapes[0][-1], sized.result_shape[-1]):
            return None
        arrays = {"weight": (name, plain + ("" if w[0] == outputs else ".T"))}
        flat, call = sized.shapes[0][-1], "{self}({0})"
    elif len(y) == 2 and y[0] == x[0] and w == (outputs, *x[1:]):
        flat, call = prod(sized.shapes[0][1:]), "{self}(torch.flatten({0}, 1))"
        arrays = {"weight": (name, f".reshape({sized.result_shape[-1]}, {flat})")}
    else:
        return None
    if bias:
        arrays["bias"] = ("bias", "")
    return Written(call, f"nn.Linear({flat}, {sized.result_shape[-1]}{'' if bias else ', bias=False'})", arrays)


def _convolution(sized: Sized) -> Written | None:
    """nn.Conv, channels first."""
    equation = sized.equation
    x, w, y = equation.operands[0].axes, equation.operands[1].axes, equation.result.axes
    if len(equation.operands) != 2 or not 3 <= len(x) <= 5 or len(y) != len(x) or x[0] != y[0] or not isinstance(x[0], Name):
        return None
    slides = slides_of(sized, x, y)
    if slides is None:
        return None
    groups: int
    match x[1], y[1], w:
        case Name(c), Name(o), (Name(a), Name(b), *rest) if (a, b) == (o, c) and o != c:
            groups, reshaped = 1, False
        case Merged((g, c)), Merged((h, o)), (Merged((k, a)), Name(b), *rest) if g == h == k and (a, b) == (o, c):
            groups, reshaped = int(sized.extents[g]), False
        case Name(c), Name(o), (Name(a), *rest) if o == c == a:
            groups, reshaped = int(sized.extents[c]), True
        case Name(c), Merged((b, m)), (Name(a), Name(n), *rest) if c == b == a and m == n:
            groups, reshaped = int(sized.extents[c]), True
        case _:
            return None
    if rest not in (taps_of(slides), taps_of(slides, One())) or (equation.bias is not None and equation.bias.axes != (y[1],)):
        return None
    window, strides, dilation = window_of(sized, slides)
    padding = even_padding(sized, slides, window, dilation)
    if padding is None:
        return None
    channels, filters = sized.shapes[0][1], sized.result_shape[1]
    biased = equation.bias is not None
    options = _options(stride=(strides, 1), padding=(padding, 0), dilation=(dilation, 1), groups=(groups, 1), bias=(biased, True))
    how = f".reshape{sequence((filters, int(channels) // groups, *window))}" if reshaped or len(w) < len(x) else ""
    arrays = {"weight": (equation.operands[1].name, how)}
    if biased:
        arrays["bias"] = ("bias", "" if isinstance(y[1], Name) else f".reshape({filters})")
    return Written("{self}({0})", f"nn.Conv{len(slides)}d({channels}, {filters}, {_told(window)}{options})", arrays)


def _transposed(sized: Sized) -> Written | None:
    """nn.ConvTranspose, channels first."""
    equation = sized.equation
    x, w, y = equation.operands[0].axes, equation.operands[1].axes, equation.result.axes
    if len(equation.operands) != 2 or not 3 <= len(x) <= 5 or len(y) != len(x) or x[0] != y[0] or not are_names((*x, *y[:2])):
        return None
    if len(w) != len(x) or w[:2] != (x[1], y[1]) or x[1] == y[1]:
        return None
    slides = [sized.slides.get((-1, k)) for k in range(2, len(y))]
    found = [slide for slide in slides if slide is not None and len(slide.taps) == 1 and slide.position is not None]
    if len(found) < len(slides) or [Name(slide.position or "") for slide in found] != list(x[2:]):
        return None
    if list(w[2:]) != [Name(slide.taps[0][0]) for slide in found] or any(step < 1 for slide in found for _, step in slide.steps):
        return None
    if equation.bias is not None and equation.bias.axes != (y[1],):
        return None
    window, strides, dilation = window_of(sized, found)
    padding = tuple(int(slide.padding[0]) for slide in found)
    positions = [int(sized.extents[slide.position or ""]) for slide in found]
    whole = [(n - 1) * s + d * (k - 1) + 1 for n, s, d, k in zip(positions, strides, dilation, window, strict=True)]
    more = tuple(int(slide.extent) - (n - 2 * p) for slide, n, p in zip(found, whole, padding, strict=True))
    if any(p < 0 for p in padding) or any(not 0 <= m < max(s, d) for m, s, d in zip(more, strides, dilation, strict=True)):
        return None
    biased = equation.bias is not None
    options = _options(
        stride=(strides, 1), padding=(padding, 0), output_padding=(more, 0), bias=(biased, True), dilation=(dilation, 1)
    )
    made = f"nn.ConvTranspose{len(found)}d({sized.shapes[0][1]}, {sized.result_shape[1]}, {_told(window)}{options})"
    return Written("{self}({0})", made, {"weight": (equation.operands[1].name, ""), **({"bias": ("bias", "")} if biased else {})})


# What torch.nn lacks


def _by_slidesum(node: Node, op: Layer, sized: Sized) -> Written:
    """The equation as it stands."""
    equation = sized.equation
    kept = [p.name for p in parameters(node)]
    told = {**(sizes_needed(sized) if kept else {}), **op.sizes}
    plain = all(operand.name == ("x", "w")[k] if k < 2 else operand.name == f"w{k}" for k, operand in enumerate(equation.operands))
    spelled = pattern(equation) if plain else named(equation)
    arguments = [text(spelled), *(f"{name}={value}" for name, value in told.items())]
    if plain and equation.bias is not None:
        arguments.append(f"bias={text(written_axes(equation.bias, ' '))}")
    if op.padding != "valid":
        arguments.append(f"padding={_literal(op.padding)}")
    if op.border != "zero":
        arguments.append(f"border={_literal(op.border)}")
    if op.extent:
        arguments.append(f"extent={_literal(op.extent)}")
    if op.connections is not None:
        pairs = sequence(sequence(pair) for pair in op.connections.pairs)
        arguments.append(f"connections=Connections({sequence(map(text, op.connections.indices))}, {pairs})")
    return Written("{self}({0})", f"{'Conv' if kept else 'Pool'}({', '.join(arguments)})", {name: (name, "") for name in kept})


def _of_several(node: Node, op: Layer, sized: Sized) -> Written:
    """torch.einsum where nothing slides; filters beside the results are parameters of the module."""
    equation = sized.equation
    kept = parameters(node)
    made = ", ".join(f"{text(p.name)}: nn.Parameter(torch.zeros({sequence(p.shape)}))" for p in kept)
    arrays = {p.name: (p.name, "") for p in kept}
    given = [f"{{{k}}}" for k in range(len(node.inputs))]
    given += [f"{{self}}[{text(p.name)}]" for p in kept if p.name != "bias"]
    bias = equation.bias is not None
    plain = equation.reduce == "sum" and all(are_names(operand.axes) for operand in (*equation.operands, equation.result))
    if plain and not bias and len(equation.indices) <= len(ascii_letters) and op.connections is None:
        letters = _letters(equation.indices)
        parts = ["".join(letters[name] for name in operand.indices) for operand in equation.operands]
        spelled = f"{','.join(parts)}->{''.join(letters[name] for name in equation.result.indices)}"
        call = f"torch.einsum({text(spelled)}, {', '.join(given)})"
    else:
        spelled = named(equation)
        more = [f"{name}={value}" for name, value in op.sizes.items()]
        more += [f"padding={_literal(op.padding)}"] if op.padding != "valid" else []
        more += [f"border={_literal(op.border)}"] if op.border != "zero" else []
        more += ['bias={self}["bias"]'] if bias else []
        call = f"slidesum.conv({', '.join([text(spelled), *given, *more])})"
    return Written(call, f"nn.ParameterDict({{{made}}})" if kept else "", arrays)


def _letters(names: Sequence[str]) -> dict[str, str]:
    """A letter for every index: its own where it is one."""
    found = {name: name for name in names if len(name) == 1 and name in ascii_letters}
    free = iter(letter for letter in ascii_letters if letter not in found)
    return {name: found.get(name) or next(free) for name in names}


def _literal(value: Any) -> str:
    match value:
        case str():
            return text(value)
        case tuple():
            return sequence(_literal(n) for n in value)
        case int() | float() | complex():
            return number(value)
        case _:
            return "{" + ", ".join(f"{text(name)}: {_literal(rule)}" for name, rule in value.items()) + "}"


def _told(numbers: Sequence[int]) -> str:
    """One number for all, where they are the same."""
    return str(numbers[0]) if len(set(numbers)) == 1 else sequence(numbers)


def _options(**given: tuple[Any, Any]) -> str:
    """Arguments that aren't what torch takes when nothing is said."""
    told = []
    for name, (value, default) in given.items():
        if isinstance(value, tuple):
            if value != default and any(n != default for n in value):
                told.append(f", {name}={_told(value)}")
        elif value != default:
            told.append(f", {name}={value}")
    return "".join(told)
