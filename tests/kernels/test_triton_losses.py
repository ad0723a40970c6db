"""What losses with ``impl="triton"`` do beside what those of torch do.

That they are the same: tests/kernels/test_losses.py."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.kernels.scenes import EACH, crowded, gradients, leaves, losses, raw_for

pytest.importorskip("triton")


@EACH
@pytest.mark.parametrize("name", ["predictor", "object"])
@pytest.mark.parametrize("number", [-1, 10**6])
def test_an_assignment_of_others_is_no_number(family: type[Any], bins: int, name: str, number: int) -> None:
    """Nothing is read or written outside; the loss of the image shows it, those of the others are as they were."""
    (loss, _), raw, targets = losses(family, bins, "triton"), raw_for(family, bins), crowded()
    assignment = loss(raw, targets).assignment
    rows = assignment.mask.nonzero()
    image, pair = rows[-1].tolist()
    wrong = getattr(assignment, name).clone()
    wrong[image, pair] = number
    output = loss(raw, targets, replace(assignment, **{name: wrong}))
    assert output.per_image[image].isnan().any()
    assert all(
        gradient.shape == leaf.shape
        for gradient, leaf in zip(gradients(output, raw), leaves(raw), strict=True)
    )
