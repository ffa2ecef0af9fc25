"""ONNX's own cases, as the package `onnx` carries them: a model, inputs, and the outputs that are right.

Cases of one node hand everything in as an input, filters and axes too. Where the reader needs some of it constant, all inputs but
the first of floating numbers are put into the model as arrays: the same numbers, from the same case.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from slidesum.errors import SlidesumError
from slidesum.read.model import Model
from slidesum.read.onnx import read_onnx
from slidesum.run.network import run

KINDS = ("node", "pytorch-converted", "pytorch-operator", "simple")

FAMILIES: dict[str, tuple[str, ...]] = {
    "convolution": ("Conv", "ConvTranspose"),
    "pooling": ("MaxPool", "AveragePool", "GlobalAveragePool", "GlobalMaxPool", "LpPool"),
    "normalisation": (
        "BatchNormalization", "InstanceNormalization", "GroupNormalization", "LayerNormalization", "RMSNormalization", "LRN",
        "MeanVarianceNormalization",
    ),
    "activation": (
        "Relu", "LeakyRelu", "PRelu", "Elu", "Selu", "Celu", "Sigmoid", "HardSigmoid", "Tanh", "Softplus", "Softsign", "HardSwish",
        "Mish", "Gelu", "Swish", "Clip", "Exp", "Log", "Sqrt", "Abs", "Neg", "Sign", "Floor", "Ceil", "Round", "Erf", "Sin", "Cos",
        "Reciprocal", "Softmax", "LogSoftmax", "Dropout",
    ),
    "product": ("MatMul", "Gemm", "Einsum"),
    "elementwise": ("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Mean"),
    "reduction": (
        "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceL1", "ReduceL2", "ReduceSumSquare", "ReduceLogSum",
        "ReduceLogSumExp",
    ),
    "shape": (
        "Reshape", "Transpose", "Flatten", "Squeeze", "Unsqueeze", "Concat", "Split", "Slice", "Gather", "Expand", "Tile", "Pad",
        "DepthToSpace", "SpaceToDepth", "Resize", "Upsample", "Identity", "Shape", "Size", "ConstantOfShape", "Constant",
    ),
}  # fmt: skip
"""By family, the operators of which it is made. Every other single node is "other"; more nodes than one are "several"."""


@dataclass(frozen=True)
class Case:
    """One case: where it comes from, its model, and its sets of inputs and outputs."""

    kind: str
    name: str
    model: onnx.ModelProto
    data: list[tuple[list[Any], list[Any]]]

    @property
    def family(self) -> str:
        """What its nodes do; the convolutions of PyTorch's cases come with a constant or a reshape beside them."""
        ops = [node.op_type for node in self.model.graph.node]
        for family, known in FAMILIES.items():
            if self.kind != "node" and family in ("convolution", "pooling", "normalisation") and set(ops) & set(known):
                return family
            if ops and set(ops) <= set(known):
                return family
        return "other" if len(ops) == 1 else "several"


@dataclass(frozen=True)
class Outcome:
    """What became of a case: "passed", "differs", or "refused" with the reason."""

    case: Case
    verdict: str
    reason: str = ""


def cases() -> Iterator[Case]:
    """All of them: the nodes' are computed by the package, the others lie in its folders."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the package divides by zero, on purpose
        from onnx.backend.test.case.node import collect_testcases

        for one in collect_testcases(None):
            if one.model is not None:
                yield Case("node", one.name, one.model, [(list(ins), list(outs)) for ins, outs in one.data_sets])
    root = Path(onnx.__file__).parent / "backend" / "test" / "data"
    for kind in KINDS[1:]:
        for folder in sorted((root / kind).iterdir()):
            sets = [(_arrays(s, "input"), _arrays(s, "output")) for s in sorted(folder.glob("test_data_set_*"))]
            yield Case(kind, folder.name, onnx.load(folder / "model.onnx"), sets)


def _arrays(folder: Path, what: str) -> list[Any]:
    found = []
    for path in sorted(folder.glob(f"{what}_*.pb"), key=lambda p: int(p.stem.split("_")[1])):
        tensor = onnx.TensorProto()
        tensor.ParseFromString(path.read_bytes())
        found.append(numpy_helper.to_array(tensor))
    return found


def outcome(case: Case) -> Outcome:
    """Read the model, run it on the case's inputs, and compare with the case's outputs."""
    model, data = _read(case.model), case.data
    if not data or not _computable(case):
        return Outcome(case, "refused", "its values aren't arrays of numbers that NumPy has")
    if isinstance(model, str) or model.unsupported:
        bound = _bound(case)
        if bound is not None:
            model, free = _read(bound[0]), bound[1]
            data = [([ins[free]], outs) for ins, outs in data[:1]]
    if isinstance(model, str):
        return Outcome(case, "refused", model)
    if model.unsupported:
        return Outcome(case, "refused", f"{model.unsupported[0].kind}: {model.unsupported[0].reason}")
    for inputs, outputs in data:
        if not model.graph.inputs:
            return Outcome(case, "refused", "it has no input")
        with np.errstate(all="ignore"):  # roots of negative numbers, as the case has them
            found = run(model.graph, model.values, *inputs[: len(model.graph.inputs)])
        heads = [found[node.name] for node in model.graph.outputs]
        if len(heads) != len(outputs) or not all(map(_same, heads, outputs)):
            return Outcome(case, "differs")
    return Outcome(case, "passed")


def _read(model: onnx.ModelProto) -> Model | str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "case.onnx"
        path.write_bytes(model.SerializeToString())
        try:
            return read_onnx(path)
        except SlidesumError as error:
            return str(error).splitlines()[0].partition(": ")[2]


def _bound(case: Case) -> tuple[onnx.ModelProto, int] | None:
    """The model with all inputs but one as arrays, and the number of that one."""
    inputs = case.data[0][0]
    names = [one.name for one in case.model.graph.input]
    if case.kind != "node" or not 0 < len(inputs) <= len(names) or any(x.dtype.kind not in "fiub" for x in inputs):
        return None
    free = next((k for k, x in enumerate(inputs) if x.dtype.kind == "f"), 0)
    bound = onnx.ModelProto()
    bound.CopyFrom(case.model)
    bound.graph.initializer.extend(
        numpy_helper.from_array(x, name) for k, (name, x) in enumerate(zip(names, inputs, strict=False)) if k != free
    )
    return bound, free


def _computable(case: Case) -> bool:
    return all(isinstance(x, np.ndarray) and x.dtype.kind in "fiub" for ins, outs in case.data for x in (*ins, *outs))


def _same(found: Any, wanted: Any) -> bool:
    rough = 3e-3 if wanted.dtype == np.float16 else 1e-3  # as the cases say of themselves
    found, wanted = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    return found.shape == wanted.shape and np.allclose(found, wanted, rtol=rough, atol=1e-5, equal_nan=True)
