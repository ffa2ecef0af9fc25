"""Modules that can't be recorded without memory: they run on the example itself, and what torch can't see stays opaque.

    torch.fx   the module's Python becomes a graph; each of its nodes is recorded by itself, and a node whose result comes from
               outside torch is an opaque layer with the node's inputs
    hooks      only modules without parts are recorded, one by one; what happens between them is an opaque layer

Here the batch is that of the example, and branches are those that the example takes.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch

from slidesum.read.torch_program import Call, Place, Program, Value
from slidesum.read.torch_record import Recorder, tensors_in


def read_fx(module: torch.nn.Module, examples: Sequence[torch.Tensor], names: Sequence[str]) -> Program:
    """By torch.fx's symbolic tracing. Raises what torch.fx raises where Python decides by values."""
    traced = torch.fx.symbolic_trace(module)
    recorder = Recorder(module, 0, real=True)
    inputs = {name: recorder.bind(x) for name, x in zip(names, examples, strict=True)}
    interpreter = _Nodes(traced, recorder)
    with torch.no_grad(), recorder.where.following():
        result = interpreter.run(*examples)
    return recorder.program(type(module).__name__, _batch(examples), inputs, result, "torch.fx")


class _Nodes(torch.fx.Interpreter):
    """Runs the nodes one by one; `sources` are the values that a node's result was made of."""

    def __init__(self, traced: torch.fx.GraphModule, recorder: Recorder) -> None:
        super().__init__(traced)
        self.recorder = recorder
        self.sources: dict[torch.fx.Node, tuple[Value, ...]] = {}

    def run_node(self, n: torch.fx.Node) -> Any:
        made_of = tuple(dict.fromkeys(v for one in n.all_input_nodes for v in self.sources.get(one, ())))
        with self.recorder:
            result = super().run_node(n)
        told = str(n.target) if isinstance(n.target, str) else getattr(n.target, "__name__", "function")
        path = str(n.target) if n.op == "call_module" else ""
        found = tensors_in(result)
        if made_of and n.op != "output":
            own = self.module.get_submodule(path).parameters() if path else ()
            note_unseen(self.recorder, told.replace(".", "_"), made_of, found, path, [self.recorder.value(p) for p in own])
        self.sources[n] = tuple(v for t in found if (v := self.recorder.values.get(id(t)))) or made_of
        return result


def read_hooks(module: torch.nn.Module, examples: Sequence[torch.Tensor], names: Sequence[str]) -> Program:
    """By hooks on the modules without parts."""
    recorder = Recorder(module, 0, real=True)
    inputs = {name: recorder.bind(x) for name, x in zip(names, examples, strict=True)}
    leaves = {id(one): name for name, one in module.named_modules() if not any(one.children())}
    unread = dict.fromkeys(inputs.values())
    running: list[tuple[int, tuple[Value, ...]]] = []
    recording = ExitStack()

    def enter(one: torch.nn.Module, given: Any) -> None:
        if running or id(one) not in leaves:
            return
        found = tensors_in(given)
        note_unseen(recorder, "between_layers", tuple(unread), found, leaves[id(one)].rpartition(".")[0])
        read = tuple(recorder.value(t) for t in found)
        for value in read:
            unread.pop(value, None)
        running.append((id(one), read))
        recording.enter_context(recorder)

    def leave(one: torch.nn.Module, given: Any, result: Any) -> None:
        if not running or running[-1][0] != id(one):
            return
        recording.close()
        _, read = running.pop()
        found = tensors_in(result)
        own = [recorder.value(p) for p in one.parameters()]
        note_unseen(recorder, type(one).__name__, read, found, leaves[id(one)], own)
        unread.update(dict.fromkeys(recorder.value(t) for t in found))

    handles = [
        torch.nn.modules.module.register_module_forward_pre_hook(enter),
        torch.nn.modules.module.register_module_forward_hook(leave),
    ]
    try:
        with torch.no_grad(), recorder.where.following():
            result = module(*examples)
    finally:
        for handle in handles:
            handle.remove()
        recording.close()
    note_unseen(recorder, "between_layers", tuple(unread), tensors_in(result), "")
    return recorder.program(type(module).__name__, _batch(examples), inputs, result, "hooks")


def note_unseen(
    recorder: Recorder, op: str, read: tuple[Value, ...], found: Sequence[torch.Tensor], path: str, arrays: Sequence[Value] = ()
) -> None:
    """A call for tensors that no recorded operation made."""
    unseen = [t for t in found if id(t) not in recorder.values]
    if unseen:
        results = tuple(recorder.bind(t) for t in unseen)
        recorder.calls.append(Call(op, {"argument0": read, "argument1": tuple(arrays)}, results, Place(path)))


def _batch(examples: Sequence[torch.Tensor]) -> int:
    return int(examples[0].shape[0]) if examples and examples[0].ndim else 1
