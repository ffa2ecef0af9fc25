"""The served page in a browser: what goes over the wire, and the page itself."""

import json

import numpy as np
import pytest
from PIL import Image
from serving import served

import slidesum as ss
from slidesum.show.page import front, serve
from slidesum.show.page.session import Session
from slidesum.train.data import data_for

PROBE = """
async function render({ model, el }) {
  window.model = model;
  window.heard = [];
  window.renewed = 0;
  model.on("msg:custom", (content, buffers) => window.heard.push([content, buffers]));
  model.on("change:document", () => (window.renewed += 1));
  window.ask = async (...asks) => {
    const first = window.heard.length;
    asks.forEach(([content, parts]) => model.send(content, undefined, parts));
    while (window.heard.length < first + asks.length) await new Promise((go) => setTimeout(go, 5));
    return window.heard.slice(first).map(([content]) => content);
  };
  el.textContent = `${model.get("document").name} is here`;
}
export default { render };
"""
"""A front end that only asks."""


def is_here(page):
    """Waited for by a text: the page's policy forbids the evaluation that waiting for a condition needs."""
    page.locator("#slidesum", has_text="lenet5 is here").wait_for()


@pytest.fixture(scope="module")
def net():
    found = ss.load("lenet5")
    found.initialise(3)
    return found


@pytest.fixture
def session(net):
    return Session(net.graph, net.values, np.zeros((32, 32)))


@pytest.fixture
def probed(session, watched, monkeypatch):
    """A tab with the probe in place of the page."""
    monkeypatch.setattr(serve, "script", lambda entry="page.js": PROBE if entry == "page.js" else front.script(entry))
    with served(session) as address:
        watched.page.goto(address)
        is_here(watched.page)
        yield watched.page
        assert (watched.errors, watched.outside(address.partition("?")[0])) == ([], [])


def test_the_token_leaves_the_address_and_the_page_can_be_loaded_again(probed):
    assert probed.locator("#slidesum").inner_text() == "lenet5 is here"
    base = probed.url
    assert base.endswith("/")
    assert "token" not in base


def test_a_page_that_is_loaded_again_is_there_again(session, watched, monkeypatch):
    monkeypatch.setattr(serve, "script", lambda entry="page.js": PROBE if entry == "page.js" else front.script(entry))
    with served(session) as address:
        page, base = watched.page, address.partition("?")[0]
        page.goto(address)
        is_here(page)
        page.evaluate("window.before = true")
        page.reload()
        is_here(page)
        assert page.evaluate("window.before") is None
        assert page.url == base
        other = page.context.new_page()  # another tab knows nothing
        assert other.goto(base).status == 403
        assert other.locator("p").inner_text() == "this page opens with its token only\nOpen the address that the command printed."
        assert other.goto(f"{base}?token=wrong").status == 403
        page.goto(f"{base}?token=wrong")  # a server that was started again has another token: the old one is forgotten
        assert page.evaluate("sessionStorage.length") == 0


def test_maps_come_as_bytes_and_numbers_go_as_bytes(probed, session):
    told = probed.evaluate(
        """async () => {
          const [content] = await ask([{ id: 1, ask: "maps", layer: "C1" }]);
          const part = window.heard.at(-1)[1][0];
          return [content, part instanceof DataView, [...new Int8Array(part.buffer, part.byteOffset, part.byteLength)]];
        }"""
    )
    found, (data,) = session.answer({"id": 1, "ask": "maps", "layer": "C1"})
    assert told == [json.loads(json.dumps(found)), True, np.frombuffer(data, np.int8).tolist()]
    drawn = np.random.default_rng(0).uniform(size=1024).astype("float32")
    (answer,) = probed.evaluate("(values) => ask([{ id: 2, ask: 'pixels', values }])", drawn.astype(float).tolist())
    assert answer["revision"] == 1
    assert np.array_equal(session.maps["input"].ravel(), drawn)


def test_a_picture_that_is_none_and_one_that_is_too_large_are_told(probed):
    told = probed.evaluate(
        """() => ask(
          [{ id: 3, ask: "image" }, [new TextEncoder().encode("no picture")]],
          [{ id: 4, ask: "image" }, [new ArrayBuffer(2e7 + 1)]],
        )"""
    )
    assert [(one["id"], one["error"]["headline"]) for one in told] == [
        (3, "the file is no picture"),
        (4, "what was sent is too large"),
    ]


def test_changes_are_made_in_their_order_and_what_is_asked_behind_them_sees_them(probed, session):
    told = probed.evaluate(
        """() => ask(
          ...Array.from({ length: 30 }, (_, k) => [{ id: k, ask: "edit", array: "C1.bias", at: [0], value: k }]),
          [{ id: 99, ask: "explain", layer: "C1", at: [0, 0, 9, 9] }],
        )"""
    )
    assert [one["id"] for one in told] == [*range(30), 99]
    assert [one["revision"] for one in told] == [*range(1, 31), 30]
    assert told[-1]["explanation"]["bias"] == 29
    assert session.values["C1.bias"][0] == 29
    assert probed.evaluate("window.renewed") == 0


def test_a_tab_learns_that_another_one_has_changed_the_network(probed, session):
    session.answer({"ask": "edit", "array": "C1.bias", "at": [0], "value": 5})
    probed.evaluate("() => ask([{ id: 1, ask: 'maps', layer: 'C1' }])")
    probed.evaluate("async () => { while (window.renewed < 1) await new Promise((go) => setTimeout(go, 5)); }")
    assert probed.evaluate("window.model.get('document').revision") == 1
    probed.evaluate("() => ask([{ id: 2, ask: 'maps', layer: 'C1' }])")
    assert probed.evaluate("window.renewed") == 1


def test_a_server_that_was_stopped_is_told(session, watched, monkeypatch):
    monkeypatch.setattr(serve, "script", lambda entry="page.js": PROBE if entry == "page.js" else front.script(entry))
    with served(session) as address:
        watched.page.goto(address)
        is_here(watched.page)
    (told,) = watched.page.evaluate("() => ask([{ id: 1, ask: 'reset' }])")
    assert told == {
        "id": 1,
        "error": {
            "headline": "the server doesn't answer",
            "usual": "It was stopped.",
            "advice": "Start it again, and open its address.",
        },
    }


# The page itself


@pytest.fixture
def opened(lenet, digit, watched):
    session = Session(lenet.graph, lenet.values, digit)
    with served(session) as address:
        watched.page.set_default_timeout(10_000)
        watched.page.goto(address)
        watched.page.get_by_test_id("prediction").wait_for()
        yield watched, session, address


def predicted(page):
    """Waits until nothing is being computed, then what the page says."""
    page.locator("[data-testid=edit]:not([aria-busy])").wait_for()
    return page.get_by_test_id("prediction").locator("strong").inner_text()


def best(net, image, **changed):
    """What the network itself predicts."""
    values = {name: array.copy() for name, array in net.values.items()}
    for name, array in changed.items():
        values[name.replace("__", ".")] = array
    return str(int(ss.Network.of(net.graph, values).run(image)["OUTPUT"][0].argmin()))


def test_the_served_page_comes_up_and_what_is_changed_changes_the_prediction(opened, lenet, digit, tmp_path):
    watched, session, address = opened
    page = watched.page
    page.get_by_test_id("overview").wait_for()
    page.get_by_test_id("tab:prediction").click()
    assert predicted(page) == best(lenet, digit[None])
    images, labels = data_for(lenet.graph, "digits").test_images, data_for(lenet.graph, "digits").test_labels
    other = images[int(np.flatnonzero(labels != int(best(lenet, digit[None])))[0])]

    pixels = np.round((other[0] - other.min()) / (other.max() - other.min()) * 255).astype("uint8")
    Image.fromarray(pixels).save(tmp_path / "other.png")
    page.get_by_test_id("file").set_input_files(tmp_path / "other.png")
    page.get_by_test_id("edit:status").filter(has_text="Another image: done.").wait_for()
    assert predicted(page) == best(lenet, pixels[None, None].astype("float32") / 255) != best(lenet, digit[None])
    page.get_by_test_id("edit:status").scroll_into_view_if_needed()
    watched.picture("served-another-image")

    (tmp_path / "notes.png").write_text("no picture at all")
    page.get_by_test_id("file").set_input_files(tmp_path / "notes.png")
    page.get_by_test_id("edit:failure").filter(has_text="the file is no picture").wait_for()
    page.get_by_test_id("edit:failure").scroll_into_view_if_needed()
    watched.picture("served-no-picture")

    page.get_by_test_id("reset").click()
    page.get_by_test_id("edit:status").filter(has_text="Reset: done.").wait_for()
    assert predicted(page) == best(lenet, digit[None])

    page.get_by_test_id("number:at").fill("0, 0, 16, 16")
    page.get_by_test_id("number:at").press("Tab")
    page.get_by_test_id("number:now").filter(has_text=f"now {digit[0, 16, 16]:.5f}").wait_for()
    page.get_by_test_id("number:value").fill("-40")
    page.get_by_test_id("number:change").click()
    page.get_by_test_id("edit:status").filter(has_text="= -40: done.").wait_for()
    changed = digit[None].copy()
    changed[0, 0, 16, 16] = -40
    assert predicted(page) == best(lenet, changed)
    assert session.revision == 3
    assert (watched.errors, watched.outside(address.partition("?")[0])) == ([], [])


def test_a_weight_changed_on_the_served_page_changes_the_maps(opened, lenet, digit):
    watched, session, address = opened
    page = watched.page
    page.get_by_test_id("card:C1").locator(".card-open").click()
    page.get_by_test_id("tab:prediction").click()
    page.get_by_test_id("number:array").select_option("C1.bias")
    page.get_by_test_id("number:at").fill("2")
    page.get_by_test_id("number:value").fill("9")
    page.get_by_test_id("number:change").click()
    page.get_by_test_id("edit:status").filter(has_text="C1.bias[2] = 9: done.").wait_for()
    bias = lenet.values["C1.bias"].copy()
    bias[2] = 9
    assert predicted(page) == best(lenet, digit[None], C1__bias=bias)
    assert session.maps["C1"][0, 2].min() > 5
    page.get_by_test_id("edit:status").scroll_into_view_if_needed()
    watched.picture("served-another-weight")
    assert (watched.errors, watched.outside(address.partition("?")[0])) == ([], [])
