"""The playground's server under 50 readers, 10,000 bad messages and one reader who floods.

    python benchmarks/play_server.py

Each of 50 readers asks twice a second for one evaluation of YOLOv1 (5 x 5 cells, 2 boxes), for 20 seconds: alone, and
while one more reader sends bad messages, and while one floods. Median, 90th and 99th percentile of the time until a
reader has the reply. Readers and server share the machine. Writes ``benchmarks/results/play-server.json``.
"""

import asyncio
import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

RESULT = Path(__file__).parent / "results" / "play-server.json"
READERS, SECONDS, PAUSE, BAD = 50, 20.0, 0.5, 10_000
KEY = "v1-5-2-sqrt-iou-squared_error"
COMMAND = [sys.executable, "-u", "-m", "yolosses", "play", "--no-browser", "--port", "0"]


def request(number: int) -> str:
    draw = random.Random(number)
    inputs = {
        "raw_0": [draw.random() for _ in range(5 * 5 * 20)], "boxes": [draw.uniform(0.1, 0.9) for _ in range(24)],
        "labels": [draw.randrange(10) for _ in range(6)], "mask": [1, 1, 1, 0, 0, 0], "lambdas": [5, 5, 1, 0.5, 1],
    }  # fmt: skip
    return json.dumps({"id": number, "do": "run", "graph": KEY, "inputs": inputs})


async def reader(address: str, times: list[float]) -> None:
    async with connect(address, max_size=None) as talk:
        await asyncio.sleep(random.random() * PAUSE)
        end = time.monotonic() + SECONDS
        number = 0
        while time.monotonic() < end:
            number += 1
            begin = time.monotonic()
            await talk.send(request(number))
            reply = json.loads(await talk.recv())
            assert "outputs" in reply, reply
            times.append(time.monotonic() - begin)
            await asyncio.sleep(PAUSE)


def bad_message(draw: random.Random) -> str | bytes:
    good = request(draw.randrange(1000))
    match draw.randrange(8):
        case 0:
            return good[: draw.randrange(len(good))]
        case 1:
            return "".join(chr(draw.randrange(1, 1000)) for _ in range(draw.randrange(1, 200)))
        case 2:
            return "[" * draw.randrange(1, 50_000)
        case 3:
            return good.replace("0.", "1e99", 1).replace("0.", "NaN", 1)
        case 4:
            return json.dumps(
                {"id": 1, "do": "run", "graph": f"v1-{draw.randrange(1000)}-2-sqrt-iou-squared_error"}
            )
        case 5:
            return json.dumps({"id": None, "do": draw.choice(["", None, 3, "eval", "graph"])})
        case 6:
            return draw.randbytes(draw.randrange(200))
    return json.dumps(
        {"id": "x" * 1000, "do": "run", "graph": KEY, "inputs": {"raw_0": "a" * draw.randrange(100_000)}}
    )


async def nonsense(address: str, seen: Counter[str]) -> None:
    draw = random.Random(0)
    async with connect(address, max_size=None) as talk:
        for _ in range(BAD):
            await talk.send(bad_message(draw))
            reply = json.loads(await talk.recv())
            seen["error" if "error" in reply else "answered"] += 1
            await asyncio.sleep(0.003)  # below the server's limit, beyond which nothing is answered


async def flood(address: str, seen: Counter[str]) -> None:
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        # It reads no reply, so at some point the server does not read either: then it begins again.
        with contextlib.suppress(ConnectionClosed, OSError, TimeoutError):
            async with connect(address, max_size=None, close_timeout=0.1) as talk:
                while time.monotonic() < end:
                    await asyncio.wait_for(talk.send(request(1)), 0.5)
                    seen["sent"] += 1
        seen["cut off"] += 1


async def scene(address: str, *more: Any) -> dict[str, float]:
    times: list[float] = []
    others = [asyncio.create_task(each) for each in more]
    await asyncio.gather(*(reader(address, times) for _ in range(READERS)))
    await asyncio.gather(*others)
    cut = statistics.quantiles(times, n=100)
    return {"replies": len(times), "median_ms": round(1000 * statistics.median(times), 1),
            "p90_ms": round(1000 * cut[89], 1), "p99_ms": round(1000 * cut[98], 1)}  # fmt: skip


async def main() -> None:
    server = subprocess.Popen(COMMAND, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    port = server.stdout.readline().split("127.0.0.1:")[1].split("/")[0]
    address, load = f"ws://127.0.0.1:{port}/live", os.getloadavg()[0]
    try:
        bad: Counter[str] = Counter()
        flooded: Counter[str] = Counter()
        result = {
            "load_before": round(load, 2), "cores": os.cpu_count(), "readers": READERS, "seconds": SECONDS,
            "alone": await scene(address),
            "with bad messages": await scene(address, nonsense(address, bad)), "bad messages": bad,
            "with a flood": await scene(address, flood(address, flooded)), "flood": flooded,
            "server still there": server.poll() is None,
        }  # fmt: skip
    finally:
        server.terminate()
    RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


if __name__ == "__main__":
    asyncio.run(main())
