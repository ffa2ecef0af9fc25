"""Pages of the site that are drawn from the code: the reference from docstrings, the command's help, and the map.

Called by mkdocs while it builds (see mkdocs.yml). What stands in the code is written there, once.
"""

from __future__ import annotations

import importlib
import inspect
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]

MODULES = {"slidesum": "ss", "slidesum.torch": "ss.torch"}
"""What the reference tells about, and how it is called there."""

WIDTH = 90
"""A longer signature has a line for each parameter."""

FETCHED = re.compile(r"""<(?:script|img|iframe|source|link(?![^>]*rel="canonical"))[^>]*(?:src|href)=["']?(?:https?:)?//[^>]*>""")


def on_config(config: Any) -> Any:
    """A folder in the navigation stands for its pages, so that a page more is one file more."""
    config.nav = _unfolded(config.nav)
    return config


def _unfolded(nav: list[Any]) -> list[Any]:
    unfolded: list[Any] = []
    for entry in nav:
        match entry:
            case dict() as named:
                ((title, where),) = named.items()
                if isinstance(where, str) and where.endswith("/"):
                    where = [f"{where}{path.name}" for path in sorted((ROOT / "docs" / where).glob("*.md"), key=_index_first)]
                elif isinstance(where, list):
                    where = _unfolded(where)
                unfolded += [{title: where}] if where else []
            case _:
                unfolded.append(entry)
    return unfolded


def _index_first(path: Path) -> tuple[bool, str]:
    return path.name != "index.md", path.name


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that no file holds."""
    from mkdocs.structure.files import File

    files.append(File.generated(config, "reference.md", content=reference()))
    files.append(File.generated(config, "architecture.md", content=architecture()))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put a command's help where a page says `<!-- help: show -->`, and show examples without what only doctest needs."""
    if "<!-- help: -->" in markdown:
        _check_told(re.findall(r"<!-- help: (\w[\w-]*) -->", markdown))
    markdown = re.sub(r"<!-- help: ?(\w[\w-]*)? -->", lambda found: f"```text\n{command_help(found[1])}\n```", markdown)
    markdown = re.sub(r"^<BLANKLINE>$| +# doctest: .*$", "", markdown, flags=re.MULTILINE)
    return markdown.replace("```python\n>>>", "```pycon\n>>>")


def on_post_build(config: Any, **_: Any) -> None:
    """No page may ask another server for anything: links to click are all that leads out."""
    from mkdocs.exceptions import PluginError

    for path in Path(config.site_dir).rglob("*.html"):
        if asked := FETCHED.search(path.read_text(encoding="utf-8")):
            raise PluginError(f"{path.name} fetches from elsewhere: {asked[0]}")


def command_help(command: str | None) -> str:
    """What `slidesum COMMAND --help` prints."""
    code = "from slidesum.cli import main; main()"
    call = [sys.executable, "-c", code, *([command] if command else []), "--help"]
    said = subprocess.run(call, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"})
    return said.stdout.strip().replace("Usage: -c", "Usage: slidesum")


def _check_told(told: list[str]) -> None:
    """A command that the page leaves out, or that there is none of, ends the build."""
    from mkdocs.exceptions import PluginError

    _, _, listed = command_help(None).partition("Commands:\n")
    if wrong := set(re.findall(r"^  ([a-z][\w-]*)  ", listed, re.MULTILINE)) ^ set(told):
        raise PluginError(f"docs/command.md and the command disagree about {', '.join(sorted(wrong))}")


def architecture() -> str:
    """ARCHITECTURE.md, with its links from where it is shown."""
    return (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8").replace("](docs/", "](")


def reference() -> str:
    """Every public name with its signature and what it says of itself."""
    lines = ["# Python", "", "`import slidesum as ss`. Errors are all of the family `ss.SlidesumError`.", ""]
    for module, alias in MODULES.items():
        home = importlib.import_module(module)
        for name in sorted(home.__all__, key=lambda name: (name[0].isupper(), name)):
            thing = getattr(home, name)
            if not inspect.ismodule(thing):
                lines += _entry(f"{alias}.{name}", thing)
    return "\n".join(lines)


def _entry(name: str, thing: Any) -> Iterator[str]:
    yield f"## {name}"
    yield ""
    yield from _signature(name, thing)
    yield markdown_of(inspect.getdoc(thing) or "")
    yield ""
    if inspect.isclass(thing) and not issubclass(thing, Exception):
        for member, found in _members(thing):
            yield f"### {name.rpartition('.')[2]}.{member}"
            yield ""
            if callable(found):
                yield from _signature(f".{member}", found)
            yield markdown_of(inspect.getdoc(found) or "")
            yield ""


def _signature(name: str, thing: Callable[..., Any]) -> Iterator[str]:
    """As it is called, without annotations: these are in the code."""
    try:
        signature = inspect.signature(thing)
    except ValueError:
        return
    kept = [
        one.replace(annotation=inspect.Parameter.empty) for one in signature.parameters.values() if one.name not in ("self", "cls")
    ]
    plain = signature.replace(parameters=kept, return_annotation=inspect.Signature.empty)
    written = f"{name}{plain}"
    if len(written) > WIDTH:
        written = f"{name}(\n" + "".join(f"    {one},\n" for one in kept) + ")"
    yield f"```python\n{written}\n```\n"


def _members(thing: type) -> Iterator[tuple[str, Any]]:
    """Its own methods and properties that say something of themselves."""
    for member, found in vars(thing).items():
        inner = getattr(found, "__func__", found)
        if not member.startswith("_") and inspect.getdoc(inner) and (inspect.isfunction(inner) or isinstance(found, property)):
            yield member, inner


def markdown_of(docstring: str) -> str:
    """A docstring as Markdown: only its examples need a fence.

    >>> markdown_of("Adds.\\n\\n>>> 1 + 1\\n2").splitlines()
    ['Adds.', '', '```python', '>>> 1 + 1', '2', '```']
    """
    parts = docstring.split("\n\n")
    return "\n\n".join(f"```python\n{part.rstrip()}\n```" if part.lstrip().startswith(">>>") else part for part in parts)
