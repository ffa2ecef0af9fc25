"""The calls of a torch model become a network: one table of operators, and what each means is said in a file of its own family.

torch_products   what multiplies                 torch_values   value by value, and normalisation
torch_pools      what reduces or repeats         torch_moves    what only moves values
torch_cuts       what takes some cells
"""

from __future__ import annotations

from collections.abc import Mapping

from slidesum.read import torch_cuts, torch_moves, torch_pools, torch_products, torch_values
from slidesum.read.model import Model
from slidesum.read.torch_build import Build, Translator, growing
from slidesum.read.torch_constants import folded
from slidesum.read.torch_program import Program

OPS: Mapping[str, Translator] = {**torch_products.OPS, **torch_pools.OPS, **torch_values.OPS, **torch_moves.OPS, **torch_cuts.OPS}
"""By the operator's name. What isn't here becomes an opaque layer."""

REASONS = {
    "embedding": "a look-up in a table is no equation",
    "setitem": "an array is overwritten in part",
}


def translate(program: Program) -> Model:
    """The network of a captured model, its arrays, and the list of what wasn't understood."""
    build = Build(program)
    for call in program.calls:
        if folded(build, call):
            continue
        if not any(value in build.used for value in call.results if value is not None):
            continue  # nobody asks for it
        translator = OPS.get(call.op)
        if translator is None:
            build.opaque(call, REASONS.get(call.op, "it has no equation, and is none of the other layers known here"))
        else:
            build.attempt(call, translator)
    build.draft.output(*(build.tensor(value) for value in program.outputs))
    return Model(build.draft.graph, build.values, program.reader, tuple(build.unsupported), notes=_notes(build))


def _notes(build: Build) -> tuple[str, ...]:
    """What a reader of the table should know: parameters that nobody asks for, a batch that can't vary."""
    program = build.program
    idle = [array for value, array in program.arrays.items() if array.trainable and value not in build.used]
    notes = list(program.remarks)
    if idle:
        total = sum(int(array.numbers.size) for array in idle)
        parts = dict.fromkeys(array.name.split(".")[0] for array in idle)
        notes.append(f"{total:,} parameters take no part in the result: those of {', '.join(parts)}")
    if not any(growing(value.shape) for value in program.inputs.values()):
        notes.append(f"the batch is {program.batch}, as in the example: the model fixes it, or decides by it")
    return tuple(notes)
