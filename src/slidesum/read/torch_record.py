"""A module recorded while it runs on tensors without memory: every operation, with exact shapes and the path of its module.

The module's own Python runs once, so branches are taken and loops unrolled. Three rules:

- Functions written in Python, such as `F.batch_norm` and `F.multi_head_attention_forward`, are entered; what is recorded are the
  operators below them, with the argument names of their schema.
- What depends on no input and no parameter is computed for real: masks, index tables, positions.
- The batch is replaced by a large prime. Whatever is a multiple of it grows with the batch (`torch_program.extent`).

Values that leave torch, or decide what is computed, can't be recorded; then torch raises, and another way of capturing is tried.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from slidesum.errors import ReadError
from slidesum.read.torch_program import Array, Call, Place, Program, Value, extent

STAND_IN = 10007
"""The batch while recording: a prime that is no usual extent."""
LARGEST_CONSTANT = 2**26

DUNDERS = {
    "__add__": "add", "__radd__": "add", "__iadd__": "add", "__sub__": "sub", "__isub__": "sub", "__rsub__": "rsub",
    "__mul__": "mul", "__rmul__": "mul", "__imul__": "mul", "__truediv__": "div", "__itruediv__": "div", "__div__": "div",
    "__matmul__": "matmul", "__neg__": "neg", "__pow__": "pow", "__ipow__": "pow", "__abs__": "abs", "__getitem__": "getitem",
    "__setitem__": "setitem", "concat": "cat", "concatenate": "cat", "true_divide": "div", "subtract": "sub", "multiply": "mul",
    "divide": "div", "swapaxes": "transpose", "swapdims": "transpose", "moveaxis": "movedim", "absolute": "abs", "clip": "clamp",
    "negative": "neg",
}  # fmt: skip
"""Other names of operators."""
LEAVES = ("local_response_norm",)
"""Functions that are written in Python, and layers of their own."""
SPREAD = ("view", "reshape", "permute", "expand", "repeat", "tile", "flip")
"""Methods that take their last argument spread out: x.view(2, 3)."""
SAME_SHAPE = ("batch_norm", "relu", "sigmoid", "silu", "hardswish", "gelu")
"""Operators whose result is like their first argument, known without asking."""
REMEMBERED = ("conv1d", "conv2d", "conv3d", "linear")
"""Operators whose result is a new tensor, of a shape that follows from those of the arguments: networks repeat them."""
_ASKS = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")


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
    with torch.no_grad(), paths(module, recorder), recorder:
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
        self.path: list[str] = [""]
        self.values: dict[int, Value] = {}  # by the id of a tensor
        self.kept: list[Any] = []  # so that no id is used twice
        self.sharing: dict[int, list[int]] = {}  # ids by storage
        self.stale: set[int] = set()
        self.without_memory: dict[int, torch.Tensor] = {}
        self.remembered: dict[tuple[Any, ...], tuple[tuple[int, ...], torch.dtype]] = {}
        self.names = {id(t): name for name, t in module.named_buffers()}
        for name, parameter in module.named_parameters():
            value = self.bind(parameter)
            self.arrays[value] = Array(name, numbers(parameter), True)

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        inner = _entered(func)
        if inner is not None:
            with self:
                return inner(*args, **kwargs)
        name = func.__name__
        if name == "__get__":
            return self._property(func.__self__.__name__, func, args)
        if name.startswith("new_"):  # of the input it takes the dtype only
            args = (torch.empty(0, dtype=args[0].dtype), *args[1:])
        tensors = tensors_in((args, kwargs))
        if not any(id(t) in self.values for t in tensors):
            return self._constant(func, args, kwargs)
        op = DUNDERS.get(name, name)
        inplace = name == "__setitem__" or (name.endswith("_") and not name.endswith("__")) or name in _IN_PLACE
        op = op.rstrip("_") if not op.startswith("__") else op
        if op in SPREAD and len(args) > 1 and isinstance(args[1], int):
            args = (args[0], tuple(args[1:]))
        kept = name == "__setitem__" or (inplace and _like_first(op, args))
        result = args[0] if kept else self._result(op, func, args, kwargs)
        if not tensors_in(result):
            return result
        arguments = {n: self._argument(a) for n, a in bound(op, func, args, kwargs).items()}
        if inplace:
            self._overwritten(args[0])
            result = args[0]
        found = result if isinstance(result, list | tuple) else (result,)
        place = Place(self.path[-1], source_line())
        self.calls.append(Call(op, arguments, tuple(self.bind(t) if isinstance(t, torch.Tensor) else None for t in found), place))
        return result

    def _result(self, op: str, func: Any, args: Any, kwargs: Any) -> Any:
        """What torch returns for tensors without memory; where that follows from what is known, torch isn't asked."""
        if _like_first(op, args):
            return torch.empty(args[0].shape, dtype=args[0].dtype, device="meta")
        if self.real or op not in REMEMBERED:
            return func(*self._light(args), **self._light(kwargs))
        key = (op, *((tuple(a.shape), a.dtype) if isinstance(a, torch.Tensor) else str(a) for a in (*args, *kwargs.items())))
        if key not in self.remembered:
            found = func(*self._light(args), **self._light(kwargs))
            self.remembered[key] = (tuple(found.shape), found.dtype)
        shape, dtype = self.remembered[key]
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
        value = Value(tuple(extent(n, self.batch) for n in tensor.shape), str(tensor.dtype).removeprefix("torch."))
        self.values[id(tensor)] = value
        self.stale.discard(id(tensor))
        self.kept.append(tensor)
        if tensor.layout is torch.strided:
            self.sharing.setdefault(tensor.untyped_storage()._cdata, []).append(id(tensor))
        return value

    def value(self, tensor: torch.Tensor) -> Value:
        """The value of a tensor; a constant becomes an array when it is first used."""
        if id(tensor) in self.stale:
            raise Unrecordable("a tensor is used after a view of it was overwritten", advice="Compute it anew instead.")
        if id(tensor) not in self.values:
            self._lift(tensor)
        return self.values[id(tensor)]

    def _lift(self, tensor: torch.Tensor) -> None:
        one = tensor
        for axis, n in enumerate(tensor.shape):
            if isinstance(extent(n, self.batch), int):
                continue
            first = one.narrow(axis, 0, 1)
            if not torch.equal(one, first.expand_as(one)):
                raise Unrecordable("a constant differs from sample to sample", advice="Give it as an input.")
            one = first
        value = Value(tuple(one.shape), str(one.dtype).removeprefix("torch."))
        name = self.names.get(id(tensor), ".".join(filter(None, (self.path[-1], "constant"))))
        self.arrays[value] = Array(name, numbers(one), False)
        if one is not tensor:
            wide = Value(tuple(extent(n, self.batch) for n in tensor.shape), value.dtype)
            self.calls.append(Call("expand", {"self": value, "size": wide.shape}, (wide,), Place(self.path[-1])))
            value = wide
        self.values[id(tensor)] = value
        self.kept.append(tensor)

    def _overwritten(self, tensor: torch.Tensor) -> None:
        """What shares memory with a tensor that is changed in place can't be used any more."""
        if id(tensor) in self.values:
            self.stale |= {one for one in self.sharing[tensor.untyped_storage()._cdata] if one != id(tensor)}

    def _light(self, argument: Any) -> Any:
        """The argument with tensors that take no memory."""
        if isinstance(argument, torch.Tensor):
            if self.real or argument.device.type == "meta":
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
        if isinstance(argument, torch.Tensor):
            if argument.ndim == 0 and id(argument) not in self.values:
                return argument.item()
            return self.value(argument)
        if isinstance(argument, bool):
            return argument
        if isinstance(argument, int):
            return extent(argument, self.batch)
        if isinstance(argument, list | tuple):
            return tuple(self._argument(one) for one in argument)
        if isinstance(argument, slice):
            return slice(*(self._argument(one) for one in (argument.start, argument.stop, argument.step)))
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
        if func.__name__ in _FACTORIES:
            sizes = [n for one in args for n in (one if isinstance(one, list | tuple) else (one,)) if isinstance(n, int)]
            total = 1
            for n in sizes:
                total *= max(1, n)
            if total > LARGEST_CONSTANT:
                raise Unrecordable(f"a constant of {total:,} numbers is made", advice="Give it as an input.")
        return func(*args, **kwargs)


_FACTORIES = ("zeros", "ones", "full", "empty", "arange", "eye", "linspace", "rand", "randn", "new_zeros", "new_ones", "new_full")


def _like_first(op: str, args: Sequence[Any]) -> bool:
    """Whether the result surely is like the first argument, and nothing need be asked."""
    x = args[0] if args else None
    if not isinstance(x, torch.Tensor) or x.device.type != "meta":
        return False
    if op in ("add", "mul") and len(args) == 2 and isinstance(args[1], torch.Tensor):
        return x.shape == args[1].shape and x.dtype is args[1].dtype
    return op in SAME_SHAPE


_IN_PLACE = ("__iadd__", "__isub__", "__imul__", "__itruediv__", "__ipow__")


def bound(op: str, func: Any, args: Sequence[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
    """The arguments by the names of the operator's schema; "input" is called "self"."""
    if op in ("getitem", "setitem"):
        return dict(zip(("self", "index", "value"), args, strict=False))
    names = _signature(func) if op in LEAVES else _schema(op, args, kwargs)
    pairs = dict(zip(names, args, strict=False)) | kwargs
    pairs |= {f"argument{k}": a for k, a in enumerate(args) if k >= len(names)}
    return {"self" if name == "input" else name: value for name, value in pairs.items()}


def _schema(op: str, args: Sequence[Any], kwargs: dict[str, Any]) -> tuple[str, ...]:
    """The names of the first overload that takes arguments of these sorts."""
    return _names(op, tuple(map(_sort, args)), frozenset(kwargs)) if hasattr(torch.ops.aten, op) else ()


def _sort(argument: Any) -> str:
    match argument:
        case torch.Tensor():
            return "Tensor"
        case bool():
            return "bool"
        case int():
            return "int"
        case float():
            return "float"
        case str():
            return "str"
        case None:
            return "None"
        case [torch.Tensor(), *_] | (torch.Tensor(), *_):
            return "List[Tensor]"
        case list() | tuple():
            return "List[int]"
        case _:
            return "other"


_TAKEN = {
    "bool": ("bool", "number"),
    "int": ("int", "number", "float", "List[int]"),
    "float": ("float", "number"),
    "other": ("int", "Device", "Generator", "Layout"),
    "List[int]": ("List[int]", "List[float]"),
}


@cache
def _names(op: str, sorts: tuple[str, ...], keywords: frozenset[str]) -> tuple[str, ...]:
    packet = getattr(torch.ops.aten, op)
    for overload in packet.overloads():
        schema = getattr(packet, overload)._schema.arguments
        names = tuple(argument.name for argument in schema)
        kinds = [str(argument.type) for argument in schema if not argument.kwarg_only]
        fits = len(sorts) <= len(kinds) and keywords <= {*names, "out"}
        if fits and all(
            (sort == "None" and kind.startswith("Optional"))
            or kind.removeprefix("Optional[").removesuffix("]" if kind.startswith("Optional") else "") in _TAKEN.get(sort, (sort,))
            for sort, kind in zip(sorts, kinds, strict=False)
        ):
            return names
    return ()


@cache
def _signature(func: Any) -> tuple[str, ...]:
    import inspect

    return tuple(inspect.signature(func).parameters)


@cache
def _globals(name: str) -> dict[str, Any]:
    """The names that a module's functions see, with the question for overrides answered by no."""
    return {**vars(sys.modules[name]), **dict.fromkeys(_ASKS, _no)}


def _no(*_: Any) -> bool:
    return False


_NOT_ENTERED = ("torch._tensor_str", "torch.nn.init", "torch.serialization")


def _entered(func: Any) -> Callable[..., Any] | None:
    """A function of torch that is written in Python, without its question for overrides, so that its inside is seen."""
    return _without_question(func) if isinstance(func, types.FunctionType) else None


@cache
def _without_question(func: types.FunctionType) -> Callable[..., Any] | None:
    if func.__name__ in LEAVES or func.__name__ in ("__repr__", "__format__"):
        return None
    if "__class__" in func.__code__.co_freevars:  # asks its own super(), which would come back here
        return None
    home = func.__globals__.get("__name__", "")
    if not home.startswith("torch.") or home in _NOT_ENTERED:
        return None
    cells = tuple(types.CellType(_entered(cell.cell_contents) or cell.cell_contents) for cell in func.__closure__ or ())
    copy = types.FunctionType(func.__code__, _globals(home), func.__name__, func.__defaults__, cells)
    copy.__kwdefaults__ = func.__kwdefaults__
    return copy


def numbers(tensor: torch.Tensor) -> Any:
    """The tensor as a NumPy array, of the same memory where that can be."""
    plain = tensor.detach()
    if plain.dtype is torch.bfloat16:
        plain = plain.float()
    return plain.cpu().numpy()


def tensors_in(thing: Any) -> list[torch.Tensor]:
    """The tensors in a result or an argument, however it is nested."""
    if isinstance(thing, torch.Tensor):
        return [thing]
    if isinstance(thing, dict):
        return [t for one in thing.values() for t in tensors_in(one)]
    if isinstance(thing, list | tuple):
        return [t for one in thing for t in tensors_in(one)]
    return []


def source_line() -> str:
    """The line of the user's code that is being run: the innermost frame outside torch and this package."""
    frame = sys._getframe(1)
    while frame is not None:
        home = frame.f_globals.get("__name__", "")
        if not home.startswith(("torch.", "slidesum.")) and home != "torch":
            return f"{frame.f_code.co_filename.rsplit('/', 1)[-1]}:{frame.f_lineno}"
        frame = frame.f_back  # type: ignore[assignment]
    return ""


@contextmanager
def paths(module: torch.nn.Module, recorder: Recorder) -> Iterator[None]:
    """While this holds, the recorder knows which module runs."""
    names = {id(one): name for name, one in module.named_modules()}

    def enter(one: torch.nn.Module, _: Any) -> None:
        recorder.path.append(names.get(id(one), recorder.path[-1]))

    def leave(one: torch.nn.Module, _: Any, __: Any) -> None:
        recorder.path.pop()

    handles = (
        torch.nn.modules.module.register_module_forward_pre_hook(enter),
        torch.nn.modules.module.register_module_forward_hook(leave),
    )
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
