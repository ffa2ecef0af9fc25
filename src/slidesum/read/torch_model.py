"""A torch module, or a .pt2 file, as a network: the ways of capturing, tried in this order.

    recorded run    the module runs once on tensors without memory (torch_record)
    torch.export    its exported program (torch_exported), where the recording fails
    torch.fx        its traced graph, run on the example (torch_fallback)
    hooks           its innermost modules, run on the example (torch_fallback)

docs/decisions/0011 says why. The first that succeeds is named in `Model.reader`.

    read_module(model, [example])      read_pt2("net.pt2")
"""

from __future__ import annotations

import gc
import inspect
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

from slidesum.errors import FileError, ReadError, UsageError
from slidesum.read.model import Model
from slidesum.read.told import brief
from slidesum.read.torch_exported import read_exported
from slidesum.read.torch_program import Program
from slidesum.read.torch_translate import translate

READERS = ("recorded run", "torch.export", "torch.fx", "hooks")


def read_pt2(path: str | Path) -> Model:
    """The network in a file that `torch.export.save` wrote. No code of the file runs, and torch isn't needed.

    Raises FileError for whatever isn't such a file, or would have to be unpickled.
    """
    return translate(read_exported(Path(path), str(path)))


def read_module(module: Any, examples: Sequence[Any], *, reader: str | None = None) -> Model:
    """The network that `module.eval()` computes, from one example of each input; their first axis is the batch.

    `reader` asks for one way of capturing. Raises ReadError if the module can't compute the examples, or can't be captured.
    """
    import torch

    if not isinstance(module, torch.nn.Module) or not all(isinstance(one, torch.Tensor) for one in examples) or not examples:
        raise UsageError(
            f"{type(module).__name__} and {len(examples)} examples can't be read",
            advice="Give an nn.Module and a tensor for each of its inputs.",
        )
    if reader is not None and reader not in READERS:
        raise UsageError(f"there is no reader {reader!r}", usual=f"There are {', '.join(READERS)}.", advice="Write one of them.")
    names = _input_names(module, len(examples))
    reasons: dict[str, None] = {}  # each once: the two recordings may fail alike
    with _evaluating(module), _collecting_later():
        for number, (label, capture) in enumerate(_captures(module, examples, names)):
            if reader not in (None, label):
                continue
            if label == "torch.export":  # from here on it is slow, so that a mistake is better told at once
                _check_runs(module, examples)
            try:
                program = capture()
            except FileError as error:
                reasons[f"{label}: {error.headline}"] = None
            except Exception as error:  # torch raises errors of any type here, and the module's own code may, too
                reasons[f"{label}: {brief(error)}"] = None
            else:
                model = translate(program)
                return model if number == 0 else replace(model, notes=(*model.notes, *(f"reader: {why}" for why in reasons)))
        _check_runs(module, examples)
    raise ReadError(
        f"{type(module).__name__} can't be read\n" + "\n".join(f"    {why}" for why in reasons),
        usual="What it computes leaves torch, or depends on values.",
        advice="Read a part of it, or write that part with torch's operations.",
    )


def _captures(module: Any, examples: Sequence[Any], names: Sequence[str]) -> Iterator[tuple[str, Callable[[], Program]]]:
    from slidesum.read.torch_fallback import read_fx, read_hooks
    from slidesum.read.torch_record import record

    yield "recorded run", lambda: record(module, examples, names)
    yield "recorded run", lambda: record(module, examples, names, batch=0)
    yield "torch.export", lambda: _export(module, examples)
    yield "torch.fx", lambda: read_fx(module, examples, names)
    yield "hooks", lambda: read_hooks(module, examples, names)


def _export(module: Any, examples: Sequence[Any]) -> Program:
    """Through the same file format, so that there is one way of reading exported programs."""
    import torch

    batch = examples[0].shape[0] if examples[0].ndim else None
    grows = [bool(one.ndim) and one.shape[0] == batch for one in examples]
    wide = tuple(torch.cat([one, one]) if grow and batch == 1 else one for one, grow in zip(examples, grows, strict=True))
    with _quiet():
        try:
            dynamic: Any = tuple({0: torch.export.Dim.AUTO} if grow else None for grow in grows)
            if any(p.kind is p.VAR_POSITIONAL for p in inspect.signature(module.forward).parameters.values()):
                dynamic = (dynamic,)  # forward(*xs) has one parameter
            exported = torch.export.export(module, wide, dynamic_shapes=dynamic)
        except Exception:  # a batch that the module fixes
            exported = torch.export.export(module, tuple(examples))
        kept = BytesIO()
        torch.export.save(exported, kept)
    program = read_exported(kept.getvalue(), type(module).__name__)
    return replace(program, name=type(module).__name__, batch=batch or program.batch)


@contextmanager
def _quiet() -> Iterator[None]:
    """torch tells at length why it can't export; here that is no news."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with warnings.catch_warnings(), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _check_runs(module: Any, examples: Sequence[Any]) -> None:
    import torch

    try:
        with torch.no_grad():
            module(*examples)
    except Exception as error:
        shapes = ", ".join("×".join(map(str, one.shape)) or "a number" for one in examples)
        raise ReadError(
            f"{type(module).__name__} can't compute an example of {shapes}: {brief(error)}",
            usual="The example has another shape or type than the module expects.",
            advice="Give an example that the module can compute.",
        ) from None


def _input_names(module: Any, count: int) -> list[str]:
    """The names of forward's parameters; a single input is called "input"."""
    if count == 1:
        return ["input"]
    given = [
        p.name
        for p in inspect.signature(module.forward).parameters.values()
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return given[:count] if len(given) >= count else [f"input{k + 1}" for k in range(count)]


@contextmanager
def _collecting_later() -> Iterator[None]:
    """Without looking for garbage: reading makes many small objects that all stay, and a search takes longer than it does."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextmanager
def _evaluating(module: Any) -> Iterator[None]:
    """As after `eval()`, and each part afterwards as it was."""
    trained = [one for one in module.modules() if one.training]
    try:
        if trained:
            module.eval()
        yield
    finally:
        for one in trained:
            one.training = True
