"""A loss in sentences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yolosses.explain.contributions import Contributions
from yolosses.explain.structures import ExplainedObject
from yolosses.language import N_, Language, catalogue, joined

MOST_FAULTS = 3
LEAST_SHARE = 0.1  # of the loss of what the sentence speaks of: a smaller fault is not worth a word


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """What happened at one object, or at one predicted box that should predict nothing.

    Attributes:
        image: index in the batch.
        object: index in the image's targets, None for background.
        loss: the share of the total that it speaks of.
    """

    image: int
    object: int | None
    loss: float
    text: str

    def __str__(self) -> str:
        return self.text


_BEYOND = {
    ("w",): N_("width beyond the reach of its bins"),
    ("h",): N_("height beyond the reach of its bins"),
    ("w", "h"): N_("width and height beyond the reach of its bins"),
}
_WIDTH, _HEIGHT = ("w", "sqrt w", "log w"), ("h", "sqrt h", "log h")
_LOW = {
    "x": N_("centre too far left"),
    "y": N_("centre too high"),
    **dict.fromkeys(_WIDTH, N_("width too small")),
    **dict.fromkeys(_HEIGHT, N_("height too small")),
    "left": N_("left edge too near"),
    "top": N_("top edge too near"),
    "right": N_("right edge too near"),
    "bottom": N_("bottom edge too near"),
    "confidence": N_("confidence too low"),
    "iou": N_("box fits badly"),
}
_HIGH = {
    "x": N_("centre too far right"),
    "y": N_("centre too low"),
    **dict.fromkeys(_WIDTH, N_("width too large")),
    **dict.fromkeys(_HEIGHT, N_("height too large")),
    "left": N_("left edge too far"),
    "top": N_("top edge too far"),
    "right": N_("right edge too far"),
    "bottom": N_("bottom edge too far"),
    "confidence": N_("confidence too high"),
}


def place_in_words(
    level: int | None, row: int, col: int, box: int | None, *, language: Language = "en"
) -> str:
    """``cell (3,4) box 1``: row and column, then the box within the cell, all from 0. ``level``: None where the
    output has one level only; ``box``: None for the cell as a whole."""
    _ = catalogue(language).gettext
    if level is None:
        said = _("cell ({row},{col})") if box is None else _("cell ({row},{col}) box {box}")
    else:
        said = (
            _("level {level} cell ({row},{col})")
            if box is None
            else _("level {level} cell ({row},{col}) box {box}")
        )
    return said.format(level=level, row=row, col=col, box=box)


def object_sentence(obj: ExplainedObject, faults: list[str], *, language: Language) -> str:
    """What the box that is responsible for ``obj`` gets wrong; ``faults``: of its contributions, in words."""
    _ = catalogue(language).gettext
    place = place_in_words(obj.level, obj.row, obj.col, obj.box_in_cell, language=language)
    if obj.state != "answered":
        if obj.state != "dropped":
            said = _('"{name}" is an ignored region: no box is responsible for it, none near it is punished')
        elif obj.level is None:
            said = _('no box is responsible for "{name}": {place} is responsible for another object already')
        else:  # where there are several levels, a cell that is taken is not the only reason
            said = _('no box is responsible for "{name}", whose centre is in {place}')
        return said.format(name=obj.class_name, place=place)
    if obj.out_of_reach:
        faults = [_(_BEYOND[obj.out_of_reach]), *faults]
    said = (
        _('{place} is responsible for "{name}": IoU {iou}, {faults}')
        if faults
        else _('{place} is responsible for "{name}": IoU {iou}, nothing far off')
    )
    return said.format(
        place=place, name=obj.class_name, iou=_number(obj.iou or 0.0), faults=joined(faults, language)
    )


def background_sentence(place: str, faults: list[str], *, language: Language) -> str:
    """What a box that is responsible for nothing gets wrong; ``faults``: of its contributions, in words."""
    _ = catalogue(language).gettext
    return _("{place} is responsible for nothing: {faults}").format(
        place=place, faults=joined(faults, language)
    )


def faults_in_words(
    rows: Contributions,
    element_names: tuple[tuple[str, ...] | None, ...],
    class_names: tuple[str, ...],
    *,
    language: Language,
) -> list[str]:
    """What is wrong with the boxes of some contributions, the most costly first, at most `MOST_FAULTS`."""
    _ = catalogue(language).gettext

    def fault(i: int) -> str:
        names = element_names[rows.term[i]]
        pred, target = float(rows.pred[i]), float(rows.target[i])
        if names is None:
            said = _('too unsure of "{name}"') if pred < target else _('takes it for "{name}"')
            what, quantity = said.format(name=class_names[rows.element[i]]), "p"
        else:
            quantity = names[rows.element[i]]
            known = _LOW if pred < target else _HIGH
            what = _(known[quantity]) if quantity in known else quantity
        said = (
            _("{what}: {pred}, should be {target}")  # it is named already
            if quantity in ("confidence", "iou")
            else _("{what}: {quantity} {pred}, should be {target}")
        )
        return said.format(what=what, quantity=quantity, pred=_number(pred), target=_number(target))

    value = rows.value
    order = np.argsort(-value, kind="stable")[:MOST_FAULTS]
    least = max(LEAST_SHARE * float(value.sum()), 1e-12)
    return [fault(int(i)) for i in order if value[i] >= least]


def _number(value: float) -> str:
    text = f"{value:.2f}" if 0.01 <= abs(value) < 1000 or value == 0 else f"{value:.2g}"
    return text.rstrip("0").rstrip(".") if text.endswith((".00", ".0")) else text
