"""Another image, a drawing, another number: what somebody who computes answers, and what the page makes of it."""

import base64
import io

import numpy as np
import pytest
from PIL import Image

from slidesum.show.page.front import script, style
from slidesum.show.page.session import Session

HOME = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark"><title>asked</title>
<style>body {{ margin: 0 }} {style}</style><body><div id="home"></div><script type="module">
{script}
const listeners = [];
const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
const letters = (buffer) => btoa(Array.from(new Uint8Array(buffer), (byte) => String.fromCharCode(byte)).join(""));
const document_ = await window.askPython({{ ask: "document" }}, []);
const model = {{
  get: (name) => (name === "document" ? document_[0] : new DataView(new ArrayBuffer(0))),
  on: (event, listener) => event === "msg:custom" && listeners.push(listener), off() {{}},
  async send(content, callbacks, buffers = []) {{
    const [told, sent] = await window.askPython(content, buffers.map(letters));
    for (const listener of listeners) listener(told, sent.map((one) => new DataView(bytes(one).buffer)));
  }},
}};
render({{ model, el: document.querySelector("#home") }});
</script>"""


class Desk:
    """A page whose asks a real session answers; it remembers them."""

    def __init__(self, page, net, image, folder, *, editable=True):
        self.page, self.asked = page, []
        self.session = Session(net.graph, net.values, image)
        self.editable = editable
        page.expose_function("askPython", self.answer)
        home = folder / "home.html"
        home.write_text(HOME.format(style=style(), script=script().replace("export default { render };", "")), "utf-8")
        page.goto(home.as_uri())
        page.get_by_test_id("tab:prediction").click()
        page.get_by_test_id("edit").wait_for()

    def answer(self, content, buffers):
        if content["ask"] == "document":
            return [self.session.document(editable=self.editable), []]
        self.asked.append(content["ask"])
        told, sent = self.session.answer(content, [base64.b64decode(one) for one in buffers])
        return [told, [base64.b64encode(one).decode() for one in sent]]

    def best(self):
        return self.session.document()["prediction"]["best"]

    def told(self, testid):
        return self.page.get_by_test_id(testid).text_content()

    def change(self, array, at, value):
        self.page.get_by_test_id("number:array").select_option(array)
        self.page.get_by_test_id("number:at").fill(at)
        self.page.get_by_test_id("number:value").fill(str(value))
        self.page.get_by_test_id("number:change").click()


@pytest.fixture
def desk(watched, lenet, digit, tmp_path):
    made = Desk(watched.page, lenet, digit, tmp_path)
    yield made
    assert not watched.errors


def said(page, text):
    """Waits until the page says so, or begins to."""
    page.wait_for_function(
        "(text) => document.querySelector('[data-testid=\"edit:status\"]').textContent.startsWith(text)", arg=text
    )


def wait_until_idle(page):
    page.wait_for_function("() => !document.querySelector('[data-testid=edit]').hasAttribute('aria-busy')")


def test_a_page_that_cannot_be_edited_says_how_to_get_one(watched, lenet_page):
    watched.page.goto(lenet_page.as_uri())
    watched.page.get_by_test_id("tab:prediction").click()
    assert watched.page.get_by_test_id("edit:how").text_content() == (
        "This page carries its numbers, and nothing that would compute others. To try another image, draw, or change a pixel or a "
        "weight, start it with: slidesum page MODEL IMAGE --serve"
    )
    assert watched.page.get_by_test_id("draw").count() == 0


def test_a_drawing_becomes_the_input(desk):
    page = desk.page
    before = desk.best()
    paper = page.get_by_test_id("draw")
    paper.scroll_into_view_if_needed()
    box = paper.bounding_box()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.8, steps=8)
    page.mouse.up()
    said(page, "Your drawing: done.")
    assert desk.asked.count("pixels") == 1
    image = np.asarray(desk.session.maps["input"])[0, 0]
    assert image.shape == (32, 32)
    assert image.min() == pytest.approx(-0.1)  # paper and ink as the first image had them
    assert image.max() == pytest.approx(1.175, abs=0.01)
    rows, columns = np.nonzero(image > 0.9)
    assert rows.min() in range(4, 9)
    assert rows.max() in range(23, 29)
    assert columns.min() >= 13
    assert columns.max() <= 18
    after = desk.best()
    expected = f"The prediction is still {after}." if after == before else f"The prediction was {before} and is now {after}."
    assert desk.told("edit:headline") == expected
    assert page.get_by_test_id(f"class:{after}").text_content().endswith("predicted")
    page.get_by_test_id("draw-eraser").click()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] * 0.5)
    page.mouse.down()
    page.mouse.up()
    wait_until_idle(page)
    assert np.asarray(desk.session.maps["input"])[0, 0, 16, 16] < 0.2
    page.get_by_test_id("draw-clear").click()
    wait_until_idle(page)
    assert np.ptp(np.asarray(desk.session.maps["input"])) == pytest.approx(0, abs=1e-6)


def test_the_pen_obeys_the_keyboard(desk):
    paper = desk.page.get_by_test_id("draw")
    paper.focus()
    for key in ("ArrowUp", "ArrowUp", "ArrowLeft", "Space"):
        paper.press(key)
    said(desk.page, "Your drawing: done.")
    image = np.asarray(desk.session.maps["input"])[0, 0]
    assert tuple(np.argwhere(image > 1.1).mean(axis=0).round().astype(int)) == (14, 15)


def test_an_image_file_is_looked_at(desk, tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 60), dtype=np.uint8)).save(path)
    desk.page.get_by_test_id("file").set_input_files(path)
    said(desk.page, "Another image: ")
    wait_until_idle(desk.page)
    assert desk.asked.count("image") == 1
    assert desk.session.revision == 1


def dropped(page, kind, data, name):
    """A file that falls on the page, or is pasted into it."""
    page.evaluate(
        """([kind, data, name]) => {
          const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
          const transfer = new DataTransfer();
          transfer.items.add(new File([bytes], name, { type: "image/png" }));
          const target = document.querySelector('[data-testid="drop"]');
          target.focus();
          target.dispatchEvent(kind === "drop"
            ? new DragEvent("drop", { dataTransfer: transfer, bubbles: true, cancelable: true })
            : new ClipboardEvent("paste", { clipboardData: transfer, bubbles: true, cancelable: true }));
        }""",
        [kind, base64.b64encode(data).decode(), name],
    )


@pytest.mark.parametrize("kind", ["drop", "paste"])
def test_images_that_are_dropped_or_pasted(desk, kind):
    data = io.BytesIO()
    Image.fromarray(np.full((32, 32), 200, dtype=np.uint8)).save(data, "PNG")
    dropped(desk.page, kind, data.getvalue(), "grey.png")
    said(desk.page, "Another image: ")
    wait_until_idle(desk.page)
    assert desk.session.revision == 1
    dropped(desk.page, kind, b"no image at all", "text.png")
    failure = desk.page.get_by_test_id("edit:failure")
    failure.wait_for()
    told = desk.session.answer({"ask": "image"}, [b"no image at all"])[0]["error"]
    assert failure.text_content() == "".join(filter(None, (told["headline"], told["usual"], told["advice"])))
    assert desk.session.revision == 1


def test_one_number_is_changed_and_reset(desk, lenet):
    page = desk.page
    page.get_by_test_id("tab:layer").click()
    page.get_by_test_id("layer").locator("select").select_option("C1")
    page.get_by_test_id("tab:prediction").click()
    before = desk.session.document()["prediction"]["top"]
    desk.change("C1.bias", "2", 9)
    said(page, "C1.bias[2] = 9: done.")
    assert float(desk.session.values["C1.bias"][2]) == 9
    desk.change("C1.w", "0, 0, 1, 2", -0.5)
    said(page, "C1.w[0, 0, 1, 2] = -0.5: done.")
    assert float(desk.session.values["C1.w"][0, 0, 1, 2]) == -0.5
    desk.change("input", "0, 0, 3, 4", 0.25)
    said(page, "input[0, 0, 3, 4] = 0.25: done.")
    assert float(desk.session.maps["input"][0, 0, 3, 4]) == 0.25
    assert desk.session.document()["prediction"]["top"] != before
    page.get_by_test_id("reset").click()
    said(page, "Reset: done.")
    assert desk.session.document()["prediction"]["top"] == before
    np.testing.assert_array_equal(desk.session.values["C1.w"], np.asarray(lenet.values["C1.w"], dtype=np.float32))


def test_what_cannot_be_changed_is_told(desk):
    desk.change("input", "0, 0, 99, 4", 1)
    failure = desk.page.get_by_test_id("edit:failure")
    failure.wait_for()
    assert failure.text_content() == (
        "input has no number at (0, 0, 99, 4)Its shape is (1, 1, 32, 32), counted from 0.Give coordinates inside it."
    )
    assert desk.session.revision == 0


def test_pictures_of_editing(watched, lenet, digit, tmp_path):
    made = Desk(watched.page, lenet, digit, tmp_path)
    made.change("input", "0, 0, 12, 12", 5)
    made.page.get_by_test_id("edit:headline").wait_for()
    for scheme, width in (("light", 1280), ("dark", 1280), ("light", 390)):
        watched.page.set_viewport_size({"width": width, "height": 800})
        watched.page.emulate_media(color_scheme=scheme)
        watched.page.get_by_test_id("edit:change").scroll_into_view_if_needed()
        watched.page.wait_for_timeout(200)
        watched.picture(f"edit-{scheme}-{width}")
