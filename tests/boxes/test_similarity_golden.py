"""The similarities of boxes against recorded values of seven libraries, over 144 pairs of boxes of every kind.

A source is compared where it computes what its paper says. What an epsilon of a source adds is known: relative to areas
and sides it is 1e-7 of the smallest of them, so pairs with a side near that are left out for the sources that have one
there."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from tests.golden.parity import record
from tests.golden.pytorch_cases import pytorch_cases
from torch import Tensor

from yolosses.boxes import (
    paired_ciou,
    paired_diou,
    paired_eiou,
    paired_giou,
    paired_iou,
    paired_siou,
    xyxy_to_cxcywh,
)

Similarity = Callable[[Tensor, Tensor], Tensor]

(CASE,) = pytorch_cases("boxiou")
KINDS = CASE.words["kind"]
# Not finite there (0 / 0), or another function than the paper's: see the notes.
SOURCES: dict[str, tuple[Similarity, bool]] = {
    "torchvision_giou_loss": (paired_giou, True),
    "torchvision_diou_loss": (paired_diou, True),
    "torchvision_ciou_loss": (paired_ciou, True),
    "ultralytics_iou_xyxy": (paired_iou, False),
    "ultralytics_giou_xyxy": (paired_giou, False),
    "ultralytics_diou_xyxy": (paired_diou, False),
    "ultralytics_ciou_xyxy": (paired_ciou, False),
    "ultralytics_ciou_xywh": (paired_ciou, False),
    "yolov6_giou_loss_eps1e-7": (paired_giou, True),
    "yolov6_diou_loss_eps1e-7": (paired_diou, True),
    "yolov6_ciou_loss_eps1e-7": (paired_ciou, True),
    "yolov6_siou_loss_eps1e-7": (paired_siou, True),
    "mmyolo_siou": (paired_siou, False),
    "mmdet_siou_loss_neg_gamma_true": (paired_siou, True),
    "yolov7_ciou_xyxy": (paired_ciou, False),
    "multimediatech_ciou": (paired_ciou, False),
    "paper_efficient_eiou_similarity": (paired_eiou, False),
    "yolox_giou_loss_cxcywh": (paired_giou, True),
}
TIES = ("touching-edge", "identical")
WITHOUT_AREA = ("zero-area", "zero-height", "zero-width")


def compared(source: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Ours and theirs, and both gradients by the corners of the prediction."""
    similarity, is_loss = SOURCES[source]
    pred = CASE.stored["pred_xyxy"].double().requires_grad_()
    found = similarity(xyxy_to_cxcywh(pred), xyxy_to_cxcywh(CASE.stored["target_xyxy"].double()))
    found = 1 - found if is_loss else found
    (gradient,) = torch.autograd.grad(found.sum(), pred)
    return (
        found.detach(),
        CASE.stored[source].double(),
        gradient,
        CASE.stored[f"{source}__grad_pred"].double(),
    )


@pytest.mark.parametrize("source", SOURCES)
def test_values_agree_wherever_theirs_are_finite(source: str) -> None:
    found, wanted, _, _ = compared(source)
    assert found.isfinite().all()
    # Theirs are float32 of boxes of up to 300 (3e-6 by their own count); beside an area of 1e-6 their epsilon shows.
    tiny = torch.tensor([kind.startswith("tiny") for kind in KINDS])
    bound = torch.where(tiny, 1e-5, 3e-6) + 1e-5 * wanted.abs()
    # A box with a negative side is as good as one without here, a box of its own there (see `boxes.similarity`).
    valid = torch.tensor([kind != "inverted-pred" for kind in KINDS])
    wrong = ((found - wanted).abs() > bound) & wanted.isfinite() & valid
    assert not wrong.any(), [(KINDS[i], float(found[i]), float(wanted[i])) for i in wrong.nonzero().flatten()]


@pytest.mark.parametrize("source", SOURCES)
def test_gradients_agree_where_there_is_one_gradient(source: str) -> None:
    """Where edges meet or a box has no area there are several, and every library has its own."""
    found, wanted, gradient, theirs = compared(source)
    usual = torch.tensor(
        [not kind.startswith((*TIES, *WITHOUT_AREA, "tiny", "inverted", "both-points")) for kind in KINDS]
    )
    usual &= wanted.isfinite() & theirs.isfinite().all(-1)
    assert int(usual.sum()) >= 60
    error = (gradient - theirs).abs().amax(-1) / theirs.abs().amax(-1).clamp(min=1e-3)
    record(
        "boxiou",
        source,
        value=float(((found - wanted).abs() / wanted.abs().clamp(min=0.1))[usual].max()),
        gradient=float(error[usual].max()),
    )
    assert gradient.isfinite().all()
    assert float(error[usual].max()) <= 2e-4
