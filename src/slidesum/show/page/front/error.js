/**
 * What went wrong, for the user: what, what is usually meant, and what to do instead. As `slidesum.errors` has it.
 */
export class PageError extends Error {
  /**
   * @param {string} headline
   * @param {{ usual?: string | null, advice?: string | null }} [told]
   */
  constructor(headline, { usual = null, advice = null } = {}) {
    super([headline, usual, advice].filter(Boolean).join(" "));
    this.name = "PageError";
    this.headline = headline;
    this.usual = usual;
    this.advice = advice;
  }
}
