"""A network as readable Python: an `nn.Module` of torch's own layers, and the function that takes the arrays over.

    class Lenet5(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.C1 = nn.Conv2d(1, 6, 5)
            …
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.C1(x)  # 6×28×28
            …

    def load_values(module, values):

What torch.nn has a layer for is written so; an equation that it lacks is `slidesum.torch.Conv("…")`, or `torch.einsum`. The batch
stays open. `source_equations` and `source_layers` say what each layer becomes.
"""

from __future__ import annotations

from slidesum.core.network import Graph, Node
from slidesum.core.ops import Dropout, Input, Layer
from slidesum.run.network import refuse_symbols
from slidesum.show.code import identifier, remark, statement, text
from slidesum.show.source_equations import equation_written
from slidesum.show.source_layers import Written, layer_written

TAKEN = frozenset(
    (
        *("T_destination", "add_module", "apply", "bfloat16", "buffers", "call_super_init", "children", "compile", "cpu"),
        *("cuda", "double", "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer", "get_extra_state"),
        *("get_parameter", "get_submodule", "half", "ipu", "load_state_dict", "modules", "mtia", "named_buffers"),
        *("named_children", "named_modules", "named_parameters", "parameters", "register_backward_hook"),
        *("register_buffer", "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook"),
        *("register_full_backward_pre_hook", "register_load_state_dict_post_hook", "register_load_state_dict_pre_hook"),
        *("register_module", "register_parameter", "register_state_dict_post_hook", "register_state_dict_pre_hook"),
        *("requires_grad_", "set_extra_state", "set_submodule", "share_memory", "state_dict", "to", "to_empty", "train"),
        *("training", "type", "xpu", "zero_grad", "self"),
    )
)
"""What a module is and has already: no layer can be called so."""


def pytorch_source(graph: Graph) -> str:
    """The source. Raises SizeError while sizes are symbols, NetworkError for a layer that can't be run.

    >>> from slidesum.draft.verbs import Draft
    >>> net = Draft("two layers")
    >>> x = net.input("b c i j", b=1, c=3, i=8, j=8)
    >>> x = net.conv(x, "b c i+u j+v, o c u v -> b o i j", o=4, u=3, v=3, padding="same", bias="o", name="conv")
    >>> x = net.linear(net.activation(x, "relu", name="relu"), 10, name="out")
    >>> print(pytorch_source(net.graph))
    \"\"\"two layers, written by slidesum.\"\"\"
    <BLANKLINE>
    import torch
    from torch import nn
    <BLANKLINE>
    <BLANKLINE>
    class TwoLayers(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3, padding=1)
            self.relu = nn.ReLU()
            self.out = nn.Linear(256, 10)
    <BLANKLINE>
        def forward(self, x: torch.Tensor) -> torch.Tensor:  # 3×8×8
            x = self.conv(x)  # 4×8×8
            x = self.relu(x)
            return self.out(torch.flatten(x, 1))  # 10
    <BLANKLINE>
    <BLANKLINE>
    def load_values(module: TwoLayers, values: dict) -> None:
        \"\"\"Take over the arrays of the network, as `net.values` has them.\"\"\"
        arrays = {
            "conv.weight": values["conv.w"],
            "conv.bias": values["conv.bias"],
            "out.weight": values["out.w"].reshape(10, 256),
            "out.bias": values["out.bias"],
        }
        module.load_state_dict(module.state_dict() | {name: torch.as_tensor(array) for name, array in arrays.items()})
    <BLANKLINE>
    """
    refuse_symbols(graph)
    return _Source(graph).text()


class _Source:
    """One source in the making; `text` is the table of contents."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.written = {node.name: _written(node) for node in graph if not isinstance(node.op, Input)}
        self.attributes = _distinct([node.name for node in graph if not node.shares], TAKEN)
        self.heads = tuple(node.name for node in graph.outputs)
        self.variables = self._variables()
        self.title = remark(graph.name) or "network"
        self.kind = "".join(part[:1].upper() + part[1:] for part in identifier(self.title).split("_")) or "Network"

    def text(self) -> str:
        """The whole source."""
        body = "\n".join([f"class {self.kind}(nn.Module):", *self._init(), "", *self._forward()])
        return "\n".join(
            [f'"""{self.title}, written by slidesum."""', "", *self._imports(body), "", "", body, "", "", *self._load(), ""]
        )

    def _imports(self, body: str) -> list[str]:
        torch = ["import torch", "from torch import nn", *["from torch.nn import functional as F"] * ("F.pad(" in body)]
        layers = [name for name in ("Conv", "Pool") if f" {name}(" in body]
        ours = [
            *["import slidesum"] * ("slidesum.conv(" in body),
            *["from slidesum.core.sized import Connections"] * (" Connections(" in body or "=Connections(" in body),
            *[f"from slidesum.torch import {', '.join(layers)}"] * bool(layers),
        ]
        return [*torch, "", *ours] if ours else torch

    def _init(self) -> list[str]:
        made = []
        for node in self.graph:
            if isinstance(node.op, Input) or node.shares:
                continue
            written, name = self.written[node.name], self.attributes[node.name]
            if written.made:
                made.append(statement(f"self.{name} = {written.made}"))
            elif written.buffer:
                made.append(statement(f"self.register_buffer({text(name)}, {written.buffer})"))
        return ["    def __init__(self) -> None:", "        super().__init__()", *made]

    def _forward(self) -> list[str]:
        given = [self.variables[node.name] for node in self.graph.inputs]
        arguments = ", ".join(f"{name}: torch.Tensor" for name in given)
        returned = "torch.Tensor" if len(self.heads) == 1 else f"tuple[{', '.join(['torch.Tensor'] * len(self.heads))}]"
        shown = "; ".join(_shape(node) for node in self.graph.inputs)
        lines = [f"    def forward(self, {arguments}) -> {returned}:  # {shown}"]
        before = None
        last = self.graph.nodes[-1].name
        for node in self.graph:
            if isinstance(node.op, Input):
                before = node.shape
                continue
            remarked = "" if node.shape == before else f"  # {_shape(node)}"
            before = node.shape
            how = "return" if self.heads == (node.name,) and node.name == last else f"{self.variables[node.name]} ="
            line = statement(f"{how} {self._call(node)}")
            lines.append(line + remarked if "\n" not in line else line)
        if not lines[-1].lstrip().startswith("return") and "return" not in lines[-1].split("\n")[0]:
            lines.append(f"        return {', '.join(self.variables[name] for name in self.heads)}")
        return lines

    def _call(self, node: Node) -> str:
        written = self.written[node.name]
        own = f"self.{self.attributes[node.owner]}"
        found = written.call.replace("{self}", own)
        for number, name in enumerate(node.inputs):
            found = found.replace(f"{{{number}}}", self.variables[name])
        return found.replace("{all}", ", ".join(self.variables[name] for name in node.inputs))

    def _load(self) -> list[str]:
        entries = []
        for node in self.graph:
            if isinstance(node.op, Input) or node.shares:
                continue
            for suffix, (array, how) in self.written[node.name].arrays.items():
                key = ".".join(filter(None, (self.attributes[node.name], suffix)))
                entries.append(statement(f"{text(key)}: values[{text(f'{node.name}.{array}')}]{how},"))
        update = "module.load_state_dict(module.state_dict() | {name: torch.as_tensor(array) for name, array in arrays.items()})"
        return [
            f"def load_values(module: {self.kind}, values: dict) -> None:",
            '    """Take over the arrays of the network, as `net.values` has them."""',
            *(["    arrays = {", *entries, "    }", f"    {update}"] if entries else ["    # it has none"]),
        ]

    def _variables(self) -> dict[str, str]:
        """A name for every result: that of what it reads, where nobody else reads that; else its layer's own."""
        inputs = [node.name for node in self.graph.inputs]
        found = dict(zip(inputs, ["x"] if len(inputs) == 1 else _distinct(inputs, {"self"}).values(), strict=True))
        used = set(found.values())
        place = {node.name: number for number, node in enumerate(self.graph)}
        for node in self.graph:
            if node.name in found:
                continue
            free = [
                name
                for name in node.inputs
                if name not in self.heads and all(place[user.name] <= place[node.name] for user in self.graph.users(name))
            ]
            name = found[free[0]] if free else identifier(node.name)
            if not free:
                while name in used or name in ("self", "torch", "nn", "F", "slidesum"):
                    name += "_"
                used.add(name)
            found[node.name] = name
        return found


def _written(node: Node) -> Written:
    if isinstance(node.op, Layer):
        return equation_written(node)
    if isinstance(node.op, Dropout):
        return Written("{self}({0})", f"nn.Dropout({node.op.rate!r})")
    return layer_written(node)


def _distinct(names: list[str], taken: frozenset[str] | set[str]) -> dict[str, str]:
    """A Python name for each, all different."""
    found: dict[str, str] = {}
    used = set(taken)
    for name in names:
        made = identifier(name)
        while made in used:
            made += "_"
        used.add(made)
        found[name] = made
    return found


def _shape(node: Node) -> str:
    """What a result has beside the batch: 64×28×28."""
    return "×".join(str(n) for n in node.shape[1:]) or "one a sample"
