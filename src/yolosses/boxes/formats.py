"""Conversions between box formats.

``cxcywh``: centre and size (the library's own, as fractions of the image); ``xyxy``: left, top, right, bottom
edge; ``xywh``: left, top edge and size (COCO). All functions take ``(..., 4)`` floating tensors and keep
dtype and unit.
"""

import torch
from torch import Tensor


def cxcywh_to_xyxy(boxes: Tensor) -> Tensor:
    """Centre and size -> edges."""
    centre, size = boxes[..., :2], boxes[..., 2:]
    return torch.cat((centre - size / 2, centre + size / 2), -1)


def xyxy_to_cxcywh(boxes: Tensor) -> Tensor:
    """Edges -> centre and size."""
    low, high = boxes[..., :2], boxes[..., 2:]
    return torch.cat(((low + high) / 2, high - low), -1)


def xywh_to_cxcywh(boxes: Tensor) -> Tensor:
    """Left-top corner and size -> centre and size."""
    corner, size = boxes[..., :2], boxes[..., 2:]
    return torch.cat((corner + size / 2, size), -1)


def cxcywh_to_xywh(boxes: Tensor) -> Tensor:
    """Centre and size -> left-top corner and size."""
    centre, size = boxes[..., :2], boxes[..., 2:]
    return torch.cat((centre - size / 2, size), -1)


def from_pixels(boxes: Tensor, image_size: tuple[float, float]) -> Tensor:
    """Pixels -> fractions of the image, for any of the formats. ``image_size``: (height, width) in pixels."""
    return boxes / _scale(boxes, image_size)


def to_pixels(boxes: Tensor, image_size: tuple[float, float]) -> Tensor:
    """Fractions of the image -> pixels, for any of the formats. ``image_size``: (height, width) in pixels."""
    return boxes * _scale(boxes, image_size)


def clip_to_image(boxes: Tensor) -> Tensor:
    """Cut ``cxcywh`` fractions to the part of each box that lies in the image (size 0 if none does)."""
    return xyxy_to_cxcywh(cxcywh_to_xyxy(boxes).clamp(0, 1))


def _scale(boxes: Tensor, image_size: tuple[float, float]) -> Tensor:
    height, width = image_size
    if height <= 0 or width <= 0:
        raise ValueError(f"image_size: expected (height, width) > 0 in pixels; got {image_size}")
    return boxes.new_tensor((width, height, width, height))
