"""The training loop: small, honest, and the same bits every time.

Honest: the loss and the data are as they are named, the accuracy is that of images held out from training, and it is the accuracy
after the last epoch, not the best one on the way.

The same bits: on one machine the same settings give bit-identical arrays, whether the run went through or was stopped and resumed.
The number of threads is one of the settings, because sums are split among threads; the default is one. On networks of this size a
second one saves a third of the time, and costs ten times as much when another program wants its core. Random numbers come from a
stream of its own; what torch was set to before, it is set to afterwards.

Ctrl-C is no error here: training stops, and returns what the last whole epoch left, with `interrupted=True`. The checkpoint holds
the same epoch (or the one before, if it was just being written), so `resume=True` continues from there.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from math import isfinite
from pathlib import Path
from typing import Literal, get_args

import torch

from slidesum.core.network import Graph
from slidesum.errors import UsageError
from slidesum.read.document import to_json
from slidesum.run.network import initial_values, refuse_symbols
from slidesum.torch.network import NetworkModule
from slidesum.train.checkpoint import State, restored, write_checkpoint
from slidesum.train.data import Array, Data
from slidesum.train.loss import Goal, goal
from slidesum.train.progress import Bar

Optimiser = Literal["adamw", "sgd"]


@dataclass(frozen=True)
class Settings:
    """What a run depends on beside network and data. The rate rises to `learning_rate` and falls to nothing (one cycle)."""

    epochs: int = 20
    seed: int = 0
    batch: int = 32
    learning_rate: float = 0.02
    optimiser: Optimiser = "adamw"
    threads: int = 1

    def __post_init__(self) -> None:
        for name, least in (("epochs", 1), ("batch", 1), ("seed", 0), ("threads", 1)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least or value >= 2**63:
                raise UsageError(f"{name}={value!r} can't be trained with", advice=f"Give a whole number of at least {least}.")
        if not 0 < self.learning_rate < float("inf"):
            raise UsageError(f"learning_rate={self.learning_rate!r} can't be trained with", advice="Give a number such as 0.01.")
        if self.optimiser not in get_args(Optimiser):
            raise UsageError(
                f"there is no optimiser {self.optimiser!r}",
                usual=f"There are {', '.join(get_args(Optimiser))}.",
                advice="Write one of them.",
            )


DEFAULTS = Settings()


@dataclass(frozen=True)
class Epoch:
    """What one epoch came to: the mean loss while training, and the share of held-out images named right after it."""

    number: int
    loss: float
    accuracy: float
    seconds: float


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network. `values` go with `graph` wherever arrays are asked for; `history` has an entry a finished epoch."""

    graph: Graph
    values: Mapping[str, Array]
    history: tuple[Epoch, ...]
    settings: Settings
    interrupted: bool = False

    @property
    def accuracy(self) -> float | None:
        """On the held-out images after the last finished epoch; None if there is none."""
        return self.history[-1].accuracy if self.history else None

    @property
    def loss(self) -> float | None:
        """The mean loss of the last finished epoch."""
        return self.history[-1].loss if self.history else None

    @property
    def seconds(self) -> float:
        """The time of all finished epochs, those before a resume included."""
        return sum(epoch.seconds for epoch in self.history)


def train(
    graph: Graph,
    data: Data,
    *,
    epochs: int = DEFAULTS.epochs,
    seed: int = DEFAULTS.seed,
    batch: int = DEFAULTS.batch,
    learning_rate: float = DEFAULTS.learning_rate,
    optimiser: Optimiser = DEFAULTS.optimiser,
    threads: int = DEFAULTS.threads,
    progress: bool | None = None,
    label: str = "",
    on_epoch: Callable[[Epoch], None] | None = None,
    checkpoint: str | Path | None = None,
    resume: bool = False,
) -> Trained:
    """Train a network whose sizes are numbers; returns its arrays and how it went.

    `progress` shows a bar on stderr (None: if that is a terminal), `label` stands before it, and `on_epoch` is told every epoch.
    `checkpoint` is a file written before the first epoch and after each; `resume=True` begins where it ends.

    Raises SizeError for open sizes, UsageError for settings or a last layer that can't be trained with, FileError for a checkpoint
    that can't be written or belongs to another run.
    """
    settings = Settings(epochs, seed, batch, learning_rate, optimiser, threads)
    refuse_symbols(graph)
    if resume and checkpoint is None:
        raise UsageError("resume=True needs the file to resume from", advice="Give checkpoint='run.ckpt'.")
    with _torch_set(settings):
        run = _Run(graph, data, settings)
        file = None if checkpoint is None else Path(checkpoint)
        if file is not None and resume:
            restored(file, run.identity, run.restore)
        interrupted = False
        try:
            with Bar(label or graph.name, settings.epochs * run.steps, run.epoch * run.steps, shown=progress) as bar:
                if file is not None and not resume:
                    write_checkpoint(file, run.state())
                while run.epoch < settings.epochs:
                    done = run.one_epoch(bar)
                    bar.tell(done.loss, done.accuracy)
                    if file is not None:
                        write_checkpoint(file, run.state())
                    if on_epoch is not None:
                        on_epoch(done)
        except KeyboardInterrupt:
            interrupted = True
        return Trained(graph, run.reached.values, run.reached.history, settings, interrupted)


@dataclass(frozen=True, eq=False)
class _Reached:
    """What the last whole epoch left; replaced in one step, so that Ctrl-C never finds half of it."""

    values: Mapping[str, Array]
    history: tuple[Epoch, ...] = ()


class _Run:
    """A run between two epochs."""

    def __init__(self, graph: Graph, data: Data, settings: Settings) -> None:
        self.data, self.settings = data, settings
        self.goal: Goal = goal(graph, data.classes)
        self.identity: State = {"network": to_json(graph), "settings": asdict(settings), "data": data.fingerprint}
        self.reached = _Reached(initial_values(graph, settings.seed))
        self.module = NetworkModule(graph, self.reached.values)
        self.images, self.labels = torch.from_numpy(data.train_images), torch.from_numpy(data.train_labels)
        self.steps = -(-len(self.labels) // settings.batch)
        self.optimiser = _optimiser(self.module, settings)
        self.schedule = torch.optim.lr_scheduler.OneCycleLR(
            self.optimiser, settings.learning_rate, total_steps=max(2, settings.epochs * self.steps)
        )

    @property
    def epoch(self) -> int:
        """How many are done."""
        return len(self.reached.history)

    def one_epoch(self, bar: Bar) -> Epoch:
        """Every training image once, in random order; then the held-out ones."""
        begun = time.perf_counter()
        self.module.train()
        total = 0.0
        for batch in torch.randperm(len(self.labels)).tensor_split(self.steps):  # as even as can be, none larger than asked
            self.optimiser.zero_grad()
            loss = self.goal.loss(self.module(self.images[batch]), self.labels[batch])
            loss.backward()  # type: ignore[no-untyped-call]
            self.optimiser.step()
            self.schedule.step()
            total += float(loss.detach()) * len(batch)
            bar.step()
        loss_mean = total / len(self.labels)
        if not isfinite(loss_mean):
            raise UsageError(
                f"training came apart in epoch {self.epoch + 1}: the loss is {loss_mean}",
                usual="The learning rate is too high.",
                advice=f"Try learning_rate={self.settings.learning_rate / 10:g}.",
            )
        accuracy = measured(self.module, self.goal, self.data)
        done = Epoch(self.epoch + 1, loss_mean, accuracy, time.perf_counter() - begun)
        self.reached = _Reached(self.module.values(), (*self.reached.history, done))
        return done

    def state(self) -> State:
        """All that a run needs to go on."""
        return {
            **self.identity,
            "epoch": self.epoch,
            "model": self.module.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "random": torch.get_rng_state(),
            "history": [asdict(epoch) for epoch in self.reached.history],
        }

    def restore(self, state: State) -> None:
        """Go on from there. Raises KeyError, TypeError, ValueError or RuntimeError if it isn't the state of such a run."""
        history = tuple(Epoch(**epoch) for epoch in state["history"])
        if state["epoch"] != len(history) or len(history) > self.settings.epochs:
            raise ValueError("epochs and history don't agree")
        self.module.load_state_dict(state["model"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        torch.set_rng_state(state["random"])
        self.reached = _Reached(self.module.values(), history)


def measured(module: NetworkModule, aim: Goal, data: Data) -> float:
    """The share of held-out images that the network names right."""
    module.eval()
    with torch.no_grad():
        parts = torch.split(torch.from_numpy(data.test_images), 256)
        answers = torch.cat([aim.answer(module(part)) for part in parts])
    return float((answers == torch.from_numpy(data.test_labels)).double().mean())


def _optimiser(module: NetworkModule, settings: Settings) -> torch.optim.Optimizer:
    match settings.optimiser:
        case "adamw":
            return torch.optim.AdamW(module.parameters(), lr=settings.learning_rate)
        case "sgd":
            return torch.optim.SGD(module.parameters(), lr=settings.learning_rate, momentum=0.9, nesterov=True)


@contextlib.contextmanager
def _torch_set(settings: Settings) -> Iterator[None]:
    """torch seeded, with deterministic kernels and so many threads inside; as it was outside."""
    threads = torch.get_num_threads()
    before, warns = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    with torch.random.fork_rng(devices=[]):
        try:
            torch.manual_seed(settings.seed)
            torch.set_num_threads(settings.threads)
            torch.use_deterministic_algorithms(True)
            yield
        finally:
            torch.use_deterministic_algorithms(before, warn_only=warns)
            torch.set_num_threads(threads)
