"""SimOTA from the central locations alone gives what comparing all gives."""

from __future__ import annotations

from contextlib import nullcontext

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.assigners.test_aligned_ways import scene
from tests.hazards import NoHostSync

import yolosses as yl
from yolosses import modes
from yolosses.assigners import SimOTA, sim_ota
from yolosses.assigners.sim_ota_central import largest_cost
from yolosses.codecs import Levels


def both_ways(assigner: SimOTA, seed: int, levels: Levels, images: int, objects: int) -> list[yl.Assignment]:
    alignment, truth, labels, mask = scene(seed, levels, images, objects, dtype=torch.float32)
    found = []
    for way in (nullcontext, modes.exporting):
        with way():
            found.append(
                assigner(
                    levels=levels, pred_boxes=alignment.pred_boxes, pred_scores=alignment.pred_scores,
                    gt_boxes=truth, gt_labels=labels, mask=mask,
                )
            )  # fmt: skip
    return found


def pairs(assignment: yl.Assignment) -> list[set[tuple[int, int]]]:
    rows = zip(assignment.predictor, assignment.object, assignment.mask, strict=True)
    return [set(zip(p[m].tolist(), o[m].tolist(), strict=True)) for p, o, m in rows]


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    objects=st.integers(1, 25),
    radius=st.sampled_from([0.4, 1.5, 2.5]),
    topk=st.sampled_from([1, 10]),
    outside_cost=st.sampled_from([0.0, 1e6]),
    grids=st.sampled_from([((12, 16), (6, 8), (3, 4)), ((2, 3), (1, 2), (1, 1))]),
)
def test_both_ways_pair_the_same(
    seed: int,
    objects: int,
    radius: float,
    topk: int,
    outside_cost: float,
    grids: tuple[tuple[int, int], ...],
) -> None:
    levels = Levels(grids=grids, strides=(8, 16, 32), image_size=(grids[0][0] * 8, grids[0][1] * 8))
    assigner = SimOTA(radius=radius, topk=topk, outside_cost=outside_cost)
    listed, compared = both_ways(assigner, seed, levels, 2, objects)
    assert pairs(listed) == pairs(compared)
    assert torch.equal(listed.num_dropped, compared.num_dropped)


def test_central_locations_are_enough_in_a_large_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that the test above is not of the long way twice."""
    levels = Levels(grids=((24, 24), (12, 12), (6, 6)), strides=(8, 16, 32))
    alignment, truth, labels, mask = scene(2, levels, 2, 20, dtype=torch.float32)
    truth[..., :2] = truth[..., :2].clamp(60, 130)

    def never(**arguments: object) -> None:
        raise AssertionError("compared all")

    monkeypatch.setattr(sim_ota, "take_by_comparing_all", never)
    found = SimOTA()(
        levels=levels, pred_boxes=alignment.pred_boxes, pred_scores=alignment.pred_scores,
        gt_boxes=truth, gt_labels=labels, mask=mask,
    )  # fmt: skip
    assert found.mask.any()


def test_no_cost_is_above_the_bound() -> None:
    worst = torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64)  # sure of two others, none of its own
    cost = torch.nn.functional.binary_cross_entropy(
        worst, torch.tensor([0.0, 0.0, 1.0], dtype=torch.float64), reduction="sum"
    )
    assert cost - 3 * torch.tensor(1e-8, dtype=torch.float64).log() <= largest_cost(3, 3.0)


def test_comparing_all_reads_nothing_back() -> None:
    levels = Levels(grids=((12, 16), (6, 8)), strides=(8, 16))
    alignment, truth, labels, mask = scene(3, levels, 2, 11, dtype=torch.float32)
    with modes.exporting(), NoHostSync():
        found = SimOTA()(
            levels=levels, pred_boxes=alignment.pred_boxes, pred_scores=alignment.pred_scores,
            gt_boxes=truth, gt_labels=labels, mask=mask,
        )  # fmt: skip
    assert found.mask.any()
