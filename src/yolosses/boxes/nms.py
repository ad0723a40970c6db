"""Greedy non-maximum suppression, class by class, for a whole batch at once."""

import torch
from torch import Tensor

from yolosses import modes
from yolosses.boxes.iou import pairwise_iou


@torch.no_grad()
def batched_nms(boxes: Tensor, scores: Tensor, labels: Tensor, *, iou_threshold: float = 0.5) -> Tensor:
    """Which boxes survive: going from the highest score down, a box is suppressed when a kept box of its
    class overlaps it.

    The greedy rule is the unique solution of "kept = no kept box before me overlaps me", so it is found by
    iterating that
    rule on the whole batch until nothing changes: as many steps as the longest chain of suppressions, not as
    many as boxes.

    Args:
        boxes: (B, N, 4) cxcywh. N is best cut to a few hundred candidates first: memory is B * N * N.
        scores: (B, N). Equal scores are ranked by position.
        labels: (B, N) integers; boxes of different classes do not suppress each other.
        iou_threshold: overlap above which (strictly) the lower-scored box is suppressed, in [0, 1].

    Returns:
        (B, N) bool in the order of the input.
    """
    if not 0 <= iou_threshold <= 1:
        raise ValueError(f"iou_threshold: expected a number in [0, 1]; got {iou_threshold!r}")
    if (
        boxes.ndim != 3
        or boxes.shape[-1] != 4
        or scores.shape != boxes.shape[:2]
        or labels.shape != boxes.shape[:2]
    ):
        raise ValueError(
            "boxes, scores, labels: expected (B, N, 4), (B, N), (B, N); "
            f"got {tuple(boxes.shape)}, {tuple(scores.shape)}, {tuple(labels.shape)}"
        )
    order = scores.argsort(dim=1, descending=True, stable=True)
    ranked = boxes.gather(1, order[..., None].expand_as(boxes))
    kept = ranked_nms(ranked, labels.gather(1, order), iou_threshold=iou_threshold)
    return torch.zeros_like(kept).scatter(1, order, kept)


def ranked_nms(boxes: Tensor, labels: Tensor, *, iou_threshold: float) -> Tensor:
    """`batched_nms` of boxes (B, N, 4) and labels (B, N) that come best first."""
    suppresses = pairwise_iou(boxes, boxes) > iou_threshold
    suppresses = suppresses & (labels[:, :, None] == labels[:, None, :])
    suppresses = suppresses.triu(diagonal=1)  # only a higher-ranked box (row) suppresses a lower one (column)
    everything = torch.ones_like(labels, dtype=torch.bool)
    return (_settled_in_graph if modes.is_exporting() else _settled)(suppresses, everything)


def _settled(suppresses: Tensor, kept: Tensor) -> Tensor:
    """(B, N) which boxes are kept when nothing changes any longer; ``suppresses`` (B, N, N): row suppresses column."""
    while True:
        still_kept = ~(suppresses & kept[:, :, None]).any(1)
        if torch.equal(still_kept, kept):
            return kept
        kept = still_kept


def _settled_in_graph(suppresses: Tensor, kept: Tensor) -> Tensor:
    """The same as one operation, which a graph can hold."""
    from torch._higher_order_ops.while_loop import while_loop  # not public yet, and only exporters need it

    def goes_on(kept: Tensor, changed: Tensor) -> Tensor:
        return changed.clone()  # an operation's output must not be its input

    def step(kept: Tensor, changed: Tensor) -> tuple[Tensor, Tensor]:
        still_kept = ~(suppresses & kept[:, :, None]).any(1)
        return still_kept, (still_kept != kept).any()

    changed = torch.ones((), dtype=torch.bool, device=kept.device)
    settled: Tensor = while_loop(goes_on, step, (kept, changed))[0]  # type: ignore[no-untyped-call]
    return settled
