"""The two ways to find the locations of task-aligned assignment give the same, on several levels and in batches."""

from __future__ import annotations

from typing import Any
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hazards import LargestTensor, NoHostSync
from torch import Tensor

from yolosses.assigners import TaskAligned, aligned_inside
from yolosses.assigners.aligned_everywhere import take_by_comparing_all
from yolosses.assigners.aligned_inside import (
    LESS_DISTANCE,
    OVERLAPS,
    _extents,
    _overlap_at_most,
    take_by_listing,
)
from yolosses.assigners.alignment import Alignment, Wanted, best, power
from yolosses.assigners.windows import BLOCK, blocks_of, windows_of
from yolosses.boxes import Similarity, paired_ciou, paired_diou, paired_iou
from yolosses.codecs import ClassScores, Levels

CLASSES = 3


def scene(
    seed: int, levels: Levels, images: int, objects: int, *, coarse: bool = False, dtype: torch.dtype
) -> tuple[Alignment, Tensor, Tensor, Tensor]:
    """Boxes around their points and objects anywhere, outside and of no size too; ``coarse``: many equals."""
    noise = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> Tensor:
        drawn = torch.rand(*shape, generator=noise, dtype=torch.float64)
        return ((drawn * 4).round() / 4 if coarse else drawn).to(dtype)

    points = levels.points(torch.zeros((), dtype=dtype))
    side = max(levels.image_size)
    centres = points + (random(images, len(points), 2) - 0.5) * levels.strides[0]
    pred = torch.cat((centres, random(images, len(points), 2) * side / 2), -1)
    truth = torch.cat(
        (random(images, objects, 2) * 1.4 * side - 0.2 * side, random(images, objects, 2) * side), -1
    )
    truth[:, ::5, 2:] = 0
    scores = ClassScores(
        logits=tuple(8 * random(images, CLASSES, count) - 6 for count in levels.counts),
        objectness=None if seed % 2 else tuple(8 * random(images, count) - 4 for count in levels.counts),
    )
    labels = torch.randint(0, CLASSES, (images, objects), generator=noise)
    mask = torch.rand(images, objects, generator=noise) < 0.8
    alignment = Alignment(
        levels=levels, pred_boxes=pred, pred_scores=scores, alpha=0.5, beta=6.0, overlap=paired_ciou
    )
    return alignment, truth, labels, mask


SMALL = Levels(grids=((6, 9), (3, 5), (2, 3)), strides=(8, 16, 32), image_size=(45, 70))


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    objects=st.integers(1, 20),
    coarse=st.booleans(),
    wanted=st.builds(
        Wanted,
        topk=st.sampled_from([1, 3, 10, 40]),
        least_side=st.sampled_from([0.0, 16.0]),
        reach=st.sampled_from([None, 2.99]),
        fallback=st.booleans(),
        contested=st.sampled_from(["inside", "all", "taking"]),
    ),
    shortlist=st.sampled_from([1, 2, aligned_inside.SHORTLIST]),
)
def test_both_ways_take_the_same(
    seed: int, objects: int, coarse: bool, wanted: Wanted, shortlist: int
) -> None:
    case = scene(seed, SMALL, 2, objects, coarse=coarse, dtype=torch.float32)
    with mock.patch.object(aligned_inside, "SHORTLIST", shortlist):
        listed = take_by_listing(case[0], wanted, *case[1:])
    compared = take_by_comparing_all(case[0], wanted, *case[1:])
    assert torch.equal(listed[1], compared[1])
    assert torch.equal(listed[0][listed[1]], compared[0][compared[1]])
    # Who gets a location matters where several take it.
    for image in range(2):
        times = listed[0][image][listed[1][image]].bincount(minlength=SMALL.num_predictors)
        assert torch.equal(listed[2][image][times > 1], compared[2][image][times > 1])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_blocks_hold_what_lies_inside_once_and_in_order(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("yolosses.assigners.windows.BLOCK", 100)
    levels = Levels(grids=((20, 30), (10, 15), (5, 8)), strides=(8, 16, 32), image_size=(160, 240))
    _, truth, _, _ = scene(3, levels, 1, 40, dtype=dtype)
    wanted = Wanted(10, 0.0, None, False, "inside")
    found: dict[int, list[int]] = {}
    base = 1000 * torch.arange(40)
    for block in blocks_of(windows_of(levels, truth[0], wanted.inside), base, least=4):
        assert block.place.shape[1] >= 4
        for box, row, inside in zip(
            block.box.tolist(), block.place - base[block.box, None], block.inside, strict=True
        ):
            assert box not in found
            assert row.ge(0).logical_and(row < levels.num_predictors).all()  # also where there is none
            found[box] = row[inside].tolist()
    points = levels.points(truth)
    for box, (x, y, w, h) in enumerate(truth[0]):
        inside = ((points - torch.stack((x, y))).abs() < torch.stack((w, h)) / 2 - 1e-9).all(1)
        assert found.get(box, []) == inside.nonzero().squeeze(1).tolist()


def test_the_largest_and_of_equals_the_first() -> None:
    values = torch.tensor([[0.0, 2.0, 1.0, 2.0, 0.0], [0.0, 0.0, 0.0, 1e-38, 0.0]])
    positive, place = best(values, 3)
    assert positive.tolist() == [[True, True, True], [True, False, False]]
    assert place[0].tolist() == [1, 3, 2]
    assert place[1].tolist() == [3, 0, 1]


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 2.0, 6.0, 2.5])
def test_powers(exponent: float) -> None:
    base = torch.linspace(0, 1, 11, dtype=torch.float64)
    assert power(base, exponent).tolist() == pytest.approx([x**exponent for x in base.tolist()], rel=1e-14)


def call(case: tuple[Alignment, Tensor, Tensor, Tensor], **options: Any) -> Any:
    alignment, truth, labels, mask = case
    return TaskAligned(**options)(
        levels=alignment.levels, pred_boxes=alignment.pred_boxes, pred_scores=alignment.pred_scores,
        gt_boxes=truth, gt_labels=labels, mask=mask,
    )  # fmt: skip


def test_comparing_all_reads_nothing_back() -> None:
    """An overlap of one's own is compared everywhere, with shapes known beforehand."""
    case = scene(1, SMALL, 2, 19, dtype=torch.float32)
    wanted = call(case)
    with NoHostSync():
        result = call(case, overlap=lambda a, b: paired_ciou(a, b))
    assert torch.equal(result.mask, wanted.mask)
    assert torch.equal(result.quality, wanted.quality)


def test_listing_needs_no_more_memory_with_more_objects() -> None:
    levels = Levels(grids=((40, 40), (20, 20)), strides=(8, 16))
    case = scene(2, levels, 4, 1000, dtype=torch.float32)
    windows = windows_of(levels, case[1][0], Wanted(10, 0.0, None, False, "inside").inside)
    assert sum(int(window.size.sum()) for window in windows) > BLOCK
    with LargestTensor() as largest:
        take_by_listing(case[0], Wanted(10, 0.0, None, False, "inside"), *case[1:])
    assert largest.numel <= 4 * 2 * BLOCK, largest.operation  # four numbers a box, padding included


@pytest.mark.parametrize("overlap", OVERLAPS.values(), ids=OVERLAPS.keys())
def test_no_overlap_is_above_its_bound(overlap: Similarity) -> None:
    """By which the shortlist is made: next to identical boxes too, where only rounding is left, and for boxes of any
    size anywhere, of none and of a negative one."""
    noise = torch.Generator().manual_seed(1)
    boxes = torch.rand(20_000, 4, generator=noise) * 100
    cases = [boxes * (1 + spread * torch.randn(20_000, 4, generator=noise)) for spread in (1e-7, 1e-3, 0.3)]
    scale = 10 ** (6 * torch.rand(20_000, 1, generator=noise) - 3)
    cases.append(boxes * scale - 5 * scale)
    cases.append(torch.where(torch.rand(20_000, 4, generator=noise) < 0.3, 0, boxes))
    place = torch.arange(20_000)[:, None]
    for others in cases:
        bound = _overlap_at_most(
            _extents(others.T.contiguous()), place, _extents(boxes.T.contiguous())[..., None],
            distance=overlap in LESS_DISTANCE,
        )  # fmt: skip
        true = overlap(boxes, others).clamp(min=0)
        # A similarity near 0 is the difference of two numbers near 1.
        assert (true <= bound[:, 0] + 2e-7).all()
        if overlap in (paired_iou, paired_diou):  # of which nothing is left out
            assert (bound[:, 0] - true)[boxes[:, 2:].amin(1) > 1].max() < 1e-2


def test_overlaps_are_those_of_the_pairs() -> None:
    case = scene(5, SMALL, 2, 12, dtype=torch.float32)
    result = call(case, overlap=paired_iou)
    pred = case[0].pred_boxes.take_along_dim(result.predictor[..., None], 1)
    truth = case[1].take_along_dim(result.object[..., None], 1)
    assert result.mask.any()
    torch.testing.assert_close(
        result.iou, torch.where(result.mask, paired_iou(pred, truth), 0), rtol=0, atol=0
    )
