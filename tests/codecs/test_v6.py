"""The forms of YOLOv6's outputs: all read alike, probabilities included; errors."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from yolosses.codecs import Levels, PointCodec, YOLOv6Codec
from yolosses.codecs.v6 import channels_first, logit

C, BINS = 3, 4
GRIDS, STRIDES = ((4, 6), (2, 3)), (8, 16)
LEVELS = Levels(grids=GRIDS, strides=STRIDES)


def codec(**options: Any) -> YOLOv6Codec:
    return YOLOv6Codec(**{"levels": LEVELS, "num_classes": C, "bins": BINS} | options)


def maps(dtype: torch.dtype = torch.float64) -> list[Tensor]:
    noise = torch.Generator().manual_seed(0)
    return [torch.randn(2, 4 * BINS + C, *grid, generator=noise, dtype=dtype) for grid in GRIDS]


def flat(raw: list[Tensor]) -> tuple[Tensor, Tensor]:
    """Scores and distances, locations before channels."""
    joined = torch.cat([level.flatten(2).mT for level in raw], 1)
    return joined[..., 4 * BINS :], joined[..., : 4 * BINS]


def test_all_forms_are_read_alike() -> None:
    raw = maps()
    scores, distances = flat(raw)
    wanted = PointCodec(levels=LEVELS, num_classes=C, bins=BINS).predictions(raw)
    forms: list[Any] = [
        raw,
        (scores, distances),
        [raw, scores, distances],
        {"scores": scores.mT, "boxes": distances.mT},
    ]
    for form in forms:
        found = codec().predictions(form)
        assert torch.equal(found.boxes, wanted.boxes)
        torch.testing.assert_close(found.scores, wanted.scores, rtol=1e-14, atol=0)  # strides differ
        torch.testing.assert_close(codec().confidence(form), wanted.scores.amax(-1), rtol=1e-14, atol=0)


def test_probabilities_are_the_scores() -> None:
    scores, distances = flat(maps())
    raw = (scores.sigmoid(), distances)
    found, wanted = codec(activated=True).predictions(raw), codec().predictions((scores, distances))
    torch.testing.assert_close(found.scores, wanted.scores, rtol=1e-14, atol=0)
    torch.testing.assert_close(
        codec(activated=True).split(raw).joined_scores(), scores.mT, rtol=1e-12, atol=1e-14
    )
    assert torch.equal(found.boxes, wanted.boxes)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_logits_of_probabilities_give_the_cross_entropy_of_torch(dtype: torch.dtype) -> None:
    """Also where a probability is 0 or 1, where torch stops the logarithm at -100."""
    p = torch.tensor([0.0, 1e-30, 1e-6, 0.2, 0.5, 0.9, 1 - 1e-6, 1.0], dtype=dtype).requires_grad_()
    for target in (0.0, 0.3, 1.0):
        wanted = torch.full_like(p, target)
        found = F.binary_cross_entropy_with_logits(logit(p), wanted, reduction="none")
        expected = F.binary_cross_entropy(p, wanted, reduction="none")
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=float(torch.finfo(dtype).eps))
        (mine,), (theirs,) = (torch.autograd.grad(value.sum(), p) for value in (found, expected))
        assert mine.isfinite().all()
        inner = slice(
            2, -1
        )  # at the ends torch's is 1e12; and near 1 compare what arrives behind the sigmoid
        slope = (p * (1 - p)).detach()[inner]
        torch.testing.assert_close(mine[inner] * slope, theirs[inner] * slope, rtol=1e-5, atol=2e-7)
    half = torch.tensor([0.0, 0.5, 1.0]).half()
    assert logit(half).tolist() == [-100, 0, 100]


def test_what_is_no_pair_is_left_to_the_other_codec() -> None:
    raw = maps()
    for other in (raw, raw[0], {"boxes": raw[0]}, None, [None, None], []):
        assert channels_first(other, num_classes=C, bins=BINS) is other


@pytest.mark.parametrize(
    ("raw", "error", "message"),
    [
        ((torch.zeros(1, 30, 4), torch.zeros(1, 30, 16)), ValueError,
         r"^raw: expected scores \(B, A, 3\) and distances \(B, A, 16\), for num_classes=3 and bins=4; got \(1, 30"),
        ((torch.zeros(1, 30, 3), torch.zeros(1, 29, 16)), ValueError,
         r"^raw: expected scores .*; got \(1, 30, 3\) and \(1, 29, 16\)$"),
        ((torch.zeros(1, 31, 3), torch.zeros(1, 31, 16)), ValueError, r"^raw: expected 30 locations for grids"),
        ((torch.zeros(1, 30, 3), None), TypeError, r"^raw\[1\]: expected a tensor; got NoneType$"),
        (None, TypeError, r"^raw: expected tensors; got NoneType$"),
    ],
)  # fmt: skip
def test_other_outputs_are_one_clear_error(raw: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        codec().split(raw)
