"""slidesum page: a network in a browser, as a file, as a picture, or from this machine."""

import re
import signal
import subprocess
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
from PIL import Image
from process import COMMAND, environment, slidesum

import slidesum as ss


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A network with its arrays, and two inputs for it."""
    folder = tmp_path_factory.mktemp("page")
    net = ss.load("lenet5")
    net.initialise(0)
    net.save(folder / "net.json")
    np.save(folder / "image.npy", np.random.default_rng(0).uniform(-0.1, 1.175, (1, 1, 32, 32)).astype("float32"))
    Image.fromarray(np.full((40, 48), 99, "uint8")).save(folder / "grey.png")
    return folder


def test_a_file(saved, tmp_path):
    target = tmp_path / "new" / "page.html"
    done = slidesum("page", saved / "net.json", saved / "image.npy", "-o", target)
    assert (done.returncode, done.stdout) == (0, "")
    told, wrote = done.stderr.splitlines()[0], done.stderr.replace("\n", " ")
    assert re.fullmatch(r"lenet5: about 0\.5 MB: every value explained exactly", told)
    assert f"wrote {target}: {target.stat().st_size / 1e6:.2f} MB" in wrote.replace("  ", " ")
    text = target.read_text("utf-8")
    assert text.startswith("<!doctype html>\n")
    assert "<title>lenet5 · slidesum</title>" in text
    assert [path.name for path in target.parent.iterdir()] == ["page.html"]


def test_the_default_name_and_a_network_without_arrays(tmp_path):
    done = slidesum("page", "lenet5", "digits:3", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    size = (tmp_path / "lenet5.html").stat().st_size
    assert done.stderr == (
        "lenet5 was never trained: its arrays are drawn at random, with seed 0\n"
        f"lenet5: about 0.5 MB: every value explained exactly\nwrote lenet5.html: {size / 1e6:.2f} MB\n"
    )


def test_a_picture_that_is_scaled_says_so(saved, tmp_path):
    done = slidesum("page", saved / "net.json", saved / "grey.png", "-o", "page.html", cwd=tmp_path, COLUMNS="400")
    assert done.returncode == 0
    assert done.stderr.splitlines()[0] == "grey.png: scaled from 48×40 to 32×32 pixels"


@pytest.mark.parametrize(("options", "name"), [((), "lenet5-C3.png"), (("-o", "maps.svg"), "maps.svg")])
def test_a_layer_as_a_picture(saved, tmp_path, options, name):
    done = slidesum("page", saved / "net.json", saved / "image.npy", "--png", "C3", *options, cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", f"wrote {name}\n")
    begins = {"png": b"\x89PNG\r\n", "svg": b"<?xml"}[name[-3:]]
    assert (tmp_path / name).read_bytes().startswith(begins)
    if name.endswith("png"):
        with Image.open(tmp_path / name) as picture:
            assert min(picture.size) > 300
            assert len(np.unique(np.asarray(picture.convert("RGB")).reshape(-1, 3), axis=0)) > 50


LAYERS = "input, C1, C1-squash, S2, S2-squash, C3, C3-squash, S4, S4-squash, C5, C5-squash, F6, F6-squash, OUTPUT"
USAGE = """Usage: python -m slidesum.cli page [OPTIONS] {model} [image]
Try 'python -m slidesum.cli page --help' for help.

Error: Invalid value: """
REFUSED = [
    (("page", "NET"), 2, "a page needs an image\n  Write slidesum page MODEL IMAGE, or --serve to begin with an empty one."),
    (("page", "NET", "IMAGE", "-o", "page.txt"), 2, "page.txt is no page\n  Write -o NAME.html."),
    (("page", "NET", "IMAGE", "-o", "page"), 2, "page is no page\n  Write -o NAME.html."),
    (("page", "NET", "--serve", "-o", "page.html"), 2, "--serve writes no file\n  Leave out -o and --png, or --serve."),
    (("page", "NET", "--serve", "--png", "C1"), 2, "--serve writes no file\n  Leave out -o and --png, or --serve."),
    (("page", "NET", "IMAGE", "--port", "8000"), 2, "--port and --open belong to --serve\n  Write --serve too."),
    (("page", "NET", "IMAGE", "--open"), 2, "--port and --open belong to --serve\n  Write --serve too."),
    (("page", "NET", "missing.png"), 1, "there is no file missing.png\n  Check the folder and the spelling of the name."),
    (("page", "missing.onnx", "IMAGE"), 1, "there is no file missing.onnx\n  Check the folder and the spelling of the name."),
    (("page", "NET", "IMAGE", "--png", "C9"), 1, f"lenet5 has no layer 'C9'\n  Its layers are {LAYERS}.\n  Name one of them."),
    (
        ("page", "NET", "IMAGE", "-o", "/proc/page.html"),
        1,
        "lenet5: about 0.5 MB: every value explained exactly\n/proc/page.html can't be written: No such file or directory\n"
        "  The folder is missing or read-only, or the disk is full.\n  Choose another folder.",
    ),
]


@pytest.mark.parametrize(
    ("arguments", "status", "message"), REFUSED, ids=lambda value: " ".join(value[2:]) if isinstance(value, tuple) else ""
)
def test_refusals_are_one_message(saved, tmp_path, arguments, status, message):
    files = {"NET": saved / "net.json", "IMAGE": saved / "image.npy"}
    done = slidesum(*(files.get(one, one) for one in arguments), cwd=tmp_path, COLUMNS="400")
    assert (done.returncode, done.stdout) == (status, "")
    usage = USAGE if status == 2 else ""
    assert done.stderr == f"{usage}{message}\n"
    assert list(tmp_path.iterdir()) == []


def answer(address, **headers):
    try:
        with urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_a_server_tells_its_address_and_ends_with_ctrl_c(saved, tmp_path):
    command = [*COMMAND, "page", str(saved / "net.json"), str(saved / "image.npy"), "--serve"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(COLUMNS="200"), cwd=tmp_path
    ) as running:
        try:
            address = running.stdout.readline().strip()
            assert re.fullmatch(r"http://127\.0\.0\.1:\d+/\?token=[\w-]{43}", address)
            bare, _, token = address.partition("?token=")
            status, text = answer(address)
            assert status == 200
            assert "<title>lenet5 · slidesum</title>" in text
            assert answer(f"{bare}document", **{"X-Slidesum-Token": token})[0] == 200
            for wrong in (bare, f"{bare}?token=guess", f"{bare}document", f"{bare}page.js"):
                assert answer(wrong)[0] == 403
            assert answer(f"{bare}document", **{"X-Slidesum-Token": token, "Origin": "http://example.org"})[0] == 403
            assert answer(address, Host="example.org")[0] == 403
            began = time.monotonic()
            running.send_signal(signal.SIGINT)
            rest, told = running.communicate(timeout=30)
        finally:
            running.kill()
    assert (running.returncode, rest, told) == (130, "", "stopped\n")
    assert time.monotonic() - began < 10
    assert list(tmp_path.iterdir()) == []


def test_a_name_from_a_file_leads_to_no_other_folder(tmp_path):
    """A model file may call its network anything; what is written lies in the folder where the command is given."""
    net = ss.Network("../../up")
    net.conv(net.input("b c i j", b=1, c=1, i=5, j=5), "b c i+u j+v, o c u v -> b o i j", o=1, u=3, v=3, name="a/b")
    inner = tmp_path / "one" / "two"
    inner.mkdir(parents=True)
    net.save(inner / "net.json")
    np.save(inner / "x.npy", np.ones((1, 1, 5, 5), "float32"))
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    for command in (("page",), ("page", "--png", "a/b"), ("sheet",)):
        done = slidesum(command[0], inner / "net.json", inner / "x.npy", *command[1:], cwd=inner)
        assert done.returncode == 0, done.stderr
    found = {path for path in tmp_path.rglob("*") if path.is_file()} - before
    assert {path.relative_to(inner).as_posix() for path in found} == {"up.html", "up-a-b.png", "up.xlsx"}
