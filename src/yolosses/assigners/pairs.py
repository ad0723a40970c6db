"""Steps that assigners share: one pair for each predictor, one best pair for each object, objects without a pair."""

import torch
from torch import Tensor


def take_rows(table: Tensor, index: Tensor) -> Tensor:
    """(B, P, F) the rows ``index`` (B, P) of each image of ``table`` (B, N, F).

    Not `torch.take_along_dim`, which makes a compiled graph for each N and each P.
    """
    return table.gather(1, index[..., None].expand(-1, -1, table.shape[2]))


def first_of_each(predictor: Tensor, mask: Tensor, *, num_predictors: int) -> Tensor:
    """(B, P) bool: of the pairs that count and share a predictor, the first. ``predictor``: (B, P); ``mask``: (B,
    P)."""
    order = torch.arange(predictor.shape[1], device=predictor.device).expand_as(predictor)
    nobody = predictor.new_full((predictor.shape[0], num_predictors + 1), predictor.shape[1])
    # Pairs that do not count meet in an extra place, so that every shape stays constant.
    place = torch.where(mask, predictor, num_predictors)
    first = nobody.scatter_reduce(1, place, order, "amin")
    return mask & (first.gather(1, place) == order)


def resolve_conflicts(taken: Tensor, valid: Tensor, contender: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of what each object takes, where a predictor that several objects take is assigned to one of them.

    Args:
        taken: (B, M, k) the predictors that each object takes. valid: (B, M, k) bool, whether they count.
        contender: (B, A) the object that gets each predictor if several take it.

    Returns:
        predictor, object, and mask, each (B, M * k): every predictor counts once at most.
    """
    num_objects, k = taken.shape[1:]
    num_predictors = contender.shape[1]
    predictor, valid = taken.flatten(1), valid.flatten(1)
    place = torch.where(valid, predictor, num_predictors)
    nobody = predictor.new_zeros(len(predictor), num_predictors + 1)
    takers = nobody.scatter_add(1, place, torch.ones_like(place)).gather(1, place)
    taker = torch.arange(num_objects, device=taken.device)[:, None].expand(-1, k).flatten()
    object = torch.where(takers > 1, contender.gather(1, predictor), taker)
    return predictor, object, first_of_each(predictor, valid, num_predictors=num_predictors)


def largest_of_each(values: Tensor, object: Tensor, mask: Tensor, *, num_objects: int) -> Tensor:
    """(B, M) the largest of ``values`` (B, P) >= 0 of each object's pairs, 0 where it has none."""
    zero = values.new_zeros(values.shape[0], num_objects)
    return zero.scatter_reduce(1, object, torch.where(mask, values, 0), "amax")


def count_unassigned(object: Tensor, mask: Tensor, wanted: Tensor) -> Tensor:
    """(B,) how many of the objects ``wanted`` (B, M) are in no pair: ``object`` (B, P) of the pairs where ``mask`` (B,
    P)."""
    pairs = torch.zeros_like(wanted, dtype=torch.int64).scatter_add(1, object, mask.long())
    return (wanted & (pairs == 0)).sum(1)
