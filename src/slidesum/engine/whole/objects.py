"""Kernels as machine code: made once a processor and version, kept on the disk, never loaded when anything doesn't match.

A file is named by the hash of all that its code depends on: the kernel, the processor and its features, the version of LLVM, and
the sources of the engine. It begins with the hash of what follows. It is taken only if it and its folder belong to this user and
nobody else may write them. Anything else (no folder, a full disk, a broken file) means that the kernel is made anew.

The folder is `SLIDESUM_CACHE`, or `slidesum` where the system keeps caches; `SLIDESUM_CACHE=` (empty) keeps nothing.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import stat
import sys
import tempfile
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from threading import RLock
from typing import Any

from slidesum.engine.host import Host
from slidesum.engine.whole.kernel import NAME, Kernel

_lock = RLock()
_kept: list[Any] = []
"""Engines whose code is called: it is freed with them."""
LARGEST = 2**22
"""Bytes of a file beyond which it is no kernel."""


@lru_cache(maxsize=1024)
def address_of(kernel: Kernel, host: Host) -> int:
    """The address of a kernel's code."""
    with _lock:
        return loaded(object_of(kernel, host), host, NAME)


def object_of(kernel: Kernel, host: Host) -> bytes:
    """Its object file, from the disk if it is there."""
    key = sources_key(kernel, host)
    found = read(key)
    if found is None:
        found = machine_code(str(kernel.module()), host)
        keep(key, found)
    return found


def sources_key(what: object, host: Host) -> str:
    """The name of the file of a kernel, or of whatever else the sources make for a processor."""
    return hashlib.sha256(repr((what, host, _sources())).encode()).hexdigest()


def machine_code(text: str, host: Host) -> bytes:
    """The object file of a module of intermediate code."""
    import llvmlite.binding as llvm

    machine = _machine(host)
    parsed = llvm.parse_assembly(text)
    parsed.triple, parsed.data_layout = llvm.get_process_triple(), str(machine.target_data)
    parsed.verify()
    return bytes(machine.emit_object(parsed))


def loaded(code: bytes, host: Host, name: str) -> int:
    """The address of a function of an object file."""
    import llvmlite.binding as llvm

    empty = llvm.parse_assembly("")
    empty.triple = llvm.get_process_triple()
    engine = llvm.create_mcjit_compiler(empty, _machine(host))
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    _kept.append(engine)
    return int(engine.get_function_address(name))


def _machine(host: Host) -> Any:
    import llvmlite.binding as llvm

    return llvm.Target.from_default_triple().create_target_machine(
        cpu=host.cpu, features=host.features, opt=2, reloc="pic", codemodel="jitdefault"
    )


@lru_cache(maxsize=1)
def _sources() -> str:
    """A hash of the engine's files, which write code, and LLVM's version."""
    import llvmlite.binding as llvm

    digest = hashlib.sha256(repr((llvm.llvm_version_info, sys.byteorder)).encode())
    for path in sorted(Path(__file__).parent.parent.rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


# The disk


def folder() -> Path | None:
    """Where files are kept; None where nothing is to be kept."""
    named = os.environ.get("SLIDESUM_CACHE")
    if named is not None:
        return Path(named) / "kernels" if named else None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "slidesum" / "kernels" if base else None


def read(key: str) -> bytes | None:
    """What was kept under a key, or None where it isn't there or can't be trusted."""
    at = folder()
    if at is None:
        return None
    try:
        if not _is_ours(os.stat(at, follow_symlinks=False)):
            return None
        handle = os.open(at / key, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(handle, "rb") as file:
            status = os.fstat(file.fileno())
            if not _is_ours(status) or not stat.S_ISREG(status.st_mode) or status.st_size > LARGEST:
                return None
            held = file.read(LARGEST)
    except OSError:
        return None
    digest, content = held[:32], held[32:]
    return content if hashlib.sha256(content).digest() == digest else None


def keep(key: str, content: bytes) -> None:
    """Keep it under a key, whole or not at all; several processes may do so at once."""
    at = folder()
    if at is None:
        return
    with suppress(OSError):
        at.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not _is_ours(os.stat(at, follow_symlinks=False)):
            return
        handle, name = tempfile.mkstemp(dir=at)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            os.replace(name, at / key)
        except BaseException:
            with suppress(OSError):
                os.unlink(name)
            raise


def _is_ours(status: os.stat_result) -> bool:
    """Whether it belongs to this user, and only this user may write it. Windows keeps a user's folders by other means."""
    if not hasattr(os, "getuid"):
        return True
    return status.st_uid == os.getuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def call_of(address: int) -> Any:
    """A kernel to be called from Python: (numbers, task, scratch)."""
    return ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int64, ctypes.c_void_p)(address)
