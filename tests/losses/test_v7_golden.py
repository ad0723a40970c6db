"""YOLOv7Loss against recorded runs of the reference implementation: plain, and with optimal transport."""

from __future__ import annotations

import pytest
from tests.golden.pytorch_cases import PyTorchCase, pytorch_cases
from tests.losses.test_v5_golden import compare, options

from yolosses.losses import YOLOv7Loss


@pytest.mark.parametrize("case", pytorch_cases("v7"), ids=str)
def test_value_gradient_and_pairs(case: PyTorchCase) -> None:
    ota = case.record["criterion"] == "ComputeLossOTA"
    compare(case, YOLOv7Loss(ota=ota, objectness_from_iou=case.record["gr"], **options(case)), "v7")
