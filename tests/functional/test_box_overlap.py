"""Each loss is what its similarity lacks to 1, and its gradient leads to the truth."""

from __future__ import annotations

import pytest
import torch

from yolosses.boxes import paired_ciou, paired_diou, paired_eiou, paired_giou, paired_iou, paired_siou
from yolosses.functional import (
    BoxLoss,
    ciou_loss,
    diou_loss,
    eiou_loss,
    giou_loss,
    iou_loss,
    siou_loss,
    squared_iou_loss,
)

LOSSES = {
    iou_loss: paired_iou,
    giou_loss: paired_giou,
    diou_loss: paired_diou,
    ciou_loss: paired_ciou,
    eiou_loss: paired_eiou,
    siou_loss: paired_siou,
}
every = pytest.mark.parametrize("loss", [*LOSSES, squared_iou_loss], ids=lambda loss: loss.__name__)
HALF_COVERED = torch.tensor([0.4, 0.5, 0.2, 0.2]), torch.tensor([0.5, 0.5, 0.2, 0.2])  # IoU 1/3


@pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: loss.__name__)
def test_is_what_the_similarity_lacks(loss: BoxLoss) -> None:
    assert torch.equal(loss(*HALF_COVERED), 1 - LOSSES[loss](*HALF_COVERED))


def test_known_values() -> None:
    values = {loss.__name__: loss(*HALF_COVERED).item() for loss in [*LOSSES, squared_iou_loss]}
    far = 0.1**2 / (0.3**2 + 0.2**2)
    assert values["iou_loss"] == pytest.approx(2 / 3, abs=1e-6)
    assert values["squared_iou_loss"] == pytest.approx(8 / 9, abs=1e-6)
    assert values["giou_loss"] == pytest.approx(2 / 3, abs=1e-6)  # nothing of the enclosing box is empty
    for name in ("diou_loss", "ciou_loss", "eiou_loss"):  # sizes are equal
        assert values[name] == pytest.approx(2 / 3 + far, abs=1e-6)


@every
def test_the_same_box_costs_nothing(loss: BoxLoss) -> None:
    box = torch.tensor([[0.3, 0.6, 0.2, 0.1], [320.0, 200.0, 64.0, 31.0]])
    assert loss(box, box).abs().max() < 1e-6


@every
def test_descent_finds_the_truth(loss: BoxLoss) -> None:
    truth = torch.tensor([0.55, 0.45, 0.3, 0.2], dtype=torch.float64)
    pred = torch.tensor([0.45, 0.5, 0.2, 0.3], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([pred], lr=0.01)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.985)
    for _ in range(400):
        optimizer.zero_grad()
        loss(pred, truth).backward()
        optimizer.step()
        schedule.step()
    assert paired_iou(pred.detach(), truth) > 0.97
