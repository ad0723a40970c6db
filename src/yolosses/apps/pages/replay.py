"""The report on a batch whose loss was not finite: what did it, where, and the batch as the network saw it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from yolosses.apps.pages.marked_picture import Mark, marked_picture
from yolosses.apps.pages.page import Cell, Html, Section, page, table
from yolosses.apps.pages.report import STYLE
from yolosses.apps.pages.report_texts import texts
from yolosses.explain.nonfinite import NonFinite
from yolosses.explain.pictures.captions import captions, number
from yolosses.language import Language
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


def replay_report(replay: Replay, *, language: Language) -> str:
    """The report on a saved batch, as html."""
    t = texts(language)
    if replay.culprit is None:
        message = f'<p class="verdict">{escape(t.replay_finite.format(loss=number(_loss(replay))))}</p>'
    else:
        message = f'<p class="verdict">{t.replay_verdict.format(message=escape(str(replay.culprit)))}</p>'
    order = sorted(range(len(replay.names)), key=lambda image: _urgency(replay, image), reverse=True)
    cards = "".join(_card(replay, image, language) for image in order)
    lead = f"{message}<p>{escape(t.replay_note)}</p>"
    if replay.culprit is not None:
        lead += _culprit(replay.culprit, replay.terms, language)
    body = f'<p>{escape(t.replay_pictures_note)}</p>{_losses(replay, order, language)}<div class="cards">{cards}</div>'
    title = t.replay_title.format(step=f"{replay.step:,}")
    return page(title, [Section(t.replay_pictures, body)], language=language, lead=lead, style=STYLE)


def _urgency(replay: Replay, image: int) -> tuple[bool, float]:
    """The picture that did it first, then by loss."""
    loss = float(replay.losses[image].sum())
    culprit = replay.culprit is not None and replay.culprit.image == image
    return culprit, loss if math.isfinite(loss) else math.inf


def _loss(replay: Replay) -> float:
    return float(replay.losses.sum())


def _culprit(found: NonFinite, terms: Sequence[str], language: Language) -> str:
    t = texts(language)
    term = "–" if found.term is None else found.term
    where = t.comma.join(filter(None, (found.image_name, found.place, found.element or "")))
    index = ", ".join(map(str, found.index))
    rows: list[Sequence[Cell]] = [
        [t.term, term if found.term is None else f"{term} ({captions(language).term(term, terms)})"],
        [t.operand, Html(f"<code>{escape(found.operand)}[{index}]</code>")],
        [t.value, Html(f'<span class="alarm">{found.value}</span>')],
        [t.where, where],
        [t.truth, t.none if found.object is None else f"{found.object + 1} ({found.class_name})"],
    ]
    return table([t.culprit, ""], rows)


def _losses(replay: Replay, order: Sequence[int], language: Language) -> str:
    t = texts(language)
    rows: list[list[Cell]] = [
        [
            replay.names[image],
            *(_value(value) for value in (*replay.losses[image], replay.losses[image].sum())),
        ]
        for image in order
    ]
    return table([t.picture, *replay.terms, t.loss], rows)


def _value(value: float) -> Cell:
    return float(value) if math.isfinite(value) else Html(f'<span class="alarm">{float(value)}</span>')


def _card(replay: Replay, image: int, language: Language) -> str:
    pixels = np.nan_to_num(replay.images[image].numpy(), nan=0.0, posinf=1.0, neginf=0.0)
    picture = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
    culprit = replay.culprit
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
    drawn = marked_picture(np.ascontiguousarray(picture), marks, alt=replay.names[image], shown=540)
    guilty = ""
    if culprit is not None and culprit.image == image:
        guilty = f'<p class="alarm">{escape(str(culprit))}</p>'
    counted = texts(language).counted.format(count=len(marks))
    return (
        f'<article class="card"><h3>{escape(replay.names[image])}</h3>'
        f'<p class="faint">{escape(counted)}</p>{drawn}{guilty}</article>'
    )
