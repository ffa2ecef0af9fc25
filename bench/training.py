"""A layer that learns, by slidesum's kernels and by torch's: forward and backward (x, filters, bias), rounds interleaved, medians.

    python bench/training.py
    python bench/training.py --layer 64@56 --batch 1 --rounds 15 --json bench/training.json

`64@56` is 64 maps and 64 filters of 3x3 on 56x56 with padding. torch computes in both of its layouts, and the better one counts. A
round times every one of them as the least of three calls. `floor` is three times the layer's multiply-adds over the measured peak:
what can't be beaten by summing the products that the equations ask for. `error` is the relative L2 error of y and of the three
gradients against double precision.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from slidesum.bench.peak import measured
from slidesum.torch import Conv

LAYERS = ("64@56", "128@28", "512@28")
Call = Callable[[], tuple[torch.Tensor, ...]]


def calls(maps: int, side: int, batch: int) -> tuple[dict[str, Call], Call]:
    """What is timed, by name, and the same in double precision."""
    torch.manual_seed(0)
    native = Conv("b c i+u j+v, o c u v -> b o i j", c=maps, o=maps, u=3, v=3, bias="o", padding="same", engine="native")
    if native.engine_for(batch, maps, side, side) != "native":
        raise SystemExit(f"there are no kernels for {maps}@{side} here")
    x, seed = (torch.randn(batch, maps, side, side) for _ in range(2))

    def learning(layer: Any, x: torch.Tensor, seed: torch.Tensor) -> Call:
        x = x.detach().requires_grad_()
        w, bias = layer.parameters()

        def call() -> tuple[torch.Tensor, ...]:
            y = layer(x)
            return (y.detach(), *torch.autograd.grad(y, [x, w, bias], seed))

        return call

    def peer(dtype: torch.dtype, layout: torch.memory_format) -> Call:
        layer = torch.nn.Conv2d(maps, maps, 3, padding=1)
        layer.load_state_dict({"weight": native.w.detach(), "bias": native.bias.detach()})
        layer = layer.to(dtype).to(memory_format=layout)
        return learning(layer, *(a.to(dtype).to(memory_format=layout) for a in (x, seed)))

    named = {
        "slidesum": learning(native, x, seed),
        "torch": peer(torch.float32, torch.contiguous_format),
        "torch-last": peer(torch.float32, torch.channels_last),
    }
    return named, peer(torch.float64, torch.contiguous_format)


def timed(named: dict[str, Call], rounds: int) -> dict[str, list[float]]:
    """Seconds of every one, round by round."""
    seconds: dict[str, list[float]] = {name: [] for name in named}
    for call in named.values():
        call()
    for _ in range(rounds):
        for name, call in named.items():
            best = float("inf")
            for _ in range(3):
                begin = time.perf_counter()
                call()
                best = min(best, time.perf_counter() - begin)
            seconds[name].append(best)
    return seconds


def row(layer: str, batch: int, rounds: int, peak: float) -> dict[str, Any]:
    """All figures of a layer."""
    maps, side = map(int, layer.split("@"))
    named, exact = calls(maps, side, batch)
    wanted = exact()
    errors = [((a.double() - b).norm() / b.norm()).item() for a, b in zip(named["slidesum"](), wanted, strict=True)]
    medians = {name: statistics.median(found) for name, found in timed(named, rounds).items()}
    best = min(value for name, value in medians.items() if name != "slidesum")
    floor = 3 * batch * maps * maps * 9 * side * side / peak
    return {
        "layer": layer, "batch": batch, "ms": {name: round(1e3 * value, 3) for name, value in medians.items()},
        "ratio": round(best / medians["slidesum"], 3), "floor_ms": round(1e3 * floor, 3), "errors": errors,
    }  # fmt: skip


def main() -> None:
    """The table, and all figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--layer", action="append", help="maps@side, such as 64@56")
    parser.add_argument("--batch", action="append", type=int)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    torch.set_num_threads(asked.threads)
    peak = measured().macs_per_second
    rows = []
    print(f"{asked.threads} threads, {peak / 1e9:.0f} G macs a second at best, forward + backward")
    for layer in asked.layer or LAYERS:
        for batch in asked.batch or (1, 8):
            found = row(layer, batch, asked.rounds, peak)
            rows.append(found)
            told = "  ".join(f"{name} {ms:8.2f} ms" for name, ms in found["ms"].items())
            print(f"{layer:>7} x{batch}  {told}  floor {found['floor_ms']:8.2f} ms", end="")
            print(f"  {found['ratio']:.2f}x  error {max(found['errors']):.1e}", flush=True)
    if asked.json:
        asked.json.write_text(json.dumps({"peak_macs_per_s": peak, "threads": asked.threads, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
