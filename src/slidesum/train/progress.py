"""How far training is, on stderr; nothing where stderr is no terminal."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


class Bar:
    """A bar over the steps of all epochs, with the loss and the accuracy so far behind it.

    `shown` forces it on or off; None leaves it to whether stderr is a terminal.
    """

    def __init__(self, label: str, steps: int, done: int, *, shown: bool | None = None) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[told]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not (console.is_terminal if shown is None else shown),
        )
        self._task = self._progress.add_task(label, total=steps, completed=done, told="")

    def step(self) -> None:
        """One more batch is done."""
        self._progress.advance(self._task)

    def tell(self, loss: float, accuracy: float) -> None:
        """What the last epoch came to."""
        self._progress.update(self._task, told=f"loss {loss:.4f}  test {accuracy:.2%}")

    def __enter__(self) -> Bar:
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()
