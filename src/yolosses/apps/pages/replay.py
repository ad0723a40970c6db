"""The report on a batch whose loss was not finite: what did it, where, and the batch as the network saw it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray
from torch import Tensor

from yolosses.apps.pages.marked_picture import Mark, as_box, marked_picture
from yolosses.apps.pages.render import render
from yolosses.explain.nonfinite import NonFinite
from yolosses.explain.pictures.captions import number
from yolosses.explain.terms import term_name
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
    culprit, losses = replay.culprit, replay.losses.sum(1).tolist()
    blamed = None if culprit is None else culprit.image
    images = sorted(
        range(len(replay.names)),
        key=lambda image: (image == blamed, losses[image] if math.isfinite(losses[image]) else math.inf),
        reverse=True,
    )
    return render(
        "replay.html",
        language,
        replay=replay,
        loss=number(float(replay.losses.sum())),
        culprit=culprit,
        term_name=term_name,
        images=images,
        losses=losses,
        blamed=blamed,
        marked=partial(_marked, replay),
    )


def _marked(replay: Replay, image: int) -> Markup:
    pixels = np.nan_to_num(replay.images[image].numpy(), nan=0.0, posinf=1.0, neginf=0.0)
    picture = np.round(np.clip(pixels, 0, 1) * 255).astype(np.uint8).transpose(1, 2, 0)
    marks = []
    for index in replay.targets.mask[image].nonzero().flatten().tolist():
        box = as_box(replay.targets.boxes[image, index].tolist())
        if replay.culprit is not None and (replay.culprit.image, replay.culprit.object) == (image, index):
            label, names = int(replay.targets.labels[image, index]), replay.class_names
            name = names[label] if 0 <= label < len(names) else f"class {label}"
            marks.append(Mark(box=box, kind="truth", text=name))
        else:
            marks.append(Mark(box=box, kind="faint"))
    marks.sort(key=lambda mark: mark.kind == "truth")  # the one to blame above the others
    return marked_picture(np.ascontiguousarray(picture), marks, alt=replay.names[image], shown=540)
