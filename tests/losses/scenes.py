"""Batches of a few objects that sit apart, for losses of several levels."""

from __future__ import annotations

import torch

import yolosses as yl

SCENES = ((0, 1), (), (2, 0, 1))  # the objects of every three images
# cx, cy, w, h in fractions of the image
OBJECTS = ((0.24, 0.27, 0.42, 0.48), (0.71, 0.74, 0.46, 0.40), (0.76, 0.21, 0.38, 0.36))


def scattered(batch: int, num_classes: int) -> yl.Targets:
    """Objects of many sizes' worth of locations, none of them on another."""
    scenes = [SCENES[image % 3] for image in range(batch)]
    boxes = [torch.tensor([OBJECTS[index] for index in scene], dtype=torch.float64) for scene in scenes]
    labels = [torch.tensor([(image + i) % num_classes for i in scene]) for image, scene in enumerate(scenes)]
    return yl.Targets.from_cxcywh(boxes, labels).validate(num_classes)
