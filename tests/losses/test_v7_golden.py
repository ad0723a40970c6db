"""YOLOv7Loss against recorded runs of the reference implementation: plain, and with optimal transport."""

from __future__ import annotations

import pytest
from tests.golden.pytorch_cases import PyTorchCase, pytorch_cases
from tests.losses.test_v5_golden import compare, options

from yolosses.losses import YOLOv7Loss

# Several objects make one predictor a candidate, and the last that an object takes is one of such equals. Which one,
# the reference leaves to `torch.topk`, which promises nothing; here it is the first. The pairs are the same, in another
# order.
TIED = {"ota_crowd40", "ota_unmatched_image"}


@pytest.mark.parametrize("case", pytorch_cases("v7"), ids=str)
def test_value_gradient_and_pairs(case: PyTorchCase) -> None:
    ota = case.record["criterion"] == "ComputeLossOTA"
    loss_fn = YOLOv7Loss(ota=ota, objectness_from_iou=case.record["gr"], **options(case))
    compare(case, loss_fn, "v7", ordered=case.name not in TIED)
