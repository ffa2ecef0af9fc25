"""Extents (rules 3, 4 and 6): the formula of the books, against counting windows one by one."""

import itertools

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from strategies import sized_problems

from slidesum.core.sized import Connections
from slidesum.core.sizes import size, substitute
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse

SETTINGS = settings(deadline=None, derandomize=True, max_examples=80)


def windows(cells, low, high, stride, taps, dilation=1):
    """How many windows fit into the padded axis, counted."""
    last = cells + low + high - dilation * (taps - 1) - 1
    return sum(1 for start in range(cells + low + high) if start % stride == 0 and start <= last)


def same(cells, stride, span):
    """The padding of SAME: so much in all that ceil(N/s) windows fit."""
    return max(0, (-(-cells // stride) - 1) * stride + span - cells)


SPELLINGS = ["valid", "same", "same_lower", "full", 0, 1, 2, (1, 2), (2, 0), (-1, 1), (0, -1), {"i": "same"}, {"i": (2, 1)}, {}]


@pytest.mark.parametrize("padding", SPELLINGS, ids=str)
@pytest.mark.parametrize(
    ("stride", "taps", "dilation"), [(1, 1, 1), (1, 3, 1), (2, 3, 1), (3, 2, 1), (1, 3, 2), (2, 2, 3), (4, 5, 1)]
)
def test_an_output_has_as_many_cells_as_windows_fit(padding, stride, taps, dilation):
    equation = parse(f"b {stride}*i+{dilation}*u, u -> b i")
    span = dilation * (taps - 1) + 1
    rule = padding.get("i", "valid") if isinstance(padding, dict) else padding
    for cells in range(span + 1, span + 9):
        total = same(cells, stride, span)
        low, high = {
            "valid": (0, 0),
            "same": (total // 2, total - total // 2),
            "same_lower": (total - total // 2, total // 2),
            "full": (span - 1, span - 1),
        }.get(rule, (rule, rule) if isinstance(rule, int) else rule)
        sized = solve(equation, [(1, cells), (taps,)], padding=padding)
        assert sized.result_shape == (1, windows(cells, low, high, stride, taps, dilation))
        assert sized.slides[0, 1].padding == (low, high)
        if rule in ("same", "same_lower"):
            assert sized.result_shape == (1, -(-cells // stride))
        assert sized.result_shape[1] == (cells + low + high - span) // stride + 1  # (N - F + 2P)/S + 1


@pytest.mark.parametrize(("constant", "padding"), [("", (0, 0)), ("-3", (3, 3)), ("-1", (1, 1)), ("+1", (-1, 0)), ("+2", (-2, 0))])
def test_the_constant_says_where_windows_start(constant, padding):
    sized = solve(parse(f"i+u{constant}, u -> i"), [(9,), (3,)])
    assert sized.slides[0, 0].padding == padding
    assert sized.slides[0, 0].start == -padding[0]
    assert sized.result_shape == (9 + sum(padding) - 2,)


@pytest.mark.parametrize("padding", ["valid", (3, 3), 3, {"i": 3}, {"i": "valid"}, {}])
def test_constant_and_padding_may_agree(padding):
    assert solve(parse("2*i+u-3, u -> i"), [(224,), (7,)], padding=padding).result_shape == (112,)


@pytest.mark.parametrize(
    ("cells", "padding", "out", "notes"),
    [
        (227, "valid", 55, ()),
        (224, "valid", 54, ("i: the last cell is left unread of the 224 on axis 2 of x (windows of 11, step 4)",)),
        (226, "valid", 54, ("i: the last 3 cells are left unread of the 226 on axis 2 of x (windows of 11, step 4)",)),
        (224, (1, 2), 55, ()),
        (224, "same", 56, ()),
        (224, 2, 55, ()),
    ],
)
def test_alexnets_first_layer(cells, padding, out, notes):
    sized = solve(parse("b c 4*i+u, o c u -> b o i"), [(1, 3, cells), (96, 3, 11)], padding=padding)
    assert sized.result_shape == (1, 96, out)
    assert sized.notes == notes


def test_notes_name_each_axis_and_take_no_part_in_equality():
    one = solve(parse("b 2*i+u 3*j, u -> b i j"), [(1, 6, 5), (3,)])
    assert one.notes == (
        "i: the last cell is left unread of the 6 on axis 1 of x (windows of 3, step 2)",
        "j: the last cell is left unread of the 5 on axis 2 of x (windows of 1, step 3)",
    )
    assert solve(parse("2*i, i -> i"), [(6,), (2,)]).notes == (
        "i: the last 3 cells are left unread of the 6 on axis 0 of x (windows of 1, step 2)",
    )
    assert solve(parse("2*i+u, u -> i"), [(9,), (3,)]).notes == ()


@pytest.mark.parametrize(
    ("text", "shapes", "options", "result"),
    [
        ("b c i+u j+v, o c u v -> b o i j", [(2, 3, 8, 9), (4, 3, 3, 2)], {}, (2, 4, 6, 8)),
        ("b c i+u j+v, o u v -> b (c o) i j", [(2, 3, 8, 9), (4, 3, 2)], {}, (2, 12, 6, 8)),
        ("b (g c) i+u, (g o) c u -> b (g o) i", [(1, 6, 8), (10, 3, 3)], {}, (1, 10, 6)),
        ("b (g c) i, g o c -> b (g o) i", [(1, 6, 8), (2, 5, 3)], {}, (1, 10, 8)),
        ("b d+t i+u j+v, t u v -> b d i j", [(1, 1337, 42, 314), (3, 4, 5)], {}, (1, 1335, 39, 310)),
        ("b s*i+d*u, u -> b i", [(1, 12), (3,)], {"sizes": {"s": 2, "d": 3}}, (1, 3)),
        ("b 2*s*i-d*u, u -> b i", [(1, 12), (3,)], {"sizes": {"s": 1, "d": 3}}, (1, 3)),
        ("b i-u, u -> b i", [(1, 8), (3,)], {}, (1, 6)),
        ("b u-i, u -> b i", [(1, 8), (3,)], {}, (1, 6)),
        ("b -2*i-u, u -> b i", [(1, 8), (3,)], {}, (1, 3)),
        ("b i+u+v, u, v -> b i", [(1, 8), (3,), (2,)], {}, (1, 5)),
        ("b i+u+3*v, u v -> b i", [(1, 8), (3, 2)], {}, (1, 3)),
        ("max b 2*i+u -> b i", [(1, 8)], {"sizes": {"u": 3}}, (1, 3)),
        ("max b (o p) i -> b o i", [(1, 8, 5)], {"sizes": {"p": 2}}, (1, 4, 5)),
        ("... i+u, u -> ... i", [(2, 3, 8), (3,)], {}, (2, 3, 6)),
        ("... i+u, u -> ... i", [(8,), (3,)], {}, (6,)),
        ("b ... c, o c -> b ... o", [(1, 2, 3, 4), (5, 4)], {}, (1, 2, 3, 5)),
        ("... i, ... -> i", [(2, 3, 8), (2, 3)], {}, (8,)),
        ("b c i+u j -> b c u i j", [(1, 2, 8, 4)], {"sizes": {"u": 3}}, (1, 2, 3, 6, 4)),
        ("b c u+i -> b c i u", [(1, 2, 8)], {"sizes": {"i": 3}}, (1, 2, 3, 6)),
        ("b c u i -> b c i+u", [(1, 2, 3, 6)], {}, (1, 2, 8)),
        ("b i -> b i n", [(2, 3)], {"sizes": {"n": 4}}, (2, 3, 4)),
        ("b i -> b 2*i+u", [(2, 3)], {"sizes": {"u": 2}}, (2, 6)),
        ("b c i -> b (c i)", [(2, 3, 4)], {}, (2, 12)),
        ("b (c i) -> b c i", [(2, 12)], {"sizes": {"c": 3}}, (2, 3, 4)),
        ("b 1 i -> b i 1", [(2, 1, 4)], {}, (2, 4, 1)),
        ("i, i ->", [(3,), (3,)], {}, ()),
        ("b c i j, c o u v -> b o 2*i+u 2*j+v", [(1, 2, 4, 5), (2, 3, 3, 3)], {}, (1, 3, 9, 11)),
        ("b c i j, c o u v -> b o 2*i+u-1 2*j+v-1", [(1, 2, 4, 5), (2, 3, 3, 3)], {}, (1, 3, 7, 9)),
        ("b c i, c o u -> b o i+2*u", [(1, 2, 4), (2, 3, 3)], {}, (1, 3, 8)),
        ("b i, u -> b 2*i+u+1", [(1, 4), (3,)], {}, (1, 10)),
        ("b i, b o 2*i+u -> o u", [(1, 3), (1, 2, 7)], {}, (2, 3)),
        ("b i+u, 1 -> b", [(1, 5), (1,)], {"sizes": {"i": 3, "u": 3}}, (1,)),
        ("i+u, i -> i u", [(5,), (2,)], {}, (2, 4)),
        ("i+u i+v, u v -> i", [(5, 5), (2, 3)], {}, (3,)),  # as large as can be in both
        ("i+u, i+t, u t -> i", [(9,), (4,), (2, 2)], {}, (3,)),
    ],
)
def test_the_shape_of_the_result(text, shapes, options, result):
    sized = solve(parse(text), shapes, options.get("sizes"))
    assert sized.result_shape == result
    assert sized.shapes == tuple(shapes)


@pytest.mark.parametrize("kind", ["positions", "taps", "both"])
def test_negative_coefficients_are_shifted_to_the_first_cell_allowed(kind):
    text = {"positions": "-2*i+u", "taps": "2*i-u", "both": "-2*i-u"}[kind]
    for padding in ("valid", "same", (2, 1)):
        sized = solve(parse(f"{text}, u -> i"), [(9,), (3,)], padding=padding)
        slide = sized.slides[0, 0]
        cells = [slide.cell({"i": i, "u": u}) for i in range(sized.extents["i"]) for u in range(3)]
        assert min(cells) == -slide.padding[0]
        assert max(cells) < 9 + slide.padding[1]
        assert sized.extents == solve(parse("2*i+u, u -> i"), [(9,), (3,)], padding=padding).extents


# Filters that are yet to be made


@pytest.mark.parametrize(
    ("text", "shapes", "sizes", "padding", "found"),
    [
        ("b c i+u, o c u -> b o i", [(1, 3, 9), None], {"o": 4, "u": 3}, "valid", (4, 3, 3)),
        ("b c i+u, o c u -> b o i", [(1, 3, 9), None], {"o": 4, "u": 3}, "same", (4, 3, 3)),
        ("b (g c) i+u, (g o) c u -> b (g o) i", [(1, 6, 9), None], {"g": 2, "o": 4, "u": 3}, "valid", (8, 3, 3)),
        ("b i, o 2*i+u -> o u", [(1, 3), None], {"o": 1, "u": 4}, "valid", (1, 8)),
        ("b i, o 2*i+u-1 -> o u", [(1, 3), None], {"o": 1, "u": 4}, "valid", (1, 6)),
        ("b i, o i+u+2 -> o u", [(1, 3), None], {"o": 1, "u": 4}, "valid", (1, 8)),
        ("b i, o i+u -> o u", [(1, 3), None], {"o": 1, "u": 4}, 1, (1, 4)),
        ("b i, o i+u -> o u", [(1, 3), None], {"o": 1, "u": 4}, (0, 2), (1, 4)),
        ("b i, o 3*i+2*u -> o u", [(1, 3), None], {"o": 1, "u": 4}, "same", (1, 8)),
        ("b i, o 3*i+2*u -> o u", [(1, 3), None], {"o": 1, "u": 4}, "full", (1, 1)),
        ("b i, i+u -> b u", [(1, 3), None], {"u": "m"}, "same", None),
    ],
)
def test_an_array_that_is_not_there_yet_gets_the_shape_that_fits(text, shapes, sizes, padding, found):
    sized = solve(parse(text), shapes, sizes, padding=padding)
    if found is not None:
        assert sized.shapes[1] == found
    again = solve(parse(text), sized.shapes, sizes, padding=padding)
    assert again == sized


# Transposed


@pytest.mark.parametrize(
    ("stride", "taps", "dilation"), [(1, 3, 1), (2, 3, 1), (2, 2, 1), (3, 5, 1), (3, 2, 1), (2, 3, 2), (3, 1, 1)]
)
@pytest.mark.parametrize("padding", ["valid", 0, 1, (1, 0), (0, 1), "same", "same_lower"], ids=str)
def test_a_transposed_layer_undoes_the_shape_of_the_strided_one(stride, taps, dilation, padding):
    """Every extent that it may come from can be asked for, the smallest comes by itself, and padding goes over unchanged."""
    forth = parse(f"{stride}*i+{dilation}*u, u -> i")
    back = parse(f"i, u -> {stride}*i+{dilation}*u")
    span = dilation * (taps - 1) + 1
    for cells in range(span + 2, span + 14):
        there = solve(forth, [(cells,), (taps,)], padding=padding)
        given_back = solve(
            back,
            [there.result_shape, (taps,)],
            padding=padding,
            extent={"i": cells} if padding not in ("same", "same_lower") else None,
        )
        if padding in ("same", "same_lower"):
            positions = there.result_shape[0]
            assert given_back.result_shape == (positions * stride,)
            if cells == positions * stride:
                low = there.slides[0, 0].padding[0]
                assert given_back.slides[-1, 0].padding[0] == low
        else:
            assert given_back.result_shape == (cells,)
            smallest = solve(back, [there.result_shape, (taps,)], padding=padding).result_shape[0]
            assert smallest <= cells < smallest + stride
            assert given_back.slides[-1, 0].padding[0] == there.slides[0, 0].padding[0]


@pytest.mark.parametrize(
    ("positions", "stride", "taps", "crop", "out"), [(4, 2, 3, 0, 9), (4, 2, 3, 1, 7), (5, 1, 3, 2, 3), (3, 3, 2, 0, 8)]
)
def test_the_formula_of_rule_6(positions, stride, taps, crop, out):
    sized = solve(parse(f"i, u -> {stride}*i+u"), [(positions,), (taps,)], padding=crop)
    assert sized.result_shape == (out,) == (stride * (positions - 1) + taps - 2 * crop,)


# Symbols


def test_sizes_may_be_symbols():
    sized = solve(
        parse("b c 2*i+u-1 j+v, o c u v -> b o i j"),
        [(1, 3, 9, 9), None],
        {"o": "k2", "u": 3, "v": "f"},
    )
    assert str(sized.result_shape) == "(1, k2, 5, 10 - f)"
    assert str(sized.shapes[1]) == "(k2, 3, 3, f)"


@SETTINGS
@given(sized_problems(), st.data())
def test_formulas_with_numbers_put_in_give_the_solution_in_numbers(problem, data):
    """Any extents of a layer become symbols; putting the numbers back gives what numbers gave at once."""
    sized = problem.solve()
    equation = parse(problem.pattern)
    assume("..." not in problem.pattern)
    numbers, shapes = {}, []
    for number, shape in enumerate(problem.shapes):
        symbolic = []
        for place, (axis, cells) in enumerate(zip(equation.operands[number].axes, shape, strict=True)):
            written = str(getattr(axis, "name", ""))
            if cells == 1 or not data.draw(st.booleans()):
                symbolic.append(cells)
                continue
            if any(isinstance(slide.position, str) and (n, p) == (number, place) for (n, p), slide in sized.slides.items()):
                name = f"n{number}_{place}"  # the extent of an axis that is slid over is its own
            elif written and written in equation.operands[number].bare:
                name = f"k_{written}"
            else:
                symbolic.append(cells)
                continue
            numbers[name] = cells
            symbolic.append(size(name))
        shapes.append(tuple(symbolic))
    # an index has one extent: where it is a symbol on one operand, it is that symbol on all
    for name in [name for name in numbers if name.startswith("k_")]:
        for number, operand in enumerate(equation.operands):
            for place, axis in enumerate(operand.axes):
                if getattr(axis, "name", None) == name[2:]:
                    changed = list(shapes[number])
                    changed[place] = size(name)
                    shapes[number] = tuple(changed)
                elif name[2:] in getattr(axis, "names", ()):
                    assume(False)
    sizes = {name: value for name, value in problem.sizes.items() if f"k_{name}" not in numbers}
    found = solve(equation, shapes, sizes, padding=problem.padding, border=problem.border)
    assert {name: substitute(n, numbers) for name, n in found.extents.items()} == sized.extents
    assert tuple(substitute(n, numbers) for n in found.result_shape) == sized.result_shape
    for key, slide in found.slides.items():
        there = sized.slides[key]
        assert tuple(substitute(n, numbers) for n in slide.padding) == there.padding
        assert (substitute(slide.start, numbers), substitute(slide.extent, numbers)) == (there.start, there.extent)


# Every layer


@settings(deadline=None, derandomize=True, max_examples=150)
@given(sized_problems())
def test_every_address_stays_in_the_padded_array_and_begins_at_its_first_cell(problem):
    sized = problem.solve()
    assert sized.shapes == problem.shapes
    for (number, _), slide in sized.slides.items():
        ranges = [range(sized.extents[name]) for name, _ in slide.steps]
        cells = [
            slide.cell(dict(zip([name for name, _ in slide.steps], values, strict=True))) for values in itertools.product(*ranges)
        ]
        assert min(cells) == -slide.padding[0]
        assert max(cells) < slide.extent + slide.padding[1]
        if number >= 0 and slide.position and slide.position not in sized.equation.operands[0].bare:
            carried = any(slide.position in operand.bare for operand in sized.equation.operands)
            assert carried or max(cells) + abs(slide.stride) >= slide.extent + slide.padding[1]  # one more window doesn't fit


def test_connections_and_border_are_handed_on():
    wired = Connections(("c", "o"), ((0, 0),))
    sized = solve(parse("b c i+u, o c u -> b o i"), [(1, 2, 5), (2, 2, 3)], border="circular", connections=wired)
    assert (sized.border, sized.connections) == ("circular", wired)


def test_a_bias_has_a_shape():
    sized = solve(parse("y[b,(g o),i] = x[b,(g c),i+u] * w[(g o),c,u] + a[(g o)]"), [(1, 6, 8), (10, 3, 3)])
    assert sized.bias_shape == (10,)
    assert solve(parse("y[...,i] = x[...,i] + a[i]"), [(2, 3)]).bias_shape == (3,)
    assert solve(parse("y[i] = x[i] + a[1]"), [(2,)]).bias_shape == (1,)
