"""Training: the same bits, resumed or not; stopped cleanly; honest about what it measures."""

import io
import os
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from slidesum.draft.verbs import Draft
from slidesum.errors import FileError, SizeError, UsageError
from slidesum.run.network import initial_values, run
from slidesum.train import checkpoint as files
from slidesum.train.data import Data, digits
from slidesum.train.loop import train
from slidesum.train.loss import competing_penalties, goal
from slidesum.zoo import build, lenet5, question
from slidesum.zoo.bitmaps import BITMAPS


@pytest.fixture(scope="module")
def data():
    """A small part of the digits."""
    whole = digits()
    return Data("few", 10, whole.train_images[:160], whole.train_labels[:160], whole.test_images[:50], whole.test_labels[:50])


def network(last=None):
    """Small, but with everything that remembers or draws: batch statistics and dropout."""
    net = Draft("small")
    x = net.input("b c i j", b=1, c=1, i=8, j=8)
    x = net.conv(x, "b c i+u j+v, o c u v -> b o i j", o=3, u=3, v=3, padding="same", bias="o", name="conv")
    x = net.activation(net.norm(x), "relu")
    x = net.dropout(net.flatten(x), 0.2)
    x = net.linear(x, 10)
    if last == "softmax":
        net.softmax(x)
    if last == "relu":
        net.activation(x, "relu")
    return net.graph


def same(a, b):
    return set(a) == set(b) and all(np.array_equal(a[name], b[name]) for name in a)


def refused(error, text):
    return pytest.raises(error, match=f"^{re.escape(text)}$")


def test_the_same_seed_gives_the_same_bits(data):
    first, second, other = (train(network(), data, epochs=2, seed=seed) for seed in (7, 7, 8))
    assert same(first.values, second.values)
    assert [replace(e, seconds=0) for e in first.history] == [replace(e, seconds=0) for e in second.history]
    assert not same(first.values, other.values)


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_it_learns(data, optimiser):
    made = train(network(), data, epochs=8, optimiser=optimiser)
    assert [epoch.number for epoch in made.history] == list(range(1, 9))
    assert made.loss < 0.5 * made.history[0].loss
    assert made.accuracy > 0.5
    assert made.accuracy == made.history[-1].accuracy
    assert made.seconds == sum(epoch.seconds for epoch in made.history)
    assert not made.interrupted


def test_the_accuracy_is_that_of_the_arrays(data):
    made = train(network(), data, epochs=3)
    answers = run(made.graph, made.values, data.test_images)[made.graph.output.name].argmax(1)
    assert made.accuracy == (answers == data.test_labels).mean()


def test_type_2_2_learns_the_digits():
    made = train(question("2.2", k1=8, k2=16, n=8, m=8), digits(), epochs=6)
    assert made.accuracy >= 0.97


def test_lenet5_learns():
    made = train(lenet5(), digits(side=32), epochs=4)
    assert made.accuracy > 0.9


def test_resuming_gives_the_same_bits(data, tmp_path):
    whole = train(network(), data, epochs=4)

    def stop(epoch):
        if epoch.number == 2:
            raise KeyboardInterrupt

    file = tmp_path / "runs" / "small.ckpt"
    part = train(network(), data, epochs=4, checkpoint=file, on_epoch=stop)
    assert part.interrupted
    assert len(part.history) == 2
    again = train(network(), data, epochs=4, checkpoint=file, resume=True)
    assert not again.interrupted
    assert same(again.values, whole.values)
    assert [replace(e, seconds=0) for e in again.history] == [replace(e, seconds=0) for e in whole.history]
    done = train(network(), data, epochs=4, checkpoint=file, resume=True)
    assert same(done.values, whole.values)
    assert done.history == again.history
    assert os.listdir(file.parent) == ["small.ckpt"]


def test_ctrl_c_in_the_middle_of_an_epoch(data, tmp_path, monkeypatch):
    """What is returned is the last whole epoch, and the checkpoint holds the same."""
    after_one = []
    whole = train(network(), data, epochs=3, on_epoch=lambda epoch: after_one.append(epoch))
    real, calls = torch.optim.AdamW.step, [0]

    def step(self, *given, **named):
        calls[0] += 1
        if calls[0] == 8:  # five batches an epoch
            raise KeyboardInterrupt
        return real(self, *given, **named)

    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", step)
        part = train(network(), data, epochs=3, checkpoint=tmp_path / "a.ckpt")
    assert part.interrupted
    assert [replace(e, seconds=0) for e in part.history] == [replace(after_one[0], seconds=0)]
    answers = run(part.graph, part.values, data.test_images)["linear1"].argmax(1)
    assert part.accuracy == (answers == data.test_labels).mean()
    assert same(train(network(), data, epochs=3, checkpoint=tmp_path / "a.ckpt", resume=True).values, whole.values)


def test_ctrl_c_before_the_first_epoch_is_over(data, tmp_path, monkeypatch):
    def stop(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(torch.Tensor, "backward", stop)
        part = train(network(), data, epochs=2, checkpoint=tmp_path / "a.ckpt")
    assert (part.interrupted, part.history, part.accuracy, part.loss, part.seconds) == (True, (), None, None, 0)
    assert same(part.values, initial_values(network()))
    whole = train(network(), data, epochs=2)
    assert same(train(network(), data, epochs=2, checkpoint=tmp_path / "a.ckpt", resume=True).values, whole.values)


def test_a_crash_while_the_checkpoint_is_written_leaves_the_old_one(data, tmp_path, monkeypatch):
    file = tmp_path / "a.ckpt"
    calls = [0]
    real = os.replace

    def replace_third(*given):
        calls[0] += 1
        if calls[0] == 3:
            raise KeyboardInterrupt
        real(*given)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", replace_third)
        part = train(network(), data, epochs=3, checkpoint=file)
    assert len(part.history) == 2
    assert os.listdir(tmp_path) == ["a.ckpt"]
    again = train(network(), data, epochs=3, checkpoint=file, resume=True)
    assert same(again.values, train(network(), data, epochs=3).values)


def test_torch_is_left_as_it_was(data):
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    threads = torch.get_num_threads()
    train(network(), data, epochs=1)
    assert torch.equal(torch.rand(3), wanted)
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_progress_is_quiet_unless_a_terminal_looks_on(data, monkeypatch, capsys):
    train(network(), data, epochs=1)
    assert capsys.readouterr() == ("", "")
    screen = io.StringIO()
    monkeypatch.setattr(sys, "stderr", screen)
    train(network(), data, epochs=1, progress=True, label="type 2.2")
    assert "type 2.2" in screen.getvalue()
    assert "5/5" in screen.getvalue()
    assert "test " in screen.getvalue()
    assert capsys.readouterr().out == ""


# Goals


@pytest.mark.parametrize(
    ("graph", "name"),
    [(network(), "cross entropy"), (network("softmax"), "negative log-likelihood"), (lenet5(), "competing penalties")],
)
def test_the_last_layer_tells_the_goal(graph, name):
    assert goal(graph, 10).name == name


def test_a_softmax_trains_as_its_logits(data):
    plain, soft = train(network(), data, epochs=1), train(network("softmax"), data, epochs=1)
    assert soft.loss == pytest.approx(plain.loss, rel=1e-4)


def test_equation_9():
    penalties = torch.tensor([[1.0, 2.0, 30.0], [4.0, 0.5, 3.0]], dtype=torch.float64)
    labels = torch.tensor([0, 2])
    by_hand = [
        penalties[p, d] + torch.log(torch.exp(torch.tensor(-2.5)) + torch.exp(-penalties[p]).sum())
        for p, d in enumerate(labels.tolist())
    ]
    assert float(competing_penalties(penalties, labels, j=2.5)) == pytest.approx(float(sum(by_hand) / 2))


def test_the_smallest_distance_wins():
    distances = torch.tensor(((np.array(BITMAPS)[:, None] - np.array(BITMAPS)) ** 2).sum(2))
    aim = goal(lenet5(), 10)
    assert aim.answer(distances).tolist() == list(range(10))
    assert float(aim.loss(distances, torch.arange(10))) < 1e-3


# What is refused


def test_settings_that_cannot_be(data):
    with refused(UsageError, "epochs=0 can't be trained with\n  Give a whole number of at least 1."):
        train(network(), data, epochs=0)
    with refused(UsageError, "seed=-1 can't be trained with\n  Give a whole number of at least 0."):
        train(network(), data, seed=-1)
    with refused(UsageError, "learning_rate=0 can't be trained with\n  Give a number such as 0.01."):
        train(network(), data, learning_rate=0)
    with refused(UsageError, "there is no optimiser 'lion'\n  There are adamw, sgd.\n  Write one of them."):
        train(network(), data, optimiser="lion")
    with refused(UsageError, "resume=True needs the file to resume from\n  Give checkpoint='run.ckpt'."):
        train(network(), data, resume=True)


def test_networks_that_cannot_answer(data):
    with refused(
        UsageError,
        "small ends with 'relu2', which isn't trained for classes\n"
        "  Logits (a linear layer), a softmax, or distances are.\n"
        "  End it with net.linear(x, 10).",
    ):
        train(network("relu"), data)
    with refused(
        UsageError,
        "type-2.2 ends with the shape (1, 3), and there are 10 classes\n"
        "  A classifier ends with one number a class and nothing else.\n"
        "  End it with net.linear(x, 10).",
    ):
        train(question("2.2", k1=1, k2=1, n=8, m=8, classes=3), data)
    with pytest.raises(SizeError, match=r"^type-1 has open sizes: k1, k2, m, n"):
        train(build("type-1"), data)
    with pytest.raises(SizeError, match=re.escape("the input has the shape (32, 1, 8, 8), and the network expects (1, 1, 32, 32)")):
        train(lenet5(), data)


def test_a_run_that_comes_apart(data):
    with refused(
        UsageError,
        "training came apart in epoch 1: the loss is nan\n  The learning rate is too high.\n  Try learning_rate=1e+37.",
    ):
        net = Draft("linear")
        net.linear(net.input("b c i j", b=1, c=1, i=8, j=8), 10)
        train(net.graph, data, epochs=1, learning_rate=1e38, optimiser="sgd")


@pytest.fixture
def kept(data, tmp_path):
    train(network(), data, epochs=1, checkpoint=tmp_path / "a.ckpt")
    return tmp_path / "a.ckpt"


def test_checkpoints_of_other_runs(data, kept):
    with refused(
        FileError,
        f"{kept} was written while another network was trained\n"
        "  A checkpoint belongs to one network with its sizes.\n"
        "  Resume with that network, or train this one into another file.",
    ):
        train(network("softmax"), data, epochs=1, checkpoint=kept, resume=True)
    with refused(
        FileError,
        f"{kept} was written with epochs=1, and epochs=2 is asked for\n"
        "  The schedule spans the whole run, so a run that is continued keeps its settings.\n"
        "  Resume with epochs=1, or begin anew without resume.",
    ):
        train(network(), data, epochs=2, checkpoint=kept, resume=True)
    with refused(
        FileError,
        f"{kept} was written while training on other data\n"
        "  The data set, the size of its images, or the seed of the split was another one.\n"
        "  Resume with that data, or begin anew without resume.",
    ):
        train(network(), digits(), epochs=1, checkpoint=kept, resume=True)


def test_files_that_are_no_checkpoint(data, kept, tmp_path):
    def resumed():
        return train(network(), data, epochs=1, checkpoint=kept, resume=True)

    whole = kept.read_bytes()
    state = torch.load(kept, weights_only=True)
    told = (
        f"{kept} is no checkpoint of slidesum\n"
        "  It was cut off, or holds something else.\n"
        "  Name the file that training wrote, or begin anew without resume."
    )
    for broken in (b"", b"hello", whole[: len(whole) // 2], whole[:-30]):
        kept.write_bytes(broken)
        with refused(FileError, told):
            resumed()
    for other in ([1], {"format": "else"}, {"format": files.FORMAT}):
        torch.save(other, kept)
        with refused(FileError, told):
            resumed()
    for field, value in (("model", {}), ("history", [1]), ("epoch", 7), ("random", None), ("optimiser", {}), ("schedule", 3)):
        torch.save({**state, field: value}, kept)
        with refused(
            FileError,
            f"{kept} doesn't hold the state of such a run\n"
            "  It was damaged, or written by another version of slidesum or torch.\n"
            "  Begin anew without resume.",
        ):
            resumed()
    kept.unlink()
    with refused(FileError, f"there is no file {kept}\n  Check the folder and the spelling of the name."):
        resumed()


def test_a_checkpoint_executes_nothing(data, kept, tmp_path):
    class Trap:
        def __reduce__(self):
            return (os.mkdir, (str(tmp_path / "sprung"),))

    torch.save({"format": files.FORMAT, "network": Trap()}, kept)
    with pytest.raises(FileError, match="is no checkpoint of slidesum"):
        train(network(), data, epochs=1, checkpoint=kept, resume=True)
    assert not (tmp_path / "sprung").exists()
