"""Small outputs of three levels and objects anywhere."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from yolosses.codecs import Levels

CLASSES = 3
SMALL = Levels(grids=((6, 9), (3, 5), (2, 3)), strides=(8, 16, 32), image_size=(48, 72))


class Scene(NamedTuple):
    levels: Levels
    pred_boxes: Tensor
    logits: tuple[Tensor, ...]
    boxes: Tensor
    labels: Tensor
    mask: Tensor


def scene(
    seed: int, images: int = 2, objects: int = 7, *, levels: Levels = SMALL, coarse: bool = False
) -> Scene:
    """Boxes around their points, and objects anywhere: partly outside, without size, twice the same, padding of NaN.
    ``coarse``: many equals."""
    noise = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        drawn = torch.rand(*shape, generator=noise)
        return (drawn * 4).round() / 4 if coarse else drawn

    points, side = levels.points(torch.zeros(())), max(levels.image_size)
    centres = points + (random(images, len(points), 2) - 0.5) * levels.strides[0]
    boxes = torch.cat((random(images, objects, 2) * 1.4 - 0.2, random(images, objects, 2)), -1) * side
    boxes[:, ::5, 2:] = 0
    boxes[:, 3::5] = boxes[:, 2::5][:, : boxes[:, 3::5].shape[1]]
    mask = torch.rand(images, objects, generator=noise) < 0.8
    return Scene(
        levels=levels,
        pred_boxes=torch.cat((centres, random(images, len(points), 2) * side / 2), -1),
        logits=tuple(8 * random(images, CLASSES, count) - 6 for count in levels.counts),
        boxes=torch.where(mask[..., None], boxes, torch.nan),
        labels=torch.randint(0, CLASSES, (images, objects), generator=noise),
        mask=mask,
    )
