"""Every network of the zoo as an ONNX file: thin and small, run by onnxruntime, and read back with the same counts."""

import numpy as np
import pytest
from write.test_onnx_equations import by_onnxruntime
from zoo.test_runs import SMALL

from slidesum.api.network import Network
from slidesum.read.onnx import read_onnx
from slidesum.run.network import initial_values, run
from slidesum.write.onnx import write_onnx

MORE = {"lenet5": 900}
"""Parameters that a file has more: zeros where maps aren't connected, as ONNX has no table of connections."""
FEWER_MACS = {"type-2.1"}
"""The maps are summed before they are multiplied, and that is what the file says."""


@pytest.mark.parametrize("name", SMALL)
def test_networks(name, tmp_path):
    graph = SMALL[name]()
    values = initial_values(graph)
    x = np.random.default_rng(0).standard_normal((2, *graph.inputs[0].shape[1:])).astype(np.float32)
    wanted = run(graph, values, x)
    for node, y in zip(graph.outputs, by_onnxruntime(graph, values, x), strict=True):
        np.testing.assert_allclose(y, wanted[node.name], rtol=1e-5, atol=1e-5 * max(1, abs(wanted[node.name]).max()))
    model = write_onnx(graph, values, tmp_path / "net.onnx")
    assert model.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    read = read_onnx(tmp_path / "net.onnx", strict=True, sizes={"batch": graph.inputs[0].shape[0]})
    first, back = Network.of(graph, values), Network.of(read.graph, read.values)
    assert back.parameters - first.parameters == MORE.get(name, 0)
    if name in FEWER_MACS:
        assert back.macs < first.macs
    elif name not in MORE:
        assert (back.macs, back.macs_inside) == (first.macs, first.macs_inside)
