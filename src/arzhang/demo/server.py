"""The demo's web server: it gives the page and the model's answers to this machine's browser, and to nobody else.

What guards it: it listens on the loopback unless told otherwise; the Host and Origin of a request must be its own, so
that no other page, nor a name that was made to point here, can use it; bodies and images are limited before they are
read or decoded; one call of the model runs at a time, a few wait, and more are turned away.
"""

import asyncio
import errno
import importlib.util
import io
import ipaddress
import json
import os
import re
import socket
import threading
import webbrowser
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import torch
from PIL import Image
from torch import Tensor

from arzhang.demo.models import Shown, shown
from arzhang.demo.requests import Refused, fields
from arzhang.errors import ArzhangError, UsageError

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

Notify = Callable[[str], None]
TAKEN = (errno.EADDRINUSE, getattr(errno, "WSAEADDRINUSE", errno.EADDRINUSE))
PAGE = Path(__file__).parent / "page"
LARGEST = {"image/png": 4 << 20, "application/json": 1 << 20}
"""Bytes of a body of each kind."""
READING, WAITING = 32, 8
"""Requests whose bodies are read at once, and that wait for the model; more are turned away."""
CONNECTIONS = 512
PATIENCE = 10.0
"""Seconds until a request's headers must be there, and again its body."""
WHOLE = 60.0
"""Seconds until a request must be done with."""
ROUTES: dict[str, tuple[str, str, str | None]] = {
    "translate": ("POST", "/api/translate", "image/png"),
    "encode": ("POST", "/api/encode", "image/png"),
    "decode": ("POST", "/api/decode", "application/json"),
    "sample": ("POST", "/api/sample", "application/json"),
    "generate": ("POST", "/api/generate", "application/json"),
    "gradients": ("POST", "/api/gradients", "application/json"),
    "map": ("GET", "/api/maps/{i}", None),
    "example": ("GET", "/api/examples/{i}", None),
    "projection": ("GET", "/api/projection", None),
}
"""What a panel can be asked: the method, the path, and what the body is."""
HEADERS = {
    # The page's own scripts, style and images, and nothing of any other host.
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


def serve(
    run: str | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 7860,
    open: bool = False,
    checkpoint: str = "best",
    device: torch.device | str = "cpu",
    notify: Notify = print,
) -> None:
    """Show a run (or, of None, what comes with the package) on a page of this machine, until Ctrl-C, which raises
    KeyboardInterrupt. Raises UsageError where there is nothing to show, ArzhangError where the port is taken."""
    if not (importlib.util.find_spec("uvicorn") and importlib.util.find_spec("starlette")):
        raise UsageError("demo: needs the extra: pip install 'arzhang[demo]'")
    with listening(host, port) as listener:  # first, for loading takes its time
        what = shown(run, checkpoint=checkpoint, device=device, notify=notify)
        at = listener.getsockname()
        url = f"http://{f'[{host}]' if ':' in host else host}:{at[1]}/"
        if not ipaddress.ip_address(at[0]).is_loopback:
            notify(
                f"--host {host}: whoever reaches this machine over its network can use the page; it asks no password"
            )
        notify(f"{what.title}: {url} (Ctrl-C ends it)")
        if open:
            threading.Thread(target=webbrowser.open, args=[url], daemon=True).start()  # some browsers block
        server(application(what, host, notify)).run(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there; port 0 is any free one. Raises UsageError for a host that this machine has not,
    ArzhangError for a port that is taken or not allowed, with one that is free."""
    if not 0 <= port <= 65_535:
        raise UsageError(f"--port {port}: must be from 0 to 65535")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError):
        raise UsageError(
            f"--host {host}: no such address; 127.0.0.1 is this machine alone, 0.0.0.0 its network"
        ) from None
    found = socket.socket(family, kind, protocol)
    try:
        if os.name == "posix":
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # not kept busy by those who have just left
        found.bind(address)
        found.listen(128)
    except OSError as error:
        found.close()
        if error.errno in TAKEN or isinstance(error, PermissionError):
            why = "is taken" if error.errno in TAKEN else "is not allowed"
            raise ArzhangError(f"--port {port} {why} on {host}; {_free(family, address)} is free") from None
        raise UsageError(f"--host {host}: this machine cannot listen there ({error.strerror})") from None
    return found


def _free(family: int, address: Any) -> str:
    """The option for a port that is free: one of the next, or any."""
    for port in (*range(max(address[1], 7860) + 1, max(address[1], 7860) + 20), 0):
        with socket.socket(family, socket.SOCK_STREAM) as one:
            try:
                one.bind((address[0], port, *address[2:]))
                return f"--port {one.getsockname()[1]}"
            except (OSError, OverflowError):
                continue
    return "no other"


def server(app: "ASGIApp") -> Any:
    """uvicorn, silent, for an application."""
    import uvicorn
    from uvicorn.protocols.http.h11_impl import H11Protocol

    class Impatient(H11Protocol):
        """Closes a connection whose next request is not there in time, for which uvicorn would wait for ever."""

        late: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._wait()

        def on_response_complete(self) -> None:
            super().on_response_complete()
            self._wait()

        def connection_lost(self, exc: Exception | None) -> None:
            if self.late is not None:
                self.late.cancel()
            super().connection_lost(exc)

        def _wait(self) -> None:
            if self.late is not None:
                self.late.cancel()
            self.late = self.loop.call_later(PATIENCE, self._give_up)

        def _give_up(self) -> None:
            if self.cycle is None or self.cycle.response_complete:
                self.transport.abort()

    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=Impatient,
            ws="none",
            lifespan="off",
            loop="asyncio",
            limit_concurrency=CONNECTIONS,
            timeout_graceful_shutdown=2,
            server_header=False,
            proxy_headers=False,
            log_config=None,
            log_level="critical",
            access_log=False,
        )
    )


def application(what: Shown, host: str = "127.0.0.1", notify: Notify = print, page: Path = PAGE) -> "ASGIApp":
    """The page and the model's answers, guarded."""
    from starlette.applications import Starlette
    from starlette.exceptions import HTTPException
    from starlette.responses import JSONResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles

    desk = Desk(what, notify)
    about = what.about()

    async def tell(request: "Request") -> "Response":
        return JSONResponse(about, headers={"cache-control": "no-store"})

    async def wrong(request: "Request", error: Exception) -> "Response":
        assert isinstance(error, HTTPException)
        return refusal(Refused(error.status_code, f"{request.url.path}: {error.detail}"))

    routes = [Route("/api/about", tell)]
    routes += [Route(path, desk.asked(name, kind), methods=[method]) for name, (method, path, kind) in ROUTES.items()]
    files = Mount("/", StaticFiles(directory=page, html=True, check_dir=False))
    app = Starlette(routes=[*routes, files], exception_handlers={HTTPException: wrong})
    return Guard(app, host, notify)


def refusal(error: Refused) -> "Response":
    """An error as the page expects it."""
    from starlette.responses import JSONResponse

    return JSONResponse({"error": str(error)}, error.status, {"cache-control": "no-store"})


class Desk:
    """Where requests wait for the model: one is answered at a time, in a thread of its own, in their order."""

    def __init__(self, what: Shown, notify: Notify) -> None:
        self.what, self.notify = what, notify
        self.worker = ThreadPoolExecutor(1, "model")
        self.turn = asyncio.Lock()
        self.reading = self.waiting = 0

    def asked(self, name: str, kind: str | None) -> Callable[["Request"], Any]:
        """The endpoint of one thing that panels answer."""

        async def endpoint(request: "Request") -> "Response":
            try:
                return await self._answered(name, kind, request)
            except Refused as error:
                return refusal(error)

        return endpoint

    async def _answered(self, name: str, kind: str | None, request: "Request") -> "Response":
        from starlette.requests import ClientDisconnect
        from starlette.responses import Response

        values: dict[str, Any] = dict(request.query_params)
        try:
            body = b"" if kind is None else await self._body(request, kind)
        except ClientDisconnect:
            return Response(status_code=400)
        if kind == "application/json":
            values = fields(body)
        values |= request.path_params
        if self.waiting >= WAITING:
            raise Refused(429, "too many requests at once; ask again in a moment")
        self.waiting += 1
        try:
            async with self.turn:
                if await request.is_disconnected():  # the page has asked for something else meanwhile
                    return Response(status_code=400)
                loop = asyncio.get_running_loop()
                content, media = await loop.run_in_executor(self.worker, self._work, name, values, body)
        finally:
            self.waiting -= 1
        return Response(content, media_type=media, headers={"cache-control": "no-store"})

    async def _body(self, request: "Request", kind: str) -> bytes:
        """A request's body, of the kind that is wanted, never more of it in memory than is allowed."""
        told = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if told != kind:
            raise Refused(415, f"the body must be {kind}")
        most = LARGEST[kind]
        too_large = Refused(413, f"the body is larger than {most:,} bytes")
        if int(request.headers.get("content-length", "0")) > most:  # h11 lets nothing but digits pass
            raise too_large
        if self.reading >= READING:
            raise Refused(503, "too many requests at once; ask again in a moment")
        self.reading += 1
        try:
            async with asyncio.timeout(PATIENCE):
                body = bytearray()
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > most:
                        raise too_large
                return bytes(body)
        except TimeoutError:
            raise Refused(408, f"the body was not there within {PATIENCE:g} seconds") from None
        finally:
            self.reading -= 1

    def _work(self, name: str, values: dict[str, Any], body: bytes) -> tuple[bytes, str]:
        """In the model's thread: an answer's bytes and what they are."""
        try:
            found = self.what.answer(name, values, body)
            if isinstance(found, Tensor):
                return as_png(found), "image/png"
            return json.dumps(found, allow_nan=False).encode(), "application/json"
        except Refused:
            raise
        except MemoryError:
            raise Refused(503, "there is not enough memory for this") from None
        except Exception as error:  # a defect of ours: it is told here, not to the page
            self.notify(f"{name}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}")
            raise Refused(500, "the model could not answer this") from None


def as_png(images: Tensor) -> bytes:
    """Images (N, C, H, W) in [0, 1] as one PNG, stacked downwards."""
    pixels = images.nan_to_num(0.0).mul(255).add(0.5).clamp(0, 255).to(torch.uint8)
    array = pixels.permute(0, 2, 3, 1).flatten(0, 1).cpu().numpy()
    buffer = io.BytesIO()
    Image.fromarray(array[:, :, 0] if array.shape[2] == 1 else array).save(buffer, "png", compress_level=1)
    return buffer.getvalue()


class Guard:
    """Around the application: whose requests it takes, how long each may last, and what its answers forbid."""

    def __init__(self, app: "ASGIApp", host: str, notify: Notify) -> None:
        self.app, self.notify = app, notify
        self.names = {"localhost", host.lower(), socket.gethostname().lower()}

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        if scope["type"] != "http":
            return None
        begun = False

        async def guarded(message: "Message") -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                own = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message = {**message, "headers": [*message.get("headers", ()), *own]}
            await send(message)

        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        try:
            if (why := self.foreign(scope["method"], headers)) is not None:
                return await refusal(Refused(403, why))(scope, receive, guarded)
            async with asyncio.timeout(WHOLE):
                return await self.app(scope, receive, guarded)
        except Exception as error:  # a defect of ours, or a client that takes nothing: no traceback for anybody
            self.notify(f"{scope['path']!r}: {type(error).__name__}")
            if not begun:
                await refusal(Refused(500, "this could not be answered"))(scope, receive, guarded)
            return None

    def foreign(self, method: str, headers: dict[str, str]) -> str | None:
        """Why a request is not one of our own page, or of a program that was pointed here on purpose; or None."""
        host = headers.get("host", "")
        if not self._ours(host):
            return f"this server is not called {host[:100]!r}"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc.lower() != host.lower():
            return "another page's requests are refused"
        crossing = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        arriving = method == "GET" and headers.get("sec-fetch-mode") == "navigate"  # a link that was followed
        return "another page's requests are refused" if crossing and not arriving else None

    def _ours(self, host: str) -> bool:
        """An address in numbers cannot have been made to point here; a name can, unless it is this machine's."""
        found = re.fullmatch(r"\[([0-9a-fA-F:.]+)\](?::\d{1,5})?|([^:\[\]]+)(?::\d{1,5})?", host)
        if found is None:
            return False
        name = (found[1] or found[2]).lower()
        if name in self.names or name in {f"{one}.local" for one in self.names}:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
