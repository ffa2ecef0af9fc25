"""How long a sheet takes to write, how large it is, and what memory it needs: docs/sheet.md has what this prints.

    python bench/sheet.py

Each in a process of its own: LeNet-5 on a digit, and type 2.2 on images of three sizes, whose formulas grow with the pixels. Memory
is the peak of the process less what it had before the sheet was made: after importing all that is used, and writing a tiny one.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

CASES = ("lenet5", "32", "64", "96")


def measure(case: str) -> dict[str, float]:
    """The figures of one sheet."""
    import slidesum as ss
    from slidesum.show.sheet.book import drawn, write_sheet
    from slidesum.train.data import data_for

    folder = Path(tempfile.mkdtemp())
    tiny = ss.load("type-2.2").with_sizes(k1=1, k2=1, n=8, m=8)
    tiny.sheet(np.zeros((1, 1, 8, 8)), folder / "tiny.xlsx")
    if case == "lenet5":
        net = ss.load("lenet5")
        image = data_for(net.graph, "digits").test_images[3][None]
    else:
        net = ss.load("type-2.2").with_sizes(k1=4, k2=8, n=int(case), m=int(case))
        image = np.random.default_rng(0).random((1, 1, int(case), int(case)))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    plan = drawn(net.graph, net.values, image)
    done = write_sheet(folder / "net.xlsx", plan)
    seconds = time.perf_counter() - start
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return {
        "formulas": done.formulas,
        "seconds": seconds,
        "megabytes": done.bytes / 1e6,
        "memory": grown / 1024,
        "told_megabytes": plan.estimate.bytes / 1e6,
        "told_seconds": plan.estimate.seconds,
    }


def main() -> None:
    """Print the table."""
    print("| sheet | formulas | seconds | MB | memory, MiB | µs a formula | told before: s, MB |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for case in CASES:
        done = subprocess.run([sys.executable, __file__, case], capture_output=True, text=True, check=True)
        one = json.loads(done.stdout)
        name = "LeNet-5 on a digit" if case == "lenet5" else f"type 2.2, {case}×{case}"
        each = 1e6 * one["seconds"] / one["formulas"]
        told = f"{one['told_seconds']:.1f}, {one['told_megabytes']:.1f}"
        sizes = f"{one['formulas']:,} | {one['seconds']:.1f} | {one['megabytes']:.2f} | {one['memory']:.0f}"
        print(f"| {name} | {sizes} | {each:.0f} | {told} |")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1])))
    else:
        main()
