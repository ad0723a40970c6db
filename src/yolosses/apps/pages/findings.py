"""What costs most in a picture, with the boxes it is about, in the frame of the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from yolosses.apps.pages.marked_picture import Box, as_box
from yolosses.explain.contributions import NONE
from yolosses.explain.explanation import Explanation
from yolosses.explain.structures import ExplainedObject
from yolosses.explain.words import Sentence
from yolosses.language import Language
from yolosses.studies.dataset_loss import ExplainedPicture
from yolosses.training.data import Geometry, warp


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One sentence and its boxes.

    Attributes:
        text: the sentence. loss: what it is about.
        object: position in the record's boxes, None for background. class_name: of it.
        truth: its box. pred: the responsible box, or one that should predict nothing. cxcywh, fractions of the
            picture as it is stored.
    """

    text: str
    loss: float
    object: int | None = None
    class_name: str | None = None
    truth: Box | None = None
    pred: Box | None = None


def findings(explained: ExplainedPicture, *, language: Language, top: int) -> list[Finding]:
    """The sentences with the largest loss in a picture, largest first."""
    explanation = explained.explanation
    loudest = (explanation.predictions.boxes[0, predictor] for predictor in _loudest(explanation))
    objects = {obj.index: obj for obj in explanation.objects}
    return [
        _of_background(explained, next(loudest), sentence)
        if sentence.object is None
        else _of_object(explained, objects[sentence.object], sentence.text)
        for sentence in explanation.sentences(language=language, top=top)
    ]


def every_object(explained: ExplainedPicture, *, language: Language, others: int) -> list[Finding]:
    """All objects, and at most ``others`` of the predicted boxes without an object, largest loss first."""
    explanation = explained.explanation
    found = findings(explained, language=language, top=len(explanation.objects) + others)
    background = [finding for finding in found if finding.object is None]
    objects = [
        _of_object(explained, obj, explanation.about(obj, language=language)) for obj in explanation.objects
    ]
    return sorted([*objects, *background[:others]], key=lambda finding: -finding.loss)


def _of_object(explained: ExplainedPicture, obj: ExplainedObject, text: str) -> Finding:
    return Finding(
        text=text,
        loss=obj.loss,
        object=explained.objects[obj.index],
        class_name=obj.class_name,
        truth=in_picture(obj.box, explained.geometry),
        pred=None if obj.pred_box is None else in_picture(obj.pred_box, explained.geometry),
    )


def _of_background(explained: ExplainedPicture, box: NDArray[np.float64], sentence: Sentence) -> Finding:
    pred = in_picture(box, explained.geometry)
    return Finding(text=sentence.text, loss=sentence.loss, pred=pred)


def in_picture(box: NDArray[np.float64], geometry: Geometry) -> Box:
    """From fractions of the network's input to fractions of the picture."""
    return as_box(geometry.to_picture(box))


def input_picture(picture: NDArray[np.uint8], geometry: Geometry) -> NDArray[np.uint8]:
    """The picture in the frame of the network's input: itself if it fills the input, else as the network saw it."""
    axes = ((geometry.y, picture.shape[0]), (geometry.x, picture.shape[1]))
    if all(axis.source == (0, size) and axis.target == (0, axis.target_length) for axis, size in axes):
        return picture
    seen: NDArray[np.uint8] = np.round(warp(picture, geometry) * 255).astype(np.uint8).transpose(1, 2, 0)
    return np.ascontiguousarray(seen)


def _loudest(explanation: Explanation) -> list[int]:
    """Predictors that are responsible for nothing, in the order in which `Explanation.sentences` speaks of them."""
    silent = explanation.contributions.where(object=NONE).sums("image", "predictor")
    order = sorted(silent.items(), key=lambda entry: -entry[1][1])
    return [predictor for (_, predictor), _ in order]
