"""Everything that one can do on a page, as a user does it: by pointer and keys, on whichever home it is in.

Each step says what must be seen then, in numbers that are worked out here and not by the page.
"""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from playwright.sync_api import Locator, Page, expect

from slidesum.api.network import Network
from slidesum.notation.write import pattern


@dataclass(frozen=True)
class Case:
    """A network with its input, and where on the page to look at it: a layer, and a short one that is quickly played through."""

    net: Network
    image: Any
    layer: str
    short: str
    at: tuple[int, ...]
    group: str | None = None

    @property
    def sized(self) -> Any:
        return self.net.graph[self.layer].sized

    @property
    def window(self) -> int:
        return int(self.sized.extents["u"])

    @property
    def padding(self) -> int:
        return -int(self.sized.slides[(0, 2)].start)

    def shape_of(self, layer: str) -> tuple[int, ...]:
        return tuple(int(n) for n in self.net.graph[layer].shape)

    def pairs(self) -> list[tuple[int, int]]:
        """Which input map each filter reads, as (c, o)."""
        wired = self.sized.connections
        if wired is None:
            return [(c, o) for o in range(self.sized.extents["o"]) for c in range(self.sized.extents["c"])]
        c, o = wired.indices.index("c"), wired.indices.index("o")
        return [(pair[c], pair[o]) for pair in wired.pairs]

    def read_by(self, filter: int) -> list[int]:
        return [c for c, o in self.pairs() if o == filter]

    def fed_by(self, map: int) -> list[int]:
        return [o for c, o in self.pairs() if c == map]


def by(root: Locator, name: str) -> Locator:
    return root.locator(f'[data-testid="{name}"]')


def tab(root: Locator, name: str) -> None:
    by(root, f"tab:{name}").click()
    expect(by(root, f"tab:{name}")).to_have_attribute("aria-selected", "true")


def point(page: Page, stack: Locator, extents: Sequence[int], row: int, column: int, ring: int = 0, *, click: bool = False) -> None:
    """The pointer on a cell of the large map of a stack."""
    board = stack.locator(".stack-large .board")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    assert box is not None
    rows, columns = (n + 2 * ring for n in extents)
    x, y = box["x"] + (column + ring + 0.5) * box["width"] / columns, box["y"] + (row + ring + 0.5) * box["height"] / rows
    page.mouse.move(x, y)
    if click:
        page.mouse.click(x, y)


def spelled(kind: str, maps: Sequence[int], rows: tuple[int, int], columns: tuple[int, int]) -> str:
    def span(low: int, high: int) -> str:
        return str(low) if low == high else f"{low}..{high}"

    return f"{kind} " + ";".join(f"{m}:{span(*rows)},{span(*columns)}" for m in maps)


def at_a_glance(page: Page, root: Locator, case: Case) -> None:
    """Cards with equations, kinds, costs and legends; groups that unfold and fold; zoom and pan."""
    tab(root, "network")
    table = {row["name"]: row for row in case.net.table()}
    card = by(root, f"card:{case.layer}")
    expect(card).to_have_attribute("data-drawn", "yes")
    row, text = table[case.layer], card.text_content() or ""
    assert row["kind"] in text
    assert pattern(case.sized.equation).replace(" -> ", "-> ") in text
    assert f"{row['maps']} maps of " in text
    assert f"{row['macs_percent']:.1f} %" in text
    assert "±" in text
    folded = root.locator(".card").count()
    if case.group:
        members = [node.name for node in case.net.graph if node.name.startswith(f"{case.group}/")]
        by(root, f"unfold:{case.group}").click()
        expect(by(root, f"card:{members[0]}")).to_be_visible()
        assert root.locator(".card").count() == folded - 1 + len(members)
        last = members[-1]
        froms = root.locator(f'.edges path[data-to="{last}"]').evaluate_all("paths => paths.map((path) => path.dataset.from)")
        assert sorted(froms) == sorted(case.net.graph[last].inputs), "every branch leads to where the branches meet"
        by(root, f"fold:{case.group}").click()
        expect(by(root, f"card:{members[0]}")).to_have_count(0)
    else:
        assert folded == len(list(case.net.graph))
    frame = by(root, "overview")
    frame.focus()
    page.keyboard.press("0")
    page.wait_for_timeout(400)
    whole = float(frame.get_attribute("data-scale") or 0)
    page.keyboard.press("+")
    until(frame, "frame => Number(frame.dataset.scale)", lambda scale: scale > 1.1 * whole)
    where = "frame => frame.querySelector('.plane').style.transform"
    stood = frame.evaluate(where)
    page.keyboard.press("ArrowRight")
    until(frame, where, lambda now: now != stood)
    page.keyboard.press("0")
    until(frame, "frame => Number(frame.dataset.scale)", lambda scale: abs(scale / whole - 1) < 0.05)


def until(element: Locator, asks: str, holds: Callable[[Any], bool]) -> None:
    """Waits for what moves by itself."""
    deadline = time.monotonic() + 10
    while not holds(told := element.evaluate(asks)):
        assert time.monotonic() < deadline, told
        time.sleep(0.05)


def a_layer(page: Page, root: Locator, case: Case) -> None:
    """Its filters and maps; what an output reads and what an input feeds; a click pins."""
    tab(root, "network")
    by(root, f"card:{case.layer}").locator(".card-open").click()
    expect(by(root, "layer")).to_have_attribute("data-ready", "yes")
    expect(by(root, "layer")).to_have_attribute("data-layer", case.layer)
    given, made = by(root, "stack:in:0"), by(root, "stack:out")
    inside, outside = case.shape_of(case.net.graph[case.layer].inputs[0])[2:], case.shape_of(case.layer)[2:]
    size, pad = case.window, case.padding
    for row, column in ((0, 0), (2, 3)):
        point(page, made, outside, row, column)
        filter = int(made.get_attribute("data-map") or 0)
        rows, columns = (row - pad, row - pad + size - 1), (column - pad, column - pad + size - 1)
        expect(given).to_have_attribute("data-lit", spelled("read", case.read_by(filter), rows, columns))
    parts = by(root, "filters")
    expect(parts).to_contain_text(f"{len(case.read_by(int(made.get_attribute('data-map') or 0)))} parts of {size}×{size}")
    point(page, given, inside, 5, 6, pad)
    source = int(given.get_attribute("data-map") or 0)
    rows, columns = (max(5 + pad - size + 1, 0), 5 + pad), (max(6 + pad - size + 1, 0), 6 + pad)
    fed = spelled("fed", case.fed_by(source), rows, columns)
    expect(made).to_have_attribute("data-lit", fed)
    point(page, given, inside, 5, 6, pad, click=True)
    page.mouse.move(2, 2)
    expect(made).to_have_attribute("data-lit", fed)
    point(page, given, inside, 5, 6, pad, click=True)
    point(page, made, outside, 3, 4, click=True)
    expect(by(root, "layer")).to_have_class(re.compile("is-pinned"))
    lit = given.get_attribute("data-lit")
    point(page, made, outside, 5, 5)
    expect(given).to_have_attribute("data-lit", lit or "")
    by(root, "play").press("Escape")
    expect(by(root, "layer")).not_to_have_class(re.compile("is-pinned"))


def a_pixel(page: Page, root: Locator, case: Case) -> None:
    """The arithmetic of a value, and the keys that walk."""
    at = case.at
    go_to(root, case.layer, at)
    why = case.net.explain(case.layer, at, case.image)
    shown = by(root, "pixel")
    assert abs(float(by(shown, "value").inner_text()) - why.before) <= 1e-6 * max(abs(term.product) for term in why.terms) * 10
    assert abs(float(by(shown, "bias").inner_text()) - (why.bias or 0.0)) <= 1e-4
    assert by(shown, "partial").count() == len(why.partial_sums)
    assert abs(float(by(shown, "computed").inner_text()) - why.computed) <= 1e-7 * abs(why.computed)
    assert by(shown, "residual").inner_text()
    by(shown, "show-all-terms").click()
    expect(by(shown, "term")).to_have_count(len(why.terms))
    by(shown, "show-all-terms").click()
    for key, axis, step in (("ArrowRight", 3, 1), ("ArrowDown", 2, 1), ("ArrowLeft", 3, -1), ("m", 1, 1), ("Shift+M", 1, -1)):
        at = tuple(n + step if k == axis else n for k, n in enumerate(at))
        by(root, "play").press(key)
        expect(by(root, "stack:out").locator(".stack-caption")).to_contain_text(f"[{', '.join(map(str, at))}]")
    order = [node.name for node in case.net.graph]
    by(root, "play").press("PageDown")
    expect(by(root, "layer")).to_have_attribute("data-layer", order[order.index(case.layer) + 1])
    by(root, "play").press("PageUp")
    expect(by(root, "layer")).to_have_attribute("data-layer", case.layer)
    expect(by(root, "layer")).to_have_attribute("data-ready", "yes")


def go_to(root: Locator, layer: str, at: Sequence[int]) -> None:
    tab(root, "layer")
    by(root, "layer-select").select_option(layer)
    expect(by(root, "layer")).to_have_attribute("data-layer", layer)
    expect(by(root, "layer")).to_have_attribute("data-ready", "yes")
    by(root, "place").fill(", ".join(map(str, at)))
    by(root, "place").press("Enter")
    expect(by(root, "pixel")).to_have_attribute("data-explained", ",".join(map(str, at)))


def a_walk(root: Locator, case: Case) -> None:
    """Play, pause, and the positions in any order."""
    tab(root, "layer")
    by(root, "layer-select").select_option(case.layer)
    expect(by(root, "layer")).to_have_attribute("data-ready", "yes")
    remark = root.locator(".walk-remark")
    by(root, "play").click()
    expect(remark).to_have_text(re.compile(r"position \d+ of"))
    by(root, "play").click()
    expect(by(root, "play")).to_have_attribute("aria-pressed", "false")
    by(root, "layer-select").select_option(case.short)
    expect(by(root, "layer")).to_have_attribute("data-layer", case.short)
    expect(by(root, "layer")).to_have_attribute("data-ready", "yes")
    by(root, "shuffle").click()
    by(root, "play").click()
    expect(remark).to_have_text("All positions, in a shuffled order: the same map.", timeout=20_000)
    by(root, "shuffle").click()


def the_types(root: Locator) -> None:
    """The same layer in every type: its weights and maps, as the sliders say."""
    tab(root, "types")
    for name, value in {"k1": 4, "k2": 6, "kernel": 3, "groups": 2, "stride": 1, "padding": 1, "dilation": 1, "depth": 2}.items():
        by(root, f"slider:{name}").fill(str(value))
    wanted = {"type 1": (54, 24), "type 2.1": (54, 6), "type 2.2": (216, 6), "depthwise": (36, 4), "1×1": (24, 6)}
    for name, (weights, maps) in wanted.items():
        by(root, f"type:{name}").click()
        expect(by(root, f"type:{name}")).to_have_attribute("aria-pressed", "true")
        expect(by(root, "lab:weights")).to_have_attribute("data-value", str(weights))
        expect(by(root, "lab:maps")).to_have_attribute("data-value", str(maps))
    by(root, "type:type 2.2").click()
    by(root, "slider:kernel").fill("5")
    expect(by(root, "lab:weights")).to_have_attribute("data-value", "600")
    for name in ("grouped", "3-D"):
        by(root, f"type:{name}").click()
        expect(by(root, "lab:problem")).to_be_empty()


def backwards(root: Locator, case: Case) -> None:
    """From the predicted class down to a pixel."""
    scores = np.asarray(case.net.run(case.image)[case.net.graph.output.name])[0]
    tab(root, "prediction")
    best = by(root, "trace").locator(".trace-class", has_text="predicted")
    number = int((best.get_attribute("data-testid") or "").split(":")[1])
    assert number in (int(scores.argmin()), int(scores.argmax()))
    best.click()
    value = by(root, "trace:value")
    expect(value).to_be_visible()
    assert abs(float(value.get_attribute("data-value") or "nan") - scores[number]) <= 1e-4 * np.abs(scores).max()
    by(root, "trace:down").click()
    expect(by(root, "trace:pixel")).to_be_visible(timeout=30_000)
    expect(by(root, "trace:pixel")).not_to_have_text("…")
    crumbs = by(root, "trace:path").locator("button")
    assert crumbs.count() > 5
    last = crumbs.last
    at = [int(n) for n in (last.get_attribute("data-at") or "").split(",")]
    source = np.asarray(case.net.run(case.image)[case.net.graph.inputs[0].name])
    eight_bits = root.page.evaluate("window.slidesumModel?.get('document').exact") == "chosen"
    assert abs(float(by(root, "trace:pixel").inner_text()) - source[tuple(at)]) < (1e-2 if eight_bits else 1e-5)


def a_picture(page: Page, root: Locator, tmp_path: Any) -> None:
    """PNG and SVG of what is seen."""
    tab(root, "layer")
    expect(by(root, "layer")).to_have_attribute("data-ready", "yes")
    for kind, begins in (("png", b"\x89PNG\r\n\x1a\n"), ("svg", b"<svg ")):
        with page.expect_download() as told:
            by(root, f"export-{kind}").click()
        path = tmp_path / told.value.suggested_filename
        told.value.save_as(path)
        assert path.suffix == f".{kind}"
        assert path.read_bytes().startswith(begins)
        assert path.stat().st_size > 5_000


def the_tour(root: Locator) -> None:
    """Six steps; each one opens what it speaks of; it can be left."""
    by(root, "tour-start").click()
    tour = by(root, "tour")
    for step in range(1, 7):
        expect(tour).to_have_attribute("data-step", str(step))
        expect(tour).to_contain_text(f"{step} of 6")
        by(root, "tour-next").click()
    expect(tour).to_be_hidden()
    by(root, "tour-start").click()
    by(root, "tour-skip").click()
    expect(tour).to_be_hidden()


def labels(root: Locator) -> None:
    """Everything that can be used has a name, and what is drawn has one too."""
    nameless = root.evaluate(
        """root => [...root.querySelectorAll("button, select, input, [role=img], [role=tab], svg[tabindex], canvas[tabindex]")]
          .filter((one) => one.getClientRects().length)
          .filter((one) => !(one.getAttribute("aria-label") ?? one.getAttribute("title") ?? one.textContent ?? "").trim())
          .filter((one) => !one.closest("label")?.textContent.trim()).map((one) => one.outerHTML.slice(0, 200))"""
    )
    assert nameless == []


def everything(page: Page, root: Locator, case: Case, tmp_path: Any) -> None:
    """All that is the same in every home."""
    at_a_glance(page, root, case)
    a_layer(page, root, case)
    labels(root)
    a_pixel(page, root, case)
    a_walk(root, case)
    the_types(root)
    labels(root)
    backwards(root, case)
    labels(root)
    a_picture(page, root, tmp_path)
    the_tour(root)
