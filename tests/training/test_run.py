"""The settings of a run come back as they were, also those of runs from before a setting was there."""

import json
from dataclasses import MISSING, asdict, fields, replace
from pathlib import Path

import pytest
from tests.training.test_loop import make_training

from yolosses.training.data import DataError
from yolosses.training.run import RunFolder, Settings

SETTINGS = Settings(
    data="digits",
    train_split="train",
    eval_split="val",
    class_names=("red", "blue"),
    loss="v1",
    model="tiny",
    image_size=(64, 64),
    grid=(4, 4),
    boxes_per_cell=2,
    loss_options={"lambda_coord": 5.0},
    fit="stretch",
    batch_size=8,
    optimizer="adamw",
    learning_rate=0.002,
    schedule="cosine",
    epochs=3,
    minutes=None,
    seed=0,
    version="0",
)


@pytest.mark.parametrize(
    "settings",
    [
        SETTINGS,
        replace(
            SETTINGS,
            loss="v3",
            grid=None,
            boxes_per_cell=None,
            loss_options={"anchors": [[[1.5, 2.0]], [[3.0, 4.0]]], "lambda_obj": 2},
            nms_iou=None,
        ),
    ],
)
def test_settings_come_back(settings: Settings, tmp_path: Path) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.create(settings)
    assert folder.settings() == settings


def test_a_run_from_before_the_other_losses_can_be_read(tmp_path: Path) -> None:
    values = asdict(SETTINGS)
    del values["nms_iou"]
    folder = RunFolder(tmp_path)
    folder.settings_file.write_text(json.dumps(values))
    assert folder.settings() == SETTINGS
    assert SETTINGS.nms_iou == 0.45


@pytest.mark.parametrize("name", [f.name for f in fields(Settings) if f.default is MISSING])
def test_what_is_missing_is_named(name: str, tmp_path: Path) -> None:
    values = asdict(SETTINGS)
    del values[name]
    folder = RunFolder(tmp_path)
    folder.settings_file.write_text(json.dumps(values))
    with pytest.raises(
        DataError, match=f"expected the settings of a run; {name}: expected a value; got none"
    ):
        folder.settings()


@pytest.mark.parametrize("left", [(), ("log.jsonl", "last.pt.partial"), ("run.json", "problems.txt")])
def test_a_run_begins_where_one_was_killed_in_its_first_moments(
    left: tuple[str, ...], tmp_path: Path
) -> None:
    folder = RunFolder(tmp_path)
    for name in left:
        (tmp_path / name).write_text('{"data": "dig')
    assert not folder.exists()
    folder.create(SETTINGS)
    assert folder.exists()
    assert folder.settings() == SETTINGS


@pytest.mark.parametrize("name", ["last.pt", "last-1.pt", "model.pt", "mine.txt"])
def test_and_nowhere_else(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    with pytest.raises(DataError, match="expected a new or empty folder for the run"):
        RunFolder(tmp_path).create(SETTINGS)


def test_one_process_at_a_time(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    (tmp_path / "last.pt.partial").touch()
    with folder.claimed():
        assert list(tmp_path.iterdir()) == []
        with (
            pytest.raises(DataError, match="expected a run that no other process is training; one is"),
            RunFolder(tmp_path).claimed(),
        ):
            pass
    with folder.claimed():
        pass


def test_the_log_is_in_the_file_line_by_line_and_cut_to_the_checkpoint(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    records = list(make_training().steps())
    with folder.open_log(last_step=0) as log:
        for number, record in enumerate(records, start=1):
            log.append(record)
            assert len(list(folder.log())) == number
    with folder.log_file.open("ab") as file:
        file.write(b'{"step": 5, "epo\xff')  # what a full disk leaves
    assert [row["step"] for row in folder.log()] == [1, 2, 3, 4]
    with folder.open_log(last_step=3) as log:
        log.append(records[3])
    assert list(folder.log()) == [record.to_json() for record in records]
