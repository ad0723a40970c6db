"""The kernel takes what comparing every object with every location takes, and reads nothing of padding."""

from __future__ import annotations

from typing import Any, NamedTuple
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hazards import LargestTensor, NoHostSync
from tests.kernels.scenes_of_points import CLASSES, SMALL, Scene, scene
from torch import Tensor

from yolosses.assigners import alignment
from yolosses.assigners import task_aligned as of_torch
from yolosses.assigners.aligned_everywhere import take_by_comparing_all
from yolosses.assigners.alignment import Alignment, Wanted
from yolosses.boxes import paired_ciou
from yolosses.codecs import ClassScores, Levels

pytest.importorskip("triton")

from yolosses.kernels.triton import task_aligned

NEAR = 1e-6
"""Overlaps that differ by less may be in either order."""


class Taken(NamedTuple):
    location: Tensor
    valid: Tensor
    contender: Tensor


def by_kernel(
    case: Scene, topk: int = 10, alpha: float = 0.5, beta: float = 6.0, least_side: float = 16.0
) -> Taken:
    """What the objects take, and who gets what several take; 0 where nothing does."""
    levels = case.levels
    sides = [side for grid in levels.grids for side in grid]
    pred_boxes, logits, *objects = case[1:]
    taken, marks = task_aligned.take(
        pred_boxes.contiguous(), logits, *(part.contiguous() for part in objects), sides, list(levels.strides), topk,
        float(alpha), float(beta), float(least_side),
    )  # fmt: skip
    contender = alignment.LARGEST - (marks.claims & 0xFFFFFFFF)
    return Taken(taken.clamp(min=0), taken >= 0, torch.where(marks.claims >= 0, contender, 0))


def by_comparing(
    case: Scene, topk: int = 10, alpha: float = 0.5, beta: float = 6.0, least_side: float = 16.0
) -> Taken:
    scores = ClassScores(logits=case.logits)
    fit = Alignment(
        levels=case.levels, pred_boxes=case.pred_boxes, pred_scores=scores, alpha=alpha, beta=beta,
        overlap=paired_ciou,
    )  # fmt: skip
    wanted = Wanted(min(topk, case.levels.num_predictors), least_side, None, False, "inside")
    return Taken(*take_by_comparing_all(fit, wanted, case.boxes, case.labels, case.mask))


def claims(case: Scene, least_side: float = 16.0) -> Tensor:
    """(B, M, A) the overlap of each object with each of its candidates; -1 with the others."""
    points = case.levels.points(case.pred_boxes)
    half = case.boxes[..., None, 2:].clamp(min=least_side) / 2
    centre = case.boxes[..., None, :2]
    inside = ((points - (centre - half) > 1e-9) & (centre + half - points > 1e-9)).all(-1)
    overlap = paired_ciou(case.boxes[:, :, None], case.pred_boxes[:, None]).clamp(min=0)
    return torch.where(inside & case.mask[..., None], overlap, -1)


def agree(case: Scene, **options: Any) -> Taken:
    ours, theirs = by_kernel(case, **options), by_comparing(case, **options)
    k = theirs.valid.shape[2]
    assert torch.equal(ours.valid[..., :k], theirs.valid)
    assert not ours.valid[..., k:].any()
    assert torch.equal(ours.location[..., :k][theirs.valid], theirs.location[theirs.valid])
    overlaps = claims(case, options.get("least_side", 16.0))
    most = overlaps.topk(min(2, overlaps.shape[1]), 1).values
    told = (most[:, 0] > most[:, -1] + NEAR) | (most[:, 0] == most[:, -1])
    told &= most[:, 0] >= 0
    assert torch.equal(ours.contender[told], theirs.contender[told])
    assert ((ours.contender >= 0) & (ours.contender < case.mask.shape[1])).all()
    return ours


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    objects=st.integers(1, 9),
    coarse=st.booleans(),
    topk=st.sampled_from([1, 3, 10, 40]),
    least_side=st.sampled_from([0.0, 16.0]),
    tile=st.sampled_from([8, 32, 256]),
)
def test_the_same_as_by_comparing_all(
    seed: int, objects: int, coarse: bool, topk: int, least_side: float, tile: int
) -> None:
    with mock.patch.object(task_aligned, "TILE", tile):
        agree(scene(seed, 1, objects, coarse=coarse), topk=topk, least_side=least_side)


@pytest.mark.parametrize(
    ("alpha", "beta"), [(1.0, 6.0), (0.5, 2.0), (0.0, 1.0), (2.5, 3.5), (1.0, 0.0), (0.0, 0.0)]
)
def test_any_exponents(alpha: float, beta: float) -> None:
    agree(scene(11, 1, 5), alpha=alpha, beta=beta)


def as_part_of_maps(logits: Tensor) -> Tensor:
    """The last channels of an output in channels-last memory, as a network emits them."""
    images, _, count = logits.shape
    maps = torch.full((images, count, 1, 5 + CLASSES), torch.nan, dtype=logits.dtype).permute(0, 3, 1, 2)
    maps[:, 5:, :, 0] = logits
    return maps.flatten(2)[:, 5:]


def as_every_other_image(logits: Tensor) -> Tensor:
    return torch.stack((logits, logits * torch.nan), 1).flatten(0, 1)[::2]


@pytest.mark.parametrize("layout", [as_part_of_maps, as_every_other_image])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_logits_are_read_where_they_lie(layout: Any, dtype: torch.dtype) -> None:
    case = scene(12, 2, 5)
    views = tuple(layout(level.to(dtype)) for level in case.logits)
    assert not views[0].is_contiguous()
    agree(case._replace(logits=views))


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize("logit", [-120.0, 120.0])
def test_saturated_scores(logit: float) -> None:
    """A score of 0 is no alignment."""
    case = scene(13)
    taken = agree(case._replace(logits=tuple(torch.full_like(level, logit) for level in case.logits)))
    assert taken.valid.any() == (logit > 0)


@pytest.mark.parametrize("strides", [(8.0, 16.0), (0.1, 0.2)])
def test_no_location_inside_is_missed(strides: tuple[float, float]) -> None:
    """With alignment 1 everywhere all candidates are taken: edges on the points, one rounding off, and far outside."""
    levels = Levels(grids=((5, 7), (3, 4)), strides=strides, image_size=(5 * strides[0], 7 * strides[0]))
    noise = torch.Generator().manual_seed(3)
    points = levels.points(torch.zeros(()))
    low, high = (points[torch.randint(0, len(points), (15,), generator=noise)] for _ in range(2))
    boxes = torch.cat(((low + high) / 2, (high - low).abs()), 1)
    boxes *= 1 + torch.randint(-2, 3, boxes.shape, generator=noise) * 2.0**-23
    boxes[::7, :2] = torch.tensor([-1e9, 1e30])
    boxes[::7, 2:] = torch.tensor([2e9, 3e30])
    boxes[1::7, 2:] = 1e4 * strides[0]
    case = scene(1, 1, 15, levels=levels)._replace(
        boxes=boxes[None], mask=torch.ones(1, 15, dtype=torch.bool)
    )
    with mock.patch.object(task_aligned, "TILE", 16):
        taken = by_kernel(case, topk=len(points), alpha=0, beta=0, least_side=0)
    inside = claims(case, 0) != -1
    for object in range(15):
        found = taken.location[0, object][taken.valid[0, object]]
        assert found.tolist() == inside[0, object].nonzero().squeeze(1).tolist()
    assert inside.sum(2).unique().numel() > 5


def test_of_equal_locations_the_lowest_and_of_equal_objects_the_first() -> None:
    levels = Levels(grids=((8, 8), (4, 4)), strides=(8, 16))
    everywhere = torch.tensor([32.0, 32.0, 40.0, 40.0])
    case = Scene(
        levels=levels,
        pred_boxes=everywhere.expand(1, 80, 4),
        logits=(torch.zeros(1, CLASSES, 64), torch.zeros(1, CLASSES, 16)),
        boxes=everywhere.expand(1, 5, 4)
        + torch.tensor([4.0, 0, 0, 0, 0])[:, None] * torch.tensor([1, 0, 0, 0]),
        labels=torch.tensor([[0, 1, 2, 0, 1]]),
        mask=torch.tensor([[True, False, True, True, True]]),
    )
    with mock.patch.object(task_aligned, "TILE", 16):
        taken = agree(case, topk=7)
    # A box of 40 pixels holds the columns and rows 2 to 5 of the first level, all as good.
    assert taken.location[0, 2].tolist() == [18, 19, 20, 21, 26, 27, 28]
    assert (taken.contender[0, taken.location[0, 2]] == 2).all()
    assert taken.contender[0, 22] == 0  # only inside the first object


def test_an_object_between_the_points_has_candidates_where_it_is_widened() -> None:
    case = scene(15, 1, 1)._replace(boxes=torch.tensor([[[32.0, 32.0, 3.0, 3.0]]]))
    case = case._replace(mask=torch.tensor([[True]]))
    case.pred_boxes[..., :] = case.boxes[0, 0] + torch.tensor([0, 0, 1, 1])
    narrow, wide = by_kernel(case, least_side=0), agree(case, least_side=16)
    assert not narrow.valid.any()
    assert sorted(wide.location[wide.valid].tolist()) == [30, 31, 39, 40]


def test_nothing_of_padding_is_read() -> None:
    case = scene(16, 2, 5)
    others = case._replace(labels=torch.where(case.mask, case.labels, 2**40))
    assert not case.mask.all()
    for ours, same in zip(agree(case), by_kernel(others), strict=True):
        assert torch.equal(ours, same)
    # With these exponents every candidate is aligned.
    nobody = by_kernel(case._replace(mask=torch.zeros_like(case.mask)), alpha=0, beta=0)
    assert not nobody.valid.any()
    assert not nobody.contender.any()


def test_predictions_that_are_no_numbers_are_not_taken() -> None:
    case = scene(17, 1, 1)._replace(
        mask=torch.tensor([[True]]), boxes=torch.tensor([[[36.0, 24.0, 70.0, 46.0]]])
    )
    before = by_kernel(case).location[0, 0]
    case.pred_boxes[0, before[0]] = torch.nan
    after = by_kernel(case)
    assert after.valid.all()
    assert torch.equal(after.location[0, 0, :-1], before[1:])


def test_images_without_objects() -> None:
    taken = by_kernel(scene(18, 2, 0))
    assert taken.location.shape == (2, 0, 10)
    assert torch.equal(taken.contender, torch.zeros(2, SMALL.num_predictors, dtype=torch.int64))


def test_nothing_is_as_large_as_objects_times_locations() -> None:
    levels = Levels(grids=((40, 40), (20, 20)), strides=(8, 16))
    case = scene(20, 1, 40, levels=levels)
    case = case._replace(mask=torch.arange(40)[None] % 8 == 0, boxes=torch.full((1, 40, 4), 40.0))
    with LargestTensor() as largest, NoHostSync():
        by_kernel(case, topk=3)
    # In bytes, as which Triton's interpreter sees memory: not even a mask.
    assert largest.nbytes <= 2 * case.pred_boxes.nbytes < 40 * levels.num_predictors, largest.operation


def test_constants_are_those_of_the_reference() -> None:
    assert task_aligned.EDGE.value == alignment.EDGE
    assert task_aligned.LARGEST.value == alignment.LARGEST
    assert task_aligned.EPS.value == of_torch.EPS
