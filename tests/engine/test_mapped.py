"""Arrays in a mapped file: known as such, copied as they are, and gone from memory then."""

import mmap
import sys
from pathlib import Path

import numpy as np
import pytest

from slidesum.engine.mapped import forget, is_mapped
from slidesum.engine.whole.tables import lined_up

SIZE = 64 * 2**20


@pytest.fixture
def array(tmp_path):
    """64 MiB of numbers that lie behind 16 bytes of something else."""
    numbers = np.arange(SIZE // 4, dtype=np.float32)
    path = tmp_path / "numbers"
    path.write_bytes(bytes(16) + numbers.tobytes())
    with path.open("rb") as file:
        pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    return np.frombuffer(pages, np.float32, SIZE // 4, 16).reshape(64, 16, -1)


def in_files():
    """The bytes of mapped files that are in memory."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("RssFile"))
    return int(line.split()[1]) * 1024


def test_mapped_or_not(array):
    assert all(map(is_mapped, (array, array[3:5], array.T, array[::-1], array.view(np.int32))))
    assert not any(map(is_mapped, (np.ones(3), array[:2] + 1, array[:2].copy())))


@pytest.mark.parametrize("view", [lambda a: a[3], lambda a: a[5:9].T, lambda a: a[9:3:-1], lambda a: a[:0], lambda a: a[:, 3]])
def test_forgotten_numbers_are_read_again(array, view):
    before = view(array).copy()
    forget(view(array))
    np.testing.assert_array_equal(view(array), before)
    assert array[-1, -1, -1] == SIZE // 4 - 1


def test_an_array_in_memory_isnt_forgotten():
    array = np.arange(10_000.0)
    forget(array)
    assert array[-1] == 9999


@pytest.mark.skipif(sys.platform != "linux", reason="tells memory by /proc")
def test_what_was_copied_is_no_longer_in_memory(array):
    before = in_files()
    copied = lined_up(array.swapaxes(1, 2)[None])
    assert in_files() - before < SIZE / 8
    np.testing.assert_array_equal(copied[0], array.swapaxes(1, 2))
    array.sum()
    assert in_files() - before > SIZE / 2  # it would have been seen
    lined_up(array.swapaxes(1, 2))
    assert in_files() - before < SIZE / 8
