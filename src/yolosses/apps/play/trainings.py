"""Live training for one reader: two processes that learn with different lambdas."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from yolosses.apps.play.messages import MessageError

MINUTES = 5.0  # the longest training
MOST_LAMBDA = 100.0
Send = Callable[[object], Awaitable[None]]
_busy = asyncio.Semaphore(1)  # two processes are all that a laptop can do


class Trainings:
    """The trainings that one reader watches. Lines go to ``send`` as ``{"training": 0 or 1, "step": ..., ...}``, and
    ``{"training": ..., "ended": true}`` at the end."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._task: asyncio.Task[None] | None = None

    def start(self, message: dict[str, Any]) -> dict[str, Any]:
        """Begin with ``{"settings": [{"lambda_coord": 5, "lambda_noobj": 0.5}, {...}], "minutes": 2}``.

        Raises:
            MessageError: the settings are others, or somebody trains already.
        """
        settings = _settings(message.get("settings"))
        minutes = _number("minutes", message.get("minutes", 2.0), MINUTES)
        if minutes <= 0:
            raise MessageError("minutes: expected more than 0; got 0")
        if _busy.locked():
            raise MessageError("train: a training is at work already; it has to end first")
        self._task = asyncio.create_task(self._all(settings, minutes))
        return {"training": "started"}

    async def stop(self) -> None:
        """End what is at work."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _all(self, settings: list[tuple[float, float]], minutes: float) -> None:
        async with _busy:
            await asyncio.gather(*(self._one(index, *each, minutes) for index, each in enumerate(settings)))

    async def _one(self, index: int, coord: float, noobj: float, minutes: float) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "yolosses.apps.play.training", str(coord), str(noobj), str(minutes),
            stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                await self._send({"training": index, **json.loads(line)})
            await process.wait()
            await self._send({"training": index, "ended": True, "code": process.returncode})
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


def _settings(given: Any) -> list[tuple[float, float]]:
    if not (isinstance(given, list) and 1 <= len(given) <= 2 and all(isinstance(e, dict) for e in given)):
        raise MessageError(
            "settings: expected one or two objects with lambda_coord and lambda_noobj; got others"
        )
    names = ("lambda_coord", "lambda_noobj")
    return [tuple(_number(name, each.get(name), MOST_LAMBDA) for name in names) for each in given]  # type: ignore[misc]


def _number(name: str, value: Any, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise MessageError(f"{name}: expected a number of 0 to {most:g}; got {str(value)[:40]}")
    return float(value)
