"""A picture out of everything: SVG with text as text and maps embedded, and the same as PNG."""

import base64
import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

SVG = "{http://www.w3.org/2000/svg}"
SUBJECTS = {
    "network": [("overview", "lenet5-network", ["C3", "b c i+u j+v, o c u v"], 10)],
    "layer": [
        ("layer", "lenet5-C3-layer", ["C3", "16 maps of 10×10"], 6),
        ("stack:out", "lenet5-C3-stack-out", ["16 maps of 10×10"], 2),
        ("filters", "lenet5-C3-filters", ["w["], 1),
        ("pixel", "lenet5-C3-pixel", ["C3[b=0, o=0, i=", "sum over 3 maps", "+ bias"], 0),
    ],
    "types": [
        ("types", "lenet5-types", ["b c i+u j+v, o c u v -> b o i j", "k1·k2", "multiply-adds"], 0),
        ("lab:picture", "lenet5-lab-picture", ["weights: 16 grids of 5×5"], 0),
    ],
    "prediction": [("trace", "lenet5-trace", ["OUTPUT [0, ", "y[b,o] = sum of (x[b,f] - centre[o,f])²"], 1)],
}


def saved(page, kind, folder):
    with page.expect_download() as waiting:
        page.get_by_test_id(f"export-{kind}").click()
    path = folder / waiting.value.suggested_filename
    waiting.value.save_as(path)
    return path


def check_svg(path, words, images):
    text = path.read_text("utf-8")
    root = ET.fromstring(text)
    assert root.tag == f"{SVG}svg"
    letters = " ".join("".join(node.itertext()) for node in root.iter(f"{SVG}text"))
    for word in words:
        assert word in letters, word
    embedded = list(root.iter(f"{SVG}image"))
    assert len(embedded) >= images
    for image in embedded:
        head, data = image.attrib["href"].split(",", 1)
        assert head == "data:image/png;base64"
        Image.open(io.BytesIO(base64.b64decode(data))).verify()
    for foreign in ("http://", "https://", "oklch", "color-mix", "light-dark", "<script", "foreignObject", "var(--"):
        assert foreign not in text.replace("http://www.w3.org/2000/svg", "").replace("http://www.w3.org/XML", ""), foreign
    return float(root.attrib["width"]), float(root.attrib["height"])


@pytest.mark.parametrize("tab", SUBJECTS)
def test_everything_can_be_saved(watched, lenet_page, tmp_path, tab):
    page = watched.page
    page.emulate_media(reduced_motion="reduce")
    page.goto(lenet_page.as_uri())
    page.get_by_test_id("overview").wait_for()
    if tab != "network":
        page.get_by_test_id("tab:layer").click()
        page.get_by_test_id("layer").locator("select").select_option("C3")
        page.get_by_test_id(f"tab:{tab}").click()
    page.wait_for_timeout(600)
    for testid, name, words, images in SUBJECTS[tab]:
        page.get_by_test_id("export-what").select_option(testid)
        svg = saved(page, "svg", tmp_path)
        png = saved(page, "png", tmp_path)
        assert (svg.name, png.name) == (f"{name}.svg", f"{name}.png")
        width, height = check_svg(svg, words, images)
        with Image.open(png) as picture:
            assert picture.size == (round(2 * width), round(2 * height))
            colours = picture.convert("RGB").getcolors(1 << 24)
            assert len(colours) > 20  # something is drawn on the ground
    assert not watched.errors
    assert not watched.outside(lenet_page.as_uri())


def test_the_picture_looks_like_the_page(watched, lenet_page, tmp_path):
    """Pixel by pixel, of the part that has no controls: the drawn network, in the dark."""
    page = watched.page
    page.emulate_media(color_scheme="dark", reduced_motion="reduce")
    page.goto(lenet_page.as_uri())
    overview = page.get_by_test_id("overview")
    overview.wait_for()
    page.wait_for_timeout(800)
    with Image.open(saved(page, "png", tmp_path)) as picture:
        made = picture.convert("RGB").resize((picture.width // 2, picture.height // 2))
    seen = Image.open(io.BytesIO(overview.screenshot())).convert("RGB")
    made = made.crop((12, 12, 12 + seen.width, 12 + seen.height))

    apart = np.abs(np.asarray(made, dtype=float) - np.asarray(seen, dtype=float)).mean(axis=2)
    assert np.mean(apart > 40) < 0.02
