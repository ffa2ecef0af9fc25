"""A picture or an array from a file, as the input of a network."""

from __future__ import annotations

import struct
import warnings
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from slidesum.errors import FileError, UsageError
from slidesum.read.atomic import unreadable

LARGEST_PIXELS = 50_000_000
"""Pictures of more pixels are refused before they are decoded."""
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
"""What is decoded by Pillow itself: no format for which it starts another program."""
SENT_FORMATS = ("PNG", "JPEG", "GIF", "BMP", "WEBP")
"""What is decoded of bytes that somebody sent: what browsers show too."""


def read_image(path: str | Path, shape: Sequence[int]) -> tuple[np.ndarray[Any, Any], str]:
    """The picture scaled to a network's input (1, channels, height, width), values from 0 to 1, and a note on what was done to it.

    `.npy` files are taken as they are. One channel means grey, three mean red, green and blue. Raises FileError for what is no
    picture, is too large, or doesn't fit.
    """
    file = Path(path)
    if file.suffix == ".npy":
        return _array(file), ""
    return _picture(file, file.name, shape, FORMATS)


def decoded_image(data: bytes, shape: Sequence[int], name: str = "the file") -> tuple[np.ndarray[Any, Any], str]:
    """The same for the bytes of a picture file that was sent."""
    return _picture(BytesIO(data), name, shape, SENT_FORMATS)


def _array(file: Path) -> np.ndarray[Any, Any]:
    try:
        array = np.load(file, allow_pickle=False)
    except OSError as error:
        raise unreadable(file, error) from None
    except (ValueError, EOFError):
        raise FileError(f"{file} is no NumPy array", advice="Write it with numpy.save, without objects in it.") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "iuf":
        raise FileError(f"{file} holds no numbers", advice="Save an array of integers or floats.")
    return array.astype(np.float32, copy=False)


def _picture(file: Path | BytesIO, name: str, shape: Sequence[int], formats: tuple[str, ...]) -> tuple[np.ndarray[Any, Any], str]:
    if len(shape) != 4 or shape[1] not in (1, 3):
        raise UsageError(
            f"a picture doesn't fit an input of the shape {tuple(shape)}",
            usual="Pictures have one or three channels and two axes of pixels.",
            advice="Give the input as a .npy file.",
        )
    channels, height, width = shape[1:]
    try:
        from PIL import Image, UnidentifiedImageError
    except ModuleNotFoundError:
        raise UsageError("reading pictures needs Pillow", advice="Install it: pip install pillow.") from None
    bombs = (Image.DecompressionBombError, Image.DecompressionBombWarning)
    told = file if isinstance(file, Path) else name
    advice = "Give a PNG or JPEG file, or an array as .npy." if isinstance(file, Path) else f"Send one of {', '.join(formats)}."
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of broken metadata; the pixels are there, or they aren't
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(file, formats=formats) as picture:
                found = picture.size
                if found[0] * found[1] > LARGEST_PIXELS:
                    raise FileError(
                        f"{told} has {found[0]}×{found[1]} pixels",
                        usual=f"More than {LARGEST_PIXELS:,} are refused.",
                        advice="Scale it down.",
                    )
                pixels = picture.convert("L" if channels == 1 else "RGB")
                if found != (width, height):
                    pixels = pixels.resize((width, height), Image.Resampling.BILINEAR)
                values = np.asarray(pixels, dtype=np.float32) / 255
    except bombs:
        raise FileError(f"{told} unpacks to too many pixels", advice="Scale it down.") from None
    except UnidentifiedImageError:
        raise FileError(f"{told} is no picture", advice=advice) from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error) as error:  # what Pillow raises for broken files
        if isinstance(file, Path) and isinstance(error, OSError) and error.errno is not None:
            raise unreadable(file, error) from None
        raise FileError(f"{told} is a broken picture", advice=advice) from None
    note = "" if found == (width, height) else f"{name}: scaled from {found[0]}×{found[1]} to {width}×{height} pixels"
    return (values[None] if channels == 1 else values.transpose(2, 0, 1))[None], note
