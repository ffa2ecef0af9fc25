"""Who is let in: whoever has the token, from this machine, from the server's own page.

    method   GET and POST                                                  405
    Host     127.0.0.1, localhost or [::1], with the server's port         403: another name was pointed at this machine
    Origin   the same address, where a browser names one                   403: another page asks
    token    ?token=… of a GET, or the header X-Slidesum-Token             403

Every answer says that it is kept nowhere, shown in no frame, taken for what it says it is, and that its page asks nobody else.
"""

from __future__ import annotations

import secrets
from typing import Final, final

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from slidesum.show.page.frame import Refused, json_bytes
from slidesum.show.page.session import error_document
from slidesum.show.page.shell import POLICY, locked

TOKEN_HEADER: Final = "x-slidesum-token"
HEADERS: Final = {
    "cache-control": "no-store",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}


@final
class Guard:
    """An application, and before it the questions of the table above."""

    def __init__(self, app: ASGIApp, token: str, port: int) -> None:
        self._app = app
        self._token = token.encode()
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def headed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        try:
            self._check(scope)
        except Refused as refusal:
            answer = HTMLResponse(locked(str(refusal)), refusal.status) if scope["method"] == "GET" else refused(refusal)
            await answer(scope, receive, headed)
            return
        await self._app(scope, receive, headed)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        if scope["method"] not in ("GET", "POST"):
            raise Refused(405, f"{scope['method']} is nothing that this server does", advice="Send GET or POST.")
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            raise Refused(403, "this server answers for its own address only", advice="Open the address that the command printed.")
        if any(origin != f"http://{hosts[0]}" for origin in headers.getlist("origin")):
            raise Refused(403, "another page may not ask this server", advice="Open the address that the command printed.")
        given = headers.get(TOKEN_HEADER) or (scope["method"] == "GET" and QueryParams(scope["query_string"]).get("token")) or ""
        if not secrets.compare_digest(given.encode("utf-8", "replace"), self._token):
            raise Refused(403, "this page opens with its token only", advice="Open the address that the command printed.")


def refused(refusal: Refused) -> Response:
    """The answer to what isn't answered."""
    return Response(json_bytes(error_document(refusal)), refusal.status, media_type="application/json")
