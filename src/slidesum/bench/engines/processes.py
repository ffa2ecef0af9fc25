"""The processes of the engines, seen from the one that asks: started, woken for a turn, put to sleep, killed.

Thread pools of several libraries in one process wreck each other, and idle threads of some spin for a while. So each engine has a
process of its own, and all but the one that is timed are stopped, where the system can do that and ends them with this process.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from slidesum.bench.machine import POOLS

PATIENCE = 900.0
"""Seconds until an engine must have answered."""


class Engine:
    """One process. Used as a context, it is killed at the end, whatever happens."""

    def __init__(self, name: str, folder: Path, threads: int) -> None:
        self.name, self._said = name, folder / f"{name}.txt"
        with self._said.open("w") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "slidesum.bench.engines.worker", str(folder), name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
                text=True,
                env={**os.environ, **dict.fromkeys(POOLS, str(threads)), "TORCHINDUCTOR_COMPILE_THREADS": "1"},
                start_new_session=True,  # a Ctrl-C is for the process that asks; it ends the others
            )
        self._answers: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def ready(self) -> dict[str, Any]:
        """Its first answer: it is ready, it is left out, it failed; with the reason."""
        told = self._answer()
        self._sleep()
        return told

    def turn(self) -> dict[str, Any]:
        """Seconds of a call, or why there are none."""
        assert self.process.stdin is not None
        self._signal("SIGCONT")
        try:
            print(file=self.process.stdin, flush=True)
        except OSError:
            return self._ended()
        told = self._answer()
        self._sleep()
        return told

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self.process.poll() is None:
            if hasattr(os, "killpg"):  # with what it has started itself, such as a compiler
                os.killpg(self.process.pid, signal.SIGKILL)
            else:
                self.process.kill()
        self.process.wait()
        self._listener.join()
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):  # what it can't be told any more
                if pipe is not None:
                    pipe.close()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._answers.put(line)
        self._answers.put(None)

    def _answer(self) -> dict[str, Any]:
        try:
            line = self._answers.get(timeout=PATIENCE)
        except queue.Empty:
            return {"state": "failed", "why": f"no answer after {PATIENCE:.0f} seconds"}
        return self._ended() if line is None else dict(json.loads(line))

    def _ended(self) -> dict[str, Any]:
        """It is gone without a word of its own: what it said last."""
        status = self.process.wait()
        how = f"it was ended by signal {-status}" if status < 0 else f"it ended with status {status}"
        said = self._said.read_text(errors="replace").strip().splitlines()
        return {"state": "failed", "why": f"{how}: {said[-1]}" if said else how}

    def _sleep(self) -> None:
        self._signal("SIGSTOP")

    def _signal(self, name: str) -> None:
        """Only where a stopped process is ended with this one."""
        if sys.platform == "linux" and self.process.poll() is None:
            self.process.send_signal(getattr(signal, name))
