"""The report on a batch whose loss was not finite: what did it, where, and the batch as the network saw it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from torch import Tensor

from yolosses.apps.pages.marked_picture import Mark, marked_picture
from yolosses.apps.pages.render import render
from yolosses.explain.nonfinite import NonFinite
from yolosses.explain.pictures.captions import number
from yolosses.explain.terms import term_name
from yolosses.language import Language, joined
from yolosses.structures import Targets


@dataclass(frozen=True, kw_only=True, eq=False)
class Replay:
    """A batch that stopped a run.

    Attributes:
        images: (B, 3, H, W) in 0..1. targets: of the batch, on the CPU.
        names: of the pictures. step: the one that failed.
        losses: (B, terms) weighted, as the loss gives them now. terms: their names.
        culprit: the first number that is not finite; None if all are.
    """

    images: Tensor
    targets: Targets
    names: tuple[str, ...]
    class_names: tuple[str, ...]
    step: int
    terms: tuple[str, ...]
    losses: NDArray[np.float64]
    culprit: NonFinite | None


@dataclass(frozen=True, kw_only=True)
class CulpritView:
    """The first number that is not finite, as it is named to people. ``truth``: the object it belongs to, or ""."""

    message: str
    term: str
    operand: str
    value: str
    where: str
    truth: str


@dataclass(frozen=True, kw_only=True)
class PictureView:
    """A picture of the batch: its boxes, and its loss by term and in all. ``culprit``: whether it is to blame."""

    index: int
    name: str
    marks: tuple[Mark, ...]
    losses: tuple[float, ...]
    loss: float
    culprit: bool


def replay_report(replay: Replay, *, language: Language) -> str:
    """The report on a saved batch, as html."""
    pictures = [_picture(replay, image) for image in range(len(replay.names))]
    pictures.sort(key=lambda view: (view.culprit, _finite(view.loss)), reverse=True)
    return render(
        "replay.html",
        language,
        step=replay.step,
        loss=number(float(replay.losses.sum())),
        culprit=None if replay.culprit is None else _culprit(replay.culprit, replay.terms, language),
        terms=replay.terms,
        pictures=pictures,
        marked=lambda view: _marked(replay, view),
    )


def _finite(loss: float) -> float:
    return loss if math.isfinite(loss) else math.inf


def _culprit(found: NonFinite, terms: tuple[str, ...], language: Language) -> CulpritView:
    return CulpritView(
        message=str(found),
        term="–"
        if found.term is None
        else f"{found.term} ({term_name(found.term, terms, language=language)})",
        operand=f"{found.operand}[{', '.join(map(str, found.index))}]",
        value=str(found.value),
        where=joined(filter(None, (found.image_name, found.place, found.element)), language),
        truth="" if found.object is None else f"{found.object + 1} ({found.class_name})",
    )


def _picture(replay: Replay, image: int) -> PictureView:
    culprit, losses = replay.culprit, replay.losses[image]
    marks = []
    for index in replay.targets.mask[image].nonzero().flatten().tolist():
        cx, cy, w, h = replay.targets.boxes[image, index].tolist()
        blamed = culprit is not None and (culprit.image, culprit.object) == (image, index)
        label = int(replay.targets.labels[image, index])
        name = replay.class_names[label] if 0 <= label < len(replay.class_names) else f"class {label}"
        marks.append(
            Mark(box=(cx, cy, w, h), kind="truth" if blamed else "faint", text=name if blamed else "")
        )
    marks.sort(key=lambda mark: mark.kind == "truth")  # the one to blame above the others
    return PictureView(
        index=image,
        name=replay.names[image],
        marks=tuple(marks),
        losses=tuple(losses.tolist()),
        loss=float(losses.sum()),
        culprit=culprit is not None and culprit.image == image,
    )


def _marked(replay: Replay, view: PictureView) -> Markup:
    pixels = np.nan_to_num(replay.images[view.index].numpy(), nan=0.0, posinf=1.0, neginf=0.0)
    picture = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
    return marked_picture(np.ascontiguousarray(picture), view.marks, alt=view.name, shown=540)
