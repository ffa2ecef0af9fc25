"""How readers write equations: the letters of axes, the addresses of windows, and what only reorders, repeats or reduces.

another order of the axes     reordered((0, 2, 3, 1))           b c i j -> b i j c
all axes but the first, one   flattened(4)                      b c i j -> b (c i j)
axes of extent one repeated   expanded(3, {1: 5})               b 1 i -> b c i            c=5
an axis behind itself         tiled(3, {1: 2})                  b c i -> b (v c) i        v=2
every cell behind itself      tiled(3, {1: 2}, each=True)       b c i -> b (c v) i        v=2
axes reduced                  reduced("max", 4, {2, 3})         max b c i j -> b c
an axis times a matrix        along(("b", "c", "i"), 2)         b c i, p i -> b c p
a product of matrices         multiplied((2, 3, 4), (4, 5))     b t e, e s -> b t s
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

LETTERS = "bcijklmn"
INPUTS = ("", "b", "b f", "b c i", "b c i j", "b c i j k")
POSITIONS, TAPS = "ijklmn", "uvwpqr"
COPIES = "uvwxyzpq"
LEADING = ("", "b", "bt", "bij", "bijk")

Sizes = dict[str, int]


def axes(rank: int) -> list[str]:
    """The letters of an array of this rank, as the project writes them."""
    return list(LETTERS[:rank]) if rank <= len(LETTERS) else [f"a{k}" for k in range(rank)]


def input_axes(rank: int) -> tuple[str, ...]:
    """The same for what comes from outside, which may have features."""
    return tuple(INPUTS[rank].split() if rank < len(INPUTS) else axes(rank))


def address(position: str, tap: str, stride: int, dilation: int, low: int) -> str:
    """Where a window reads.

    >>> address("i", "u", 2, 1, 3), address("i", "u", 1, 2, 0), address("i", "u", 1, 1, -2)
    ('2*i+u-3', 'i+2*u', 'i+u+2')
    """
    start = position if stride == 1 else f"{stride}*{position}"
    step = tap if dilation == 1 else f"{dilation}*{tap}"
    return f"{start}+{step}" + (f"-{low}" if low > 0 else f"+{-low}" if low < 0 else "")


def reordered(order: Sequence[int]) -> str:
    """Axis k of the result is axis order[k].

    >>> reordered((0, 2, 3, 1))
    'b c i j -> b i j c'
    """
    letters = axes(len(order))
    return f"{' '.join(letters)} -> {' '.join(letters[a] for a in order)}"


def flattened(rank: int) -> str:
    """The first axis stays, the others become one.

    >>> flattened(4)
    'b c i j -> b (c i j)'
    """
    first, *rest = axes(rank)
    inner = " ".join(rest)
    return f"{first} {inner} -> {first} ({inner})"


def expanded(rank: int, times: Mapping[int, int]) -> tuple[str, Sizes]:
    """Axes of extent one, each repeated so many times.

    >>> expanded(3, {1: 5})
    ('b 1 i -> b c i', {'c': 5})
    """
    letters = axes(rank)
    left = " ".join("1" if k in times else n for k, n in enumerate(letters))
    return f"{left} -> {' '.join(letters)}", {letters[k]: n for k, n in times.items()}


def tiled(rank: int, times: Mapping[int, int], *, each: bool = False) -> tuple[str, Sizes]:
    """Axes so many times behind themselves, as a whole or cell by cell.

    >>> tiled(3, {1: 2}), tiled(3, {1: 2}, each=True)[0]
    (('b c i -> b (v c) i', {'v': 2}), 'b c i -> b (c v) i')
    """
    letters = axes(rank)
    pairs = {k: (letters[k], COPIES[k]) if each else (COPIES[k], letters[k]) for k in times}
    right = " ".join(f"({' '.join(pairs[k])})" if k in pairs else n for k, n in enumerate(letters))
    return f"{' '.join(letters)} -> {right}", {COPIES[k]: n for k, n in times.items()}


def reduced(how: str, rank: int, gone: Collection[int], *, kept: bool = False) -> str:
    """Whole axes reduced; `kept` leaves them with extent one.

    >>> reduced("mean", 4, {2, 3}), reduced("sum", 3, {1}, kept=True)
    ('mean b c i j -> b c', 'b c i -> b 1 i')
    """
    letters = axes(rank)
    right = ["1" if k in gone else n for k, n in enumerate(letters) if kept or k not in gone]
    return f"{'' if how == 'sum' else f'{how} '}{' '.join(letters)} -> {' '.join(right)}"


def along(letters: Sequence[str], axis: int) -> str:
    """An axis times a matrix, a row for every new cell.

    >>> along(("b", "c", "i", "j"), 2)
    'b c i j, p i -> b c p j'
    """
    return f"{' '.join(letters)}, p {letters[axis]} -> {' '.join('p' if k == axis else n for k, n in enumerate(letters))}"


def leading(count: int) -> list[str]:
    """Letters for the axes before the last, which a matrix product leaves as they are.

    >>> leading(2), leading(3), leading(5)
    (['b', 't'], ['b', 'i', 'j'], ['a0', 'a1', 'a2', 'a3', 'a4'])
    """
    return list(LEADING[count]) if count < len(LEADING) else [f"a{k}" for k in range(count)]


def multiplied(a: Sequence[Any], b: Sequence[Any]) -> tuple[list[str], list[str], list[str]]:
    """The axes of two factors of these shapes and of their product, as matmul has them: the last axis of one meets the last but one
    of the other, or its only one; leading axes are repeated where they are missing or of extent one.

    >>> multiplied((2, 3, 7, 4), (1, 4, 5))
    (['b', 'i', 't', 'e'], ['1', 'e', 's'], ['b', 'i', 't', 's'])
    """
    lead = leading(max(len(a), len(b), 2) - 1)[:-1]
    left = [*_met(lead, a[:-2], b[:-2]), "t", "e"] if len(a) > 1 else ["e"]
    right = [*_met(lead, b[:-2], a[:-2]), "e", "s"] if len(b) > 1 else ["e"]
    return left, right, [*lead, *left[-2:-1], *(["s"] if len(b) > 1 else [])]


def _met(letters: Sequence[str], own: Sequence[Any], other: Sequence[Any]) -> list[str]:
    """The leading axes of one factor: an axis of extent one that meets a longer one is repeated."""
    met = [*[1] * len(letters), *other]
    lined = zip(letters[len(letters) - len(own) :], own, met[len(met) - len(own) :], strict=True)
    return ["1" if n == 1 and m != 1 else name for name, n, m in lined]
