"""Pictures and arrays as inputs; whatever else a file holds is refused in words."""

import io

import numpy as np
import pytest
from PIL import Image

from slidesum.errors import FileError, UsageError
from slidesum.read import image
from slidesum.read.image import read_image


def test_a_picture_of_the_right_size_is_taken_pixel_by_pixel(tmp_path):
    pixels = np.arange(12, dtype="uint8").reshape(3, 4)
    Image.fromarray(pixels).save(tmp_path / "grey.png")
    found, note = read_image(tmp_path / "grey.png", (1, 1, 3, 4))
    assert (found.shape, found.dtype, note) == ((1, 1, 3, 4), np.float32, "")
    assert np.array_equal(found[0, 0], pixels.astype("float32") / 255)


def test_colours_come_first(tmp_path):
    pixels = np.zeros((2, 2, 3), "uint8")
    pixels[..., 1] = 255
    Image.fromarray(pixels).save(tmp_path / "green.png")
    found, _ = read_image(tmp_path / "green.png", (1, 3, 2, 2))
    assert found.shape == (1, 3, 2, 2)
    assert (found[0, 1] == 1).all()
    assert not found[0, [0, 2]].any()


def test_a_larger_picture_is_scaled_and_it_is_said(tmp_path):
    Image.fromarray(np.full((10, 20), 51, "uint8")).save(tmp_path / "large.png")
    found, note = read_image(tmp_path / "large.png", (1, 1, 5, 5))
    assert note == "large.png: scaled from 20×10 to 5×5 pixels"
    assert np.allclose(found, 0.2)


def test_an_array_is_taken_as_it_is(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(6).reshape(2, 3))
    found, note = read_image(tmp_path / "a.npy", (1, 1, 8, 8))
    assert (found.shape, found.dtype, note) == ((2, 3), np.float32, "")


def refused(path, shape=(1, 1, 4, 4), kind=FileError):
    with pytest.raises(kind) as error:
        read_image(path, shape)
    return str(error.value)


def test_other_files_are_refused(tmp_path):
    missing, text, objects, broken = (tmp_path / name for name in ("missing.png", "text.png", "objects.npy", "broken.npy"))
    text.write_text("no picture")
    np.save(objects, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    broken.write_bytes(b"\x93NUMPY")
    assert refused(missing) == f"there is no file {missing}\n  Check the folder and the spelling of the name."
    assert refused(text) == f"{text} is no picture\n  Give a PNG or JPEG file, or an array as .npy."
    assert refused(objects) == f"{objects} is no NumPy array\n  Write it with numpy.save, without objects in it."
    assert refused(broken) == f"{broken} is no NumPy array\n  Write it with numpy.save, without objects in it."
    np.save(tmp_path / "words.npy", np.array(["a"]))
    assert refused(tmp_path / "words.npy") == f"{tmp_path / 'words.npy'} holds no numbers\n  Save an array of integers or floats."


def test_a_broken_picture_is_refused(tmp_path):
    Image.fromarray(np.zeros((64, 64), "uint8")).save(tmp_path / "whole.png")
    half = tmp_path / "half.png"
    half.write_bytes((tmp_path / "whole.png").read_bytes()[:60])
    assert refused(half) == f"{half} is a broken picture\n  Give a PNG or JPEG file, or an array as .npy."


def test_formats_that_another_program_decodes_are_refused(tmp_path):
    path = tmp_path / "a.eps"
    Image.fromarray(np.zeros((8, 8, 3), "uint8")).save(path)
    assert refused(path) == f"{path} is no picture\n  Give a PNG or JPEG file, or an array as .npy."


def test_bytes_are_decoded_like_a_file(tmp_path):
    Image.fromarray(np.full((2, 2), 255, "uint8")).save(tmp_path / "white.png")
    found, note = image.decoded_image((tmp_path / "white.png").read_bytes(), (1, 1, 1, 2))
    assert (found.tolist(), note) == ([[[[1.0, 1.0]]]], "the file: scaled from 2×2 to 2×1 pixels")


def test_a_picture_needs_an_input_of_pictures(tmp_path):
    assert refused(tmp_path / "any.png", (1, 2, 4, 4), UsageError) == (
        "a picture doesn't fit an input of the shape (1, 2, 4, 4)\n  Pictures have one or three channels and two axes of pixels.\n"
        "  Give the input as a .npy file."
    )


def test_too_many_pixels_are_refused_before_they_are_decoded(tmp_path, monkeypatch):
    monkeypatch.setattr(image, "LARGEST_PIXELS", 100)
    Image.fromarray(np.zeros((11, 10), "uint8")).save(tmp_path / "big.png")
    text = refused(tmp_path / "big.png")
    assert text == f"{tmp_path / 'big.png'} has 10×11 pixels\n  More than 100 are refused.\n  Scale it down."


@pytest.mark.parametrize("limit", [10, 80])  # twice the limit is an error to Pillow, less a warning
def test_decompression_bombs_are_refused(tmp_path, monkeypatch, limit):
    Image.fromarray(np.zeros((11, 10), "uint8")).save(tmp_path / "bomb.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    assert refused(tmp_path / "bomb.png") == f"{tmp_path / 'bomb.png'} unpacks to too many pixels\n  Scale it down."


def sent(data, shape=(1, 3, 4, 4)):
    with pytest.raises(FileError) as error:
        image.decoded_image(data, shape)
    return str(error.value)


def encoded(picture, format, **options):
    buffer = io.BytesIO()
    picture.save(buffer, format=format, **options)
    return buffer.getvalue()


def test_what_somebody_sent_is_decoded_only_if_browsers_show_it_too():
    picture = Image.fromarray(np.zeros((8, 8, 3), "uint8"))
    for format in ("PNG", "JPEG", "GIF", "BMP", "WEBP"):
        assert image.decoded_image(encoded(picture, format), (1, 3, 8, 8))[0].shape == (1, 3, 8, 8)
    nothing = "the file is no picture\n  Send one of PNG, JPEG, GIF, BMP, WEBP."
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'
    for data in (b"", b"no picture", svg, encoded(picture, "EPS"), encoded(picture, "TIFF")):
        assert sent(data) == nothing


def test_a_truncated_file_is_a_broken_picture():
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype="uint8"))
    for format in ("PNG", "JPEG", "BMP", "WEBP"):
        told = sent(encoded(noise, format)[:500])
        assert told == "the file is a broken picture\n  Send one of PNG, JPEG, GIF, BMP, WEBP."


def test_metadata_that_is_broken_is_no_matter(tmp_path):
    palette = Image.fromarray(np.zeros((4, 4, 3), "uint8")).convert("P")
    data = encoded(palette, "PNG", transparency=b"\x00\x10\x20")  # of which Pillow warns
    assert not image.decoded_image(data, (1, 3, 4, 4))[0].any()
