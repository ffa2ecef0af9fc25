"""All cases, and those that a user names."""

from __future__ import annotations

from collections.abc import Sequence

from slidesum.bench.case import Case
from slidesum.bench.cases import axes, depthwise, factors, jax, numpy, others, overhead, question, sharing, standard
from slidesum.errors import UsageError

CASES: tuple[Case, ...] = (
    *question.CASES,
    *standard.CASES,
    *axes.CASES,
    *sharing.CASES,
    *factors.CASES,
    *depthwise.CASES,
    *others.CASES,
    *numpy.CASES,
    *overhead.CASES,
    *jax.CASES,
)


def chosen(names: Sequence[str]) -> list[Case]:
    """The cases of these names, a name of a group standing for all in it; all cases without names.

    >>> [case.name for case in chosen(["numpy", "4-d"])]
    ['4-d', 'numpy-scipy', 'numpy-einsum', 'numpy-einsum-optimize']
    """
    for name in names:
        if not any(name in (case.name, case.group) for case in CASES):
            raise UsageError(
                f"there is no case {name!r}",
                usual=f"The groups of cases are {', '.join(dict.fromkeys(case.group for case in CASES))}.",
                advice="slidesum bench --list names every case.",
            )
    return [case for case in CASES if not names or case.name in names or case.group in names]
