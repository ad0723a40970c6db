"""How fast the playground's page is in Chromium, and how much it transfers: benchmarks/results/playground.json.

Build it first (make playground); needs playwright and chromium. The server sends files without compressing them.
Dragging is measured twice: computed in the browser, and by the library behind ``yolosses play``.
"""

from __future__ import annotations

import gzip
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).parents[1]
DIST = ROOT / "playground" / "dist"
MOVES = 240

# One pointer event a frame, as a hand gives them; counts the results that were drawn of the moved box.
DRAG = """async (moves) => {
  const store = window.yolossesPlayground;
  const box = store.result.decoded.slice(0, 4);
  const frames = [], replies = [];
  const first = store.updates, start = performance.now();
  let last = start;
  for (let i = 0; i < moves; i++) {
    const asked = performance.now();
    store.movePrediction(0, [box[0] + 0.1 * Math.sin(i / 9), box[1], box[2], box[3]]);
    while (!store.idle) await new Promise(done => setTimeout(done, 0));
    replies.push(performance.now() - asked);
    await new Promise(requestAnimationFrame);
    frames.push(performance.now() - last);
    last = performance.now();
  }
  return { updates: store.updates - first, seconds: (performance.now() - start) / 1000, replies, frames };
}"""
# When the picture with its true boxes is there, and when all numbers are.
WATCH = """(() => {
  const seen = window.seen = {};
  const look = () => {
    if (!seen.picture && document.querySelector("g.box.truth")) seen.picture = performance.now() / 1000;
    const there = window.yolossesPlayground?.result && document.querySelector("g.box.responsible");
    if (there) seen.numbers = performance.now() / 1000;
    else setTimeout(look, 5);
  };
  look();
})()"""


def load() -> float:
    return round(os.getloadavg()[0], 2)


def opening(page: Any, address: str) -> dict[str, float]:
    """Seconds from the request to the picture, and to the numbers."""
    page.goto(address, wait_until="commit")
    page.wait_for_function("window.seen.numbers", timeout=120_000)
    seconds: dict[str, float] = page.evaluate("window.seen")
    page.wait_for_timeout(1500)  # the fonts of the formulas come after the picture
    page.evaluate("document.fonts.ready.then(() => null)")
    return seconds


def rounded(openings: list[dict[str, float]]) -> dict[str, float]:
    return {name: round(statistics.median(each[name] for each in openings), 2) for name in openings[0]}


def dragging(page: Any) -> dict[str, float]:
    measured = page.evaluate(DRAG, MOVES)
    return {
        "updates_per_second": round(measured["updates"] / measured["seconds"], 1),
        "median_reply_ms": round(statistics.median(measured["replies"]), 2),
        "p95_reply_ms": round(sorted(measured["replies"])[int(0.95 * MOVES)], 2),
        "median_frame_ms": round(statistics.median(measured["frames"]), 2),
        "load_average": load(),
    }


@contextmanager
def serving_live() -> Iterator[str]:
    """The address of the page with the library behind it, in a process of its own."""
    command = [sys.executable, "-u", "-m", "yolosses", "play", "--no-browser", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://\S+?/", process.stdout.readline())
        assert found is not None
        yield found[0]
        process.terminate()


def main() -> None:
    sent: dict[str, int] = {}

    class Counting(SimpleHTTPRequestHandler):
        def log_message(self, *args: Any) -> None:
            pass

        def send_head(self) -> Any:
            path = Path(self.translate_path(self.path))
            if path.is_file():
                sent[str(path.relative_to(DIST))] = path.stat().st_size
            return super().send_head()

    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Counting, directory=str(DIST)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    address = f"http://127.0.0.1:{server.server_port}/index.html#lang=en"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.add_init_script(WATCH)
        result: dict[str, Any] = {
            "chromium": browser.version,
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "opening_s": {"load_average": load(), "cold": rounded([opening(page, address)])},
        }
        first = dict(sent)
        warm = []
        for _ in range(5):
            page.goto("about:blank")
            warm.append(opening(page, address))
        result["opening_s"]["warm_median_of_5"] = rounded(warm)
        result["dragging"] = {"S=3, B=2": dragging(page)}
        page.goto("about:blank")
        opening(page, address + "&S=7&B=3&term=noobj&arrows=1")
        result["dragging"]["S=7, B=3, all open"] = dragging(page)
        with serving_live() as live:
            page.goto("about:blank")
            opening(page, f"{live}#lang=en&engine=live")
            result["dragging_live"] = {"S=3, B=2": dragging(page)}
            page.goto("about:blank")
            opening(page, f"{live}#lang=en&engine=live&S=7&B=3&term=noobj&arrows=1")
            result["dragging_live"]["S=7, B=3, all open"] = dragging(page)
        browser.close()
    server.shutdown()
    packed = {name: len(gzip.compress((DIST / name).read_bytes(), 9)) for name in first}
    result["transferred"] = {
        "files": len(first),
        "bytes_as_sent": sum(first.values()),
        "bytes_where_the_server_compresses": sum(min(packed[name], size) for name, size in first.items()),
        "largest": dict(sorted(first.items(), key=lambda item: -item[1])[:4]),
    }
    result["one_file_bytes"] = (DIST / "playground.html").stat().st_size
    graphs = [path for path in (DIST / "data").iterdir() if path.name.endswith(".onnx.bin")]
    result["graphs"] = {"count": len(graphs), "bytes": sum(path.stat().st_size for path in graphs)}
    text = json.dumps(result, indent=1)
    (ROOT / "benchmarks" / "results" / "playground.json").write_text(text + "\n", "utf-8")
    print(text)


if __name__ == "__main__":
    main()
