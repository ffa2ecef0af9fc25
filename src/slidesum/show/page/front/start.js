/**
 * Begins a served page: takes the token out of the address bar, loads the front end and the document with it, and renders.
 *
 * The tab keeps the token, so that the page can be loaded again; nobody else reads a tab's storage.
 */

import { remoteModel } from "./remote.js";

const TOKEN_KEY = "slidesum-token";

/** Loads and renders; what fails is said in place of the page. */
export async function startServed() {
  const token = new URLSearchParams(location.search).get("token") ?? "";
  history.replaceState(null, "", location.pathname);
  keepToken(token);
  const home = /** @type {HTMLElement} */ (document.getElementById("slidesum"));
  const told = async () => {
    const response = await fetch("/document", { headers: { "X-Slidesum-Token": token } });
    if (!response.ok) throw new Error(`the server answers ${response.status}`);
    return response.json();
  };
  try {
    const [{ default: page }, first] = await Promise.all([import(`/page.js?token=${encodeURIComponent(token)}`), told()]);
    home.replaceChildren();
    await page.render({ model: remoteModel("/ask", token, first, told), el: home });
  } catch (error) {
    home.textContent = `The page could not be loaded. ${error}`;
    throw error;
  }
}

/** @param {string} token */
function keepToken(token) {
  try {
    sessionStorage.setItem(TOKEN_KEY, token);
  } catch {
    // a browser that stores nothing: then the page can't be loaded again
  }
}

startServed();
