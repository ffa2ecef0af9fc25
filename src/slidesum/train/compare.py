"""The three types side by side: one network each, the same seed, the same data, the same budget.

The same budget means the same number of epochs of the same batches, hence the same number of steps. It doesn't mean the same
number of parameters or multiply-adds: those differ because the equations differ, and that is what is compared. Note that the
linear layer at the end reads k1·k2 maps in type 1 and k2 maps in the others, so type 1 has the most parameters though its filters
have few; `conv_weights` and `conv_biases` are those of the two convolutions alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from slidesum.core.sizes import Size
from slidesum.errors import SizeError, UsageError
from slidesum.laws.graph import node_counts, totals
from slidesum.read.atomic import write_atomically
from slidesum.train.data import load_data
from slidesum.train.loop import DEFAULTS, Settings, Trained, train
from slidesum.zoo.question import TYPES, question


@dataclass(frozen=True)
class Row:
    """One type: what it has, what it costs for one image, and what it learned. Accuracy and loss are those of the last epoch."""

    type: str
    network: str
    equation: str
    maps: int
    conv_weights: int
    conv_biases: int
    weights: int
    biases: int
    parameters: int
    macs: int
    accuracy: float | None
    loss: float | None
    epochs: int
    seconds: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """The rows, the networks that were trained by type, and what they were trained on."""

    rows: tuple[Row, ...]
    trained: Mapping[str, Trained]
    data: str
    test_images: int
    settings: Settings
    interrupted: bool = False

    def to_json(self) -> str:
        """The comparison as JSON, the history of every network included."""
        told: dict[str, Any] = {
            "data": self.data,
            "test_images": self.test_images,
            "settings": asdict(self.settings),
            "interrupted": self.interrupted,
            "rows": [asdict(row) for row in self.rows],
            "history": {kind: [asdict(epoch) for epoch in one.history] for kind, one in self.trained.items()},
        }
        return json.dumps(told, indent=1) + "\n"

    def save(self, path: str | Path) -> Path:
        """Write the JSON. Raises FileError if it can't be written."""
        write_atomically(Path(path), self.to_json().encode())
        return Path(path)


def compare(
    kinds: Sequence[str] = tuple(TYPES),
    *,
    k1: int = 8,
    k2: int = 16,
    data: str = "digits",
    side: int = 8,
    settings: Settings = DEFAULTS,
    progress: bool | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
) -> Comparison:
    """Train the network of the question in these types.

    `checkpoint` is a folder that gets one file a type; with `resume=True` types that are done aren't trained again. Ctrl-C ends the
    comparison with the rows so far and `interrupted=True`; a type that was stopped in the middle has its row after the last whole
    epoch.

    Raises UsageError for an unknown type or data set, SizeError for k1 or k2 that are no numbers, FileError for checkpoints.
    """
    if not kinds:
        raise UsageError("no types to compare", usual=f"The types are {', '.join(TYPES)}.", advice="Name at least one.")
    images = load_data(data, side=side)
    _, colours, rows, columns = images.train_images.shape
    graphs = {
        kind: question(kind, k1=_number("k1", k1), k2=_number("k2", k2), n=rows, m=columns, classes=images.classes, colours=colours)
        for kind in dict.fromkeys(kinds)
    }
    trained: dict[str, Trained] = {}
    for kind, graph in graphs.items():
        file = None if checkpoint is None else Path(checkpoint) / f"{graph.name}.ckpt"
        trained[kind] = train(
            graph,
            images,
            **asdict(settings),
            progress=progress,
            label=f"type {kind:<3}",
            checkpoint=file,
            resume=resume and file is not None and file.exists(),
        )
        if trained[kind].interrupted:
            break
    found = tuple(_row(kind, one) for kind, one in trained.items())
    interrupted = any(one.interrupted for one in trained.values())
    return Comparison(found, trained, images.name, len(images.test_labels), settings, interrupted)


def _row(kind: str, one: Trained) -> Row:
    graph = one.graph
    total, first, second = totals(graph), node_counts(graph["conv1"]), node_counts(graph["conv2"])
    return Row(
        type=kind,
        network=graph.name,
        equation=TYPES[kind],
        maps=_whole(graph["conv2"].shape[1]),
        conv_weights=_whole(first.weights + second.weights),
        conv_biases=_whole(first.biases + second.biases),
        weights=_whole(total.weights),
        biases=_whole(total.biases),
        parameters=_whole(total.parameters),
        macs=_whole(total.macs),
        accuracy=one.accuracy,
        loss=one.loss,
        epochs=len(one.history),
        seconds=round(one.seconds, 3),
    )


def _number(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SizeError(f"{name}={value!r} can't be trained", advice=f"Give a whole number of at least 1, such as {name}=8.")
    return value


def _whole(value: Size) -> int:
    assert isinstance(value, int)
    return value
