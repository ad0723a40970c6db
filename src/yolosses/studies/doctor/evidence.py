"""Why labels are suspected: the numbers, and what they say."""

from __future__ import annotations

from dataclasses import dataclass

from yolosses.language import N_, Language, catalogue
from yolosses.studies.doctor.conventions import Convention

_FORMATS = {
    "cxcywh": N_("cxcywh (centre, size)"),
    "xyxy": N_("xyxy (left, top, right, bottom)"),
    "xywh": N_("xywh (left, top, size)"),
}
_UNITS = {"pixels": N_("pixels"), "fractions": N_("fractions of the picture")}


@dataclass(frozen=True, kw_only=True)
class BoxEvidence:
    """Why the boxes of some labels seem to be written in another way than the layout has it.

    Of each pair the first is as the labels are read, the second as they seem to be meant.

    Attributes:
        read_as: what the layout's reader takes the numbers for.
        meant: what they seem to be.
        boxes: how many are suspected.
        misfits: boxes without area or leaving the picture, (read, meant).
        contrast: mean change of the picture across the boxes' borders, in standard deviations above that of the same
            boxes in other pictures, (read, meant); None where no border lies inside a picture, or no picture was
            looked at.
        usual_contrast: that of the boxes which are not suspected; None where there are none.
        likeness: boxes whose shape and size is the more like that of their class elsewhere, (read, meant); None where
            there are too few others.
    """

    read_as: Convention
    meant: Convention
    boxes: int
    misfits: tuple[int, int]
    contrast: tuple[float | None, float | None]
    usual_contrast: float | None
    likeness: tuple[int, int] | None

    def fault(self, language: Language) -> str:
        """A name for it: ``xyxy (left, top, right, bottom) given as cxcywh (centre, size)``."""
        words, read, meant = catalogue(language), self.read_as, self.meant
        _, parts = words.gettext, []
        if meant.unit != read.unit:
            given = words.pgettext("unit of a box", "{meant} given as {read}")
            parts.append(given.format(meant=_(_UNITS[meant.unit]), read=_(_UNITS[read.unit])))
        if meant.format != read.format:
            given = _("{meant} given as {read}")
            parts.append(given.format(meant=_(_FORMATS[meant.format]), read=_(_FORMATS[read.format])))
        match meant.swap:
            case "xy":
                parts.append(_("x and y are swapped"))
            case "centre" if meant.format == "cxcywh":
                parts.append(_("cx and cy are swapped"))
            case "centre":
                parts.append(_("x and y of the corner are swapped"))
            case "size":
                parts.append(_("w and h are swapped"))
            case "corners":
                parts.append(_("the corners are swapped (right, bottom before left, top)"))
        name = parts[0]
        for part in parts[1:]:
            name = _("{one}, and {other}").format(one=name, other=part)
        return name

    def reasons(self, language: Language) -> list[str]:
        """Why, in sentences with numbers."""
        _, said = catalogue(language).gettext, []
        if any(self.misfits):
            reason = _(
                "As written, {read} of the {boxes} boxes have no area or leave their picture; read as suspected, "
                "{meant}."
            )
            said.append(reason.format(read=self.misfits[0], meant=self.misfits[1], boxes=self.boxes))
        if any(value is not None for value in self.contrast):
            if self.usual_contrast is None:
                reason = _(
                    "The picture changes under the boxes' borders by {read} as written, by {meant} read as suspected "
                    "(in standard deviations; 0 is what the same boxes meet in other pictures)."
                )
            else:
                reason = _(
                    "The picture changes under the boxes' borders by {read} as written, by {meant} read as suspected "
                    "(in standard deviations; 0 is what the same boxes meet in other pictures; the other boxes meet "
                    "{usual})."
                )
            read, meant, usual = (
                _("nothing that could be looked at") if value is None else f"{value:+.2f}"
                for value in (*self.contrast, self.usual_contrast)
            )
            said.append(reason.format(read=read, meant=meant, usual=usual))
        if self.likeness is not None and any(self.likeness):
            reason = _(
                "Against the other boxes of the same class, shape and size are more usual as written for {read} "
                "boxes, read as suspected for {meant}."
            )
            said.append(reason.format(read=self.likeness[0], meant=self.likeness[1]))
        return said


@dataclass(frozen=True, kw_only=True)
class ClassEvidence:
    """Why class numbers seem to be shifted.

    Attributes:
        shift: what seems to have been added to the numbers: 1 or -1.
        unknown: the number that stands for no class, and how many objects have it; None if there is none.
        unused: the number at the other end, which none of the suspected objects has.
        used_elsewhere: how many of the other objects have it.
        first, last: the numbers that stand for classes.
        boxes: objects in the suspected labels. boxes_elsewhere: in the others.
        likeness: of the suspected objects, how many look more like the class of their number, (as written, shifted
            back), by what the others show; None where there are too few others.
    """

    shift: int
    unknown: tuple[int, int] | None
    unused: int
    used_elsewhere: int
    first: int
    last: int
    boxes: int
    boxes_elsewhere: int
    likeness: tuple[int, int] | None

    def fault(self, language: Language) -> str:
        """A name for it."""
        _ = catalogue(language).gettext
        if self.shift > 0:
            return _("class numbers are off by one: 1 too high")
        return _("class numbers are off by one: 1 too low")

    def reasons(self, language: Language) -> list[str]:
        """Why, in sentences with numbers."""
        words = catalogue(language)
        _ = words.gettext
        if self.unknown is None:
            reason = _(
                "Numbers 1 to {last} are all used, and none of the {boxes} objects has class 0: the classes seem to be "
                "counted from 1, and there are no names that say otherwise."
            )
            return [reason.format(last=self.last, boxes=self.boxes)]
        number, count = self.unknown
        step = _("1 subtracted") if self.shift > 0 else _("1 added")
        said = [
            words.ngettext(
                "{count} object has the class number {number}, but the classes are numbered {first} to {last}.",
                "{count} objects have the class number {number}, but the classes are numbered {first} to {last}.",
                count,
            ),
            _("None of the {boxes} objects has class {unused}."),
            _("With {step} every number would stand for a class."),
        ]
        if self.boxes_elsewhere:
            said[1] = _(
                "None of the {boxes} objects in these labels has class {unused}; of the {others} others, {elsewhere} "
                "do."
            )
        if self.likeness is not None:
            said.append(
                _(
                    "Against the other objects, {read} of these look more like the class as written, {meant} like the "
                    "class with {step}."
                )
            )
        if self.boxes_elsewhere:
            said.append(
                _(
                    "Other labels may have the same fault without showing it: their numbers all stand for some class."
                )
            )
        read, meant = self.likeness or (0, 0)
        facts = vars(self) | {"others": self.boxes_elsewhere, "elsewhere": self.used_elsewhere}
        facts |= {"count": count, "number": number, "step": step, "read": read, "meant": meant}
        return [reason.format(**facts) for reason in said]
