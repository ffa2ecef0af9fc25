"""The page as one file: its size and what is told of it, what it refuses, what it can't be made to do, and that it opens."""

import re
import socket
from collections import Counter

import numpy as np
import pytest

import slidesum as ss
from slidesum.errors import SpaceError
from slidesum.show.page import html
from slidesum.show.page.front import modules, script, style
from slidesum.show.page.html import POLICY, estimate, page, write_page
from slidesum.show.page.session import Session

DECLARED = re.compile(
    r"^(?:export )?(?:async )?(?:function\*?|class|const|let|var) +(?:([\w$]+)|[\[{]([^=]*?)[\]}] *=)", re.MULTILINE
)
TRIES = """
async (address) => {
  const failed = [];
  const loads = (tag, name) => new Promise((resolve) => {
    const node = Object.assign(document.createElement(tag), { src: address });
    node.addEventListener("error", () => resolve(failed.push(name)));
    node.addEventListener("load", resolve);
    document.body.append(node);
  });
  await fetch(address).catch(() => failed.push("fetch"));
  await loads("img", "image");
  await loads("script", "script");
  return failed;
}
"""
HOSTILE = "</script><img src=x onerror=alert(1)>"


@pytest.mark.parametrize(("name", "most"), [("lenet", 500_000), ("googlenet", 12_000_000)])
def test_sizes_are_kept_and_told_before(name, most, request):
    net = request.getfixturevalue(name)
    image = request.getfixturevalue({"lenet": "digit", "googlenet": "china"}[name])
    size = request.getfixturevalue(f"{name}_page").stat().st_size
    told = estimate(Session(net.graph, net.values, image))
    assert size <= told.bytes <= 1.4 * size
    assert size <= most
    assert told.exact == (name == "lenet")


def test_estimates_as_told(lenet, digit, googlenet, china):
    told = str(estimate(Session(lenet.graph, lenet.values, digit)))
    assert re.fullmatch(r"about 0\.\d MB: every value explained exactly", told)
    told = str(estimate(Session(googlenet.graph, googlenet.values, china)))
    assert re.fullmatch(r"about \d+\.\d MB: maps in eight bits, chosen values explained exactly", told)


def test_the_same_network_makes_the_same_file(lenet, digit, lenet_page):
    assert page(Session(lenet.graph, lenet.values, digit)) == lenet_page.read_text("utf-8")


def test_the_joined_module_has_no_import_and_no_name_twice():
    joined = script()
    assert re.findall(r"^\s*import\b.*", joined, re.MULTILINE) == []
    assert re.findall(r"\bimport\s*\(", joined) == []
    assert re.findall(r"^export .*", joined, re.MULTILINE) == ["export default { render };"]
    names = Counter(
        name.split(":")[-1].strip()
        for text in modules().values()
        for one, several in DECLARED.findall(text)
        for name in (several or one).split(",")
    )
    assert len(names) > 200
    assert [name for name, count in names.items() if count > 1] == []


def test_no_other_host_is_named(lenet_page):
    namespaces = {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xhtml", "http://www.w3.org/1999/xlink"}
    text = script() + style() + re.sub(r">[A-Za-z0-9+/=]{200,}<", "><", lenet_page.read_text("utf-8"))
    assert set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"'`)]*", text)) <= namespaces
    assert re.findall(r"@import|@font-face|url\((?!data:)", style()) == []


def test_the_policy_lets_nothing_out(watched, lenet_page):
    assert POLICY.startswith("default-src 'none'; ")
    assert "connect-src" not in POLICY
    watched.page.goto(lenet_page.as_uri())
    watched.page.wait_for_selector("[data-testid=overview]")
    assert watched.errors == []
    assert watched.outside("file:") == []
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        address = f"http://127.0.0.1:{somebody.getsockname()[1]}/a"
        assert watched.page.evaluate(TRIES, address) == ["fetch", "image", "script"]
        somebody.settimeout(0.5)
        with pytest.raises(TimeoutError, match=r"^timed out$"):
            somebody.accept()
    assert watched.errors
    assert all("Content Security Policy" in error for error in watched.errors)


def test_a_page_that_no_browser_would_show(monkeypatch, tmp_path, lenet, digit):
    monkeypatch.setattr(html, "estimate", lambda session: html.Estimate(1_234_000_000, False))
    with pytest.raises(SpaceError) as error:
        write_page(tmp_path / "page.html", Session(lenet.graph, lenet.values, digit))
    assert str(error.value) == (
        "the page would take 1,234 MB\n  More than 100 MB are refused.\n  Look at it with --serve, which sends what is looked at."
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_shown_as_such(watched, tmp_path, lenet, digit, number):
    values = {**lenet.values, "C1.bias": lenet.values["C1.bias"].copy()}
    values["C1.bias"][2] = number
    path = tmp_path / "page.html"
    write_page(path, Session(lenet.graph, values, digit))
    watched.page.goto(path.as_uri())
    watched.page.wait_for_selector("[data-testid='card:C1'] [data-drawn], [data-testid='card:C1'][data-drawn=yes]")
    watched.page.click("[data-testid='card:C1'] .card-open")
    watched.page.fill("[data-testid=place]", "0, 2, 3, 4")
    watched.page.press("[data-testid=place]", "Enter")
    watched.page.wait_for_selector("[data-testid=pixel][data-explained='0,2,3,4']")
    shown = watched.page.inner_text("[data-testid=pixel] [data-testid=value]")
    assert shown == {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(number)]
    watched.page.click("[data-testid='tab:prediction']")
    watched.page.wait_for_selector("[data-testid='trace:value']")
    assert watched.errors == []


def test_names_of_strangers_are_text(watched, tmp_path):
    net = ss.Network(HOSTILE)
    x = net.input("b c i j", b=1, c=2, i=5, j=5, name="x")
    y = net.conv(x, "b c i+u j+v, o c u v -> b o i j", o=3, u=3, v=3, bias="o", name="conv")
    net.linear(net.flatten(y), 3, name="out")
    net.initialise(0)
    path = tmp_path / "page.html"
    write_page(path, Session(net.graph, net.values, np.ones((2, 5, 5), "float32")))
    text = path.read_text("utf-8")
    assert HOSTILE not in text
    watched.page.on("dialog", lambda dialog: watched.errors.append(dialog.message))
    watched.page.goto(path.as_uri())
    watched.page.wait_for_selector("[data-testid=overview]")
    assert watched.page.inner_text("h1") == HOSTILE
    assert watched.page.title() == f"{HOSTILE} · slidesum"
    for tab in ("layer", "types", "prediction", "network"):
        watched.page.click(f"[data-testid='tab:{tab}']")
    assert watched.page.query_selector("img") is None
    assert watched.errors == []
    assert watched.outside("file:") == []
