"""A study in a real database: several workers, one of which is killed."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.apps.cli.command import SECONDS, Begun
from tests.apps.cli.test_cli import write_pictures

pytest.importorskip("optuna")
pytest.importorskip("psycopg")
SERVERS = sorted(Path("/usr/lib/postgresql").glob("*/bin")) or [
    Path(found).parent for found in [shutil.which("initdb")] if found
]
pytestmark = pytest.mark.skipif(not SERVERS, reason="PostgreSQL is not installed")
STUDY = (
    "study",
    "shapes",
    "--vary",
    "lambda_coord=1,5",
    "--seeds",
    "3",
    "--image-size",
    "64",
    "--epochs-each",
    "10",
)


def as_postgres(program: str, *arguments: str) -> None:
    """A program of the server, which refuses to run as root."""
    command = [str(SERVERS[-1] / program), *arguments]
    if os.getuid() == 0:
        command = ["runuser", "-u", "postgres", "--", *command]
    subprocess.run(command, check=True, capture_output=True, timeout=SECONDS, cwd="/")


@pytest.fixture
def database() -> Iterator[str]:
    """The URL of an empty database, on a socket of its own."""
    folder = Path(tempfile.mkdtemp(prefix="study-"))
    if os.getuid() == 0:
        shutil.chown(folder, "postgres")
    try:
        as_postgres("initdb", "--auth", "trust", "--username", "postgres", "--no-sync", str(folder / "data"))
        options = f"-k {folder} -c listen_addresses='' -c fsync=off"
        as_postgres(
            "pg_ctl", "--wait", "-D", str(folder / "data"), "-l", str(folder / "log"), "-o", options, "start"
        )
        try:
            as_postgres("createdb", "--host", str(folder), "--username", "postgres", "studies")
            yield f"postgresql://postgres@/studies?host={folder}"
        finally:
            as_postgres("pg_ctl", "--wait", "-D", str(folder / "data"), "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def worker(database: str, out: str, cwd: Path) -> Begun:
    one_thread = "import torch; torch.set_num_threads(1)"
    return Begun(*STUDY, "--storage", database, "--out", out, cwd=cwd, first=one_thread)


def wait_for_a_run(database: str) -> None:
    """Until a worker trains."""
    from sqlalchemy import create_engine, text
    from sqlalchemy.exc import SQLAlchemyError

    engine, deadline = create_engine(database), time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        try:
            with engine.connect() as connection:
                count = connection.execute(
                    text("select count(*) from trial_user_attributes where key = 'worker'")
                ).scalar()
            if count:
                engine.dispose()
                return
        except SQLAlchemyError:  # the tables are not there yet
            pass
        time.sleep(0.05)
    raise TimeoutError("no worker began a run")


def test_two_workers_finish_what_a_killed_one_began(database: str, tmp_path: Path) -> None:
    write_pictures(tmp_path / "shapes", "train", range(12))
    write_pictures(tmp_path / "shapes", "val", range(12, 18))
    (tmp_path / "shapes" / "data.yaml").write_text(
        "train: images/train\nval: images/val\nnames: [red, blue]\n"
    )
    killed = worker(database, "killed", tmp_path)
    wait_for_a_run(database)
    killed.send_signal(signal.SIGKILL)
    assert killed.end().returncode == -signal.SIGKILL
    workers = [worker(database, out, tmp_path) for out in ("first", "second")]
    said = [process.end() for process in workers]
    assert [(done.returncode, done.stderr) for done in said] == [(0, "")] * 2
    wanted = {(level, seed): 1 for level in (1.0, 5.0) for seed in range(3)}
    runs = [runs_of(tmp_path / out) for out in ("first", "second")]
    assert wanted in runs
    # Whoever ended while the other still trained says so.
    for found, done in zip(runs, said, strict=True):
        assert found == wanted or "1 more run goes on in other workers" in done.stdout
    worker(database, "later", tmp_path).end()
    assert runs_of(tmp_path / "later") == wanted


def runs_of(folder: Path) -> Counter[tuple[float, int]]:
    """How often each setting was trained with each seed."""
    results = json.loads((folder / "results.json").read_text())["results"]
    return Counter((result["setting"]["lambda_coord"], result["seed"]) for result in results)
