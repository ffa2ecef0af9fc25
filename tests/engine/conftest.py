"""Small programs of the tests have helpers too, as large ones do."""

import pytest


@pytest.fixture(autouse=True)
def _with_helpers(monkeypatch):
    pytest.importorskip("llvmlite")
    monkeypatch.setattr("slidesum.engine.whole.program.ALONE", -1)
