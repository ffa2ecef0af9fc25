"""How quickly the page answers: from the pointer to the highlight, and from opening a file to a network that can be used.

    python bench/page.py [--rounds 60] [--loads 7]

In Debian's Chromium, headless, by the browser's own clock. *Hover* is the time from the event (`event.timeStamp`) to the highlight
drawn on its canvas, which the page measures itself (`performance.measure("hover")`); *to the frame* adds what is left until the
next frame begins. The pointer goes over cells of the large map in no order, one every two frames. *Interactive* is the time from
the start of the navigation until a card is drawn, takes clicks, and the browser has answered a frame behind it.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

import slidesum as ss
from slidesum.show.page.html import write_page
from slidesum.show.page.session import Session
from slidesum.train.data import data_for

SCREEN: ViewportSize = {"width": 1280, "height": 800}
ALLOWED = {"hover": 16.0, "interactive": 2000.0}
PLACES = (("lenet5", "C3"), ("googlenet", "conv2"), ("googlenet", "4e/3x3"))

BEGIN = """
try { localStorage.setItem("slidesum-tour", "seen"); } catch {}
const look = () => {
  const card = document.querySelector("[data-drawn=yes] .card-open");
  if (!card) return requestAnimationFrame(look);
  const box = card.getBoundingClientRect();
  const onTop = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
  if (onTop !== card) return requestAnimationFrame(look);
  requestAnimationFrame(() => setTimeout(() => { globalThis.interactive = performance.now(); }));
};
requestAnimationFrame(look);
"""
HOVER = """
async ({ stack, cells }) => {
  const board = document.querySelector(`[data-testid="${stack}"] .stack-large .board`);
  const frame = () => new Promise(requestAnimationFrame);
  const [drawn, framed] = [[], []];
  for (const [x, y] of cells) {
    await frame();
    await frame();
    const box = board.getBoundingClientRect();
    performance.clearMeasures("hover");
    const at = { clientX: box.x + x * box.width, clientY: box.y + y * box.height };
    board.dispatchEvent(new PointerEvent("pointermove", { ...at, bubbles: true, pointerType: "mouse" }));
    const [measure] = performance.getEntriesByName("hover");
    if (!measure) continue;
    drawn.push(measure.duration);
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    framed.push(performance.now() - measure.startTime);
  }
  return { drawn, framed };
}
"""


def files(folder: Path) -> dict[str, Path]:
    """The pages of both networks: LeNet-5 with a digit, GoogLeNet with scikit-learn's photograph."""
    from PIL import Image
    from sklearn.datasets import load_sample_image

    picture = Image.fromarray(load_sample_image("china.jpg")).resize((224, 224), Image.Resampling.BILINEAR)
    lenet, googlenet = ss.load("lenet5"), ss.load("googlenet")
    images = {
        "lenet5": data_for(lenet.graph, "digits").test_images[3],
        "googlenet": np.asarray(picture, dtype=np.float32).transpose(2, 0, 1)[None] / 255,
    }
    for net in (lenet, googlenet):
        write_page(folder / f"{net.name}.html", Session(net.graph, net.values, images[net.name]))
    return {name: folder / f"{name}.html" for name in images}


def opened(browser: Browser, path: Path) -> tuple[Page, float]:
    """A fresh tab with the page, and after how many milliseconds it could be used."""
    page = browser.new_context(viewport=SCREEN).new_page()
    page.add_init_script(BEGIN)
    page.goto(path.as_uri())
    page.wait_for_function("() => globalThis.interactive !== undefined")
    return page, float(page.evaluate("interactive"))


def hovered(page: Page, layer: str, stack: str, rounds: int) -> dict[str, list[float]]:
    """Every time from the event to the highlight, and to the frame, in milliseconds."""
    page.click("[data-testid='tab:layer']")
    page.select_option("[data-testid=layer-select]", layer)
    page.wait_for_selector(f"[data-testid=layer][data-layer='{layer}'][data-ready=yes]")
    page.wait_for_timeout(500)
    chance = random.Random(0)
    cells = [(chance.uniform(0.15, 0.85), chance.uniform(0.15, 0.85)) for _ in range(rounds)]
    found: dict[str, list[float]] = page.evaluate(HOVER, {"stack": stack, "cells": cells})
    return found


def line(name: str, times: list[float], allowed: float | None) -> str:
    """Median, the slowest of twenty, the most; and whether the median is allowed."""
    ordered = sorted(times)
    middle = statistics.median(ordered)
    verdict = "" if allowed is None else f"   {'within' if middle <= allowed else 'MISSES'} {allowed:.0f} ms"
    return f"{name:44} {middle:8.1f} {ordered[int(0.95 * (len(ordered) - 1))]:8.1f} {ordered[-1]:8.1f} {len(ordered):5}{verdict}"


def main() -> None:
    """Measure everything and print a table."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=60)
    options.add_argument("--loads", type=int, default=7)
    given = options.parse_args()
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    print(f"load of this machine {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    print(f"{'milliseconds':44} {'median':>8} {'95 %':>8} {'most':>8} {'times':>5}")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        paths = files(Path(folder))
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox", "--disable-gpu"])
        for name, path in paths.items():
            loads: list[Any] = []
            for _ in range(given.loads):
                page, took = opened(browser, path)
                loads.append(took)
                page.context.close()
            print(line(f"{name}: interactive", loads, ALLOWED["interactive"]))
        for name, layer in PLACES:
            page, _ = opened(browser, paths[name])
            for stack, told in (("stack:out", "an output, what it reads"), ("stack:in:0", "an input, what it feeds")):
                times = hovered(page, layer, stack, given.rounds)
                print(line(f"{name} {layer}: {told}", times["drawn"], ALLOWED["hover"]))
                print(line("    to the frame", times["framed"], None))
            page.context.close()
        browser.close()
    print(f"load of this machine {os.getloadavg()[0]:.1f} at the end")


if __name__ == "__main__":
    main()
