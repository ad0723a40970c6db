"""What the doctor finds out about a data set."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from yolosses.language import Language, catalogue
from yolosses.studies.doctor.evidence import BoxEvidence, ClassEvidence
from yolosses.training.data import LOSES_AN_OBJECT, Problem, is_too_little

OddKind = Literal["tiny", "sliver", "whole", "size", "twin", "two classes"]
Scope = Literal["all", "pictures", "boxes"]


@dataclass(frozen=True, kw_only=True)
class Suspicion:
    """A fault that the labels of many pictures seem to share.

    Attributes:
        scope: "all" pictures with objects, "pictures": some of them, "boxes": single boxes of some.
        pictures: indices of the pictures, the surest first.
        of_pictures: how many pictures with objects there are.
        places: for "boxes": (picture, place in its label file) of each.
        strength: logarithm of how much more likely the labels are with the fault than without.
        evidence: the numbers.
    """

    scope: Scope
    pictures: tuple[int, ...]
    of_pictures: int
    strength: float
    evidence: BoxEvidence | ClassEvidence
    places: tuple[tuple[int, str], ...] = ()

    def fault(self, *, language: Language = "en") -> str:
        """A name for it."""
        return self.evidence.fault(language)

    def reasons(self, *, language: Language = "en") -> list[str]:
        """Why, in sentences with numbers."""
        _ = catalogue(language).gettext
        if self.scope == "boxes":
            said = _("Suspected of {boxes} single boxes in {pictures} of {of} pictures with objects.")
        else:
            said = _("Suspected in the labels of {pictures} of {of} pictures with objects: {boxes} boxes.")
        where = said.format(pictures=len(self.pictures), of=self.of_pictures, boxes=self.evidence.boxes)
        return [where, *self.evidence.reasons(language)]


@dataclass(frozen=True, kw_only=True)
class OddBox:
    """A box that can be used and yet looks wrong.

    Attributes:
        kind: "tiny" (a side below 3 pixels), "sliver" (one side more than 15 times the other), "whole" (all of the
            picture), "size" (far from the size of its class), "twin" (almost the same as another of its class), "two
            classes" (almost the same as one of another class).
        picture, object: index of the picture, of the object in its record.
        file, where: the label file, and the place in it.
        label: class index.
        edges: left, top, right, bottom in pixels.
        value: the number that makes it odd: the shorter side in pixels; how many times longer the longer side is; the
            share of the picture; how many times larger (above 1) or smaller than the median of its class; the IoU.
        other, other_object: place and object of the other box, for the last two kinds.
    """

    kind: OddKind
    picture: int
    object: int
    file: Path
    where: str
    label: int
    edges: tuple[float, float, float, float]
    value: float
    other: str | None = None
    other_object: int | None = None

    def reason(self, *, language: Language = "en") -> str:
        """What is strange about it."""
        _ = catalogue(language).gettext
        match self.kind:
            case "tiny":
                return _("a side of {pixels} pixels").format(pixels=f"{self.value:.1f}")
            case "sliver":
                return _("one side is {times} times the other").format(times=f"{self.value:.0f}")
            case "whole":
                return _("covers {share} of the picture, beside other objects").format(
                    share=f"{self.value:.0%}"
                )
            case "size" if self.value >= 1:
                return _("{times} times as large as its class usually is").format(times=f"{self.value:.1f}")
            case "size":
                return _("{times} times as small as its class usually is").format(
                    times=f"{1 / self.value:.1f}"
                )
            case "twin":
                said = _("almost the same box as {other} (IoU {iou}), same class")
            case "two classes":
                said = _("almost the same box as {other} (IoU {iou}), another class")
        return said.format(other=self.other, iou=f"{self.value:.2f}")


@dataclass(frozen=True, kw_only=True)
class Duplicate:
    """Pictures that are the same, or nearly so.

    Attributes:
        pictures: indices, two or more.
        same: "file" (byte for byte), "pixels" (another file, the same picture) or "near" (written again with loss,
            resized, brighter or darker; looked for between splits only).
        across_splits: True if they are not all in the same split.
        labels_agree: whether all have the same objects, to half a hundredth of the picture.
    """

    pictures: tuple[int, ...]
    same: Literal["file", "pixels", "near"]
    across_splits: bool
    labels_agree: bool


@dataclass(frozen=True, kw_only=True)
class GridFit:
    """What a grid makes of the data. "Objects" leave out ignored regions.

    Attributes:
        grid: S, cells along each side.
        objects: in all pictures.
        lost: objects beyond the first of their cell; nothing is responsible for them.
        pictures_with_loss: pictures with at least one.
        lost_by_class: (C,) of ``lost``.
        most_in_a_cell: objects.
        boxes: predicted boxes in all pictures, S * S * B each.
        positive: of these, how many are responsible for an object.
        background: of these, how many are punished for any confidence.
        below_a_cell: objects with both sides shorter than a cell.
        occupancy: (S, S) objects whose centre lies in the cell, over all pictures.
        zero_loss: of an output of zeros, mean over pictures: term -> (unweighted, weighted).
        scales: the lambda of each term.
    """

    grid: int
    objects: int
    lost: int
    pictures_with_loss: int
    lost_by_class: tuple[int, ...]
    most_in_a_cell: int
    boxes: int
    positive: int
    background: int
    below_a_cell: int
    occupancy: NDArray[np.int64] = field(repr=False)
    zero_loss: dict[str, tuple[float, float]]
    scales: dict[str, float]

    @property
    def lost_share(self) -> float:
        """Of the objects."""
        return self.lost / self.objects if self.objects else 0.0

    @property
    def positive_share(self) -> float:
        """Of the predicted boxes."""
        return self.positive / self.boxes

    @property
    def background_per_positive(self) -> float | None:
        """Boxes that should keep silent for each that should speak."""
        return self.background / self.positive if self.positive else None

    @property
    def balancing_noobj(self) -> float | None:
        """The lambda_noobj with which both sides weigh the same."""
        return self.positive / self.background if self.background else None

    @property
    def zero_total(self) -> float:
        """Loss of an output of zeros."""
        return sum(weighted for _, weighted in self.zero_loss.values())


@dataclass(frozen=True, kw_only=True, eq=False)
class Inspection:
    """All that was found, before any training.

    Attributes:
        name: of the data set.
        notes: what a person must know about how it was read.
        class_names, split_names: in order.
        picture_names: file names; ``label_files``: of each; ``splits``: the index of the split of each.
        image_sizes: (N, 2) height, width in pixels.
        counts: (N, C) objects of each picture and class, ignored ones included.
        ignored: number of objects that are ignored regions.
        sides: (O, 2) w, h of every object in pixels; ``relative_sides``: in fractions of the picture.
        boxes_per_cell: B.
        grids: one for each S.
        suspicions: faults that many labels seem to share.
        problems: what the reader could not use, or had to cut.
        odd_boxes: usable but strange.
        duplicates: pictures that are the same, or nearly so in different splits.
        turned: indices of pictures that their EXIF orientation turns: labels made without heeding it speak of the
            unturned picture. alike_classes: groups of class names that differ in case, spaces, "_" and "-" only.
        unlabelled: indices of pictures without label file. empty: of those whose label file has no object.
        unreadable: pictures that cannot be decoded, index and reason.
        looked_at: number of pictures that were decoded (to find the same pixels, and the change across borders).
    """

    name: str
    notes: tuple[str, ...]
    class_names: tuple[str, ...]
    split_names: tuple[str, ...]
    picture_names: tuple[str, ...]
    label_files: tuple[Path, ...]
    splits: tuple[int, ...]
    image_sizes: NDArray[np.int64]
    counts: NDArray[np.int64]
    ignored: int
    sides: NDArray[np.float64]
    relative_sides: NDArray[np.float64]
    boxes_per_cell: int
    grids: tuple[GridFit, ...]
    suspicions: tuple[Suspicion, ...]
    problems: tuple[Problem, ...]
    odd_boxes: tuple[OddBox, ...]
    duplicates: tuple[Duplicate, ...]
    turned: tuple[int, ...]
    alike_classes: tuple[tuple[str, ...], ...]
    unlabelled: tuple[int, ...]
    empty: tuple[int, ...]
    unreadable: tuple[tuple[int, str], ...]
    looked_at: int

    @property
    def num_pictures(self) -> int:
        return len(self.picture_names)

    @property
    def num_objects(self) -> int:
        return int(self.counts.sum())

    @property
    def num_lost_rows(self) -> int:
        """Rows of the labels that name an object and cannot be used."""
        return sum(problem.kind in LOSES_AN_OBJECT for problem in self.problems)

    @property
    def is_unlearnable(self) -> bool:
        """Whether training refuses the data, see `DetectionDataset.require_objects`."""
        return is_too_little(self.num_objects, self.num_lost_rows)

    @property
    def objects_per_picture(self) -> tuple[int, float, int]:
        """Least, median and most."""
        counts = self.counts.sum(1)
        return int(counts.min()), float(np.median(counts)), int(counts.max())

    @property
    def pixel_sizes(self) -> dict[str, int]:
        """Objects by COCO's sizes: area below 32 x 32 pixels, below 96 x 96, and larger."""
        area = self.sides.prod(1)
        small, medium = int((area < 32**2).sum()), int((area < 96**2).sum())
        return {"small": small, "medium": medium - small, "large": len(area) - medium}

    def to_json(self) -> dict[str, Any]:
        """Everything, as plain values."""
        sizes, per_picture = self.image_sizes.tolist(), self.counts.sum(1).tolist()
        return {
            "data": self.name,
            "splits": list(self.split_names),
            "notes": list(self.notes),
            "boxes_per_cell": self.boxes_per_cell,
            "num_pictures": self.num_pictures,
            "num_objects": self.num_objects,
            "num_ignored": self.ignored,
            "suspicions": [self._suspicion(suspicion) for suspicion in self.suspicions],
            "classes": [
                {"name": name, "objects": int(counts.sum()), "pictures": int((counts > 0).sum())}
                for name, counts in zip(self.class_names, self.counts.T, strict=True)
            ],
            "pictures": [
                {
                    "name": name,
                    "split": self.split_names[i],
                    "width": width,
                    "height": height,
                    "objects": count,
                }
                for name, i, (height, width), count in zip(
                    self.picture_names, self.splits, sizes, per_picture, strict=True
                )
            ],
            "sizes": {"pixels": self.pixel_sizes, "sides": _quantiles(self.sides)},
            "relative_sizes": {"sides": _quantiles(self.relative_sides)},
            "grids": [_grid(grid, self.class_names) for grid in self.grids],
            "problems": [
                {name: str(getattr(problem, name)) for name in ("file", "where", "kind", "reason", "action")}
                for problem in self.problems
            ],
            "odd_boxes": [self._odd_box(box) for box in self.odd_boxes],
            "duplicates": [
                asdict(duplicate) | {"pictures": self._names(duplicate.pictures)}
                for duplicate in self.duplicates
            ],
            "turned_by_exif": self._names(self.turned),
            "alike_classes": [list(names) for names in self.alike_classes],
            "unlabelled": self._names(self.unlabelled),
            "without_objects": self._names(self.empty),
            "unreadable": [
                {"picture": self.picture_names[index], "reason": reason} for index, reason in self.unreadable
            ],
            "pictures_looked_at": self.looked_at,
        }

    def _names(self, pictures: tuple[int, ...]) -> list[str]:
        return [self.picture_names[index] for index in pictures]

    def _suspicion(self, suspicion: Suspicion) -> dict[str, Any]:
        return {
            "fault": suspicion.fault(),
            "reasons": suspicion.reasons(),
            "scope": suspicion.scope,
            "pictures": self._names(suspicion.pictures),
            "label_files": list(dict.fromkeys(str(self.label_files[index]) for index in suspicion.pictures)),
            "of_pictures": suspicion.of_pictures,
            "places": [[self.picture_names[index], place] for index, place in suspicion.places],
            "strength": suspicion.strength,
            "evidence": asdict(suspicion.evidence),
        }

    def _odd_box(self, box: OddBox) -> dict[str, Any]:
        return {
            "kind": box.kind,
            "file": str(box.file),
            "where": box.where,
            "picture": self.picture_names[box.picture],
            "class": self.class_names[box.label],
            "edges": list(box.edges),
            "value": box.value,
            "other": box.other,
            "reason": box.reason(),
        }


def _quantiles(sides: NDArray[np.float64]) -> dict[str, dict[str, float]]:
    if not len(sides):
        return {}
    return {
        name: {f"{q}%": float(np.percentile(sides[:, axis], q)) for q in (0, 5, 25, 50, 75, 95, 100)}
        for axis, name in enumerate(("width", "height"))
    }


def _grid(grid: GridFit, class_names: tuple[str, ...]) -> dict[str, Any]:
    names = (
        "grid", "objects", "lost", "lost_share", "pictures_with_loss", "lost_by_class", "most_in_a_cell", "boxes",
        "positive", "positive_share", "background", "background_per_positive", "balancing_noobj", "below_a_cell",
    )  # fmt: skip
    lost = zip(class_names, grid.lost_by_class, strict=True)
    return {
        **{name: getattr(grid, name) for name in names},
        "lost_by_class": {name: count for name, count in lost if count},
        "occupancy": grid.occupancy.tolist(),
        "zero_loss": {
            "total": grid.zero_total,
            "terms": {
                name: {"unweighted": raw, "lambda": grid.scales[name], "weighted": weighted}
                for name, (raw, weighted) in grid.zero_loss.items()
            },
        },
    }
