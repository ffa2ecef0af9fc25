"""For the tests and for every example that is executed: a window of 100 columns, and a place of their own for machine code."""

import os
from pathlib import Path

os.environ["COLUMNS"] = "100"
os.environ.setdefault("SLIDESUM_CACHE", str(Path(__file__).parent / ".pytest_cache" / "slidesum"))
