"""The page in a real browser: Debian's Chromium, driven by Playwright; and a LeNet-5 that was trained on digits."""

import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock
from playwright.sync_api import Browser, Page, sync_playwright

import slidesum as ss
from slidesum.api.network import Network
from slidesum.show.page.html import write_page
from slidesum.show.page.session import Session
from slidesum.train.data import data_for
from slidesum.train.loop import train
from slidesum.zoo.lenet5 import lenet5

SCREENSHOTS = Path(os.environ.get("SLIDESUM_SCREENSHOTS", "runs/screenshots"))
QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-sync"]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found, "these tests need Chromium: apt-get install chromium"
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=found, args=[*QUIET, "--disable-component-update"])
        yield running
        running.close()


class Watched:
    """A browser's tab that keeps what goes wrong: errors on the console, and requests that leave the page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        self.origins: list[str] = []
        self.requests: list[str] = []
        page.on("console", lambda told: self._wrong(told.text, told.location["url"]) if told.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self._wrong(str(error), ""))
        page.on("request", lambda request: self.requests.append(request.url))

    def _wrong(self, text: str, origin: str) -> None:
        self.errors.append(text)
        self.origins.append(origin)

    def from_elsewhere(self, host: str) -> list[str]:
        """What went wrong in code that the host page didn't load from its own address: in a notebook, everything of the widget."""
        return [text for text, origin in zip(self.errors, self.origins, strict=True) if not origin.startswith(host)]

    def outside(self, *allowed: str) -> list[str]:
        """The requests for anything but these addresses, and data that the page made itself."""
        return [url for url in self.requests if not url.startswith(("data:", "blob:", *allowed))]

    def picture(self, name: str) -> None:
        """A screenshot, to be looked at."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}.png")


@pytest.fixture
def watched(browser: Browser) -> Iterator[Watched]:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script("try { localStorage.setItem('slidesum-tour', 'seen'); } catch {}")
    yield Watched(context.new_page())
    context.close()


@pytest.fixture(scope="session")
def kept(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[[str, Callable[[Path], object]], Path]:
    """A file by its name, made once for all workers: the first one makes it, the others wait."""
    base = tmp_path_factory.getbasetemp()
    folder = base if worker_id == "master" else base.parent

    def once(name: str, make: Callable[[Path], object]) -> Path:
        path = folder / name
        with FileLock(folder / f"{name}.lock"):
            if not path.exists():
                make(path)
        return path

    return once


@pytest.fixture(scope="session")
def lenet(kept: Callable[[str, Callable[[Path], object]], Path]) -> Network:
    """LeNet-5 after three epochs on the digits: it reads most of them."""

    def trained(path: Path) -> None:
        graph = lenet5()
        Network.of(graph, train(graph, data_for(graph, "digits"), epochs=3, seed=0).values).save(path)

    return ss.load(kept("lenet5.slidesum", trained))


@pytest.fixture(scope="session")
def digit() -> np.ndarray:
    return data_for(lenet5(), "digits").test_images[3]


@pytest.fixture(scope="session")
def googlenet() -> Network:
    """GoogLeNet with the arrays of seed 0: nobody's trained ones can be had here."""
    return ss.load("googlenet")


@pytest.fixture(scope="session")
def china() -> np.ndarray:
    """scikit-learn's photograph, as GoogLeNet takes it."""
    from PIL import Image
    from sklearn.datasets import load_sample_image

    picture = Image.fromarray(load_sample_image("china.jpg")).resize((224, 224), Image.Resampling.BILINEAR)
    return np.asarray(picture, dtype=np.float32).transpose(2, 0, 1)[None] / 255


@pytest.fixture(scope="session")
def lenet_page(lenet: Network, digit: np.ndarray, kept: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    return kept("lenet5.html", lambda path: write_page(path, Session(lenet.graph, lenet.values, digit)))


@pytest.fixture(scope="session")
def googlenet_page(googlenet: Network, china: np.ndarray, kept: Callable[[str, Callable[[Path], object]], Path]) -> Path:
    return kept("googlenet.html", lambda path: write_page(path, Session(googlenet.graph, googlenet.values, china)))


@pytest.fixture
def serve() -> Iterator[Callable[[Session], str]]:
    """Starts a server for a session, as `--serve` does, and gives the address to open."""
    from slidesum.show.page.serve import prepared

    started = []

    def begun(session: Session) -> str:
        serving = prepared(session)
        thread = threading.Thread(target=serving.run, daemon=True)
        thread.start()
        started.append((serving, thread))
        deadline = time.monotonic() + 20
        while not serving.server.started:
            assert time.monotonic() < deadline, "the server didn't start"
            time.sleep(0.01)
        return serving.address

    yield begun
    for serving, thread in started:
        serving.server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()
