"""What is particular to YOLOv7; what it has from YOLOv5 is in `tests.losses.test_v5`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.losses.scenes import scattered
from torch import Tensor

import yolosses as yl

ANCHORS = (((20.0, 24.0), (30.0, 18.0)), ((28.0, 30.0), (16.0, 40.0)))
LEVELS: dict[str, Any] = {"num_classes": 3, "anchors": ANCHORS, "strides": (8, 16)}


def random_raw(size: tuple[int, int] = (64, 64), *, batch: int = 3, spread: float = 0.5) -> list[Tensor]:
    noise = torch.Generator().manual_seed(0)
    shapes = [(batch, 2, size[0] // s, size[1] // s, 8) for s in LEVELS["strides"]]
    return [spread * torch.randn(shape, generator=noise, dtype=torch.float64) for shape in shapes]


def crowd(count: int, batch: int = 3) -> yl.Targets:
    noise = torch.Generator().manual_seed(1)
    boxes = torch.rand(batch, count, 4, generator=noise, dtype=torch.float64)
    boxes = torch.cat((0.1 + 0.8 * boxes[..., :2], 0.15 + 0.5 * boxes[..., 2:]), -1)
    labels = torch.arange(count).expand(batch, -1) % 3
    return yl.Targets(boxes=boxes, labels=labels, mask=torch.ones(batch, count, dtype=torch.bool))


def test_the_publications_defaults() -> None:
    loss = yl.YOLOv7Loss()
    assert loss.ota
    assert loss.channels == 255
    assert loss.anchors[2].tolist() == [[142, 110], [192, 243], [459, 401]]
    assert (loss.lambda_box, loss.lambda_obj, loss.lambda_cls) == (0.05, 0.7, 0.3)
    assert repr(loss).startswith("YOLOv7Loss(num_classes=80")
    assert "ota=False" in repr(yl.YOLOv7Loss(ota=False))


def test_plain_it_is_yolov5_with_other_weights() -> None:
    raw, targets = random_raw(), scattered(3, 3)
    weights = {"lambda_box": 0.1, "lambda_obj": 0.2, "lambda_cls": 0.3}
    plain = yl.YOLOv7Loss(ota=False, **LEVELS, **weights)(raw, targets)
    assert torch.equal(plain.total, yl.YOLOv5Loss(**LEVELS, **weights)(raw, targets).total)


def test_it_keeps_some_of_the_candidates_and_one_for_each_lone_object() -> None:
    raw, targets = random_raw(), scattered(3, 3)
    plain, chosen = (yl.YOLOv7Loss(ota=ota, **LEVELS).assign(raw, targets) for ota in (False, True))
    assert chosen.mask.shape == plain.mask.shape
    assert (plain.mask | ~chosen.mask).all()
    assert 0 < chosen.mask.sum() < plain.mask.sum()
    assert torch.equal(chosen.predictor[chosen.mask], plain.predictor[chosen.mask])
    assert chosen.num_dropped.tolist() == [0, 0, 0]


@pytest.mark.parametrize("size", [(64, 64), (32, 96), (96, 48)], ids=str)
def test_both_axes_are_alike(size: tuple[int, int]) -> None:
    """Turning the image over its diagonal changes nothing; by the reference's rule it does where it is not square."""
    raw, targets = random_raw(size, spread=1.0), crowd(9)
    swapped = [level.transpose(2, 3)[..., [1, 0, 3, 2, 4, 5, 6, 7]] for level in raw]
    other = replace(targets, boxes=targets.boxes[..., [1, 0, 3, 2]])
    anchors = [[(h, w) for w, h in level] for level in ANCHORS]
    one = yl.YOLOv7Loss(**LEVELS)(raw, targets)
    two = yl.YOLOv7Loss(**LEVELS | {"anchors": anchors})(swapped, other)
    for name in ("box", "cls"):  # among the pairs of one predictor "last" depends on the axes' order
        torch.testing.assert_close(two.terms[name], one.terms[name])
    torch.testing.assert_close(two.normalizer, one.normalizer)
    lone = scattered(3, 3)
    turned = replace(lone, boxes=lone.boxes[..., [1, 0, 3, 2]])
    one = yl.YOLOv7Loss(**LEVELS)(raw, lone)
    two = yl.YOLOv7Loss(**LEVELS | {"anchors": anchors})(swapped, turned)
    torch.testing.assert_close(two.total, one.total)


def test_a_wide_image_is_its_square_part_with_more_background() -> None:
    """Objects and predictions in the left half of an image twice as wide as high find each other as there alone."""
    half, targets = random_raw(spread=1.0), crowd(6)
    wide = [torch.cat((level, torch.zeros_like(level)), 3) for level in half]
    # Centres keep clear of the last cells: a wide image has a neighbour there.
    centre = targets.boxes[..., :2] * torch.tensor([0.7, 1.0])
    targets = replace(targets, boxes=torch.cat((centre, targets.boxes[..., 2:]), -1))
    narrow = replace(targets, boxes=targets.boxes * torch.tensor([0.5, 1.0, 0.5, 1.0]))
    loss = yl.YOLOv7Loss(**LEVELS)
    alone, among = loss(half, targets), loss(wide, narrow)
    assert torch.equal(alone.assignment.mask, among.assignment.mask)
    assert torch.equal(alone.assignment.object, among.assignment.object)
    for name in ("box", "cls"):
        torch.testing.assert_close(among.terms[name], alone.terms[name])


@pytest.mark.parametrize("logit", [40.0, 1e4, -1e4])
def test_saturated_logits_are_finite(logit: float) -> None:
    raw = [torch.full_like(level, logit, dtype=torch.float32).requires_grad_() for level in random_raw()]
    targets = crowd(9)
    output = yl.YOLOv7Loss(**LEVELS)(raw, targets)
    output.total.backward()
    assert output.total.isfinite()
    assert output.assignment.mask.any(1).all()
    assert all(level.grad is not None and level.grad.isfinite().all() for level in raw)


def test_objects_whose_candidates_go_to_others_are_counted() -> None:
    raw = random_raw()
    targets = crowd(1)
    ten = replace(
        targets,
        boxes=targets.boxes.expand(-1, 10, -1),
        labels=targets.labels.expand(-1, 10),
        mask=targets.mask.expand(-1, 10),
    )
    output = yl.YOLOv7Loss(**LEVELS)(raw, ten)
    # Equal objects: every candidate that several take goes to the first of them.
    assert output.assignment.object.max() == 0
    assert output.assignment.num_dropped.tolist() == [9, 9, 9]


def test_order_of_objects_and_padding_decide_nothing_in_a_crowd() -> None:
    """Costs of random objects are all different."""
    raw, targets = random_raw(spread=1.0), crowd(20)
    loss = yl.YOLOv7Loss(**LEVELS)
    wanted = loss(raw, targets)
    flipped = loss(raw, replace(targets, boxes=targets.boxes.flip(1), labels=targets.labels.flip(1)))
    torch.testing.assert_close(flipped.normalizer, wanted.normalizer)
    for name in ("box", "cls"):
        torch.testing.assert_close(flipped.terms[name], wanted.terms[name])
