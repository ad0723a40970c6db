"""YOLOv5Loss against recorded runs of the reference implementation: values, gradients, and the list of pairs in
order."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.golden.parity import record
from tests.golden.pytorch_cases import PyTorchCase, pytorch_cases, relative_error
from torch import Tensor

import yolosses as yl
from yolosses.losses import YOLOv5Loss

CASES = pytorch_cases("v5")
VALUE, GRADIENT = 1e-5, 2e-5  # relative; of gradients, to the largest of the map


def options(case: PyTorchCase) -> dict[str, Any]:
    hyp = case.record["hyp"]
    return {
        "num_classes": case.record["nc"],
        "anchors": [list(zip(row[::2], row[1::2], strict=True)) for row in case.record["anchors_px"]],
        "strides": case.record["strides"],
        "lambda_box": hyp["box"],
        "lambda_obj": hyp["obj"],
        "lambda_cls": hyp["cls"],
        "anchor_threshold": hyp["anchor_t"],
        "label_smoothing": hyp["label_smoothing"],
        "focal_gamma": hyp["fl_gamma"],
        "cls_pos_weight": hyp["cls_pw"],
        "obj_pos_weight": hyp["obj_pw"],
        "balance": case.record["balance"],
    }


def maps(case: PyTorchCase) -> list[Tensor]:
    return [case.input(f"p{level}") for level in range(len(case.record["strides"]))]


def found(loss_fn: YOLOv5Loss, raw: list[Tensor], assignment: yl.Assignment, level: int) -> Tensor:
    """(n, 5) image, anchor, row, column and object of the pairs of one level, image by image."""
    levels = loss_fn.codec_for(raw).levels
    mask, predictor, object = (
        part.chunk(len(levels.grids), 1)[level]
        for part in (assignment.mask, assignment.predictor, assignment.object)
    )
    place = levels.places(predictor[mask])
    assert (place.level == level).all()
    return torch.stack((mask.nonzero()[:, 0], place.box, place.row, place.col, object[mask]), 1)


def recorded(case: PyTorchCase, level: int) -> Tensor:
    """Like `found`. The reference lists all images together; the order within an image is what decides."""
    places = [case.stored[f"pos{level}_{name}"].long() for name in ("image", "anchor", "gj", "gi")]
    image, _, row, col = places
    if f"pos{level}_target" in case.stored:
        target = case.stored[f"pos{level}_target"]
        label, box = target[:, 1].long(), target[:, 2:]
    else:
        label, box = case.stored[f"pos{level}_cls"].long(), case.stored[f"pos{level}_tbox"].clone()
        box[:, :2] += torch.stack((col, row), 1)
        height, width = case.record["img_hw"]
        box *= case.record["strides"][level] / torch.tensor([width, height] * 2)
    listed = torch.stack((*places, the_object(case.targets(), image, label, box)), 1)
    return listed[image.argsort(stable=True)]


def the_object(targets: yl.Targets, image: Tensor, label: Tensor, box: Tensor) -> Tensor:
    """(n,) the first object of each image with this class and box (n, 4)."""
    apart = (targets.boxes[image] - box[:, None]).abs().amax(-1)
    there = (apart < 1e-5) & (targets.labels[image] == label[:, None]) & targets.mask[image]
    assert there.any(1).all()
    return there.int().argmax(1)


def same_pairs(loss_fn: YOLOv5Loss, case: PyTorchCase, assignment: yl.Assignment, *, ordered: bool) -> bool:
    """Whether places and objects are the recorded ones, each as often, and in the recorded order."""
    raw, targets = maps(case), case.targets()
    for level in range(len(raw)):
        mine, wanted = found(loss_fn, raw, assignment, level), recorded(case, level)
        image, object = mine[:, 0], mine[:, 4]
        of_equals = the_object(targets, image, targets.labels[image, object], targets.boxes[image, object])
        mine = torch.cat((mine[:, :4], of_equals[:, None]), 1)
        if mine.tolist() != wanted.tolist() if ordered else sorted(mine.tolist()) != sorted(wanted.tolist()):
            return False
    return True


def compare(case: PyTorchCase, loss_fn: YOLOv5Loss, family: str, *, ordered: bool = True) -> None:
    raw = maps(case)
    output = loss_fn(raw, case.targets())
    images = case.record["batch"]
    items = torch.stack(list(output.terms.values())).detach()
    wanted = case.stored["loss_items"][:3]
    value = float(((items - wanted).abs() / wanted.abs().clamp(min=1e-12)).max())
    total = relative_error((output.total * images).detach(), case.stored["total"].squeeze())
    grads = torch.autograd.grad(output.total * images, raw)
    gradient = max(case.gradient_error(f"grad{level}", grad) for level, grad in enumerate(grads))
    same = same_pairs(loss_fn, case, output.assignment, ordered=ordered)
    record(family, case.name, value=max(value, total), gradient=gradient, assignment=same)
    assert list(output.terms) == ["box", "obj", "cls"]
    assert same
    assert value <= VALUE
    assert total <= VALUE
    assert gradient <= GRADIENT


@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_gradient_and_pairs(case: PyTorchCase) -> None:
    compare(case, YOLOv5Loss(**options(case)), "v5")
