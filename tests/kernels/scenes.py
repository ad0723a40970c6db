"""Small outputs and crowded truths for losses that are computed in two ways."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.losses.scenes import scattered
from torch import Tensor

import yolosses as yl

C, STRIDES = 3, (8, 16)
SINGLE = {"rtol": 2e-5, "atol": 2e-6}
HEADS = ("one2one", "one2many")
CASES = {"v8": (yl.YOLOv8Loss, 16), "v8 of distances": (yl.YOLOv8Loss, 1), "v10": (yl.YOLOv10Loss, 4)}
EACH = pytest.mark.parametrize(("family", "bins"), CASES.values(), ids=CASES)


def maps(bins: int, seed: int, dtype: torch.dtype) -> list[Tensor]:
    """Boxes of about three cells around their cells, of two images of 64 x 96 pixels."""
    noise = torch.Generator().manual_seed(seed)
    mean = torch.tensor([1.5 if bins == 1 else 0.0] * (4 * bins) + [-1.0] * C)[:, None, None]
    if bins > 4:  # of equal logits the distance would be half of all bins
        mean[: 4 * bins] = -0.4 * torch.arange(bins).repeat(4)[:, None, None]
    levels = [
        mean + 0.4 * torch.randn(2, 4 * bins + C, 64 // s, 96 // s, generator=noise, dtype=torch.float32)
        for s in STRIDES
    ]
    return [level.to(dtype).requires_grad_() for level in levels]


def raw_for(family: type[Any], bins: int, dtype: torch.dtype = torch.float32) -> Any:
    if family is yl.YOLOv8Loss:
        return maps(bins, 0, dtype)
    return {name: maps(bins, seed, dtype) for seed, name in enumerate(HEADS)}


def leaves(raw: Any) -> list[Tensor]:
    return [level for name in HEADS for level in raw[name]] if isinstance(raw, dict) else list(raw)


def losses(family: type[Any], bins: int, impl: str, **options: Any) -> tuple[Any, Any]:
    common: dict[str, Any] = {"num_classes": C, "bins": bins, "strides": STRIDES, "reduction": "none"}
    common |= options
    return family(**common, impl=impl), family(**common, impl="torch")


def crowded(**extra: Any) -> yl.Targets:
    """Two objects, padding, and two objects on the first two, one of 12 pixels; and an image of padding alone. Padding
    holds what no object can."""
    noise = torch.Generator().manual_seed(3)
    apart = scattered(2, C)
    near = apart.boxes + 0.05 * torch.randn(apart.boxes.shape, generator=noise, dtype=torch.float64)
    near[:, 1, 2:] = 12 / torch.tensor([96, 64])
    boxes = torch.cat((apart.boxes, near[:, :1], near), 1).float()
    labels, mask = apart.labels[:, [0, 1, 0, 0, 1]], apart.mask[:, [0, 1, 0, 0, 1]]
    mask[:, 2] = False
    return yl.Targets(
        boxes=torch.where(mask[..., None], boxes, torch.nan), labels=torch.where(mask, labels, 2**40), mask=mask,
        **extra,
    )  # fmt: skip


def weighed_and_ignored() -> yl.Targets:
    """One object weighs nothing, and one is a region to ignore."""
    weight = torch.tensor([[0.5, 0.0, torch.nan, 2.0, 1.0], [torch.nan] * 5])
    return crowded(weight=weight, ignore=torch.tensor([False, False, True, True, False]).expand(2, -1))


SCENES = {
    "plain": crowded(),
    "weighed, ignored regions": weighed_and_ignored(),
    "no objects": replace(crowded(), mask=torch.zeros(2, 5, dtype=torch.bool)),
}


def assert_same_assignment(ours: yl.Assignment, theirs: yl.Assignment) -> None:
    """In every place, also of what does not count; qualities and IoUs to the rounding of float32."""
    for name in ("mask", "predictor", "object", "num_dropped"):
        assert torch.equal(getattr(ours, name), getattr(theirs, name)), name
    torch.testing.assert_close((ours.iou, ours.quality), (theirs.iou, theirs.quality), **SINGLE)
    assert (ours.spared is None) == (theirs.spared is None)
    assert ours.spared is None or torch.equal(ours.spared, theirs.spared)


def gradients(output: yl.LossOutput, raw: Any) -> list[Tensor]:
    """Of each term of each image, each weighed by another factor."""
    factors = torch.linspace(0.5, 1.5, output.per_image.numel(), device=output.per_image.device)
    return list(torch.autograd.grad((output.per_image.flatten() * factors).sum(), leaves(raw)))


def agree(losses: tuple[Any, Any], raw: Any, targets: yl.Targets, **tolerance: float) -> yl.LossOutput:
    ours, theirs = (loss(raw, targets) for loss in losses)
    assert_same_assignment(ours.assignment, theirs.assignment)
    assert list(ours.terms) == list(theirs.terms)
    assert ours.scales == theirs.scales
    torch.testing.assert_close(ours.per_image, theirs.per_image, **SINGLE)
    torch.testing.assert_close(ours.normalizer, theirs.normalizer, **SINGLE)
    for mine, wanted in zip(gradients(ours, raw), gradients(theirs, raw), strict=True):
        torch.testing.assert_close(mine, wanted, **(tolerance or SINGLE))
    return ours
