"""Makes `tests/`, `tests/cli/` and `tests/engine/` importable, so that test files share what they draw from."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "cli"), str(HERE / "engine")]
