"""Counts: the design's table as formulas, published numbers, and every term counted in plain loops."""

import math
from collections import Counter, defaultdict

import pytest
import sympy
from hypothesis import assume, given, settings
from strategies import assignments, cell, inside, sized_problems

from slidesum.core.sized import Connections
from slidesum.core.sizes import size, substitute
from slidesum.laws import edge
from slidesum.laws.count import ITEM_BYTES, Counts, backward_macs, count, fan_in, inputs_per_output, weights
from slidesum.laws.gradient import gradient_of
from slidesum.laws.inside import combinations_inside
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse

k1, k2, n, m, g = (sympy.Symbol(name, integer=True, positive=True) for name in ("k1", "k2", "n", "m", "g"))

# the equation, its sizes, maps out, weights, and values read per output value: k2 filters of 5×5 on k1 maps
TABLE = [
    ("b c i+u j+v, o u v -> b (c o) i j", {"o": "k2"}, k1 * k2, 25 * k2, 25),
    ("b c i+u j+v, o u v -> b o i j", {"o": "k2"}, k2, 25 * k2, 25 * k1),
    ("b c i+u j+v, o c u v -> b o i j", {"o": "k2"}, k2, 25 * k1 * k2, 25 * k1),
    ("b c i+u j+v, c u v -> b c i j", {}, k1, 25 * k1, 25),
    ("b c i+u j+v, c u v, o c -> b o i j", {"o": "k2"}, k2, 25 * k1 + k1 * k2, 25 * k1),
    ("b c i j, o c -> b o i j", {"o": "k2"}, k2, k1 * k2, k1),
    ("max b c i+u j+v -> b c i j", {}, k1, 0, 25),
    ("b c i+u j+v, o c i j u v -> b o i j", {"o": "k2"}, k2, 25 * k1 * k2 * (n - 4) * (m - 4), 25 * k1),
    ("b c i+u j+v, b o c u v -> b o i j", {"o": "k2"}, k2, 25 * k1 * k2, 25 * k1),
]


@pytest.mark.parametrize(("text", "sizes", "maps", "held", "read"), TABLE, ids=[row[0] for row in TABLE])
def test_the_table_of_layers_as_formulas(text, sizes, maps, held, read):
    equation = parse(text)
    taps = {"u": 5, "v": 5} if "u" in equation.indices else {}
    shapes = [(1, "k1", "n", "m"), *[None] * (len(equation.operands) - 1)]
    sized = solve(equation, [shape and tuple(map(size, shape)) for shape in shapes], sizes | taps)
    assert sized.result_shape[1] == maps
    found = count(sized)
    assert sympy.expand(found.weights - held) == 0
    assert inputs_per_output(sized) == read
    for a, b in ((1, 1), (2, 3), (7, 5)):
        numbers = {"k1": a, "k2": b, "n": 9, "m": 8}
        here = solve(equation, [(1, a, 9, 8), *[None] * (len(equation.operands) - 1)], dict.fromkeys(sizes, b) | taps)
        assert tuple(substitute(value, numbers) for value in sized.result_shape) == here.result_shape
        for name in Counts.__slots__:
            assert substitute(getattr(found, name), numbers) == getattr(count(here), name)
        assert count(here).weights == sum(map(math.prod, here.shapes[1:]))


def test_groups_divide_the_weights():
    equation = parse("b (g c) i+u j+v, (g o) c u v -> b (g o) i j")
    sized = solve(equation, [(1, 32, 20, 20), None], {"g": 4, "o": 12, "u": 5, "v": 5})
    assert (sized.result_shape[1], count(sized).weights) == (48, 25 * 32 * 48 // 4)
    symbolic = solve(equation, [(1, size("k1"), 20, 20), None], {"g": "g", "o": "k2/g", "u": 5, "v": 5})
    assert sympy.simplify(count(symbolic).weights - 25 * k1 * k2 / g) == 0


def test_a_filter_that_slides_over_the_stack_has_few_weights():
    sized = solve(parse("b d+t i+u j+v, t u v -> b d i j"), [(1, 1337, 42, 314), (3, 4, 5)])
    assert sized.result_shape == (1, 1335, 39, 310)
    assert (count(sized).weights, count(sized).macs) == (60, 60 * 1335 * 39 * 310)


def test_the_three_types_of_the_question():
    """9·k1 weights in the first layer, and 25·k2, 25·k2, 25·k1·k2 in the second."""
    first = count(
        solve(parse("y[b,o,i,j] = x[b,c,i+u,j+v] * w[o,c,u,v] + a[o]"), [(1, 1, 28, 28), None], {"o": "k1", "u": 3, "v": 3})
    )
    assert (first.weights, first.biases, first.parameters) == (9 * k1, k1, 10 * k1)
    for filters, result, held in (("o,u,v", "(c o)", 25 * k2), ("o,u,v", "o", 25 * k2), ("o,c,u,v", "o", 25 * k1 * k2)):
        text = f"y[b,{result},i,j] = x[b,c,i+u,j+v] * w[{filters}] + a[o]"
        second = count(solve(parse(text), [(1, size("k1"), 28, 28), None], {"o": "k2", "u": 5, "v": 5}, padding="same"))
        assert (second.weights, second.biases) == (held, k2)
        assert second.macs == 25 * k1 * k2 * 28 * 28


# Published numbers


def test_lenet5_c3_with_its_table():
    pairs = [(m_in, m_out) for m_out, row in enumerate(LENET_C3) for m_in in row]
    wired = Connections(("c", "o"), tuple(pairs))
    equation = parse("y[b,o,i,j] = x[b,c,i+u,j+v] * w[o,c,u,v] + a[o]")
    sized = solve(equation, [(1, 6, 14, 14), (16, 6, 5, 5)], connections=wired)
    found = count(sized)
    assert (found.weights, found.biases, found.parameters) == (1500, 16, 1516)
    assert (found.macs, found.connections) == (150_000, 151_600)
    assert found.macs_inside == found.macs
    assert inputs_per_output(sized) == fan_in(sized) == 6 * 25
    assert (
        inputs_per_output(solve(equation, [(1, 6, 14, 14), (16, 6, 5, 5)], connections=Connections(("c", "o"), tuple(pairs[:9]))))
        == 75
    )


LENET_C3 = [
    *[sorted(((k + d) % 6) for d in range(3)) for k in range(6)],
    *[sorted(((k + d) % 6) for d in range(4)) for k in range(6)],
    *[[0, 1, 3, 4], [1, 2, 4, 5], [0, 2, 3, 5]],
    list(range(6)),
]


@pytest.mark.parametrize(
    ("text", "shapes", "options", "macs", "macs_inside"),
    [
        ("b c i j, c o u v -> b o 2*i+u 2*j+v", [(1, 3, 2, 2), (3, 1, 2, 2)], {}, 48, 48),  # counted on its input positions
        ("b c i j, c o u v -> b o 2*i+u-1 2*j+v-1", [(1, 1, 2, 2), (1, 1, 3, 3)], {}, 36, 16),
        ("b c i+u-1 j+v-1, o c u v -> b o i j", [(1, 3, 224, 224), (64, 3, 3, 3)], {}, 86_704_128, 3 * 64 * (3 * 224 - 2) ** 2),
        ("i+u-1, u -> i", [(5,), (3,)], {}, 15, 13),
        ("b c i+u, o c u -> b o i", [(1, 2, 5), (3, 2, 3)], {"padding": "full"}, 7 * 3 * 2 * 3, 5 * 3 * 2 * 3),
        ("max b i+u -> b i", [(1, 8)], {"sizes": {"u": 3}}, 0, 0),
        ("b i, o, r -> b o i", [(2, 3), (4,), (5,)], {}, 2 * 2 * 3 * 4 * 5, 2 * 2 * 3 * 4 * 5),
    ],
)
def test_multiply_adds(text, shapes, options, macs, macs_inside):
    found = count(solve(parse(text), shapes, options.pop("sizes", None), **options))
    assert (found.macs, found.macs_inside) == (macs, macs_inside)


def test_bytes_and_sums():
    one = count(solve(parse("y[b,o] = x[b,c] * w[o,c] + a[o]"), [(2, 3), (4, 3)]))
    assert (one.weights, one.biases, one.macs, one.connections, one.outputs) == (12, 4, 24, 32, 8)
    assert [one.weight_bytes(dtype) for dtype in ITEM_BYTES] == [32, 32, 64, 128]
    assert (one.weight_bytes(), one.activation_bytes()) == (64, 32)
    assert one + one == Counts(24, 8, 48, 48, 64, 16)
    assert one + Counts() == one


def test_weights_are_the_elements_of_the_arrays_whatever_stands_on_them():
    assert weights(solve(parse("b i, o 2*i+u -> b o u"), [(1, 3), (2, 9)])) == 18
    assert weights(solve(parse("b i, i i -> b"), [(1, 3), (3, 3)])) == 9


@pytest.mark.parametrize(
    ("text", "shapes", "sizes", "read", "terms"),
    [
        ("b c i+u+v, o c u v -> b o i", [(1, 2, 9), (3, 2, 3, 2)], {}, 2 * 4, 2 * 6),  # taps that meet read a cell once
        ("b c i+2*u+v, o c u v -> b o i", [(1, 2, 9), (3, 2, 3, 2)], {}, 2 * 6, 2 * 6),
        ("b c i, c o u -> b o 2*i+u", [(1, 2, 9), (2, 3, 3)], {}, 2 * 2, 2 * 2),
        ("b c i, c o u -> b o 3*i+u", [(1, 2, 9), (2, 3, 2)], {}, 2, 2),
        ("b c i, c o u -> b o i+u", [(1, 2, 2), (2, 3, 5)], {}, 2 * 2, 2 * 2),  # no more than there are
        ("b c i, c o u v -> b o i+u+v", [(1, 1, 9), (1, 1, 3, 3)], {}, 5, 9),
        ("b u i -> b i+u", [(1, 3, 9)], {}, 3, 3),
        ("max b i+u -> b i", [(1, 9)], {"u": 3}, 3, 3),
    ],
)
def test_values_read_and_terms_summed_for_one_output(text, shapes, sizes, read, terms):
    sized = solve(parse(text), shapes, sizes)
    assert (inputs_per_output(sized), fan_in(sized)) == (read, terms)


@pytest.mark.parametrize(
    ("text", "shapes", "sizes", "read"),
    [
        ("b c i+u+v, o c u v -> b o i", [(1, 2, size("n")), None], {"o": 1, "u": "p", "v": 3}, "2*p+4"),
        ("b c i+2*u+v, o c u v -> b o i", [(1, 2, size("n")), None], {"o": 1, "u": "p", "v": 3}, "6*p"),
        ("b c i, c o u -> b o 2*i+u", [(1, 2, size("n")), None], {"o": 1, "u": 3}, "2*Min(2, n)"),
        ("b c i, c o u -> b o s*i+u", [(1, 2, 9), None], {"o": 1, "u": 3, "s": "s"}, "2*Min(9, ceiling(3/s))"),
    ],
)
def test_values_read_as_a_formula(text, shapes, sizes, read):
    assert sympy.simplify(inputs_per_output(solve(parse(text), shapes, sizes)) - size(read)) == 0


# In plain loops


@settings(deadline=None, derandomize=True, max_examples=200)
@given(sized_problems())
def test_counts_equal_counting(problem):
    sized = problem.solve()
    factors = len(problem.shapes)
    terms = within = 0
    reads, summed = defaultdict(set), Counter()
    for at in assignments(sized):
        terms += 1
        cells, out = [cell(sized, number, at) for number in range(factors)], cell(sized, -1, at)
        if inside(out, sized.result_shape):
            within += all(map(inside, cells, sized.shapes))
            reads[out].add(cells[0])
            summed[out] += 1
    found = count(sized)
    assert found.macs == terms * (factors - 1)
    assert found.macs_inside == within * (factors - 1)
    assert combinations_inside(sized) == within
    assert found.weights == sum(map(math.prod, problem.shapes[1:]))
    assert found.outputs == math.prod(sized.result_shape)
    assert inputs_per_output(sized) == max(map(len, reads.values()), default=0)
    assert fan_in(sized) == max(summed.values(), default=0)


@settings(deadline=None, derandomize=True, max_examples=100)
@given(sized_problems())
def test_counts_of_gradients_equal_counting(problem):
    forth = problem.solve()
    macs = 0
    for operand in forth.equation.operands:
        sized = gradient_of(forth, operand.name)
        terms, reads, summed = 0, defaultdict(set), Counter()
        for at in assignments(sized):
            terms += 1
            out = tuple(edge.held(sized, -1, place, c) for place, c in enumerate(cell(sized, -1, at)))
            if None not in out:
                reads[out].add(cell(sized, 0, at))
                summed[out] += 1
        assert count(sized).macs == terms * (len(sized.shapes) - 1)
        assert inputs_per_output(sized) == max(map(len, reads.values()), default=0)
        assert fan_in(sized) == max(summed.values(), default=0)
        macs += count(sized).macs
    assert backward_macs(forth) == macs


@pytest.mark.parametrize(
    ("text", "shapes", "sizes", "macs", "backward"),
    [
        ("b c i+u j+v, o c u v -> b o i j", [(1, 3, 8, 8), (4, 3, 3, 3)], {}, 3888, 7776),
        ("b c i+u, c u, o c -> b o i", [(1, 3, 8), (3, 3), (4, 3)], {}, 432, 1296),
        ("max b c 2*i+u -> b c i", [(1, 3, 9)], {"u": 3}, 0, 36),
        ("mean b c i -> b c", [(1, 3, 9)], {}, 0, 27),
        ("sum b c i -> b c", [(1, 3, 9)], {}, 0, 0),
        ("b c i, o c -> b o i", [("n", 3, 9), (4, 3)], {}, "108*n", "216*n"),
    ],
)
def test_backwards_every_operand_costs_an_equation(text, shapes, sizes, macs, backward):
    sized = solve(parse(text), shapes, sizes)
    assert (str(count(sized).macs), str(backward_macs(sized))) == (str(macs), str(backward))


@settings(deadline=None, derandomize=True, max_examples=60)
@given(sized_problems())
def test_formulas_with_numbers_put_in_equal_counts_of_numbers(problem):
    """Maps and batch become symbols (what isn't slid over), and so does the extent of the first axis that is slid over."""
    sized, equation = problem.solve(), parse(problem.pattern)
    assume("..." not in problem.pattern)
    numbers, shapes = {}, [list(shape) for shape in problem.shapes]
    for number, operand in enumerate(equation.operands):
        for place, axis in enumerate(operand.axes):
            name = getattr(axis, "name", None)
            if name in ("b", "c", "o") and not any(name in getattr(a, "names", ()) for o in equation.operands for a in o.axes):
                shapes[number][place] = size(f"k_{name}")
                numbers[f"k_{name}"] = problem.shapes[number][place]
    sizes = {name: value for name, value in problem.sizes.items() if f"k_{name}" not in numbers}
    found = count(solve(equation, shapes, sizes, padding=problem.padding))
    there = count(sized)
    for name in Counts.__slots__:
        assert substitute(getattr(found, name), numbers) == getattr(there, name), name


@pytest.mark.parametrize("padding", ["valid", "same", "full", 2, (2, 0)], ids=str)
@pytest.mark.parametrize(
    "text", ["2*i+u, u -> i", "i+2*u, u -> i", "-i+u, u -> i", "i-u, u -> i", "i+u+v, u, v -> i", "i, u -> 2*i+u"]
)
def test_a_formula_for_the_taps_inside_holds_for_every_extent(text, padding):
    equation = parse(text)
    if padding == "full" and "->" in text and "+" in text.split("->")[1]:
        padding = 1
    shapes = [(3,), (2,)][: len(equation.operands) - 1]
    formula = combinations_inside(solve(equation, [(size("n"),), *shapes], padding=padding))
    for cells in range(5, 14):
        assert substitute(formula, {"n": cells}) == combinations_inside(solve(equation, [(cells,), *shapes], padding=padding))


@pytest.mark.parametrize("text", ["i+u-1, u -> i", "2*i+u-1, u -> i", "i-u-1, u -> i"])
def test_a_formula_in_the_filter_holds_for_every_filter(text):
    equation = parse(text)
    formula = combinations_inside(solve(equation, [(size("n"),), None], {"u": "f"}))
    for cells, taps in ((7, 1), (7, 3), (8, 2), (9, 4)):
        there = combinations_inside(solve(equation, [(cells,), (taps,)]))
        assert int(sympy.sympify(substitute(formula, {"n": cells, "f": taps})).doit()) == there


@pytest.mark.parametrize(
    ("text", "shapes", "sizes"),
    [
        ("i+u-1 i+v-1, u v -> i", [(5, 5), (2, 3)], {}),
        ("i+u-1 u+t-1, t -> i", [(5, 4), (2,)], {"u": 3}),
        ("i+u-2, i+t-1, u t -> i", [(5,), (4,), (2, 2)], {}),
        ("-2*i+u-1 t-i-1, u t -> i", [(7, 6), (2, 3)], {}),
    ],
)
def test_addresses_that_share_an_index_are_counted_together(text, shapes, sizes):
    sized = solve(parse(text), shapes, sizes)
    terms = (all(inside(cell(sized, k, at), shape) for k, shape in enumerate(sized.shapes)) for at in assignments(sized))
    assert combinations_inside(sized) == sum(terms)
