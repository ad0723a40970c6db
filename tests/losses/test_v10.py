"""What is particular to YOLOv10 and YOLO26: two heads, what each counts for, and who detects."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.losses.scenes import scattered
from tests.losses.test_v8 import BINS, C, flat, random_raw
from torch import Tensor

import yolosses as yl
from yolosses.assigners import TaskAligned
from yolosses.losses import one_to_many_weight

A = 84


def loss_for(bins: int = BINS, **options: Any) -> yl.YOLOv10Loss:
    return yl.YOLOv10Loss(**{"num_classes": C, "bins": bins} | options)


def two_heads(bins: int = BINS) -> dict[str, list[Tensor]]:
    return {"one2many": random_raw(bins, seed=1), "one2one": random_raw(bins, seed=2)}


@pytest.mark.parametrize("bins", [1, BINS])
@pytest.mark.parametrize("a", [0.8, 0.1])
def test_it_is_a_weighted_sum_of_two_losses(bins: int, a: float) -> None:
    raw, targets = two_heads(bins), scattered(3, C)
    output = loss_for(bins, one_to_many_weight=a)(raw, targets)
    many = yl.YOLOv8Loss(num_classes=C, bins=bins)(raw["one2many"], targets)
    one = yl.YOLOv8Loss(
        num_classes=C, bins=bins, assigner=TaskAligned(topk=7, least_side=16, keep_best=True)
    )(raw["one2one"], targets)
    torch.testing.assert_close(output.total, a * many.total + (1 - a) * one.total, rtol=1e-12, atol=0)
    assert list(output.terms) == [
        f"{head}_{name}" for head in ("o2o", "o2m") for name in ("box", "cls", "l1" if bins == 1 else "dfl")
    ]
    for head, part, weight in (("o2o", one, 1 - a), ("o2m", many, a)):
        for name, value in part.terms.items():
            torch.testing.assert_close(output.terms[f"{head}_{name}"], weight * value, rtol=1e-12, atol=0)
    torch.testing.assert_close(
        output.normalizer, torch.stack([torch.as_tensor(part.normalizer) for part in (one, many)])
    )


def test_the_publication_adds_both() -> None:
    raw, targets = two_heads(), scattered(3, C)
    both = loss_for(one_to_many_weight=1.0, one_to_one_weight=1.0)(raw, targets)
    many, one = loss_for(one_to_many_weight=1.0)(raw, targets), loss_for(one_to_many_weight=0.0)(raw, targets)
    torch.testing.assert_close(both.total, many.total + one.total, rtol=1e-12, atol=0)
    assert all((many.terms[name] == 0) == name.startswith("o2o") for name in many.terms)


def test_the_weight_falls_during_training() -> None:
    weights = [one_to_many_weight(epoch, 8) for epoch in range(10)]
    assert weights == pytest.approx([0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.1, 0.1])
    assert one_to_many_weight(0, 1) == 0.8
    assert one_to_many_weight(1, 1) == pytest.approx(0.1)
    loss, raw, targets = loss_for(), two_heads(), scattered(3, C)
    first = loss(raw, targets)
    loss.one_to_many_weight = one_to_many_weight(7, 8)
    last = loss(raw, targets)
    torch.testing.assert_close(last.terms["o2m_box"], first.terms["o2m_box"] / 8)
    torch.testing.assert_close(last.terms["o2o_cls"], first.terms["o2o_cls"] * 0.9 / 0.2)


def test_one_location_for_each_object_in_one_head() -> None:
    targets = scattered(3, C)
    a = loss_for().assign(two_heads(), targets)
    assert a.quality is not None
    for image in range(3):
        mine, place = a.mask[image], a.predictor[image]
        first = sorted(a.object[image][mine & (place < A)].tolist())
        assert first == list(range(int(targets.mask[image].sum())))
        assert (mine & (place >= A)).sum() > 2 * len(first) or not first
    assert a.num_dropped.tolist() == [0, 0, 0]
    assert a.quality[a.mask].min() > 0


def rivals() -> yl.Targets:
    """Two objects at nearly one place."""
    boxes = torch.tensor([[0.5, 0.5, 0.5, 0.5], [0.52, 0.5, 0.5, 0.5]], dtype=torch.float64)
    return yl.Targets.from_cxcywh([boxes], [torch.tensor([0, 0])])


def test_who_loses_its_only_location_has_none_and_of_several_the_next() -> None:
    raw = {name: [level[:1].clone() for level in maps] for name, maps in two_heads().items()}
    raw["one2one"][2][:, -C] = 6.0  # the best of both by far: the location of the last level nearest to them
    few, more = (loss_for(one_to_one_topk=topk).assign(raw, rivals()) for topk in (1, 7))
    assert few.num_dropped.tolist() == [1]
    assert more.num_dropped.tolist() == [0]
    for found, count in ((few, 1), (more, 2)):
        assert (found.mask & (found.predictor < A)).sum() == count


def test_an_object_that_takes_one_location_may_win_another() -> None:
    """With ``one_to_one_topk=1`` nothing is filtered afterwards, as in the publication's program."""
    for topk in (1, 2, 7):
        assigner = loss_for(one_to_one_topk=topk).one_to_one.assigner
        assert isinstance(assigner, TaskAligned)
        assert assigner.keep_best is (topk > 1)


@pytest.mark.parametrize("topk", [1, 3, 7, 10])
def test_fewer_locations_than_an_object_would_take(topk: int) -> None:
    """4 x 2 locations: 10 are wanted of one head, ``topk`` of the other."""
    raw = {name: [maps[1][:, :, :, :2]] for name, maps in two_heads().items()}
    targets = scattered(3, C)
    loss = loss_for(strides=(16,), one_to_one_topk=topk)
    output = loss(raw, targets)
    many = yl.YOLOv8Loss(num_classes=C, bins=BINS, strides=(16,))(raw["one2many"], targets)
    torch.testing.assert_close(output.terms["o2m_dfl"], 0.8 * many.terms["dfl"], rtol=1e-12, atol=0)
    assert output.assignment.mask.shape[1] == targets.mask.shape[1] * (min(topk, 8) + 8)
    a = output.assignment
    assert torch.equal(
        a.predictor[a.mask & (a.predictor >= 8)] - 8, many.assignment.predictor[many.assignment.mask]
    )


def test_the_head_without_suppression_detects() -> None:
    raw, loss = two_heads(), loss_for()
    found = loss.decode(raw)
    single = yl.YOLOv8Loss(num_classes=C, bins=BINS)
    torch.testing.assert_close(found, single.decode(raw["one2one"]), rtol=1e-12, atol=0)
    both = loss.codec_for(raw).predictions(raw)
    assert both.boxes.shape == (3, 2 * A, 4)
    torch.testing.assert_close(both.boxes[:, A:], single.decode(raw["one2many"]).boxes, rtol=1e-12, atol=0)
    assert torch.equal(loss.codec_for(raw).confidence(raw), both.scores.amax(-1))
    assert len(loss.codec_for(raw).grids) == 6


def test_all_forms_of_either_head_give_the_same() -> None:
    raw, targets = two_heads(), scattered(3, C)
    boxes, scores = flat(raw["one2many"])
    loss = loss_for(image_size=(64, 64))
    wanted = loss(raw, targets)
    for many in ((boxes, scores), {"boxes": boxes, "scores": scores, "feats": raw["one2many"]}):
        output = loss({"one2one": raw["one2one"], "one2many": many}, targets)
        torch.testing.assert_close(output.total, wanted.total, rtol=1e-12, atol=0)


def test_neither_head_moves_the_other() -> None:
    raw = {name: [level.requires_grad_() for level in maps] for name, maps in two_heads().items()}
    output = loss_for()(raw, scattered(3, C))
    for head, name in (("o2o", "one2many"), ("o2m", "one2one")):
        value = sum(term for key, term in output.terms.items() if key.startswith(head))
        assert isinstance(value, Tensor)
        for grad in torch.autograd.grad(
            value, raw[name], retain_graph=True, materialize_grads=True, allow_unused=True
        ):
            assert not grad.any()


def test_normalizers() -> None:
    raw, targets = two_heads(), scattered(3, C)
    loss, total = loss_for(), loss_for(reduction="sum")(raw, targets)
    assert loss(raw, targets, normalizer=4.0).total == pytest.approx(total.total / 4)
    assert loss(raw, targets, normalizer=torch.tensor(4.0)).total == pytest.approx(total.total / 4)
    apart = loss(raw, targets, normalizer=torch.tensor([2.0, 4.0]))
    for name, value in total.terms.items():
        assert apart.terms[name] == pytest.approx(value / (2 if name.startswith("o2o") else 4))


def test_ignored_regions_spare_both_heads() -> None:
    targets = scattered(3, C)
    a = loss_for().assign(two_heads(), replace(targets, ignore=targets.mask))
    assert a.spared is not None
    assert a.spared.shape == (3, 2 * A)
    assert torch.equal(a.spared[:, :A], a.spared[:, A:])
    assert a.spared.any()
    assert not a.mask.any()
    assert a.num_dropped.sum() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"one_to_many_weight": -0.1}, r"^one_to_many_weight: expected a number from 0 to 1; got -0\.1$"),
        ({"one_to_one_weight": -1}, r"^one_to_one_weight: expected a number >= 0; got -1$"),
        ({"one_to_one_topk": 0}, r"^one_to_one_topk: expected an integer >= 1; got 0$"),
        ({"topk": 0}, r"^topk: expected an integer >= 1; got 0$"),
        ({"bins": 0}, r"^bins: expected an integer >= 1; got 0$"),
    ],
)
def test_arguments_are_one_clear_error(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        yl.YOLOv10Loss(**options)


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (random_raw(), r"^raw: expected a mapping with the entries one2many and one2one; got list$"),
        ({"one2one": random_raw()}, r"^raw: expected a mapping .*; got \['one2one'\]$"),
        (
            {"one2one": random_raw(), "one2many": random_raw(size=(64, 96))},
            r"^raw: expected both heads of the same grids; got \(\(8, 8\), .* and \(\(8, 12\),",
        ),
        ({"one2one": random_raw()[:2], "one2many": random_raw()}, r"^raw: expected 3 maps, .*; got 2$"),
    ],
)
def test_outputs_that_do_not_fit_are_one_clear_error(raw: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loss_for()(raw, scattered(3, C))


def test_what_it_says_of_itself() -> None:
    loss = yl.YOLOv10Loss(num_classes=7)
    assert loss.channels == 71
    assert "one_to_many_weight=0.5" in repr(yl.YOLOv10Loss(one_to_many_weight=0.5))
    assert "topk=7" in repr(loss)
    assert "keep_best=True" in repr(loss)
