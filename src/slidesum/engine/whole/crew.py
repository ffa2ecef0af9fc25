"""Helpers: threads that sleep until a program is run, and then take tasks of it (`driver.py`).

They are Python's own threads, in native code as long as they work. After a fork they are gone, and a new crew is hired at the next
call. They hold nothing, so nothing is lost when the process ends under them.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from queue import SimpleQueue

Job = Callable[[], object]


class Crew:
    """Up to so many threads, started when first needed, each with a queue of its own."""

    def __init__(self) -> None:
        self.queues: list[SimpleQueue[Job]] = []
        self.lock = threading.Lock()

    def call(self, helpers: int, job: Job) -> None:
        """Have the job done by so many threads, some time soon; nobody waits for it."""
        if len(self.queues) < helpers:
            self._hire(helpers)
        for queue in self.queues[:helpers]:
            queue.put(job)

    def _hire(self, helpers: int) -> None:
        with self.lock:
            while len(self.queues) < helpers:
                queue: SimpleQueue[Job] = SimpleQueue()
                threading.Thread(target=_work, args=(queue,), name="slidesum", daemon=True).start()
                self.queues.append(queue)


def _work(queue: SimpleQueue[Job]) -> None:
    while True:
        queue.get()()


_crew = Crew()


def crew() -> Crew:
    """The crew of this process."""
    return _crew


def _forked() -> None:
    global _crew
    _crew = Crew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
