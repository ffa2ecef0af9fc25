"""What the formulas say: a copy without any cached value, computed by LibreOffice, is what torch computes; also after edits."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

import slidesum as ss
from slidesum.show.sheet.book import drawn, workbook

sys.path.insert(0, str(Path(__file__).parent))
from networks import equations, functions, image_for, others, question
from recalculated import array_in, edited, recalculated

WEIGHT, PIXEL = 0.75, 6.0


def close(a, b):
    return np.allclose(a, b, rtol=1e-5, atol=1e-9)


@pytest.fixture(scope="module")
def made():
    """Every network with its image, its sheets, and its workbook."""
    nets = {f"type-{kind}": question(kind) for kind in ("1", "2.1", "2.2")}
    nets |= {"lenet5": ss.load("lenet5"), **equations(), "others": others(), "functions": functions()}
    found = {}
    for name, net in nets.items():
        net.initialise(3)
        image = image_for(net)
        plan = drawn(net.graph, net.values, image)
        found[name] = net, image, plan, workbook(plan)[0]
    return found


def change(net, image, plan):
    """One pixel and one weight: what the network has then, and which cells of the workbook say so."""
    other = image.copy()
    pixel = tuple(n // 2 for n in image.shape)
    other[pixel] = PIXEL
    source = net.graph.inputs[0].name
    cells = {(plan.layout.results[source].sheet, *plan.layout.results[source].cell(pixel)): PIXEL}
    values = {name: array.copy() for name, array in net.values.items()}
    key = next((name for name in values if name.endswith(".w")), None)
    if key is not None:
        values[key].flat[0] = WEIGHT
        first = plan.layout.arrays[key]
        cells[first.sheet, *first.cell((0,) * len(first.shape))] = WEIGHT
    changed = ss.Network.of(net.graph, values)
    return changed, other, cells


@pytest.fixture(scope="module")
def computed(made, tmp_path_factory):
    """What LibreOffice computes of all of them, and of a copy of each with other numbers, in one call."""
    books = {}
    for name, (net, image, plan, data) in made.items():
        books[name] = data
        books[f"{name}-edited"] = edited(data, change(net, image, plan)[2])
    return recalculated(books, tmp_path_factory.mktemp("sheets"))


NAMES = ["type-1", "type-2.1", "type-2.2", "lenet5", *equations(), "others", "functions"]


@pytest.mark.parametrize("name", NAMES)
def test_every_cell_is_what_torch_computes(made, computed, name):
    net, image, plan, _ = made[name]
    changed, other, _ = change(net, image, plan)
    for model, given, grids in ((net, image, computed[name]), (changed, other, computed[f"{name}-edited"])):
        maps = model.run(torch.tensor(given, dtype=torch.float64))
        for sheet in plan.layout.sheets:
            wanted = maps[sheet.shown].numpy()
            assert close(array_in(grids[sheet.name], sheet.result), wanted), sheet.name
    shown = {sheet.shown for sheet in plan.layout.sheets}
    folded = {sheet.node.name for sheet in plan.layout.sheets if sheet.follower}
    assert shown | folded == {node.name for node in net.graph}


@pytest.mark.parametrize("name", NAMES)
def test_edits_change_the_result(made, computed, name):
    _, _, plan, _ = made[name]
    changed = []
    for sheet in plan.layout.sheets[1:]:
        a, b = (array_in(computed[key][sheet.name], sheet.result) for key in (name, f"{name}-edited"))
        changed.append(not np.array_equal(a, b))
    assert any(changed)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("long", "functions")])
def test_an_explained_value_is_the_one_on_its_sheet(made, computed, name):
    """The terms on the sheet Explain, summed and activated, are the value that the layer's own formula has.

    A layer of 2,700 terms is left out, and the sheet says so.
    """
    assert computed["long"]["Explain"][1][0] == "left out, for having too many terms: layer0"
    for grid in (computed[name]["Explain"], computed[f"{name}-edited"]["Explain"]):
        panels = 0
        for column, label in enumerate(grid[10]):
            if label == "on its sheet":
                above = [grid[row][column + 1] for row in (9, 8)]
                assert close(next(v for v in above if v is not None), grid[10][column + 1])
                panels += 1
        assert panels == sum(type(sheet.node.op).__name__ == "Layer" for sheet in made[name][2].layout.sheets)


def test_a_prediction_follows(made, computed):
    net, image, plan, _ = made["type-2.2"]
    changed, other, _ = change(net, image, plan)
    for model, given, grids in ((net, image, computed["type-2.2"]), (changed, other, computed["type-2.2-edited"])):
        scores = model.run(torch.tensor(given, dtype=torch.float64))["linear"][0]
        grid = grids["Prediction"]
        assert grid[3][1] == int(scores.argmax())
        assert close([row[1] for row in grid[6:16]], scores.numpy())
        assert close([row[2] for row in grid[6:16]], torch.softmax(scores, 0).numpy())
    scores = computed["lenet5"]["Prediction"]
    distances = [row[1] for row in scores[6:16]]
    assert scores[3][1] == int(np.argmin(distances))


def test_counts_are_formulas_of_the_sizes(made, computed):
    net, *_ = made["type-2.2"]
    grid = computed["type-2.2"]["Network"]
    rows = {row[0]: row for row in grid if row[0]}
    assert (rows["k1"][1], rows["k2"][1], rows["n"][1], rows["m"][1]) == (3, 4, 8, 8)
    assert (rows["total"][6], rows["total"][7], rows["total"][8]) == (net.weights, net.biases, net.macs)
    assert rows["conv2"][6] == 25 * 3 * 4


def test_cached_values_are_what_the_formulas_give(made, tmp_path):
    from recalculated import grids

    for name in ("type-2.2", "transposed", "others"):
        net, image, plan, data = made[name]
        path = tmp_path / f"{name}.xlsx"
        path.write_bytes(data)
        held = grids(path)
        maps = net.run(torch.tensor(image, dtype=torch.float64))
        for sheet in plan.layout.sheets:
            assert close(array_in(held[sheet.name], sheet.result), maps[sheet.shown].numpy())
