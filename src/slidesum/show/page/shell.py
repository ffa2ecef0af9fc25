"""The HTML of the served page: an empty shell that loads the page's code, and what stands there for who comes without the token.

The token is taken out of the address bar, where it would be read over a shoulder or copied with the address. So that the page can
be loaded again, the tab keeps it (`front/start.js`), and the locked page looks for it there.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from urllib.parse import quote

from slidesum.show.page.front import style

AGAIN = """
const address = new URL(location.href);
const token = sessionStorage.getItem("slidesum-token");
sessionStorage.removeItem("slidesum-token");
if (token && !address.searchParams.has("token")) location.replace(`/?token=${encodeURIComponent(token)}`);
"""
_AGAIN_HASH = b64encode(sha256(AGAIN.encode()).digest()).decode("ascii")

POLICY = "; ".join(
    (
        "default-src 'none'",
        f"script-src 'self' 'sha256-{_AGAIN_HASH}'",
        "style-src 'unsafe-inline'",
        "connect-src 'self'",
        "img-src data: blob:",
        "font-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""No request goes to anybody but this server."""


def shell(name: str, token: str) -> str:
    """The page of a network, which loads everything else with the token."""
    title, key = escape(name), quote(token, safe="")
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · slidesum</title>
<link rel="icon" href="data:,">
<link rel="modulepreload" href="/page.js?token={key}">
<style>
html, body {{ margin: 0; height: 100%; }}
{style()}
</style>
</head>
<body>
<div id="slidesum"><p style="font: 1rem system-ui; margin: 0; padding: 1rem">Loading {title} …</p></div>
<noscript>This page needs JavaScript; it sends nothing to anybody but this machine.</noscript>
<script type="module" src="/start.js?token={key}"></script>
</body>
</html>
"""


def locked(sentence: str) -> str:
    """What is shown to who has no token, unless the tab still has it."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="color-scheme" content="light dark">
<title>slidesum</title>
<link rel="icon" href="data:,">
</head>
<body>
<p style="font: 1rem system-ui; padding: 1rem; white-space: pre-line">{escape(sentence)}</p>
<script>{AGAIN}</script>
</body>
</html>
"""
