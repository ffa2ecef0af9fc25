"""The page from a server on this machine: `slidesum page MODEL IMAGE --serve`.

    GET  /?token=…   the shell           (`shell`)
    GET  /start.js   what begins         (`front/start.js`)
    GET  /page.js    the front end       (`front`)
    GET  /document   what the page knows of the network
    POST /ask        an ask and its answer, each one frame (`frame`), answered by the session

It listens on 127.0.0.1 only, and lets in who has the token (`guard`). An ask that is well formed is answered with status 200, also
where the answer is an error; only what is no ask gets another one, and JSON that says why.
"""

from __future__ import annotations

import asyncio
import errno
import secrets
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from slidesum.errors import MissingPackage, UsageError

try:
    import uvicorn
    from starlette.applications import Starlette
    from starlette.concurrency import run_in_threadpool
    from starlette.exceptions import HTTPException
    from starlette.requests import ClientDisconnect, Request
    from starlette.responses import HTMLResponse, Response
    from starlette.routing import Route
except ModuleNotFoundError as error:
    raise MissingPackage(
        f"the server needs {str(error.name).split('.')[0]}, which isn't installed",
        advice="Install it: pip install 'slidesum[page]'.",
    ) from None

from slidesum.show.page.frame import LARGEST_PARTS, Refused, Stream, frame, head, json_bytes, parts
from slidesum.show.page.front import script
from slidesum.show.page.guard import Guard, refused
from slidesum.show.page.session import Session
from slidesum.show.page.shell import shell

AT_ONCE = 4
"""So many asks are answered at the same time; the others wait."""
UPLOADS = 2
"""So many asks with parts are read and answered at the same time: what is sent lies in memory."""
SECONDS = 60
"""Within so many an ask must have arrived."""
MOST_CONNECTIONS = 256
JAVASCRIPT = "text/javascript"


@dataclass(frozen=True)
class Serving:
    """A server that listens and doesn't answer yet, and the address to open."""

    address: str
    server: uvicorn.Server
    listener: socket.socket

    def run(self) -> None:
        """Answer until Ctrl-C, which is raised when the last answer is out, or until `server.should_exit`."""
        self.server.run(sockets=[self.listener])


def serve(
    session: Session,
    port: int | None = None,
    open_browser: bool = False,
    remarks: Sequence[str] = (),
    tell: Callable[[str], object] = print,
) -> None:
    """Show a network on this machine until Ctrl-C; `tell` is given the address.

    The port is a free one unless one is given. Programs of other users of this machine may see the address that a browser is opened
    with, and with it the token; so `open_browser` is for a machine of one's own. Raises UsageError for a port that can't be had.
    """
    serving = prepared(session, port, remarks)
    tell(serving.address)
    sys.stdout.flush()
    if open_browser:  # the server listens already; a browser in the terminal would keep it from answering
        threading.Thread(target=webbrowser.open, args=(serving.address,), daemon=True).start()
    serving.run()


def prepared(session: Session, port: int | None = None, remarks: Sequence[str] = ()) -> Serving:
    """A server for one session, with a token of its own."""
    listener = _listening(port or 0)
    found = int(listener.getsockname()[1])
    token = secrets.token_urlsafe(32)
    config = uvicorn.Config(
        app(session, token, found, remarks),
        http="h11",
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_graceful_shutdown=2,
    )
    return Serving(f"http://127.0.0.1:{found}/?token={token}", uvicorn.Server(config), listener)


def app(session: Session, token: str, port: int, remarks: Sequence[str] = ()) -> Guard:
    """The application behind its guard."""
    answering, uploading = asyncio.Semaphore(AT_ONCE), asyncio.Semaphore(UPLOADS)

    async def page(_: Request) -> Response:
        return HTMLResponse(shell(session.graph.name, token))

    async def start_module(_: Request) -> Response:
        return Response(script("start.js"), media_type=JAVASCRIPT)

    async def page_module(_: Request) -> Response:
        return Response(script(), media_type=JAVASCRIPT)

    async def document(_: Request) -> Response:
        async with answering:
            told = await run_in_threadpool(lambda: json_bytes(session.document(editable=True, remarks=remarks)))
        return Response(told, media_type="application/json")

    async def ask(request: Request) -> Response:
        stream = Stream(request.stream())
        try:
            async with asyncio.timeout(SECONDS):
                content, lengths = await head(stream)
            async with uploading if lengths else nullcontext():
                async with asyncio.timeout(SECONDS):
                    buffers = await parts(stream, lengths)
                async with answering:
                    told = await run_in_threadpool(lambda: frame(*session.answer(content, buffers)))
            return Response(told, media_type="application/octet-stream")
        except TimeoutError:
            return refused(Refused(408, "the request didn't arrive in time", advice="Send it again."))
        except ClientDisconnect:
            return Response(status_code=400)  # to nobody
        except Refused as refusal:
            await _drained(stream)
            return refused(refusal)

    routes = [
        Route("/", page),
        Route("/start.js", start_module),
        Route("/page.js", page_module),
        Route("/document", document),
        Route("/ask", ask, methods=["POST"]),
    ]
    handlers = {HTTPException: _elsewhere, Exception: _failed}
    return Guard(Starlette(routes=routes, exception_handlers=handlers), token, port)


async def _drained(stream: Stream) -> None:
    try:
        async with asyncio.timeout(SECONDS):
            await stream.drain(2 * LARGEST_PARTS)
    except (TimeoutError, ClientDisconnect):
        pass


async def _elsewhere(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    return refused(Refused(status, f"{request.method} {request.url.path} leads nowhere", advice="Open the page at /."))


async def _failed(_: Request, error: Exception) -> Response:
    return refused(
        Refused(500, f"the server failed: {type(error).__name__}", advice="Report it with what the command wrote to the terminal.")
    )


def _listening(port: int) -> socket.socket:
    if not 0 <= port <= 65535:
        raise UsageError(f"there is no port {port}", advice="Give one from 1 to 65535, or none: a free one is found.")
    try:
        return socket.create_server(("127.0.0.1", port), backlog=MOST_CONNECTIONS)
    except OSError as error:
        why = {errno.EADDRINUSE: "is taken", errno.EACCES: "is reserved"}.get(error.errno or 0, f"can't be had: {error}")
        raise UsageError(f"port {port} {why}", advice="Give another one, or none: a free one is found.") from None
