"""``yolosses play``: the playground with the library behind it."""

from __future__ import annotations

import socket
import sys
import webbrowser
from pathlib import Path

import uvicorn
from rich.console import Console

import yolosses.apps.play
from yolosses.apps.cli.failures import CommandError
from yolosses.apps.play.server import LOOPBACK, make_app
from yolosses.explain.words import Language

PAGE = Path(yolosses.apps.play.__file__).parent / "page"


def run_play(*, host: str, port: int, language: Language, browser: bool) -> None:
    """Serve the page until interrupted."""
    console = Console(highlight=False)
    if not (PAGE / "index.html").is_file():
        raise CommandError(
            f"{PAGE}: expected the page of the playground; this installation has none (make playground)"
        )
    try:
        listening = socket.create_server((host, port))
    except OSError as error:
        raise CommandError(f"--host {host} --port {port}: {error.strerror}") from None
    port = listening.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{port}/#lang={language}&engine=live"
    console.print(f"The playground: {address}", markup=False)
    if host not in LOOPBACK:
        console.print("Everyone who reaches this address can use it.")
    console.print("Ctrl-C ends it.")
    sys.stdout.flush()  # also where it is read by a program
    if browser:
        webbrowser.open(address)
    config = uvicorn.Config(
        make_app(PAGE, host),
        log_level="warning",
        ws_max_size=4_000_000,
        ws="websockets-sansio",
        ws_per_message_deflate=False,  # it takes longer than it saves on one computer
    )
    uvicorn.Server(config).run(sockets=[listening])
