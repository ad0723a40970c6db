"""``yolosses train --tensorboard``: every step of the log is on the board, also of a run that goes on."""

import json
import sys
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tests.apps.cli.command import fresh, succeed
from tests.apps.cli.test_cli import SMALL, write_pictures

TRAIN = ("train", "shapes", *SMALL, "--out", "run", "--tensorboard")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("work")
    write_pictures(root / "shapes", "train", range(8))
    write_pictures(root / "shapes", "val", range(8, 12))
    (root / "shapes" / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [red, blue]\n")
    return root


def test_the_board_holds_the_log_the_scores_and_the_pictures(work: Path) -> None:
    succeed(*TRAIN, "--epochs", "2", cwd=work)
    succeed(*TRAIN, "--epochs", "3", "--resume", cwd=work)
    board = EventAccumulator(
        str(work / "run/tensorboard"), size_guidance={"scalars": 0, "images": 0}
    ).Reload()
    rows = [json.loads(line) for line in (work / "run/log.jsonl").read_text().splitlines()]
    assert len(rows) == 6
    for name, values in {
        "loss/total": [row["total"] for row in rows],
        "weighted/noobj": [row["terms"]["noobj"] for row in rows],
        "unweighted/noobj": [row["unweighted"]["noobj"] for row in rows],
        "optimiser/learning_rate": [row["learning_rate"] for row in rows],
        "optimiser/gradient_norm": [row["gradient_norm"] for row in rows],
    }.items():
        drawn = [(event.step, event.value) for event in board.Scalars(name)]
        assert drawn == [(row["step"], pytest.approx(value)) for row, value in zip(rows, values, strict=True)]
    metrics = json.loads((work / "run/metrics.json").read_text())
    assert [(event.step, event.value) for event in board.Scalars("metrics/map50")][-1] == (
        6,
        pytest.approx(metrics["map50"]),
    )
    assert [event.step for event in board.Images("predictions")] == [4, 6]


def test_without_the_package_one_line_says_what_to_install(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden = work / "hidden"
    hidden.mkdir()
    (hidden / "tensorboard.py").write_text("raise ModuleNotFoundError('gone', name='tensorboard')\n")
    monkeypatch.setenv("PYTHONPATH", ":".join([str(hidden), *sys.path]))
    result = fresh("train", "shapes", *SMALL, "--out", "never", "--tensorboard", cwd=work)
    assert result.returncode == 2
    assert result.stderr == "yolosses: this command needs tensorboard: pip install 'yolosses[tensorboard]'\n"
    assert not (work / "never").exists()
