"""Where the page's numbers come from: carried by it or asked for, the same to whoever looks; and sizes that the lab changes."""

import base64
import json
import math

import numpy as np
import pytest
from front_modules import front_modules
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import sized_problems

import slidesum as ss
from slidesum.core.axis import Address
from slidesum.laws.shape import solve
from slidesum.notation.parse import parse
from slidesum.show.explanation import explain
from slidesum.show.page.choose import pack_chosen
from slidesum.show.page.document import _type, sized_document
from slidesum.show.page.numbers import Packed, eight_bits
from slidesum.show.page.session import Session

QUICK = {"deadline": None, "derandomize": True, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.data_too_large]}
MODULES = ["contract.js", "source.js", "explain.js", "equation.js", "tensor.js", "sizing.js"]


def everything():
    """Layers of many kinds, none of them large."""
    net = ss.Network("everything")
    x = net.input("b c i j", b=1, c=3, i=7, j=6)
    a = net.conv(x, "b c i+u j+v, o c u v -> b o i j", o=4, u=3, v=3, padding="same", border="reflect", bias="o", name="a/reflect")
    a = net.norm(a, "batch", name="a/bn")
    b = net.conv(x, "b c i+u j+v, o u v -> b (c o) i j", o=2, u=3, v=3, padding="same", border="circular", bias="o", name="type1")
    b = net.norm(net.activation(b, "silu", name="silu"), "lrn", name="lrn")
    c = net.conv(x, "b c i+u j+v, c u v, o c -> b o i j", o=4, u=3, v=3, padding=1, bias="o", name="separable")
    x = net.concat([net.add(a, c, name="add"), b], name="concat")
    x = net.conv(x, "b c i j, c o u v -> b o 2*i+u-1 2*j+v-1", o=3, u=3, v=3, bias="o", name="transposed")
    x = net.activation(x, "clip", low=-1.0, high=math.inf, name="clip")
    x = net.pool(x, "b c 3*i+u 2*j+v -> b c i j", "max", u=3, v=3, padding=1, name="max")
    q = net.pool(x, "b c i j -> b i c", "mean", name="mean")
    x = net.conv([q, q], "b q c, b k c -> b q k", name="product")
    y = net.linear(net.flatten(x, name="flat"), 5, name="linear")
    net.softmax(y, name="softmax")
    net.initialise(2)
    return net


@pytest.fixture(scope="module")
def session():
    net = everything()
    return Session(net.graph, net.values, np.random.default_rng(1).standard_normal((1, 3, 7, 6)))


@pytest.fixture(scope="module")
def asked():
    """What was asked, in its order."""
    return []


@pytest.fixture(scope="module")
def call(browser, session, asked):
    def answered(text, parts):
        content = json.loads(text)
        asked.append({name: value for name, value in content.items() if name != "id"})
        told, buffers = session.answer(content, [base64.b64decode(part) for part in parts])
        return [json.dumps(told, allow_nan=False), [base64.b64encode(part).decode() for part in buffers]]

    with front_modules(browser, MODULES, answered=answered) as called:
        yield called


MODEL = """const fromText = (text) => new DataView(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)).buffer);
  const toText = (part) => btoa(String.fromCharCode(...new Uint8Array(part.buffer ?? part)));
  const told = (error) => ({ name: error.name, headline: error.headline, usual: error.usual, advice: error.advice });
  const modelOf = (text, numbers) => {
    const known = { document: JSON.parse(text), numbers: fromText(numbers) };
    const listeners = [];
    return {
      get: (name) => known[name],
      set: (name, value) => { known[name] = value; listeners.forEach(([event, one]) => event === `change:${name}` && one()); },
      on: (event, one) => listeners.push([event, one]),
      off: (event, one) => listeners.splice(listeners.findIndex((pair) => pair[1] === one), 1),
      send: async (content, _, buffers = []) => {
        const [answer, parts] = await window.answered(JSON.stringify(content), buffers.map(toText));
        for (const [event, one] of listeners.slice()) if (event === "msg:custom") one(JSON.parse(answer), parts.map(fromText));
      },
    };
  };"""


def carried(session, *, exact):
    """The document and the numbers of a page that answers by itself."""
    packed = Packed()
    document = session.document(answers="here")
    for name, array in session.values.items():
        packed.add(f"array:{name}", array)
    for name, array in session.maps.items():
        if exact:
            packed.add(f"exact:{name}", np.asarray(array, np.float32))
        else:
            eight, scale = eight_bits(array)
            packed.add(f"maps:{name}", eight, scale=scale)
    if not exact:
        document["chosen"] = pack_chosen(packed, session.graph, session.values, session.maps, 100_000)
        document["exact"] = "chosen"
    document["packed"] = packed.entries
    return [json.dumps(document, allow_nan=False), base64.b64encode(packed.joined()).decode()]


def assert_close(found, wanted, scale, where):
    match wanted:
        case dict():
            assert found.keys() == wanted.keys(), where
            for key, value in wanted.items():
                assert_close(found[key], value, scale, f"{where}.{key}")
        case list():
            assert len(found) == len(wanted), where
            for k, (one, other) in enumerate(zip(found, wanted, strict=True)):
                assert_close(one, other, scale, f"{where}[{k}]")
        case bool() | None | str():
            assert found == wanted, where
        case _:
            assert abs(found - wanted) <= 1e-12 * scale, (where, found, wanted)


def assert_same(session, found):
    node = session.graph[found["layer"]]
    wanted = json.loads(json.dumps(explain(session.graph, session.values, session.maps, node.name, found["at"]).document()))
    assert found.pop("inputs") == list(node.inputs)
    scale = 1 + max((abs(term["product"]) for term in wanted["terms"]), default=0)
    assert_close(found, wanted, scale, node.name)


def explainable(session):
    return [node for node in session.graph if type(node.op).__name__ not in ("Input", "Opaque")]


def test_a_page_with_all_numbers_explains_every_value_itself(call, session, asked):
    chance = np.random.default_rng(2)
    wanted = [
        [node.name, [int(chance.integers(n)) for n in session.maps[node.name].shape]]
        for node in explainable(session)
        for _ in range(4)
    ]
    code = f"""async (text, numbers, wanted) => {{
      {MODEL}
      const source = await front.createSource(modelOf(text, numbers));
      const found = [];
      for (const [name, at] of wanted) found.push([source.canExplain(name, at), await source.explain(name, at)]);
      const maps = await source.maps("a/bn");
      const w = await source.array("a/reflect.w");
      const refused = await source.edit({{ array: "linear.w", at: [0, 0], value: 1 }}).catch(told);
      const missing = await source.explain("input", [0, 0, 0, 0]).catch(told);
      const input = source.canExplain("input", [0, 0, 0, 0]);
      return {{ found, refused, missing, input, high: source.layer("clip").options.options,
        maps: [maps.shape, [...maps.data], maps.scale, maps.max], w: [w.shape, [...w.data], w.scale] }};
    }}"""
    del asked[:]
    (told,) = call(code, [[*carried(session, exact=True), wanted]])
    for can, why in told["found"]:
        assert can
        assert_same(session, why)
    bn, w = session.maps["a/bn"], session.values["a/reflect.w"]
    assert told["maps"] == [list(bn.shape), bn.ravel().tolist(), 1, float(np.abs(bn).max())]
    assert told["w"] == [list(w.shape), w.ravel().tolist(), 1]
    assert told["high"] == [-1, "Infinity"]  # a number there, as this call spells it
    assert told["input"] is False
    assert told["refused"] == {
        "name": "PageError",
        "headline": "nothing can be changed on this page",
        "usual": "It carries its numbers, and nothing that would compute others.",
        "advice": "Open the page with a server: --serve.",
    }
    assert told["missing"] == {
        "name": "PageError",
        "headline": "input is the input",
        "usual": "It isn't computed from anything.",
        "advice": "Choose a layer behind it.",
    }
    assert asked == []


def test_a_page_with_chosen_values_explains_those(call, session):
    text, numbers = carried(session, exact=False)
    chosen = json.loads(text)["chosen"]
    assert set(chosen) == {node.name for node in explainable(session)}
    code = f"""async (text, numbers) => {{
      {MODEL}
      const source = await front.createSource(modelOf(text, numbers));
      const found = [];
      for (const {{ name }} of source.document.layers) {{
        for (const at of source.chosen(name)) found.push([source.canExplain(name, at), await source.explain(name, at)]);
      }}
      const other = [0, 0, 6, 5];
      const maps = await source.maps("lrn");
      return {{ found, can: source.canExplain("add", other), why: await source.explain("add", other).catch(told),
        maps: [[...maps.data], maps.scale, maps.max] }};
    }}"""
    (told,) = call(code, [[text, numbers]])
    assert len(told["found"]) == sum(map(len, chosen.values())) > 20
    for can, why in told["found"]:
        assert can
        assert_same(session, why)
    eight, scale = eight_bits(session.maps["lrn"])
    assert told["maps"] == [eight.ravel().tolist(), scale, 127 * scale]
    assert [0, 0, 6, 5] not in [one["at"] for one in chosen["add"]]
    assert told["can"] is False
    assert told["why"] == {
        "name": "PageError",
        "headline": "the terms of add at 0, 0, 6, 5 don't travel with the page",
        "usual": "Only those of chosen values do; the marked ones.",
        "advice": "Choose a marked value, or open the page with a server: --serve.",
    }


def test_what_is_asked_is_kept_until_the_numbers_change(call, session, asked):
    code = f"""async (text) => {{
      {MODEL}
      const model = modelOf(text, "");
      const source = await front.createSource(model);
      let changes = 0;
      const stop = source.onChange(() => {{ changes += 1; }});
      const [maps, again] = await Promise.all([source.maps("linear"), source.maps("linear")]);
      const why = await source.explain("linear", [0, 2]);
      await source.explain("linear", [0, 2]);
      const answer = await source.edit({{ array: "linear.bias", at: [2], value: 0.5 }});
      const after = await source.maps("linear");
      const back = await source.reset();
      stop();
      const known = [changes, source.revision, source.prediction.best];
      model.set("document", model.get("document"));
      return {{ same: maps === again, shape: maps.shape, data: [...maps.data], scale: maps.scale, why, answer, back, known, changes,
        after: [...after.data].map((n) => n * after.scale), revision: source.revision }};
    }}"""
    document = session.document(answers="asked", editable=True)
    eight, scale = eight_bits(session.maps["linear"])
    bias = float(session.values["linear.bias"][2])
    why = explain(session.graph, session.values, session.maps, "linear", (0, 2)).document()
    del asked[:]
    (told,) = call(code, [[json.dumps(document)]])
    assert [one["ask"] for one in asked] == ["maps", "explain", "edit", "maps", "reset"]
    assert (told["same"], told["shape"], told["data"], told["scale"]) == (True, [1, 5], eight.ravel().tolist(), scale)
    assert told["why"].pop("inputs") == ["flat"]
    assert told["why"] == json.loads(json.dumps(why))
    changed = eight.ravel() * scale + np.array([0, 0, 0.5 - bias, 0, 0])
    assert told["after"] == pytest.approx(changed.tolist(), abs=2 * scale)
    assert told["answer"]["revision"] == document["revision"] + 1
    assert told["known"] == [2, document["revision"] + 2, document["prediction"]["best"]]
    assert told["back"]["prediction"] == document["prediction"]
    assert told["changes"] == 2
    assert told["revision"] == document["revision"]  # a new document begins anew


def test_what_goes_wrong_is_told_as_python_tells_it(call, session):
    code = f"""async (text) => {{
      {MODEL}
      const source = await front.createSource(modelOf(text, ""));
      const edited = await source.edit({{ array: "nothing.w", at: [0], value: 1 }}).catch(told);
      const image = await source.image(new Blob(["no picture"])).catch(told);
      const pixels = await source.pixels([1, 2, 3]).catch(told);
      let layer;
      try {{ source.layer("conv9"); }} catch (error) {{ layer = told(error); }}
      const waiting = source.asks.ask({{ ask: "maps", layer: "linear" }}).catch(told);
      source.close();
      return [edited, image, pixels, layer, await waiting];
    }}"""
    (told,) = call(code, [[json.dumps(session.document(answers="asked", editable=True))]])
    for content, buffers, found in (
        ({"ask": "edit", "array": "nothing.w", "at": [0], "value": 1}, [], told[0]),
        ({"ask": "image"}, [b"no picture"], told[1]),
        ({"ask": "pixels", "values": [1, 2, 3]}, [], told[2]),
    ):
        answer, _ = session.answer(content, buffers)
        assert found == {"name": "PageError", **answer["error"]}
    assert told[3]["headline"] == "there is no layer conv9"
    assert told[4]["headline"] == "the page was closed before it was answered"


def test_bytes_of_another_length_are_no_tensor(call):
    code = """(dtype, shape, length) => {
      try { return [...front.tensorOf(dtype, shape, new Uint8Array(length)).data]; } catch (error) { return error.message; }
    }"""
    assert call(code, [["int8", [2, 3], 6], ["float32", [], 4], ["float32", [2, 3], 23]]) == [
        [0] * 6,
        [0],
        "24 bytes are needed for 2×3 float32, not 23",
    ]


def test_numbers_may_begin_anywhere(call):
    code = """(offset) => {
      const bytes = new Uint8Array(new Float32Array([1.5, -2, 0.25, 7]).buffer);
      const moved = new Uint8Array(offset + 16);
      moved.set(bytes, offset);
      const packed = { dtype: "float32", shape: [2], offset: 4, bytes: 8 };
      return [...front.unpacked(new DataView(moved.buffer, offset), packed).data];
    }"""
    assert call(code, [[offset] for offset in range(5)]) == [[-2, 0.25]] * 5


# Sizes for the lab


def unsized(sized):
    """A sized equation with addresses for its slides, as the lab's types have them; strides by name are numbers."""
    document = sized_document(sized)
    for axes, operand in zip(
        (*sized.equation.operands, sized.equation.result), (*document["operands"], document["result"]), strict=True
    ):
        operand["axes"] = [
            {"address": known["slide"]["steps"], "constant": axis.constant} if isinstance(axis, Address) else known
            for axis, known in zip(axes.axes, operand["axes"], strict=True)
        ]
    return document


@settings(max_examples=10, **QUICK)
@given(st.lists(sized_problems(), min_size=12, max_size=12))
def test_sizes_are_solved_as_in_python(call, problems):
    asked, known = [], []
    for problem in problems:
        sized = problem.solve()
        read = {(slide.position, slide.extent) for (number, _), slide in sized.slides.items() if number >= 0}
        cells = {position: extent for position, extent in read if position is not None}
        if len(read) > len(cells):
            continue  # the lab has one extent for each position
        extents = {name: n for name, n in sized.extents.items() if name not in cells}
        asked.append([unsized(sized), extents, {"cells": cells, "padding": problem.padding, "border": problem.border}])
        known.append(sized_document(sized))
    for found, wanted in zip(call("front.sizedFrom", asked), known, strict=True):
        assert found == wanted


@pytest.mark.parametrize(
    ("text", "spelled", "sizing"),
    [
        (
            "b c i+u j+v, o c u v -> b o i j",
            "b c 2*i+2*u 2*j+2*v, o c u v -> b o i j",
            {"stride": 2, "dilation": 2, "padding": "same"},
        ),
        ("b c i+u j+v, o c u v -> b o i j", "b c 3*i+u j+v, o c u v -> b o i j", {"stride": {"i": 3}, "padding": {"j": [1, 2]}}),
        ("b c i-u j+v-1, o c u v -> b o i j", "b c i-u j+2*v-1, o c u v -> b o i j", {"dilation": {"j": 2}}),
        ("b c i-u j+v-1, o c u v -> b o i j", "b c 2*i-2*u 2*j+2*v-1, o c u v -> b o i j", {"stride": 2, "dilation": 2}),
    ],
)
def test_sliders_change_strides_and_dilations(call, text, spelled, sizing):
    extents = {"b": 1, "c": 3, "o": 4, "u": 3, "v": 2}
    equation = _type("own", text)["equation"]
    (found,) = call("front.sizedFrom", [[equation, extents, {"cells": {"i": 12, "j": 11}, **sizing}]])
    padding = sizing.get("padding", "valid")
    shapes = [(1, 3, 12, 11), (4, 3, 3, 2)]
    assert found == sized_document(solve(parse(spelled), shapes, padding=padding))


def test_a_position_with_several_addresses_stays_in_every_array(call):
    equation = _type("own", "i+v i+u, u v -> i")["equation"]
    (found,) = call("front.sizedFrom", [[equation, {"u": 2, "v": 4}, {"cells": {"i": 6}}]])
    assert found == sized_document(solve(parse("i+v i+u, u v -> i"), [(6, 6), (2, 4)]))


def test_a_window_that_doesnt_fit_is_told(call):
    code = """(equation, extents, sizing) => {
      try { return front.sizedFrom(equation, extents, sizing); } catch (e) { return [e.name, e.headline, e.usual, e.advice]; }
    }"""
    equation = _type("own", "b c i+u j+v, o u v -> b o i j")["equation"]
    whole = {"b": 1, "c": 2, "o": 3, "u": 5, "v": 3}
    batch = [
        [equation, whole, {"cells": {"i": 2, "j": 8}, "padding": 1}],
        [equation, {"b": 1, "c": 2}, {"cells": {"i": 8, "j": 8}}],
    ]
    assert call(code, batch) == [
        [
            "PageError",
            "the window of i spans 5 cells, and the input with its padding has 4",
            "The axis has 2 cells, padded by 1 before and 1 after.",
            "Make the filter smaller, or pad.",
        ],
        ["PageError", "the extent of u is open", None, "Give it."],
    ]
