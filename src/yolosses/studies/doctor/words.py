"""What the doctor says."""

from __future__ import annotations

from typing import Literal

from yolosses.language import N_, Language, catalogue
from yolosses.studies.doctor.conventions import Convention
from yolosses.studies.doctor.evidence import BoxEvidence, ClassEvidence

OddKind = Literal["tiny", "sliver", "whole", "size", "twin", "two classes"]
Scope = Literal["all", "pictures", "boxes"]

_FORMATS = {
    "cxcywh": N_("cxcywh (centre, size)"),
    "xyxy": N_("xyxy (left, top, right, bottom)"),
    "xywh": N_("xywh (left, top, size)"),
}
_UNITS = {"pixels": N_("pixels"), "fractions": N_("fractions of the picture")}


def box_fault(evidence: BoxEvidence, *, language: Language = "en") -> str:
    """A name for how boxes seem to be written: ``xyxy (left, top, right, bottom) given as cxcywh (centre, size)``."""
    words, read, meant = catalogue(language), evidence.read_as, evidence.meant
    _, parts = words.gettext, []
    if meant.unit != read.unit:
        parts.append(
            words.pgettext("unit of a box", "{meant} given as {read}").format(
                meant=_(_UNITS[meant.unit]), read=_(_UNITS[read.unit])
            )
        )
    if meant.format != read.format:
        parts.append(
            _("{meant} given as {read}").format(
                meant=_(_FORMATS[meant.format]), read=_(_FORMATS[read.format])
            )
        )
    if meant.swap != "none":
        parts.append(_swap(meant, language))
    name = parts[0]
    for part in parts[1:]:
        name = _("{one}, and {other}").format(one=name, other=part)
    return name


def _swap(meant: Convention, language: Language) -> str:
    _ = catalogue(language).gettext
    match meant.swap:
        case "xy":
            return _("x and y are swapped")
        case "centre" if meant.format == "cxcywh":
            return _("cx and cy are swapped")
        case "centre":
            return _("x and y of the corner are swapped")
        case "size":
            return _("w and h are swapped")
        case _other:
            return _("the corners are swapped (right, bottom before left, top)")


def box_reasons(
    evidence: BoxEvidence, *, scope: Scope, pictures: int, of_pictures: int, language: Language = "en"
) -> list[str]:
    """Why, in sentences with numbers."""
    _ = catalogue(language).gettext
    said = [_suspected(scope, evidence.boxes, pictures, of_pictures, language)]
    if any(evidence.misfits):
        read, meant = evidence.misfits
        said.append(
            _(
                "As written, {read} of the {boxes} boxes have no area or leave their picture; read as suspected, "
                "{meant}."
            ).format(read=read, meant=meant, boxes=evidence.boxes)
        )
    if any(value is not None for value in evidence.contrast):
        as_read, as_meant = (
            _("nothing that could be looked at") if value is None else f"{value:+.2f}"
            for value in evidence.contrast
        )
        said.append(_contrast(as_read, as_meant, evidence.usual_contrast, language))
    if evidence.likeness is not None and any(evidence.likeness):
        read, meant = evidence.likeness
        said.append(
            _(
                "Against the other boxes of the same class, shape and size are more usual as written for {read} "
                "boxes, read as suspected for {meant}."
            ).format(read=read, meant=meant)
        )
    return said


def _contrast(read: str, meant: str, usual: float | None, language: Language) -> str:
    _ = catalogue(language).gettext
    if usual is None:
        return _(
            "The picture changes under the boxes' borders by {read} as written, by {meant} read as suspected "
            "(in standard deviations; 0 is what the same boxes meet in other pictures)."
        ).format(read=read, meant=meant)
    return _(
        "The picture changes under the boxes' borders by {read} as written, by {meant} read as suspected "
        "(in standard deviations; 0 is what the same boxes meet in other pictures; the other boxes meet {usual})."
    ).format(read=read, meant=meant, usual=f"{usual:+.2f}")


def class_fault(evidence: ClassEvidence, *, language: Language = "en") -> str:
    """A name for how class numbers seem to be shifted."""
    _ = catalogue(language).gettext
    if evidence.shift > 0:
        return _("class numbers are off by one: 1 too high")
    return _("class numbers are off by one: 1 too low")


def class_reasons(
    evidence: ClassEvidence, *, scope: Scope, pictures: int, of_pictures: int, language: Language = "en"
) -> list[str]:
    """Why, in sentences with numbers."""
    words = catalogue(language)
    _ = words.gettext
    said = [_suspected(scope, evidence.boxes, pictures, of_pictures, language)]
    if evidence.unknown is None:
        counted = _(
            "Numbers 1 to {last} are all used, and none of the {boxes} objects has class 0: the classes seem to be "
            "counted from 1, and there are no names that say otherwise."
        )
        return [*said, counted.format(last=evidence.last, boxes=evidence.boxes)]
    number, count = evidence.unknown
    unknown = words.ngettext(
        "{count} object has the class number {number}, but the classes are numbered {first} to {last}.",
        "{count} objects have the class number {number}, but the classes are numbered {first} to {last}.",
        count,
    )
    said.append(unknown.format(count=count, number=number, first=evidence.first, last=evidence.last))
    if evidence.boxes_elsewhere:
        unused = _(
            "None of the {boxes} objects in these labels has class {unused}; of the {others} others, {elsewhere} do."
        )
    else:
        unused = _("None of the {boxes} objects has class {unused}.")
    said.append(
        unused.format(
            boxes=evidence.boxes,
            unused=evidence.unused,
            others=evidence.boxes_elsewhere,
            elsewhere=evidence.used_elsewhere,
        )
    )
    step = _("1 subtracted") if evidence.shift > 0 else _("1 added")
    said.append(_("With {step} every number would stand for a class.").format(step=step))
    if evidence.likeness is not None:
        read, meant = evidence.likeness
        alike = _(
            "Against the other objects, {read} of these look more like the class as written, {meant} like the class "
            "with {step}."
        )
        said.append(alike.format(read=read, meant=meant, step=step))
    if evidence.boxes_elsewhere:
        said.append(
            _(
                "Other labels may have the same fault without showing it: their numbers all stand for some class."
            )
        )
    return said


def _suspected(scope: Scope, boxes: int, pictures: int, of: int, language: Language) -> str:
    _ = catalogue(language).gettext
    if scope == "boxes":
        said = _("Suspected of {boxes} single boxes in {pictures} of {of} pictures with objects.")
    else:
        said = _("Suspected in the labels of {pictures} of {of} pictures with objects: {boxes} boxes.")
    return said.format(pictures=pictures, of=of, boxes=boxes)


def odd_reason(kind: OddKind, value: float, other: str | None, *, language: Language = "en") -> str:
    """What is strange about a box; ``value`` and ``other`` as in `OddBox`."""
    _ = catalogue(language).gettext
    match kind:
        case "tiny":
            return _("a side of {pixels} pixels").format(pixels=f"{value:.1f}")
        case "sliver":
            return _("one side is {times} times the other").format(times=f"{value:.0f}")
        case "whole":
            return _("covers {share} of the picture, beside other objects").format(share=f"{value:.0%}")
        case "size" if value >= 1:
            return _("{times} times as large as its class usually is").format(times=f"{value:.1f}")
        case "size":
            return _("{times} times as small as its class usually is").format(times=f"{1 / value:.1f}")
        case "twin":
            said = _("almost the same box as {other} (IoU {iou}), same class")
        case "two classes":
            said = _("almost the same box as {other} (IoU {iou}), another class")
    return said.format(other=other, iou=f"{value:.2f}")
