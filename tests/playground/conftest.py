"""The built page behind a plain file server, in a real browser."""

import importlib.util
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2] / "playground"
DIST = ROOT / "dist"
CHROMIUM = shutil.which("chromium")


def missing() -> str | None:
    """Why these tests cannot run here."""
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed"
    if CHROMIUM is None:
        return "there is no chromium on this computer"
    if not (DIST / "index.html").exists():
        return "the playground is not built: make playground"
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    reason = missing()
    if reason is not None:
        for item in items:
            if Path(__file__).parent in item.path.parents:
                item.add_marker(pytest.mark.skip(reason=reason))


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(DIST)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/index.html"
    server.shutdown()


@contextmanager
def serving(scenes: Any = None, port: int = 0) -> Iterator[str]:
    """The page as ``yolosses play`` serves it, with the library behind it."""
    import uvicorn

    from yolosses.apps.play.scenes import MOST_BYTES
    from yolosses.apps.play.server import make_app

    listening = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(
        make_app(DIST, "127.0.0.1", scenes), log_level="critical", ws="websockets-sansio",
        ws_max_size=MOST_BYTES + 1000, timeout_graceful_shutdown=1,
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}/index.html"
    server.should_exit = True
    thread.join(10)


@pytest.fixture(scope="session")
def live_address() -> Iterator[str]:
    with serving() as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any, address: str) -> Iterator[Any]:
    """``open(hash, width)`` gives a page that has computed its first result. Nothing may go wrong on it, and nothing
    outside may be asked for."""
    pages: list[Any] = []
    wrong: list[str] = []
    requests: list[str] = []
    homes = ["data:", "blob:"]

    def open_(hash_: str = "lang=en", width: int = 1280, url: str | None = None, **options: Any) -> Any:
        page = browser.new_page(viewport={"width": width, "height": 900}, **options)
        pages.append(page)
        homes.append((url or address).rsplit("/", 1)[0])
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: wrong.append(message.text))
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{url or address}#{hash_}")
        page.wait_for_function("window.yolossesPlayground?.result", timeout=60_000)
        settle(page)
        return page

    yield open_
    for page in pages:
        page.close()
    assert wrong == []
    assert [url for url in requests if not url.startswith(tuple(homes))] == []


def settle(page: Any) -> None:
    """Wait until all that was asked for is computed and drawn."""
    page.wait_for_function("window.yolossesPlayground.idle", timeout=30_000)
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
