"""The page in its three homes, in a real browser: a file, a server, and a notebook of a real JupyterLab.

What is seen is kept as pictures in runs/screenshots.
"""

import contextlib
import io
import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import expect
from walkthrough import Case, by, everything, go_to, tab

import slidesum as ss
from slidesum.show.page.html import write_page
from slidesum.show.page.session import Session

CHOSEN = "document.querySelector('[data-testid=overview]') && window.slidesumModel.get('document').chosen"
JUMPS = """
globalThis.jumps = [];
new PerformanceObserver((list) => {
  for (const one of list.getEntries()) if (!one.hadRecentInput) globalThis.jumps.push(one.value);
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture
def cases(lenet, digit, googlenet, china):
    return {
        "lenet5": Case(lenet, digit, "C3", "S4-squash", (0, 3, 4, 5)),
        "googlenet": Case(googlenet, china, "conv2", "5a/1x1", (0, 3, 4, 5), "3a"),
    }


@pytest.mark.parametrize("name", ["lenet5", "googlenet"])
def test_a_file(watched, cases, name, request, tmp_path):
    case, path = cases[name], request.getfixturevalue(f"{name.removesuffix('5')}_page")
    page = watched.page
    page.add_init_script(JUMPS)
    page.goto(path.as_uri())
    root = page.locator(".slidesum")
    expect(root.locator("[data-drawn=yes]").first).to_be_visible()
    page.wait_for_timeout(500)
    watched.picture(f"file-{name}-network")
    assert sum(page.evaluate("jumps")) < 0.001
    if name == "googlenet":  # a file holds the terms of chosen values
        chosen = page.evaluate("window.slidesumModel.get('document').chosen")
        inner = [one["at"] for one in chosen["conv2"] if all(0 < n < 54 for n in one["at"][2:]) and one["at"][1] < 191]
        case = Case(case.net, case.image, "conv2", case.short, tuple(inner[0]), case.group)
    everything(page, root, case, tmp_path)
    tab(root, "prediction")
    expect(by(root, "edit:how")).to_contain_text("slidesum page MODEL IMAGE --serve")
    for name_of_tab in ("layer", "types", "prediction"):
        tab(root, name_of_tab)
        page.wait_for_timeout(300)
        watched.picture(f"file-{name}-{name_of_tab}")
    assert watched.errors == []
    assert watched.outside("file:") == []


@pytest.mark.parametrize("name", ["lenet5", "googlenet"])
@pytest.mark.parametrize("look", ["phone", "dark"])
def test_a_phone_and_the_dark(watched, name, look, request):
    page = watched.page
    if look == "phone":
        page.set_viewport_size({"width": 390, "height": 844})
    else:
        page.emulate_media(color_scheme="dark")
    page.goto(request.getfixturevalue(f"{name.removesuffix('5')}_page").as_uri())
    root = page.locator(".slidesum")
    expect(root.locator("[data-drawn=yes]").first).to_be_visible()
    for tab_name in ("network", "layer", "types", "prediction"):
        tab(root, tab_name)
        page.wait_for_timeout(400)
        watched.picture(f"{look}-{name}-{tab_name}")
        panel = root.locator(".panel:not([hidden])")
        over = panel.evaluate("panel => panel.scrollWidth - panel.clientWidth")
        assert over <= 1, f"{tab_name} is {over} pixels wider than the screen"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    ground, ink = root.evaluate("root => [getComputedStyle(root).backgroundColor, getComputedStyle(root).color]")
    assert (lightness(ground) < lightness(ink)) == (look == "dark")
    assert watched.errors == []


def lightness(colour: str) -> float:
    return sum(float(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(","))


@pytest.mark.parametrize("name", ["lenet5", "googlenet"])
def test_a_server(watched, serve, cases, name, tmp_path):
    case, page = cases[name], watched.page
    address = serve(Session(case.net.graph, case.net.values, case.image))
    page.goto(address)
    root = page.locator(".slidesum")
    everything(page, root, case, tmp_path)
    edits(watched, root, case, tmp_path)
    watched.picture(f"server-{name}-edited")
    assert watched.errors == []
    assert watched.outside(address.split("?")[0]) == []


def edits(watched, root, case, tmp_path):
    """A pixel, a weight, a bias, a drawing, a file and a drop: the prediction is that of a session in Python."""
    session, page = Session(case.net.graph, case.net.values, case.image), watched.page
    source = case.net.graph.inputs[0].name
    go_to(root, case.layer, case.at)
    tab(root, "prediction")
    for array, at, value in ((source, (0, 0, 9, 9), 3.0), (f"{case.layer}.w", None, -2.5), (f"{case.layer}.bias", (3,), 40.0)):
        place = at or tuple(0 for _ in session.values[array].shape)
        by(root, "number:array").select_option(array)
        by(root, "number:at").fill(", ".join(map(str, place)))
        by(root, "number:value").fill(str(value))
        by(root, "number:change").click()
        expect(by(root, "edit:status")).to_contain_text("done", timeout=20_000)
        told, _ = session.answer({"ask": "edit", "array": array, "at": list(place), "value": value})
        agrees(root, told["prediction"])
        expect(by(root, "edit:status")).to_have_text(f"{array}[{', '.join(map(str, place))}] = {value}: done.")
    by(root, "reset").click()
    expect(by(root, "edit:status")).to_have_text("Reset: done.", timeout=20_000)
    told, _ = session.answer({"ask": "reset"})
    agrees(root, told["prediction"])
    sheet = by(root, "draw")
    sheet.scroll_into_view_if_needed()
    box = sheet.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 30)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] - 30, steps=6)
    page.mouse.up()
    expect(by(root, "edit:status")).to_have_text("Your drawing: done.", timeout=20_000)
    expect(by(root, "edit:headline")).to_be_visible()
    picture = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (50, 60, 3), "uint8")).save(picture, "png")
    (tmp_path / "noise.png").write_bytes(picture.getvalue())
    by(root, "file").set_input_files(tmp_path / "noise.png")
    expect(by(root, "edit:status")).to_contain_text("Another image: the file: scaled from 60×50", timeout=20_000)
    told, _ = session.answer({"ask": "image"}, [picture.getvalue()])
    agrees(root, told["prediction"])
    by(root, "drop").evaluate(
        """(drop, bytes) => {
          const dataTransfer = new DataTransfer();
          dataTransfer.items.add(new File([new Uint8Array(bytes)], "no.png", { type: "image/png" }));
          drop.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
        }""",
        list(b"this is no picture"),
    )
    expect(by(root, "edit:failure")).to_be_visible(timeout=20_000)
    assert "Traceback" not in by(root, "edit:failure").inner_text()
    by(root, "reset").click()
    expect(by(root, "edit:status")).to_have_text("Reset: done.", timeout=20_000)


def agrees(root, prediction):
    """What the head of the page says is what Python computed."""
    best, score = prediction["top"][0]
    expect(by(root, "prediction")).to_contain_text(f"Prediction {best}", timeout=20_000)
    shown = float(by(root, "prediction").inner_text().split()[-1])
    assert shown == pytest.approx(score, rel=6e-3)


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory) -> Iterator[tuple[str, Path]]:
    """A JupyterLab of its own on this machine: the address of its notebooks, and the folder they are in."""
    folder = tmp_path_factory.mktemp("jupyter")
    notebooks = folder / "notebooks"
    notebooks.mkdir()
    settings = folder / "settings" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = '{"fetchNews": "false", "checkForUpdates": false, "doNotDisturbMode": true}'
    (settings / "notification.jupyterlab-settings").write_text(quiet)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    own = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_DATA_DIR": "data", "IPYTHONDIR": "ipython"}
    source = str(Path(ss.__file__).parents[1])
    environment = {**os.environ, **{name: str(folder / path) for name, path in own.items()}, "PYTHONPATH": source}
    command = [
        *(sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0"),
        *("--ServerApp.ip=127.0.0.1", "--ServerApp.token=abc", f"--ServerApp.root_dir={notebooks}", "--LabApp.news_url=None"),
        *(f"--LabApp.user_settings_dir={folder / 'settings'}", f"--LabApp.workspaces_dir={folder / 'workspaces'}"),
        *("--LabApp.extension_manager=readonly", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"),
    ]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder) as running,
    ):
        try:
            deadline = time.monotonic() + 90
            address = f"http://127.0.0.1:{port}"
            while not answers(f"{address}/api?token=abc"):
                assert running.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, (folder / "log").read_text()
                time.sleep(0.2)
            yield address, notebooks
        finally:
            running.terminate()
            try:
                running.wait(20)
            except subprocess.TimeoutExpired:
                running.kill()


def answers(address: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(address, timeout=5) as response:
        return response.status == 200
    return False


@pytest.mark.parametrize("name", ["lenet5", "googlenet"])
def test_a_notebook(watched, jupyter, cases, name, tmp_path):
    case, page, (address, folder) = cases[name], watched.page, jupyter
    case.net.initialise(0) if not case.net.has_values else None
    case.net.save(folder / f"{name}.json")
    np.save(folder / f"{name}-image.npy", case.image)
    book = nbformat.v4.new_notebook(
        cells=[
            nbformat.v4.new_code_cell("import numpy as np\nimport slidesum as ss"),
            nbformat.v4.new_code_cell(
                f'net = ss.load("{name}.json")\nimage = np.load("{name}-image.npy")\nview = net.view(image)\nview'
            ),
        ],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
    )
    nbformat.write(book, folder / f"{name}.ipynb")
    page.set_viewport_size({"width": 1500, "height": 1000})
    page.goto(f"{address}/lab/tree/{name}.ipynb?token=abc&reset")
    page.locator(".jp-NotebookPanel-notebook .jp-Cell").first.wait_for(timeout=60_000)
    expect(page.locator(".jp-StatusBar-Widget")).to_contain_text("Python 3 (ipykernel) | Idle", timeout=60_000)
    page.locator(".lm-MenuBar-itemLabel", has_text="Run").first.click()
    page.locator('[data-command="runmenu:run-all"]').click()
    root = page.locator(".jp-OutputArea .slidesum")
    expect(root).to_be_visible(timeout=60_000)
    root.scroll_into_view_if_needed()
    expect(root.locator("[data-drawn=yes]").first).to_be_visible()
    everything(page, root, case, tmp_path)
    watched.picture(f"notebook-{name}")
    edits(watched, root, case, tmp_path)
    watched.picture(f"notebook-{name}-edited")
    assert watched.from_elsewhere(f"{address}/") == []
    assert watched.outside(f"{address}/", address.replace("http", "ws")) == []


def test_other_ranks(watched, tmp_path):
    """Curves for one dimension, slices with a slider for three."""
    net = ss.Network("volume")
    x = net.input("b c d i j", b=1, c=2, d=5, i=8, j=7, name="x")
    net.conv(x, "b c d+t i+u j+v, o c t u v -> b o d i j", o=3, t=2, u=3, v=3, bias="o", name="solid")
    net.initialise(0)
    volume = np.random.default_rng(0).normal(size=(1, 2, 5, 8, 7)).astype("float32")
    line = ss.Network("line")
    y = line.input("b c i", b=1, c=2, i=40, name="x")
    line.conv(y, "b c i+u, o c u -> b o i", o=3, u=5, bias="o", name="thin")
    line.initialise(0)
    wave = np.sin(np.arange(80, dtype="float32").reshape(1, 2, 40) / 5)
    for model, image, layer, at in ((net, volume, "solid", (0, 1, 3, 2, 4)), (line, wave, "thin", (0, 1, 17))):
        path = tmp_path / f"{model.name}.html"
        write_page(path, Session(model.graph, model.values, image))
        watched.page.goto(path.as_uri())
        root = watched.page.locator(".slidesum")
        go_to(root, layer, at)
        why = model.explain(layer, at, image)
        assert float(by(by(root, "pixel"), "value").inner_text()) == pytest.approx(why.before, rel=1e-5, abs=1e-6)
        if layer == "solid":
            slider = by(by(root, "stack:in:0"), "slice:2")
            expect(slider).to_have_value(re.compile("^[34]$"))
            expect(by(root, "stack:in:0")).to_have_attribute("data-lit", "read 0:2..4,4..6;1:2..4,4..6")
            slider.fill("1")
            expect(by(root, "stack:in:0")).to_have_attribute("data-lit", "")
        else:
            expect(by(root, "stack:in:0")).to_have_attribute("data-lit", "read 0:0,17..21;1:0,17..21")
        watched.picture(f"rank-{model.name}")
    assert watched.errors == []
