"""What the tests of the page's views share: networks of every rank, where a cell lies on the screen, what is lit."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
from playwright.sync_api import Page

import slidesum as ss
from slidesum.core.network import Graph
from slidesum.laws.explain import readings
from slidesum.run.network import initial_values
from slidesum.show.page.html import write_page
from slidesum.show.page.session import Session

Cell = tuple[int, ...]


def padded() -> ss.Network:
    """Stride 2 and unequal padding, a pooling, an activation, a softmax over six classes."""
    net = ss.Network("padded")
    x = net.input("b c i j", b=1, c=2, i=9, j=11)
    x = net.conv(x, "b c 2*i+u-2 2*j+v-1, o c u v -> b o i j", o=3, u=5, v=3, bias="o", name="conv")
    x = net.activation(x, "relu", name="relu")
    x = net.pool(x, "b c 2*i+u 2*j+v -> b c i j", "max", u=2, v=2, name="pool")
    x = net.linear(x, 6, name="linear")
    net.softmax(x, name="softmax")
    return net


def signal() -> ss.Network:
    net = ss.Network("signal")
    x = net.input("b c i", b=1, c=2, i=40)
    x = net.conv(x, "b c i+u-2, o c u -> b o i", o=3, u=5, bias="o", name="conv")
    net.pool(x, "b c 2*i+u -> b c i", "max", u=2, name="pool")
    return net


def volume() -> ss.Network:
    net = ss.Network("volume")
    x = net.input("b c d i j", b=1, c=2, d=6, i=8, j=8)
    net.conv(x, "b c d+t i+u j+v, o c t u v -> b o d i j", o=2, t=3, u=3, v=3, bias="o", name="conv")
    return net


def channels_last() -> ss.Network:
    net = ss.Network("channels last")
    x = net.input("b i j c", b=1, i=8, j=8, c=3)
    net.conv(x, "b i+u j+v c, u v c o -> b i j o", o=4, u=3, v=3, bias="o", padding="same", name="conv")
    return net


def page_of(net: ss.Network, folder: Path) -> Path:
    graph: Graph = net.graph
    image = np.random.default_rng(0).normal(size=graph.inputs[0].shape).astype(np.float32)
    path = folder / f"{graph.name}.html"
    write_page(path, Session(graph, initial_values(graph), image))
    return path


def open_layer(page: Page, name: str) -> None:
    page.get_by_test_id("tab:layer").click()
    page.get_by_test_id("layer-select").select_option(name)
    page.locator(f'[data-testid="layer"][data-layer="{name}"][data-ready="yes"]').wait_for()


def point(page: Page, stack: str, row: int, column: int, rows: int, columns: int, ring: Cell = (0, 0, 0, 0)) -> tuple[float, float]:
    """Where a cell of the large map is on the screen; the ring is its padding: top, bottom, left, right."""
    box = page.get_by_test_id(stack).locator(".board").first.bounding_box()
    assert box is not None
    top, bottom, left, right = ring
    x = box["x"] + (left + column + 0.5) * box["width"] / (columns + left + right)
    y = box["y"] + (top + row + 0.5) * box["height"] / (rows + top + bottom)
    return x, y


def lit(page: Page, stack: str) -> dict[str, set[Cell]]:
    """By kind, the cells as (map, row, column): "read 0:3..4,2;1:3..4,2 | at 0:1,1"."""
    text = page.get_by_test_id(stack).get_attribute("data-lit") or ""
    found: dict[str, set[Cell]] = {}
    for part in filter(None, text.split(" | ")):
        kind, _, spans = part.partition(" ")
        for span in spans.split(";"):
            number, _, place = span.partition(":")
            ranges = [[int(end) for end in one.split("..")] for one in place.split(",")]
            cells = itertools.product(*(range(ends[0], ends[-1] + 1) for ends in ranges))
            found.setdefault(kind, set()).update((int(number), *cell) for cell in cells)
    return found


def read_by(net: ss.Network, layer: str, at: Cell) -> set[Cell]:
    """The cells of x that the law says."""
    sized = net.graph[layer].sized
    assert sized is not None
    return {reading.cells[0] for reading in readings(sized, at)}


def fed_by(net: ss.Network, layer: str, cell: Cell) -> set[Cell]:
    """The outputs that read a cell, by asking every one of them."""
    shape = net.graph[layer].shape
    return {at for at in itertools.product(*(range(int(n)) for n in shape)) if cell in read_by(net, layer, at)}
