"""YOLOv6Loss against recorded runs of the authors' implementation, which computes boxes in float64."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.golden.parity import record
from tests.golden.pytorch_cases import PyTorchCase, pytorch_cases, relative_error
from torch import Tensor

import yolosses as yl
from yolosses.boxes import cxcywh_to_xyxy
from yolosses.functional import giou_loss, siou_loss

over = pytest.mark.parametrize("case", pytorch_cases("v6"), ids=str)

VALUE, GRADIENT = 1e-5, 2e-5  # relative; of gradients, to the largest of the map
BOX_LOSS = {"giou": giou_loss, "siou": siou_loss}


def loss_for(case: PyTorchCase, **options: bool) -> yl.YOLOv6Loss:
    record, gains = case.record, case.record["loss_weight"]
    return yl.YOLOv6Loss(
        num_classes=record["nc"],
        bins=record["reg_max"] + 1,
        strides=record["strides"],
        image_size=tuple(record["img_hw"]),
        lambda_box=gains["iou"],
        lambda_cls=gains["class"],
        lambda_dfl=gains["dfl"],
        topk=record["topk"],
        alpha=record["alpha"],
        beta=record["beta"],
        box_loss=BOX_LOSS[record["iou_type"]],
        **options,
    )


def in_pixels(case: PyTorchCase) -> Tensor:
    height, width = case.record["img_hw"]
    return torch.tensor([width, height, width, height])


def assigned(
    assignment: yl.Assignment, targets: yl.Targets, case: PyTorchCase
) -> tuple[Tensor, Tensor, Tensor]:
    """(B, A) quality of each location, (B, A) label and (B, A, 4) box of its object (x1, y1, x2, y2 in pixels)."""
    images, locations = case.stored["fg_mask"].shape
    place = torch.where(assignment.mask, assignment.predictor, locations)
    assert assignment.quality is not None
    quality = torch.zeros(images, locations + 1).scatter(1, place, assignment.quality)[:, :-1]
    owner = torch.zeros(images, locations + 1).long().scatter(1, place, assignment.object)[:, :-1]
    boxes = cxcywh_to_xyxy(targets.boxes) * in_pixels(case)
    return quality, targets.labels.gather(1, owner), boxes.take_along_dim(owner[..., None], 1)


def with_arbitrary_pairs(assignment: yl.Assignment, case: PyTorchCase, targets: yl.Targets) -> yl.Assignment:
    """The assignment with the recorded positives of weight 0 added.

    An object with fewer than 13 aligned locations fills up with locations of alignment 0, in whatever order the sort
    leaves them; those among them inside its box become positives of weight 0. That leaves the class of such a location
    unpunished. Here an object takes aligned locations only, so they are taken from the record.
    """
    extra = case.stored["fg_mask"] & (case.stored["target_weight"] == 0)
    wanted = case.stored["target_bboxes_px"][:, :, None]
    boxes = cxcywh_to_xyxy(targets.boxes) * in_pixels(case)
    nearest = (boxes[:, None] - wanted).abs().sum(-1).argmin(-1)  # (B, A)
    everyone = torch.arange(extra.shape[1]).expand_as(extra)
    nothing = torch.zeros(extra.shape)
    assert assignment.quality is not None
    return replace(
        assignment,
        predictor=torch.cat((assignment.predictor, torch.where(extra, everyone, 0)), 1),
        object=torch.cat((assignment.object, torch.where(extra, nearest, 0)), 1),
        mask=torch.cat((assignment.mask, extra), 1),
        iou=torch.cat((assignment.iou, nothing), 1),
        quality=torch.cat((assignment.quality, nothing), 1),
    )


@over
def test_value_gradient_and_assignment(case: PyTorchCase) -> None:
    """With probabilities, which is what the authors' loss takes."""
    loss_fn, targets = loss_for(case, activated=True), case.targets()
    logits, distances = case.input("cls_logits"), case.input("dist")
    scores = logits.sigmoid()
    assignment = loss_fn.assign((scores, distances), targets)
    output = loss_fn((scores, distances), targets, with_arbitrary_pairs(assignment, case, targets))
    assert list(output.terms) == ["box", "cls", "dfl"][: 3 if loss_fn.bins > 1 else 2]
    items = torch.stack([*output.terms.values(), *[torch.zeros(())] * (3 - len(output.terms))]).detach()
    wanted = case.stored["loss_items_iou_dfl_cls"][[0, 2, 1]]
    value = float(((items - wanted).abs() / wanted.abs().clamp(min=1e-12)).max())
    value = max(value, float((output.total.detach() / case.stored["total"] - 1).abs()))
    grads = torch.autograd.grad(output.total, (distances, scores, logits))
    names = ("grad_dist", "grad_cls_prob", "grad_cls_logits")
    gradient = max(case.gradient_error(name, grad) for name, grad in zip(names, grads, strict=True))
    quality, label, boxes = assigned(assignment, targets, case)
    counts = case.stored["target_weight"] > 0
    same = torch.equal(quality > 0, counts)
    same &= torch.equal(label[counts], case.stored["target_label"].long()[counts])
    same &= torch.allclose(boxes[counts], case.stored["target_bboxes_px"][counts], rtol=1e-5, atol=1e-4)
    record(case.family, case.name, value=value, gradient=gradient, assignment=same)
    assert same
    torch.testing.assert_close(quality, case.stored["target_weight"], rtol=1e-4, atol=1e-7)
    assert float(output.normalizer) == pytest.approx(max(1, case.record["target_scores_sum"]), rel=1e-6)
    assert value <= VALUE
    assert gradient <= GRADIENT


@over
def test_logits_give_what_probabilities_give_without_their_rounding(case: PyTorchCase) -> None:
    """In float32 a probability near 1 has few bits left, which costs the recorded values up to 1.2e-5 (a crowd of 40):
    so logits are compared with the probabilities of float64."""
    logits, distances = case.input("cls_logits"), case.input("dist")
    output = loss_for(case)((logits, distances), case.targets())
    exact, sides = case.input("cls_logits", torch.float64), case.input("dist", torch.float64)
    wanted = loss_for(case, activated=True)((exact.sigmoid(), sides), case.targets())
    assert torch.equal(output.assignment.mask, wanted.assignment.mask)
    assert torch.equal(output.assignment.predictor, wanted.assignment.predictor)
    assert torch.equal(output.assignment.object, wanted.assignment.object)
    for name, value in wanted.terms.items():
        torch.testing.assert_close(output.terms[name].double(), value, rtol=5e-6, atol=0)
    grads = torch.autograd.grad(output.total, (logits, distances))
    for grad, other in zip(grads, torch.autograd.grad(wanted.total, (exact, sides)), strict=True):
        assert relative_error(grad, other) <= GRADIENT
