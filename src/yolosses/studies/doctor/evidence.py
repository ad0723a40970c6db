"""Why labels are suspected: the numbers."""

from __future__ import annotations

from dataclasses import dataclass

from yolosses.studies.doctor.conventions import Convention


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
