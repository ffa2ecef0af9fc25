"""What stands in a workbook beside its numbers: text, names, links, colours; and what is refused before it is written."""

import io
import re
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import openpyxl
import pytest

import slidesum as ss
from slidesum.core.network import Graph
from slidesum.errors import FileError, MissingPackage, NetworkError, SizeError, UsageError
from slidesum.show.sheet import book, limits, network, prediction
from slidesum.show.sheet.area import area
from slidesum.show.sheet.book import drawn, workbook, write_sheet
from slidesum.show.sheet.equations import LONGEST_FORMULA
from slidesum.show.sheet.limits import Estimate, refuse_large

sys.path.insert(0, str(Path(__file__).parent))
from networks import equations, functions, image_for, others, question


def written(net, image=None, **part):
    plan = drawn(net.graph, net.values, image_for(net) if image is None else image, **part)
    return plan, workbook(plan)[0]


def opened(data, **options):
    return openpyxl.load_workbook(io.BytesIO(data), **options)


def message(caught):
    return str(caught.value)


EVIL = ("=1+1", "+cmd|' /C calc'!A0", "@SUM(A1)", "-2+3", "\t=1", '=HYPERLINK("http://x")', "it's [a] very*long/name: of\\a?layer")


def test_text_from_a_model_is_never_a_formula():
    net = question("2.2")
    names = dict(zip([node.name for node in net.graph], EVIL, strict=True))
    graph = Graph("=NETWORK()", tuple(replace(n, name=names[n.name], inputs=tuple(names[i] for i in n.inputs)) for n in net.graph))
    values = {f"{names[key.rpartition('.')[0]]}.{key.rpartition('.')[2]}": array for key, array in net.values.items()}
    plan = drawn(graph, values, image_for(net), remarks=["=remark", "+remark"])
    data, formulas = workbook(plan)
    book = opened(data)
    found = {}
    for sheet in book:
        assert len(sheet.title) <= 31
        assert not set("[]:*?/\\") & set(sheet.title)
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type == "s":
                    found[cell.value] = cell.data_type
                elif cell.data_type == "f":
                    formulas -= 1
                    bare = re.sub(r"'([^']|'')*'!", "", cell.value)  # without the names of sheets, which stand in quotes
                    assert not any(evil in bare for evil in ("cmd", "HYPERLINK", "NETWORK", "remark", "http", "'"))
    assert formulas == 0
    assert {"=NETWORK()", "=remark", "+remark", "+cmd|' /C calc'!A0"} <= set(found)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        links = b"".join(archive.read(name) for name in archive.namelist() if name.endswith(".rels"))
    assert b"http://x" not in links


def test_filters_have_names_and_maps_link_to_what_they_read():
    plan, data = written(question("2.2"))
    book = opened(data)
    assert set(book.defined_names) == {"conv1_w", "conv1_bias", "conv2_w", "conv2_bias", "linear_w", "linear_bias", "input"}
    area = plan.layout.arrays["conv2.w"]
    sheet, where = next(iter(book.defined_names["conv2_w"].destinations))
    assert (sheet, where.replace("$", "")) == ("conv2", f"{cell_of(area.top, area.left)}:{cell_of(*area.end)}")
    links = {cell: book["conv2"][cell].hyperlink.location for cell in ("A3", "C3", "A6")}
    assert links == {"A3": "'Network'!A1", "C3": "'conv1'!A1", "A6": "'conv1'!D8:H12"}
    assert book["conv2"].freeze_panes == "B6"
    assert book["conv2"]["A6"].value == "o 0"


def cell_of(row, column):
    return openpyxl.utils.get_column_letter(column + 1) + str(row + 1)


def test_a_rule_a_map_and_signed_ones_diverge_around_zero():
    net = question("2.2")
    plan, data = written(net)
    book = opened(data)
    rules = {str(found.sqref): found.rules for found in book["conv2"].conditional_formatting}
    tiles = [f"{cell_of(*c[:2])}:{cell_of(*c[2:])}" for _, *c in plan.layout.sheet_of("conv2").result.tiles()]
    assert len(tiles) == 4
    assert all(len(rules[tile]) == 1 for tile in tiles)
    assert len(rules) == 4 + 2
    (signed,) = next(rule for where, rule in rules.items() if where not in tiles and ":" in where and rule[0].colorScale)
    limits = [float(point.val) for point in signed.colorScale.cfvo]
    assert len(limits) == 3
    assert limits[1] == 0
    assert limits[0] == -limits[2]


def test_cells_are_square():
    _, data = written(question("2.2"))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        text = archive.read("xl/worksheets/sheet3.xml").decode()
    height = float(re.search(r'defaultRowHeight="([\d.]+)"', text)[1]) * 96 / 72
    width = float(re.search(r'<col min="2"[^>]* width="([\d.]+)"', text)[1]) * 7
    assert height == 32
    assert abs(width - 32) < 1


def test_every_number_of_the_network_is_there_once_and_cached():
    """As many formulas as were told, none too long, each with a value; functions that one program lacks aren't used."""
    words = """SUMPRODUCT SUM MAX MIN AVERAGE IF OR INDEX INT MOD EXP SQRT POWER SUMSQ DEVSQ SUMXMY2 MATCH NA ABS TANH SINH ATANH
        ERF ERFC LN SIGN ROUND SIN COS PI"""
    known = set(words.split())
    for name, net in {"type-1": question("1"), "others": others(), "functions": functions(), **equations()}.items():
        plan = drawn(net.graph, net.values, image_for(net))
        data, count = workbook(plan)
        formulas = [(cell, sheet.title) for sheet in opened(data) for row in sheet for cell in row if cell.data_type == "f"]
        assert len(formulas) == count, name
        assert sum(title == "Explain" for _, title in formulas) == plan.panels.formulas, name
        assert sum(title == "Prediction" for _, title in formulas) == prediction.formulas(plan.layout), name
        assert sum(title == "Network" for _, title in formulas) <= network.most_formulas(plan.layout), name
        assert count <= plan.estimate.formulas, name
        assert all(len(cell.value) <= 8192 for cell, _ in formulas)
        used = {word for cell, _ in formulas for word in re.findall(r"([A-Z0-9.]+)\(", re.sub(r"'[^']*'", "", cell.value))}
        assert used <= known, used - known


def test_long_formulas_are_several():
    net = equations()["long"]
    plan, data = written(net)
    sheet = plan.layout.sheets[1]
    assert len(sheet.sums) == 2
    texts = [
        str(opened(data)[sheet.name].cell(*(n + 1 for n in one.cell((0, 0, 2, 2)))).value) for one in (sheet.result, *sheet.sums)
    ]
    assert [len(text) < LONGEST_FORMULA for text in texts] == [True] * 3
    assert texts[0].count("SUMPRODUCT") == 0
    assert texts[1].count("SUMPRODUCT") + texts[2].count("SUMPRODUCT") == 300


def test_a_long_row_is_broken_into_lines():
    row = area("flat", "flat", (1, 10_000), columns=1, down=(0,))
    assert (row.cell((0, 0)), row.cell((0, 4095)), row.cell((0, 4096)), row.end) == ((0, 0), (0, 4095), (1, 0), (2, 4095))


def test_a_sum_over_a_broken_row_is_right():
    """The patches of such a row are its lines: each term once."""
    from slidesum.show.sheet.patches import patches

    row = area("flat", "flat", (1, 10_000), columns=1, down=(0,))
    found = patches((row.cell((0, k)), row.cell((0, k))) for k in range(10_000))
    assert sum(patch.rows * patch.columns for patch in found) == 10_000
    assert len(found) == 2


# Parts


def test_layers_from_one_to_another():
    net = question("2.2")
    plan, data = written(net, layers="conv2..pool")
    book = opened(data)
    assert book.sheetnames == ["Network", "relu1", "conv2", "pool", "Explain", "slidesum"]
    kinds = {
        sheet: {cell.data_type for row in book[sheet].iter_rows(min_row=6, min_col=2, max_col=8) for cell in row}
        for sheet in ("relu1", "conv2")
    }
    assert "f" not in kinds["relu1"]
    assert "f" in kinds["conv2"]
    assert book["relu1"]["A2"].value == "activation relu     numbers only, no formulas"
    plan, _ = written(net, layers="pool")
    assert [sheet.name for sheet in plan.layout.sheets] == ["relu2", "pool"]


def test_numbers_without_formulas():
    net = question("2.2")
    plan, data = written(net, formulas=False)
    book = opened(data)
    assert not any(cell.data_type == "f" for sheet in book for row in sheet for cell in row)
    scores = plan.maps["linear"][0]
    assert book["Prediction"]["A2"].value == "type-2.2: the largest score wins"
    assert book["Prediction"]["B4"].value == int(scores.argmax())
    assert [book["Prediction"].cell(7 + k, 2).value for k in range(10)] == pytest.approx(scores.tolist())
    assert next(row[8].value for row in book["Network"] if row[0].value == "total") == net.macs
    assert (plan.estimate.formulas, plan.part.formulas) == (0, False)
    where = plan.layout.arrays["conv1.w"].cell((0, 0, 0, 0))
    assert book["conv1"].cell(*(n + 1 for n in where)).value == float(net.values["conv1.w"][0, 0, 0, 0])


def test_a_crop_has_formulas_for_a_part_of_the_image():
    net = question("2.2")
    plan, data = written(net, crop=(2, 2, 4, 3))
    grid = opened(data)["conv1"]
    result = plan.layout.sheet_of("conv1").result
    live = {index[2:] for index in result.indices() if grid.cell(*(n + 1 for n in result.cell(index))).data_type == "f"}
    assert live == {(i, j) for i in range(2, 6) for j in range(2, 5)}
    assert plan.part.count("relu1", (1, 3, 8, 8)) == 3 * 12
    assert plan.part.count("linear", (1, 10)) == 10


# Refusals


def test_what_is_too_large_is_refused_before_it_is_written(tmp_path):
    net = ss.load("type-2.2").with_sizes(k1=64, k2=64, n=64, m=64)
    plan = drawn(net.graph, net.values, np.zeros((1, 1, 64, 64)))
    with pytest.raises(UsageError) as caught:
        write_sheet(tmp_path / "net.xlsx", plan)
    told = str(plan.estimate)
    assert message(caught) == (
        f"the sheet of type-2.2 would have {told}\n  More than 200,000 formulas are refused: hardly a spreadsheet computes them.\n"
        "  Write a part of it: --layers conv1..pool2, or --crop TOP,LEFT,ROWS,COLUMNS of the image, or --values without formulas."
    )
    assert told.startswith("589,909 formulas, ")
    assert not list(tmp_path.iterdir())


def test_what_no_program_holds_is_refused():
    with pytest.raises(UsageError) as caught:
        refuse_large("vgg", Estimate(0, 20_000_000, 10_000_000, 40.0))
    assert message(caught) == (
        "the sheet of vgg would have 0 formulas, 20,000,000 cells, about 10.0 MB, about 40 s\n"
        "  Google Sheets takes 10,000,000 cells.\n  Write fewer layers: --layers conv1..pool2."
    )
    with pytest.raises(UsageError) as caught:
        refuse_large("vgg", Estimate(0, 20, 10, 1.0, 5, 20_000, "fc"))
    assert message(caught) == (
        "the sheet 'fc' of vgg would have 5 rows and 20,000 columns\n"
        "  A sheet has 1,048,576 rows and 16,384 columns at most.\n  Leave that layer out: --layers conv1..pool2."
    )


def test_an_estimate_is_near():
    for name, net in (("type-2.2", question("2.2")), ("lenet5", ss.load("lenet5"))):
        plan = drawn(net.graph, net.values, image_for(net))
        data, formulas = workbook(plan)
        assert 0.3 < plan.estimate.bytes / len(data) < 3, name
        assert formulas <= plan.estimate.formulas <= 1.25 * formulas, name


def test_what_is_wrong_with_a_call(tmp_path):
    net = question("2.2")
    image = image_for(net)
    cases = [
        (
            {"layers": "pool..conv1"},
            UsageError,
            "conv1 comes before pool\n  Write conv1..pool.",
        ),
        (
            {"layers": "conv9"},
            NetworkError,
            "type-2.2 has no layer 'conv9'\n  Its layers are input, conv1, relu1, conv2, relu2, pool, linear.\n  Name one of them.",
        ),
        (
            {"crop": (6, 0, 4, 4)},
            UsageError,
            "the crop 6,0,4,4 doesn't lie on the image\n  The image has 8 rows and 8 columns, counted from 0.\n"
            "  Give the top, left, rows and columns of a part of it.",
        ),
        (
            {"crop": (6, 0)},
            UsageError,
            "type-2.2 reads no image that could be cropped\n  A crop is the top, left, rows and columns of a part of it.\n"
            "  Leave the crop out.",
        ),
    ]
    for part, kind, text in cases:
        with pytest.raises(kind) as caught:
            net.sheet(image, tmp_path / "net.xlsx", **part)
        assert message(caught) == text
    with pytest.raises(FileError) as caught:
        net.sheet(image, tmp_path / "net.ods")
    assert message(caught) == "a sheet is an .xlsx file, not 'net.ods'\n  Name the file net.xlsx, say."
    with pytest.raises(SizeError) as caught:
        net.sheet(np.zeros((2, 1, 8, 8)), tmp_path / "net.xlsx")
    assert message(caught) == (
        "the sheet is for an input of (1, 1, 8, 8), and (2, 1, 8, 8) was given\n"
        "  Its formulas are those of one image, or of the declared batch.\n  Give one image."
    )
    with pytest.raises(UsageError) as caught:
        net.sheet(image * np.inf, tmp_path / "net.xlsx")
    assert message(caught) == (
        "input has numbers that are infinite or none at all\n  A cell of a spreadsheet holds finite numbers only.\n  Give others."
    )
    assert not list(tmp_path.iterdir())


def test_without_the_packages(tmp_path, monkeypatch):
    net = question("2.2")
    net.sheet(image_for(net), tmp_path / "net.xlsx")
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    with pytest.raises(MissingPackage) as caught:
        net.sheet(image_for(net), tmp_path / "net.xlsx")
    assert (
        message(caught) == "the sheet is written by XlsxWriter, which isn't installed\n  Install it: pip install 'slidesum[sheet]'."
    )
    with pytest.raises(MissingPackage) as caught:
        ss.Network.from_sheet(tmp_path / "net.xlsx")
    assert message(caught) == "the sheet is read by openpyxl, which isn't installed\n  Install it: pip install 'slidesum[sheet]'."


def test_the_same_network_gives_the_same_bytes():
    assert written(question("2.2"))[1] == written(question("2.2"))[1]


def test_what_no_formula_says_stays_a_number():
    """The maximum of nothing: windows that lie in the padding alone."""
    net = ss.Network("beyond")
    net.pool(net.input("b c i", b=1, c=1, i=4), "max b c i+u -> b c i", u=2, padding={"i": (3, 0)}, name="pool")
    _, data = written(net)
    sheet = opened(data)["pool"]
    assert sheet["B6"].value == "=NA()"
    assert sheet["A2"].value.endswith("2 cells hold numbers, no formulas")
    assert "pool: 2 cells hold numbers, since no formula says them." in [
        cell.value for row in opened(data)["Network"] for cell in row
    ]


def test_no_sheet_has_more_formulas_than_the_limit(monkeypatch):
    """All sheets count: what would go beyond is refused, and Explain has what room there is."""
    net = question("2.2")

    def planned(most):
        monkeypatch.setattr(limits, "MOST_FORMULAS", most)
        monkeypatch.setattr(book, "MOST_FORMULAS", most)
        return drawn(net.graph, net.values, image_for(net))

    least = planned(0).estimate.formulas  # without Explain
    explained = []
    for spare in (0, 300, 5000):
        plan = planned(least + spare)
        refuse_large("net", plan.estimate)
        assert workbook(plan)[1] <= plan.estimate.formulas <= least + spare
        explained.append(len(plan.panels.written))
    assert explained == sorted(set(explained))
    plan = planned(least - 1)
    with pytest.raises(UsageError, match=rf"^the sheet of net would have {least:,} formulas"):
        refuse_large("net", plan.estimate)
