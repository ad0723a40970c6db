"""The faster interpreter of the tests gives the numbers of Triton's own."""

from __future__ import annotations

import pytest
import torch
from tests.kernels.scenes import SCENES, agree, gradients, losses, raw_for
from torch import Tensor

import yolosses as yl

pytest.importorskip("triton")


def numbers() -> list[Tensor]:
    raw, targets = raw_for(yl.YOLOv8Loss, 4), SCENES["plain"]
    output = losses(yl.YOLOv8Loss, 4, "triton")[0](raw, targets)
    return [output.per_image, output.assignment.predictor, output.assignment.iou, *gradients(output, raw)]


def test_the_same_bitwise(monkeypatch: pytest.MonkeyPatch) -> None:
    import triton.language as tl
    from triton.runtime import interpreter

    before = numbers()
    for place, name in (
        (interpreter, "_patch_lang"),
        (interpreter, "_get_np_dtype"),
        (tl.block_type, "__init__"),
    ):
        monkeypatch.setattr(place, name, getattr(place, name).__wrapped__)
    assert all(map(torch.equal, before, numbers()))


def test_the_language_is_put_back() -> None:
    import triton.language as tl

    agree(losses(yl.YOLOv8Loss, 4, "triton"), raw_for(yl.YOLOv8Loss, 4), SCENES["plain"])
    assert tl.core.is_builtin(tl.load)
    assert tl.core.is_builtin(tl.exp)
