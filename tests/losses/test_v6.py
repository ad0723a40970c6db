"""What is particular to YOLOv6: numbers worked out by hand, and every choice the loss offers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from tests.losses.scenes import scattered
from torch import Tensor

import yolosses as yl
from yolosses.functional import giou_loss, iou_loss

C = 3


def random_raw(
    bins: int = 1, seed: int = 0, batch: int = 3, size: tuple[int, int] = (64, 64)
) -> list[Tensor]:
    noise = torch.Generator().manual_seed(seed)
    mean = torch.tensor([1.5] * (4 * bins) + [-1.0] * C, dtype=torch.float64)[:, None, None]
    shapes = [(batch, 4 * bins + C, size[0] // s, size[1] // s) for s in (8, 16, 32)]
    return [mean + 0.4 * torch.randn(shape, generator=noise, dtype=torch.float64) for shape in shapes]


def flat(raw: list[Tensor], bins: int = 1) -> tuple[Tensor, Tensor]:
    joined = torch.cat([level.flatten(2).mT for level in raw], 1)
    return joined[..., 4 * bins :], joined[..., : 4 * bins]


def test_by_hand() -> None:
    # One location, its point at (4, 4) and stride 8; it says left 1/4, top 1/2, right 1/2, bottom 1/2: 6 x 8 pixels
    # of the object's 8 x 8. One candidate is the best of its object: q = IoU = 3/4, less a little for 1e-9.
    raw = (
        torch.tensor([0.25, 0.5, 0.5, 0.5, 0.4, -0.6], dtype=torch.float64).view(1, 6, 1, 1).requires_grad_()
    )
    targets = yl.Targets.from_cxcywh(
        [torch.tensor([[0.5, 0.5, 1, 1]], dtype=torch.float64)], [torch.tensor([0])]
    )
    output = yl.YOLOv6Loss(num_classes=2, strides=[8], box_loss=iou_loss)(raw, targets)
    p = [1 / (1 + math.exp(-0.4)), 1 / (1 + math.exp(0.6))]
    metric = p[0] * 0.75**6
    q = metric * 0.75 / (metric + 1e-9)
    assert output.assignment.quality is not None
    assert output.assignment.quality[output.assignment.mask].tolist() == pytest.approx([q], rel=1e-14)
    expected = {
        "box": 2.5 * q * 0.25,
        "cls": q * -(q * math.log(p[0]) + (1 - q) * math.log(1 - p[0]))
        + 0.75 * p[1] ** 2 * -math.log(1 - p[1]),
    }
    assert {name: value.item() for name, value in output.terms.items()} == pytest.approx(expected, rel=1e-12)
    assert output.normalizer == 1  # the sum of the qualities is less than 1

    # The weight of the background is not a constant: d/dp of 0.75 p^2 (-log(1 - p)).
    (grad,) = torch.autograd.grad(output.total, raw)
    slope = 0.75 * (-2 * p[1] * math.log(1 - p[1]) + p[1] ** 2 / (1 - p[1]))
    assert grad[0, 5].item() == pytest.approx(slope * p[1] * (1 - p[1]), rel=1e-12)
    assert grad[0, 4].item() == pytest.approx(q * (p[0] - q), rel=1e-12)


def test_a_sum_of_qualities_above_one_divides() -> None:
    output = yl.YOLOv6Loss(num_classes=C)(random_raw(), scattered(3, C))
    quality = output.assignment.quality
    assert quality is not None
    assert output.normalizer == quality.sum() > 1


@pytest.mark.parametrize("bins", [1, 4])
def test_all_forms_give_the_same(bins: int) -> None:
    raw, targets = random_raw(bins), scattered(3, C)
    scores, distances = flat(raw, bins)
    options: dict[str, Any] = {"num_classes": C, "bins": bins}
    wanted = yl.YOLOv6Loss(**options)(raw, targets)
    assert list(wanted.terms) == (["box", "cls"] if bins == 1 else ["box", "cls", "dfl"])
    assert wanted.num_dropped == 0
    sized = yl.YOLOv6Loss(**options, image_size=(64, 64))
    probabilities = yl.YOLOv6Loss(**options, activated=True)
    pairs: list[tuple[yl.YOLOv6Loss, Any]] = [
        (sized, raw),
        (sized, (scores, distances)),
        (yl.YOLOv6Loss(**options), [raw, scores, distances]),
        (probabilities, [raw, scores.sigmoid(), distances]),
        (probabilities, [torch.cat((m[:, : 4 * bins], m[:, 4 * bins :].sigmoid()), 1) for m in raw]),
    ]
    for loss, form in pairs:
        output = loss(form, targets)
        torch.testing.assert_close(output.total, wanted.total, rtol=1e-12, atol=0)
        assert torch.equal(output.assignment.predictor, wanted.assignment.predictor)
        torch.testing.assert_close(loss.decode(form).scores, sized.decode(raw).scores, rtol=1e-12, atol=0)
        assert torch.equal(loss.decode(form).boxes, sized.decode(raw).boxes)


def test_probabilities_of_0_and_1_cost_what_torch_says() -> None:
    """The varifocal term as the authors write it, on probabilities."""
    scores, distances = flat(random_raw())
    p = scores.sigmoid()
    p[:, ::3], p[:, 1::3] = p[:, ::3].round(), 1e-9
    p.requires_grad_()
    loss, targets = yl.YOLOv6Loss(num_classes=C, activated=True, image_size=(64, 64)), scattered(3, C)
    output = loss((p, distances), targets)
    term = loss.elementwise((p, distances), targets, output.assignment)[1]
    q, label = term.target, (term.target > 0).double()
    weight = 0.75 * p.square() * (1 - label) + q * label
    wanted = (weight * F.binary_cross_entropy(p, q, reduction="none")).sum() / output.normalizer
    torch.testing.assert_close(output.terms["cls"], wanted, rtol=1e-10, atol=0)
    (grad,) = torch.autograd.grad(output.total, p)
    assert grad.isfinite().all()


def test_contested_locations_go_to_the_object_of_largest_iou_even_from_outside_its_box() -> None:
    loss = yl.YOLOv6Loss(num_classes=C)
    assert isinstance(loss.assigner, yl.assigners.TaskAligned)
    assert (loss.assigner.topk, loss.assigner.alpha, loss.assigner.beta) == (13, 1.0, 6.0)
    # One cell of 8 pixels whose box reaches far to the right: two objects hold its point, the third does not.
    raw = torch.tensor([0.25, 0.5, 3.5, 0.5, 0.0, 0.0, 0.0]).view(1, 7, 1, 1).repeat(1, 1, 1, 4)
    raw[0, :2, 0, 1:] = -3.0  # the other cells' boxes are empty
    boxes = torch.tensor([[4.0, 4, 8, 8], [5, 4, 10, 8], [19, 4, 26, 8]]) / torch.tensor([32.0, 8, 32, 8])
    targets = yl.Targets.from_cxcywh([boxes], [torch.tensor([0, 1, 2])])
    assignment = yl.YOLOv6Loss(num_classes=C, strides=[8]).assign(raw, targets)
    owners = dict(
        zip(
            assignment.predictor[assignment.mask].tolist(),
            assignment.object[assignment.mask].tolist(),
            strict=True,
        )
    )
    assert owners[0] == 2


def test_swapped_parts() -> None:
    raw, targets = random_raw(), scattered(3, C)
    ota = yl.YOLOv6Loss(num_classes=C, assigner=yl.assigners.SimOTA())
    output = ota(raw, targets)
    assert output.assignment.quality is None  # then the IoU is the quality
    assert output.normalizer == output.assignment.iou.sum()
    generalised = yl.YOLOv6Loss(num_classes=C, box_loss=giou_loss)(raw, targets)
    plain = yl.YOLOv6Loss(num_classes=C)(raw, targets)
    assert generalised.terms["box"] != plain.terms["box"]
    assert torch.equal(generalised.terms["cls"], plain.terms["cls"])


@pytest.mark.parametrize("label", [-1, C, 100])
def test_labels_out_of_range_are_no_class(label: int) -> None:
    raw, good = random_raw(), scattered(3, C)
    loss = yl.YOLOv6Loss(num_classes=C)
    loss.validate = False
    wrong = replace(good, labels=torch.full_like(good.labels, label))
    output = loss(raw, wrong)
    assert output.total.isfinite()
    assert loss.elementwise(raw, good, output.assignment)[1].target.sum() > 0
    assert loss.elementwise(raw, wrong, output.assignment)[1].target.sum() == 0


def test_locations_in_ignored_regions_are_left_alone() -> None:
    raw, targets = random_raw(), scattered(3, C)
    loss = yl.YOLOv6Loss(num_classes=C, reduction="sum")
    ignored = replace(
        targets, ignore=torch.tensor([[False, True, False]]).expand_as(targets.mask) & targets.mask
    )
    output = loss(raw, ignored)
    a, (_, term) = output.assignment, loss.elementwise(raw, ignored, output.assignment)
    assert a.spared is not None
    answers = torch.zeros(3, 85).scatter(1, torch.where(a.mask, a.predictor, 84), 1)[:, :84] > 0
    wanted = answers | ~a.spared
    assert torch.equal(term.weight.squeeze(-1) > 0, wanted)
    assert 0 < (a.spared & ~answers).sum() < 84
    assert output.terms["cls"] < loss(raw, replace(ignored, ignore=None, mask=ignored.positive)).terms["cls"]


def test_weights_reach_every_term_of_the_object() -> None:
    raw, targets = random_raw(4), scattered(3, C)
    loss = yl.YOLOv6Loss(num_classes=C, bins=4)
    once, weight = loss(raw, targets), torch.full_like(targets.boxes[..., 0], 0.25)
    quarter = loss(raw, replace(targets, weight=weight))
    assert torch.equal(quarter.normalizer, once.normalizer)
    for name in ("box", "dfl"):
        torch.testing.assert_close(quarter.terms[name], 0.25 * once.terms[name])
    term = loss.elementwise(raw, replace(targets, weight=weight), once.assignment)[1]
    assert set(term.weight.unique().tolist()) == {0.25, 1.0}


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"num_classes": 0}, ValueError, r"^num_classes: expected an integer >= 1; got 0$"),
        ({"bins": 0}, ValueError, r"^bins: expected an integer >= 1; got 0$"),
        ({"lambda_dfl": -1}, ValueError, r"^lambda_dfl: expected a number >= 0; got -1$"),
        ({"topk": 0}, ValueError, r"^topk: expected an integer >= 1; got 0$"),
        ({"reduction": "max"}, ValueError, r"^reduction: expected one of 'mean', 'sum', 'none'; got 'max'$"),
    ],
)  # fmt: skip
def test_other_arguments_are_one_clear_error(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        yl.YOLOv6Loss(**options)


@pytest.mark.parametrize(
    ("options", "raw", "message"),
    [
        ({}, flat(random_raw()), r"^image_size: expected \(height, width\) in pixels where .*; got None$"),
        ({"image_size": (32, 32)}, flat(random_raw()), r"^raw: expected 21 locations for grids .*; got 84$"),
        ({}, random_raw()[:2], r"^raw: expected 3 maps, one for each of strides=\(8, 16, 32\); got 2$"),
        ({"bins": 17}, flat(random_raw()), r"^raw: expected scores \(B, A, 3\) and distances \(B, A, 68\), for"),
        ({"num_classes": 5}, random_raw(), r"^raw: expected maps \(B, 9, .* for num_classes=5 and bins=1; got"),
    ],
)  # fmt: skip
def test_outputs_that_do_not_fit_are_one_clear_error(options: Any, raw: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        yl.YOLOv6Loss(**{"num_classes": C} | options)(raw, scattered(3, C))


def test_what_it_says_of_itself() -> None:
    loss = yl.YOLOv6Loss(num_classes=7, bins=17)
    assert loss.channels == 75
    assert "num_classes=7, bins=17, lambda_box=2.5" in repr(loss)
    assert "topk=13, alpha=1.0, beta=6.0" in repr(loss)
