"""How far a detector and the labels agree: in one picture, and over all pictures of a class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from yolosses.boxes import cxcywh_to_xyxy, pairwise_iou
from yolosses.studies.errors.comparison import Bools, Floats, Ints, joined
from yolosses.training.data import Record
from yolosses.training.evaluation import Detections

SAME_OBJECT = 0.5  # IoU from which a prediction and a label mean the same object
TOUCHING = 0.1  # below it they have nothing to do with each other
AT_EDGE = 0.01  # of the picture
PRIOR = 20.0  # so many predictions or labels of a class weigh as much as what holds for all classes

Boxes = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """N labels and D detections of a picture.

    Attributes:
        iou: (D, N).
        support: (N,) score times IoU of the detection of its class that belongs to the label, each to one label only; 0
            if there is none.
        seen: (N,) the same of whichever detection of its class meets it best, whether another label has that or not.
        contradicts: (D,) no label of its class lies there.
    """

    record: Record
    found: Detections
    iou: Floats
    support: Floats
    seen: Floats
    contradicts: Bools

    @classmethod
    def of(cls, record: Record, found: Detections) -> Scene:
        """Each label gets the detection that supports it most; where several want one, the strongest pair comes first.
        Predictions on ignored regions contradict nothing."""
        iou = pairwise_iou(torch.from_numpy(found.boxes), torch.from_numpy(record.boxes)).double().numpy()
        same_class = (found.labels[:, None] == record.labels) & ~record.ignore
        strength = np.where(same_class & (iou >= TOUCHING), iou * found.scores[:, None].astype(float), 0.0)
        on_label = (np.where(same_class, iou, 0.0) >= SAME_OBJECT).any(1)
        on_ignored = (_share_inside(found.boxes, record.boxes[record.ignore]) >= SAME_OBJECT).any(1)
        contradicts: Bools = np.logical_not(on_label | on_ignored)
        return cls(
            record=record,
            found=found,
            iou=iou,
            support=_paired(strength),
            seen=strength.max(0, initial=0.0),
            contradicts=contradicts,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Experience:
    """What all pictures say about the predictions and labels of one class.

    Attributes:
        scores: of the predictions that contradict, ascending. wrong: for each, the share of the predictions about as
            sure that contradict too.
        support: of the labels, in units of its median, ascending. worse: for each, the share of labels with no more.
        typical: the median of the support; 0 for a class that the detector does not know.
        boxes: of the labels.
    """

    scores: Floats
    wrong: Floats
    support: Floats
    worse: Floats
    typical: float
    boxes: Boxes

    def agreeing(self, score: float) -> float:
        """Share of the predictions about as sure as this contradicting one that have a label."""
        return 1.0 - float(self.wrong[np.searchsorted(self.scores, score)])

    def better_seen(self, support: float) -> float:
        """Share of the labels that are predicted better than one with this support."""
        if self.typical <= 0:
            return 0.0
        return 1.0 - float(self.worse[np.searchsorted(self.support, support / self.typical)])

    def doubt(self, support: float) -> float:
        """Of a label: high if most are predicted better, and much better."""
        if self.typical <= 0:
            return 0.0
        return self.better_seen(support) * (1.0 - min(support / self.typical, 1.0))

    @property
    def reliability(self) -> float:
        """Share of the labels that are predicted at least half as well as is typical: the most that one which is not
        predicted at all can be doubted for that alone."""
        return float((self.support >= 0.5).mean()) if len(self.support) else 0.0

    def as_alike(self, box: Boxes, label: Boxes) -> float:
        """Share of the labels that come as near to the size of ``box`` as ``label`` does. Sides that the edge of the
        picture cuts do not count."""
        sides = _whole_sides(box) & _whole_sides(label)
        if not sides.any():
            return 1.0
        return float((_alike(box, self.boxes, sides) >= _alike(box, label[None], sides) - 1e-9).mean())


def experience_of(scenes: Sequence[Scene], num_classes: int) -> list[Experience]:
    """One for each class. Where a class is rare, what holds for all classes together is taken in."""
    found = joined((scene.found.labels for scene in scenes), np.int64)
    scores = joined((scene.found.scores.astype(np.float64) for scene in scenes), np.float64)
    contradicts = joined((scene.contradicts for scene in scenes), np.bool_)
    wanted = ~joined((scene.record.ignore for scene in scenes), np.bool_)
    labels = joined((scene.record.labels for scene in scenes), np.int64)[wanted]
    support = joined((scene.support for scene in scenes), np.float64)[wanted]
    boxes = joined((scene.record.boxes.ravel() for scene in scenes), np.float32).reshape(-1, 4)[wanted]
    typical = np.array(
        [float(np.median(support[labels == c])) if (labels == c).any() else 0.0 for c in range(num_classes)]
    )
    relative = np.divide(
        support, typical[labels], out=np.full(len(support), np.nan), where=typical[labels] > 0
    )
    every = np.sort(relative[np.isfinite(relative)])
    order = np.argsort(scores, kind="stable")
    all_scores, all_blocks = scores[order], _falling(contradicts[order])
    experience = []
    for c in range(num_classes):
        mine = found == c
        own_order = np.argsort(scores[mine], kind="stable")
        own, own_wrong = scores[mine][own_order], contradicts[mine][own_order]
        general = _share(all_blocks[np.searchsorted(all_scores, own)])
        own_support = np.sort(relative[(labels == c) & np.isfinite(relative)])
        experience.append(
            Experience(
                scores=own[own_wrong],
                wrong=_without_itself(_falling(own_wrong), general)[own_wrong],
                support=own_support,
                worse=_without_itself(
                    _at_most(own_support, own_support), _share(_at_most(every, own_support))
                ),
                typical=float(typical[c]),
                boxes=boxes[labels == c],
            )
        )
    return experience


def _paired(strength: Floats) -> Floats:
    """(N,) of (D, N): what each column gets when every row is given to one column at most, strongest first."""
    got, taken = np.zeros(strength.shape[1]), np.zeros(len(strength), bool)
    for flat in np.argsort(-strength, axis=None, kind="stable"):
        row, column = divmod(int(flat), strength.shape[1])
        if strength[row, column] <= 0:
            break
        if not taken[row] and got[column] == 0:
            taken[row], got[column] = True, strength[row, column]
    return got


def _falling(flags: Bools) -> Ints:
    """(N, 2) number of True, and number, in the block of neighbours that each belongs to: blocks are joined until the
    share of True falls from block to block (isotonic regression by pooling adjacent violators)."""
    blocks: list[list[int]] = []
    for flag in flags.tolist():
        blocks.append([int(flag), 1])
        while len(blocks) > 1 and blocks[-2][0] * blocks[-1][1] <= blocks[-1][0] * blocks[-2][1]:
            wrong, count = blocks.pop()
            blocks[-1][0] += wrong
            blocks[-1][1] += count
    sizes = [count for _, count in blocks]
    return np.repeat(np.array(blocks, np.int64).reshape(-1, 2), sizes, axis=0)


def _at_most(values: Floats, limits: Floats) -> Ints:
    """(L, 2) how many of the ascending ``values`` are at or below each limit, and how many there are."""
    count = np.searchsorted(values, limits, side="right")
    return np.stack((count, np.full(len(limits), len(values))), 1)


def _share(counts: Ints) -> Floats:
    """(L,) never 0 or 1, which would be certainty."""
    share: Floats = np.clip(counts[:, 0], 1, None) / (counts[:, 1] + 1)
    return share


def _without_itself(counts: Ints, general: Floats) -> Floats:
    """(L,) share in each of ``counts`` without the one that is asked about, which is no evidence against itself."""
    share: Floats = (np.clip(counts[:, 0] - 1, 0, None) + PRIOR * general) / (counts[:, 1] - 1 + PRIOR)
    return share


def _share_inside(boxes: Boxes, regions: Boxes) -> Floats:
    """(D, R) which part of each box lies in each region."""
    a, b = (cxcywh_to_xyxy(torch.from_numpy(part)).double().numpy() for part in (boxes, regions))
    low, high = np.maximum(a[:, None, :2], b[None, :, :2]), np.minimum(a[:, None, 2:], b[None, :, 2:])
    area = np.maximum(boxes[:, 2:].astype(float).prod(1), 1e-12)
    share: Floats = np.clip(high - low, 0, None).prod(-1) / area[:, None]
    return share


def _whole_sides(box: Boxes) -> Bools:
    """(2,) whether the box ends before the picture does, left and right, top and bottom: its true size is known."""
    low, high = box[:2] - box[2:] / 2, box[:2] + box[2:] / 2
    whole: Bools = (low > AT_EDGE) & (high < 1 - AT_EDGE)
    return whole


def _alike(box: Boxes, others: Boxes, sides: Bools) -> Floats:
    """(N,) IoU of a box with others if all had the same centre, by these sides (x, y) only."""
    mine, theirs = box[2:].astype(float), others[:, 2:].astype(float)
    common = np.where(sides, np.minimum(mine, theirs), 1.0).prod(1)
    areas = np.where(sides, mine, 1.0).prod() + np.where(sides, theirs, 1.0).prod(1) - common
    alike: Floats = common / np.maximum(areas, 1e-12)
    return alike
