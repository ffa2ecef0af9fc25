"""Where figures were taken: without it they say nothing. And how many threads may be used."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

POOLS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
PACKAGES = ("slidesum", "numpy", "torch", "scipy", "jax")


@dataclass(frozen=True, slots=True)
class Machine:
    """The processor, the threads used of its cores, and the versions of what computes."""

    cpu: str
    cores: int
    threads: int
    system: str
    python: str
    versions: dict[str, str]


def machine(threads: int, packages: Sequence[str] = PACKAGES) -> Machine:
    """This one, with the versions of those of the packages that are installed."""
    return Machine(_cpu(), os.cpu_count() or 1, threads, platform.platform(), platform.python_version(), _versions(packages))


def use_threads(count: int) -> None:
    """Let libraries that compute start so many threads. NumPy listens only before it is imported."""
    for name in POOLS:
        os.environ[name] = str(count)
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(count)


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _versions(packages: Sequence[str]) -> dict[str, str]:
    found = {}
    for name in packages:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
