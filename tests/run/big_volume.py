"""A volume larger than memory: made on disk, filtered by a 3-D equation under a limit of the operating system, and compared.

    python tests/run/big_volume.py                        6 GB under 2 GB, in a temporary folder
    python tests/run/big_volume.py --bytes 200_000_000 --cap 800_000_000 --folder /tmp/volume

The volume is a photograph, tiled and moved on from plane to plane, so that no two blocks are alike. The filtering runs in a process
of its own, whose address space is limited before anything is imported; it prints its time and its peak memory.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PATTERN = "i+u j+v k+w, u v w -> i j k"
CHUNK = 128
"""A block waits for the plane of chunks behind it, so about one plane is in memory: here 0.7 GB of 6."""
COMPARED = 20
TOLERANCE = 1e-5
"""Sums of 27 products of numbers up to about 2, in float32."""


def make(path: Path, size: int, chunk: int = CHUNK) -> tuple[int, ...]:
    """Write a float32 volume of at least `size` bytes, a slab of chunks at a time."""
    import numpy as np
    import zarr
    from sklearn.datasets import load_sample_image

    picture = load_sample_image("china.jpg").mean(axis=2).astype("float32") / 255
    side = int((size / 4) ** (1 / 3))
    planes = -(-size // (4 * side * side))
    rows, columns = np.arange(side) % picture.shape[0], np.arange(side) % picture.shape[1]
    volume = zarr.create_array(str(path), shape=(planes, side, side), chunks=(chunk,) * 3, dtype="float32", compressors=None)
    for first in range(0, planes, chunk):
        slab = [np.roll(picture, (3 * k, 5 * k), (0, 1))[np.ix_(rows, columns)] for k in range(first, min(first + chunk, planes))]
        volume[first : first + chunk] = np.stack(slab)
    return volume.shape


def weights() -> Any:
    """A filter without symmetry, so that a block put in the wrong place or the wrong way round is seen."""
    import numpy as np

    return np.random.default_rng(0).standard_normal((3, 3, 3)).astype("float32")


def filter_volume(source: Path, target: Path, threads: int) -> None:
    """What the limited process does."""
    import dask
    import dask.array as da
    import zarr

    from slidesum.laws.shape import solve
    from slidesum.notation.parse import parse
    from slidesum.run.dask import evaluate

    x, w = da.from_zarr(str(source)), weights()
    y = evaluate(solve(parse(PATTERN), [x.shape, w.shape], padding="same"), [x, w])
    chunks = tuple(parts[0] for parts in y.chunks)
    written = zarr.create_array(str(target), shape=y.shape, chunks=chunks, dtype=y.dtype, compressors=None)
    with dask.config.set(scheduler="threads", num_workers=threads):
        y.store(written, lock=False)  # chunk by chunk; `to_zarr` into an array that is there would gather 128 MB first


def filter_limited(source: Path, target: Path, cap: int, threads: int = 2) -> dict[str, float]:
    """Filter in a process of at most `cap` bytes of address space, and tell its time and peak memory."""
    begin = time.perf_counter()
    # a thread of an arithmetic library, or an arena of the allocator, takes address space that nobody uses
    frugal = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", "MALLOC_MMAP_THRESHOLD_": "500000"}
    limited = [sys.executable, "-W", "error", __file__, "--limited", str(source), str(target), str(cap), str(threads)]
    done = subprocess.run(limited, env={**os.environ, **frugal}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return {"seconds": time.perf_counter() - begin, **json.loads(done.stdout.splitlines()[-1])}


def _limited(source: str, target: str, cap: str, threads: str) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (int(cap), int(cap)))
    filter_volume(Path(source), Path(target), int(threads))
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    names = {"resident_bytes": "VmHWM", "address_bytes": "VmPeak"}  # ru_maxrss begins with what the parent held
    print(json.dumps({name: int(status[line].split()[0]) * 1024 for name, line in names.items()}))


def compare(source: Path, target: Path, count: int = COMPARED, side: int = 48) -> float:
    """The largest difference to shifted sums in memory, on random blocks, the two corners among them."""
    import numpy as np
    import zarr

    x, y, w = zarr.open_array(str(source), mode="r"), zarr.open_array(str(target), mode="r"), weights().astype("float64")
    assert x.shape == y.shape
    random = np.random.default_rng(1)
    starts = [tuple(int(random.integers(0, max(1, n - side + 1))) for n in x.shape) for _ in range(count - 2)]
    worst = 0.0
    for start in [(0, 0, 0), tuple(max(0, n - side) for n in x.shape), *starts]:
        end = tuple(min(n, s + side) for n, s in zip(x.shape, start, strict=True))
        inner = tuple(slice(max(0, s - 1), min(n, e + 1)) for n, s, e in zip(x.shape, start, end, strict=True))
        edges = [(int(s == 0), int(e == n)) for n, s, e in zip(x.shape, start, end, strict=True)]
        cells = np.pad(x[inner].astype("float64"), edges)
        a, b, c = (e - s for s, e in zip(start, end, strict=True))
        wanted = sum(w[t] * cells[t[0] : t[0] + a, t[1] : t[1] + b, t[2] : t[2] + c] for t in np.ndindex(3, 3, 3))
        found = y[tuple(slice(s, e) for s, e in zip(start, end, strict=True))]
        worst = max(worst, float(np.abs(found - wanted).max()))
    return worst


def main() -> None:
    parser = argparse.ArgumentParser(description="Filter a volume that is larger than the memory allowed.")
    parser.add_argument("--bytes", type=int, default=6 * 10**9)
    parser.add_argument("--cap", type=int, default=2 * 10**9)
    parser.add_argument("--chunk", type=int, default=CHUNK)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        source, target = Path(folder) / "x.zarr", Path(folder) / "y.zarr"
        begin = time.perf_counter()
        shape = make(source, options.bytes, options.chunk)
        print(f"made {shape} in {time.perf_counter() - begin:.0f} s", flush=True)
        told = filter_limited(source, target, options.cap, options.threads)
        print(
            f"filtered in {told['seconds']:.0f} s, at most {told['resident_bytes'] / 1e6:.0f} MB resident "
            f"and {told['address_bytes'] / 1e6:.0f} MB of address space"
        )
        worst = compare(source, target)
        print(f"{COMPARED} random blocks differ by at most {worst:.2g}")
        assert worst < TOLERANCE


if __name__ == "__main__":
    if "--limited" in sys.argv:
        _limited(*sys.argv[2:])
    else:
        main()
