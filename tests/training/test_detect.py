"""From raw output to detections in the original picture."""

import numpy as np
import torch
from torch import Tensor, nn

from yolosses import YOLOv1Loss
from yolosses.training.data import plain_geometry
from yolosses.training.detect import detect


class Fixed(nn.Module):
    """A network that always says the same."""

    def __init__(self, raw: Tensor) -> None:
        super().__init__()
        self.raw = raw

    def forward(self, images: Tensor) -> Tensor:
        return self.raw.expand(len(images), *self.raw.shape[1:])


def raw_output() -> tuple[YOLOv1Loss, Tensor]:
    """A 2 x 2 grid: cell (0, 1) has two nearly equal boxes of class 1, cell (1, 0) a small box of class 0."""
    raw = torch.zeros(1, 2, 2, 12)
    raw[0, 0, 1, :5] = torch.tensor([0.5, 0.5, 0.5**0.5, 0.25**0.5, 0.9])
    raw[0, 0, 1, 5:10] = torch.tensor([0.5, 0.52, 0.5**0.5, 0.25**0.5, 0.8])
    raw[0, 0, 1, 10:] = torch.tensor([0.0, 1.0])
    raw[0, 1, 0, :5] = torch.tensor([0.0, 1.0, 0.2**0.5, 0.2**0.5, 0.5])
    raw[0, 1, 0, 10:] = torch.tensor([0.6, 0.0])
    return YOLOv1Loss(grid=2, num_classes=2), raw


def test_boxes_come_back_into_the_picture() -> None:
    loss, raw = raw_output()
    geometry = plain_geometry(
        (100, 200), (64, 64), "letterbox"
    )  # the picture fills the middle half of the height
    found = detect(Fixed(raw), loss, torch.zeros(1, 3, 64, 64), [geometry])[0]
    # Centre (0.75, 0.25) of the input is on the upper edge of the picture, so half of the box is cut off. The box of
    # class 0, at the lower left corner of the input, lies wholly in the padding.
    assert found.labels.tolist() == [1]
    np.testing.assert_allclose(found.scores, [0.9], rtol=1e-6)
    np.testing.assert_allclose(found.boxes, [[0.75, 0.125, 0.5, 0.25]], atol=1e-6)


def test_the_weaker_of_two_equal_boxes_is_suppressed_unless_allowed() -> None:
    loss, raw = raw_output()
    geometry = plain_geometry((64, 64), (64, 64))
    images = torch.zeros(1, 3, 64, 64)
    assert len(detect(Fixed(raw), loss, images, [geometry])[0]) == 2
    np.testing.assert_allclose(
        detect(Fixed(raw), loss, images, [geometry], iou_threshold=1.0)[0].scores, [0.9, 0.8, 0.3], rtol=1e-6
    )


def test_limits() -> None:
    loss, raw = raw_output()
    geometries = [plain_geometry((64, 64), (64, 64))] * 2
    images = torch.zeros(2, 3, 64, 64)
    assert [len(f) for f in detect(Fixed(raw), loss, images, geometries, max_detections=1)] == [1, 1]
    assert [f.labels.tolist() for f in detect(Fixed(raw), loss, images, geometries, score_threshold=0.4)] == [
        [1],
        [1],
    ]
    empty = detect(Fixed(torch.zeros_like(raw)), loss, images, geometries)
    assert [len(f) for f in empty] == [0, 0]
