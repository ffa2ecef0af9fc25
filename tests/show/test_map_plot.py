"""Maps and filters as a figure."""

import io
import sys

import numpy as np
import pytest
from PIL import Image

import slidesum as ss
from slidesum.errors import MissingPackage, NetworkError, UsageError
from slidesum.show.map_plot import MOST_DRAWN


@pytest.fixture(scope="module")
def lenet():
    return ss.load("lenet5")


def images(figure):
    """Every drawn map: its numbers and its colour limits."""
    found = [image for axes in figure.axes for image in axes.get_images()]
    return [np.asarray(image.get_array()) for image in found], {image.get_clim() for image in found}


def test_maps_are_the_maps_on_one_scale_around_zero(lenet):
    x = np.random.default_rng(0).uniform(-1, 1, (1, 1, 32, 32)).astype("float32")
    maps = lenet.run(x)
    drawn, limits = images(lenet.plot("C1", maps))
    assert all(np.array_equal(a, b) for a, b in zip(drawn, maps["C1"][0], strict=False))
    largest = float(np.abs(maps["C1"]).max())
    weight = float(np.abs(lenet.values["C1.w"]).max())
    assert limits == {(-largest, largest), (-weight, weight)}
    assert len(drawn) == 6 + 6


def test_filters_alone_and_many_maps(lenet):
    drawn, _ = images(lenet.plot("C3"))
    assert [one.shape for one in drawn] == [(5, 5)] * 60
    assert len(images(lenet.plot("C5"))[0]) == MOST_DRAWN


def test_vectors_curves_and_volumes():
    net = ss.Network("ranks")
    net.conv(net.input("b c i", b=1, c=2, i=9), "b c i+u, o c u -> b o i", o=3, u=3, name="curve")
    figure = net.plot("curve", np.ones((1, 2, 9)))
    assert sum(len(axes.lines) for axes in figure.axes) == 2 * (3 + 6)
    deep = ss.Network("deep")
    deep.conv(
        deep.input("b c d i j", b=1, c=1, d=5, i=6, j=7), "b c d+t i+u j+v, o c t u v -> b o d i j", o=2, t=2, u=2, v=2, name="c"
    )
    volume = np.random.default_rng(0).normal(size=(1, 1, 5, 6, 7))
    drawn, _ = images(deep.plot("c", deep.run(volume)))
    assert np.array_equal(drawn[0], deep.run(volume)["c"][0, 0, 2])
    flat = ss.Network("flat")
    flat.linear(flat.input("b f", b=1, f=4), 3, name="out")
    assert len(flat.plot("out", np.ones((1, 4))).axes[0].patches) == 3


def test_it_is_written(tmp_path, lenet):
    for ending in ("png", "svg", "pdf"):
        lenet.plot("C1", path=tmp_path / f"a.{ending}")
        assert (tmp_path / f"a.{ending}").stat().st_size > 1000
    assert Image.open(io.BytesIO((tmp_path / "a.png").read_bytes())).size[0] > 500
    with pytest.raises(UsageError) as error:
        lenet.plot("C1", path=tmp_path / "a.gif")
    assert str(error.value) == "a plot is a .png, .svg or .pdf, not 'a.gif'\n  Name the file maps.png, say."
    with pytest.raises(UsageError) as error:
        lenet.plot("C1-squash")
    assert str(error.value) == "C1-squash has no filters to draw\n  Give an input too: its maps are drawn then."
    with pytest.raises(NetworkError, match="lenet5 has no layer 'C9'"):
        lenet.plot("C9")


def test_without_matplotlib(lenet, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingPackage) as error:
        lenet.plot("C1")
    assert str(error.value) == (
        "the plot is drawn by matplotlib, which isn't installed\n  Install it: pip install 'slidesum[train]'."
    )
