"""What a page holds that can't hold everything: whole explanations of chosen values, number by number."""

import itertools

import numpy as np
import pytest

import slidesum as ss
from slidesum.core.ops import Softmax
from slidesum.show.page.choose import pack_chosen, strongest_path
from slidesum.show.page.numbers import Packed, compressed, eight_bits
from slidesum.show.page.session import Session


@pytest.fixture(scope="module")
def session():
    net = ss.load("nin")
    net.initialise(1)
    image = np.random.default_rng(0).uniform(size=net.graph.inputs[0].shape)
    return Session(net.graph, net.values, image)


def test_the_path_leads_from_the_prediction_to_the_picture(session):
    best = session.document()["prediction"]["best"]
    path = list(strongest_path(session.graph, session.values, session.maps, (0, best)))
    assert path[0][0] == session.graph.output.name
    assert path[0][1].at == (0, best)
    for (above, why), (layer, below) in itertools.pairwise(path):
        heaviest = why.winner or max(why.terms, key=lambda term: -1 if term.in_border else abs(term.product))
        if isinstance(session.graph[above].op, Softmax):  # the others only scale it
            heaviest = next(term for term in why.terms if term.cell == why.at)
        assert (why.inputs[heaviest.origin], heaviest.cell) == (layer, below.at)
    assert session.graph[path[-1][0]].inputs == ("input",)


def test_the_best_classes_can_be_followed_down(session):
    packed = Packed()
    chosen = pack_chosen(packed, session.graph, session.values, session.maps, 10**7)
    there = {layer: {tuple(one["at"]) for one in found} for layer, found in chosen.items()}
    for k, _ in session.document()["prediction"]["top"][:10]:
        for layer, why in strongest_path(session.graph, session.values, session.maps, (0, k)):
            assert why.at in there[layer]


def test_the_stream_holds_every_number_of_an_explanation(session):
    packed = Packed()
    chosen = pack_chosen(packed, session.graph, session.values, session.maps, 200_000)
    data = packed.joined()
    assert len(data) == packed.length
    assert set(chosen) >= {node.name for node in session.graph if node.name != "input"}
    for layer in list(chosen)[:6]:
        for one in chosen[layer]:
            entry = packed.entries[one["packed"]]
            numbers = np.frombuffer(data, np.float32, entry["bytes"] // 4, entry["offset"])
            why = ss.Network.of(session.graph, session.values).explain(layer, one["at"], session.maps)
            terms = [n for t in why.terms for n in (t.value, *(w for _, _, w in t.weights))]
            wanted = [*terms, *([] if why.bias is None else [why.bias]), why.computed]
            assert np.array_equal(numbers, np.array(wanted, np.float32))


def test_the_budget_is_kept_beside_the_path(session):
    small, large = Packed(), Packed()
    pack_chosen(small, session.graph, session.values, session.maps, 0)
    pack_chosen(large, session.graph, session.values, session.maps, 100_000)
    assert small.length < large.length <= small.length + 100_000 + 4 * 200


def test_eight_bits():
    assert eight_bits(np.zeros((2, 2)))[1] == 1.0
    array, scale = eight_bits(np.array([np.nan, np.inf, -2.0, 1.0]))
    assert (array.tolist(), scale) == ([0, 0, -127, 64], 2 / 127)
    assert compressed(b"abc") == compressed(b"abc")
