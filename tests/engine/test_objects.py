"""Machine code on the disk: found again, and never taken when it isn't exactly what was kept, by this user."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from slidesum.engine.host import host
from slidesum.engine.whole import objects
from slidesum.engine.whole.objects import folder, keep, object_of, read, sources_key
from slidesum.engine.whole.rows import Clear, Combine

POSIX = pytest.mark.skipif(os.name != "posix", reason="owners and modes are of POSIX")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("SLIDESUM_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "kernels"


def test_what_was_kept_is_found_again(cache):
    assert read("key") is None
    keep("key", b"code")
    assert read("key") == b"code"
    assert [path.name for path in cache.iterdir()] == ["key"]  # nothing half-written stays


@POSIX
def test_only_the_owner_may_read_and_write(cache):
    keep("key", b"code")
    assert stat.S_IMODE(cache.stat().st_mode) == 0o700
    assert stat.S_IMODE((cache / "key").stat().st_mode) == 0o600


@POSIX
@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_file_that_others_may_write_is_left_alone(cache, mode: int):
    keep("key", b"code")
    (cache / "key").chmod(mode)
    assert read("key") is None


@POSIX
@pytest.mark.parametrize("mode", [0o720, 0o702])
def test_a_folder_that_others_may_write_is_left_alone(cache, mode: int):
    keep("key", b"code")
    cache.chmod(mode)
    assert read("key") is None
    keep("other", b"code")
    cache.chmod(0o700)
    assert not (cache / "other").exists()


@POSIX
def test_a_link_is_left_alone(cache, tmp_path):
    keep("key", b"code")
    (cache / "key").rename(tmp_path / "elsewhere")
    (cache / "key").symlink_to(tmp_path / "elsewhere")
    assert read("key") is None


@pytest.mark.parametrize("content", [b"", b"short", b"\0" * 64, b"\0" * (objects.LARGEST + 1)])
def test_a_broken_file_is_left_alone(cache, content: bytes):
    keep("key", b"code")
    (cache / "key").write_bytes(content)
    assert read("key") is None


def test_a_changed_byte_is_seen(cache):
    keep("key", b"code")
    held = bytearray((cache / "key").read_bytes())
    held[-1] ^= 1
    (cache / "key").write_bytes(bytes(held))
    assert read("key") is None


def test_broken_code_is_made_again(cache):
    kernel, here = Combine(4, "add"), host()
    made = object_of(kernel, here)
    (cache / sources_key(kernel, here)).write_bytes(b"broken")
    assert object_of(kernel, here) == made == read(sources_key(kernel, here))


def test_names_tell_all_that_code_depends_on():
    from dataclasses import replace

    here = host()
    keys = [sources_key(*given) for given in ((Combine(4, "add"), here), (Combine(8, "add"), here), (Clear(4), here))]
    keys.append(sources_key(Combine(4, "add"), replace(here, features="+sse2")))
    assert len(set(keys)) == 4


def test_names_tell_the_sources_of_all_kernels(monkeypatch):
    """Also of those that layers learn by, which lie elsewhere."""
    from slidesum.engine import code
    from slidesum.engine.training import filters, gradient
    from slidesum.engine.whole import kernel, winograd

    read_bytes, seen = Path.read_bytes, []
    monkeypatch.setattr(Path, "read_bytes", lambda path: seen.append(path) or read_bytes(path))
    objects._sources.__wrapped__()
    assert {Path(module.__file__) for module in (code, kernel, winograd, filters, gradient)} <= set(seen)


HOMES = [
    ("linux", {"HOME": "/home/x"}, "/home/x/.cache/slidesum/kernels"),
    ("linux", {"HOME": "/home/x", "XDG_CACHE_HOME": "/fast"}, "/fast/slidesum/kernels"),
    ("darwin", {"HOME": "/Users/x"}, "/Users/x/Library/Caches/slidesum/kernels"),
    ("win32", {"LOCALAPPDATA": "/Users/x/Local"}, "/Users/x/Local/slidesum/kernels"),
]


@POSIX
@pytest.mark.parametrize(("system", "environment", "place"), HOMES)
def test_where_the_system_keeps_caches(monkeypatch, system: str, environment: dict[str, str], place: str):
    monkeypatch.setattr(sys, "platform", system)
    for name in ("SLIDESUM_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert folder() == Path(place)


def test_tests_keep_nothing_in_the_users_place(monkeypatch):
    own = folder()
    monkeypatch.delenv("SLIDESUM_CACHE")
    assert own != folder()


def test_nothing_is_kept_where_nothing_is_wanted(monkeypatch):
    monkeypatch.setenv("SLIDESUM_CACHE", "")
    assert folder() is None
    keep("key", b"code")
    assert read("key") is None


def test_a_place_that_can_not_be_written(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("SLIDESUM_CACHE", str(tmp_path / "file"))
    keep("key", b"code")
    assert read("key") is None


def test_several_writers(cache):
    content = os.urandom(2**16)
    threads = [threading.Thread(target=keep, args=("key", content)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read("key") == content


def test_another_process_loads_what_was_kept(tmp_path):
    script = (
        "import slidesum as ss, numpy as np\n"
        "from slidesum.engine.whole import objects\n"
        "made = []\n"
        "own = objects.machine_code\n"
        "objects.machine_code = lambda *given: (made.append(1), own(*given))[1]\n"
        "net = ss.load('lenet5')\n"
        "y = net.compile(threads=1)(np.ones([int(n) for n in net.graph.inputs[0].shape], 'float32'))\n"
        "print(len(made), float(y.sum()))\n"
    )
    environment = os.environ | {"SLIDESUM_CACHE": str(tmp_path)}
    told = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment).stdout.split()
        for _ in range(2)
    ]
    assert int(told[0][0]) > 3
    assert told[1][0] == "0"
    assert told[0][1] == told[1][1]
