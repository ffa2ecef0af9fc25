"""A training run in a file, to be continued as if it had never stopped.

    network   the network as JSON                 settings   epochs, seed, batch, learning rate, optimiser
    data      the fingerprint of the data         epoch      how many are done
    model, optimiser, schedule, random            their states: continuing gives the same bits
    history   loss, accuracy, seconds of every epoch

The file is torch's, read with `weights_only=True`: tensors and plain values, nothing that executes.
"""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from slidesum.errors import FileError
from slidesum.read.atomic import unreadable, write_atomically

FORMAT = "slidesum-checkpoint/1"
FIELDS = ("network", "settings", "data", "epoch", "model", "optimiser", "schedule", "random", "history")
LARGEST = 8 * 2**30  # bytes

State = dict[str, Any]


def write_checkpoint(path: Path, state: State) -> None:
    """Put the state in place of what was there, in one step."""
    buffer = io.BytesIO()
    torch.save({"format": FORMAT, **state}, buffer)
    write_atomically(path, buffer.getvalue())


def read_checkpoint(path: Path, expected: State) -> State:
    """The state of a run of this network, these settings and this data.

    `expected` has the fields network, settings and data. Raises FileError if there is no such file, if it is something else, or if
    it belongs to another run.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise FileError(f"{path} is larger than {LARGEST // 2**30} GB", advice="Name the checkpoint of a training run.")
        data = path.read_bytes()
    except OSError as error:
        raise unreadable(path, error) from None
    try:
        state = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
    except (OSError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError, AttributeError, TypeError, IndexError):
        raise _foreign(path) from None
    if not isinstance(state, dict) or state.get("format") != FORMAT or not set(FIELDS) <= set(state):
        raise _foreign(path)
    _compare(path, state, expected)
    return state


def restored(path: Path, expected: State, restore: Callable[[State], None]) -> None:
    """Read the checkpoint and hand it to `restore`. Raises FileError where that can't take it over."""
    state = read_checkpoint(path, expected)
    try:
        restore(state)
    except (RuntimeError, KeyError, TypeError, ValueError, IndexError, AttributeError):
        raise FileError(
            f"{path} doesn't hold the state of such a run",
            usual="It was damaged, or written by another version of slidesum or torch.",
            advice="Begin anew without resume.",
        ) from None


def _compare(path: Path, state: State, expected: State) -> None:
    if state["network"] != expected["network"]:
        raise FileError(
            f"{path} was written while another network was trained",
            usual="A checkpoint belongs to one network with its sizes.",
            advice="Resume with that network, or train this one into another file.",
        )
    found, wanted = state["settings"], expected["settings"]
    different = next((name for name in wanted if not isinstance(found, dict) or found.get(name) != wanted[name]), None)
    if different is not None:
        before = found.get(different) if isinstance(found, dict) else None
        raise FileError(
            f"{path} was written with {different}={before}, and {different}={wanted[different]} is asked for",
            usual="The schedule spans the whole run, so a run that is continued keeps its settings.",
            advice=f"Resume with {different}={before}, or begin anew without resume.",
        )
    if state["data"] != expected["data"]:
        raise FileError(
            f"{path} was written while training on other data",
            usual="The data set, the size of its images, or the seed of the split was another one.",
            advice="Resume with that data, or begin anew without resume.",
        )


def _foreign(path: Path) -> FileError:
    return FileError(
        f"{path} is no checkpoint of slidesum",
        usual="It was cut off, or holds something else.",
        advice="Name the file that training wrote, or begin anew without resume.",
    )
