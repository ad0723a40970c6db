"""YOLOv5Loss against recorded runs of the reference implementation: values, gradients, and the list of pairs in order."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.golden.parity import record
from tests.golden.pytorch_cases import PyTorchCase, pytorch_cases, relative_error
from torch import Tensor

import yolosses as yl
from yolosses.codecs import Levels
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


def in_order(case: PyTorchCase, assignment: yl.Assignment, levels: Levels) -> list[list[tuple[int, ...]]]:
    """Level by level the pairs as (image, anchor, row, col), in the reference's order: all images' objects of one cell and
    anchor before the next."""
    count = len(levels.grids)
    parts = [
        part.unflatten(1, (count, 5, levels.boxes_per_cell, -1))
        for part in (assignment.mask, assignment.predictor)
    ]
    found = []
    for level in range(count):
        mask, predictor = (part[:, level].permute(1, 2, 0, 3) for part in parts)
        place = levels.places(predictor[mask])
        image = torch.arange(len(assignment.mask))[:, None].expand(mask.shape[2:]).expand_as(mask)[mask]
        found.append(list(zip(*(x.tolist() for x in (image, place.box, place.row, place.col)), strict=True)))
    return found


def recorded(case: PyTorchCase, level: int) -> list[tuple[int, ...]]:
    names = ("image", "anchor", "gj", "gi")
    if f"pos{level}_image" not in case.stored:
        return []
    return list(zip(*(case.stored[f"pos{level}_{name}"].tolist() for name in names), strict=True))


def compare(case: PyTorchCase, loss_fn: Any, family: str) -> None:
    raw = maps(case)
    output = loss_fn(raw, case.targets())
    images = case.record["batch"]
    items = torch.stack(list(output.terms.values())).detach()
    wanted = case.stored["loss_items"][:3]
    value = float(((items - wanted).abs() / wanted.abs().clamp(min=1e-12)).max())
    total = relative_error((output.total * images).detach(), case.stored["total"].squeeze())
    grads = torch.autograd.grad(output.total * images, raw)
    gradient = max(case.gradient_error(f"grad{level}", grad) for level, grad in enumerate(grads))
    found = in_order(case, output.assignment, loss_fn.codec_for(raw).levels)
    # Images are listed apart here, together there: the order within an image is what decides.
    same = all(
        sorted(pairs) == sorted(recorded(case, level)) if "recipe" not in case.record else True
        for level, pairs in enumerate(found)
    )
    record(family, case.name, value=max(value, total), gradient=gradient, assignment=same)
    assert list(output.terms) == ["box", "obj", "cls"]
    assert same
    assert value <= VALUE
    assert total <= VALUE
    assert gradient <= GRADIENT


@pytest.mark.parametrize("case", CASES, ids=str)
def test_value_gradient_and_pairs(case: PyTorchCase) -> None:
    compare(case, YOLOv5Loss(**options(case)), "v5")
