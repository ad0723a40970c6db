"""YOLOv7's choice from the candidates that an object touches is that of comparing everything, to the last bit."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hazards import LargestTensor, NoHostSync
from torch import Tensor

from yolosses.assigners import ota_touching, touching
from yolosses.assigners.anchor_ratio import AnchorPairs
from yolosses.assigners.ota import refine_by_comparing_all, refine_pairs
from yolosses.assigners.ota_touching import refine_by_touching
from yolosses.modes import exporting

Case = tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]


def scene(
    seed: int, *, candidates: int, objects: int, coarse: bool, size: float, sure: float, dtype: torch.dtype
) -> Case:
    """Boxes around objects and elsewhere; ``coarse``: many equals; ``size`` of objects in parts of the image; ``sure``:
    how far the logits spread."""
    noise = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        drawn = torch.rand(*shape, generator=noise, dtype=torch.float64)
        return ((drawn * 4).round() / 4 if coarse else drawn).to(dtype)

    truths = torch.cat((random(2, objects, 2) * 600, random(2, objects, 2) * size * 600), -1)
    source = torch.randint(objects, (2, candidates), generator=noise)
    boxes = truths.take_along_dim(source[..., None], 1) + 60 * size * (random(2, candidates, 4) - 0.5)
    away = torch.rand(2, candidates, generator=noise) < 0.3
    boxes[..., :2] = torch.where(away[..., None], random(2, candidates, 2) * 600, boxes[..., :2])
    classes = sure * (random(2, candidates, 3) - 0.5)
    return (
        torch.rand(2, candidates, generator=noise) < 0.8,
        boxes,
        sure * (random(2, candidates) - 0.5),
        classes,
        truths,
        torch.randint(3, (2, objects), generator=noise),
        torch.rand(2, objects, generator=noise) < 0.8,
    )


def assert_both_ways_agree(case: Case) -> None:
    compared, touched = refine_by_comparing_all(*case), refine_by_touching(*case)
    assert torch.equal(touched[1], compared[1])
    assert torch.equal(touched[0][touched[1]], compared[0][compared[1]])


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    candidates=st.sampled_from([1, 3, 9, 40, 200]),
    objects=st.sampled_from([1, 2, 7, 40]),
    coarse=st.booleans(),
    size=st.sampled_from([0.01, 0.1, 0.5]),
    sure=st.sampled_from([0.0, 4.0, 100.0, 400.0]),
    dtype=st.sampled_from([torch.float32, torch.float64]),
    together=st.sampled_from([1, 4, touching.TOGETHER]),
    block=st.sampled_from([20, touching.BLOCK]),
)
def test_both_ways_choose_the_same(
    seed: int,
    candidates: int,
    objects: int,
    coarse: bool,
    size: float,
    sure: float,
    dtype: torch.dtype,
    together: int,
    block: int,
) -> None:
    case = scene(
        seed, candidates=candidates, objects=objects, coarse=coarse, size=size, sure=sure, dtype=dtype
    )
    with (
        mock.patch.object(touching, "TOGETHER", together),
        mock.patch.object(touching, "BLOCK", block),
    ):
        assert_both_ways_agree(case)


def test_candidates_beyond_touch_count_where_what_touches_costs_more() -> None:
    """An object whose own candidates are sure of other classes takes one elsewhere; who takes it most cheaply, too."""
    truths = torch.tensor([[[100.0, 100, 20, 20], [500, 500, 20, 20]]])
    boxes = torch.tensor([[[100.0, 100, 20, 20], [300, 300, 20, 20], [500, 500, 20, 20]]])
    classes = torch.tensor([[[-300.0, 300.0], [20.0, -20.0], [-300.0, 300.0]]])
    everything = torch.ones(1, 3, dtype=torch.bool)
    case = (
        everything, boxes, torch.full((1, 3), 20.0), classes, truths, torch.zeros(1, 2, dtype=torch.int64),
        torch.ones(1, 2, dtype=torch.bool),
    )  # fmt: skip
    assert_both_ways_agree(case)
    owner, kept = refine_by_touching(*case)
    assert kept[0].tolist() == [False, True, False]
    assert int(owner[0, 1]) == 0


@pytest.mark.parametrize("what", ["boxes", "classes", "objectness", "truths"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_numbers_that_are_not_finite_are_the_same_too(what: str, value: float) -> None:
    for seed in range(5):
        case = scene(seed, candidates=60, objects=9, coarse=False, size=0.2, sure=4.0, dtype=torch.float32)
        place = {"boxes": case[1], "objectness": case[2], "classes": case[3], "truths": case[4]}[what]
        place.flatten()[:: place.numel() // 7] = value
        assert_both_ways_agree(case)


def test_few_objects_look_at_everything_and_memory_is_bounded() -> None:
    case = scene(1, candidates=4000, objects=500, coarse=False, size=0.05, sure=4.0, dtype=torch.float32)
    counted, take_of_all = [], ota_touching._Choice._take_of_all

    def count(self: Any, object: Tensor, near: Tensor, unsure: Tensor, *rest: Tensor) -> None:
        counted.append(int(unsure.sum()))
        take_of_all(self, object, near, unsure, *rest)

    with mock.patch.object(ota_touching._Choice, "_take_of_all", count), LargestTensor() as largest:
        refine_by_touching(*case)
    assert len(counted) > 20
    assert sum(counted) < 0.05 * int(case[6].sum())
    assert largest.numel <= 4 * touching.BLOCK, largest.operation


def test_comparing_all_reads_nothing_back() -> None:
    case = scene(3, candidates=50, objects=19, coarse=False, size=0.2, sure=4.0, dtype=torch.float32)
    counts, boxes, objectness, classes, truths, labels, mask = case
    pairs = AnchorPairs(
        predictor=torch.arange(50).expand(2, -1), object=torch.zeros(2, 50, dtype=torch.int64), mask=counts
    )
    arguments: dict[str, Any] = {
        "pred_boxes": boxes, "objectness": objectness, "classes": classes, "gt_boxes": truths, "gt_labels": labels,
        "mask": mask,
    }  # fmt: skip
    wanted = refine_pairs(pairs, **arguments)
    with exporting(), NoHostSync():
        found = refine_pairs(pairs, **arguments)
    assert torch.equal(found.mask, wanted.mask)
    assert torch.equal(found.object, wanted.object)
