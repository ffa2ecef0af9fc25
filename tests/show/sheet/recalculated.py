"""Workbooks without their cached values, computed by LibreOffice: what the formulas themselves say."""

import io
import re
import shutil
import subprocess
import zipfile

import numpy as np
import openpyxl

VALUE = re.compile(rb"(<c [^>]*>)(<f>.*?</f>)<v>.*?</v>")


def uncached(data: bytes) -> bytes:
    """The workbook with the values of its formulas taken away."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            text = source.read(name)
            if name.startswith("xl/worksheets/"):
                text = VALUE.sub(rb"\1\2", text)
                assert b"</f><v>" not in text
            target.writestr(name, text)
    return out.getvalue()


def edited(data: bytes, changes) -> bytes:
    """The workbook with other numbers in some cells: {(sheet, row, column): number}, counted from 0."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        book = source.read("xl/workbook.xml").decode()
        names = [re.sub("&amp;", "&", name) for name in re.findall(r'<sheet name="([^"]*)"', book)]
        for name in source.namelist():
            text = source.read(name)
            found = re.fullmatch(r"xl/worksheets/sheet(\d+)\.xml", name)
            for (sheet, row, column), number in changes.items():
                if found and names[int(found[1]) - 1] == sheet:
                    cell = openpyxl.utils.get_column_letter(column + 1) + str(row + 1)
                    text, count = re.subn(rf'(<c r="{cell}"[^>]*><v>)[^<]*(</v>)'.encode(), rf"\g<1>{number!r}\g<2>".encode(), text)
                    assert count == 1, (sheet, cell)
            target.writestr(name, text)
    return out.getvalue()


def recalculated(books, folder):
    """What LibreOffice makes of them, all in one call: by name, workbooks as openpyxl reads them."""
    soffice = shutil.which("soffice")
    assert soffice, "LibreOffice is missing: apt-get install --no-install-recommends libreoffice-calc"
    (folder / "out").mkdir()
    for name, data in books.items():
        (folder / f"{name}.xlsx").write_bytes(uncached(data))
    paths = [str(folder / f"{name}.xlsx") for name in books]
    profile = f"-env:UserInstallation=file://{folder}/profile"
    command = [
        soffice,
        profile,
        "--headless",
        "--convert-to",
        "xlsx:Calc MS Excel 2007 XML",
        "--outdir",
        str(folder / "out"),
        *paths,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=300)
    return {name: grids(folder / "out" / f"{name}.xlsx") for name in books}


def grids(path):
    """The cells of every sheet, row by row."""
    book = openpyxl.load_workbook(path, data_only=True, read_only=True)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def array_in(grid, area):
    """The numbers of an array on a sheet."""
    found = np.empty(area.shape)
    for index in area.indices():
        row, column = area.cell(index)
        value = grid[row][column]
        assert isinstance(value, int | float), (area.sheet, index, value)
        found[index] = value
    return found
