"""The tour: six steps for the newcomer, who may leave at any time and use the page meanwhile."""

import numpy as np
import pytest

import slidesum as ss
from slidesum.show.page.html import write_page
from slidesum.show.page.session import Session

TITLES = [
    "How many maps come out?",
    "The answer is in the equation",
    "Is a filter shared?",
    "Where the sums go",
    "And the activation?",
    "Other layers can be built",
]
POINTS = ["card:C3", "stack:out", "filters", "pixel", "after", "type:type 1"]
TEXTS = [
    "lenet5 is drawn as it computes: every card is a layer with its feature maps. C3 reads k1 = 6 maps through 5×5 windows with "
    "k2 = 16 filters. Do 16 maps come out, or 6·16 = 96?",
    "16 maps come out, one a filter: a filter spans the maps that its table names, and what it makes of them is added. In the "
    "equation, what stands on x and not on y is summed.",
    "Not over maps: there is a grid of 5×5 for every pair of an input map and a filter that reads it, 1,500 weights in all. Over "
    "the places of a map they are shared: the same grid slides everywhere.",
    "One value of the result, down to the last product: patch times filter, one partial sum for each input map, then the sum of "
    "these, then the bias. The numbers add up exactly as they are shown.",
    "The tanh stands right behind the sum. First all maps are added, and then it is applied, once a value; it never sees a single "
    "map's part.",
    "Type 1 runs every filter over every map and gives k1·k2 maps; type 2.1 shares one flat filter. Switch between them here and "
    "move the sliders. Then follow a class back to its pixels under “Prediction”, or look at any number under “Layer”.",
]

POINTED = """(testid) => {
  const ring = document.querySelector(".tour-ring"), target = document.querySelector(`[data-testid="${testid}"]`);
  if (!target || ring.hidden) return false;
  const a = ring.getBoundingClientRect(), b = target.getBoundingClientRect();
  const seen = { left: Math.max(b.left, 4), top: Math.max(b.top, 4) };
  seen.right = Math.min(b.right, innerWidth - 4);
  seen.bottom = Math.min(b.bottom, innerHeight - 4);
  return ["left", "top", "right", "bottom"].every((side) => Math.abs(a[side] - seen[side]) < 8);
}"""


@pytest.fixture
def newcomer(browser, lenet_page):
    """A browser that has never seen the page."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce")
    page = context.new_page()
    errors = []
    page.on("console", lambda message: errors.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(lenet_page.as_uri())
    page.get_by_test_id("overview").wait_for()
    yield page
    assert not errors
    context.close()


def step(page):
    return page.get_by_test_id("tour").get_attribute("data-step")


def test_the_tour_opens_for_newcomers_and_runs_through(newcomer):
    tour = newcomer.get_by_test_id("tour")
    tour.wait_for()
    for number, (title, text, points) in enumerate(zip(TITLES, TEXTS, POINTS, strict=True), start=1):
        assert step(newcomer) == str(number)
        assert (newcomer.locator("#tour-title").text_content(), newcomer.locator("#tour-text").text_content()) == (title, text)
        newcomer.wait_for_function(POINTED, arg=points)
        newcomer.get_by_test_id("tour-next").click()
    assert tour.is_hidden()
    assert newcomer.evaluate("() => localStorage.getItem('slidesum-tour')") == "seen"
    newcomer.reload()
    newcomer.get_by_test_id("overview").wait_for()
    newcomer.wait_for_timeout(300)
    assert newcomer.get_by_test_id("tour").is_hidden()
    newcomer.get_by_test_id("tour-start").click()  # but it can be had again
    assert step(newcomer) == "1"


def test_the_tour_can_be_skipped_and_walked_by_keys(newcomer):
    newcomer.get_by_test_id("tour-skip").click()
    assert newcomer.get_by_test_id("tour").is_hidden()
    newcomer.get_by_test_id("tour-start").click()
    assert newcomer.evaluate("() => document.activeElement.id") == "tour-title"
    for key, number in (("ArrowRight", "2"), ("ArrowRight", "3"), ("ArrowLeft", "2"), ("ArrowLeft", "1"), ("ArrowLeft", "1")):
        newcomer.keyboard.press(key)
        assert step(newcomer) == number
    newcomer.keyboard.press("Escape")
    assert newcomer.get_by_test_id("tour").is_hidden()
    assert newcomer.evaluate("() => document.activeElement.dataset.testid") == "tour-start"


MOVED = """(top) => {
  const target = document.querySelector("[data-testid='stack:out']");
  target.style.translate = "";
  target.style.translate = `0 ${top - target.getBoundingClientRect().top}px`;
}"""


def test_a_press_is_never_lost_to_a_note_that_moves(newcomer):
    above = "() => document.querySelector('.tour').classList.contains('tour-above')"
    newcomer.get_by_test_id("tour-next").click()
    newcomer.wait_for_function(POINTED, arg="stack:out")
    newcomer.evaluate(MOVED, 20)
    newcomer.wait_for_function(f"() => !({above})()")
    box = newcomer.get_by_test_id("tour-next").bounding_box()
    newcomer.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    newcomer.mouse.down()
    newcomer.evaluate(MOVED, 700)
    newcomer.wait_for_timeout(100)
    assert not newcomer.evaluate(above)
    newcomer.mouse.up()
    assert step(newcomer) == "3"


def test_the_note_moves_out_of_the_way(newcomer):
    newcomer.get_by_test_id("tour-next").click()
    newcomer.wait_for_function(POINTED, arg="stack:out")
    for top, is_above in ((20, False), (700, True)):
        newcomer.evaluate(MOVED, top)
        newcomer.wait_for_function("(is) => document.querySelector('.tour').classList.contains('tour-above') === is", arg=is_above)


def test_the_tour_is_a_labelled_dialog_that_blocks_nothing(newcomer):
    tour = newcomer.get_by_role("dialog", name=TITLES[0])
    assert tour.get_attribute("aria-modal") == "false"
    assert newcomer.locator(f"#{tour.get_attribute('aria-describedby')}").text_content() == TEXTS[0]
    newcomer.get_by_test_id("tab:types").click()
    newcomer.get_by_test_id("type:depthwise").click()
    assert newcomer.get_by_test_id("type:depthwise").get_attribute("aria-pressed") == "true"
    assert tour.is_visible()


def test_a_page_that_remembers_nothing_still_has_its_tour(browser, lenet_page):
    context = browser.new_context()
    context.add_init_script("Object.defineProperty(window, 'localStorage', { get() { throw new Error('no'); } })")
    page = context.new_page()
    page.goto(lenet_page.as_uri())
    page.get_by_test_id("tour-skip").click()
    assert page.get_by_test_id("tour").is_hidden()
    context.close()


def one_dimensional():
    net = ss.Network("signal")
    x = net.input("b c i", b=1, c=1, i=24)
    x = net.conv(x, "b c i+u, o c u -> b o i", o=3, u=5, name="first")
    net.pool(x, "b c 2*i+u -> b c i", "max", u=2, name="pool")
    return net


def no_weights():
    net = ss.Network("pooled")
    x = net.input("b c i j", b=1, c=2, i=8, j=8)
    net.pool(x, "b c 2*i+u 2*j+v -> b c i j", "max", u=2, v=2, name="pool")
    return net


def depthwise():
    net = ss.Network("apart")
    x = net.input("b c i j", b=1, c=3, i=8, j=8)
    x = net.conv(x, "b c i+u j+v, c u v -> b c i j", u=3, v=3, name="depth")
    net.activation(x, "relu", name="relu")
    return net


@pytest.mark.parametrize(
    ("made", "words"),
    [
        (
            one_dimensional,
            ["We look at first", "3 maps come out, one a filter", "a grid of 5", "One value", "No activation stands behind first"],
        ),
        (no_weights, ["We look at pool", "2 maps come out", "no weights", "One value", "No activation stands behind pool"]),
        (
            depthwise,
            ["depth reads k1 = 3", "no maps are mixed", "Not over maps", "One value", "The ReLU stands right behind the sum"],
        ),
    ],
)
def test_the_tour_of_any_network(watched, tmp_path, made, words):
    net = made()
    image = np.random.default_rng(0).normal(size=net.graph.inputs[0].shape)
    write_page(tmp_path / "net.html", Session(net.graph, None, image))
    page = watched.page
    page.emulate_media(reduced_motion="reduce")
    page.goto((tmp_path / "net.html").as_uri())
    page.get_by_test_id("tour-start").click()
    for text in words:
        assert text in page.locator("#tour-text").text_content()
        page.get_by_test_id("tour-next").click()
    page.wait_for_function(POINTED, arg="type:type 1")
    page.get_by_test_id("tour-next").click()
    assert page.get_by_test_id("tour").is_hidden()
    assert not watched.errors


def test_pictures_of_the_tour(watched, lenet_page):
    page = watched.page
    page.emulate_media(reduced_motion="reduce")
    page.goto(lenet_page.as_uri())
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390)):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme=scheme)
        page.get_by_test_id("tour-start").click()
        for number in range(1, 7):
            page.wait_for_timeout(200)
            watched.picture(f"tour-{number}-{scheme}-{width}")
            page.get_by_test_id("tour-next").click()
