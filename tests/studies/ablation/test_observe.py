"""What is seen before any threshold: confidence where objects are and are not, objects covered by some box."""

import pytest
import torch
from tests.training.shapes import shapes
from torch import Tensor, nn

from yolosses.losses import YOLOv1Loss
from yolosses.structures import Targets
from yolosses.studies.ablation.observe import observe
from yolosses.training.data import Batches

GRID, CPU = 4, torch.device("cpu")
LOSS = YOLOv1Loss(grid=GRID, boxes_per_cell=2, num_classes=2)


class Perfect(nn.Module):
    """Emits the truth of each batch in turn: box 0 of a cell fits its object, box 1 is tiny."""

    def __init__(self, truths: list[Targets], confidence: float, elsewhere: float) -> None:
        super().__init__()
        self.truths, self.confidence, self.elsewhere = list(truths), confidence, elsewhere

    def forward(self, images: Tensor) -> Tensor:
        targets = self.truths.pop(0)
        raw = torch.zeros(len(images), GRID, GRID, 12)
        raw[..., 4] = raw[..., 9] = self.elsewhere
        raw[..., 7:9] = 0.01
        for image in range(len(images)):
            for box, label in zip(
                targets.boxes[image][targets.mask[image]],
                targets.labels[image][targets.mask[image]],
                strict=True,
            ):
                col, row = int(box[0] * GRID), int(box[1] * GRID)
                raw[image, row, col, :2] = box[:2] * GRID - torch.tensor([col, row])
                raw[image, row, col, 2:4] = box[2:].sqrt()
                raw[image, row, col, 4] = self.confidence
                raw[image, row, col, 10 + int(label)] = 1.0
        return raw


def batches() -> Batches:
    return Batches(shapes(6), batch_size=4, image_size=(64, 64))


def test_confidence_of_empty_cells_and_of_answering_boxes() -> None:
    truths = [batch.targets for batch in batches().epoch(0)]
    seen = observe(Perfect(truths, 0.8, 0.1), LOSS, batches().epoch(0), CPU)
    assert seen.object_confidence == pytest.approx(0.8)
    assert seen.empty_confidence == pytest.approx(0.1)  # the second box of a cell with an object is not in it
    assert seen.covered == 1.0
    assert len(seen.detections) == 6
    for record, found in zip(batches().dataset.records, seen.detections, strict=True):
        assert (found.scores > 0.5).sum() == len(record.labels)


def test_no_box_covers_an_object_when_all_are_tiny() -> None:
    truths = [
        Targets(boxes=t.boxes * torch.tensor([1, 1, 0.05, 0.05]), labels=t.labels, mask=t.mask)
        for t in (batch.targets for batch in batches().epoch(0))
    ]
    assert observe(Perfect(truths, 0.8, 0.1), LOSS, batches().epoch(0), CPU).covered == 0.0


def test_no_pictures() -> None:
    seen = observe(Perfect([], 0.8, 0.1), LOSS, [], CPU)
    assert seen.detections == []
    assert seen.covered is seen.empty_confidence is seen.object_confidence is None
