"""The calls of a torch model become a network: one table of operators, and what each means is said in a file of its own family.

    torch_products   what multiplies                 torch_values   value by value, and normalisation
    torch_pools      what reduces or repeats         torch_moves    what only moves values
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from slidesum.core.network import Graph
from slidesum.core.ops import BatchNorm, Layer
from slidesum.draft.verbs import Tensor
from slidesum.read import torch_moves, torch_pools, torch_products, torch_values
from slidesum.read.model import Model
from slidesum.read.torch_build import Build
from slidesum.read.torch_program import Call, Program

Translator = Callable[[Build, Call], Tensor | Sequence[Tensor | None]]

OPS: Mapping[str, Translator] = {**torch_products.OPS, **torch_pools.OPS, **torch_values.OPS, **torch_moves.OPS}
"""By the operator's name. What isn't here becomes an opaque layer."""

REASONS = {
    "embedding": "a look-up in a table is no equation",
    "setitem": "an array is overwritten in part",
}


def translate(program: Program) -> Model:
    """The network of a captured model, its arrays, and the list of what wasn't understood."""
    build = Build(program)
    for call in program.calls:
        if not any(value in build.used for value in call.results if value is not None):
            continue  # nobody asks for it
        translator = OPS.get(call.op)
        if translator is None:
            build.opaque(call, REASONS.get(call.op, "it has no equation, and is none of the other layers known here"))
        else:
            build.attempt(call, translator)
    build.draft.output(*(build.tensor(value) for value in program.outputs))
    graph = build.draft.graph
    return Model(graph, build.values, program.reader, tuple(build.unsupported), notes=tuple(foldable(graph)))


def foldable(graph: Graph) -> list[str]:
    """Batch norms that scale and shift the maps of the convolution before them, which nobody else reads.

    What they do can be put into its weights and biases once it is trained (Jacob et al. 2018, section 3.2).
    """
    found = []
    for node in graph:
        before = graph[node.inputs[0]] if isinstance(node.op, BatchNorm) else None
        if before is None or not isinstance(before.op, Layer) or before.sized is None:
            continue
        if before.sized.filters and len(graph.users(before.name)) == 1 and not before.shares:
            found.append(f"{node.name}: can be folded into {before.name}")
    return found
