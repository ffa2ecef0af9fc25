"""The command in a process of its own."""

import os
import subprocess
import sys

COMMAND = [sys.executable, "-m", "slidesum.cli"]


def environment(**more):
    return {**os.environ, "COLUMNS": "100", **more}


def slidesum(*arguments, cwd=None, **more):
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, env=environment(**more), cwd=cwd, check=False
    )
