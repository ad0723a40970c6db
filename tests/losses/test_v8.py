"""What is particular to YOLOv8: numbers worked out by hand, every form of output, and every choice the loss offers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.losses.scenes import scattered
from torch import Tensor

import yolosses as yl
from yolosses.assigners import SimOTA, TaskAligned
from yolosses.functional import giou_loss

C, BINS, STRIDES = 3, 4, (8, 16, 32)


def loss_for(bins: int = BINS, **options: Any) -> yl.YOLOv8Loss:
    return yl.YOLOv8Loss(**{"num_classes": C, "bins": bins} | options)


def random_raw(
    bins: int = BINS, seed: int = 0, batch: int = 3, size: tuple[int, int] = (64, 64)
) -> list[Tensor]:
    noise = torch.Generator().manual_seed(seed)
    mean = [1.5 if bins == 1 else 0.0] * (4 * bins) + [-1.0] * C
    shapes = [(batch, 4 * bins + C, size[0] // s, size[1] // s) for s in STRIDES]
    return [
        torch.tensor(mean, dtype=torch.float64)[:, None, None]
        + 0.4 * torch.randn(shape, generator=noise, dtype=torch.float64)
        for shape in shapes
    ]


def flat(raw: list[Tensor], bins: int = BINS) -> tuple[Tensor, Tensor]:
    joined = torch.cat([level.flatten(2) for level in raw], 2)
    return joined[:, : 4 * bins], joined[:, 4 * bins :]


def answering(assignment: yl.Assignment, locations: int) -> Tensor:
    """(B, A) bool."""
    place = torch.where(assignment.mask, assignment.predictor, locations)
    return torch.zeros(len(place), locations + 1).scatter(1, place, 1)[:, :-1] > 0


def test_by_hand_with_distances() -> None:
    # One location, its point at (4, 4) and stride 8; it says left 1/4, top 1/2, right 3/4, bottom 1/2: a box of 8 x 8
    # around (6, 4). The object is 8 x 8 around (4, 4): IoU = 48 / 80, and CIoU that less 4 / (10^2 + 8^2).
    raw = torch.tensor([0.25, 0.5, 0.75, 0.5, 0.4, -0.6], dtype=torch.float64).view(1, 6, 1, 1)
    raw.requires_grad_()
    targets = yl.Targets.from_cxcywh(
        [torch.tensor([[0.5, 0.5, 1, 1]], dtype=torch.float64)], [torch.tensor([0])]
    )
    output = yl.YOLOv8Loss(num_classes=2, bins=1, strides=[8])(raw, targets)
    ciou = 0.6 - 4 / 164
    p = [1 / (1 + math.exp(-0.4)), 1 / (1 + math.exp(0.6))]
    t = p[0] ** 0.5 * ciou**6
    q = t * ciou / (t + 1e-9)
    expected = {
        "box": 7.5 * q * (1 - ciou),
        "cls": 0.5 * (-q * math.log(p[0]) - (1 - q) * math.log(1 - p[0]) - math.log(1 - p[1])),
        "l1": 1.5 * q * (0.25 + 0 + 0.25 + 0) / 4,
    }
    assert {name: value.item() for name, value in output.terms.items()} == pytest.approx(expected, rel=1e-12)
    assert output.normalizer == 1  # the sum of the qualities is less than 1
    (grad,) = torch.autograd.grad(output.total, raw)
    assert grad[0, 4:, 0, 0].tolist() == pytest.approx([0.5 * (p[0] - q), 0.5 * p[1]], rel=1e-12)
    assert grad[0, 0] < 0 < grad[0, 2]  # the box is pulled to the left


def test_by_hand_with_bins() -> None:
    # All logits equal over bins 0 and 1: each side half a stride, the object's own. DFL: the target lies between.
    raw = torch.zeros(1, 10, 1, 1, dtype=torch.float64)
    targets = yl.Targets.from_cxcywh(
        [torch.tensor([[0.5, 0.5, 1, 1]], dtype=torch.float64)], [torch.tensor([1])]
    )
    loss = yl.YOLOv8Loss(num_classes=2, bins=2, strides=[8])
    output = loss(raw, targets)
    q = 0.5**0.5 / (0.5**0.5 + 1e-9)
    assert output.terms["box"] == 0
    assert output.terms["dfl"].item() == pytest.approx(1.5 * q * math.log(2), rel=1e-12)
    assert output.terms["cls"].item() == pytest.approx(0.5 * 2 * math.log(2), rel=1e-12)
    term = loss.elementwise(raw, targets, output.assignment)[2]
    assert term.target[0, 0].tolist() == term.pred[0, 0].tolist() == [0.5] * 4


def test_distances_beyond_the_last_bin_are_brought_within() -> None:
    raw, targets = random_raw(2), scattered(3, C)  # up to 1 stride, too little for every object
    loss = loss_for(2)
    assignment = loss.assign(raw, targets)
    term = loss.elementwise(raw, targets, assignment)[2]
    targets_of_pairs = term.target[assignment.mask]
    assert targets_of_pairs.max() == 1 - 0.01
    assert targets_of_pairs.min() >= 0
    assert term.penalty[assignment.mask].isfinite().all()


def test_a_sum_of_qualities_above_one_divides() -> None:
    output = loss_for()(random_raw(), scattered(3, C))
    assert output.assignment.quality is not None
    assert output.normalizer == output.assignment.quality.sum() > 1
    total = loss_for(reduction="sum")(random_raw(), scattered(3, C)).total
    torch.testing.assert_close(total / output.normalizer, output.total, rtol=1e-12, atol=0)


@pytest.mark.parametrize("bins", [1, BINS])
def test_all_forms_give_the_same(bins: int) -> None:
    raw, targets = random_raw(bins), scattered(3, C)
    boxes, scores = flat(raw, bins)
    wanted = loss_for(bins)(raw, targets)
    assert list(wanted.terms) == ["box", "cls", "l1" if bins == 1 else "dfl"]
    sized, features = (
        loss_for(bins, image_size=(64, 64)),
        [torch.zeros(3, 9, *level.shape[2:]) for level in raw],
    )
    forms: list[tuple[yl.YOLOv8Loss, Any]] = [
        (sized, raw),
        (sized, tuple(raw)),
        (sized, (boxes, scores)),
        (sized, {"boxes": boxes, "scores": scores}),
        (loss_for(bins), {"boxes": boxes, "scores": scores, "feats": features}),
    ]
    for loss, form in forms:
        output = loss(form, targets)
        torch.testing.assert_close(output.total, wanted.total, rtol=1e-12, atol=0)
        assert torch.equal(output.assignment.predictor, wanted.assignment.predictor)
        torch.testing.assert_close(loss.decode(form), sized.decode(raw), rtol=1e-12, atol=0)


def test_one_loss_serves_every_size_of_image() -> None:
    loss = loss_for()
    for size in ((64, 64), (96, 64), (32, 160)):
        output = loss(random_raw(size=size), scattered(3, C))
        assert output.total.isfinite()
        assert output.assignment.predictor.max() < sum(size[0] * size[1] // s**2 for s in STRIDES)
        assert loss.decode(random_raw(size=size)).boxes.shape[1] == sum(
            size[0] * size[1] // s**2 for s in STRIDES
        )


def test_what_moves_by_a_cell_is_answered_by_the_next_cell() -> None:
    """The network's output and the objects move 16 pixels to the right, away from the border."""
    loss = loss_for(strides=(8, 16), reduction="sum")
    raw = [level.clone() for level in random_raw(size=(64, 128))[:2]]
    boxes = torch.tensor([[0.3, 0.4, 0.2, 0.5], [0.5, 0.6, 0.15, 0.4]], dtype=torch.float64)
    moved = boxes + torch.tensor([16 / 128, 0, 0, 0])
    labels = torch.tensor([0, 2])
    first = loss([level[:1] for level in raw], yl.Targets.from_cxcywh([boxes], [labels]))
    second = loss(
        [level[:1].roll(16 // s, 3) for level, s in zip(raw, (8, 16), strict=True)],
        yl.Targets.from_cxcywh([moved], [labels]),
    )
    torch.testing.assert_close(second.total, first.total, rtol=1e-10, atol=0)
    assert first.assignment.mask.sum() > 4
    codec = loss.codec_for(raw)
    before, after = (codec.places(output.assignment.predictor) for output in (first, second))
    step = torch.where(before.level == 0, 2, 1)
    counts = first.assignment.mask
    assert torch.equal((after.col - before.col)[counts], step[counts])
    assert torch.equal(after.row[counts], before.row[counts])


def test_a_network_that_is_right_about_boxes_has_no_box_loss() -> None:
    targets = scattered(3, C)
    loss = loss_for(1)
    raw = [level.requires_grad_() for level in random_raw(1)]
    assignment = loss.assign(raw, targets)
    codec = loss.codec_for(raw)
    points, strides = codec.levels.points(raw[0]), codec.levels.stride_of(raw[0])
    # Every location says the box of the object that it answers for.
    boxes, scores = (part.detach().clone() for part in flat(raw, 1))
    truth = targets.at(assignment.object, assignment.mask)
    sides = codec.encode(
        codec.in_pixels(truth.boxes), points[assignment.predictor], strides[assignment.predictor]
    )
    place = torch.where(assignment.mask, assignment.predictor, boxes.shape[2])
    boxes = torch.cat((boxes, boxes[..., :1]), 2)
    boxes = boxes.scatter(2, place[:, None].expand(-1, 4, -1), sides.mT)[..., :-1]
    output = loss_for(1, image_size=(64, 64))((boxes, scores), targets)
    assert output.terms["box"] <= 1e-12
    assert output.terms["l1"] <= 1e-12
    assert output.terms["cls"] > 0.1
    assert output.num_dropped == 0


def test_a_step_against_the_gradient_lowers_the_value() -> None:
    raw = [level.requires_grad_() for level in random_raw()]
    loss, targets = loss_for(), scattered(3, C)
    output = loss(raw, targets)
    grads = torch.autograd.grad(output.total, raw)
    for step in (1e-3, 1e-2):
        moved = [level - step * grad for level, grad in zip(raw, grads, strict=True)]
        after = loss(moved, targets, assignment=output.assignment)
        assert all(after.terms[name] < output.terms[name] for name in output.terms)


def tiny_objects() -> yl.Targets:
    """3 x 3 pixels of 64, between four points of the first level."""
    box = torch.tensor([[0.5, 0.5, 3 / 64, 3 / 64]], dtype=torch.float64)
    return yl.Targets.from_cxcywh([box] * 3, [torch.tensor([1])] * 3)


def test_small_objects_have_candidates_since_8_4() -> None:
    raw, targets = random_raw(), tiny_objects()
    for level in raw:
        level[:, ::BINS] += 6  # boxes small enough to overlap
    new, old = loss_for(assigner=None), loss_for(least_side=0.0)
    assert isinstance(new.assigner, TaskAligned)
    assert isinstance(old.assigner, TaskAligned)
    assert (new.assigner.least_side, old.assigner.least_side) == (16, 0.0)
    assert loss_for(strides=(8,)).assigner.least_side == 8  # type: ignore[attr-defined, unused-ignore]
    assert not old.assign(raw, targets).mask.any()
    assert old(raw, targets).num_dropped == 3
    found = new.codec_for(raw).levels
    points = found.points(raw[0])
    inside = ((points - 32).abs() < 8).all(-1)
    a = new.assign(raw, targets)
    assert inside[a.predictor[a.mask]].all()


def test_label_smoothing_moves_targets_where_something_answers() -> None:
    raw, targets = random_raw(), scattered(3, C)
    plain, smooth = loss_for(), loss_for(label_smoothing=0.1)
    assignment = plain.assign(raw, targets)
    term, other = (loss.elementwise(raw, targets, assignment)[1] for loss in (plain, smooth))
    answers = answering(assignment, 84)
    torch.testing.assert_close(
        other.target[answers], 0.9 * term.target[answers] + 0.1 / C, rtol=1e-12, atol=0
    )
    assert not other.target[~answers].any()
    assert torch.equal(plain(raw, targets).terms["box"], smooth(raw, targets).terms["box"])


def test_locations_in_ignored_regions_are_left_alone() -> None:
    raw, targets = random_raw(), scattered(3, C)
    ignored = replace(
        targets, ignore=torch.tensor([[False, True, False]]).expand_as(targets.mask) & targets.mask
    )
    loss = loss_for(reduction="sum")
    output = loss(raw, ignored)
    term = loss.elementwise(raw, ignored, output.assignment)[1]
    spared, answers = output.assignment.spared, answering(output.assignment, 84)
    assert spared is not None
    assert torch.equal(term.weight.squeeze(-1) > 0, answers | ~spared)
    assert 0 < (spared & ~answers).sum() < 84
    without = replace(ignored, ignore=None, mask=ignored.positive)
    assert output.terms["cls"] < loss(raw, without).terms["cls"]
    assert torch.equal(output.terms["box"], loss(raw, without).terms["box"])


def test_weights_reach_every_term_of_the_object_and_not_the_normalizer() -> None:
    raw, targets = random_raw(), scattered(3, C)
    once = loss_for()(raw, targets)
    weight = torch.full_like(targets.boxes[..., 0], 0.25)
    quarter = loss_for()(raw, replace(targets, weight=weight))
    assert torch.equal(torch.as_tensor(quarter.normalizer), torch.as_tensor(once.normalizer))
    for name in ("box", "dfl"):
        torch.testing.assert_close(quarter.terms[name], 0.25 * once.terms[name])
    term = loss_for().elementwise(raw, replace(targets, weight=weight), once.assignment)[1]
    assert set(term.weight.unique().tolist()) == {0.25, 1.0}


@pytest.mark.parametrize("label", [-1, C, 100])
def test_labels_out_of_range_are_no_class(label: int) -> None:
    raw, targets = random_raw(), scattered(3, C)
    wrong = replace(targets, labels=torch.full_like(targets.labels, label))
    loss = loss_for()
    loss.validate = False
    output = loss(raw, wrong)
    assert output.total.isfinite()
    assert output.terms["box"] > 0
    assert not loss.elementwise(raw, wrong, output.assignment)[1].target.any()


def test_swapped_parts() -> None:
    raw, targets = random_raw(), scattered(3, C)
    output = loss_for(assigner=SimOTA())(raw, targets)
    assert output.assignment.quality is None  # then the IoU is the quality
    assert output.normalizer == output.assignment.iou.sum()
    plain, generalised = loss_for()(raw, targets), loss_for(box_loss=giou_loss)(raw, targets)
    assert generalised.terms["box"] != plain.terms["box"]
    for name in ("cls", "dfl"):
        assert torch.equal(generalised.terms[name], plain.terms[name])


@pytest.mark.parametrize("bins", [1, BINS])
def test_more_objects_than_locations_can_serve(bins: int) -> None:
    """A small image full of objects: every object is answered for or counted."""
    noise = torch.Generator().manual_seed(0)
    boxes = 0.2 + 0.6 * torch.rand(30, 4, generator=noise, dtype=torch.float64)
    targets = yl.Targets.from_cxcywh([boxes] * 3, [torch.arange(30) % C] * 3)
    loss = loss_for(bins, strides=(16,), topk=99)
    output = loss(random_raw(bins)[1], targets)
    a = output.assignment
    for image in range(3):
        answered = a.object[image][a.mask[image]].unique()
        assert len(answered) + int(a.num_dropped[image]) == 30
    assert output.num_dropped >= 3 * (30 - 16)


def test_the_sides_of_a_box_are_told_apart_from_the_box() -> None:
    """The gradient of a term's ``pred`` is that of the term alone."""
    raw = [level.requires_grad_() for level in random_raw(1)]
    loss, targets = loss_for(1), scattered(3, C)
    assignment = loss.assign(raw, targets)
    terms = loss.elementwise(raw, targets, assignment)
    total = loss.reduce(terms, assignment).total
    by_box, by_sides = torch.autograd.grad(total, [terms[0].pred, terms[2].pred])
    s = loss.reduce(terms, assignment).normalizer
    torch.testing.assert_close(by_box, -7.5 * terms[0].weight / s, rtol=1e-12, atol=0)
    sign = (terms[2].pred - terms[2].target).sign() * terms[2].weight
    assert torch.equal(by_sides.sign(), sign.sign())


def test_the_value_is_explained() -> None:
    loss, raw, targets = loss_for(), random_raw(), scattered(3, C)
    explanation = yl.explain(loss, raw, targets)
    output = loss(raw, targets)
    torch.testing.assert_close(explanation.output.total, output.total)
    assert all(thing.predictors for thing in explanation.objects)
    levels = {
        int(explanation.predictions.level[p]) for thing in explanation.objects for p in thing.predictors
    }
    assert levels >= {0, 1}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_classes": 0}, ValueError, r"^num_classes: expected an integer >= 1; got 0$"),
        ({"bins": 0}, ValueError, r"^bins: expected an integer >= 1; got 0$"),
        ({"lambda_box": -1}, ValueError, r"^lambda_box: expected a number >= 0; got -1$"),
        ({"lambda_dfl": "1"}, TypeError, r"^lambda_dfl: expected a number >= 0; got '1'$"),
        ({"topk": 0}, ValueError, r"^topk: expected an integer >= 1; got 0$"),
        ({"least_side": -1}, ValueError, r"^least_side: expected a number >= 0; got -1$"),
        ({"label_smoothing": -0.1}, ValueError, r"^label_smoothing: expected a number from 0 to 1; got -0\.1$"),
        ({"reduction": "max"}, ValueError, r"^reduction: expected one of 'mean', 'sum', 'none'; got 'max'$"),
    ],
)  # fmt: skip
def test_arguments_are_one_clear_error(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        yl.YOLOv8Loss(**options)


@pytest.mark.parametrize(
    ("options", "raw", "message"),
    [
        ({}, flat(random_raw()), r"^image_size: expected \(height, width\) in pixels where .*; got None$"),
        ({"image_size": (32, 32)}, flat(random_raw()), r"^raw: expected 21 locations for grids .*; got 84$"),
        ({}, random_raw()[:2], r"^raw: expected 3 maps, one for each of strides=\(8, 16, 32\); got 2$"),
        ({"bins": 16}, random_raw(), r"^raw: expected maps \(B, 67, .* for num_classes=3 and bins=16; got"),
        ({}, {"one2one": 1, "one2many": 2}, r"^raw: expected the entries boxes and scores; got \['one2many', 'one2"),
    ],
)  # fmt: skip
def test_outputs_that_do_not_fit_are_one_clear_error(options: Any, raw: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        loss_for(**options)(raw, scattered(3, C))


def test_what_it_says_of_itself() -> None:
    loss = yl.YOLOv8Loss(num_classes=7)
    assert loss.channels == 71
    assert "num_classes=7, lambda_box=7.5, lambda_cls=0.5, lambda_dfl=1.5" in repr(loss)
    assert "bins=1, " in repr(yl.YOLOv8Loss(bins=1))
    assert "topk=10, alpha=0.5, beta=6.0" in repr(loss)
