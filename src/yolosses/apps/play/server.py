"""The server of the playground: static files, and one WebSocket for each reader."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import torch
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import Mount, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from yolosses.apps.play.messages import MessageError, Reader, parse, several
from yolosses.apps.play.scenes import Scenes
from yolosses.apps.play.trainings import Trainings

Reply = TypeVar("Reply")
Newest = asyncio.Queue[str | bytes]
"""The request that waits: one at most."""

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
A_MESSAGE = 50_000  # bytes that count as one message
A_SECOND = 480  # messages of one reader; a drag sends up to three for each of 60 to 144 pictures
PATIENCE = 2000  # messages too many before the reader is cut off
ID_BYTES = 4  # in front of a picture
FLOODS, ELSEWHERE = 1008, 1008  # the code of "policy violated"


def make_app(page: Path, host: str, scenes: Scenes | None = None) -> Starlette:
    """The application.

    Args:
        page: the folder of the built page.
        host: the address that it listens on. On a loopback address only requests to that address are answered, so that
            no page from elsewhere can reach it through a name of its own.
        scenes: pictures and a detector that all readers have.
    """
    shared = scenes or Scenes()

    async def live(socket: WebSocket) -> None:
        await talk(socket, Reader(shared))

    allowed = list(LOOPBACK) if host in LOOPBACK else ["*"]
    return Starlette(
        routes=[WebSocketRoute("/live", live), Mount("/", StaticFiles(directory=page, html=True))],
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=allowed)],
    )


async def talk(socket: WebSocket, reader: Reader) -> None:
    """Answer one reader. Each has at most one request at work and one that waits: a newer one takes its place."""
    if not _same_origin(socket):
        await socket.close(ELSEWHERE)
        return
    await socket.accept()
    newest, trainings = Newest(1), Trainings(partial(_send, socket))
    worker = asyncio.create_task(_work(socket, newest, reader, trainings))
    try:
        await _listen(socket, newest)
    except (WebSocketDisconnect, RuntimeError):  # gone, perhaps while something was sent
        pass
    finally:
        worker.cancel()
        await trainings.stop()


async def _listen(socket: WebSocket, newest: Newest) -> None:
    allowance, last, excess = float(A_SECOND), time.monotonic(), 0
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        now = time.monotonic()
        allowance, last = min(A_SECOND, allowance + (now - last) * A_SECOND), now
        text = message.get("text")
        content: str | bytes = message.get("bytes") or b"" if text is None else text
        cost = 1 + len(content) // A_MESSAGE
        if allowance < cost:
            excess += cost
            if excess > PATIENCE:
                await socket.close(FLOODS)
                return
            continue
        allowance -= cost
        overtaken = newest.get_nowait() if newest.full() else None
        newest.put_nowait(content)
        if overtaken is not None:
            await _send(socket, {"id": _id(overtaken), "error": "overtaken"})


async def _work(socket: WebSocket, newest: Newest, reader: Reader, trainings: Trainings) -> None:
    while True:
        request = await newest.get()
        if isinstance(request, bytes):
            reply = await _in_turn(_PICTURES, partial(_opened, request, reader))
        else:
            reply = await _answered(request, reader, trainings)
        await socket.send_text(await asyncio.to_thread(json.dumps, reply))


async def _answered(text: str, reader: Reader, trainings: Trainings) -> dict[str, Any]:
    number = None
    try:
        number, message = parse(text)
        match message.get("do"):
            case "train":
                await trainings.stop()
                reply = trainings.start(message)
            case "stop":
                await trainings.stop()
                reply = {"training": "stopped"}
            case "all":
                reply = {"replies": [await _reply(each, reader) for each in several(message.get("messages"))]}
            case _:
                reply = await _reply(message, reader)
    except MessageError as error:
        reply = {"error": str(error)}
    return {"id": number, **reply}


# One after the other, in the order of asking: nobody is served twice before the others. Pictures take long: they wait
# for one another only.
_NUMBERS, _PICTURES = asyncio.Semaphore(1), asyncio.Semaphore(1)


async def _reply(message: dict[str, Any], reader: Reader) -> dict[str, Any]:
    if message.get("do") == "scene":
        return await _in_turn(_PICTURES, partial(reply_to, message, reader))
    if isinstance(picture := message.get("raw_of"), int):  # so that it is there when the loss is computed
        await _in_turn(_PICTURES, partial(reply_to, {"do": "scene", "picture": picture}, reader))
    return await _in_turn(_NUMBERS, partial(reply_to, message, reader))


async def _in_turn(turn: asyncio.Semaphore, function: Callable[[], Reply]) -> Reply:
    async with turn:
        return await asyncio.to_thread(function)


def reply_to(message: dict[str, Any], reader: Reader) -> dict[str, Any]:
    """The reply to one message, whatever it holds."""
    torch.set_num_threads(1)
    try:
        return reader.answer(message)
    except (ValueError, RuntimeError) as error:  # of torch too: whoever asked must not wait forever
        return {"error": str(error)}


def _opened(request: bytes, reader: Reader) -> dict[str, Any]:
    torch.set_num_threads(1)
    try:
        reply = reader.open(request[ID_BYTES:])
    except (ValueError, RuntimeError, MemoryError) as error:
        reply = {"error": str(error)}
    return {"id": _id(request), **reply}


def _id(text: str | bytes) -> object:
    if isinstance(text, bytes):
        return int.from_bytes(text[:ID_BYTES], "big")
    try:
        return parse(text)[0]
    except MessageError:
        return None


async def _send(socket: WebSocket, value: object) -> None:
    await socket.send_text(json.dumps(value))


def _same_origin(socket: WebSocket) -> bool:
    """Browsers say which page opens a socket; pages from elsewhere are refused. Programs that say nothing are not."""
    origin = socket.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == socket.headers.get("host")
