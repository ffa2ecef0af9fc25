"""An exported program as calls: the JSON of a .pt2 archive, read field by field and without torch.

Operators come in ATen's own names, at either level: as a model calls them ("conv2d"), or decomposed ("convolution"); the
translators know both. Sizes that depend on the batch are formulas in one symbol, and only s and k·s are read of them.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from slidesum.errors import FileError
from slidesum.read.fields import Fields, is_integer, is_real, seen
from slidesum.read.torch_aliases import Aliases
from slidesum.read.torch_archive import DTYPES, LARGEST_EXTENT, SCHEMA, Archive
from slidesum.read.torch_program import Array, Call, Extent, Place, Program, Times, Value

MOST_CALLS = 200_000
MOST_NUMBERS = 2**40
"""No result has more numbers than that."""

_SYMBOL = r"Symbol\('(\w+)'(?:, \w+=True)*\)"
_ALONE, _MULTIPLE = re.compile(_SYMBOL + r"\Z"), re.compile(r"Mul\(Integer\((\d+)\), " + _SYMBOL + r"\)\Z")
_LINE = re.compile(r'File "([^"]*)", line (\d+)')


def read_exported(source: Path | bytes, where: str) -> Program:
    """The program in a .pt2 file, or in its bytes. Raises FileError for whatever isn't as torch writes it."""
    archive = Archive(source, where)
    name = archive.model()
    document = archive.json(f"models/{name}.json")
    version = document.take("schema_version")
    if not isinstance(version, dict) or version.get("major") != SCHEMA:
        raise FileError(
            f"{where} has the schema version {seen(version.get('major') if isinstance(version, dict) else version)}",
            usual=f"This slidesum reads version {SCHEMA}, which torch writes since 2.5.",
            advice="Save the model anew, or install a newer slidesum.",
        )
    module = Fields(f"{where}: the model", document.take("graph_module"))
    return _Reader(where, module, archive.arrays(name)).program(Path(where).stem)


class _Reader:
    """One program in the making: what every name stands for so far."""

    def __init__(self, where: str, module: Fields, arrays: Mapping[str, Array]) -> None:
        self.where = where
        self.graph = Fields(f"{where}: the graph", module.take("graph"))
        self.signature = Fields(f"{where}: the signature", module.take("signature"))
        self.kept = arrays
        self.shapes = _object(self.graph, "tensor_values")
        self.symbols = _object(self.graph, "sym_int_values")
        self.values: dict[str, Any] = {}
        self.arrays: dict[Value, Array] = {}
        self.aliases = Aliases()
        self.remarks: dict[str, None] = {}
        self.batch = 1
        self.symbol = ""

    def program(self, name: str) -> Program:
        specs = [self._one_of(f"{self.where}: an input", spec) for spec in self.signature.array("input_specs", longest=MOST_CALLS)]
        inputs: dict[str, Value] = {}
        for kind, fields in specs:
            if kind == "user_input":
                label = self._label(fields.take("arg"))
                if not inputs:
                    self._learn_batch(label)
                inputs[label] = self._value(label)
        for kind, fields in specs:
            if kind in ("parameter", "buffer", "tensor_constant"):
                argument = Fields(fields.where, fields.take("arg"))
                self._keep(argument.text("name"), fields.text(f"{kind}_name"))
            elif kind == "constant_input":
                self.values[fields.text("name")] = None
            elif kind != "user_input":
                raise FileError(f"{self.where}: an input is a {kind}", advice="Export the model with plain tensors.")
        calls = [call for node in self.graph.array("nodes", longest=MOST_CALLS) for call in self._calls(node)]
        outputs = []
        for spec in self.signature.array("output_specs", longest=MOST_CALLS):
            kind, fields = self._one_of(f"{self.where}: an output", spec)
            if kind == "user_output":
                told = fields.take("arg")
                if isinstance(told, dict) and "as_tensor" in told:
                    outputs.append(self._known(self._label(told)))
            elif "mutation" in kind:
                self._remark_written(str(fields.maybe("buffer_name", None) or fields.maybe("user_input_name", None) or "an input"))
        if len(inputs) == 1:
            inputs = {"input": next(iter(inputs.values()))}
        if not inputs or not outputs:
            raise FileError(f"{self.where} has no input or no output that is a tensor", advice="Export a model with both.")
        return Program(name, self.batch, inputs, self.arrays, tuple(calls), tuple(outputs), "torch.export", tuple(self.remarks))

    def _remark_written(self, name: str) -> None:
        self.remarks[f"the model writes to {name[:100]} as it runs, which isn't done here"] = None

    # Names and shapes

    def _one_of(self, where: str, value: Any) -> tuple[str, Fields]:
        """A union in the file's spelling: an object with one field, whose name is the kind."""
        if not isinstance(value, dict) or len(value) != 1:
            raise FileError(f"{where} is {seen(value)}", advice="Save the model anew.")
        [(kind, inner)] = value.items()
        return kind, Fields(where, inner)

    def _label(self, argument: Any) -> str:
        if (
            isinstance(argument, dict)
            and isinstance(inner := argument.get("as_tensor"), dict)
            and isinstance(inner.get("name"), str)
        ):
            return str(inner["name"])
        raise FileError(f"{self.where}: an input or output is no tensor", advice="Export the model with tensors only.")

    def _learn_batch(self, label: str) -> None:
        sizes = self._meta(label).get("sizes") or [{}]
        first = sizes[0].get("as_expr") if isinstance(sizes[0], dict) else None
        if isinstance(first, dict) and isinstance(hint := first.get("hint"), dict) and is_integer(hint.get("as_int")):
            found = _ALONE.match(str(first.get("expr_str", "")))
            if found:
                self.symbol, self.batch = found[1], int(hint["as_int"])

    def _meta(self, label: str) -> Mapping[str, Any]:
        meta = self.shapes.get(label)
        if not isinstance(meta, dict) or not isinstance(meta.get("sizes"), list) or len(meta["sizes"]) > 64:
            raise FileError(f"{self.where}: the shape of {label[:60]!r} isn't told", advice="Save the model anew.")
        return meta

    def _value(self, label: str) -> Value:
        meta = self._meta(label)
        shape = tuple(self._extent(one) for one in meta["sizes"])
        total = math.prod(n.number * self.batch if isinstance(n, Times) else n for n in shape)
        if total > MOST_NUMBERS:
            raise FileError(
                f"{self.where}: {label[:60]!r} has {total:,} numbers", usual=f"At most {MOST_NUMBERS:,} are read.",
                advice="Export a smaller model.",
            )  # fmt: skip
        value = Value(shape, DTYPES.get(meta.get("dtype", 0), "float32"))
        self.values[label] = value
        return value

    def _extent(self, told: Any) -> Extent:
        if isinstance(told, dict):
            if is_integer(told.get("as_int")) and 0 <= told["as_int"] <= LARGEST_EXTENT:
                return int(told["as_int"])
            expression = told.get("as_expr")
            if isinstance(expression, dict):
                text = str(expression.get("expr_str", ""))
                if (alone := _ALONE.match(text)) and alone[1] == self.symbol:
                    return Times(1)
                if (multiple := _MULTIPLE.match(text)) and multiple[2] == self.symbol:
                    return Times(int(multiple[1]))
                hint = expression.get("hint")
                if isinstance(hint, dict) and is_integer(hint.get("as_int")) and 0 <= hint["as_int"] <= LARGEST_EXTENT:
                    return int(hint["as_int"])
        raise FileError(f"{self.where}: an extent is {seen(told)}", advice=f"Extents are numbers from 0 to {LARGEST_EXTENT:,}.")

    def _keep(self, label: str, name: str) -> None:
        if name not in self.kept:
            raise FileError(
                f"{self.where}: the array {name!r} is missing",
                usual="The model names it, and the archive doesn't hold it.",
                advice="Save the model anew with torch.export.save.",
            )
        value, array = self._value(label), self.kept[name]
        if tuple(value.shape) != tuple(array.numbers.shape):
            raise FileError(
                f"{self.where}: the array {name!r} has the shape {tuple(array.numbers.shape)}, and the model says {value.shape}",
                advice="Save the model anew.",
            )
        self.arrays[value] = array

    def _known(self, label: str) -> Any:
        if label not in self.values:
            raise FileError(
                f"{self.where}: {label[:60]!r} is used before it is computed",
                usual="Operations stand in the order of computation; a circle has none.",
                advice="Save the model anew.",
            )
        return self.values[label]

    # Calls

    def _calls(self, node: Any) -> list[Call]:
        """The call of a node, and what else it changes where it writes into an array."""
        fields = Fields(f"{self.where}: an operation", node)
        target = fields.text("target")
        fields.where = f"{self.where}: {target}"
        arguments = {}
        for one in fields.array("inputs", longest=10_000):
            inner = Fields(fields.where, one)
            name = inner.take("name")
            arguments["self" if name == "input" else str(name)] = self._argument(inner.take("arg"))
        results: list[Value | None] = []
        for told in fields.array("outputs", longest=10_000):
            results += self._result(told)
        if not any(results):
            return []
        parts = target.split(".")
        op = parts[3].rstrip("_") if target.startswith("torch.ops.aten.") and len(parts) > 4 else target.removeprefix("torch.ops.")
        place = _place(fields.maybe("metadata", None))
        calls = [Call(op, arguments, tuple(results), place)]
        self.aliases.called(calls[0])
        first, result = arguments.get("self"), results[0]
        if parts[3:4] and parts[3].endswith("_") and isinstance(first, Value) and result is not None:
            if first in self.arrays:
                self._remark_written(self.arrays[first].name)
            changed = {first: result}
            for value, call in self.aliases.overwritten(first, result, calls[0]):
                changed[value] = call.result
                calls.append(call)
            self.values = {
                name: changed.get(value, value) if isinstance(value, Value) else value for name, value in self.values.items()
            }
        return calls

    def _result(self, told: Any) -> list[Value | None]:
        kind = next(iter(told), "") if isinstance(told, dict) else ""
        if kind == "as_tensor":
            return [self._value(self._label(told))]
        if kind == "as_tensors" and isinstance(told[kind], list):
            return [self._value(self._label({"as_tensor": one})) for one in told[kind]]
        if kind == "as_sym_int" and isinstance(told[kind], dict) and isinstance(name := told[kind].get("as_name"), str):
            self.values[name] = self._extent(self.symbols.get(name))
        return [None]

    def _argument(self, told: Any) -> Any:
        """An argument in the file's spelling; names stand for what was computed before."""
        if not isinstance(told, dict) or len(told) != 1:
            raise FileError(f"{self.where}: an argument is {seen(told)}", advice="Save the model anew.")
        [(kind, value)] = told.items()
        match kind, value:
            case "as_tensor", {"name": str(name)}:
                return self._known(name)
            case (("as_tensors" | "as_optional_tensors" | "as_sym_ints" | "as_sym_floats"), list()):
                return tuple(self._entry(one) for one in value)
            case (("as_optional_tensor" | "as_sym_int" | "as_sym_float" | "as_sym_bool"), _):
                return self._entry(value)
            case (("as_int" | "as_scalar_type" | "as_layout" | "as_memory_format"), int()):
                return value
            case "as_float", _:
                return _float(value)
            case (("as_ints" | "as_bools" | "as_strings" | "as_int_lists"), list()):
                return tuple(value)
            case (("as_floats" | "as_float_lists"), list()):
                return tuple(map(_float, value))
            case "as_bool", bool():
                return value
            case "as_string", str():
                return value
            case "as_none", _:
                return None
            case _:
                return f"{kind}"  # a device, a graph, an object: no layer asks for it

    def _entry(self, told: Any) -> Any:
        match told:
            case {"name": str(name)} | {"as_tensor": {"name": str(name)}} | {"as_name": str(name)}:
                return self._known(name)
            case {"as_int": value} if is_integer(value):
                return value
            case {"as_float": value}:
                return _float(value)
            case {"as_bool": bool(value)}:
                return value
            case {"as_none": _}:
                return None
            case _:
                raise FileError(f"{self.where}: an argument is {seen(told)}", advice="Save the model anew.")


def _object(fields: Fields, name: str) -> Mapping[str, Any]:
    value = fields.take(name)
    if not isinstance(value, dict):
        raise fields.wrong(name, value, "an object")
    return value


def _float(value: Any) -> float:
    """Numbers that JSON lacks are written as text."""
    if isinstance(value, str) and value in ("Infinity", "-Infinity", "NaN"):
        return float(value.replace("Infinity", "inf"))
    return float(value) if is_real(value) else math.nan


def _place(metadata: Any) -> Place:
    """The module and the source line, which the exporter noted as text."""
    told = metadata if isinstance(metadata, dict) else {}
    stack = str(told.get("nn_module_stack", "")).split(";")
    path = stack[-1].split(",")[1] if stack[-1].count(",") >= 2 else ""
    lines = [(file, line) for file, line in _LINE.findall(str(told.get("stack_trace", ""))) if "/torch/" not in file]
    file, line = lines[-1] if lines else ("", "")
    return Place(re.sub(r"@\d+", "", path), f"{file.rsplit('/', 1)[-1]}:{line}" if file else "")
