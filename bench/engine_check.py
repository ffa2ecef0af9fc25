"""What is promised of compiled networks beside their speed: how they round, how quickly they are made, what memory they take.

    python bench/engine_check.py --json bench/engine_check.json     # six networks, the small ones first
    python bench/engine_check.py --net googlenet --images 1000

    error       relative L2, of 8 images, against double precision; slidesum, without Winograd, and torch
    top-1       for how many of so many random images the largest output is the same as torch's in float32; how many different
                outputs that are; and the smallest distance of the two largest in torch's results, in parts of their norm. Filters
                drawn at random prefer the same output whatever they see; so also centred: less the mean over all images, as if
                the last layer had that bias
    compile     seconds in a fresh process, with an empty cache and with a full one
    memory      MiB by which a process grows at its peak above what its libraries take: it loads a file and computes once. By
                `ss.compile`, which keeps no arrays beside those of the kernels; and with a network that keeps them

What stands in the JSON already isn't measured again.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine import NETS, asked

from slidesum.bench.machine import use_threads

SMALL_FIRST = ("mobilenet", "googlenet", "resnet50", "alexnet", "r3d18", "vgg16")
BATCH = 8
STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def alone(function: Callable[..., Any], *given: Any) -> Any:
    """What a function gives in a fresh process."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(function, *given).result()


def images(number: int, shape: tuple[int, ...]) -> Any:
    """A batch of random images: blobs of several sizes, with contrasts and colours of their own. Noise always looks the same."""
    import numpy as np

    random = np.random.default_rng(1000 + number)
    found = np.zeros(shape)
    for cells in (1, 3, 9, 27, max(shape)):
        some = [min(cells, n) for n in shape[2:]]
        coarse = random.standard_normal((*shape[:2], *some))
        for axis, (few, many) in enumerate(zip(some, shape[2:], strict=True), start=2):
            coarse = coarse.take(np.arange(many) * few // many, axis)
        found += coarse * random.gamma(1.0, 1.0, (shape[0], *[1] * (len(shape) - 1)))
    return found.astype("float32")


def outputs(engine: str, folder: Path, first: int, count: int) -> tuple[Any, float]:
    """All outputs of an engine for so many images from one on, and seconds an image."""
    import numpy as np

    from slidesum.bench.engines.peers import PEERS
    from slidesum.bench.engines.question import Question, listed

    held = Question.of(folder).inputs()

    class Fed(Question):
        """A question whose inputs are changed from call to call."""

        def inputs(self) -> list[Any]:
            return held

    call, found, spent = PEERS[engine].prepared(Fed.of(folder)), [], 0.0
    for number in range(-(-count // BATCH)):
        held[0][:] = images(first // BATCH + number, held[0].shape)
        begin = time.perf_counter()
        found.append(listed(call())[0].reshape(BATCH, -1).copy())
        spent += time.perf_counter() - begin
    return np.concatenate(found)[:count], spent / count


def rounding(name: str, threads: int, first: int, count: int) -> dict[str, Any]:
    """How its results differ from those in double precision, and whether they choose as torch's do."""
    import numpy as np

    from slidesum.bench.engines.measure import answered, relative_error

    row: dict[str, Any] = {}
    with asked(name, BATCH, threads) as (_, question):
        np.savez(question.folder / "inputs.npz", images(0, tuple(question.inputs()[0].shape)))
        exact = answered(question, "float64")
        for engine in ("slidesum", "slidesum-exact", "torch"):
            row[f"error of {engine}"] = relative_error(answered(question, engine), exact)
        if not count:
            return row
        (ours, own_s), (theirs, torch_s) = (
            alone(outputs, engine, question.folder, first, count) for engine in ("slidesum", "torch")
        )
    row |= {
        "images": count,
        "from": first,
        "error for images": relative_error([ours], [theirs]),
        "s an image": own_s,
        "torch's s": torch_s,
    }
    mean = theirs.mean(axis=0)
    return row | agreed(ours, theirs, "") | agreed(ours - mean, theirs - mean, ", centred")


def agreed(ours: Any, theirs: Any, how: str) -> dict[str, Any]:
    """How often both choose alike, and how narrowly the other one chose, in parts of the norm of its results."""
    import numpy as np

    best = np.sort(theirs, axis=1)
    margin = (best[:, -1] - best[:, -2]) / np.linalg.norm(theirs, axis=1)
    chosen = theirs.argmax(axis=1)
    same = ours.argmax(axis=1) == chosen
    return {
        f"same top-1{how}": int(same.sum()), f"different outputs{how}": len(set(chosen.tolist())),
        f"smallest margin{how}": float(margin.min()), f"margins elsewhere{how}": [float(m) for m in margin[~same]],
    }  # fmt: skip


def compiled_s(folder: Path, cache: str) -> float:
    """Seconds of `compile`, in a process that has compiled nothing."""
    os.environ["SLIDESUM_CACHE"] = cache
    from slidesum.bench.engines.question import Question

    question = Question.of(folder)
    net = question.network()
    begin = time.perf_counter()
    net.compile(threads=question.threads)
    return time.perf_counter() - begin


def status(name: str) -> float:
    """MiB."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) / 1024


def grown(engine: str, folder: Path, cache: str) -> tuple[float, float]:
    """MiB at the peak and at the end, above what the libraries take."""
    os.environ["SLIDESUM_CACHE"] = cache
    import llvmlite.binding  # noqa: F401
    import onnxruntime

    import slidesum as ss
    from slidesum.bench.engines.question import Question

    small = ss.Network("small")
    x = small.input("b c i j", b=1, c=16, i=8, j=8)
    small.conv(x, "b c i+u j+v, o c u v -> b o i j", o=16, u=3, v=3)
    small.compile()(*[[[[[1.0] * 8] * 8] * 16]])  # so that all is imported
    question = Question.of(folder)
    inputs = question.inputs()
    CLEAR.write_text("5")
    before = status("VmRSS")
    if engine == "slidesum":
        fast = ss.compile(question.network_file, threads=question.threads)
        kept = fast(*inputs)
    elif engine == "network":
        net = question.network()
        fast = net.compile(threads=question.threads)
        kept = fast(*inputs)
    else:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = question.threads
        session = onnxruntime.InferenceSession(str(folder / "network.onnx"), options, providers=["CPUExecutionProvider"])
        kept = session.run(None, {session.get_inputs()[0].name: inputs[0]})
    peak, after = status("VmHWM"), status("VmRSS")
    del kept
    return peak - before, after - before


def weight(name: str, threads: int) -> dict[str, Any]:
    """Seconds of compilation, and memory, of a batch of one."""
    with asked(name, 1, threads) as (_, question), TemporaryDirectory() as cache:
        cold, warm = (alone(compiled_s, question.folder, cache) for _ in range(2))
        alone(written, question.folder)
        own, beside, theirs = (alone(grown, how, question.folder, cache) for how in ("slidesum", "network", "onnxruntime"))
    return {
        "compile cold s": cold, "compile warm s": warm, "peak MiB": own[0], "kept MiB": own[1],
        "peak MiB with the network": beside[0], "kept MiB with the network": beside[1],
        "onnxruntime's peak MiB": theirs[0], "onnxruntime's kept MiB": theirs[1],
    }  # fmt: skip


def written(folder: Path) -> None:
    """The network as an ONNX file."""
    from slidesum.bench.engines.question import Question

    Question.of(folder).network().to_onnx(folder / "network.onnx")


def main() -> None:
    """A line a figure, and all of them as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", action="append", choices=NETS)
    parser.add_argument("--images", type=int, default=1000, help="0: no top-1")
    parser.add_argument("--first", type=int, default=0, help="the image to begin with: so many can be done in parts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=("rounding", "weight"))
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    use_threads(options.threads)
    found: dict[str, Any] = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    measures: dict[str, Callable[[str], dict[str, Any]]] = {
        "weight": lambda name: weight(name, options.threads),
        f"rounding {options.first}": lambda name: rounding(name, options.threads, options.first, options.images),
    }
    for what, measure in measures.items():
        for name in options.net or SMALL_FIRST:
            if options.only not in (None, what.split()[0]) or what in found.get(name, {}):
                continue
            found.setdefault(name, {})[what] = row = measure(name)
            for head, value in row.items():
                print(f"{name:10} {head:28} {f'{value:.3g}' if isinstance(value, float) else value}", flush=True)
            if options.json:
                options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
