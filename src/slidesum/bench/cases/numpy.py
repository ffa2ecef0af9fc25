"""NumPy, without torch: a standard convolution against SciPy, and against windows and einsum."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any

import numpy as np

from slidesum.bench.case import Case, Duel, Side, Wanted
from slidesum.bench.cases.made import SAME, arrays, macs, slidesum

STANDARD = "b c i+u j+v, o c u v -> b o i j"
MAPS, CELLS = 64, 56


def against(*peers: tuple[str, Callable[..., Any]]) -> Duel:
    """The layer with these peers."""
    x, w = arrays((1, MAPS, CELLS, CELLS), (MAPS, MAPS, 3, 3))
    sides = tuple(Side(name, call, (x, w)) for name, call in peers)
    return Duel((slidesum(STANDARD, x, w, **SAME),), sides, macs(STANDARD, x, w, **SAME))


def scipy() -> Duel:
    """For every map and filter a correlation of SciPy, or all of them in one convolution by FFT."""
    signal: Any = import_module("scipy.signal")

    def pairs(x: Any, w: Any) -> Any:
        found = np.zeros((1, MAPS, CELLS, CELLS), x.dtype)
        for o in range(MAPS):
            for c in range(MAPS):
                found[0, o] += signal.correlate2d(x[0, c], w[o, c], mode="same")
        return found

    def spectra(x: Any, w: Any) -> Any:
        return signal.oaconvolve(x, w[:, :, ::-1, ::-1], axes=(2, 3)).sum(1)[None, :, 1:-1, 1:-1]

    return against(("scipy.signal.correlate2d, each pair", pairs), ("scipy.signal.oaconvolve", spectra))


def windows(optimize: bool) -> Duel:
    """A view of all windows and np.einsum."""

    def view(x: Any, w: Any) -> Any:
        x = np.pad(x, [(0, 0), (0, 0), (1, 1), (1, 1)])
        seen = np.lib.stride_tricks.sliding_window_view(x, (3, 3), (2, 3))
        return np.einsum("bcijuv,ocuv->boij", seen, w, optimize=optimize)

    return against((f"windows and np.einsum, {optimize=}", view))


CASES = tuple(
    Case(
        name=f"numpy-{name}",
        group="numpy",
        equation=STANDARD,
        what=f"{MAPS} → {MAPS} maps, 3×3, {CELLS}×{CELLS}",
        against=told,
        prepare=prepare,
        wanted=Wanted(wanted),
        needs=needs,
        backward=False,
        least=3,
    )
    for name, told, prepare, wanted, needs in (
        ("scipy", "the better of scipy.signal's correlate2d and oaconvolve", scipy, 5, ("scipy",)),
        ("einsum", "sliding_window_view and np.einsum", partial(windows, False), 5, ()),
        ("einsum-optimize", "the same with optimize=True", partial(windows, True), None, ()),
    )
)
