"""The processor at hand: how wide its vectors are and how many it holds, or that nothing is known of it.

LLVM comes with llvmlite, the extra `slidesum[native]`. Without it, or on a processor that isn't in the table below, there is no
engine, and whatever asks for one computes otherwise.
"""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from functools import lru_cache
from typing import Any


@dataclass(frozen=True, slots=True)
class Host:
    """What code is compiled for.

    cpu, features   as LLVM names them
    bytes_wide      of one vector
    vectors         registers that hold one
    """

    cpu: str
    features: str
    bytes_wide: int
    vectors: int


@lru_cache(maxsize=1)
def host() -> Host | None:
    """The processor, or None where code can't be made for it."""
    if importlib.util.find_spec("llvmlite") is None:
        return None
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    cpu, triple = llvm.get_host_cpu_name(), llvm.get_process_triple()
    found = known(triple, dict(llvm.get_host_cpu_features()))
    return None if found is None else Host(cpu, llvm.get_host_cpu_features().flatten(), *found)


def known(triple: str, features: dict[str, Any]) -> tuple[int, int] | None:
    """The bytes of a vector and the number of registers.

    AVX-512 has 32 registers of any width; half of it is taken, since a row's end wastes less of it, and processors that work on
    halves (Zen 4) lose nothing.

    >>> known("x86_64-unknown-linux-gnu", {"avx2": True, "fma": True, "avx512vl": False})
    (32, 16)
    >>> known("riscv64-unknown-linux-gnu", {})
    """
    architecture = triple.split("-")[0]
    if architecture in ("aarch64", "arm64"):
        return 16, 32
    if architecture == "x86_64" and features.get("avx512vl"):
        return 32, 32
    if architecture == "x86_64" and features.get("avx2") and features.get("fma"):
        return 32, 16
    return None
