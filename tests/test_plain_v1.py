"""The contestant that `YOLOv1Loss` is measured against computes the same loss."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.losses.scenes import scattered

import yolosses as yl

FILE = Path(__file__).parents[1] / "benchmarks" / "plain_v1.py"


def plain(**options: int) -> Any:
    spec = importlib.util.spec_from_file_location("plain_v1", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.PlainYOLOv1Loss(**options)


@pytest.mark.parametrize(("grid", "boxes", "classes"), [(7, 2, 20), (4, 3, 5)])
def test_value_and_gradient_are_those_of_the_library(grid: int, boxes: int, classes: int) -> None:
    shape: dict[str, int] = {"grid": grid, "boxes_per_cell": boxes, "num_classes": classes}
    noise = torch.Generator().manual_seed(1)
    raw = torch.rand(5, grid, grid, 5 * boxes + classes, generator=noise, dtype=torch.float64)
    raw.requires_grad_()
    targets = scattered(5, classes)
    ours, theirs = yl.YOLOv1Loss(**shape)(raw, targets).total, plain(**shape)(raw, targets)
    torch.testing.assert_close(theirs, ours, rtol=1e-12, atol=0)
    gradients = (torch.autograd.grad(value, raw)[0] for value in (theirs, ours))
    torch.testing.assert_close(*gradients, rtol=1e-10, atol=1e-12)
