"""AlexNet with its weights in float32, float16 and bfloat16: three programs of one engine, rounds interleaved, medians.

python bench/widths.py                    # batch 1, 2 threads
python bench/widths.py --batch 16
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np
from engine import image, network

WIDTHS = ("float32", "float16", "bfloat16")


def main() -> None:
    """The table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", default="alexnet")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--threads", type=int, default=2)
    asked = parser.parse_args()
    net = network(asked.net, asked.batch)
    x = image(net)
    programs = {width: net.compile(threads=asked.threads, weights=width) for width in WIDTHS}
    exact = programs["float32"](x)
    times: dict[str, list[float]] = {width: [] for width in WIDTHS}
    for _ in range(asked.rounds):
        for width, fast in programs.items():
            begin = time.perf_counter()
            fast(x)
            times[width].append(time.perf_counter() - begin)
    base = statistics.median(times["float32"])
    for width, fast in programs.items():
        median = statistics.median(times[width])
        change = np.linalg.norm(fast(x) - exact) / np.linalg.norm(exact)
        rounding = max(fast.weight_errors.values(), default=0.0)
        print(
            f"{asked.net}, batch {asked.batch}, {width:9s} {1e3 * median:8.2f} ms  {base / median:5.2f} times"
            f"  weights rounded by {rounding:.1e}, the result by {change:.1e}"
        )


if __name__ == "__main__":
    main()
