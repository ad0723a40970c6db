"""Task-aligned assignment: which locations an object is assigned, by cases that can be worked out by hand."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import yolosses as yl
from yolosses.assigners import AlignedRecipe, TaskAligned, aligned_search
from yolosses.assigners.aligned_everywhere import CHUNK
from yolosses.boxes import paired_ciou, paired_iou
from yolosses.codecs import ClassScores, Levels

STRIDE, SIDE = 8, 6  # 6 x 6 locations of stride 8: points at 4, 12, ... 44
A = SIDE * SIDE


def levels_of(locations: int) -> Levels:
    return Levels(grids=((SIDE, SIDE) if locations == A else (1, locations),), strides=(STRIDE,))


@pytest.fixture(autouse=True, params=["listing", "comparing all"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Every case here holds for both ways to find the locations."""
    monkeypatch.setattr(aligned_search, "can_list", lambda _: request.param == "listing")
    return str(request.param)


def points() -> Tensor:
    at = torch.arange(SIDE, dtype=torch.float64) * STRIDE + STRIDE / 2
    return torch.stack((at.repeat(SIDE), at.repeat_interleave(SIDE)), -1)


def number(x: float, y: float) -> int:
    """The location whose cell holds (x, y)."""
    return int(y // STRIDE) * SIDE + int(x // STRIDE)


def around_points(size: float = 16) -> Tensor:
    """Every location predicts a square around itself."""
    return torch.cat((points(), torch.full((A, 2), size, dtype=torch.float64)), -1)


def elsewhere() -> Tensor:
    """Predicted boxes that overlap nothing."""
    return torch.tensor([500.0, 500.0, 10.0, 10.0], dtype=torch.float64).repeat(A, 1)


def assign(
    pred_boxes: Tensor, gt_boxes: list[list[float]], scores: Tensor | None = None, **options: Any
) -> yl.Assignment:
    """One image; ``options``: ``labels``, ``mask``, and those of `TaskAligned`."""
    labels = torch.tensor([options.pop("labels", [0] * len(gt_boxes))])
    mask = torch.tensor([options.pop("mask", [True] * len(gt_boxes))])
    if scores is None:
        scores = torch.full((len(pred_boxes), 2), 0.25, dtype=pred_boxes.dtype)
    return TaskAligned(**options)(
        levels=levels_of(len(pred_boxes)),
        pred_boxes=pred_boxes[None],
        pred_scores=ClassScores.of(scores[None], (len(pred_boxes),)),
        gt_boxes=torch.tensor([gt_boxes], dtype=pred_boxes.dtype),
        gt_labels=labels,
        mask=mask,
    )


def pairs(assignment: yl.Assignment) -> dict[int, int]:
    """Location -> object."""
    rows = zip(*(part[0].tolist() for part in (assignment.predictor, assignment.object)), strict=True)
    found = [row for row, there in zip(rows, assignment.mask[0].tolist(), strict=True) if there]
    assert len(dict(found)) == len(found), "a location is assigned twice"
    return dict(found)


def quality_of(assignment: yl.Assignment) -> dict[int, float]:
    """Location -> quality."""
    assert assignment.quality is not None
    rows = zip(*(part[0].tolist() for part in (assignment.predictor, assignment.quality)), strict=True)
    return {i: q for (i, q), there in zip(rows, assignment.mask[0].tolist(), strict=True) if there}


def test_candidates_lie_strictly_inside() -> None:
    # From 4 to 20 on both axes: the points at 12 are inside, those at 4 and 20 on the edge.
    assert pairs(assign(around_points(), [[12, 12, 16, 16]])) == {number(12, 12): 0}
    wider = pairs(assign(around_points(), [[12, 12, 16.01, 16]]))
    assert set(wider) == {number(x, 12) for x in (4, 12, 20)}


def test_distances_in_reach_may_be_0_and_no_more_than_reach() -> None:
    square = [number(x, y) for x in (4, 12, 20) for y in (4, 12, 20)]
    on_edge = pairs(assign(around_points(), [[12, 12, 16, 16]], reach=2.0))
    assert sorted(on_edge) == sorted(square)
    # Those in the corners are 2 strides from the far sides; with less reach only the one in the middle is left.
    assert pairs(assign(around_points(), [[12, 12, 16, 16]], reach=1.99)) == {number(12, 12): 0}
    assert pairs(assign(around_points(), [[12, 12, 16, 16]], reach=0.99)) == {}


def test_small_objects_are_widened_for_their_candidates_alone() -> None:
    small = [[8.0, 8.0, 3.0, 3.0]]  # from 6.5 to 9.5: no point in it
    nobody = assign(around_points(), small, overlap=paired_iou)
    assert pairs(nobody) == {}
    assert nobody.num_dropped == 1
    widened = assign(around_points(), small, least_side=16.0, overlap=paired_iou)
    assert set(pairs(widened)) == {number(x, y) for x in (4, 12) for y in (4, 12)}
    fit = paired_iou(around_points()[0], torch.tensor(small[0], dtype=torch.float64))
    assert widened.iou[widened.mask].tolist() == pytest.approx([fit.item()] * 4)
    # Each side for itself: this one is wide enough.
    flat = assign(around_points(), [[16.0, 8.0, 26.0, 1.0]], least_side=16.0, overlap=paired_iou)
    assert set(pairs(flat)) == {number(x, y) for x in (4, 12, 20, 28) for y in (4, 12)}


@pytest.mark.parametrize("topk", [1, 2, 4])
def test_the_best_aligned_are_taken(topk: int) -> None:
    scores = torch.zeros(A, 2, dtype=torch.float64)
    order = [number(12, 20), number(20, 12), number(12, 12), number(20, 20)]
    for rank, location in enumerate(order):
        scores[location, 1] = 0.9 - 0.2 * rank
    found = pairs(assign(around_points(), [[16, 16, 16, 16]], scores, labels=[1], topk=topk))
    assert found == dict.fromkeys(order[:topk], 0)
    none = assign(around_points(), [[16, 16, 16, 16]], scores, labels=[0], topk=topk)
    assert not none.mask.any()  # no score for the class, so no alignment
    assert none.num_dropped == 1


def test_alpha_and_beta_weigh_score_against_overlap() -> None:
    boxes, scores = elsewhere(), torch.zeros(A, 2, dtype=torch.float64)
    sure, fitting = number(12, 12), number(20, 12)
    boxes[sure], boxes[fitting] = torch.tensor([[16, 12, 16, 10], [16, 12, 18, 16]]).double()
    scores[sure, 0], scores[fitting, 0] = 0.9, 0.3
    box = [[16.0, 12.0, 20.0, 16.0]]
    assert pairs(assign(boxes, box, scores, topk=1, alpha=1.0, beta=0.0)) == {sure: 0}
    assert pairs(assign(boxes, box, scores, topk=1, alpha=0.5, beta=6.0)) == {fitting: 0}


def test_quality_is_the_alignment_scaled_to_the_best_overlap() -> None:
    boxes, scores = elsewhere(), torch.zeros(A, 2, dtype=torch.float64)
    first, second = number(12, 12), number(20, 12)
    boxes[first], boxes[second] = torch.tensor([[16, 12, 16, 16], [16, 12, 24, 16]]).double()
    scores[first, 0], scores[second, 0] = 0.64, 0.01
    truth = [16.0, 12.0, 20.0, 16.0]
    result = assign(boxes, [truth], scores)
    overlaps = [
        paired_ciou(boxes[i], torch.tensor(truth, dtype=torch.float64)).item() for i in (first, second)
    ]
    t = [0.8 * overlaps[0] ** 6, 0.1 * overlaps[1] ** 6]
    assert overlaps[1] > overlaps[0]  # the widest overlap is not that of the best aligned
    wanted = {i: one * overlaps[1] / (t[0] + 1e-9) for i, one in zip((first, second), t, strict=True)}
    assert quality_of(result) == pytest.approx(wanted, rel=1e-12)
    assert result.quality is not None
    assert not result.quality[~result.mask].any()


def test_faint_alignment_makes_faint_targets() -> None:
    boxes, scores = elsewhere(), torch.full((A, 2), 0.04, dtype=torch.float64)
    here = number(12, 12)
    boxes[here] = torch.tensor([12.0, 12.0, 3.0, 3.0])
    (quality,) = quality_of(assign(boxes, [[12, 12, 20, 20]], scores)).values()
    t = 0.2 * (9 / 400) ** 6
    assert quality == pytest.approx(t * 9 / 400 / (t + 1e-9), rel=1e-9)
    assert quality < 0.03 * 9 / 400


CONTESTED = number(20, 12)
# Objects of one size side by side; the point of `CONTESTED` is on the edge of the last, and inside the others.
RIVALS = [
    [22.0, 20.0, 16.0, 32.0],
    [20.0, 20.0, 16.0, 32.0],
    [26.0, 20.0, 16.0, 32.0],
    [28.0, 20.0, 16.0, 32.0],
]
LABELS = [0, 0, 1, 1]


def rivalry() -> tuple[Tensor, Tensor]:
    """Predicted boxes and scores: objects 0 and 1 can only take `CONTESTED`; 2 and 3 overlap it more, and still more
    two locations that know nothing of class 0."""
    boxes, scores = elsewhere(), torch.full((A, 2), 0.25, dtype=torch.float64)
    boxes[CONTESTED, :] = torch.tensor([27.5, 20.0, 16.0, 32.0])
    for x, y, index in ((28, 12, 2), (28, 20, 3)):
        boxes[number(x, y), :] = torch.tensor(RIVALS[index])
        scores[number(x, y), 0] = 0
    return boxes, scores


@pytest.mark.parametrize(("contested", "winner"), [("taking", 0), ("inside", 2), ("all", 3)])
def test_a_contested_location_goes_to_the_widest_overlap(contested: str, winner: int) -> None:
    boxes, scores = rivalry()
    overlaps = paired_ciou(boxes[CONTESTED], torch.tensor(RIVALS, dtype=torch.float64)).tolist()
    assert overlaps[3] > overlaps[2] > overlaps[0] > overlaps[1] > 0
    result = assign(boxes, RIVALS, scores, labels=LABELS, topk=1, contested=contested)
    assert pairs(result) == {CONTESTED: winner, number(28, 12): 2, number(28, 20): 3}
    assert result.num_dropped == (1 if winner == 0 else 2)


def test_what_one_object_alone_takes_is_not_contested() -> None:
    boxes, scores = rivalry()
    two = [RIVALS[0], RIVALS[3]]
    found = pairs(assign(boxes, two, scores, labels=[0, 1], topk=1, contested="all"))
    assert found == {CONTESTED: 0, number(28, 20): 1}


@pytest.mark.parametrize("contested", ["taking", "inside", "all"])
@pytest.mark.parametrize("count", [2, CHUNK + 1, 3 * CHUNK])
def test_of_equal_objects_the_first_answers(contested: str, count: int) -> None:
    labels = [index % 2 for index in range(count)]
    result = assign(around_points(), [[16, 16, 16, 16]] * count, labels=labels, contested=contested)
    assert set(pairs(result).values()) == {0}
    assert len(pairs(result)) == 4
    assert result.num_dropped == count - 1


def test_keep_best_leaves_one_location_each_after_conflicts() -> None:
    boxes, poor, good = elsewhere(), number(20, 20), number(20, 28)
    for location, x in ((CONTESTED, 27.5), (poor, 14.0), (good, 23.0)):
        boxes[location, :] = torch.tensor([x, 20.0, 16.0, 32.0])
    two = RIVALS[:2]
    alone = assign(boxes, two, topk=1)
    assert pairs(alone) == {good: 0}  # the best of both
    assert alone.num_dropped == 1
    assert pairs(assign(boxes, two, topk=3)) == {CONTESTED: 0, good: 0, poor: 1}
    kept = assign(boxes, two, topk=3, keep_best=True)
    assert pairs(kept) == {good: 0, poor: 1}
    assert kept.num_dropped == 0
    for location, truth in ((good, two[0]), (poor, two[1])):
        fit = paired_ciou(boxes[location], torch.tensor(truth, dtype=torch.float64)).item()
        t = 0.5 * fit**6
        assert quality_of(kept)[location] == pytest.approx(t * fit / (t + 1e-9), rel=1e-12)


def test_fallback_takes_the_best_anywhere() -> None:
    boxes = elsewhere()
    boxes[number(44, 44)], boxes[number(4, 44)] = torch.tensor([[8, 8, 3, 3], [8, 8, 4, 4]]).double()
    small = [[8.0, 8.0, 3.0, 3.0], [24.0, 24.0, 3.0, 3.0]]
    assert pairs(assign(boxes, small)) == {}
    result = assign(boxes, small, fallback=True)
    assert pairs(result) == {number(44, 44): 0}  # nothing overlaps the other object
    assert result.num_dropped == 1
    # Not for an object that takes something, be it worse.
    boxes[number(12, 12)] = torch.tensor([8.0, 8.0, 9.0, 9.0])
    assert pairs(assign(boxes, [[9.0, 9.0, 8.0, 8.0]], fallback=True)) == {number(12, 12): 0}


def test_fewer_locations_than_topk() -> None:
    result = assign(around_points()[:3], [[12, 4, 30, 7], [12, 4, 20, 7]], topk=10)
    assert result.mask.shape == (1, 6)
    assert set(pairs(result)) == {0, 1, 2}


def test_what_is_masked_takes_nothing() -> None:
    two = [[16.0, 16.0, 16.0, 16.0], [16.0, 16.0, 16.0, 16.0]]
    result = assign(around_points(), two, mask=[False, True], fallback=True, contested="all")
    assert set(pairs(result).values()) == {1}
    assert result.num_dropped == 0
    nothing = assign(around_points(), two, mask=[False, False], fallback=True)
    assert not nothing.mask.any()
    for part in (nothing.predictor, nothing.object, nothing.iou, nothing.quality):
        assert part is not None
        assert not part.any()


def random_scene(count: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    noise = torch.Generator().manual_seed(count)
    boxes = around_points() + 4 * torch.randn(A, 4, generator=noise, dtype=torch.float64)
    truths = 10 + 30 * torch.rand(count, 4, generator=noise, dtype=torch.float64)
    scores = torch.rand(A, 3, generator=noise, dtype=torch.float64)
    return boxes, truths, scores, torch.arange(count) % 3


@pytest.mark.parametrize("options", [{}, {"contested": "all"}, {"contested": "taking", "keep_best": True}])
@pytest.mark.parametrize("count", [3, CHUNK, 2 * CHUNK + 3])
def test_the_order_of_objects_does_not_matter(count: int, options: dict[str, Any]) -> None:
    boxes, truths, scores, labels = random_scene(count)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(1))
    first = assign(boxes, truths.tolist(), scores, labels=labels.tolist(), **options)
    second = assign(boxes, truths[order].tolist(), scores, labels=labels[order].tolist(), **options)
    assert {i: int(order[j]) for i, j in pairs(second).items()} == pairs(first)
    assert quality_of(second) == pytest.approx(quality_of(first), rel=1e-12)
    assert second.num_dropped == first.num_dropped


def test_qualities_lie_between_0_and_1_and_the_best_is_the_best_overlap() -> None:
    boxes, truths, scores, labels = random_scene(11)
    result = assign(boxes, truths.tolist(), scores, labels=labels.tolist(), beta=1.0)
    found, quality = pairs(result), quality_of(result)
    assert all(0 < q <= 1 for q in quality.values())
    for j in set(found.values()):
        mine = [i for i, owner in found.items() if owner == j]
        widest = max(paired_ciou(boxes[i], truths[j]).item() for i in mine)
        assert max(quality[i] for i in mine) == pytest.approx(widest, rel=1e-5)


def test_a_recipe_says_what_a_kernel_has_to_know() -> None:
    own = TaskAligned(topk=7, alpha=1.0, beta=4.0, least_side=16.0, keep_best=True)
    assert own.recipe() == AlignedRecipe(topk=7, alpha=1.0, beta=4.0, least_side=16.0, keep_best=True)


@pytest.mark.parametrize(
    ("option", "value"),
    [("overlap", paired_iou), ("reach", 2.0), ("fallback", True), ("contested", "all")],
    ids=["overlap", "reach", "fallback", "contested"],
)
def test_what_no_kernel_knows_has_no_recipe(option: str, value: Any) -> None:
    assert TaskAligned(**{option: value}).recipe() is None


def test_labels_out_of_range_do_not_crash() -> None:
    result = assign(around_points(), [[16, 16, 16, 16], [36, 36, 16, 16]], labels=[-1, 2])
    assert set(pairs(result).values()) == {0, 1}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"topk": 0}, ValueError, r"^topk: expected an integer >= 1; got 0$"),
        ({"topk": 2.5}, TypeError, r"^topk: expected an integer >= 1; got 2\.5$"),
        ({"alpha": -0.5}, ValueError, r"^alpha: expected a number >= 0; got -0\.5$"),
        ({"beta": "6"}, TypeError, r"^beta: expected a number >= 0; got '6'$"),
        ({"least_side": -1}, ValueError, r"^least_side: expected a number >= 0; got -1$"),
        ({"reach": -1}, ValueError, r"^reach: expected a number >= 0; got -1$"),
        ({"contested": "first"}, ValueError, r"^contested: expected one of 'inside', 'all', 'taking'; got 'first'$"),
    ],
)  # fmt: skip
def test_arguments_are_one_clear_error(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        TaskAligned(**options)
