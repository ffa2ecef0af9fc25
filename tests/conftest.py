"""Makes `tests/`, `tests/cli/` and `tests/show/page/` importable, so that test files share `strategies.py`, `process.py` and `walkthrough.py`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "cli"), str(HERE / "show" / "page")]
