"""Anchors, the typical box sizes of a data set, by k-means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yolosses.training.data import DetectionDataset, Fit, plain_geometry

Sizes = NDArray[np.float64]

RESTARTS = 5
MOST_ROUNDS = 100
MOST_BOXES = 20_000  # of more, this many are drawn: the means would not move


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedAnchors:
    """Attributes:
    sizes: (K, 2) w, h in pixels, by area, the smallest first.
    mean_best_iou: mean over the boxes of the IoU of shapes with the best anchor: 1 if every box had an anchor of its
        size.
    """

    sizes: Sizes
    mean_best_iou: float

    def by_level(self, levels: int) -> list[list[list[float]]]:
        """(levels, K / levels, 2), the smallest on the first level, as the losses take them; tenths of a pixel."""
        return self.sizes.round(1).reshape(levels, -1, 2).tolist()


def box_sizes(dataset: DetectionDataset, image_size: tuple[int, int], fit: Fit) -> Sizes:
    """(N, 2) w, h of all objects (ignored ones left out) in pixels of the network's input."""
    parts = [np.zeros((0, 2))]
    for record in dataset.records:
        if not record.ignore.all():
            moved = plain_geometry(record.image_size, image_size, fit).to_input(record.boxes[~record.ignore])
            parts.append(moved[:, 2:].astype(np.float64) * (image_size[1], image_size[0]))
    return np.concatenate(parts)


def fit_anchors(sizes: Sizes, count: int, *, seed: int = 0) -> FittedAnchors:
    """``count`` anchors by k-means with the distance 1 - IoU of boxes that share their centre (Redmon and Farhadi 2017,
    section 2): Euclidean distance would let the large boxes decide. The best of several starts (k-means++) is taken;
    the same seed gives the same anchors.

    Args:
        sizes: (N, 2) w, h, all > 0.

    Raises:
        ValueError: fewer different sizes than anchors.
    """
    if count < 1:
        raise ValueError(f"count: expected at least 1; got {count}")
    sizes = np.asarray(sizes, np.float64).reshape(-1, 2)
    different = len(np.unique(sizes.round(1), axis=0))
    if different < count:
        raise ValueError(
            f"sizes: expected at least {count} different ones to fit {count} anchors to; got {different}"
        )
    rng = np.random.default_rng(seed)
    if len(sizes) > MOST_BOXES:
        sizes = sizes[rng.choice(len(sizes), MOST_BOXES, replace=False)]
    tries = [_settled(sizes, _spread(sizes, count, rng)) for _ in range(RESTARTS)]
    best = max(tries, key=lambda anchors: _best_iou(sizes, anchors).mean())
    best = best[np.argsort(best.prod(1), kind="stable")]
    return FittedAnchors(sizes=best, mean_best_iou=float(_best_iou(sizes, best).mean()))


def mean_best_iou(sizes: Sizes, anchors: Sequence[Sequence[float]] | Sizes) -> float:
    """How well ``anchors`` (K, 2) fit boxes (N, 2), see `FittedAnchors`."""
    return float(_best_iou(sizes, np.asarray(anchors, np.float64)).mean())


def _spread(sizes: Sizes, count: int, rng: np.random.Generator) -> Sizes:
    """Boxes to begin with, each likelier the less the ones before it look like it (k-means++)."""
    chosen = [sizes[rng.integers(len(sizes))]]
    while len(chosen) < count:
        far = (1 - _best_iou(sizes, np.stack(chosen))).clip(0.0) ** 2
        total = far.sum()
        weights = far / total if total > 0 else None
        chosen.append(sizes[rng.choice(len(sizes), p=weights)])
    return np.stack(chosen)


def _settled(sizes: Sizes, anchors: Sizes) -> Sizes:
    """Lloyd's rounds: each box joins its best anchor, each anchor becomes the mean of its boxes. The mean IoU is not
    what means make largest, so the best round is kept."""
    best, best_iou, owner = anchors, _best_iou(sizes, anchors).mean(), None
    for _ in range(MOST_ROUNDS):
        before, owner = owner, _shape_iou(sizes, anchors).argmax(1)
        if before is not None and np.array_equal(before, owner):
            break
        anchors = np.stack(
            [sizes[owner == k].mean(0) if (owner == k).any() else anchors[k] for k in range(len(anchors))]
        )
        iou = _best_iou(sizes, anchors).mean()
        if iou > best_iou:
            best, best_iou = anchors, iou
    return best


def _best_iou(sizes: Sizes, anchors: Sizes) -> Sizes:
    best: Sizes = _shape_iou(sizes, anchors).max(1)
    return best


def _shape_iou(sizes: Sizes, anchors: Sizes) -> Sizes:
    """(N, K) IoU of boxes with a common centre."""
    inter = np.minimum(sizes[:, None], anchors[None]).prod(2)
    union = sizes.prod(1)[:, None] + anchors.prod(1)[None] - inter
    iou: Sizes = inter / union
    return iou
