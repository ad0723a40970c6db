"""What TensorBoard reads back is what was logged."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from yolosses.training.evaluation import ClassMetrics, Metrics
from yolosses.training.loop import StepRecord
from yolosses.training.tensorboard import Board


def record(step: int) -> StepRecord:
    return StepRecord(
        step=step, epoch=0, seconds=float(step), images=8 * step, learning_rate=0.01 / step, total=3.5 * step,
        terms={"xy": 3.0 * step, "obj": 0.5 * step}, unweighted={"xy": 0.6 * step, "obj": 0.5 * step},
        num_answered=3, num_dropped=0, num_hidden=0, gradient_norm=2.0,
    )  # fmt: skip


def read(folder: Path) -> EventAccumulator:
    return EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0}).Reload()


def values(board: EventAccumulator, name: str) -> list[tuple[int, float]]:
    return [(event.step, pytest.approx(event.value)) for event in board.Scalars(name)]


def test_every_term_of_every_step(tmp_path: Path) -> None:
    with Board(tmp_path) as write:
        for step in (1, 2, 3):
            write(record(step))
    board = read(tmp_path)
    assert values(board, "loss/total") == [(1, 3.5), (2, 7.0), (3, 10.5)]
    assert values(board, "weighted/xy") == [(1, 3.0), (2, 6.0), (3, 9.0)]
    assert values(board, "unweighted/xy") == [(1, 0.6), (2, 1.2), (3, 1.8)]
    assert values(board, "optimiser/learning_rate")[1] == (2, 0.005)
    assert values(board, "optimiser/gradient_norm")[2] == (3, 2.0)


def test_a_run_that_goes_on_takes_out_what_it_does_again(tmp_path: Path) -> None:
    with Board(tmp_path) as write:
        for step in (1, 2, 3):
            write(record(step))
    with Board(tmp_path, last_step=1) as write:
        write(record(2))
    assert [step for step, _ in values(read(tmp_path), "loss/total")] == [1, 2]


def test_scores_and_pictures_at_the_end(tmp_path: Path) -> None:
    metrics = Metrics(
        map50_95=0.5, map50=0.75, map75=0.6, map_small=None, map_medium=0.4, map_large=0.3, recall=0.7, voc07_map=0.7,
        best_f1=None, num_pictures=2, num_objects=3, num_ignored=0, num_detections=4,
        classes=(ClassMetrics(name="cat", objects=3, ap50=0.75, ap50_95=0.5, voc07_ap=0.7),
                 ClassMetrics(name="dog", objects=0, ap50=None, ap50_95=None, voc07_ap=None)),
    )  # fmt: skip
    sheet = tmp_path / "predictions.png"
    Image.fromarray(np.full((6, 9, 3), 77, np.uint8)).save(sheet)
    Board(tmp_path / "board").results(metrics, sheet, step=40)
    board = read(tmp_path / "board")
    assert values(board, "metrics/map50") == [(40, 0.75)]
    assert values(board, "AP50/cat") == [(40, 0.75)]
    names = board.Tags()["scalars"]
    assert not {"metrics/map_small", "AP50/dog", "metrics/num_pictures"} & set(names)
    (picture,) = board.Images("predictions")
    assert (picture.width, picture.height, picture.step) == (9, 6, 40)
