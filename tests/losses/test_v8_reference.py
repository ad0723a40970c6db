"""YOLOv8Loss and YOLOv10Loss against the scalar loops of `tests.reference.yolov8`, on random images."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from tests.losses.test_v6_reference import SIZE, STRIDES, locations_of, objects, random_maps, targets_of
from tests.reference.yolov8 import Object, Result, Rule, loss_of_image
from torch import Tensor

import yolosses as yl
from yolosses.assigners import TaskAligned

MARGIN = 1e-9  # a choice that rounding could flip is nobody's fault

rules = st.builds(
    Rule,
    topk=st.sampled_from([1, 3, 10, 99]),
    alpha=st.sampled_from([0.5, 1.0]),
    beta=st.sampled_from([2.0, 6.0]),
    least_side=st.sampled_from([0.0, 16.0]),
    reach=st.sampled_from([None, None, 1.99]),
    fallback=st.booleans(),
    contested=st.sampled_from(["inside", "all", "taking"]),
    keep_best=st.booleans(),
)


@st.composite
def images(draw: st.DrawFn, heads: int) -> tuple[int, int, list[Object], list[list[Tensor]]]:
    """Classes, bins, objects, and the maps of each head."""
    num_classes, bins = draw(st.integers(1, 4)), draw(st.sampled_from([1, 4]))
    things, spread = draw(objects(num_classes)), draw(st.sampled_from([0.1, 0.4, 1.5]))
    seed = draw(st.integers(0, 10**6))
    return num_classes, bins, things, [random_maps(num_classes, bins, seed + i, spread) for i in range(heads)]


def check_terms(output: yl.LossOutput, wanted: dict[str, float]) -> None:
    assert {name: value.item() for name, value in output.unweighted.items()} == {
        name: pytest.approx(value, rel=1e-9, abs=1e-12) for name, value in wanted.items()
    }


def check_pairs(a: yl.Assignment, wanted: Result, start: int, end: int) -> None:
    """Those of the locations from ``start`` to ``end``."""
    assert a.quality is not None
    rows = zip(*(part[0].tolist() for part in (a.predictor, a.object, a.mask, a.quality)), strict=True)
    pairs = [(i - start, j, q) for i, j, there, q in rows if there and start <= i < end]
    assert len({i for i, _, _ in pairs}) == len(pairs)
    assert {i: j for i, j, _ in pairs} == wanted.owner
    assert {i: q for i, _, q in pairs} == pytest.approx(wanted.quality, rel=1e-8)


@settings(max_examples=80)
@given(images(1), rules, st.sampled_from([0.0, 0.1]))
def test_random_images_agree(image: Any, rule: Rule, label_smoothing: float) -> None:
    num_classes, bins, things, (maps,) = image
    class_weight = [0.5 + c for c in range(num_classes)]
    wanted = loss_of_image(
        locations_of(maps, bins),
        things,
        rule,
        class_weight=class_weight,
        image_size=SIZE,
        label_smoothing=label_smoothing,
    )
    assume(wanted.margin > MARGIN)
    loss_fn = yl.YOLOv8Loss(
        num_classes=num_classes,
        bins=bins,
        strides=STRIDES,
        assigner=TaskAligned(**asdict(rule)),
        label_smoothing=label_smoothing,
        class_weight=torch.tensor(class_weight, dtype=torch.float64),
        reduction="sum",
    )
    output = loss_fn(maps, targets_of(things))
    check_terms(output, wanted.unweighted)
    check_pairs(output.assignment, wanted, 0, 10**6)
    assert int(output.num_dropped) == wanted.num_dropped
    mean = yl.YOLOv8Loss(
        num_classes=num_classes, bins=bins, strides=STRIDES, assigner=TaskAligned(**asdict(rule))
    )(maps, targets_of(things))
    assert float(mean.normalizer) == pytest.approx(max(1, sum(wanted.quality.values())), rel=1e-9)


@settings(max_examples=30)
@given(images(2), st.sampled_from([1, 3, 7]))
def test_random_images_with_two_heads_agree(image: Any, topk: int) -> None:
    num_classes, bins, things, heads = image
    one, many = (
        loss_of_image(
            locations_of(maps, bins), things, rule, class_weight=[1.0] * num_classes, image_size=SIZE
        )
        for maps, rule in zip(heads, (Rule(topk=topk, keep_best=topk > 1), Rule()), strict=True)
    )
    assume(min(one.margin, many.margin) > MARGIN)
    loss_fn = yl.YOLOv10Loss(
        num_classes=num_classes, bins=bins, strides=STRIDES, one_to_one_topk=topk, reduction="sum"
    )
    output = loss_fn({"one2one": heads[0], "one2many": heads[1]}, targets_of(things))
    parts = {"o2o": one, "o2m": many}
    check_terms(
        output,
        {
            f"{short}_{name}": value
            for short, part in parts.items()
            for name, value in part.unweighted.items()
        },
    )
    locations = len(locations_of(heads[0], bins))
    check_pairs(output.assignment, one, 0, locations)
    check_pairs(output.assignment, many, locations, 2 * locations)
    assert int(output.num_dropped) == one.num_dropped
    assert output.scales["o2m_box"] == pytest.approx(0.8 * 7.5)
    assert output.scales["o2o_cls"] == pytest.approx(0.2 * 0.5)
