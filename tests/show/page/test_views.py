"""A layer and a pixel in a browser: what lights up is what the law says, what is pinned stays, what walks, walks."""

import re
from decimal import Decimal

import pytest
from page_views import channels_last, fed_by, lit, open_layer, padded, page_of, point, read_by, signal, volume
from playwright.sync_api import expect


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("views")
    return {make.__name__: page_of(make(), folder) for make in (padded, signal, volume, channels_last)}


@pytest.fixture
def opened(watched, pages):
    """Opens a page at a layer; in the end nothing has gone wrong and nothing was asked for outside."""
    asked = []

    def open_page(name, layer):
        address = pages[name].as_uri()
        asked.append(address)
        watched.page.goto(address)
        open_layer(watched.page, layer)
        return watched.page

    yield open_page
    assert watched.errors == []
    assert watched.outside(*asked) == []


def test_hovering_an_output_lights_what_it_reads_in_every_input_map(opened):
    page, net = opened("padded", "conv"), padded()
    assert net.graph["conv"].shape == (1, 3, 5, 6)
    for row, column in ((0, 0), (2, 3), (4, 5)):
        page.mouse.move(*point(page, "stack:out", row, column, 5, 6))
        read = {cell[1:] for cell in read_by(net, "conv", (0, 0, row, column))}
        assert lit(page, "stack:in:0") == {"read": read}
        assert {cell[0] for cell in read} == {0, 1}
        assert lit(page, "stack:out") == {"at": {(0, row, column)}}
    assert any(row < 0 for _, row, _ in {cell[1:] for cell in read_by(net, "conv", (0, 0, 0, 0))})


def test_hovering_an_input_lights_all_it_feeds(opened):
    page, net = opened("padded", "conv"), padded()
    for row, column in ((0, 0), (4, 5), (8, 10)):
        page.mouse.move(*point(page, "stack:in:0", row, column, 9, 11, ring_of(page)))
        assert lit(page, "stack:out")["fed"] == {cell[1:] for cell in fed_by(net, "conv", (0, 0, row, column))}
        assert lit(page, "stack:in:0") == {"at": {(0, row, column)}}
    page.mouse.move(2, 2)
    assert "fed" not in lit(page, "stack:out")


def ring_of(page):
    """The padding as the equation's slides tell it."""
    sized = padded().graph["conv"].sized
    (top, bottom), (left, right) = (sized.slides[0, place].padding for place in (2, 3))
    return max(top, 0), max(bottom, 0), max(left, 0), max(right, 0)


def test_a_click_pins_and_escape_lets_go(opened):
    page = opened("padded", "conv")
    page.mouse.click(*point(page, "stack:out", 1, 1, 5, 6))
    page.mouse.move(*point(page, "stack:out", 3, 3, 5, 6))
    assert lit(page, "stack:out") == {"at": {(0, 1, 1)}}
    page.keyboard.press("Escape")
    page.mouse.move(*point(page, "stack:out", 3, 2, 5, 6))
    assert lit(page, "stack:out") == {"at": {(0, 3, 2)}}


def test_an_input_is_pinned_too(opened):
    page, net = opened("padded", "conv"), padded()
    page.mouse.click(*point(page, "stack:in:0", 4, 5, 9, 11, ring_of(page)))
    page.mouse.move(*point(page, "stack:out", 0, 0, 5, 6))
    assert lit(page, "stack:out") == {"fed": {cell[1:] for cell in fed_by(net, "conv", (0, 0, 4, 5))}}
    page.keyboard.press("Escape")
    assert "fed" not in lit(page, "stack:out")


def test_a_tap_pins(browser, pages):
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    context.add_init_script("try { localStorage.setItem('slidesum-tour', 'seen'); } catch {}")
    page = context.new_page()
    page.goto(pages["padded"].as_uri())
    open_layer(page, "conv")
    page.get_by_test_id("stack:out").scroll_into_view_if_needed()
    page.touchscreen.tap(*point(page, "stack:out", 2, 1, 5, 6))
    assert lit(page, "stack:out") == {"at": {(0, 2, 1)}}
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("document.querySelector('.panel-layer').scrollWidth <= document.querySelector('.panel-layer').clientWidth")
    context.close()


def test_walking_with_the_keys(opened):
    page = opened("padded", "conv")
    page.mouse.click(*point(page, "stack:out", 2, 2, 5, 6))
    steps = {
        "ArrowRight": (0, 2, 3),
        "ArrowDown": (0, 3, 3),
        "ArrowLeft": (0, 3, 2),
        "ArrowUp": (0, 2, 2),
        "m": (1, 2, 2),
        "M": (0, 2, 2),
    }
    for key, at in steps.items():
        page.keyboard.press(key)
        assert lit(page, "stack:out") == {"at": {at}}
    page.keyboard.press("M")
    assert page.get_by_test_id("stack:out").get_attribute("data-map") == "2"
    for key, name in (("PageDown", "relu"), ("]", "pool"), ("PageUp", "relu"), ("[", "conv")):
        page.keyboard.press(key)
        expect(page.get_by_test_id("layer")).to_have_attribute("data-layer", name)


WATCH = """() => {
  window.visited = [];
  const stack = document.querySelector('[data-testid="stack:out"]');
  const watch = new MutationObserver(() => window.visited.push(stack.dataset.lit));
  watch.observe(stack, { attributes: true, attributeFilter: ["data-lit"] });
}"""
PIXELS = """() => {
  const canvases = document.querySelectorAll('[data-testid="stack:out"] .board-base');
  return [...canvases].map((one) => one.toDataURL()).join();
}"""


def test_playing_visits_every_position_in_any_order_with_the_same_result(opened):
    page = opened("padded", "conv")
    rows = [f"at 0:{row},{column}" for row in range(5) for column in range(6)]
    painted = page.evaluate(PIXELS)
    page.mouse.move(*point(page, "stack:out", 4, 5, 5, 6))
    orders = []
    for is_shuffled in (False, True):
        if is_shuffled:
            page.get_by_test_id("shuffle").click()
        page.evaluate(WATCH)
        page.get_by_test_id("play").click()
        expect(page.get_by_test_id("walk")).to_contain_text("All positions", timeout=10_000)
        orders.append(list(dict.fromkeys(page.evaluate("window.visited"))))
    assert orders[0] == rows
    assert sorted(orders[1]) == sorted(rows)
    assert orders[1] != rows
    assert page.evaluate(PIXELS) == painted


def test_pausing_keeps_the_place(opened):
    page = opened("padded", "conv")
    page.get_by_test_id("play").click()
    page.get_by_test_id("play").click()
    text = page.get_by_test_id("walk").inner_text()
    number = int(re.search(r"position (\d+) of 30", text)[1])
    assert 1 <= number < 30
    assert lit(page, "stack:out")["at"] == {(0, *divmod(number - 1, 6))}
    page.keyboard.press("Escape")
    assert "position" not in page.get_by_test_id("walk").inner_text()


def test_the_terms_add_up_as_shown(opened):
    page = opened("padded", "conv")
    page.mouse.click(*point(page, "stack:out", 0, 1, 5, 6))
    pixel = page.locator('[data-testid="pixel"][data-explained="0,0,0,1"]')
    pixel.wait_for()
    assert pixel.get_by_test_id("term").count() == 15
    pixel.get_by_test_id("show-all-terms").click()
    terms = [told(one, "data-map", "data-product") for one in pixel.get_by_test_id("term").all()]
    partials = dict(told(one, "data-map", "data-sum") for one in pixel.get_by_test_id("partial").all())
    assert len(terms) == 30
    for name, partial in partials.items():
        assert sum(product for place, product in terms if place == name) == partial
    value = Decimal(pixel.get_by_test_id("value").inner_text())
    assert sum(partials.values()) + Decimal(pixel.get_by_test_id("bias").inner_text()) == value
    assert Decimal(pixel.get_by_test_id("sum").inner_text()) == sum(partials.values())
    assert abs(Decimal(pixel.get_by_test_id("computed").inner_text()) - value) < Decimal("1e-5")
    assert Decimal(pixel.get_by_test_id("after").inner_text()) == max(value, 0)
    assert pixel.locator(".in-border").count() > 0


def told(one, place, number):
    return one.get_attribute(place), Decimal(one.get_attribute(number))


def test_pooling_marks_the_winner(opened):
    page = opened("padded", "pool")
    pixel = page.get_by_test_id("pixel")
    expect(pixel.locator('[data-winner="yes"]')).to_have_count(1)
    products = [Decimal(one.get_attribute("data-product")) for one in pixel.get_by_test_id("term").all()]
    assert len(products) == 4
    assert Decimal(pixel.locator('[data-winner="yes"]').get_attribute("data-product")) == max(products)
    assert Decimal(pixel.get_by_test_id("value").inner_text()) == max(products)


def test_a_vector_is_cells_and_few_numbers_are_bars(opened):
    page = opened("padded", "softmax")
    page.mouse.move(*point(page, "stack:out", 2, 0, 6, 1))
    assert lit(page, "stack:out") == {"at": {(2, 0, 0)}}
    assert lit(page, "stack:in:0") == {"read": {(k, 0, 0) for k in range(6)}}
    expect(page.get_by_test_id("pixel")).to_have_attribute("data-explained", "0,2")
    page.keyboard.press("ArrowDown")
    assert lit(page, "stack:out") == {"at": {(3, 0, 0)}}
    page.keyboard.press("ArrowUp")
    assert page.get_by_test_id("pixel").get_by_test_id("term").count() == 6


def test_one_axis_is_a_curve(opened):
    page, net = opened("signal", "conv"), signal()
    page.mouse.move(*point(page, "stack:out", 0, 39, 1, 40))
    assert lit(page, "stack:in:0")["read"] == {(c, 0, i) for _, c, i in read_by(net, "conv", (0, 0, 39))}
    assert max(i for _, _, i in lit(page, "stack:in:0")["read"]) == 41


def test_a_volume_has_slices(opened):
    page, net = opened("volume", "conv"), volume()
    out = page.get_by_test_id("stack:out")
    expect(out.get_by_test_id("slice:2")).to_have_attribute("max", "3")
    out.get_by_test_id("slice:2").fill("0")
    page.mouse.move(*point(page, "stack:out", 1, 2, 6, 6))
    assert page.get_by_test_id("stack:in:0").get_by_test_id("slice:2").input_value() == "1"
    read = {(c, i, j) for _, c, d, i, j in read_by(net, "conv", (0, 0, 0, 1, 2)) if d == 1}
    assert lit(page, "stack:in:0") == {"read": read}
    expect(page.get_by_test_id("stack:in:0")).to_contain_text("lit: 0 to 2")
    page.keyboard.press(".")
    assert out.get_by_test_id("slice:2").input_value() == "1"
    assert page.get_by_test_id("stack:in:0").get_by_test_id("slice:2").input_value() == "2"


def test_channels_may_come_last(opened):
    page, net = opened("channels_last", "conv"), channels_last()
    page.mouse.move(*point(page, "stack:out", 0, 7, 8, 8))
    assert lit(page, "stack:out") == {"at": {(0, 0, 7)}}
    assert lit(page, "stack:in:0") == {"read": {(c, i, j) for _, i, j, c in read_by(net, "conv", (0, 0, 7, 0))}}
    expect(page.get_by_test_id("stack:out")).to_contain_text("4 maps of 8×8")


def test_filters_are_those_of_the_map_that_is_looked_at(opened):
    page = opened("padded", "conv")
    expect(page.get_by_test_id("filters")).to_contain_text("w[0, :, :, :] 2 parts of 5×3")
    page.mouse.click(*point(page, "stack:out", 2, 2, 5, 6))
    page.keyboard.press("m")
    expect(page.get_by_test_id("filters")).to_contain_text("w[1, :, :, :] 2 parts of 5×3")


def test_dark_and_light_paint_other_colours(opened):
    page = opened("padded", "conv")
    light = page.evaluate(PIXELS)
    page.emulate_media(color_scheme="dark")
    page.evaluate(f"() => {{ window.painted = {PIXELS}; }}")
    page.wait_for_function("light => window.painted() !== light", arg=light)
    ground = "() => getComputedStyle(document.querySelector('.slidesum')).backgroundColor"
    assert page.evaluate(ground) == "rgb(22, 24, 27)"
    page.evaluate("() => document.body.setAttribute('data-jp-theme-light', 'true')")  # as JupyterLab says it
    page.wait_for_function("light => window.painted() === light", arg=light)
    assert page.evaluate(ground) == "rgb(255, 255, 255)"


def test_where_not_all_numbers_travel_the_nearest_explained_value_is_offered(watched, googlenet_page):
    page = watched.page
    page.goto(googlenet_page.as_uri())
    open_layer(page, "conv2")
    pixel = page.get_by_test_id("pixel")
    expect(pixel.get_by_test_id("value")).to_be_visible()  # where it begins, it can explain
    page.mouse.click(*point(page, "stack:out", 55, 1, 56, 56))
    expect(pixel).to_contain_text("don't travel with the page")
    pixel.get_by_test_id("nearest").click()
    expect(pixel.get_by_test_id("value")).to_be_visible()
    watched.picture("googlenet-conv2")
    assert watched.errors == []
    assert watched.outside(googlenet_page.as_uri()) == []


def test_nothing_jumps_while_one_points_and_walks(opened):
    page = opened("padded", "conv")
    page.locator('[data-testid="pixel"][data-explained]').wait_for()
    page.evaluate(SHIFTS)
    for row, column in ((0, 0), (2, 3), (4, 5)):
        page.mouse.move(*point(page, "stack:out", row, column, 5, 6))
        page.locator(f'[data-testid="pixel"][data-explained="0,0,{row},{column}"]').wait_for()
    page.mouse.click(*point(page, "stack:out", 4, 5, 5, 6))
    for key, at in (("m", "0,1,4,5"), ("ArrowUp", "0,1,3,5")):
        page.keyboard.press(key)
        page.locator(f'[data-testid="pixel"][data-explained="{at}"]').wait_for()
    assert page.evaluate("() => window.shifts") == []


SHIFTS = """() => {
  window.shifts = [];
  const watch = new PerformanceObserver((list) => window.shifts.push(...list.getEntries().map((entry) => entry.value)));
  watch.observe({ type: "layout-shift" });
}"""
