"""The network at a glance, in a browser: cards and edges, groups that fold, zoom and pan, what is painted only where it is seen."""

import re

import pytest
from page_views import open_layer
from playwright.sync_api import expect

SCALE_BETWEEN = """([low, high]) => {
  const scale = Number(document.querySelector('.overview').dataset.scale);
  return low < scale && scale < high;
}"""


@pytest.fixture
def small(watched, lenet_page, lenet):
    """The page of a LeNet-5, and the network."""
    watched.page.emulate_media(reduced_motion="reduce")
    watched.page.goto(lenet_page.as_uri())
    watched.page.locator(".card").first.wait_for()
    yield watched.page, lenet
    assert watched.errors == []
    assert watched.outside(lenet_page.as_uri()) == []


@pytest.fixture
def large(watched, googlenet_page, googlenet):
    watched.page.emulate_media(reduced_motion="reduce")
    watched.page.goto(googlenet_page.as_uri())
    watched.page.locator(".card").first.wait_for()
    yield watched.page, googlenet
    assert watched.errors == []
    assert watched.outside(googlenet_page.as_uri()) == []


def scale(page):
    return float(page.get_by_test_id("overview").get_attribute("data-scale"))


def wait_for_scale(page, low, high=float("inf")):
    page.wait_for_function(SCALE_BETWEEN, arg=[low, min(high, 1e9)])


def names(page):
    return [one.get_attribute("data-testid").removeprefix("card:") for one in page.locator(".card").all()]


def test_every_layer_is_a_card_with_its_equation_its_maps_and_its_cost(small, watched):
    page, net = small
    assert names(page) == [node.name for node in net.graph]
    expect(page.locator('.card[data-drawn="yes"]')).to_have_count(14)
    card = page.get_by_test_id("card:C3")
    texts = ("60 of 96 pairs connected", "b c i+u j+v, o c u v", "-> b o i j", "16 maps of 10×10", "150 k multiply-adds", "45.1 %")
    for text in texts:
        expect(card).to_contain_text(text)
    told = r"C3: type 2.2.*16 maps of 10×10, 1,500 weights, 150,000 multiply-adds, 45.1 percent"
    expect(card.get_by_role("button")).to_have_attribute("aria-label", re.compile(told))
    assert page.locator(".edges path").count() == sum(len(node.inputs) for node in net.graph)
    watched.picture("lenet-overview")


def test_cards_stand_apart_and_are_seen_whole(large):
    page, _ = large
    page.get_by_test_id("unfold-all").click()
    page.wait_for_function("() => document.querySelectorAll('.card').length > 100")
    page.wait_for_timeout(100)
    boxes = [one.bounding_box() for one in page.locator(".card").all()]
    frame = page.get_by_test_id("overview").bounding_box()
    for k, a in enumerate(boxes):
        assert a["x"] >= frame["x"]
        assert a["y"] >= frame["y"]
        assert a["x"] + a["width"] <= frame["x"] + frame["width"]
        assert a["y"] + a["height"] <= frame["y"] + frame["height"]
        assert not any(meet(a, b) for b in boxes[:k])


def meet(a, b):
    return all(a[start] < b[start] + b[size] and b[start] < a[start] + a[size] for start, size in (("x", "width"), ("y", "height")))


def test_a_card_opens_its_layer(small):
    page, _ = small
    page.get_by_test_id("card:S2").click()
    expect(page.get_by_test_id("layer")).to_have_attribute("data-layer", "S2")


def test_zoom_pan_and_fit(small):
    page, _ = small
    fitted, plane = scale(page), page.locator(".plane")
    box = page.get_by_test_id("card:C1").bounding_box()
    page.mouse.move(box["x"] + 30, box["y"] + 40)
    page.mouse.wheel(0, -300)
    wait_for_scale(page, 1.2 * fitted)
    after = page.get_by_test_id("card:C1").bounding_box()
    grown = after["width"] / box["width"]
    assert after["x"] + 30 * grown == pytest.approx(box["x"] + 30, abs=2)  # what is under the pointer stays there
    before = plane.evaluate("one => one.style.transform")
    page.mouse.down()
    page.mouse.move(box["x"] + 130, box["y"] + 90, steps=4)
    page.mouse.up()
    page.wait_for_function("before => document.querySelector('.plane').style.transform !== before", arg=before)
    expect(page.get_by_test_id("overview")).to_be_visible()  # a drag is no click
    page.get_by_test_id("overview").focus()
    page.keyboard.press("0")
    wait_for_scale(page, fitted - 0.002, fitted + 0.002)
    page.keyboard.press("+")
    wait_for_scale(page, 1.2 * fitted)
    page.keyboard.press("-")
    before = plane.evaluate("one => one.style.transform")
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => document.querySelector('.plane').style.transform !== before", arg=before)


def test_two_fingers_zoom(small):
    page, _ = small
    fitted = scale(page)
    client = page.context.new_cdp_session(page)
    for kind, spread in (("touchStart", 40), ("touchMove", 80), ("touchMove", 120), ("touchEnd", None)):
        points = [] if spread is None else [{"x": 600 - spread, "y": 400, "id": 0}, {"x": 600 + spread, "y": 400, "id": 1}]
        client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    wait_for_scale(page, 2 * fitted)


def test_a_large_network_begins_folded_and_unfolds(large, watched):
    page, net = large
    assert len(names(page)) == 25
    card = page.get_by_test_id("card:3a")
    for text in ("14 layers", "6 with weights", "163 k weights", "128 M multiply-adds"):
        expect(card).to_contain_text(text)
    watched.picture("googlenet-overview")
    page.get_by_test_id("unfold:3a").click()
    inside = [node.name for node in net.graph if node.name.startswith("3a/")]
    assert [name for name in names(page) if name.startswith("3a")] == inside
    expect(page.get_by_test_id("card:3a/concat")).to_be_in_viewport()
    page.wait_for_timeout(100)
    watched.picture("googlenet-3a")
    columns = [page.get_by_test_id(f"card:3a/{name}").bounding_box()["x"] for name in ("1x1", "3x3-reduce", "5x5-reduce", "pool")]
    assert max(columns) - min(columns) < 1  # branches side by side
    page.get_by_test_id("fold:3a").click()
    expect(page.get_by_test_id("card:3a")).to_be_visible()
    page.get_by_test_id("unfold-all").click()
    assert sorted(names(page)) == sorted(node.name for node in net.graph)
    page.get_by_test_id("fold-all").click()
    assert len(names(page)) == 25


def test_only_what_is_seen_is_painted(watched, googlenet_page):
    page = watched.page
    page.set_viewport_size({"width": 500, "height": 300})
    page.goto(googlenet_page.as_uri())
    page.locator('.card[data-drawn="yes"]').first.wait_for()
    page.get_by_test_id("unfold:3a").click()
    page.wait_for_timeout(400)
    page.mouse.move(250, 150)
    for _ in range(4):
        page.mouse.wheel(0, -400)
    page.get_by_test_id("overview").focus()
    painted = page.locator('.card[data-drawn="yes"]').count()
    assert 0 < painted <= page.locator(".card").count()
    page.evaluate("document.querySelectorAll('.card').forEach((one) => one.removeAttribute('data-drawn'))")
    page.emulate_media(color_scheme="dark")  # everything is to be painted anew: what is seen, at once
    page.locator('.card[data-drawn="yes"]').first.wait_for()
    page.wait_for_timeout(200)
    assert page.locator('.card[data-drawn="yes"]').count() < painted


def test_tabs_by_keyboard(small):
    page, _ = small
    page.get_by_test_id("tab:network").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_test_id("tab:layer")).to_have_attribute("aria-selected", "true")
    expect(page.get_by_test_id("layer")).to_be_visible()


def test_the_selected_layer_stands_out(small):
    page, _ = small
    open_layer(page, "C3")
    page.get_by_test_id("tab:network").click()
    expect(page.get_by_test_id("card:C3")).to_have_class(re.compile("card-chosen"))
