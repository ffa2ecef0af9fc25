/**
 * The ranks of a drawing broken into lines like text, and the paths of the edges between them.
 */

/** @import { Placed, Spot } from "./graph.js" */

/** @typedef {{ left: number, right: number, y: number, line: number, isPassed: boolean }} Corner */

const COLUMN_GAP = 46;
const LINE_GAP = 64;
const TURN = 26;

/**
 * The way of breaking into lines that fills the frame best: each line the ranks from one number to another.
 * @param {Spot[][]} ranks
 * @param {number[]} columns
 * @param {Set<number>} cuts
 * @param {number} aspect
 * @returns {[number, number][]}
 */
export function bestLines(ranks, columns, cuts, aspect) {
  const total = columns.reduce((sum, width) => sum + width + COLUMN_GAP, 0);
  let best = { fit: 0, lines: /** @type {[number, number][]} */ ([]) };
  for (let count = 1; count <= 24; count++) {
    const lines = broken(columns, cuts, total / count);
    const width = Math.max(...lines.map(([from, to]) => widthOf(columns, from, to)));
    const height = lines.reduce((sum, [from, to]) => sum + heightOf(ranks.slice(from, to + 1)) + LINE_GAP, 0);
    const fit = Math.min(aspect / width, 1 / height);
    if (fit > best.fit) best = { fit, lines };
  }
  return best.lines;
}

/**
 * @param {number[]} columns
 * @param {Set<number>} cuts
 * @param {number} most the width that a line should not pass
 * @returns {[number, number][]}
 */
function broken(columns, cuts, most) {
  /** @type {[number, number][]} */
  const lines = [];
  let from = 0;
  let end = -1;
  columns.forEach((_, rank) => {
    if (!cuts.has(rank)) return;
    if (end >= from && widthOf(columns, from, rank) > most + 1) {
      lines.push([from, end]);
      from = end + 1;
    }
    end = rank;
  });
  lines.push([from, end]);
  return lines;
}

/**
 * @param {number[]} columns
 * @param {number} from
 * @param {number} to
 * @returns {number}
 */
function widthOf(columns, from, to) {
  return columns.slice(from, to + 1).reduce((sum, width) => sum + width + COLUMN_GAP, 0);
}

/**
 * @param {Spot[][]} ranks
 * @returns {number}
 */
function heightOf(ranks) {
  const spots = ranks.flat();
  return Math.max(...spots.map((s) => s.y + s.height / 2)) - Math.min(...spots.map((s) => s.y - s.height / 2));
}

/**
 * @param {Spot[][]} ranks
 * @param {Spot[][]} edges
 * @param {number[]} columns
 * @param {[number, number][]} lines
 * @returns {Placed}
 */
export function drawn(ranks, edges, columns, lines) {
  /** @type {Placed["boxes"]} */
  const boxes = new Map();
  /** @type {Map<Spot, Corner>} */
  const at = new Map();
  const width = Math.max(...lines.map(([from, to]) => widthOf(columns, from, to))) - COLUMN_GAP;
  const gaps = [0];
  let top = 0;
  lines.forEach(([from, to], line) => {
    const spots = ranks.slice(from, to + 1).flat();
    const middle = top - Math.min(...spots.map((spot) => spot.y - spot.height / 2));
    let left = 0;
    for (let rank = from; rank <= to; rank++) {
      for (const spot of ranks[rank]) {
        const own = spot.box?.width ?? columns[rank];
        const x = left + (columns[rank] - own) / 2;
        const y = middle + spot.y;
        at.set(spot, { left: x, right: x + own, y, line, isPassed: spot.box === null });
        if (spot.box) boxes.set(spot.box.id, { x, y: y - spot.height / 2, width: own, height: spot.height, line });
      }
      left += columns[rank] + COLUMN_GAP;
    }
    top += heightOf(ranks.slice(from, to + 1)) + LINE_GAP;
    gaps.push(top - LINE_GAP / 2);
  });
  const paths = edges.map((chain) => ({
    from: chain[0].box?.id ?? "",
    to: chain[chain.length - 1].box?.id ?? "",
    path: chain
      .slice(1)
      .map((spot, k) => joined(at.get(chain[k]), at.get(spot), gaps, width))
      .join(""),
  }));
  return { boxes, edges: paths, width, height: top - LINE_GAP };
}

/**
 * From the right of one spot to the left of the next, and through it where nothing stands; round corners where the line ends.
 * @param {Corner | undefined} a
 * @param {Corner | undefined} b
 * @param {number[]} gaps
 * @param {number} width
 * @returns {string}
 */
function joined(a, b, gaps, width) {
  if (!a || !b) return "";
  if (a.line === b.line) {
    const half = (b.left - a.right) / 2;
    return `M${a.right} ${a.y}C${a.right + half} ${a.y} ${b.left - half} ${b.y} ${b.left} ${b.y}${b.isPassed ? `H${b.right}` : ""}`;
  }
  const gap = gaps[b.line];
  const right = Math.min(a.right, width) + TURN;
  const r = 14;
  return (
    `M${a.right} ${a.y}H${right - r}q${r} 0 ${r} ${r}V${gap - r}q0 ${r} ${-r} ${r}H${-TURN + r}` +
    `q${-r} 0 ${-r} ${r}V${b.y - r}q0 ${r} ${r} ${r}H${b.isPassed ? b.right : b.left}`
  );
}
