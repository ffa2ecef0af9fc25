/**
 * Where the cards of a network stand: ranks by the longest path, branches below each other, long chains broken into lines like text.
 *
 * Layered drawing (Sugiyama, Tagawa and Toda 1981): an edge that passes ranks holds a place in each, so that no card stands in its way.
 * A line may only end behind a card that all later ones depend on: there just one edge crosses.
 */

/**
 * @typedef {object} Box what is to be placed
 * @property {string} id
 * @property {string[]} inputs
 * @property {number} width
 * @property {number} height
 */

/**
 * @typedef {object} Spot a place for a box, or for an edge that passes (`box` is null): the middle of its height and its column
 * @property {Box | null} box
 * @property {number} rank
 * @property {Spot[]} before
 * @property {Spot[]} after
 * @property {number} height
 * @property {number} y
 */

/**
 * @typedef {object} Placed
 * @property {Map<string, { x: number, y: number, width: number, height: number, line: number }>} boxes
 * @property {{ from: string, to: string, path: string }[]} edges
 * @property {number} width
 * @property {number} height
 */

/** @typedef {{ left: number, right: number, y: number, line: number, isPassed: boolean }} Corner */

const COLUMN_GAP = 46;
const ROW_GAP = 26;
const LINE_GAP = 64;
const PASSING = 14;
const TURN = 26;

/**
 * @param {Box[]} boxes each behind those it reads
 * @param {number} aspect width over height of what it is to fill
 * @returns {Placed}
 */
export function placed(boxes, aspect) {
  const { ranks, edges } = spotsOf(boxes);
  for (const rank of ranks) inARow(rank);
  untangle(ranks);
  const cuts = cutsOf(ranks);
  settle(ranks, cuts);
  straighten(ranks);
  const columns = ranks.map((rank) => Math.max(0, ...rank.map((spot) => spot.box?.width ?? 0)));
  const lines = bestLines(ranks, columns, cuts, aspect);
  return drawn(ranks, edges, columns, lines);
}

/**
 * @param {Box[]} boxes
 * @returns {{ ranks: Spot[][], edges: Spot[][] }} the spots of each rank, and for each edge those that it passes, ends included
 */
function spotsOf(boxes) {
  /** @type {Map<string, Spot>} */
  const spots = new Map();
  /** @type {Spot[][]} */
  const ranks = [];
  /** @type {(box: Box | null, rank: number) => Spot} */
  const spot = (box, rank) => {
    const made = { box, rank, before: [], after: [], height: box?.height ?? PASSING, y: 0 };
    (ranks[rank] ??= []).push(made);
    return made;
  };
  for (const box of boxes) {
    const rank = Math.max(-1, ...box.inputs.map((input) => spots.get(input)?.rank ?? -1)) + 1;
    spots.set(box.id, spot(box, rank));
  }
  /** @type {Spot[][]} */
  const edges = [];
  for (const box of boxes) {
    const target = /** @type {Spot} */ (spots.get(box.id));
    for (const input of box.inputs) {
      const source = spots.get(input);
      if (!source) continue;
      const chain = [source];
      for (let rank = source.rank + 1; rank < target.rank; rank++) chain.push(spot(null, rank));
      chain.push(target);
      for (let k = 1; k < chain.length; k++) {
        chain[k - 1].after.push(chain[k]);
        chain[k].before.push(chain[k - 1]);
      }
      edges.push(chain);
    }
  }
  return { ranks, edges };
}

/**
 * Below each other, around the middle.
 * @param {Spot[]} rank
 */
function inARow(rank) {
  let y = -(rank.reduce((sum, spot) => sum + spot.height, 0) + ROW_GAP * (rank.length - 1)) / 2;
  for (const spot of rank) {
    spot.y = y + spot.height / 2;
    y += spot.height + ROW_GAP;
  }
}

/**
 * Orders the spots of each rank by the mean of their neighbours, to and fro.
 * @param {Spot[][]} ranks
 */
function untangle(ranks) {
  for (let sweep = 0; sweep < 6; sweep++) {
    const forward = sweep % 2 === 0;
    for (const rank of forward ? ranks : [...ranks].reverse()) {
      const wanted = new Map(rank.map((spot) => [spot, mean(forward ? spot.before : spot.after) ?? spot.y]));
      rank.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0));
      inARow(rank);
    }
  }
}

/**
 * @param {Spot[]} spots
 * @returns {number | null}
 */
function mean(spots) {
  return spots.length ? spots.reduce((sum, spot) => sum + spot.y, 0) / spots.length : null;
}

/**
 * The ranks behind which a line may end.
 * @param {Spot[][]} ranks
 * @returns {Set<number>}
 */
function cutsOf(ranks) {
  const cuts = new Set([ranks.length - 1]);
  ranks.forEach((rank, number) => {
    if (rank.filter((spot) => spot.after.length > 0).length === 1 && rank.every((spot) => spot.box)) cuts.add(number);
  });
  return cuts;
}

/**
 * Moves the spots towards their neighbours, in their order and apart from each other; what everything passes through stays in the middle.
 * @param {Spot[][]} ranks
 * @param {Set<number>} cuts
 */
function settle(ranks, cuts) {
  for (let sweep = 0; sweep < 14; sweep++) {
    for (const rank of sweep % 2 ? [...ranks].reverse() : ranks) {
      if (rank.length === 1 && cuts.has(rank[0].rank)) {
        rank[0].y = 0;
        continue;
      }
      const wanted = rank.map((spot) => mean([...spot.before, ...spot.after]) ?? spot.y);
      apart(rank, wanted);
    }
  }
}

/**
 * Spots that are each other's only neighbours come to stand on one line: by and by, since each of them may be held by its rank.
 * @param {Spot[][]} ranks
 */
function straighten(ranks) {
  const heads = ranks.flat().filter((spot) => !(spot.before.length === 1 && spot.before[0].after.length === 1));
  const chains = heads.map((head) => {
    const chain = [head];
    for (let spot = head; spot.after.length === 1 && spot.after[0].before.length === 1; [spot] = spot.after) chain.push(spot.after[0]);
    return chain;
  });
  for (let sweep = 0; sweep < 24; sweep++) {
    for (const chain of chains) {
      const cards = chain.filter((spot) => spot.box !== null);
      const y = mean(cards.length > 0 ? cards : chain) ?? 0;
      for (const spot of chain) spot.y = y;
    }
    for (const rank of ranks) apart(rank, rank.map((spot) => spot.y));
  }
}

/**
 * The least squares of the distances to what is wanted, with the gaps kept: pool adjacent violators. Cards weigh more than edges that
 * pass, so that these make room.
 * @param {Spot[]} rank
 * @param {number[]} wanted
 */
function apart(rank, wanted) {
  /** @type {{ sum: number, weight: number, spots: Spot[] }[]} */
  const pools = [];
  let offset = 0;
  /** @type {number[]} */
  const offsets = [];
  rank.forEach((spot, k) => {
    if (k > 0) offset += (rank[k - 1].height + spot.height) / 2 + ROW_GAP;
    offsets.push(offset);
    const weight = spot.box ? 1 : 0.05;
    pools.push({ sum: weight * (wanted[k] - offset), weight, spots: [spot] });
    while (pools.length > 1 && level(pools[pools.length - 2]) >= level(pools[pools.length - 1])) {
      const last = /** @type {typeof pools[0]} */ (pools.pop());
      const pool = pools[pools.length - 1];
      pool.sum += last.sum;
      pool.weight += last.weight;
      pool.spots.push(...last.spots);
    }
  });
  let k = 0;
  for (const pool of pools) for (const spot of pool.spots) spot.y = level(pool) + offsets[k++];
}

/**
 * @param {{ sum: number, weight: number }} pool
 * @returns {number}
 */
function level(pool) {
  return pool.sum / pool.weight;
}

/**
 * The way of breaking into lines that fills the frame best: each line the ranks from one number to another.
 * @param {Spot[][]} ranks
 * @param {number[]} columns
 * @param {Set<number>} cuts
 * @param {number} aspect
 * @returns {[number, number][]}
 */
function bestLines(ranks, columns, cuts, aspect) {
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
function drawn(ranks, edges, columns, lines) {
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
    path: chain.slice(1).map((spot, k) => joined(at.get(chain[k]), at.get(spot), gaps, width)).join(""),
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
    `q${-r} 0 ${-r} ${r}V${b.y - r}q0 ${r} ${r} ${r}H${b.left}`
  );
}
