"""What the page of an inspection shows."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from yolosses.apps.pages.marked_picture import Box, Kind, Mark, PictureView, around, as_box
from yolosses.explain.terms import term_name
from yolosses.language import Language
from yolosses.studies.doctor import BoxEvidence, Duplicate, GridFit, Inspection, OddBox, Suspicion
from yolosses.studies.doctor.conventions import Convention, as_read
from yolosses.studies.doctor.rows import Floats, written_labels
from yolosses.studies.doctor.summary import (
    counted,
    duplicate_facts,
    odd_kind,
    problem_action,
    problem_kind,
    size_name,
)
from yolosses.training.data import DetectionDataset, Record

EXAMPLES = 3  # pictures for each suspicion
EXAMPLE_BOXES = 40
CLASSES = 20
FINDINGS = 200
THUMBNAILS = 24
GROUPS = 30
TOGETHER = 6  # equal pictures shown of a group
WORST = 3  # classes that lose most


@dataclass(frozen=True, kw_only=True)
class FaultView:
    """A suspicion. ``examples``: each picture as written and as meant."""

    name: str
    reasons: tuple[str, ...]
    examples: tuple[tuple[PictureView, PictureView], ...]
    files: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class ClassView:
    """A class and how often it comes."""

    name: str
    objects: int
    pictures: int


@dataclass(frozen=True, kw_only=True)
class OddView:
    """An odd box: what, where, why."""

    picture: PictureView
    kind: str
    place: str
    class_name: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class ProblemView:
    """A broken annotation."""

    kind: str
    place: str
    reason: str
    action: str


@dataclass(frozen=True, kw_only=True)
class GroupView:
    """Equal pictures: the facts about them, and the pictures with their splits."""

    facts: tuple[str, ...]
    pictures: tuple[tuple[PictureView, str], ...]


def folder_of(inspection: Inspection) -> Path:
    """The folder that all label files are in."""
    return Path(os.path.commonpath({file.parent for file in inspection.label_files}))


def faults(inspection: Inspection, dataset: DetectionDataset, language: Language) -> list[FaultView]:
    """The suspicions."""
    return [
        FaultView(
            name=suspicion.fault(language=language),
            reasons=tuple(suspicion.reasons(language=language)),
            examples=tuple(
                _example(suspicion, index, dataset) for index in _evenly(suspicion.pictures, EXAMPLES)
            ),
            files=tuple(
                dict.fromkeys(
                    _short(inspection, inspection.label_files[index]) for index in suspicion.pictures
                )
            ),
        )
        for suspicion in inspection.suspicions
    ]


def classes(inspection: Inspection) -> tuple[list[ClassView], list[str]]:
    """Those that are used, the most frequent first; the names of the others."""
    totals, pictures = inspection.counts.sum(0), (inspection.counts > 0).sum(0)
    order = [int(label) for label in np.argsort(-totals, kind="stable") if totals[label]]
    used = [
        ClassView(
            name=inspection.class_names[label], objects=int(totals[label]), pictures=int(pictures[label])
        )
        for label in order
    ]
    return used, [name for name, total in zip(inspection.class_names, totals, strict=True) if not total]


def lost_most(inspection: Inspection, grid: GridFit) -> list[tuple[str, int]]:
    """The classes that lose most objects in a grid."""
    lost = sorted(zip(inspection.class_names, grid.lost_by_class, strict=True), key=lambda pair: -pair[1])
    return [(name, count) for name, count in lost[:WORST] if count]


def sizes(inspection: Inspection, language: Language) -> list[tuple[str, int]]:
    """Objects by their size in pixels."""
    return [(size_name(size, language), count) for size, count in inspection.pixel_sizes.items()]


def terms(inspection: Inspection, language: Language) -> dict[str, str]:
    """The terms of the loss, and what people call them."""
    names = list(inspection.grids[0].zero_loss)
    return {name: term_name(name, names, language=language) for name in names}


def problems(inspection: Inspection, language: Language) -> tuple[str, list[ProblemView]]:
    """Broken annotations: how many of each kind, and the first of them."""
    summary = counted((problem_kind(problem, language) for problem in inspection.problems), language)
    return summary, [
        ProblemView(
            kind=problem_kind(problem, language),
            place=f"{_short(inspection, problem.file)}, {problem.where}",
            reason=problem.reason,
            action=problem_action(problem, language),
        )
        for problem in inspection.problems[:FINDINGS]
    ]


def odd_boxes(
    inspection: Inspection, dataset: DetectionDataset, language: Language
) -> tuple[str, list[OddView], list[OddView]]:
    """How many of each kind; those shown with their picture; others without."""
    boxes = inspection.odd_boxes
    chosen = _of_every_kind(boxes, THUMBNAILS)
    drawn = {id(box) for box in chosen}
    rest = islice((box for box in boxes if id(box) not in drawn), FINDINGS)
    summary = counted((odd_kind(box, language) for box in boxes), language)
    views = [[_odd(inspection, box, dataset, language) for box in some] for some in (chosen, rest)]
    return summary, views[0], views[1]


def groups(inspection: Inspection, dataset: DetectionDataset, language: Language) -> list[GroupView]:
    """Equal pictures."""
    return [
        GroupView(
            facts=tuple(duplicate_facts(group, language)),
            pictures=tuple(_labelled(inspection, dataset, group)),
        )
        for group in inspection.duplicates[:GROUPS]
    ]


def _example(suspicion: Suspicion, index: int, dataset: DetectionDataset) -> tuple[PictureView, PictureView]:
    """One picture twice: as its labels are written, and as they seem to be meant."""
    record, evidence = dataset.records[index], suspicion.evidence
    only = {place for picture, place in suspicion.places if picture == index} or None
    if isinstance(evidence, BoxEvidence):
        written = _marks(record, evidence.read_as, "other", only)
        meant = _marks(record, evidence.meant, "answer", only)
    else:
        written = _named_marks(record, dataset, "other", 0)
        meant = _named_marks(record, dataset, "answer", evidence.shift)
    one, other = (
        PictureView(index=index, name=record.name, marks=tuple(marks)) for marks in (written, meant)
    )
    return one, other


def _evenly(pictures: Sequence[int], count: int) -> list[int]:
    """The surest, and others on the way to the half that is less sure."""
    places = np.linspace(0, len(pictures) // 2, min(count, len(pictures))).round().astype(int)
    return [pictures[place] for place in dict.fromkeys(places.tolist())]


def _marks(record: Record, convention: Convention, kind: Kind, only: set[str] | None) -> list[Mark]:
    written = written_labels(record)
    chosen = [row for row, place in enumerate(written.places) if only is None or place in only][
        :EXAMPLE_BOXES
    ]
    height, width = record.image_size
    size = np.tile(np.array([[width, height]], np.float64), (len(chosen), 1))
    with np.errstate(all="ignore"):
        edges = convention.edges(written.numbers[chosen], size)
    return [Mark(box=box, kind=kind) for box in _fractions(edges, record)]


def _named_marks(record: Record, dataset: DetectionDataset, kind: Kind, shift: int) -> list[Mark]:
    """Every box with the name of its class, or its number where no class has it, once ``shift`` is undone."""
    names = dict(zip(dataset.class_numbers or (), dataset.class_names, strict=False))
    written = written_labels(record)
    marks = _marks(record, as_read(written.box_format), kind, None)
    numbers = [int(float(category)) - shift for category in written.categories[: len(marks)]]
    return [
        Mark(box=mark.box, kind=kind, text=names.get(number, str(number)))
        for mark, number in zip(marks, numbers, strict=False)
    ]


def _fractions(edges: Floats, record: Record) -> list[Box]:
    height, width = record.image_size
    return [
        (
            (left + right) / 2 / width,
            (top + bottom) / 2 / height,
            (right - left) / width,
            (bottom - top) / height,
        )
        for left, top, right, bottom in edges.tolist()
    ]


def _of_every_kind(boxes: Sequence[OddBox], most: int) -> list[OddBox]:
    """By turns, so that one frequent kind does not hide the others."""
    by_kind: dict[str, list[OddBox]] = {}
    for box in boxes:
        by_kind.setdefault(box.kind, []).append(box)
    chosen: list[OddBox] = []
    rank = 0
    while len(chosen) < min(most, len(boxes)):
        chosen += [group[rank] for group in by_kind.values() if rank < len(group)]
        rank += 1
    return sorted(chosen[:most], key=lambda box: list(by_kind).index(box.kind))


def _odd(inspection: Inspection, box: OddBox, dataset: DetectionDataset, language: Language) -> OddView:
    record = dataset.records[box.picture]
    (place,) = _fractions(np.array([box.edges]), record)
    marks = [Mark(box=place, kind="other")]
    if box.other_object is not None:
        marks.append(Mark(box=as_box(record.boxes[box.other_object].tolist()), kind="faint"))
    height, width = record.image_size
    part = around([place], aspect=width / height, margin=0.5, least=0.15)
    return OddView(
        picture=PictureView(index=box.picture, name=record.name, marks=tuple(marks), part=part),
        kind=odd_kind(box, language),
        place=f"{_short(inspection, box.file)}, {box.where}",
        class_name=inspection.class_names[box.label],
        reason=box.reason(language=language),
    )


def _labelled(
    inspection: Inspection, dataset: DetectionDataset, group: Duplicate
) -> list[tuple[PictureView, str]]:
    shown = []
    for index in group.pictures[:TOGETHER]:
        record = dataset.records[index]
        marks = tuple(Mark(box=as_box(box), kind="faint") for box in record.boxes[:EXAMPLE_BOXES].tolist())
        split = inspection.split_names[inspection.splits[index]]
        shown.append((PictureView(index=index, name=record.name, marks=marks), split))
    return shown


def _short(inspection: Inspection, file: Path) -> str:
    """The path below the folder of the label files, which is told once."""
    folder = folder_of(inspection)
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)
