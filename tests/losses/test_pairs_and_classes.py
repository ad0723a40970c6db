"""What `read_pairs_and_classes` does in a compiled graph, and its sums of a product of factors."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from yolosses import host
from yolosses.losses.pairs import Pairs, list_pairs
from yolosses.losses.sparse_classes import (
    LOW,
    SparseTargets,
    _read_listed,
    _softplus_sum_of_low,
    read_pairs_and_classes,
    softplus_sums,
)

BOXES, C, SIDES = 8, 5, (6, 3)
COUNTS = [side * side for side in SIDES]


def case(flat: bool, *, weighted: bool) -> tuple[list[Tensor], Pairs, SparseTargets]:
    """Two images with seven pairs each on both levels, of which some do not count."""
    noise = torch.Generator().manual_seed(4)
    maps = [torch.randn(2, BOXES + C, side, side, generator=noise, dtype=torch.float64) for side in SIDES]
    joined = torch.cat([level.flatten(2) for level in maps], 2)
    parts = [joined[:, :BOXES].clone(), joined[:, BOXES:].clone()] if flat else maps
    predictor = torch.stack([torch.randperm(sum(COUNTS), generator=noise)[:7] for _ in range(2)])
    mask = torch.rand(2, 7, generator=noise) < 0.7
    share = torch.where(mask, torch.rand(2, 7, generator=noise, dtype=torch.float64), 0)
    targets = SparseTargets(
        label=torch.randint(C, (2, 7), generator=noise),
        at_label=share,
        at_all=share / 10 if weighted else None,
        location_weight=torch.rand(2, sum(COUNTS), generator=noise, dtype=torch.float64)
        if weighted
        else None,
        class_weight=torch.rand(C, generator=noise, dtype=torch.float64) if weighted else None,
    )
    pairs = Pairs(torch.arange(2)[:, None], torch.where(mask, predictor, 0), None, mask)
    return [part.requires_grad_() for part in parts], pairs, targets


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("flat", [False, True], ids=["maps", "flat"])
def test_the_operator_does_what_fixed_shapes_do(
    flat: bool, weighted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts, pairs, targets = case(flat, weighted=weighted)
    assert pairs.mask is not None
    results = []
    for on_host in (True, False):
        monkeypatch.setattr(host, "on_host", lambda tensor, answer=on_host: answer)
        numbers, sums = read_pairs_and_classes(parts, BOXES, pairs, targets)
        numbers = torch.where(pairs.mask[..., None], numbers, 0)
        pull = (numbers * torch.arange(BOXES)).sum() + (sums * torch.tensor([1.0, 3.0])).sum()
        results.append([numbers, sums, *torch.autograd.grad(pull, parts)])
    for a, b in zip(*results, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("weighted", [False, True])
def test_the_operator_is_one_for_compilers(weighted: bool) -> None:
    parts, pairs, targets = case(False, weighted=weighted)
    arguments: tuple[Any, ...] = (parts, BOXES, pairs.predictor, pairs.mask, *targets)
    torch.library.opcheck(_read_listed, arguments)


def test_pairs_are_listed_in_the_order_of_memory_level_by_level() -> None:
    predictor = torch.tensor([[40, 2, 2, 36], [0, 44, 1, 35]])
    mask = torch.tensor([[True, True, False, True], [False, True, True, True]])
    pairs, place = list_pairs(predictor, mask, COUNTS)
    assert pairs.level_sizes == (3, 3)
    assert pairs.image.tolist() == [0, 1, 1, 0, 0, 1]
    assert pairs.predictor.tolist() == [2, 1, 35, 36, 40, 44]
    assert torch.equal(predictor[place], pairs.predictor)
    assert pairs.distinct
    mask[0, 2] = True
    assert not list_pairs(predictor, mask, COUNTS)[0].distinct


@pytest.mark.parametrize("shape", [(3, 80, 64), (2, 3, 5), (1, 2, 2), (2, 1, 1)], ids=str)
@pytest.mark.parametrize("logit", [-80.0, -17.0, -4.6, 0.0, 3.0, LOW - 1e-3])
def test_the_logarithm_of_a_product_loses_nothing(logit: float, shape: tuple[int, ...]) -> None:
    noise = torch.Generator().manual_seed(1)
    for spread in (0.0, 0.1, 3.0):
        logits = (logit - spread * torch.rand(shape, generator=noise)).clamp(max=LOW - 1e-3)
        exact = F.softplus(logits.double()).sum((1, 2))
        torch.testing.assert_close(_softplus_sum_of_low(logits).double(), exact, rtol=1e-6, atol=0)
        torch.testing.assert_close(softplus_sums(logits, None, None), exact, rtol=1e-6, atol=0)


@pytest.mark.parametrize("largest", [LOW, 40.0, 1e4])
def test_one_large_logit_is_summed_in_another_way(largest: float) -> None:
    logits = torch.full((2, 4, 8), -3.0)
    logits[1, 2, 3] = largest
    exact = F.softplus(logits.double()).sum((1, 2))
    torch.testing.assert_close(softplus_sums(logits, None, None), exact, rtol=1e-6, atol=0)
