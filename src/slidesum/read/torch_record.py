"""A module recorded while it runs on tensors without memory: every operation, with exact shapes and the path of its module.

The module's own Python runs once, so branches are taken and loops unrolled. Three rules:

- Functions written in Python, such as `F.relu` and `F.multi_head_attention_forward`, are entered (torch_enter); what is recorded
  are the operators below them, with the argument names of their schema (torch_schema), and where they stand (torch_where).
- What depends on no input and no parameter is computed for real: masks, index tables, positions.
- The batch is replaced by a large prime. Whatever is a multiple of it grows with the batch (`torch_program.extent`).

Values that leave torch, or decide what is computed, can't be recorded; then torch raises, and another way of capturing is tried.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from slidesum.errors import ReadError
from slidesum.read.torch_enter import below, entered
from slidesum.read.torch_program import Array, Call, Place, Program, Times, Value, extent, extents
from slidesum.read.torch_schema import SPREAD, arguments, operator
from slidesum.read.torch_where import Whereabouts

STAND_IN = 10007
"""The batch while recording: a prime that is no usual extent."""
LARGEST_CONSTANT = 2**26

SAME_SHAPE = ("batch_norm", "relu", "sigmoid", "silu", "hardswish", "gelu")
"""Operators whose result is like their first argument, known without asking."""
REMEMBERED = ("conv1d", "conv2d", "conv3d", "linear")
"""Operators whose result is a new tensor, of a shape that follows from those of the arguments: networks repeat them."""
ASKED = frozenset({"dim", "ndimension", "size", "numel", "stride", "is_contiguous", "is_floating_point", "is_complex"})
"""What a tensor is asked about itself, and no operation."""
PLAIN = frozenset({bool, float, str, type(None)})
"""Arguments that stand in a call as they are."""
_MADE: dict[tuple[Any, ...], tuple[torch.Size, torch.dtype]] = {}
MOST_MADE = 4096
"""So many of those results are remembered: the operator and the shapes, types and numbers that it is given say what they are."""
FACTORIES = ("zeros", "ones", "full", "empty", "arange", "eye", "linspace", "rand", "randn", "new_zeros", "new_ones", "new_full")


class Unrecordable(ReadError):
    """The recording can't tell what the module computes; another way of capturing may."""


def record(module: torch.nn.Module, examples: Sequence[torch.Tensor], names: Sequence[str], *, batch: int = STAND_IN) -> Program:
    """The calls of one forward pass. With `batch=0`, the batch is the examples', and no extent grows with it."""
    declared = examples[0].shape[0] if examples and examples[0].ndim else 1
    recorder = Recorder(module, batch)
    inputs = []
    for one in examples:
        grows = batch and one.ndim > 0 and one.shape[0] == declared
        shape = (batch, *one.shape[1:]) if grows else tuple(one.shape)
        inputs.append(torch.empty(shape, dtype=one.dtype, device="meta"))
    held = {name: recorder.bind(x) for name, x in zip(names, inputs, strict=True)}
    with torch.no_grad(), recorder.where.following(), recorder:
        result = module(*inputs)
    return recorder.program(type(module).__name__, declared, held, result, "recorded run")


class Recorder(TorchFunctionMode):
    """What notes the calls. `real` leaves tensors as they are; otherwise they take no memory."""

    def __init__(self, module: torch.nn.Module, batch: int, *, real: bool = False) -> None:
        super().__init__()
        self.batch = batch
        self.real = real
        self.calls: list[Call] = []
        self.arrays: dict[Value, Array] = {}
        modules = list(module.named_modules())
        self.where = Whereabouts({id(one): path for path, one in modules})
        self.values: dict[int, Value | None] = {}  # by the id of a tensor; None where a view of it was overwritten
        self.kept: list[Any] = []  # so that no id is used twice
        self.sharing: dict[int, list[int]] = {}  # ids by storage
        self.without_memory: dict[int, torch.Tensor] = {}
        self.names = {id(t): _joined(path, name) for path, one in modules for name, t in one._buffers.items() if t is not None}
        for path, one in modules:
            for name, parameter in one._parameters.items():
                if parameter is not None and id(parameter) not in self.values:
                    self.arrays[self.bind(parameter)] = Array(_joined(path, name), numbers(parameter), True)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        operation = below(func, args, kwargs)
        if operation is not None:
            func, args, kwargs = *operation, {}
        elif (inner := entered(func)) is not None:
            with self:
                return inner(*args, **kwargs)
        name = func.__name__
        if name == "__get__":
            return self._property(func.__self__.__name__, func, args)
        if name in ASKED:
            return func(*args, **kwargs)
        if name.startswith("new_"):  # of the input it takes the dtype only
            args = (torch.empty(0, dtype=args[0].dtype), *args[1:])
        if not self._known_among(args) and not self._known_among(kwargs.values()):
            return self._constant(func, args, kwargs)
        op, in_place = operator(name)
        if op in SPREAD and len(args) > 1 and isinstance(args[1], int):
            args = (args[0], tuple(args[1:]))
        kept = name == "__setitem__" or (in_place and _like_first(op, args))
        result = args[0] if kept else self._result(op, func, args, kwargs)
        found = result if isinstance(result, list | tuple) else (result,)
        if not isinstance(result, torch.Tensor) and not tensors_in(found):
            return result
        given = {n: a if type(a) in PLAIN else self._argument(a) for n, a in arguments(op, func, args, kwargs).items()}
        if in_place:
            self._overwritten(args[0])
            result = args[0]
            found = (result,)
        results = tuple(self.bind(t) if isinstance(t, torch.Tensor) else None for t in found)
        self.calls.append(Call(op, given, results, self.where.place()))
        return result

    def _known_among(self, given: Iterable[Any]) -> bool:
        """Whether a tensor that is recorded is among these arguments, however they are nested."""
        for one in given:
            if id(one) in self.values:
                return True
            if isinstance(one, (tuple, list, dict)) and self._known_among(one.values() if isinstance(one, dict) else one):
                return True
        return False

    def _result(self, op: str, func: Any, args: Any, kwargs: Any) -> Any:
        """What torch returns for tensors without memory; where that follows from what is known, torch isn't asked."""
        if _like_first(op, args):
            return torch.empty(args[0].shape, dtype=args[0].dtype, device="meta")
        if self.real or op not in REMEMBERED:
            return func(*self._light(args), **self._light(kwargs))
        key = (op, *map(_known_by, (*args, *kwargs, *kwargs.values())))
        if key not in _MADE:
            if len(_MADE) >= MOST_MADE:
                _MADE.clear()
            found = func(*self._light(args), **self._light(kwargs))
            _MADE[key] = (found.shape, found.dtype)
        shape, dtype = _MADE[key]
        return torch.empty(shape, dtype=dtype, device="meta")

    def program(self, name: str, batch: int, inputs: dict[str, Value], result: Any, reader: str) -> Program:
        """What was recorded, with the values of the result as outputs."""
        outputs = tuple(self.value(t) for t in tensors_in(result))
        if not outputs:
            raise Unrecordable(f"{name} returns no tensor", advice="Let it return a tensor, or several.")
        return Program(name, batch, inputs, self.arrays, tuple(self.calls), outputs, reader)

    # What is known of tensors

    def bind(self, tensor: torch.Tensor) -> Value:
        """A new value for this tensor."""
        value = Value(extents(tensor.shape, self.batch), _called(tensor.dtype))
        self.values[id(tensor)] = value
        self.kept.append(tensor)
        if tensor.layout is torch.strided:
            self.sharing.setdefault(tensor.untyped_storage()._cdata, []).append(id(tensor))
        return value

    def value(self, tensor: torch.Tensor) -> Value:
        """The value of a tensor; a constant becomes an array when it is first used."""
        found = self.values.get(id(tensor))
        if found is None:
            if id(tensor) in self.values:
                raise Unrecordable("a tensor is used after a view of it was overwritten", advice="Compute it anew instead.")
            found = self.values[id(tensor)] = self._lifted(tensor)
            self.kept.append(tensor)
        return found

    def _lifted(self, tensor: torch.Tensor) -> Value:
        """The value of a constant: an array, repeated where the batch has an axis in it."""
        shape, one = extents(tensor.shape, self.batch), tensor
        for axis, n in enumerate(shape):
            if isinstance(n, Times):
                first = one.narrow(axis, 0, 1)
                if not torch.equal(one, first.expand_as(one)):
                    raise Unrecordable("a constant differs from sample to sample", advice="Give it as an input.")
                one = first
        value = Value(tuple(one.shape), _called(one.dtype))
        self.arrays[value] = Array(self.names.get(id(tensor)) or self.where.named("constant"), numbers(one), False)
        if one is tensor:
            return value
        wide = Value(shape, value.dtype)
        self.calls.append(Call("expand", {"self": value, "size": shape}, (wide,), Place(self.where.path)))
        return wide

    def _overwritten(self, tensor: torch.Tensor) -> None:
        """What shares memory with a tensor that is changed in place can't be used any more."""
        if id(tensor) in self.values:
            for one in self.sharing[tensor.untyped_storage()._cdata]:
                if one != id(tensor):
                    self.values[one] = None

    def _light(self, argument: Any) -> Any:
        """The argument with tensors that take no memory."""
        if isinstance(argument, torch.Tensor):
            if self.real or argument.is_meta:
                return argument
            if id(argument) not in self.without_memory:
                self.without_memory[id(argument)] = torch.empty(argument.shape, dtype=argument.dtype, device="meta")
                self.kept.append(argument)
            return self.without_memory[id(argument)]
        if isinstance(argument, tuple | list):
            return type(argument)(self._light(one) for one in argument) if type(argument) in (tuple, list) else argument
        if isinstance(argument, dict):
            return {name: self._light(one) for name, one in argument.items()}
        return argument

    def _argument(self, argument: Any) -> Any:
        """The argument as it stands in a call."""
        if (known := self.values.get(id(argument))) is not None:
            return known
        if isinstance(argument, int) and not isinstance(argument, bool):
            return extent(argument, self.batch)
        if isinstance(argument, torch.Tensor):
            return argument.item() if argument.ndim == 0 and id(argument) not in self.values else self.value(argument)
        if isinstance(argument, (list, tuple)):
            return tuple(map(self._argument, argument))
        if isinstance(argument, slice):
            return slice(*map(self._argument, (argument.start, argument.stop, argument.step)))
        return argument

    # What isn't recorded

    def _property(self, name: str, func: Any, args: Any) -> Any:
        x = args[0]
        if name == "data" and id(x) in self.values:
            return x
        if name in ("T", "mT") and id(x) in self.values:
            order = tuple(range(x.ndim))
            order = order[::-1] if name == "T" else (*order[:-2], *order[:-3:-1])
            with self:
                return torch.permute(x, order)
        return func(*args)

    def _constant(self, func: Any, args: Any, kwargs: Any) -> Any:
        """What no input and no parameter takes part in has numbers, also where it is made on the device of the input."""
        if str(kwargs.get("device", "")) == "meta":
            kwargs = {**kwargs, "device": "cpu"}
        if func.__name__ in FACTORIES:
            sizes = [n for one in args for n in (one if isinstance(one, list | tuple) else (one,)) if isinstance(n, int)]
            total = 1
            for n in sizes:
                total *= max(1, n)
            if total > LARGEST_CONSTANT:
                raise Unrecordable(f"a constant of {total:,} numbers is made", advice="Give it as an input.")
        return func(*args, **kwargs)


def _like_first(op: str, args: Sequence[Any]) -> bool:
    """Whether the result surely is like the first argument, and nothing need be asked."""
    x = args[0] if args else None
    if not isinstance(x, torch.Tensor) or not x.is_meta:
        return False
    if op in ("add", "mul") and len(args) == 2 and isinstance(args[1], torch.Tensor):
        return x.shape == args[1].shape and x.dtype is args[1].dtype
    return op in SAME_SHAPE


def _known_by(argument: Any) -> Any:
    """What of an argument the shape and the type of a result depend on."""
    if isinstance(argument, torch.Tensor):
        return argument.shape, argument.dtype
    return tuple(argument) if isinstance(argument, list) else argument


@cache
def _called(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _joined(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def numbers(tensor: torch.Tensor) -> Any:
    """The tensor as a NumPy array, of the same memory where that can be."""
    plain = tensor.detach().float() if tensor.dtype is torch.bfloat16 else tensor
    return plain.numpy(force=True)


def tensors_in(thing: Any) -> list[torch.Tensor]:
    """The tensors in a result or an argument, however it is nested."""
    if isinstance(thing, torch.Tensor):
        return [thing]
    if isinstance(thing, dict):
        return [t for one in thing.values() for t in tensors_in(one)]
    if isinstance(thing, list | tuple):
        return [t for one in thing for t in tensors_in(one)]
    return []
