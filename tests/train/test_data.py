"""The data sets: real digits, split fairly, framed as LeNet-5 wants them."""

import re
import sys

import numpy as np
import pytest

from slidesum.draft.verbs import Draft
from slidesum.errors import UsageError
from slidesum.train.data import INK, PAPER, data_for, digits, framed, load_data
from slidesum.zoo import build, lenet5, question


def refused(text):
    return pytest.raises(UsageError, match=f"^{re.escape(text)}$")


def test_digits():
    data = load_data("digits")
    assert (data.name, data.classes) == ("digits", 10)
    assert data.train_images.shape == (1347, 1, 8, 8)
    assert data.test_images.shape == (450, 1, 8, 8)
    assert data.train_images.dtype == data.test_images.dtype == np.float32
    assert (data.train_images.min(), data.train_images.max()) == (0, 1)
    assert data.train_labels.dtype == np.int64


def test_the_split_is_stratified_disjoint_and_follows_the_seed():
    data = digits(seed=3)
    assert np.abs(np.bincount(data.test_labels) - np.bincount(data.train_labels) / 3).max() < 1
    both = np.concatenate([data.train_images, data.test_images]).reshape(1797, 64)
    every = np.concatenate([digits(seed=4).train_images, digits(seed=4).test_images]).reshape(1797, 64)
    assert sorted(map(bytes, both)) == sorted(map(bytes, every))  # the same 1797 images, none lost, none twice
    assert np.array_equal(digits(seed=3).test_images, data.test_images)
    assert not np.array_equal(digits(seed=4).test_images, data.test_images)


def test_fingerprints_differ_where_data_do():
    found = {digits(seed=seed, side=side).fingerprint for seed in (0, 1) for side in (8, 32)}
    assert len(found) == 4
    assert digits().fingerprint == digits().fingerprint


def test_framed_for_lenet5():
    images = digits(side=32).train_images
    assert images.shape == (1347, 1, 32, 32)
    edge = np.ones((32, 32), bool)
    edge[4:28, 4:28] = False
    np.testing.assert_allclose(images[:, 0, edge], PAPER, rtol=1e-6)
    assert images.min() == pytest.approx(PAPER)
    assert images.max() == pytest.approx(INK)
    assert abs(images.mean()) < 0.2
    assert images.var() == pytest.approx(0.2, abs=0.1)


def test_scaling_is_linear_between_centres():
    ramp = np.arange(8.0)[None, None, :] * np.ones((1, 8, 1))
    wanted = np.clip((np.arange(24) + 0.5) / 3 - 0.5, 0, 7)
    np.testing.assert_allclose(framed(ramp, 24, 24)[0, 5], wanted)
    assert np.array_equal(framed(ramp, 8, 8), ramp)


def test_the_size_that_a_network_takes():
    assert data_for(lenet5()).test_images.shape[2:] == (32, 32)
    assert data_for(question("1", k1=1, k2=1, n=8, m=8), seed=5).fingerprint == digits(seed=5).fingerprint


def test_errors():
    with refused("there is no data set 'mnist'\n  There are: digits.\n  Write one of them."):
        load_data("mnist")
    with refused(
        "digits come in 8×8 and 32×32, not 28×28\n  8 is what was scanned, 32 what LeNet-5 expects.\n  Give the network n=8, m=8."
    ):
        load_data("digits", side=28)
    with refused("a share of 1.0 can't be held out\n  Write a number between 0 and 1, such as 0.25."):
        digits(held_out=1.0)
    with refused(
        "type-1 takes no square images: its input is b c i j (1, 1, n, m)\n"
        "  Images have a batch, a colour, and two axes of one size; symbols need numbers.\n"
        "  Give it sizes: net.with_sizes(n=8, m=8, …)."
    ):
        data_for(build("type-1"))
    with pytest.raises(UsageError, match=re.escape("its input is none ()")):
        data_for(Draft("empty").graph)


def test_without_scikit_learn(monkeypatch):
    from slidesum.train import data

    data._scanned.cache_clear()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with refused(
        "the data set 'digits' comes with scikit-learn, which isn't installed\n  Install it: pip install 'slidesum[train]'."
    ):
        digits()
