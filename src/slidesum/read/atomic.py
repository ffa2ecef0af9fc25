"""A file that is either the old one or the new one, never half of each."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from slidesum.errors import FileError


def write_atomically(path: Path, data: bytes) -> None:
    """Write beside the file, make sure that it is on the disk, then take its name in one step.

    Whatever interrupts it, a reader finds the old contents or the new ones. Raises FileError where nothing can be written.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileNotFoundError):
            os.chmod(beside, path.stat().st_mode & 0o777)  # as the file that is replaced
        os.replace(beside, path)
        _settle(path.parent)
    except BaseException as error:
        with contextlib.suppress(OSError):
            beside.unlink()
        if isinstance(error, OSError):
            raise unwritable(path, error) from None
        raise


def make_folder(path: Path) -> None:
    """Make a folder that can be written to, before hours of work are put into it. Raises FileError where that can't be."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise unwritable(path, error) from None


def unwritable(path: Path, error: OSError) -> FileError:
    """What to tell when the system refuses to write."""
    return FileError(
        f"{path} can't be written: {error.strerror or error}",
        usual="The folder is missing or read-only, or the disk is full.",
        advice="Choose another folder.",
    )


def unreadable(path: Path, error: OSError) -> FileError:
    """What to tell when the system refuses to read."""
    if isinstance(error, FileNotFoundError):
        return FileError(f"there is no file {path}", advice="Check the folder and the spelling of the name.")
    return FileError(
        f"{path} can't be read: {error.strerror or error}", advice="Check that it is a file, and that you may read it."
    )


def _settle(folder: Path) -> None:
    """Make the new name last over a power cut, where a folder can be opened at all."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
