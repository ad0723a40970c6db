"""Looking at the values of targets, where nobody waits for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from yolosses import modes
from yolosses.boxes import cxcywh_to_xyxy

MOST_SLOTS = 10_000  # of a batch that is looked at without being asked
ROUNDING = 1e-3  # how far beyond the image an edge may lie, as a fraction of it
SMALL_SIDE = 8  # pixels: in a smaller image boxes of a pixel are no surprise


def values_known(values: Tensor, validate: bool | None) -> bool:
    """Whether a conversion may look at ``values``: where nobody waits for them, or if told to."""
    return validate is True or modes.dynamic_lengths(values)


def is_due(boxes: Tensor, validate: bool | None) -> bool:
    """Whether ``boxes`` (B, M, 4) are to be validated: if told to, else where it costs little."""
    if validate is not None:
        return validate
    return modes.dynamic_lengths(boxes) and boxes.shape[0] * boxes.shape[1] <= MOST_SLOTS


def refuse_first(
    name: str, wrong: Tensor, expected: str, values: Tensor, *, within: Sequence[int] = (), hint: str = ""
) -> None:
    """Raise ``ValueError`` naming the first place where ``wrong``; ``values`` are those of the places, ``within`` the
    indices before theirs."""
    if not bool(wrong.any()):
        return
    found = wrong.nonzero().tolist()
    place = ", ".join(map(str, (*within, *found[0])))
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    got = _shown(values[tuple(found[0])].tolist())
    raise ValueError(f"{name}[{place}]: expected {expected}; got {got}{more}{hint}")


def _shown(value: Any) -> Any:
    """Numbers without the digits that float32 does not have."""
    if isinstance(value, list):
        return [_shown(element) for element in value]
    return float(f"{value:.7g}") if isinstance(value, float) else value


def check_labels(labels: Tensor, objects: Tensor, num_classes: int | None) -> None:
    """Raise unless ``labels`` are classes where ``objects``."""
    least, most = _extremes(labels, objects)
    if least >= 0 and (num_classes is None or most < num_classes):
        return
    expected = "a class >= 0" if num_classes is None else f"a class in 0..{num_classes - 1}"
    wrong = (labels < 0) if num_classes is None else (labels < 0) | (labels >= num_classes)
    hint = " (-1 for padding: Targets.from_padded)" if bool((objects & (labels == -1)).any()) else ""
    refuse_first("labels", objects & wrong, expected, labels, hint=hint)


def check_boxes(boxes: Tensor, mask: Tensor, ignore: Tensor | None, *, strict: bool) -> None:
    """Raise unless ``boxes`` (cxcywh, fractions) are boxes about the image where ``mask``: of a size >= 0, with a
    centre no farther away than the image is long. ``strict``: of a size > 0, with centre and edges in the image; those
    of
    ``ignore`` need only meet it."""
    boxes = torch.where(mask[..., None], boxes.detach(), 0.5)
    edges = cxcywh_to_xyxy(boxes)
    if _all_within(boxes, edges):
        return
    objects = mask if ignore is None else mask & ~ignore
    pixels = bool((mask & (boxes > 1.5).any(-1)).any())
    elsewhere = " (in pixels: Targets.from_xyxy, from_coco)" if pixels else ""
    reach = 0 if strict else 1
    checks = [
        (mask & ~boxes.isfinite().all(-1), "finite numbers", ""),
        (mask & (boxes[..., 2:] < 0).any(-1), "w and h >= 0", ""),
        (mask & strict & (boxes[..., 2:] <= 0).any(-1), "w and h > 0", ""),
        (
            objects & ((boxes[..., :2] < -reach) | (boxes[..., :2] > 1 + reach)).any(-1),
            f"a centre in [{-reach}, {1 + reach}], fractions of the image",
            elsewhere,
        ),
        (
            objects & strict & ((edges < -ROUNDING) | (edges > 1 + ROUNDING)).any(-1),
            "a box within the image, fractions of the image",
            elsewhere or " (clip=True cuts boxes to the image)",
        ),
        (
            mask & strict & ((edges[..., 2:] <= 0) | (edges[..., :2] >= 1)).any(-1),
            "an ignored region that meets the image, fractions of the image",
            elsewhere,
        ),
    ]
    for wrong, expected, hint in checks:
        refuse_first("boxes", wrong, f"{expected} (cx, cy, w, h)", boxes, hint=hint)


def check_weight(weight: Tensor, mask: Tensor) -> None:
    """Raise unless ``weight`` is finite and >= 0 where ``mask``."""
    least, most = _extremes(weight, mask)
    if least >= 0 and most < math.inf:
        return
    refuse_first("weight", mask & (~(weight >= 0) | weight.isinf()), "a finite weight >= 0", weight)


def _extremes(values: Tensor, where: Tensor) -> tuple[float, float]:
    """The least and the greatest of 0 and the selected ``values``; NaN if any is."""
    if not values.numel():
        return 0, 0
    least, most = torch.aminmax(torch.where(where, values.detach(), 0))
    return least.item(), most.item()


def _all_within(boxes: Tensor, edges: Tensor) -> bool:
    """Whether every box is one within its image, said with few operations; of what is not, `check_boxes` tells what."""
    if not boxes.numel():
        return True
    (left, right), (low, high) = (torch.aminmax(values) for values in (edges, boxes[..., :2]))
    within = left.item() >= -ROUNDING and right.item() <= 1 + ROUNDING
    return within and low.item() >= 0 and high.item() <= 1 and boxes[..., 2:].amin().item() > 0


def refuse_fractions(boxes: Tensor, mask: Tensor, sizes: Sequence[tuple[float, float]]) -> None:
    """Raise if all boxes (B, M, 4), said to be in pixels of images of ``sizes`` (height, width), lie within [0, 1]."""
    large = torch.tensor([min(size) > SMALL_SIDE for size in sizes], dtype=torch.bool, device=boxes.device)
    seen = mask & large[:, None]
    fractions = ((boxes >= 0) & (boxes <= 1)).all(-1)
    if bool(seen.any()) and bool((fractions | ~seen).all()):
        raise ValueError(
            "boxes: expected pixels; got every box within [0, 1] (fractions of the image: Targets.from_cxcywh, or "
            "image_size=(1, 1); objects of one pixel: validate=False)"
        )
