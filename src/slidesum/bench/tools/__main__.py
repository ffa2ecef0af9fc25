"""Measure all tools, and write what they say: `python -m slidesum.bench.tools`, from the repository's root."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from slidesum.bench.tools import page, run
from slidesum.read.atomic import write_atomically

JSON, PAGE = Path("bench/tools.json"), Path("docs/tools.md")


def main() -> None:
    """Write bench/tools.json, and the measured part of docs/tools.md; `--page` only draws the page from the JSON again."""
    parser = argparse.ArgumentParser(prog="python -m slidesum.bench.tools", description=__doc__)
    parser.add_argument("--page", action="store_true", help="only draw the page again, from the JSON")
    if not parser.parse_args().page:
        results = run.measure(report=lambda text: print(text, file=sys.stderr))
        write_atomically(JSON, (json.dumps(results, indent=1, ensure_ascii=False) + "\n").encode())
    page.write(PAGE, json.loads(JSON.read_text(encoding="utf-8")))


if __name__ == "__main__":
    main()
