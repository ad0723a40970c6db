"""``yolosses play``: the playground with the library behind it."""

from __future__ import annotations

import socket
import sys
import webbrowser
from pathlib import Path

import torch
import uvicorn
from rich.console import Console

import yolosses.apps.play
from yolosses.apps.cli.requests import PlayRequest
from yolosses.apps.play.detector import Detector
from yolosses.apps.play.scenes import MOST_BYTES, Scenes
from yolosses.apps.play.server import LOOPBACK, make_app
from yolosses.apps.runs.build import load_detector
from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.say import note
from yolosses.apps.runs.splits import open_for
from yolosses.training.data import open_dataset
from yolosses.training.fingerprint import changes_of_data
from yolosses.training.run import RunFolder

PAGE = Path(yolosses.apps.play.__file__).parent / "page"


def run_play(request: PlayRequest) -> None:
    """Serve the page until interrupted."""
    console = Console(highlight=False)
    scenes = open_scenes(console, request.run, request.data, request.split)
    host = request.host
    if not (PAGE / "index.html").is_file():
        raise CommandError(
            f"{PAGE}: expected the page of the playground; this installation has none (make playground)"
        )
    try:
        listening = socket.create_server((host, request.port))
    except OSError as error:
        raise CommandError(f"--host {host} --port {request.port}: {error.strerror}") from None
    port = listening.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    first = _first_picture(scenes)
    address = f"http://{shown}:{port}/#lang={request.language}&engine=live{first}"
    console.print(f"The playground: {address}", markup=False)
    if host not in LOOPBACK:
        console.print("Everyone who reaches this address can use it.")
    console.print("Ctrl-C ends it.")
    sys.stdout.flush()  # also where it is read by a program
    if request.browser:
        webbrowser.open(address)
    config = uvicorn.Config(
        make_app(PAGE, host, scenes),
        log_level="warning",
        ws_max_size=MOST_BYTES + 1000,
        ws="websockets-sansio",
        ws_per_message_deflate=False,  # it takes longer than it saves on one computer
    )
    uvicorn.Server(config).run(sockets=[listening])


def open_scenes(console: Console, run: Path | None, data: str | None, split: str | None) -> Scenes:
    """The pictures of ``data``, or those that a run was evaluated on, and the detector of the run.

    Raises:
        CommandError, DataError: they cannot be opened or shown.
    """
    if run is None and data is None:
        if split is not None:
            raise CommandError(f"--split {split}: expected RUN or --data, of which it is a part; got neither")
        return Scenes()
    if run is None:
        assert data is not None
        dataset, detector = open_dataset(data, split), None
    else:
        folder = RunFolder(run)
        settings, model, loss = load_detector(folder, torch.device("cpu"))
        detector = Detector(folder.path.resolve().name, settings, model, loss)
        dataset = open_for(settings, data=data, split=split)
        if data is None:
            for change in changes_of_data(folder.data_file, [dataset]):
                note(console, f"the data changed since the run was trained: {change}")
    for line in dataset.notes:
        note(console, line)
    if dataset.problems:
        note(console, f"{len(dataset.problems)} problem(s) in the labels, the first: {dataset.problems[0]}")
    console.print(repr(dataset), markup=False, soft_wrap=True)
    return Scenes(dataset, detector)


def _first_picture(scenes: Scenes) -> str:
    """What the address says of the reader's own pictures. A loss that cannot be edited is the one to compare."""
    told = scenes.capabilities()
    if told["pictures"] is None:
        return ""
    return "&own=1" if told["run"] is None or scenes.shows_raw else "&own=1&loss=run"
