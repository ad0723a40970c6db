"""Non-maximum suppression against the greedy loop that defines it."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from yolosses.boxes import batched_nms, paired_iou


def greedy(boxes: Tensor, scores: Tensor, labels: Tensor, threshold: float) -> list[bool]:
    """From the best score down, of equals the first: keep what no kept box of its class overlaps too much."""
    order = sorted(range(len(boxes)), key=lambda index: -scores[index].item())
    kept: list[int] = []
    for index in order:
        rivals = [other for other in kept if labels[other] == labels[index]]
        if all(paired_iou(boxes[other], boxes[index]).item() <= threshold for other in rivals):
            kept.append(index)
    return [index in kept for index in range(len(boxes))]


@given(
    batch=st.integers(1, 3),
    count=st.integers(0, 12),
    seed=st.integers(0, 10**6),
    spread=st.sampled_from([0.05, 0.3]),
    threshold=st.sampled_from([0.0, 0.3, 0.5, 0.9, 1.0]),
    levels=st.sampled_from([2, 1000]),  # with two levels of score nearly all are ties
)
def test_equals_the_greedy_loop(
    batch: int, count: int, seed: int, spread: float, threshold: float, levels: int
) -> None:
    noise = torch.Generator().manual_seed(seed)
    centre = 0.5 + spread * torch.randn(batch, count, 2, generator=noise, dtype=torch.float64)
    size = 0.1 + 0.3 * torch.rand(batch, count, 2, generator=noise, dtype=torch.float64)
    boxes = torch.cat((centre, size), -1)
    boxes[:, ::3] = boxes[:, :1].clone()  # some are identical
    scores = torch.randint(levels, (batch, count), generator=noise) / levels
    labels = torch.randint(3, (batch, count), generator=noise)
    kept = batched_nms(boxes, scores, labels, iou_threshold=threshold)
    assert kept.dtype == torch.bool
    for image in range(batch):
        assert kept[image].tolist() == greedy(boxes[image], scores[image], labels[image], threshold)


def row(*xs: float) -> Tensor:
    """Boxes of width 1 whose left edges are at ``xs``; two of distance d overlap by (1 - d) / (1 + d)."""
    return torch.tensor([[(x, 0.5, 1.0, 1.0) for x in xs]])


def test_a_suppressed_box_suppresses_nothing() -> None:
    # Neighbours overlap by 0.6, next but one by 0.33: the second goes, so the third stays, so the fourth goes.
    kept = batched_nms(row(0, 0.25, 0.5, 0.75), torch.tensor([[4.0, 3, 2, 1]]), torch.zeros(1, 4).long())
    assert kept.tolist() == [[True, False, True, False]]


def test_classes_do_not_see_each_other() -> None:
    kept = batched_nms(row(0, 0, 0), torch.tensor([[1.0, 2, 3]]), torch.tensor([[0, 1, 0]]))
    assert kept.tolist() == [[False, True, True]]


def test_equal_scores_are_ranked_by_position() -> None:
    kept = batched_nms(row(0, 0, 5), torch.ones(1, 3), torch.zeros(1, 3).long())
    assert kept.tolist() == [[True, False, True]]


def test_the_threshold_is_strict() -> None:
    boxes, scores, labels = row(0, 0.25), torch.tensor([[2.0, 1.0]]), torch.zeros(1, 2).long()
    assert batched_nms(boxes, scores, labels, iou_threshold=0.75 / 1.25).tolist() == [[True, True]]
    assert batched_nms(boxes, scores, labels, iou_threshold=0.59).tolist() == [[True, False]]
    assert batched_nms(row(0, 0), scores, labels, iou_threshold=1.0).tolist() == [[True, True]]


def test_no_boxes() -> None:
    assert batched_nms(torch.zeros(2, 0, 4), torch.zeros(2, 0), torch.zeros(2, 0).long()).shape == (2, 0)
    assert batched_nms(torch.zeros(0, 3, 4), torch.zeros(0, 3), torch.zeros(0, 3).long()).shape == (0, 3)


def test_a_wrong_argument_is_named() -> None:
    one = torch.zeros(1, 1)
    with pytest.raises(ValueError, match=r"^iou_threshold: expected a number in \[0, 1\]; got 1\.5$"):
        batched_nms(torch.zeros(1, 1, 4), one, one.long(), iou_threshold=1.5)
    message = (
        r"^boxes, scores, labels: expected \(B, N, 4\), \(B, N\), \(B, N\); got \(1, 4\), \(1, 1\), \(1, 1\)$"
    )
    with pytest.raises(ValueError, match=message):
        batched_nms(torch.zeros(1, 4), one, one.long())
