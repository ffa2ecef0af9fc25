"""The layers of the question, timed against what a user of torch would write otherwise.

    make bench                        the table
    .venv/bin/python bench/layers.py --json layers.json

Both sides run interleaved in one process, forward, float32; each figure is the median of its runs, and what counts is the ratio.
The floor is the larger of multiply-adds over the peak and bytes over the bandwidth, both measured here.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

import slidesum as ss

THREADS = 2


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--json", type=Path, help="write the figures to this file")
    arguments.add_argument("--runs", type=int, default=15)
    options = arguments.parse_args()
    torch.set_num_threads(THREADS)
    torch.manual_seed(0)
    peak, bandwidth = measured_peak(), measured_bandwidth()
    print(f"measured: {peak / 1e9:.0f} G multiply-adds/s, {bandwidth / 1e9:.1f} GB/s, {THREADS} threads\n", file=sys.stderr)
    rows = [row(name, case, peak, bandwidth, options.runs) for name, case in cases().items()]
    print(f"{'layer':34} {'slidesum':>10} {'otherwise':>10} {'ratio':>6} {'floor':>9}  otherwise")
    for r in rows:
        print(f"{r['layer']:34} {r['ms']:8.2f}ms {r['peer_ms']:8.2f}ms {r['ratio']:5.2f}× {r['floor_ms']:7.3f}ms  {r['peer']}")
    if options.json:
        document = {"threads": THREADS, "macs_per_second": peak, "bytes_per_second": bandwidth, "rows": rows}
        beside = options.json.with_suffix(".tmp")
        beside.write_text(json.dumps(document, indent=2))
        os.replace(beside, options.json)


Case = tuple[Callable[[], object], str, Callable[[], object], int, int]


def cases() -> Mapping[str, Case]:
    """By name: ours, the peer's name, the peer, multiply-adds of the cheapest order, bytes."""
    k1, k2, n, f = 64, 64, 56, 5
    x = torch.randn(1, k1, n, n)
    flat, full, own = torch.randn(k2, f, f), torch.randn(k2, k1, f, f), torch.randn(k1, f, f)
    expanded = flat[:, None].expand(k2, k1, f, f).contiguous()
    repeated = flat[None].expand(k1, k2, f, f).reshape(k1 * k2, 1, f, f).contiguous()
    a, b = np.random.default_rng(0).standard_normal((2, 8, 28, 28)).astype("float32"), np.ones((8, 8, 3, 3), "float32")
    options = {"padding": "same"}
    pixels = n * n
    return {
        "type 1, 64 maps, 64 filters 5×5": (
            lambda: ss.conv("b c i+u j+v, o u v -> b (c o) i j", x, flat, **options),
            "F.conv2d, groups=64, repeated weights",
            lambda: F.conv2d(x, repeated, padding=2, groups=k1),
            k1 * k2 * f * f * pixels,
            4 * (k1 + k1 * k2) * pixels,
        ),
        "type 2.1, 64 maps, 64 filters 5×5": (
            lambda: ss.conv("b c i+u j+v, o u v -> b o i j", x, flat, **options),
            "F.conv2d, expanded weights",
            lambda: F.conv2d(x, expanded, padding=2),
            k2 * f * f * pixels,
            4 * (k1 + k2) * pixels,
        ),
        "type 2.2, 64 maps, 64 filters 5×5": (
            lambda: ss.conv("b c i+u j+v, o c u v -> b o i j", x, full, **options),
            "F.conv2d",
            lambda: F.conv2d(x, full, padding=2),
            k1 * k2 * f * f * pixels,
            4 * (k1 + k2) * pixels,
        ),
        "depthwise, 64 maps 5×5": (
            lambda: ss.conv("b c i+u j+v, c u v -> b c i j", x, own, **options),
            "F.conv2d, groups=64",
            lambda: F.conv2d(x, own[:, None], padding=2, groups=k1),
            k1 * f * f * pixels,
            8 * k1 * pixels,
        ),
        "NumPy, type 2.2, 8 maps 3×3": (
            lambda: ss.conv("b c i+u j+v, o c u v -> b o i j", a, b),
            "sliding_window_view and einsum",
            lambda: np.einsum("bcijuv,ocuv->boij", np.lib.stride_tricks.sliding_window_view(a, (3, 3), (2, 3)), b),
            2 * 8 * 8 * 9 * 26 * 26,
            4 * 2 * 8 * (28 * 28 + 26 * 26),
        ),
    }


def row(name: str, case: Case, peak: float, bandwidth: float, runs: int) -> dict[str, object]:
    ours, peer_name, peer, macs, size = case
    agree(ours(), peer())
    times: dict[int, list[float]] = {0: [], 1: []}
    for _ in range(runs):
        for which, call in enumerate((ours, peer)):
            start = time.perf_counter()
            call()
            times[which].append(time.perf_counter() - start)
    mine, other = (statistics.median(times[k]) * 1e3 for k in (0, 1))
    floor = max(macs / peak, size / bandwidth) * 1e3
    return {"layer": name, "ms": mine, "peer_ms": other, "ratio": other / mine, "floor_ms": floor, "peer": peer_name}


def agree(a: object, b: object) -> None:
    difference = np.abs(np.asarray(a) - np.asarray(b).reshape(np.asarray(a).shape)).max()
    if difference > 1e-3 * np.abs(np.asarray(b)).max():
        raise SystemExit(f"the two sides differ by {difference}")


def measured_peak() -> float:
    """Multiply-adds per second: the best of matrix products of several sizes and a convolution."""
    found = []
    for n in (512, 1024, 2048):
        a, b, c = torch.randn(n, n), torch.randn(n, n), torch.empty(n, n)
        found.append(n**3 / _best(lambda a=a, b=b, c=c: torch.mm(a, b, out=c)))
    x, w = torch.randn(1, 64, 56, 56), torch.randn(64, 64, 5, 5)
    found.append(64 * 64 * 25 * 56 * 56 / _best(lambda: F.conv2d(x, w, padding=2)))
    return max(found)


def _best(call: Callable[[], object], runs: int = 20) -> float:
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return min(times)


def measured_bandwidth() -> float:
    """Bytes per second of a copy that no cache holds, read and written."""
    a, b = torch.ones(32 * 2**20), torch.empty(32 * 2**20)
    return 2 * a.numel() * 4 / _best(lambda: b.copy_(a), runs=5)


if __name__ == "__main__":
    main()
