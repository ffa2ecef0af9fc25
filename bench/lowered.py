"""Equations that are lowered to the engine's kernels, beside what one would write with torch: rounds interleaved, medians.

    python bench/lowered.py                        # all of them, 2 threads
    python bench/lowered.py --only transposed --rounds 15

Each side has a process of its own, and the results are compared.
"""

from __future__ import annotations

import argparse
import multiprocessing as mp
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F

import slidesum as ss

Call = Callable[[], Any]


def compiled(shape: tuple[int, ...], pattern: str, threads: int, **sizes: int) -> tuple[Any, Any, Any]:
    """A network of one layer: the program, its input and its filter."""
    net = ss.Network("one")
    x = net.input(" ".join("abcdefg"[: len(shape)]), **dict(zip("abcdefg", shape, strict=False)))
    net.conv(x, pattern, name="layer", **sizes)
    random = np.random.default_rng(0)
    net.values = {name: random.standard_normal(w.shape).astype("float32") for name, w in net.values.items()}
    return net.compile(threads=threads), random.standard_normal(shape).astype("float32"), net.values["layer.w"]


def transposed(maps: int, filters: int, side: int, k: int, stride: int, padding: int, threads: int) -> tuple[Call, Call]:
    """A transposed convolution."""
    fast, x, w = compiled(
        (1, maps, side, side),
        f"b c i j, c o u v -> b o {stride}*i+u-{padding} {stride}*j+v-{padding}",
        threads,
        o=filters,
        u=k,
        v=k,
    )
    a, b = torch.from_numpy(x), torch.from_numpy(w)
    return lambda: fast(x), lambda: F.conv_transpose2d(a, b, stride=stride, padding=padding).numpy()


def generator(threads: int) -> tuple[Call, Call]:
    """DCGAN's (Radford, Metz and Chintala 2016), to 64×64, with batch norms folded by both."""
    maps = (100, 1024, 512, 256, 128, 3)
    net = ss.Network("generator")
    x = net.input("b c i j", b=1, c=100, i=1, j=1)
    for k, filters in enumerate(maps[1:]):
        stride, padding = (1, 0) if k == 0 else (2, 1)
        pattern = f"b c i j, c o u v -> b o {stride}*i+u-{padding} {stride}*j+v-{padding}"
        x = net.conv(x, pattern, o=filters, u=4, v=4, bias="o", name=f"up{k}")
        x = net.activation(x, "relu" if k < 4 else "tanh")
    random = np.random.default_rng(0)
    net.values = {
        n: (random.standard_normal(w.shape) * (8 / max(1, w.size)) ** 0.5 * 8).astype("float32") for n, w in net.values.items()
    }
    fast, z = net.compile(threads=threads), random.standard_normal((1, 100, 1, 1)).astype("float32")
    held = {name: torch.from_numpy(array) for name, array in net.values.items()}

    def by_torch() -> Any:
        y = torch.from_numpy(z)
        for k in range(5):
            y = F.conv_transpose2d(y, held[f"up{k}.w"], held[f"up{k}.bias"], stride=1 if k == 0 else 2, padding=min(k, 1))
            y = torch.relu(y) if k < 4 else torch.tanh(y)
        return y.numpy()

    return lambda: fast(z), by_torch


def type_1(threads: int) -> tuple[Call, Call]:
    """Every filter on every map."""
    fast, x, w = compiled((1, 16, 56, 56), "b c i+u-2 j+v-2, o u v -> b c o i j", threads, o=16, u=5, v=5)
    a, b = torch.from_numpy(x).transpose(0, 1), torch.from_numpy(w)[:, None]
    return lambda: fast(x), lambda: F.conv2d(a, b, padding=2)[None].numpy()


def type_21(threads: int) -> tuple[Call, Call]:
    """Flat filters on the sum of the maps."""
    fast, x, w = compiled((1, 64, 56, 56), "b c i+u-2 j+v-2, o u v -> b o i j", threads, o=64, u=5, v=5)
    a, b = torch.from_numpy(x), torch.from_numpy(w)[:, None]
    return lambda: fast(x), lambda: F.conv2d(a.sum(1, keepdim=True), b, padding=2).numpy()


def local(batch: int, threads: int) -> tuple[Call, Call]:
    """Filters of its own for every place."""
    fast, x, w = compiled((batch, 32, 14, 14), "b c i+u-1 j+v-1, o c u v i j -> b o i j", threads, o=32, u=3, v=3)
    a, b = torch.from_numpy(x), torch.from_numpy(w).reshape(32, 288, 196)

    def by_torch() -> Any:
        return torch.einsum("bkp,okp->bop", F.unfold(a, 3, padding=1), b).reshape(batch, 32, 14, 14).numpy()

    return lambda: fast(x), by_torch


def cases(threads: int) -> dict[str, Callable[[], tuple[Call, Call]]]:
    """Every case by its name."""
    return {
        "transposed 64→64 4×4 stride 2, 28×28": lambda: transposed(64, 64, 28, 4, 2, 1, threads),
        "transposed 128→64 2×2 stride 2, 56×56 (U-Net)": lambda: transposed(128, 64, 56, 2, 2, 0, threads),
        "transposed 1024→512 2×2 stride 2, 28×28 (U-Net)": lambda: transposed(1024, 512, 28, 2, 2, 0, threads),
        "transposed 64→64 3×3 stride 1, 56×56": lambda: transposed(64, 64, 56, 3, 1, 1, threads),
        "generator (DCGAN)": lambda: generator(threads),
        "type 1 16 maps, 16 filters 5×5, 56×56": lambda: type_1(threads),
        "type 2.1 64→64 5×5, 56×56": lambda: type_21(threads),
        "locally connected 32→32 3×3, 14×14": lambda: local(1, threads),
        "locally connected 32→32 3×3, 14×14, batch 16": lambda: local(16, threads),
    }


def worker(name: str, side: int, threads: int, pipe: Any) -> None:
    """One side of one case in a process of its own: its result, then the least seconds of three calls whenever it is asked."""
    torch.set_num_threads(threads)
    with torch.inference_mode():
        call = cases(threads)[name]()[side]
        pipe.send(call())
        while pipe.recv():
            found = []
            for _ in range(3):
                begin = time.perf_counter()
                call()
                found.append(time.perf_counter() - begin)
            pipe.send(min(found))


def measured(name: str, rounds: int, threads: int) -> str:
    """A row of the table."""
    context, pipes, results = mp.get_context("spawn"), [], []
    for side in (0, 1):
        here, there = context.Pipe()
        context.Process(target=worker, args=(name, side, threads, there), daemon=True).start()
        pipes.append(here)
        results.append(here.recv())
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for pipe, found in zip(pipes, times, strict=True):
            pipe.send(True)
            found.append(pipe.recv())
    for pipe in pipes:
        pipe.send(False)
    error = float(np.linalg.norm(results[0] - results[1]) / np.linalg.norm(results[1]))
    own, peer = (1e3 * statistics.median(found) for found in times)
    return f"{name:50s} {own:8.3f} ms   torch {peer:8.3f} ms   {peer / own:5.2f} times   difference {error:.0e}"


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    for name in cases(asked.threads):
        if asked.only in name:
            print(measured(name, asked.rounds, asked.threads), flush=True)


if __name__ == "__main__":
    main()
