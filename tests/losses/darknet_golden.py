"""What the golden tests of YOLOv2 to v4 share: Darknet's truth lists and its deltas."""

from __future__ import annotations

import torch
from tests.golden.cases import GoldenCase
from torch import Tensor

import yolosses as yl


def targets_of(case: GoldenCase, num_classes: int) -> yl.Targets:
    """Darknet's list ends at the first row with x = 0; rows of other classes are skipped there from v4 on."""
    rows = case.arrays["truth"].float()
    there = (rows[..., 0] != 0).cumprod(1).bool()
    labels = rows[..., 4].long()
    return yl.Targets(
        boxes=torch.where(there[..., None], rows[..., :4], 0.5),
        labels=torch.where(there, labels, 0),
        mask=there & (labels >= 0) & (labels < num_classes),
    )


def error(found: Tensor, wanted: Tensor) -> float:
    """Largest difference over the largest wanted number."""
    return float((found - wanted).abs().max() / wanted.abs().max().clamp(min=1e-12))


def assigned_slots(case: GoldenCase) -> set[tuple[int, ...]]:
    """(image, slot, row, col, truth) of every pair that Darknet made."""
    return {(i, slot, row, col, truth) for i, truth, slot, row, col in case.arrays["assign"].tolist()}


def our_slots(assignment: yl.Assignment, codec: object) -> set[tuple[int, ...]]:
    """The same of an assignment."""
    place = codec.places(assignment.predictor)  # type: ignore[attr-defined]
    return {
        (
            image,
            *(int(part[image, pair]) for part in (place.box, place.row, place.col)),
            int(assignment.object[image, pair]),
        )
        for image, pair in assignment.mask.nonzero().tolist()
    }


def last_object_of_slots(case: GoldenCase) -> dict[tuple[int, ...], int]:
    """(image, slot, row, col) -> the last truth that Darknet wrote there."""
    return {(i, slot, row, col): truth for i, truth, slot, row, col in case.arrays["assign"].tolist()}


def box_factor(case: GoldenCase) -> Tensor:
    """(B, slots, rows, cols) 2 - w h of the object whose box a slot has, in float64; 0 where there is none."""
    factor = case.arrays["input"].new_zeros(case.arrays["input"][:, :, 0].shape, dtype=torch.float64)
    for (image, *place), truth in last_object_of_slots(case).items():
        w, h = case.arrays["truth"][image, truth, 2:4].double()
        factor[image, *place] = 2 - w * h
    return factor


def cross_entropy(probability: Tensor, target: Tensor) -> Tensor:
    """-t log p - (1 - t) log(1 - p)."""
    return -(target * probability.log() + (1 - target) * (1 - probability).log())
