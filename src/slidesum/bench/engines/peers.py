"""The engines by name: what each needs, and how it becomes a call that computes the network.

    slidesum        compiled                        torch           eager
    slidesum-exact  without Winograd's transforms   torch-last      eager, channels last
    slidesum-avx2   as on a processor without       torch-compile   compiled with frozen arrays, channels last
                    AVX-512 (when asked for)        onnxruntime, openvino, jax

All compute in float32 with the same arrays. Where the network was read from a torch model or an ONNX file of one's own, torch runs
that model, and ONNX Runtime and OpenVINO that file if it takes such inputs; otherwise they run what slidesum writes for them.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from unittest.mock import patch

from slidesum.api.compile import compile as compile_network
from slidesum.bench.case import Skip
from slidesum.bench.engines.limit import limit
from slidesum.bench.engines.question import Question
from slidesum.bench.engines.reference import reference
from slidesum.errors import UsageError

Call = Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Peer:
    """Packages that it needs, the extra that brings them, and what makes the call."""

    needs: tuple[str, ...]
    extra: str
    prepared: Callable[[Question], Call]
    is_default: bool = True

    @property
    def missing(self) -> str:
        """What to install, or "" where everything is."""
        gone = [name for name in self.needs if find_spec(name) is None]
        verb = "isn't" if len(gone) == 1 else "aren't"
        return f"needs {' and '.join(gone)}, which {verb} installed: pip install 'slidesum[{self.extra}]'" if gone else ""


def _slidesum(question: Question, *, exact: bool = False) -> Call:
    fast = compile_network(question.network_file, threads=question.threads, exact=exact)
    if not fast.is_native:
        raise Skip("this processor isn't known")
    inputs = question.inputs()
    return lambda: fast(*inputs)


def _avx2(question: Question) -> Call:
    """This processor as one that has AVX2 alone."""
    from slidesum.engine.host import Host, host
    from slidesum.run import compiled

    here = host()
    if here is None or here.bytes_wide < 32:
        raise Skip("this processor has no AVX2")
    features = ",".join(feature for feature in here.features.split(",") if "avx512" not in feature)
    with patch.object(compiled, "host", lambda: Host("haswell", features, 32, 16)):
        return _slidesum(question)


def _torch(question: Question, *, last: bool = False, compiled: bool = False) -> Call:
    import torch

    torch.set_num_threads(question.threads)
    module = question.module() if question.factory else source_module(question.network())
    inputs = [torch.from_numpy(x) for x in question.inputs()]
    layouts = {4: torch.channels_last, 5: torch.channels_last_3d}
    if last and not any(x.ndim in layouts for x in inputs):
        raise Skip("its inputs have no rows and columns")
    if last or compiled:
        for rank, layout in layouts.items():
            if any(x.ndim == rank for x in inputs):
                module = module.to(memory_format=layout)
        inputs = [x.to(memory_format=layouts[x.ndim]) if x.ndim in layouts else x for x in inputs]
    if compiled:
        from torch._inductor import config

        config.freezing = True
        module = torch.compile(module)

    def call() -> Any:
        with torch.no_grad() if compiled else torch.inference_mode():
            return module(*inputs)

    return call


def source_module(net: Any) -> Any:
    """The network of torch's own layers, as slidesum writes it, with the same arrays."""
    import torch

    scope: dict[str, Any] = {"__name__": "network"}
    exec(compile(net.to_pytorch_source(), "network.py", "exec"), scope)
    made = (v for v in scope.values() if isinstance(v, type) and issubclass(v, torch.nn.Module) and v.__module__ == "network")
    module = next(made)()
    scope["load_values"](module, net.values)
    return module.eval()


def _onnxruntime(question: Question) -> Call:
    import onnxruntime

    def session(model: Any) -> Any:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    options, inputs = onnxruntime.SessionOptions(), question.inputs()
    options.intra_op_num_threads = question.threads
    options.log_severity_level = 3
    found = session(question.onnx) if question.onnx else None
    if found is None or not _takes([one.shape for one in found.get_inputs()], inputs):
        found = session(_written(question))
    feed = dict(zip((one.name for one in found.get_inputs()), inputs, strict=True))
    return lambda: found.run(None, feed)


def _openvino(question: Question) -> Call:
    import openvino

    core, inputs = openvino.Core(), question.inputs()
    model = core.read_model(Path(question.onnx)) if question.onnx else None
    if model is None or not _takes([[_extent(n) for n in one.partial_shape] for one in model.inputs], inputs):
        model = core.read_model(_written(question))
    model.reshape({one: list(x.shape) for one, x in zip(model.inputs, inputs, strict=True)})
    hints = {
        "INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": question.threads, "PERFORMANCE_HINT": "LATENCY"
    }  # fmt: skip
    request = core.compile_model(model, "CPU", hints).create_infer_request()
    return lambda: list(request.infer(inputs, share_inputs=True, share_outputs=True).values())


def _extent(dimension: Any) -> Any:
    return dimension.get_length() if dimension.is_static else None


def _takes(shapes: Sequence[Sequence[Any]], inputs: Sequence[Any]) -> bool:
    """Whether a file of one's own is for inputs of these shapes; what isn't a number is open."""
    return len(shapes) == len(inputs) and all(
        len(shape) == x.ndim and all(a == b or not isinstance(a, int) for a, b in zip(shape, x.shape, strict=True))
        for shape, x in zip(shapes, inputs, strict=True)
    )


def _written(question: Question) -> bytes:
    return bytes(question.network().to_onnx().SerializeToString())


def _jax(question: Question) -> Call:
    """All of it as one compiled function, with the arrays as constants. XLA takes a thread a processor: it is given no more."""
    flags = f"--xla_cpu_multi_thread_eigen={str(question.threads > 1).lower()} intra_op_parallelism_threads={question.threads}"
    os.environ["XLA_FLAGS"] = f"{os.environ.get('XLA_FLAGS', '')} {flags}".strip()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: question.threads])
    import jax

    from slidesum.laws.parameters import parameters
    from slidesum.run.layers import computed
    from slidesum.run.met import jax_backend
    from slidesum.run.network import walk

    net = question.network()
    held = {name: jax.numpy.asarray(array) for name, array in net.values.items()}
    backend, graph = jax_backend(), net.graph

    def forward(*inputs: Any) -> list[Any]:
        def layer(node: Any, before: Any) -> Any:
            return computed(backend, node, {p.name: held[f"{node.owner}.{p.name}"] for p in parameters(node)}, before)

        found = walk(graph, dict(zip((node.name for node in graph.inputs), inputs, strict=True)), layer)
        return [found[node.name] for node in graph.outputs]

    run, given = jax.jit(forward), [jax.numpy.asarray(x) for x in question.inputs()]
    return lambda: [one.block_until_ready() for one in run(*given)]


PEERS: Mapping[str, Peer] = {
    "slidesum": Peer(("llvmlite",), "native", _slidesum),
    "slidesum-exact": Peer(("llvmlite",), "native", partial(_slidesum, exact=True)),
    "slidesum-avx2": Peer(("llvmlite",), "native", _avx2, is_default=False),
    "torch": Peer(("torch",), "engines", _torch),
    "torch-last": Peer(("torch",), "engines", partial(_torch, last=True)),
    "torch-compile": Peer(("torch",), "engines", partial(_torch, compiled=True)),
    "onnxruntime": Peer(("onnx", "onnxruntime"), "engines", _onnxruntime),
    "openvino": Peer(("onnx", "openvino"), "engines", _openvino),
    "jax": Peer(("jax",), "engines", _jax),
}
"""In the order in which they are told."""

OTHERS: Mapping[str, Peer] = {"float64": Peer((), "", reference), "limit": Peer((), "", limit)}
"""What runs in a process of its own, too, but is no engine."""


def named(text: str | None) -> list[str]:
    """The engines of "slidesum,torch"; without a text, all that are there by default. Raises UsageError for an unknown one.

    >>> named("slidesum, torch")
    ['slidesum', 'torch']
    """
    if text is None:
        return [name for name, peer in PEERS.items() if peer.is_default]
    found = list(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = next((name for name in found if name not in PEERS), None)
    if unknown is not None or not found:
        raise UsageError(
            f"there is no engine {unknown!r}" if unknown else "no engine was named",
            usual=f"There are {', '.join(PEERS)}.",
            advice="Write them with commas between: slidesum,torch.",
        )
    return found
