"""There is a link to the playground only where it has the loss that was explained."""

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import torch

from yolosses.apps.pages.playground_link import playground_link
from yolosses.functional import absolute_error
from yolosses.losses import YOLOv1Loss, YOLOv2Loss
from yolosses.structures import Targets

IMAGE = torch.full((3, 96, 96), 0.5)


def targets(count: int = 2) -> Targets:
    return Targets.from_cxcywh([torch.full((count, 4), 0.4)], [torch.arange(count)])


def link(loss: Any = None, raw: Any = None, truth: Targets | None = None) -> str | None:
    loss = loss or YOLOv1Loss(grid=4, num_classes=10)
    raw = torch.rand(1, 4, 4, 20) if raw is None else raw
    return playground_link(loss, raw, truth or targets(), IMAGE, language="en")


def test_its_address_says_what_the_loss_is() -> None:
    loss = YOLOv1Loss(
        grid=4,
        num_classes=10,
        lambda_coord=2.5,
        lambda_noobj=0.1,
        size_term="linear",
        class_term="cross_entropy",
    )
    address = link(loss)
    assert address is not None
    parts = {name: value for name, (value,) in parse_qs(urlsplit(address).fragment).items()}
    assert parts["S"] == "4"
    assert parts["B"] == "2"
    assert (parts["l.coord"], parts["l.noobj"], parts["l.cls"]) == ("2.5", "0.1", "1.0")
    assert (parts["roots"], parts["target"], parts["classes"]) == ("linear", "iou", "cross_entropy")
    assert parts["engine"] == "live"


@pytest.mark.parametrize(
    "options",
    [
        {"num_classes": 2},
        {"grid": (4, 5)},
        {"grid": 14},
        {"boxes_per_cell": 6},
        {"size_encoding": "linear"},
        {"layout": "darknet"},
        {"lambda_coord": 11.0},
        {"xy_penalty": absolute_error},
        {"class_weight": torch.ones(10)},
    ],
)
def test_there_is_none_for_a_loss_that_the_playground_has_not(options: dict[str, Any]) -> None:
    loss = YOLOv1Loss(**{"grid": 4, "num_classes": 10, **options})
    (rows, cols), codec = loss.codec.grid, loss.codec
    assert link(loss, torch.rand(1, rows, cols, 5 * codec.boxes_per_cell + codec.num_classes)) is None


def test_there_is_none_for_another_generation() -> None:
    assert link(YOLOv2Loss(num_classes=10), torch.rand(1, 75, 4, 4)) is None


def test_there_is_none_where_objects_do_not_all_count_alike_or_numbers_are_not_finite() -> None:
    assert link(truth=targets(6)) is not None
    assert link(truth=targets(7)) is None
    assert link(truth=replace(targets(), ignore=torch.tensor([[True, False]]))) is None
    assert link(truth=replace(targets(), weight=torch.tensor([[1.0, 0.5]]))) is None
    assert link(truth=replace(targets(), weight=torch.ones(1, 2))) is not None
    raw = torch.rand(1, 4, 4, 20)
    raw[0, 1, 1, 3] = torch.nan
    assert link(raw=raw) is None
