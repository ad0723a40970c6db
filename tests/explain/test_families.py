"""`yl.explain` for every loss of the library: the sums, the places, the sentences and the pull."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tests.losses.scenes import scattered
from torch import Tensor

import yolosses as yl

C = 3
STRIDES = (8, 16)
ANCHORS = (((20.0, 24.0), (30.0, 18.0)), ((28.0, 30.0), (16.0, 40.0)))


def maps(channels: int, *, strides: tuple[int, ...] = STRIDES, seed: int = 0) -> list[Tensor]:
    noise = torch.Generator().manual_seed(seed)
    return [
        0.5 * torch.randn(3, channels, 64 // s, 64 // s, generator=noise, dtype=torch.float64)
        for s in strides
    ]


def heads() -> dict[str, list[Tensor]]:
    return {"one2many": maps(4 * 4 + C), "one2one": maps(4 * 4 + C, seed=1)}


def flattened() -> tuple[Tensor, Tensor]:
    joined = torch.cat([level.flatten(2) for level in maps(4 * 4 + C)], 2)
    boxes, scores = joined.split([4 * 4, C], 1)
    return boxes, scores


POINTS: dict[str, Any] = {"num_classes": C, "bins": 4, "strides": STRIDES}
LEVELS: dict[str, Any] = {"num_classes": C, "anchors": ANCHORS, "strides": STRIDES}
FAMILIES: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "v2": (
        lambda: yl.YOLOv2Loss(num_classes=C, anchors=((1.4, 1.6), (2.0, 1.2)), prior_pull=True),
        lambda: maps(2 * (5 + C), strides=(16,))[0],
    ),
    "v3": (lambda: yl.YOLOv3Loss(**LEVELS), lambda: maps(2 * (5 + C))),
    "v4": (lambda: yl.YOLOv4Loss(**LEVELS, scale_xy=(1.1, 1.05)), lambda: maps(2 * (5 + C))),
    "v5": (lambda: yl.YOLOv5Loss(**LEVELS), lambda: maps(2 * (5 + C))),
    "v6": (lambda: yl.YOLOv6Loss(**POINTS), lambda: maps(4 * 4 + C)),
    "v7": (lambda: yl.YOLOv7Loss(**LEVELS), lambda: maps(2 * (5 + C))),
    "v8": (lambda: yl.YOLOv8Loss(**POINTS), lambda: maps(4 * 4 + C)),
    "v8 flattened": (lambda: yl.YOLOv8Loss(**POINTS, image_size=(64, 64)), flattened),
    "v10": (lambda: yl.YOLOv10Loss(**POINTS), heads),
    "yolox": (lambda: yl.YOLOXLoss(num_classes=C, strides=STRIDES), lambda: maps(5 + C)),
}
over = pytest.mark.parametrize("family", FAMILIES)


def explained(family: str) -> tuple[Any, Any, yl.Targets, Any]:
    make_loss, make_raw = FAMILIES[family]
    loss_fn, raw, targets = make_loss(), make_raw(), scattered(3, C)
    return loss_fn, raw, targets, yl.explain(loss_fn, raw, targets, class_names=("cat", "dog", "owl"))


@over
def test_contributions_add_up_to_the_loss(family: str) -> None:
    loss_fn, raw, targets, explanation = explained(family)
    output = loss_fn(raw, targets)
    rows = explanation.contributions
    assert float(rows.value.sum()) == pytest.approx(float(output.total), rel=1e-6)
    by_term = {name: float(rows.value[rows.term == number].sum()) for number, name in enumerate(rows.terms)}
    for name, value in output.terms.items():
        assert by_term[name] == pytest.approx(float(value), rel=1e-6, abs=1e-12)
    by_image = [float(rows.value[rows.image == image].sum()) for image in range(3)]
    np.testing.assert_allclose(by_image, output.per_image.sum(1).tolist(), rtol=1e-6)


@over
def test_every_object_is_told_with_its_place(family: str) -> None:
    _, _, targets, explanation = explained(family)
    assert len(explanation.objects) == int(targets.mask.sum())
    assert all(obj.state == "answered" for obj in explanation.objects)
    for language in ("en", "zh-TW"):
        said = [str(sentence) for sentence in explanation.sentences(language=language)]
        assert len(said) >= len(explanation.objects)
        assert all("IoU" in text for text in said if 'is responsible for "' in text)
        assert not any("iou" in text for text in said)


@over
def test_moving_a_box_along_its_pull_lowers_the_loss(family: str) -> None:
    """The gradient in box units has a component along every box that is responsible for an object."""
    _, _, _, explanation = explained(family)
    boxes = explanation.predictions
    assert np.isfinite(boxes.gradient).all()
    assert (np.abs(boxes.gradient[boxes.responsible]).max(-1) > 0).any()


@pytest.mark.parametrize("loss", [yl.YOLOv2Loss, yl.YOLOv3Loss])
def test_of_objects_on_one_predictor_the_one_that_is_trained_is_shown(loss: type) -> None:
    """In YOLOv2 and v3 that is the last; the other has no predictor of its own."""
    options: dict[str, Any] = (
        {"anchors": ((1.4, 1.6),)}
        if loss is yl.YOLOv2Loss
        else {"anchors": (((20.0, 24.0),),), "strides": (16,)}
    )
    boxes = torch.tensor([[0.4, 0.4, 0.3, 0.3], [0.42, 0.42, 0.35, 0.35]], dtype=torch.float64)
    targets = yl.Targets.from_cxcywh([boxes], [torch.tensor([0, 1])])
    raw = maps(5 + C, strides=(16,))[0][:1]
    explanation = yl.explain(loss(num_classes=C, **options), raw, targets)
    first, last = explanation.objects
    assert (first.state, last.state) == ("dropped", "answered")
    assert last.loss > 0
    assert explanation.predictions.object[0, last.predictors[0]] == 1
