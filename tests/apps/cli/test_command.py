"""A command that the fork server starts does what it does in a new Python, and is a process of its own."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.apps.cli.command import SERVER, fresh, yolosses
from tests.apps.cli.test_cli import SMALL, write_pictures

TRAIN = ("train", "shapes", *SMALL, "--epochs", "2", "--out")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("work")
    write_pictures(root / "shapes", "train", range(8))
    write_pictures(root / "shapes", "val", range(8, 12))
    (root / "shapes" / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [red, blue]\n")
    return root


def rows(run: Path) -> list[dict[str, Any]]:
    lines = (run / "log.jsonl").read_text("utf-8").splitlines()
    return [{key: value for key, value in json.loads(line).items() if key != "seconds"} for line in lines]


def test_a_training_has_the_same_numbers(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Bitwise, on one thread."""
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    ends = [start(*TRAIN, out, cwd=work) for start, out in ((yolosses, "forked"), (fresh, "new"))]
    assert [(end.returncode, end.stderr) for end in ends] == [(0, ""), (0, "")]
    forked, new = ends
    assert forked.stdout.splitlines()[-1].replace("forked", "new") == new.stdout.splitlines()[-1]
    assert rows(work / "forked") == rows(work / "new")
    assert len(rows(work / "new")) == 4
    one, other = (torch.load(work / out / "model.pt", weights_only=True) for out in ("forked", "new"))
    assert one.keys() == other.keys()
    for name, weights in one.items():
        assert torch.equal(weights, other[name]), name
    drawn = (work / out / "predictions.png" for out in ("forked", "new"))
    assert len({picture.read_bytes() for picture in drawn}) == 1


@pytest.mark.parametrize("arguments", [("train", "nowhere"), ("--help",)])
def test_words_and_exit_codes_are_the_same(arguments: tuple[str, ...], work: Path) -> None:
    ends = [start(*arguments, cwd=work) for start in (yolosses, fresh)]
    forked, new = ((end.returncode, end.stdout, end.stderr) for end in ends)
    assert forked == new


def test_the_environment_is_that_of_the_call(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    narrow = yolosses("train", "--help", cwd=work).stdout
    monkeypatch.setattr("tests.apps.cli.command.TERMINAL", {"COLUMNS": "60", "NO_COLOR": "1"})
    assert max(map(len, yolosses("train", "--help", cwd=work).stdout.splitlines())) <= 60
    monkeypatch.undo()
    assert yolosses("train", "--help", cwd=work).stdout == narrow
    assert max(map(len, narrow.splitlines())) > 60


def test_the_server_ends_with_its_input(work: Path) -> None:
    """As when the tests were killed."""
    output, errors = work / "output", work / "errors"
    output.touch()
    errors.touch()
    request = {
        "arguments": ["--version"], "folder": str(work), "environment": dict(os.environ),
        "output": str(output), "errors": str(errors), "first": "",
    }  # fmt: skip
    pipe = subprocess.PIPE
    server = [sys.executable, "-P", str(SERVER)]
    with subprocess.Popen(server, stdin=pipe, stdout=pipe, stderr=pipe, text=True, bufsize=1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(request) + "\n")
        command = int(process.stdout.readline())
        process.stdin.write(json.dumps({"wait": command}) + "\n")
        assert process.stdout.readline() == "0\n"
        assert process.communicate(timeout=120) == ("", "")
        assert process.returncode == 0
    assert output.read_text().startswith("yolosses ")
