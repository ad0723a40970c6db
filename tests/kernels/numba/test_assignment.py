"""Task-aligned assignment in loops is that of torch: who answers for what, in every place, how well, who is dropped."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any
from unittest import mock

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kernels.scenes import assert_same_assignment
from tests.kernels.scenes_of_points import CLASSES, Scene, scene
from torch import Tensor

import yolosses as yl
from yolosses.assigners import TaskAligned
from yolosses.assigners.alignment import Wanted
from yolosses.codecs import ClassScores, Levels, PointCodec

pytest.importorskip("numba")

from yolosses.kernels.numba import loops, windows
from yolosses.kernels.numba.point_decode import decode_boxes
from yolosses.kernels.numba.task_aligned import assign


def assigned(case: Scene, impl: str, **options: Any) -> yl.Assignment:
    wanted = {"least_side": 16.0, **options}
    labels = torch.where(case.mask, case.labels, 0)
    if impl == "torch":
        return TaskAligned(**wanted)(
            levels=case.levels, pred_boxes=case.pred_boxes, pred_scores=ClassScores(logits=case.logits),
            gt_boxes=torch.where(case.mask[..., None], case.boxes, 16.0), gt_labels=labels, mask=case.mask,
        )  # fmt: skip
    recipe = asdict(TaskAligned(**wanted).recipe())
    recipe["topk"] = min(recipe["topk"], case.levels.num_predictors)
    predictor, object, mask, iou, quality, num_dropped = assign(
        case.pred_boxes, case.logits, case.boxes, labels, case.mask, grids=case.levels.grids,
        strides=case.levels.strides, **recipe,
    )  # fmt: skip
    return yl.Assignment(
        predictor=predictor, object=object, mask=mask, iou=iou, quality=quality, num_dropped=num_dropped
    )


def without_twins(case: Scene) -> Scene:
    """Of two objects that a location overlaps as much torch takes any: its last bits depend on places in memory."""
    return case._replace(mask=case.mask & (torch.arange(case.mask.shape[1]) % 5 != 3))


def agree(case: Scene, **options: Any) -> yl.Assignment:
    ours, theirs = assigned(case, "numba", **options), assigned(case, "torch", **options)
    assert_same_assignment(ours, theirs)
    return ours


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    objects=st.integers(1, 9),
    topk=st.sampled_from([1, 3, 10, 400]),
    least_side=st.sampled_from([0.0, 16.0]),
    keep_best=st.booleans(),
    exponents=st.sampled_from([(0.5, 6.0), (1.0, 6.0), (0.0, 1.0), (2.5, 3.5), (1.0, 0.0), (0.0, 0.0)]),
)
def test_the_same_as_by_torch(
    seed: int,
    objects: int,
    topk: int,
    least_side: float,
    keep_best: bool,
    exponents: tuple[float, float],
) -> None:
    alpha, beta = exponents
    agree(
        without_twins(scene(seed, 2, objects)),
        topk=topk, least_side=least_side, keep_best=keep_best, alpha=alpha, beta=beta,
    )  # fmt: skip


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_logits_of_half_precision_in_any_layout(dtype: torch.dtype) -> None:
    case = scene(12, 2, 5)
    views = tuple(level.to(dtype).mT.contiguous().mT[:, :, :] for level in case.logits)
    agree(without_twins(case)._replace(logits=views))


def test_float64() -> None:
    case = scene(3, 2, 6)
    double = case._replace(
        pred_boxes=case.pred_boxes.double(), logits=tuple(level.double() for level in case.logits),
        boxes=case.boxes.double(),
    )  # fmt: skip
    assert agree(without_twins(double)).iou.dtype == torch.float64


def test_padding_is_not_read_and_no_number_is_taken() -> None:
    case = without_twins(scene(16, 2, 5))
    others = case._replace(labels=torch.where(case.mask, case.labels, 2**40))
    assert not case.mask.all()
    assert_same_assignment(assigned(others._replace(labels=case.labels), "numba"), agree(case))
    alone = scene(17, 1, 1)._replace(
        mask=torch.tensor([[True]]), boxes=torch.tensor([[[36.0, 24.0, 70.0, 46.0]]])
    )
    before = assigned(alone, "numba").predictor[0]
    alone.pred_boxes[0, before[0]] = torch.nan
    after = assigned(alone, "numba")
    assert after.mask.all()
    assert torch.equal(after.predictor[0, :-1], before[1:])


def test_nobody_to_answer_for() -> None:
    nobody = agree(scene(18, 2, 3)._replace(mask=torch.zeros(2, 3, dtype=torch.bool)))
    assert not nobody.mask.any()
    assert not nobody.num_dropped.any()


def test_of_equal_locations_the_lowest_and_of_equal_objects_the_first() -> None:
    levels = Levels(grids=((8, 8), (4, 4)), strides=(8, 16))
    everywhere = torch.tensor([32.0, 32.0, 40.0, 40.0])
    case = Scene(
        levels=levels, pred_boxes=everywhere.expand(1, 80, 4),
        logits=(torch.zeros(1, CLASSES, 64), torch.zeros(1, CLASSES, 16)),
        boxes=everywhere.expand(1, 3, 4).clone(), labels=torch.tensor([[0, 1, 2]]),
        mask=torch.tensor([[False, True, True]]),
    )  # fmt: skip
    found = assigned(case, "numba", topk=7)
    # A box of 40 pixels holds the columns and rows 2 to 5 of the first level, all as good.
    assert found.predictor[0, 7:14].tolist() == [18, 19, 20, 21, 26, 27, 28]
    assert (found.object[found.mask] == 1).all()
    assert found.mask.sum() == 7
    assert found.num_dropped.tolist() == [1]
    best = assigned(case, "numba", topk=7, keep_best=True)
    assert best.mask.nonzero().tolist() == [[0, 7]]
    assert best.quality[0, 7].item() == pytest.approx(1)


def test_objects_without_candidates_are_dropped() -> None:
    case = scene(15, 1, 1)._replace(
        boxes=torch.tensor([[[32.0, 32.0, 3.0, 3.0]]]), mask=torch.tensor([[True]])
    )
    case.pred_boxes[..., :] = case.boxes[0, 0] + torch.tensor([0, 0, 1, 1])
    assert agree(case, least_side=0.0).num_dropped.tolist() == [1]
    assert agree(case, least_side=16.0).num_dropped.tolist() == [0]


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    case, before = scene(21, 5, 6), torch.get_num_threads()
    alone = assigned(case, "numba")
    monkeypatch.setattr(loops, "WORTH", 1)
    torch.set_num_threads(3)
    try:
        with mock.patch.object(loops, "_pool", wraps=loops._pool) as pool:
            assert_same_assignment(assigned(case, "numba"), alone)
        assert pool.called
    finally:
        torch.set_num_threads(before)


SIDE = st.one_of(st.floats(0, 200), st.sampled_from([0.0, 8.0, 16.0, 24.0, 1e30]))


@given(centre=st.one_of(st.floats(-100, 300), st.integers(0, 24).map(lambda n: n * 4.0)), size=SIDE,
       least_side=st.sampled_from([0.0, 16.0]), stride=st.sampled_from([8.0, 16.0, 0.1]))  # fmt: skip
def test_windows_are_what_is_inside(centre: float, size: float, least_side: float, stride: float) -> None:
    box = torch.tensor([[centre, size]], dtype=torch.float32)
    points = (torch.arange(20) + 0.5) * stride
    inside = Wanted(1, least_side, None, False, "inside").inside(points, box, stride)[0]
    real = points.numpy().dtype.type
    first, end = windows.window(real(centre), real(size), real(least_side), real(stride), 20)
    assert list(range(first, end)) == inside.nonzero().squeeze(1).tolist()


def decode_case(bins: int, layout: str) -> tuple[PointCodec, list[Tensor]]:
    levels = Levels(grids=((40, 32), (20, 16), (10, 8)), strides=(8, 16, 32))
    noise = torch.Generator().manual_seed(5)
    maps = [torch.randn(2, 4 * bins + 3, *grid, generator=noise) for grid in levels.grids]
    if layout == "channels last":
        maps = [level.to(memory_format=torch.channels_last) for level in maps]
    codec = PointCodec(levels=levels, num_classes=3, bins=bins)
    return codec, maps


@pytest.mark.parametrize("layout", ["contiguous", "channels last"])
@pytest.mark.parametrize("bins", [1, 4, 16])
@pytest.mark.parametrize("size", [20.0, 90.0, 400.0])
def test_boxes_are_decoded_where_an_object_is(bins: int, layout: str, size: float) -> None:
    codec, maps = decode_case(bins, layout)
    output = codec.split(maps)
    truth = torch.tensor([[[100.0, 150.0, size, size / 2], [30.0, 40.0, 3.0, 3.0]], [[torch.nan] * 4] * 2])
    mask = torch.tensor([[True, True], [False, False]])
    found = decode_boxes(
        output.distances,
        truth,
        mask,
        grids=codec.grids,
        strides=codec.levels.strides,
        bins=bins,
        least_side=16.0,
    )
    points = codec.levels.points(found)
    half = truth[0, :, None, 2:].clamp(min=16) / 2
    inside = ((points - truth[0, :, None, :2]).abs() < half).all(-1).any(0)
    assert inside.any()
    torch.testing.assert_close(found[0, inside], codec.boxes(maps)[0, inside], rtol=1e-5, atol=1e-4)
    assert not found[1].any()
