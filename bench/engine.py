"""Whole networks, slidesum's engine beside everybody else's: one process an engine, rounds interleaved, medians.

    python bench/engine.py                                    # six networks, batch 1 and 16, 2 threads
    python bench/engine.py --net vgg16 --batch 1 --rounds 9 --json bench/engine.json

Thread pools of several libraries in one process wreck each other, so each engine has a process of its own, and all but the one that
is timed sleep. A round times every engine once (of a batch of one, the least of three calls); what is told is the median of the
rounds, and their quartiles, which say how noisy the machine was. All compute in float32 with the same arrays. `floor` is the
network's multiply-adds over the measured peak: what a direct convolution can't beat. Peers that aren't installed are left out
(`pip install 'slidesum[engines]'`).
"""

from __future__ import annotations

import argparse
import json
import multiprocessing as mp
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

NETS = ("vgg16", "googlenet", "alexnet", "resnet50", "mobilenet", "r3d18")
ENGINES = ("slidesum", "slidesum-exact", "slidesum-avx2", "torch", "torch-last", "torch-compile", "onnxruntime", "openvino", "jax")
Call = Callable[[], Any]


def network(name: str, batch: int) -> Any:
    """The network with arrays that keep what flows through it at one size, the same in every process."""
    import numpy as np

    import slidesum as ss
    from slidesum.zoo.catalogue import build

    options = {"width": 1, "side": 224} if name == "mobilenet" else {}
    net = ss.Network.of(build(name, batch=batch, **options))
    random, values = np.random.default_rng(0), dict(net.values)
    for key, array in values.items():
        if key.rpartition(".")[2].startswith("w"):
            values[key] = (random.standard_normal(array.shape) * (2 * array.shape[0] / array.size) ** 0.5).astype("float32")
    net.values = values
    return net


def image(net: Any) -> Any:
    """The input, the same everywhere."""
    import numpy as np

    return np.random.default_rng(1).standard_normal([int(n) for n in net.graph.inputs[0].shape]).astype("float32")


def prepared(engine: str, name: str, batch: int, threads: int) -> Call:
    """The call that is timed, and gives the result as NumPy's."""
    net = network(name, batch)
    x = image(net)
    match engine:
        case "slidesum" | "slidesum-exact" | "slidesum-avx2":
            if engine == "slidesum-avx2":
                _without_avx512()
            fast = net.compile(threads=threads, exact=engine.endswith("exact"))
            return lambda: fast(x)
        case "torch" | "torch-last" | "torch-compile":
            return _torch(engine, net, x, threads)
        case "onnxruntime":
            import onnxruntime

            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = threads
            session = onnxruntime.InferenceSession(_onnx(net), options, providers=["CPUExecutionProvider"])
            feed = session.get_inputs()[0].name
            return lambda: session.run(None, {feed: x})[0]
        case "openvino":
            import openvino

            core = openvino.Core()
            hints = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": threads, "PERFORMANCE_HINT": "LATENCY"}
            model = core.read_model(_onnx(net))
            model.reshape(list(x.shape))
            request = core.compile_model(model, "CPU", hints).create_infer_request()
            return lambda: next(iter(request.infer([x], share_inputs=True, share_outputs=True).values()))
        case "jax":
            return _jax(net, x)
        case _:
            raise SystemExit(f"there is no engine {engine}")


def _without_avx512() -> None:
    """This processor as one that has AVX2 alone."""
    from slidesum.engine.host import Host, host
    from slidesum.run import compiled

    here = host()
    assert here is not None
    features = ",".join(feature for feature in here.features.split(",") if "avx512" not in feature)
    compiled.host = lambda: Host("haswell", features, 32, 16)


def _torch(engine: str, net: Any, x: Any, threads: int) -> Call:
    import torch

    torch.set_num_threads(threads)
    module = _source_module(net)
    given = torch.from_numpy(x)
    if engine != "torch":
        layout = torch.channels_last if x.ndim == 4 else torch.channels_last_3d
        module, given = module.to(memory_format=layout), given.to(memory_format=layout)
    if engine == "torch-compile":
        from torch._inductor import config

        config.freezing = True
        module = torch.compile(module)

    def call() -> Any:
        with torch.inference_mode() if engine != "torch-compile" else torch.no_grad():
            return module(given).numpy()

    return call


def _source_module(net: Any) -> Any:
    """The network of torch's own layers, with the same arrays."""
    scope: dict[str, Any] = {"__name__": "network"}
    exec(compile(net.to_pytorch_source(), "network.py", "exec"), scope)
    import torch

    module = next(
        v for v in scope.values() if isinstance(v, type) and issubclass(v, torch.nn.Module) and v.__module__ == "network"
    )()
    scope["load_values"](module, net.values)
    return module.eval()


def _onnx(net: Any) -> bytes:
    return bytes(net.to_onnx().SerializeToString())


def _jax(net: Any, x: Any) -> Call:
    import jax

    from slidesum.laws.parameters import parameters
    from slidesum.run.layers import computed
    from slidesum.run.met import jax_backend
    from slidesum.run.network import walk

    held = {name: jax.numpy.asarray(array) for name, array in net.values.items()}
    backend, output, source = jax_backend(), net.graph.output.name, net.graph.inputs[0].name

    def forward(arrays: Any, given: Any) -> Any:
        def layer(node: Any, before: Any) -> Any:
            return computed(backend, node, {p.name: arrays[f"{node.owner}.{p.name}"] for p in parameters(node)}, before)

        return walk(net.graph, {source: given}, layer)[output]

    run = jax.jit(lambda given: forward(held, given))
    given = jax.numpy.asarray(x)
    return lambda: run(given).block_until_ready()


def worker(engine: str, name: str, batch: int, threads: int, pipe: Any) -> None:
    """A process that waits to be told to run, and answers with seconds."""
    import numpy as np

    try:
        begin = time.perf_counter()
        call = prepared(engine, name, batch, threads)
        y = np.asarray(call())
        pipe.send(("ready", time.perf_counter() - begin, y))
    except Exception as error:  # a peer that isn't there, or can't read the network, is left out, and that is said
        pipe.send(("failed", f"{type(error).__name__}: {error}".splitlines()[0], None))
        return
    call()
    while pipe.recv():
        begin = time.perf_counter()
        call()
        pipe.send(time.perf_counter() - begin)


def measured(name: str, batch: int, engines: list[str], rounds: int, threads: int) -> dict[str, Any]:
    """Seconds of every engine, round by round."""
    context = mp.get_context("spawn")
    running: dict[str, tuple[Any, Any]] = {}
    row: dict[str, Any] = {"net": name, "batch": batch, "threads": threads, "rounds": rounds, "engines": {}}
    exact = None
    for engine in engines:
        here, there = context.Pipe()
        process = context.Process(target=worker, args=(engine, name, batch, threads, there), daemon=True)
        process.start()
        state, told, y = here.recv() if here.poll(600) else ("failed", "not ready after ten minutes", None)
        if state == "failed":
            row["engines"][engine] = {"failed": told}
            continue
        exact = y if exact is None else exact
        error = float(((y - exact) ** 2).sum() ** 0.5 / (exact**2).sum() ** 0.5)
        row["engines"][engine] = {"prepared_s": round(told, 3), "error": error, "seconds": []}
        running[engine] = (process, here)
    for _ in range(rounds):
        for engine, (_, pipe) in running.items():
            best = []
            for _ in range(3 if batch == 1 else 1):
                pipe.send(True)
                best.append(pipe.recv())
            row["engines"][engine]["seconds"].append(min(best))
    for process, pipe in running.values():
        pipe.send(False)
        process.join(10)
    return row


def peak(threads: int) -> float:
    """Multiply-adds a second that this processor reaches: a tile of sums in registers, as many as it has threads for."""
    import slidesum as ss

    net = ss.Network("peak")
    x = net.input("b c i j", b=1, c=64, i=58, j=58)
    x = net.activation(x, "relu")
    for k in range(24):
        x = net.conv(x, "b c i+u-1 j+v-1, o c u v -> b o i j", o=64, u=3, v=3, name=f"conv{k}")
    fast, given = net.compile(threads=threads, exact=True), image(net)
    times = []
    for _ in range(40):
        begin = time.perf_counter()
        fast(given)
        times.append(time.perf_counter() - begin)
    return net.macs / min(times)


def told(row: dict[str, Any], floor: float) -> str:
    """A row of the table."""
    lines = [f"{row['net']}, batch {row['batch']}, {row['threads']} threads: floor {1e3 * floor:.2f} ms"]
    others = []
    for engine, found in row["engines"].items():
        if "failed" in found:
            lines.append(f"  {engine:15s} left out: {found['failed'][:90]}")
            continue
        seconds = sorted(found["seconds"])
        median = statistics.median(seconds)
        if not engine.startswith("slidesum"):
            others.append((median, engine))
        low, high = seconds[len(seconds) // 4], seconds[3 * len(seconds) // 4]
        lines.append(
            f"  {engine:15s} {1e3 * median:9.2f} ms  ({1e3 * low:.2f} to {1e3 * high:.2f})  {floor / median:6.1%} of the floor"
            f"  error {found['error']:.1e}  prepared in {found['prepared_s']:.1f} s"
        )
    own = row["engines"].get("slidesum", {})
    if others and "seconds" in own:
        best, engine = min(others)
        row["best_peer"], row["ratio"] = engine, best / statistics.median(own["seconds"])
        lines.append(f"  {row['ratio']:.2f} times as fast as the best of the others, {engine}")
    return "\n".join(lines)


def main() -> None:
    """The table, and all figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--net", action="append", choices=NETS)
    parser.add_argument("--batch", action="append", type=int)
    parser.add_argument("--engine", action="append", choices=ENGINES)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(asked.threads)
    os.environ["XLA_FLAGS"] = f"--xla_cpu_multi_thread_eigen=true intra_op_parallelism_threads={asked.threads}"
    at_peak, rows = 0.0, []
    for name in asked.net or NETS:
        for batch in asked.batch or (1, 16):
            row = measured(name, batch, asked.engine or list(ENGINES), asked.rounds, asked.threads)
            at_peak = max(at_peak, peak(asked.threads))  # the quietest moment so far
            row["floor_s"] = int(network(name, batch).macs) / at_peak
            print(told(row, row["floor_s"]), flush=True)
            print(f"  peak so far: {at_peak / 1e9:.1f} G macs a second", flush=True)
            rows.append(row)
            if asked.json:
                asked.json.write_text(
                    json.dumps({"peak_macs_per_s": at_peak, "python": sys.version, "rows": rows}, indent=1) + "\n"
                )


if __name__ == "__main__":
    main()
