"""The settings of a run come back as they were, also those of runs from before a setting was there."""

import json
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

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


@pytest.mark.parametrize("name", [f.name for f in fields(Settings) if f.name != "nms_iou"])
def test_what_is_missing_is_named(name: str, tmp_path: Path) -> None:
    values = asdict(SETTINGS)
    del values[name]
    folder = RunFolder(tmp_path)
    folder.settings_file.write_text(json.dumps(values))
    with pytest.raises(DataError, match=f"run.json: expected the settings of a run; KeyError.*{name}"):
        folder.settings()
