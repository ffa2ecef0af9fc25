"""What the layers of an ONNX file are called: after the path of their module, where the file tells it.

    an array "layer1.0.conv1.weight"            layer1/0/conv1
    a node "/layer1/layer1.0/conv1/Conv"        layer1/0/conv1      (exporters of PyTorch)
    the scopes "layer1", "layer1.0.relu"        layer1/0/relu       (torch.export)
    else                                        the node's own name, or its operator's

What is computed between modules is called by its operator behind the path ("layer1/0/add"); a second one of a name is numbered
("layer1/0/relu-2").
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from typing import Any

ARRAYS = ("weight", "bias", "running_mean", "running_var", "kernel", "gamma", "beta", "in_proj_weight", "W", "w")
AS_IN_TORCH = {
    "Concat": "cat",
    "ReduceMean": "mean",
    "ReduceSum": "sum",
    "MatMul": "matmul",
    "GlobalAveragePool": "adaptive_avg_pool2d",
}
_MADE_UP = re.compile(r"(onnx::|val_|/|_val_|const_|arg\d|_to_copy|t_\d|\d+\Z)")


class Names:
    """The names given so far."""

    def __init__(self, parents: set[str]) -> None:
        self.parents = parents
        self.taken: dict[str, None] = {}

    def fresh(self, stem: str) -> str:
        """The stem, or the stem with a number where it is taken."""
        found, count = stem, 1
        while found in self.taken:
            count += 1
            found = f"{stem}-{count}"
        self.taken[found] = None
        return found

    def of_call(self, call: Any, part: str = "") -> str:
        """The name for a layer of this node."""
        inside = not call.path or call.path in self.parents
        told = "/".join(filter(None, (call.path, operator(call.op) if inside else "", part)))
        return clean(told) or "layer"

    def of_array(self, name: str) -> str:
        """The name for an array that is a layer of its own; "" where the file has made it up."""
        return "" if is_made_up(name) else clean(name)


def path_of(node: Any, arrays: set[str]) -> str:
    """The path of the module that a node belongs to; "" where the file doesn't tell it.

    >>> from types import SimpleNamespace as Node
    >>> path_of(Node(name="/layer1/layer1.0/conv1/Conv", input=["x", "onnx::Conv_1"], metadata_props=[]), {"onnx::Conv_1"})
    'layer1/0/conv1'
    >>> path_of(Node(name="", input=["x", "layer1.0.conv1.weight"], metadata_props=[]), {"layer1.0.conv1.weight"})
    'layer1/0/conv1'
    """
    for name in node.input:
        stem, _, last = name.rpartition(".")
        if name in arrays and last in ARRAYS and stem and not is_made_up(name):
            return clean(stem)
    for entry in node.metadata_props:
        if entry.key == "pkg.torch.onnx.name_scopes":
            scopes = _scopes(entry.value)
            return clean(scopes[-2]) if len(scopes) > 1 else ""
    if node.name.startswith("/"):
        *modules, _ = node.name[1:].split("/")
        return clean(_joined(modules))
    return ""


def _scopes(text: str) -> list[str]:
    try:
        found = ast.literal_eval(text) if len(text) < 10_000 else []
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return []
    return found if isinstance(found, list) and all(isinstance(one, str) for one in found) else []


def _joined(modules: list[str]) -> str:
    """The path that a node's name tells, in which a module repeats as much of its parents' path as it likes.

    >>> _joined(["features", "features.0", "features.0.2"]), _joined(["layer1", "layer1.0", "conv1"])
    ('features/0/2', 'layer1/0/conv1')
    """
    path: list[str] = []
    for module in modules:
        parts = module.split(".")
        again = next((k for k in range(min(len(parts), len(path)), 0, -1) if path[-k:] == parts[:k]), 0)
        path += parts[again:]
    return "/".join(path)


def without_turns(paths: Mapping[int, str]) -> dict[int, str]:
    """The paths by node, without the number that an exporter gives to a second call of a module ("relu_1" of "relu")."""
    known = set(paths.values())
    found = {}
    for key, path in paths.items():
        stem = re.sub(r"_\d+\Z", "", path)
        found[key] = stem if stem in known else path
    return found


def is_made_up(name: str) -> bool:
    """Whether an exporter invented this name of an array, rather than the model's author."""
    return not name or bool(_MADE_UP.match(name))


def operator(op: str) -> str:
    """An operator's name in small letters, words apart; some as PyTorch calls them, so that a model has one table.

    >>> operator("GlobalMaxPool"), operator("com.microsoft.FusedConv"), operator("LRN"), operator("Concat")
    ('global_max_pool', 'fused_conv', 'lrn', 'cat')
    """
    last = op.rpartition(".")[2]
    if last in AS_IN_TORCH:
        return AS_IN_TORCH[last]
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", last).lower()


def clean(path: str) -> str:
    """A path as a layer's name: letters, digits, '_', '-' and '/'.

    >>> clean("layer1.0.conv1"), clean("~odd.name")
    ('layer1/0/conv1', '_odd/name')
    """
    return re.sub(r"[^A-Za-z0-9_/-]", "_", path[:200].replace(".", "/")).lstrip("/-")
