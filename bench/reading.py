"""How long it takes to read ResNet-152 and print its table, beside torchinfo's summary, ptflops and calflops, by turns.

    python bench/reading.py [--rounds 5] [--model resnet152] [--parts]

The construction of the model isn't counted. torchinfo and the others run the model on an input of 1×3×224×224, as their users do;
slidesum runs it on tensors without memory. `--parts` tells what each way of capturing takes by itself. What isn't installed is left
out, and said.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from torchvision_models import torchvision

import slidesum as ss
from slidesum.read.torch_model import READERS, read_module


def contenders(module: Any, shape: tuple[int, ...]) -> dict[str, Callable[[], Any]]:
    """Everybody who is installed, by name: reads the model and makes the text of its table."""
    x = torch.zeros(shape)
    found: dict[str, Callable[[], Any]] = {"slidesum": lambda: str(ss.load(module, example=x).table())}
    with contextlib.suppress(ImportError):
        import torchinfo

        found["torchinfo"] = lambda: str(torchinfo.summary(module, shape, verbose=0))
    with contextlib.suppress(ImportError):
        import ptflops

        found["ptflops"] = lambda: ptflops.get_model_complexity_info(
            module, shape[1:], as_strings=True, print_per_layer_stat=True, verbose=False, ost=io.StringIO()
        )
    try:
        import calflops

        found["calflops"] = lambda: calflops.calculate_flops(module, input_shape=shape, print_results=True, print_detailed=True)
    except Exception as error:  # it asks for more than it says when installed
        print(f"calflops: {type(error).__name__}: {error}", file=sys.stderr)
    return found


def seconds(work: Callable[[], Any]) -> float:
    """The time of one call, whose prints go nowhere."""
    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        work()
    return time.perf_counter() - start


def main() -> None:
    """Time everybody by turns, and print medians and ratios."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--model", default="resnet152")
    options.add_argument("--parts", action="store_true")
    given = options.parse_args()
    shape = (1, 3, 224, 224)
    module = torchvision().models.get_model(given.model).eval()
    works = contenders(module, shape)
    if given.parts:
        x = torch.zeros(shape)
        works = {name: partial(read_module, module, [x], reader=name) for name in READERS}
    for work in works.values():  # what is imported and compiled at first isn't counted, for nobody
        seconds(work)
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(given.rounds):
        for name, work in works.items():
            times[name].append(seconds(work))
    middle = {name: statistics.median(found) for name, found in times.items()}
    first = next(iter(middle))
    print(f"{given.model}, {given.rounds} rounds by turns, medians")
    for name, found in middle.items():
        print(f"{name:14} {found * 1000:8.0f} ms   {first} takes {middle[first] / found:6.2f} of it")


if __name__ == "__main__":
    main()
