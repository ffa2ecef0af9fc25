"""How readers write equations: the letters of axes, the addresses of windows, and what only reorders, repeats or reduces.

another order of the axes     reordered((0, 2, 3, 1))           b c i j -> b i j c
all axes but the first, one   flattened(4)                      b c i j -> b (c i j)
axes of extent one repeated   expanded(3, {1: 5})               b 1 i -> b c i            c=5
an axis behind itself         tiled(3, {1: 2})                  b c i -> b (v c) i        v=2
every cell behind itself      tiled(3, {1: 2}, each=True)       b c i -> b (c v) i        v=2
axes reduced                  reduced("max", 4, {2, 3})         max b c i j -> b c
an axis times a matrix        along(("b", "c", "i"), 2)         b c i, p i -> b c p
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

LETTERS = "bcijklmn"
INPUTS = ("", "b", "b f", "b c i", "b c i j", "b c i j k")
POSITIONS, TAPS = "ijklmn", "uvwpqr"
COPIES = "uvwxyzpq"

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
