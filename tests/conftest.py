"""Makes the folders of tests importable whose files are shared: `strategies.py`, `process.py`, `walkthrough.py` and others."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE / "cli"), str(HERE / "engine"), str(HERE / "show" / "page")]
