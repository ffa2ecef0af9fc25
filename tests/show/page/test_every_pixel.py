"""What the page shows of a value, read from its DOM as decimals: it adds up exactly, and it is what torch computes.

500 values of both networks, of every layer some. The place is typed into the page's own field and all its terms are unfolded, so
what is judged is what a reader sees, not what the page holds.
"""

import random
from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby

import pytest
import torch

from slidesum.api.network import Network
from slidesum.show.page.session import Session

TOLERANCE = Decimal("1e-5")
GATHER = """
async ({ layer, places }) => {
  const find = (id) => document.querySelector(`[data-testid="${id}"]`);
  const all = (id) => [...document.querySelectorAll(`[data-testid="pixel"] [data-testid="${id}"]`)];
  const until = (isSo) => new Promise((resolve, reject) => {
    const end = performance.now() + 20000;
    const look = () => {
      if (isSo()) resolve();
      else if (performance.now() > end) reject(new Error(`${layer} waited in vain`));
      else setTimeout(look, 4);
    };
    look();
  });
  find("tab:layer").click();
  find("pixel").style.contentVisibility = "hidden"; // its texts are read, not its looks
  const select = find("layer-select");
  select.value = layer;
  select.dispatchEvent(new Event("change"));
  await until(() => find("layer").dataset.layer === layer && find("layer").dataset.ready === "yes");
  const found = [];
  for (const place of places) {
    const field = find("place");
    field.value = place.join(", ");
    field.dispatchEvent(new Event("change"));
    await until(() => find("pixel").dataset.layer === layer && find("pixel").dataset.explained === place.join(","));
    const whole = find("show-all-terms");
    if (whole && whole.getAttribute("aria-pressed") === "false") whole.click();
    const text = (id) => all(id)[0]?.textContent ?? null;
    found.push({
      terms: all("term").map((one) => {
        const { map, product, winner } = one.dataset;
        return { map, product, winner, text: (one.matches("tr") ? one.lastChild : one).textContent };
      }),
      partials: all("partial").map((one) => ({ ...one.dataset, text: one.lastChild.textContent })),
      parts: [...document.querySelectorAll(".part-sum .number")].map((one) => one.textContent),
      ...Object.fromEntries(["sum", "bias", "value", "after", "computed", "residual"].map((id) => [id, text(id)])),
    });
  }
  return found;
}
"""
"""One call a layer: each place typed, its terms unfolded, and the texts that stand there then."""


def places_of(net: Network, count: int, seed: int) -> list[tuple[str, tuple[int, ...]]]:
    """`count` random places, of every layer some, layer by layer."""
    chance = random.Random(seed)
    layers = [node for node in net.graph if node.inputs]
    drawn = [layers[k % len(layers)] for k in range(count)]
    return [
        (node.name, tuple(chance.randrange(n) for n in node.shape)) for node in sorted(drawn, key=lambda node: layers.index(node))
    ]


def shown(page, wanted: list[tuple[str, tuple[int, ...]]]) -> Iterator[tuple[str, tuple[int, ...], dict]]:
    for layer, group in groupby(wanted, key=lambda one: one[0]):
        places = [at for _, at in group]
        for at, texts in zip(places, page.evaluate(GATHER, {"layer": layer, "places": places}), strict=True):
            yield layer, at, texts


def total(texts) -> Decimal:
    return sum(map(Decimal, texts), Decimal(0))


def adds_up(layer, texts) -> None:
    """The decimals that stand there, added as one would with a pencil."""
    op, terms = layer.op, texts["terms"]
    products = [term["text"] for term in terms]
    assert [term["product"] for term in terms] == products
    assert products, "there is nothing that was added"
    reduce = getattr(getattr(op, "equation", None), "reduce", None)
    kind = type(op).__name__
    value = Decimal(texts["value"])
    if reduce in ("max", "min"):
        best = max if reduce == "max" else min
        (winner,) = [Decimal(term["text"]) for term in terms if term.get("winner") == "yes"]
        assert best(map(Decimal, products)) == winner == value
    elif reduce == "mean":
        assert total(products) == Decimal(texts["sum"])
        mean = total(products) / len(terms)
        assert abs(mean - value) <= Decimal(2) * Decimal(10) ** value.as_tuple().exponent
    elif reduce == "sum" or kind in ("Add", "Distance"):
        bias = Decimal(texts["bias"] or 0)
        assert total(products) + bias == value
        if texts["partials"]:
            assert total(one["text"] for one in texts["partials"]) + bias == value
            for one in texts["partials"]:
                assert one["text"] == one["sum"]
                assert total(term["text"] for term in terms if term["map"] == one["map"]) == Decimal(one["text"])
            assert texts["parts"] == [one["text"] for one in texts["partials"]] or not texts["parts"]
    elif kind in ("Concat", "Dropout", "Reshape"):
        (only,) = products
        assert Decimal(only) == value


def is_torchs(texts, computed: float) -> None:
    """The value shown is what torch has, within 1e-5 of the size of its terms.

    A sum can't be exact on a finer scale than that of what is summed: where terms of size 1 cancel to 1e-6, the last bit of one of
    them is a tenth of the sum, in whatever order they are added.
    """
    terms = [abs(Decimal(term["product"])) for term in texts["terms"]]
    value = Decimal(texts["value"])
    scale = max(total(map(str, terms)) + abs(Decimal(texts["bias"] or 0)), abs(value), Decimal("1e-30"))
    assert abs(value - Decimal(computed)) <= TOLERANCE * scale
    assert abs(Decimal(texts["computed"]) - Decimal(computed)) <= TOLERANCE * scale


@pytest.fixture(scope="module")
def torch_maps():
    """The maps of a network as torch computes them, from the first layer on."""

    def found(net: Network, image) -> dict[str, torch.Tensor]:
        with torch.no_grad():
            return net.run(torch.as_tensor(image))

    return found


def judged(page, net, image, wanted, torch_maps) -> set[str]:
    maps, kinds = torch_maps(net, image), set()
    for layer, at, texts in shown(page, wanted):
        try:
            adds_up(net.graph[layer], texts)
            is_torchs(texts, float(maps[layer][at]))
        except AssertionError as error:
            raise AssertionError(f"{layer} at {at}: {error}\n{ {**texts, 'terms': texts['terms'][:6]} }") from error
        op = net.graph[layer].op
        kinds.add(op.equation.reduce if hasattr(op, "equation") else type(op).__name__)
    return kinds


def test_every_value_of_lenet_from_its_file(watched, lenet, digit, lenet_page, torch_maps):
    watched.page.goto(lenet_page.as_uri())
    kinds = judged(watched.page, lenet, digit, places_of(lenet, 250, 1), torch_maps)
    assert kinds == {"sum", "Activation", "Distance"}
    assert watched.errors == []


def test_every_value_of_googlenet_from_the_server(watched, googlenet, china, serve, torch_maps):
    watched.page.goto(serve(Session(googlenet.graph, googlenet.values, china)))
    kinds = judged(watched.page, googlenet, china, places_of(googlenet, 250, 2), torch_maps)
    assert kinds == {"sum", "max", "mean", "Activation", "LocalResponseNorm", "Concat", "Dropout"}
    assert watched.errors == []


def test_the_chosen_values_of_googlenet_from_its_file(watched, googlenet, china, googlenet_page, torch_maps):
    watched.page.goto(googlenet_page.as_uri())
    watched.page.wait_for_selector("[data-testid=overview]")
    chosen = watched.page.evaluate("window.slidesumModel.get('document').chosen")
    assert set(chosen) == {node.name for node in googlenet.graph if node.inputs}
    wanted = [(layer, tuple(places[-1]["at"])) for layer, places in list(chosen.items())[::3]]
    judged(watched.page, googlenet, china, wanted, torch_maps)
    assert watched.errors == []
