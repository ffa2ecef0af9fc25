"""Random equations as ONNX files, run by onnxruntime: the plain loops say the same."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import onnxruntime
from hypothesis import HealthCheck, given, settings
from rounding import drawn, largest_sum
from run.random_equations import Layer as Random
from run.random_equations import layers

from slidesum.core.ops import Input, Layer, Stored
from slidesum.draft.verbs import Draft
from slidesum.notation.parse import parse
from slidesum.run import reference
from slidesum.write.onnx import write_onnx

ROUNDING = 1e-5


def by_onnxruntime(graph, values, *inputs):
    """The results of the written file."""
    model = write_onnx(graph, values)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {node.name: x for node, x in zip(graph.inputs, inputs, strict=True)})


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(layers())
def test_random_equations(layer: Random):
    check(replace(layer, kind="real"))


def check(layer: Random):
    """One equation: its first operand is an input, the others are stored."""
    sized, problem = layer.solve(), layer.problem
    if 0 in (*sized.extents.values(), *(n for shape in sized.shapes for n in shape)):
        return  # nothing to compute
    arrays = [np.asarray(x, np.float32) for x in drawn(sized.shapes)]
    bias = None if sized.bias_shape is None else np.asarray(drawn([sized.bias_shape], seed=1)[0], np.float32)
    draft, values = Draft("random"), {}
    tensors = [draft.place("x", Input(tuple(f"a{k}" for k in range(arrays[0].ndim))), (), arrays[0].shape)]
    for number, array in enumerate(arrays[1:]):
        values[f"s{number}.value"] = array
        tensors.append(draft.place(f"s{number}", Stored(array.shape)))
    equation = replace(parse(problem.pattern), bias=sized.equation.bias)
    draft.place("y", Layer(equation, dict(problem.sizes), problem.padding, problem.border), tensors)
    if bias is not None:
        values["y.bias"] = bias
    (found,) = by_onnxruntime(draft.graph, values, arrays[0])
    wide = [x.astype(np.float64) for x in arrays]
    wanted = reference.evaluate(sized, wide, None if bias is None else bias.astype(np.float64))
    scale = largest_sum(sized, wide) + (0 if bias is None else abs(bias).max(initial=0))
    assert found.shape == wanted.shape
    infinite = np.isinf(wanted)
    largest = np.finfo(np.float32).max  # where a window reads nothing but border, onnxruntime has the largest number for infinity
    assert np.array_equal(np.clip(found[infinite], -largest, largest), np.clip(wanted[infinite], -largest, largest))
    error = abs(found - wanted)[~infinite]
    allowed = ROUNDING * np.maximum(np.broadcast_to(scale, wanted.shape)[~infinite], 1)
    assert (error <= allowed).all(), f"off by {error.max()}"
