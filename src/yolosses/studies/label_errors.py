"""Labels that a trained detector contradicts, most doubtful first: places to look at, not verdicts.

A detector is believed as far as it has earned it on the same pictures. Two questions are asked of the data themselves:

- Of the predictions of this class about as sure as this one, how many have no label where they point?
- Of the labels of this class, how many are predicted as badly as this one, and how badly is that?

Where a sure prediction without label meets a badly predicted label (of another class at the same place, or of the same
class and size elsewhere in the picture) they explain each other, and the doubt is that of both together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from yolosses.language import Language, catalogue
from yolosses.studies.agreement import SAME_OBJECT, TOUCHING, Experience, Scene, experience_of
from yolosses.training.data import Record
from yolosses.training.evaluation import Detections

Kind = Literal["class", "moved", "missing", "unseen"]
Box = tuple[float, float, float, float]

UNLABELLED = 0.3  # the most that a prediction may overlap any label and still miss one
LEAST_DOUBT = 0.5


@dataclass(frozen=True, kw_only=True)
class LabelSuspicion:
    """A label, or the lack of one, that a detector contradicts.

    Attributes:
        picture: position in ``records``; ``name``: of the record, the file to look at.
        kind: "class": predicted at the same place as another class; "moved": predicted elsewhere; "missing": a sure
            prediction where there is no label; "unseen": a label where nothing of the kind is predicted.
        score: 0 to 1, how doubtful.
        image_size: (height, width) of the picture in pixels.
        label_file, place: the label file, and where in it the label stands ("line 3"); None where that is not known.
        object: position in the record's boxes, None if the label is missing. box: of the label, cxcywh fractions of the
            picture. label_name: its class.
        pred_box, pred_name, pred_score: the prediction that speaks against it, None for "unseen".
        iou: of label and prediction, None unless there are both.
        agreeing: share of the predictions of this class about as sure that do have a label.
        better_seen: share of the labels of this class that are predicted better than this one.
    """

    picture: int
    name: str
    kind: Kind
    score: float
    image_size: tuple[int, int]
    label_file: Path | None = None
    place: str | None = None
    object: int | None = None
    box: Box | None = None
    label_name: str | None = None
    pred_box: Box | None = None
    pred_name: str | None = None
    pred_score: float | None = None
    iou: float | None = None
    agreeing: float | None = None
    better_seen: float | None = None

    def reason(self, *, language: Language = "en") -> str:
        """Why, in a sentence."""
        _ = catalogue(language).gettext
        match self.kind:
            case "class":
                said = _(
                    'labelled "{label}", but predicted as "{prediction}" at the same place (score {score}, IoU {iou})'
                )
            case "moved" if (self.iou or 0) >= TOUCHING:
                said = _(
                    'the label "{label}" lies beside the object that is predicted: IoU {iou}, centres {distance} '
                    "pixels apart (score {score})"
                )
            case "moved":
                said = _(
                    'nothing like the label "{label}" is predicted where it lies, but one of its size {distance} '
                    "pixels away, where there is no label (score {score})"
                )
            case "missing":
                said = _(
                    '"{prediction}" is predicted with score {score} where there is no label; of predictions about as '
                    "sure {agreeing} have one"
                )
            case "unseen":
                said = _(
                    'nothing like the label "{label}" is predicted where it lies; {better} of the labels of this class '
                    "are predicted better"
                )
        return said.format(
            label=self.label_name,
            prediction=self.pred_name,
            score=_shown(self.pred_score),
            iou=_shown(self.iou),
            distance=self._distance(),
            agreeing=_percent(self.agreeing),
            better=_percent(self.better_seen),
        )

    def edges(self, of: Literal["label", "prediction"]) -> tuple[int, int, int, int] | None:
        """Left, top, right, bottom in pixels of the picture."""
        box = self.box if of == "label" else self.pred_box
        if box is None:
            return None
        (height, width), (cx, cy, w, h) = self.image_size, box
        left, right = ((cx + side * w / 2) * width for side in (-1, 1))
        top, bottom = ((cy + side * h / 2) * height for side in (-1, 1))
        return round(left), round(top), round(right), round(bottom)

    def to_json(self) -> dict[str, Any]:
        """Plain values, with the reason and the edges in pixels."""
        return asdict(self) | {
            "label_file": None if self.label_file is None else str(self.label_file),
            "reason": self.reason(),
            "label_edges": self.edges("label"),
            "pred_edges": self.edges("prediction"),
        }

    def _distance(self) -> int | None:
        if self.box is None or self.pred_box is None:
            return None
        (height, width), (x, y), (pred_x, pred_y) = self.image_size, self.box[:2], self.pred_box[:2]
        return round(float(np.hypot((x - pred_x) * width, (y - pred_y) * height)))


def likely_label_errors(
    records: Sequence[Record],
    detections: Sequence[Detections],
    class_names: Sequence[str],
    *,
    top: int | None = None,
) -> list[LabelSuspicion]:
    """Labels that the detections contradict, most doubtful first; each label and each detection at most once.

    Ignored regions are no labels to doubt, and predictions on them are not doubted for lack of one.

    Args:
        records: the labelled pictures.
        detections: one for each picture, in the same order, after suppression and down to low scores.
        class_names: the names of the classes.
        top: the first so many; None: all with a score of at least 0.5.

    Raises:
        ValueError: the numbers of pictures differ.
    """
    if len(records) != len(detections):
        raise ValueError(f"detections: expected {len(records)}, one for each picture; got {len(detections)}")
    scenes = [Scene.of(record, found) for record, found in zip(records, detections, strict=True)]
    experience = experience_of(scenes, len(class_names))
    found: list[LabelSuspicion] = []
    for index, scene in enumerate(scenes):
        found += _without_repetition(_doubts(index, scene, experience, class_names))
    found.sort(key=lambda suspicion: -suspicion.score)
    return found[:top]


# ------------------------------------------------------------ both together


_Doubt = tuple[int | None, int | None, LabelSuspicion]  # with the detection and the object that it is about


def _doubts(
    index: int, scene: Scene, experience: Sequence[Experience], class_names: Sequence[str]
) -> Iterator[_Doubt]:
    """All that may be wrong in a picture."""
    record, found = scene.record, scene.found
    sure = {
        d: agreeing
        for d in np.flatnonzero(scene.contradicts).tolist()
        if (agreeing := experience[found.labels[d]].agreeing(float(found.scores[d]))) >= LEAST_DOUBT
    }
    objects = np.flatnonzero(~record.ignore).tolist()
    doubt = {n: experience[record.labels[n]].doubt(float(scene.support[n])) for n in objects}
    better = {n: experience[record.labels[n]].better_seen(float(scene.support[n])) for n in objects}
    unseen = {n: experience[record.labels[n]].doubt(float(scene.seen[n])) for n in objects}

    def doubted(kind: Kind, score: float, d: int | None, n: int | None) -> _Doubt:
        suspicion = LabelSuspicion(
            picture=index,
            name=record.name,
            kind=kind,
            score=score,
            image_size=record.image_size,
            label_file=None if record.written is None else record.written.file,
            place=_place(record, n),
            object=n,
            box=None if n is None else _box(record.boxes[n]),
            label_name=None if n is None else class_names[record.labels[n]],
            pred_box=None if d is None else _box(found.boxes[d]),
            pred_name=None if d is None else class_names[found.labels[d]],
            pred_score=None if d is None else float(found.scores[d]),
            iou=None if d is None or n is None else float(scene.iou[d, n]),
            agreeing=None if d is None else sure[d],
            better_seen=None if n is None else better[n],
        )
        return d, n, suspicion

    for n in objects:
        alone = unseen[n] * experience[record.labels[n]].reliability
        if alone >= LEAST_DOUBT:
            yield doubted("unseen", alone, None, n)
    far: list[tuple[float, float, int, int]] = []
    for d, agreeing in sure.items():
        unlabelled = scene.iou[d].max(initial=0.0) < UNLABELLED
        if unlabelled:
            yield doubted("missing", agreeing, d, None)
        for n in objects:
            kind, chance = _related(scene, d, n), (1.0 - agreeing) * (1.0 - doubt[n])
            if kind == "far" and unlabelled and doubt[n] >= LEAST_DOUBT:
                # Where another label has the prediction that meets this one, the place may be right after all.
                chance = (1.0 - agreeing) * (1.0 - (doubt[n] + unseen[n]) / 2)
                far.append((chance, _by_chance(scene, d, n, experience), d, n))
            elif (kind == "class" or kind == "moved") and doubt[n] > 0:
                yield doubted(kind, 1.0 - chance, d, n)
    for chance, alike, d, n in far:
        # The more pairs a picture has, the more likely it is that one of them fits well by chance.
        yield doubted("moved", 1.0 - chance * min(1.0, len(far) * alike), d, n)


def _by_chance(scene: Scene, d: int, n: int, experience: Sequence[Experience]) -> float:
    """How likely it is that a prediction and a label elsewhere fit so well by chance, in size and in line."""
    label, box = scene.record.boxes[n], scene.found.boxes[d]
    both = experience[scene.record.labels[n]].as_alike(box, label) * _in_line(box, label)
    return (
        both * (1.0 - math.log(both)) if both > 0 else 0.0
    )  # that a product of two uniform numbers is so small


def _in_line(box: NDArray[np.float32], label: NDArray[np.float32]) -> float:
    """How likely it is by chance that one lies so exactly above, below or beside the other. A slip of the hand seldom
    changes both coordinates."""
    return min(1.0, 4.0 * float(np.abs(box[:2] - label[:2]).min()))


def _related(scene: Scene, d: int, n: int) -> Literal["class", "moved", "far"] | None:
    """How a contradicting prediction and a label may belong together."""
    iou = scene.iou[d, n]
    if scene.found.labels[d] != scene.record.labels[n]:
        return "class" if iou >= SAME_OBJECT and scene.found.scores[d] * iou > scene.support[n] else None
    if iou >= TOUCHING:
        return "moved" if scene.found.scores[d] * iou >= scene.support[n] else None
    return "far"


def _without_repetition(doubts: Iterator[_Doubt]) -> Iterator[LabelSuspicion]:
    """Each label and each prediction in its most doubtful role."""
    detections: set[int | None] = set()
    objects: set[int | None] = set()
    for detection, object, suspicion in sorted(doubts, key=lambda doubt: -doubt[2].score):
        if detection not in detections and object not in objects:
            detections |= {detection} - {None}
            objects |= {object} - {None}
            yield suspicion


def _box(box: NDArray[np.float32]) -> Box:
    cx, cy, w, h = (float(side) for side in box)
    return cx, cy, w, h


def _place(record: Record, position: int | None) -> str | None:
    """Where in its file the label stands that became this object of the record."""
    if position is None or record.written is None:
        return None
    rows = np.flatnonzero(record.written.kept == position)
    return record.written.places[rows[0]] if len(rows) else None


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}"


def _percent(share: float | None) -> str:
    return "" if share is None else f"{math.floor(100 * share)} %"
