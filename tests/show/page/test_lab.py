"""The lab: what it counts and draws is what Python reads off the same equation."""

import random

import pytest

import slidesum as ss
from slidesum.errors import SizeError
from slidesum.laws.explain import readings
from slidesum.show.page.document import TYPES

EXTENT = 9
RANGES = {
    "k1": (1, 6),
    "k2": (1, 6),
    "kernel": (1, 7),
    "stride": (1, 4),
    "padding": (0, 3),
    "dilation": (1, 3),
    "groups": (1, 6),
    "depth": (1, 6),
}
COUNTS = ("maps", "weights", "macs", "reads")

SET = """(settings) => {
  for (const [name, value] of Object.entries(settings)) {
    const slider = document.querySelector(`[data-testid="slider:${name}"]`);
    slider.value = value;
    slider.dispatchEvent(new Event("input", { bubbles: true }));
  }
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
TELL = """() => ({
  problem: document.querySelector('[data-testid="lab:problem"]').textContent,
  pattern: document.querySelector('[data-testid="lab:pattern"]').textContent,
  counts: Object.fromEntries(["maps", "weights", "macs", "reads"].map((key) => {
    const found = document.querySelector(`[data-testid="lab:${key}"]`);
    const formula = found.querySelector(".lab-formula")?.textContent.replace("=", "").trim();
    return [key, [found.dataset.value, found.querySelector("strong").textContent, formula ?? null]];
  })),
  grids: document.querySelectorAll('[data-testid="lab:picture"] > g [data-testid="lab:grid"]').length,
  outputs: document.querySelectorAll('[data-testid="lab:picture"] > g [data-testid="lab:out"]').length,
  lit: [...document.querySelectorAll('[data-testid="lab:picture"] > g:not(.lab-leaving) .lab-lit')].map((one) => one.dataset.cell),
})"""


@pytest.fixture
def lab(watched, lenet_page):
    watched.page.emulate_media(reduced_motion="reduce")
    watched.page.goto(lenet_page.as_uri())
    watched.page.get_by_test_id("tab:types").click()
    watched.page.get_by_test_id("lab:picture").wait_for()
    yield watched.page
    assert not watched.errors
    assert not watched.outside(lenet_page.as_uri())


def sizes(name, s):
    """The extents that no shape of x tells."""
    square = {"u": s["kernel"], "v": s["kernel"]}
    return {
        "type 1": {"o": s["k2"], **square},
        "type 2.1": {"o": s["k2"], **square},
        "type 2.2": {"o": s["k2"], **square},
        "depthwise": square,
        "grouped": {"g": s["groups"], "o": s["k2"] // s["groups"], **square},
        "1×1": {"o": s["k2"]},
        "3-D": {"o": s["k2"], "t": s["depth"], **square},
    }[name]


def value_of(formula, s):
    """A formula with the numbers of the sliders in it."""
    assert set(formula) <= set("0123456789k,·/()− g"), formula
    text = formula.replace(",", "").replace("·", "*").replace("−", "-").replace("k1", str(s["k1"])).replace("k2", str(s["k2"]))
    return eval(text.replace("g", str(s["groups"])))


@pytest.mark.parametrize("name", TYPES)
def test_the_lab_counts_what_python_counts(lab, name):
    draw = random.Random(name)
    lab.get_by_test_id(f"type:{name}").click()
    made = 0
    for _ in range(14):
        settings = {key: draw.randint(*span) for key, span in RANGES.items()}
        if draw.random() < 0.6:  # most random settings don't fit each other
            settings |= {"kernel": draw.randint(1, 4), "dilation": draw.randint(1, 2), "depth": draw.randint(1, settings["k1"])}
            settings["groups"] = draw.choice([g for g in (1, 2, 3) if settings["k1"] % g == 0 and settings["k2"] % g == 0])
        lab.evaluate(SET, settings)
        told = lab.evaluate(TELL)
        uneven = name == "grouped" and (settings["k1"] % settings["groups"] or settings["k2"] % settings["groups"])
        try:
            sized = ss.equation(told["pattern"]).sized(x=(1, settings["k1"], EXTENT, EXTENT), **sizes(name, settings))
        except SizeError:
            sized = None
        if uneven or sized is None:
            assert told["problem"].endswith("."), settings
            assert [value for value, _, _ in told["counts"].values()] == [""] * 4
            continue
        made += 1
        expected = dict(zip(COUNTS, (sized.shape[1], sized.weights, sized.macs, sized.inputs_per_output), strict=True))
        assert told["problem"] == ""
        assert {key: int(value) for key, (value, _, _) in told["counts"].items()} == expected, (told["pattern"], settings)
        for number, formula in ((number, formula) for _, number, formula in told["counts"].values() if formula):
            assert value_of(formula, settings) == int(number.replace(",", "")), formula
        taps = settings["kernel"] ** 2 if name != "1×1" else 1
        assert told["grids"] * taps == sized.weights
        assert told["outputs"] == sized.shape[1]
    assert made >= 4


@pytest.mark.parametrize("name", TYPES)
def test_what_is_lit_is_what_one_value_reads(lab, name):
    settings = {"k1": 4, "k2": 2, "kernel": 3, "stride": 2, "padding": 1, "dilation": 1, "groups": 2, "depth": 2}
    lab.get_by_test_id(f"type:{name}").click()
    lab.evaluate(SET, settings)
    picture = lab.get_by_test_id("lab:picture")
    picture.focus()
    for key in ("PageUp",) * 8 + ("ArrowUp", "ArrowLeft") * 9 + ("PageDown", "ArrowDown", "ArrowRight", "ArrowRight"):
        picture.press(key)
    told = lab.evaluate(TELL)
    sized = ss.equation(told["pattern"]).sized(x=(1, 4, EXTENT, EXTENT), **sizes(name, settings))
    cells = [reading.cells[0] for reading in readings(sized.tree, (0, 1, 1, 2))]
    assert sorted(told["lit"]) == sorted(",".join(map(str, cell[1:])) for cell in cells)
    assert picture.get_attribute("aria-label").startswith(
        f"{told['pattern']}. Map 2, row 2, column 3 reads {len(set(cells))} values of "
    )


def test_what_does_not_fit_is_told_in_a_sentence(lab):
    plain = {"k1": 4, "k2": 4, "kernel": 3, "stride": 1, "padding": 0, "dilation": 1, "groups": 2, "depth": 2}
    cases = [
        ("type 2.2", {"kernel": 7, "dilation": 3}, "The window spans 19 cells (7 values, 3 apart), and the padded input has 9. "
         "Choose a smaller kernel or dilation, or more padding."),
        ("grouped", {"groups": 3}, "3 groups don't divide 4 input maps: all groups have the same number. Choose a divisor of 4."),
        ("grouped", {"k2": 5}, "2 groups don't divide 5 filters: all groups have the same number. Choose a divisor of 5."),
        ("3-D", {"depth": 5}, "A filter spans 5 maps, and there are 4. Choose fewer maps a filter, or more input maps."),
    ]  # fmt: skip
    for name, changed, sentence in cases:
        lab.get_by_test_id(f"type:{name}").click()
        lab.evaluate(SET, plain | changed)
        assert lab.get_by_test_id("lab:problem").text_content() == sentence
        lab.evaluate(SET, plain)
        assert lab.get_by_test_id("lab:problem").text_content() == ""


def test_weights_that_maps_share_are_one_grid(lab):
    lab.evaluate(SET, {"k1": 3, "k2": 4, "groups": 1, "depth": 2, "kernel": 3})
    shared = {}
    for name in TYPES:
        lab.get_by_test_id(f"type:{name}").click()
        grids = lab.locator('[data-testid="lab:picture"] > g [data-testid="lab:grid"]')
        uses = grids.evaluate_all("nodes => nodes.map((n) => n.dataset.uses)")
        shared[name] = set(map(int, uses))
    assert shared == {"type 1": {3}, "type 2.1": {3}, "type 2.2": {1}, "depthwise": {1}, "grouped": {1}, "1×1": {1}, "3-D": {2}}


def test_switching_moves_unless_stillness_is_asked_for(watched, lenet_page):
    page = watched.page
    moving = "() => document.getAnimations().filter((one) => one.effect.target.closest('[data-testid=\"lab:picture\"]')).length"
    for wish, moves in (("no-preference", True), ("reduce", False)):
        page.emulate_media(reduced_motion=wish)
        page.goto(lenet_page.as_uri())
        page.get_by_test_id("tab:types").click()
        page.get_by_test_id("type:type 2.1").click()
        assert (page.evaluate(moving) > 4) is moves
        page.wait_for_function("() => !document.querySelector('.lab-leaving')")
        assert page.locator('[data-testid="lab:picture"] [data-testid="lab:grid"]').count() == 4
    for scheme, size in (("light", (1280, 800)), ("dark", (1280, 800)), ("light", (390, 844))):
        page.set_viewport_size({"width": size[0], "height": size[1]})
        page.emulate_media(color_scheme=scheme)
        watched.picture(f"lab-{scheme}-{size[0]}")
    assert not watched.errors
