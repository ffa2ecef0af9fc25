/**
 * The sum of floating-point numbers as if it had been computed exactly and rounded once, whatever their order: what math.fsum gives.
 *
 * The running sum is kept as numbers that don't overlap (Shewchuk, "Adaptive precision floating-point arithmetic", 1997, section 2.5:
 * Grow-Expansion); at the end they are added from the largest down, and a tie is broken by the sign of what follows.
 *
 * @param {Iterable<number>} numbers
 * @returns {number} NaN where infinities of both signs meet
 */
export function exactSum(numbers) {
  /** @type {number[]} */
  const partials = []; // by growing magnitude, no two of them overlapping
  let beyond = 0; // the sum of what isn't finite, or of what grew beyond all numbers
  for (const number of numbers) {
    if (!Number.isFinite(number)) {
      beyond += number;
      continue;
    }
    let high = number;
    let used = 0;
    for (let k = 0; k < partials.length; k += 1) {
      const [larger, smaller] = Math.abs(high) < Math.abs(partials[k]) ? [partials[k], high] : [high, partials[k]];
      high = larger + smaller;
      const lost = smaller - (high - larger);
      if (lost !== 0) {
        partials[used] = lost;
        used += 1;
      }
    }
    partials.length = used;
    if (Number.isFinite(high)) partials.push(high);
    else beyond += high;
  }
  return beyond === 0 ? roundedOnce(partials) : beyond;
}

/**
 * @param {number[]} partials
 * @returns {number}
 */
function roundedOnce(partials) {
  let k = partials.length - 1;
  if (k < 0) return 0;
  let high = partials[k];
  let low = 0;
  while (k > 0 && low === 0) {
    k -= 1;
    const before = high;
    high = before + partials[k];
    low = partials[k] - (high - before);
  }
  // what was lost is half a unit at most; were it exactly half, the rest says to which side
  if (k > 0 && low !== 0 && Math.sign(low) === Math.sign(partials[k - 1])) {
    const doubled = 2 * low;
    const other = high + doubled;
    if (doubled === other - high) high = other;
  }
  return high;
}
