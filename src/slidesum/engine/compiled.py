"""From a tile to machine code, once a process: what a kernel depends on is its tile, the bytes of a value, and the processor.

None of LLVM's passes over the intermediate code is run: it is written as it is meant, and they would take half of the time that
compiling takes, 50 ms, for code that isn't faster. What makes machine code of it chooses instructions and registers.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache
from threading import RLock
from typing import Any

import llvmlite.binding as llvm

from slidesum.engine.choice import Tile
from slidesum.engine.host import Host
from slidesum.engine.kernel import TEAM, copy_module, module
from slidesum.engine.tasks import copy_name

Run = Callable[[int, int, int, int, int, int], None]
"""The addresses of numbers, x, w, y and scratch, and how many threads."""

_lock = RLock()
_kept: list[Any] = []
"""Engines whose code is called: it is freed with them."""


@lru_cache(maxsize=256)
def compiled(tile: Tile, itemsize: int, host: Host, team: int) -> Run:
    """The function of a kernel; `team` is the address of `kernel.TEAM`, or 0."""
    lanes = host.bytes_wide // itemsize
    with _lock:
        llvm.add_symbol(copy_name(itemsize), _copy(itemsize, host))
        if team:
            llvm.add_symbol(TEAM, team)
        address = _address(str(module(tile, itemsize, lanes, team=bool(team))), "run", host)
    return ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5, ctypes.c_int64)(address)


@lru_cache(maxsize=4)
def _copy(itemsize: int, host: Host) -> int:
    return _address(str(copy_module(itemsize, host.bytes_wide // itemsize)), copy_name(itemsize), host)


def _address(text: str, name: str, host: Host) -> int:
    """The address of a function of a module."""
    target = llvm.Target.from_default_triple()
    machine = target.create_target_machine(cpu=host.cpu, features=host.features, opt=2)
    parsed = llvm.parse_assembly(text)
    parsed.triple, parsed.data_layout = target.triple, str(machine.target_data)
    parsed.verify()
    engine = llvm.create_mcjit_compiler(parsed, machine)
    engine.finalize_object()
    _kept.append(engine)
    return int(engine.get_function_address(name))
