"""Makes `tests/` and `tests/cli/` importable, so that test files share `strategies.py` and `process.py`."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "cli")]
