"""What people call the terms of a loss, and what each punishes."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from yolosses.language import N_, Language, catalogue

# Numbered as in YOLOv1's formula, where the loss tells boxes with an object from those without, as YOLOv1 to v4 do.
_NAMES = {
    "xy": N_("1 centre (xy)"),
    "wh": N_("2 size (wh)"),
    "obj": N_("3-1 confidence, object"),
    "noobj": N_("3-2 confidence, no object"),
    "cls": N_("4 class"),
    "box": N_("1+2 box overlap"),
    "prior": N_("pull to the anchors"),
}
_LATER_NAMES = {
    "box": N_("box overlap"),
    "objectness": N_("objectness"),
    "cls": N_("class"),
    "dfl": N_("sides, as distributions"),
    "l1": N_("sides, as distances"),
}
_HEADS = {"o2o": N_("{term}, one-to-one head"), "o2m": N_("{term}, one-to-many head")}
_MEANINGS = {
    "xy": N_("centres in the wrong place"),
    "wh": N_("wrong widths and heights"),
    "obj": N_("too sure, or not sure enough"),
    "noobj": N_("not 0 where there is no object"),
    "cls": N_("wrong class, or unsure of the right one"),
    "objectness": N_("not sure where an object is, or sure where none is"),
    "box": N_("boxes that do not cover their object"),
    "dfl": N_("sides unsure of their distance, or sure of a wrong one"),
    "l1": N_("sides in the wrong place"),
    "prior": N_("boxes that differ from their anchors, at the beginning only"),
}
_FAULTS = {
    "xy": N_("The boxes that are responsible for objects are centred in the wrong place."),
    "wh": N_("The boxes that are responsible for objects have the wrong size."),
    "obj": N_("The boxes that are responsible for objects are too sure, or not sure enough."),
    "noobj": N_("Boxes that are responsible for nothing claim that something is there."),
    "cls": N_("Objects are taken for the wrong class, or the right one is not sure enough."),
    "objectness": N_("The confidence is too low where an object is, or too high where none is."),
    "box": N_("The boxes that are responsible for objects do not cover them well."),
    "dfl": N_("The sides of the boxes are spread over several distances, or sure of a wrong one."),
    "l1": N_("The sides of the boxes that are responsible for objects are in the wrong place."),
    "prior": N_(
        "Boxes without an object differ from their anchors; this term is only there at the beginning."
    ),
}


def term_name(name: str, among: Collection[str], *, language: Language = "en") -> str:
    """A term as people know it, ``among`` all terms of its loss. Unknown terms are shown by their own name."""
    _ = catalogue(language).gettext
    head, kind = head_and_kind(name, among)
    if head in _HEADS:
        return _(_HEADS[head]).format(term=_(_LATER_NAMES[kind]) if kind in _LATER_NAMES else kind)
    known = _NAMES if "noobj" in among else _LATER_NAMES
    return _(known[kind]) if kind in known else name


def term_meaning(name: str, among: Collection[str], *, language: Language = "en") -> str:
    """What it punishes, in a few words; "" for an unknown term."""
    meaning = _MEANINGS.get(head_and_kind(name, among)[1])
    return "" if meaning is None else catalogue(language).gettext(meaning)


def term_fault(name: str, among: Collection[str], *, language: Language = "en") -> str:
    """What is wrong where this term is large, as a sentence; "" for an unknown term."""
    fault = _FAULTS.get(head_and_kind(name, among)[1])
    return "" if fault is None else catalogue(language).gettext(fault)


def term_shares(terms: Mapping[str, ArrayLike]) -> dict[str, NDArray[np.float64]]:
    """What part of the loss each term has, 0 to 1; NaN where the loss is 0 or not finite.

    Args:
        terms: the weighted values of each, all of one shape.
    """
    values = {name: np.asarray(value, np.float64) for name, value in terms.items()}
    total = np.asarray(sum(values.values()), np.float64)
    known = np.isfinite(total) & (total > 0)
    nothing = np.full(total.shape, np.nan)
    return {name: np.divide(value, total, out=nothing.copy(), where=known) for name, value in values.items()}


def head_and_kind(name: str, among: Collection[str]) -> tuple[str, str]:
    """The head that a term belongs to ("" where there is one), and what it measures: its name without the head, and
    "objectness" for a confidence term that covers all boxes, those without an object too."""
    head, _, kind = name.rpartition("_")
    return head, "objectness" if kind == "obj" and "noobj" not in among else kind
