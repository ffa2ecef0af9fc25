/**
 * Terms below each other: where every input map has just one, and for what is no equation.
 */

/** @import { Explanation } from "./contract.js" */
/** @import { Most, Part } from "./arithmetic.js" */
/** @import { Shown } from "./digits.js" */

import { factorText, termData } from "./arithmetic.js";
import { inked } from "./colour.js";
import { h } from "./dom.js";

/**
 * In two columns where there are many.
 * @param {{ part: Part, numbers: number[] }[]} lists the numbers of the terms to show, part by part
 * @param {Explanation} why
 * @param {Shown} texts
 * @param {Most} most
 * @param {Uint32Array} colours
 * @returns {HTMLElement}
 */
export function tableOf(lists, why, texts, most, colours) {
  const { terms } = why;
  const filters = terms[0]?.weights.map(({ filter }) => filter) ?? [];
  const hasPart = filters.length > 0 || terms.some((term) => !Object.is(term.product, term.value));
  const partTitle = filters.length ? "product" : why.reduce === "sum" ? "summand" : "part";
  const head = [
    "reads",
    "value",
    ...filters.flatMap((filter) => ["×", filter]),
    ...(hasPart ? [filters.length ? "=" : "→", partTitle] : []),
  ];
  const rows = lists.flatMap(({ part, numbers }) =>
    numbers.map((number) => {
      const term = terms[number];
      return h(
        "tr",
        {
          ...termData(term, part.map, texts.products[number]),
          class: `${term.in_border ? "in-border" : ""} ${term.winner ? "is-winner" : ""}`,
        },
        h("td", { class: "reads" }, `${term.from ? `${term.from} ` : ""}[${term.cell.join(", ")}]`),
        tinted(hasPart ? factorText(term.value) : texts.products[number], term.value, most.value),
        term.weights.flatMap(({ weight }) => [h("td", { class: "quiet" }, "×"), tinted(factorText(weight), weight, most.weight)]),
        hasPart
          ? [h("td", { class: "quiet" }, filters.length ? "=" : "→"), tinted(texts.products[number], term.product, most.product)]
          : [],
      );
    }),
  );
  const half = rows.length > 8 ? Math.ceil(rows.length / 2) : rows.length;
  return h("div", { class: "tables" }, [rows.slice(0, half), rows.slice(half)].filter((some) => some.length).map(oneTable));

  /** @param {HTMLElement[]} some */
  function oneTable(some) {
    return h(
      "table",
      { class: "terms" },
      h(
        "thead",
        {},
        h(
          "tr",
          {},
          head.map((title) => h("th", {}, title)),
        ),
      ),
      h("tbody", {}, some),
    );
  }

  /**
   * @param {string} text
   * @param {number} number
   * @param {number} scale
   */
  function tinted(text, number, scale) {
    const { ground, ink } = inked(colours, number, scale);
    return h("td", { title: String(number) }, h("span", { class: "cell", style: { background: ground, color: ink } }, text));
  }
}
