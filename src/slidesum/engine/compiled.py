"""From a tile to machine code, once a process: what a kernel depends on is its tile, the bytes of a value, and the processor."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import lru_cache
from threading import Lock
from typing import Any

import llvmlite.binding as llvm

from slidesum.engine.host import Host
from slidesum.engine.kernel import TEAM, module
from slidesum.engine.layout import Tile

Run = Callable[[int, int, int, int, int, int], None]
"""The addresses of numbers, x, w, y and scratch, and how many threads."""

_lock = Lock()
_kept: list[Any] = []
"""Engines whose code is called: it is freed with them."""


@lru_cache(maxsize=256)
def compiled(tile: Tile, itemsize: int, host: Host, team: int) -> Run:
    """The function of a kernel; `team` is the address of `kernel.TEAM`, or 0."""
    with _lock:
        text = str(module(tile, itemsize, host.bytes_wide // itemsize, team=bool(team)))
        if team:
            llvm.add_symbol(TEAM, team)
        target = llvm.Target.from_default_triple()
        machine = target.create_target_machine(cpu=host.cpu, features=host.features, opt=3)
        parsed = llvm.parse_assembly(text)
        parsed.triple, parsed.data_layout = target.triple, str(machine.target_data)
        parsed.verify()
        options = llvm.create_pipeline_tuning_options(speed_level=2)
        options.loop_unrolling = options.loop_vectorization = options.slp_vectorization = False
        builder = llvm.create_pass_builder(machine, options)
        builder.getModulePassManager().run(parsed, builder)
        engine = llvm.create_mcjit_compiler(parsed, machine)
        engine.finalize_object()
        _kept.append(engine)
        address = engine.get_function_address("run")
    return ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 5, ctypes.c_int64)(address)
