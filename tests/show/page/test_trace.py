"""From a prediction backwards: every number on the way is Python's, and what stands there adds up as it stands there."""

import itertools
from decimal import Decimal

import numpy as np
import pytest

import slidesum as ss
from slidesum.core.ops import Input
from slidesum.show.page.choose import followed
from slidesum.show.page.html import write_page
from slidesum.show.page.session import Session

STEP = """() => {
  const unit = document.querySelector('[data-testid="trace:unit"]');
  const steps = document.querySelectorAll('[data-testid="trace:path"] button');
  const path = steps[steps.length - 1];
  const text = (id) => unit.querySelector(`[data-testid="trace:${id}"]`)?.textContent ?? null;
  return {
    steps: steps.length, layer: path.dataset.layer, at: path.dataset.at.split(",").map(Number),
    ready: unit.dataset.ready === path.dataset.at,
    value: text("value"), bias: text("bias"), sum: text("sum"), passed: text("passed"), pixel: text("pixel"),
    adds: unit.querySelector('[data-testid="trace:parts"]')?.dataset.sum ?? null,
    maps: [...unit.querySelectorAll('[data-testid="trace:map"]')].map((one) => one.dataset.sum),
    products: [...unit.querySelectorAll('[data-testid="trace:term"]')].map((one) => one.dataset.product),
    field: document.querySelector('[data-testid="trace:seen"]').dataset.field,
  };
}"""
UNFOLD = """() => {
  for (const map of document.querySelectorAll('[data-testid="trace:unit"] details')) map.open = true;
  for (const more of document.querySelectorAll('[data-testid^="trace:all-"]')) more.click();
}"""


@pytest.fixture
def trace(watched, lenet_page):
    watched.page.goto(lenet_page.as_uri())
    watched.page.get_by_test_id("tab:prediction").click()
    watched.page.get_by_test_id("trace:value").wait_for()
    yield watched.page
    assert not watched.errors
    assert not watched.outside(lenet_page.as_uri())


@pytest.fixture(scope="module")
def maps(lenet, digit):
    return lenet.run(digit[None])


def unfolded(page):
    """The step that is shown, with all its terms."""
    for _ in range(3):  # maps, their terms, the maps that were not shown
        page.evaluate(UNFOLD)
        page.wait_for_timeout(20)
    told = page.evaluate(STEP)
    assert told["ready"]
    return told


def check(told, lenet, maps):
    """One step: the terms add up as written, and are those of `explain`."""
    why = lenet.explain(told["layer"], at=told["at"], given=maps)
    value = Decimal(told["value"])
    assert float(value) == pytest.approx(why.before, rel=1e-6, abs=1e-9)
    assert float(value) == pytest.approx(float(maps[told["layer"]][tuple(told["at"])]), rel=1e-5, abs=1e-6)
    assert len(told["products"]) == len(why.terms)
    expected = sorted(term.product for term in why.terms)
    unit = max(float(Decimal(1).scaleb(Decimal(text).as_tuple().exponent)) for text in told["products"])
    assert sorted(map(float, told["products"])) == pytest.approx(expected, rel=1e-6, abs=1.01 * unit)
    if told["adds"] == "yes":
        whole = sum(map(Decimal, told["products"])) + Decimal(told["bias"] or 0)
        assert whole == (Decimal(told["sum"]) if told["sum"] else value)
        if told["maps"]:
            assert sum(map(Decimal, told["maps"])) + Decimal(told["bias"] or 0) == value
    return why


def below(net, why):
    """Where the page is to go from there: to what Python packs."""
    term = followed(net.graph[why.layer], why)
    return why.inputs[term.origin], list(term.cell)


@pytest.mark.parametrize("number", [9, 3])
def test_the_way_from_a_class_to_a_pixel(trace, lenet, maps, number):
    trace.get_by_test_id(f"class:{number}").click()
    expected = ("OUTPUT", [0, number])
    layers = []
    for _ in range(40):
        trace.wait_for_function(f"() => ({STEP})().layer === '{expected[0]}' && ({STEP})().ready")
        told = unfolded(trace)
        assert (told["layer"], told["at"]) == expected
        layers.append(told["layer"])
        if isinstance(lenet.graph[told["layer"]].op, Input):
            break
        expected = below(lenet, check(told, lenet, maps))
        trace.get_by_test_id("trace:strongest").click()
    assert layers[0] == "OUTPUT"
    assert layers[-1] == "input"
    assert len(layers) == len(lenet.graph.nodes)
    assert float(told["pixel"]) == pytest.approx(float(maps["input"][tuple(told["at"])]), rel=1e-5)
    assert trace.get_by_test_id("trace:strongest").is_disabled()


def test_down_to_the_pixels_in_one_go(trace, lenet):
    trace.get_by_test_id("trace:down").click()
    trace.wait_for_function(f"() => ({STEP})().layer === 'input'")
    steps = trace.locator('[data-testid="trace:path"] button')
    assert steps.count() == len(lenet.graph.nodes)
    steps.nth(2).click()  # and back up
    trace.wait_for_function(f"() => ({STEP})().layer === 'F6'")
    assert steps.count() == 3


def test_the_part_of_the_image_that_a_value_sees(trace, lenet):
    """Rows and columns by the reach of each layer; LeNet-5 has no padding, so the windows are whole."""
    trace.get_by_test_id("trace:down").click()
    trace.wait_for_function(f"() => ({STEP})().layer === 'input'")
    steps = trace.locator('[data-testid="trace:path"] button')
    rows = {row["name"]: row for row in lenet.table()}
    pixel = trace.evaluate(STEP)["at"]
    for number in range(steps.count() - 1, -1, -1):
        steps.nth(number).click()
        trace.wait_for_function(f"() => ({STEP})().steps === {number + 1} && ({STEP})().ready")
        told = trace.evaluate(STEP)
        spans = [tuple(map(int, part.split("-"))) for part in told["field"].split()]
        for (first, last), cell, axis in zip(spans, pixel[2:], ("i", "j"), strict=True):
            assert first <= cell <= last
            if told["layer"] != "input":
                reach = rows[told["layer"]]["reach"][axis]
                low, high = reach.window(0 if reach.along is None else told["at"][reach.along])
                assert (first, last) == (max(0, low), min(31, high))


def test_what_is_not_linear_is_said(trace):
    said = {}
    trace.get_by_test_id("trace:down").click()
    trace.wait_for_function(f"() => ({STEP})().layer === 'input'")
    steps = trace.locator('[data-testid="trace:path"] button')
    for number in range(steps.count() - 2, -1, -1):
        steps.nth(number).click()
        trace.wait_for_function(f"() => ({STEP})().steps === {number + 1} && ({STEP})().ready")
        told = trace.evaluate(STEP)
        said[told["layer"]] = told["passed"]
    assert (
        said["OUTPUT"]
        == "A squared distance to fixed centres: each part is (x − centre)², and the parts add up. The smallest distance wins."
    )
    assert said["F6-squash"] == "Not linear: shares don't pass through it. Followed is the value that went in."
    assert said["F6"] == "Linear: these 120 products, and the bias, add up to the value exactly."
    assert said["C1"] == "Linear: these 25 products, and the bias, add up to the value exactly."


def test_a_step_opens_in_its_layer(trace):
    trace.get_by_test_id("trace:strongest").click()
    trace.wait_for_function(f"() => ({STEP})().layer === 'F6-squash' && ({STEP})().ready")
    trace.get_by_test_id("trace:open").click()
    assert trace.get_by_test_id("layer").get_attribute("data-layer") == "F6-squash"
    assert trace.get_by_test_id("pixel").is_visible()


def page_of(net, folder):
    image = np.random.default_rng(0).normal(size=net.graph.inputs[0].shape)
    session = Session(net.graph, None, image)
    write_page(folder / "net.html", session)
    return folder / "net.html", session


def test_a_network_without_classes_says_so(watched, tmp_path):
    net = ss.Network("signal")
    x = net.input("b c i", b=1, c=1, i=24)
    net.conv(x, "b c i+u, o c u -> b o i", o=3, u=5, name="first")
    watched.page.goto(page_of(net, tmp_path)[0].as_uri())
    watched.page.get_by_test_id("tab:prediction").click()
    assert watched.page.locator(".trace-classes").text_content() == (
        "This network doesn't end with one number a class: there is no prediction to follow back. "
        "Every value is explained under “Layer”."
    )
    assert not watched.errors


def test_a_volume_is_followed_to_its_cells(watched, tmp_path):
    net = ss.Network("volume")
    x = net.input("b c i j k", b=1, c=2, i=6, j=7, k=8)
    x = net.conv(x, "b c i+u j+v k+w, o c u v w -> b o i j k", o=3, u=3, v=3, w=3, name="first")
    net.linear(net.activation(x, "relu", name="relu"), 4, name="scores")
    path, session = page_of(net, tmp_path)
    page = watched.page
    page.goto(path.as_uri())
    page.get_by_test_id("tab:prediction").click()
    page.get_by_test_id("trace:value").wait_for()
    page.get_by_test_id("trace:down").click()
    page.wait_for_function(f"() => ({STEP})().layer === 'input'")
    pixel = page.evaluate(STEP)["at"]
    steps = page.locator('[data-testid="trace:path"] button')
    assert steps.count() == len(session.graph.nodes)
    steps.nth(steps.count() - 2).click()
    page.wait_for_function(f"() => ({STEP})().layer === 'first' && ({STEP})().ready")
    told = check(unfolded(page), ss.Network.of(session.graph, session.values), session.maps)
    field = page.evaluate(STEP)["field"].split()
    assert field == [f"{cell}-{cell + 2}" for cell in told.at[2:]]
    assert all(first <= cell <= first + 2 for first, cell in zip(told.at[2:], pixel[2:], strict=True))
    assert not watched.errors


def test_pictures_of_it(watched, lenet_page):
    page = watched.page
    page.goto(lenet_page.as_uri())
    page.get_by_test_id("tab:prediction").click()
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390)):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        page.get_by_test_id("trace:strongest").click()
        page.get_by_test_id("trace:strongest").click()
        page.wait_for_timeout(200)
        watched.picture(f"trace-{scheme}-{width}")
    assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    assert not watched.errors


def test_the_best_classes_of_googlenet_lead_down_to_the_photograph(watched, googlenet_page, googlenet, china):
    """A file holds the terms of chosen values only, and those on the way from the best classes are among them."""
    page = watched.page
    page.goto(googlenet_page.as_uri())
    page.get_by_test_id("tab:prediction").click()
    page.get_by_test_id("trace:value").wait_for(timeout=60_000)
    maps = googlenet.run(china)
    buttons = page.locator('[data-testid^="class:"]')
    for number in (0, 4):
        buttons.nth(number).click()
        page.get_by_test_id("trace:down").click()
        page.wait_for_function(f"() => ({STEP})().layer === 'input'")
        steps = page.locator('[data-testid="trace:path"] button')
        path = steps.evaluate_all("(all) => all.map((one) => [one.dataset.layer, one.dataset.at.split(',').map(Number)])")
        assert len(path) > 40
        for above, step in itertools.pairwise(path):
            assert tuple(step) == below(googlenet, googlenet.explain(above[0], at=above[1], given=maps))
        for k in range(len(path) - 2, -1, -8):
            steps.nth(k).click()
            page.wait_for_function(f"() => ({STEP})().steps === {k + 1} && ({STEP})().ready")
            check(unfolded(page), googlenet, maps)
        if number == 0:
            watched.picture("trace-googlenet")
    page.get_by_test_id("class-number").fill(str(next(k for k in range(1000) if page.get_by_test_id(f"class:{k}").count() == 0)))
    page.get_by_test_id("class-number").press("Enter")
    page.get_by_text("The terms of this value don't travel with the page").wait_for()
    assert page.get_by_test_id("trace:strongest").is_disabled()
    page.locator(".trace-others button").first.click()
    page.get_by_test_id("trace:value").wait_for()
    assert not watched.errors
