"""The page's modules in a browser, called with JSON from here: one call a batch, since every call costs a millisecond.

    with front_modules(browser) as call:
        call("(sized, at) => front.readings(sized, at).length", [[sized, (0, 3)], [sized, (0, 4)]])   # -> [9, 9]

`front` holds what all modules export. NaN and infinity go either way as the words that the page knows.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import slidesum.show.page
from slidesum.show.formula import finite

FRONT = Path(slidesum.show.page.__file__).parent / "front"
HOME = "http://front.test/"

Call = Callable[[str, Sequence[Sequence[Any]]], list[Any]]

LOAD = """async (names) => {
  const modules = await Promise.all(names.map((name) => import(`/${name}`)));
  window.front = Object.assign({}, ...modules);
  const word = (key, value) => (typeof value === "number" && !Number.isFinite(value) ? String(value) : value);
  window.batch = async (code, text) => {
    const run = eval(code);
    const found = [];
    for (const args of front.revived(JSON.parse(text))) found.push(await run(...args));
    return JSON.stringify(found, word);
  };
}"""


@contextmanager
def front_modules(browser: Any, names: Sequence[str], **exposed: Callable[..., Any]) -> Iterator[Call]:
    """A tab that has loaded these modules; call it with a JavaScript function and the arguments of every call.

    `exposed` are functions of Python that JavaScript may call by these names.
    """
    context = browser.new_context()
    page = context.new_page()
    for name, function in exposed.items():
        page.expose_function(name, function)

    def serve(route: Any) -> None:
        name = route.request.url.removeprefix(HOME)
        if name:
            route.fulfill(body=(FRONT / name).read_text("utf-8"), content_type="text/javascript")
        else:
            route.fulfill(body="<!doctype html>", content_type="text/html")

    page.route("**/*", serve)
    page.goto(HOME)
    page.evaluate(LOAD, list(names))

    def call(code: str, batch: Sequence[Sequence[Any]]) -> list[Any]:
        text = page.evaluate("([code, text]) => batch(code, text)", [code, json.dumps(finite(list(batch)), allow_nan=False)])
        return json.loads(text, parse_int=_number)

    yield call
    context.close()


def tensor_sent(array: Any) -> dict[str, Any]:
    """An array with its shape, for a tensor there."""
    return {"shape": list(array.shape), "data": array.ravel().tolist()}


def _number(text: str) -> int | float:
    """JavaScript writes a large number without a point."""
    return int(text) if abs(int(text)) < 2**53 else float(text)
