"""Which case is being timed, on stderr; nothing where stderr is no terminal."""

from __future__ import annotations

from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Bar:
    """A bar over the cases, with the name of the one in work. It is drawn between cases only: drawing would disturb the times."""

    def __init__(self, cases: int) -> None:
        console = Console(stderr=True)
        self._progress = Progress(
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.description}"),
            console=console,
            auto_refresh=False,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._progress.add_task("measuring the machine", total=cases)

    def at(self, name: str) -> None:
        """A case begins."""
        self._progress.update(self._task, description=name)
        self._progress.refresh()

    def done(self) -> None:
        """A case is over."""
        self._progress.advance(self._task)

    def __enter__(self) -> Bar:
        self._progress.start()
        self._progress.refresh()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._progress.stop()
