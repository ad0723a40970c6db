"""Shapes, the best overlap of every predictor, and who wrote last."""

from __future__ import annotations

import pytest
import torch

from yolosses.assigners import best_anchor as rules
from yolosses.assigners import touching
from yolosses.assigners.best_anchor import CHUNK, best_anchor, highest_iou, last_of_each, shape_iou
from yolosses.boxes import pairwise_iou


@pytest.mark.parametrize(
    ("first", "second", "iou"),
    [
        ((2.0, 3.0), (2.0, 3.0), 1.0),
        ((2.0, 3.0), (3.0, 2.0), 4 / 8),
        ((4.0, 4.0), (1.0, 1.0), 1 / 16),  # one within the other: the ratio of areas
        ((1.0, 4.0), (4.0, 1.0), 1 / 7),
        ((0.0, 0.0), (1.0, 1.0), 0.0),
        ((0.0, 0.0), (0.0, 0.0), 0.0),
        ((0.0, 5.0), (0.0, 5.0), 0.0),
    ],
)
def test_shape_iou(first: tuple[float, float], second: tuple[float, float], iou: float) -> None:
    a, b = torch.tensor(first, dtype=torch.float64), torch.tensor(second, dtype=torch.float64)
    assert shape_iou(a, b).item() == pytest.approx(iou, rel=1e-15)
    assert shape_iou(b, a).item() == shape_iou(a, b).item()
    around = [torch.cat((torch.zeros(2, dtype=torch.float64), size)) for size in (a, b)]
    assert pairwise_iou(*[box[None] for box in around]).item() == pytest.approx(iou, rel=1e-15)


def test_the_best_anchor_is_the_first_of_the_most_alike() -> None:
    anchors = torch.tensor([[10.0, 10], [20, 10], [20, 10], [10, 20], [100, 100]])
    sizes = torch.tensor([[[9.0, 9], [19, 11], [20, 10]], [[11, 30], [1e6, 1e6], [0, 0]]])
    assert best_anchor(sizes, anchors).tolist() == [[0, 1, 1], [3, 4, 0]]


@pytest.fixture(params=["comparing all", "comparing what touches"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What holds for both ways to find the highest IoU."""
    monkeypatch.setattr(rules, "FEW", -1 if request.param == "comparing what touches" else 1 << 40)
    monkeypatch.setattr(touching, "TOGETHER", 3)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("objects", [1, CHUNK, CHUNK + 1, 3 * CHUNK - 1])
def test_the_highest_iou_is_that_of_a_dense_table(objects: int) -> None:
    noise = torch.Generator().manual_seed(objects)
    pred = torch.rand(2, 50, 4, generator=noise, dtype=torch.float64)
    truth = torch.rand(2, objects, 4, generator=noise, dtype=torch.float64)
    mask = torch.rand(2, objects, generator=noise) < 0.7
    mask[1, -1] = True
    table = torch.where(mask[:, None], pairwise_iou(pred, truth), 0)
    highest, whose = highest_iou(pred, truth, mask)
    wanted, who = table.max(2)
    assert torch.equal(highest, wanted)
    assert torch.equal(whose[wanted > 0], who[wanted > 0])
    assert (whose[wanted == 0] == 0).all()


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("count", [1, 31, 300])
def test_both_ways_are_the_same_to_the_last_bit_also_of_numbers_that_are_not_finite(count: int) -> None:
    noise = torch.Generator().manual_seed(count)
    pred = torch.rand(2, 500, 4, generator=noise) * torch.tensor([640.0, 640, 90, 90])
    truth = torch.rand(2, count, 4, generator=noise) * torch.tensor([640.0, 640, 200, 200])
    mask = torch.rand(2, count, generator=noise) < 0.8
    pred[0, :3], pred[1, 5:7, 2] = float("nan"), torch.tensor([float("inf"), -5.0])
    wanted = rules.compare_all(pred, truth, mask)
    for found, part in zip(highest_iou(pred, truth, mask), wanted, strict=True):
        assert torch.equal(found, part)


@pytest.mark.usefixtures("way")
def test_of_equal_overlaps_the_first_object_counts_also_across_chunks() -> None:
    pred = torch.tensor([[[0.5, 0.5, 0.2, 0.2]]])
    truth = pred.expand(1, 2 * CHUNK, 4).contiguous()
    for first in (0, 3, CHUNK, CHUNK + 2):
        mask = torch.arange(2 * CHUNK)[None] >= first
        highest, whose = highest_iou(pred, truth, mask)
        assert highest.item() == pytest.approx(1)
        assert whose.item() == first
    highest, whose = highest_iou(pred, truth, torch.zeros_like(mask))
    assert (highest.item(), whose.item()) == (0, 0)


def test_the_last_of_the_pairs_that_share_a_predictor() -> None:
    predictor = torch.tensor([[4, 2, 4, 0, 4, 2], [1, 1, 1, 1, 1, 1]])
    mask = torch.tensor([[True, True, True, True, False, True], [False] * 6])
    assert last_of_each(predictor, mask, num_predictors=5).tolist() == [
        [False, False, True, True, False, True],
        [False] * 6,
    ]
