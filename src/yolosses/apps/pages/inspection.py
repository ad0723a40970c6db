"""``inspection.html``: what the doctor found in a data set."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from itertools import islice, zip_longest
from pathlib import Path

import numpy as np
import torch
from markupsafe import Markup

from yolosses.apps.pages.charts.histogram import histogram
from yolosses.apps.pages.charts.occupancy import occupancy
from yolosses.apps.pages.charts.sides import sides
from yolosses.apps.pages.figure import figure_svg
from yolosses.apps.pages.marked_picture import Box, Kind, Mark, PictureView, around, as_box, pictures_of
from yolosses.apps.pages.render import render
from yolosses.boxes.formats import from_pixels, xyxy_to_cxcywh
from yolosses.explain.terms import term_name
from yolosses.language import Language, catalogue, joined
from yolosses.studies.doctor import BoxEvidence, Duplicate, GridFit, Inspection, OddBox, Suspicion, summary
from yolosses.studies.doctor.conventions import Convention, as_read
from yolosses.studies.doctor.rows import Floats, written_labels
from yolosses.training.data import DetectionDataset, Record

EXAMPLES = 3  # pictures for each suspicion
EXAMPLE_BOXES = 40
CLASSES = 20
FINDINGS = 200
THUMBNAILS = 24
GROUPS = 30
TOGETHER = 6  # equal pictures shown of a group
WORST = 3  # classes that lose most


def inspection_page(inspection: Inspection, dataset: DetectionDataset, *, language: Language) -> str:
    """The page, as html.

    Args:
        dataset: the one that was examined: its pictures are shown.
    """
    used, unused = classes(inspection)
    odd = _of_every_kind(inspection.odd_boxes, THUMBNAILS)
    drawn = {id(box) for box in odd}
    folder = Path(os.path.commonpath({file.parent for file in inspection.label_files}))
    below = partial(_below, folder)
    return render(
        "inspection.html",
        language,
        title=summary.inspection_title(inspection, language=language),
        inspection=inspection,
        summary=summary,
        verdicts=summary.verdicts(inspection, language=language),
        folder=str(folder),
        below=below,
        examples=partial(_examples, dataset),
        files_of=lambda found: list(dict.fromkeys(below(inspection.label_files[i]) for i in found.pictures)),
        lost_most=partial(_lost_most, inspection),
        maps=[_map(grid, language) for grid in inspection.grids],
        sides=_sides(inspection, language),
        term_name=term_name,
        histogram=_histogram(inspection, language),
        used=used[:CLASSES],
        rarer=used[CLASSES:],
        unused=unused,
        summary_of_problems=summary.counted(
            (summary.problem_kind(problem, language) for problem in inspection.problems), language
        ),
        looked_at=summary.looked_at(inspection, language=language),
        summary_of_odd=summary.counted(
            (summary.odd_kind(box, language) for box in inspection.odd_boxes), language
        ),
        odd=odd,
        odd_too=list(islice((box for box in inspection.odd_boxes if id(box) not in drawn), FINDINGS)),
        odd_picture=partial(_odd_picture, dataset),
        groups=inspection.duplicates[:GROUPS],
        equal=partial(_equal, inspection, dataset),
        names=lambda indices: [inspection.picture_names[index] for index in indices],
        joined=partial(joined, language=language),
        marked=pictures_of(dataset),
        most=FINDINGS,
    )


def classes(inspection: Inspection) -> tuple[list[tuple[str, int, int]], list[str]]:
    """Those that are used, the most frequent first: name, objects, pictures; the names of the others."""
    totals, pictures = inspection.counts.sum(0).tolist(), (inspection.counts > 0).sum(0).tolist()
    rows = sorted(zip(inspection.class_names, totals, pictures, strict=True), key=lambda row: -row[1])
    return [row for row in rows if row[1]], [name for name, total, _ in rows if not total]


def _below(folder: Path, file: Path) -> str:
    """The path below the folder of the label files, which is told once."""
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)


def _lost_most(inspection: Inspection, grid: GridFit) -> list[str]:
    """The classes that lose most objects in a grid, each with their number."""
    lost = sorted(zip(inspection.class_names, grid.lost_by_class, strict=True), key=lambda pair: -pair[1])
    return [f"{name} {count}" for name, count in lost[:WORST] if count]


# ------------------------------------------------------------ charts


def _map(grid: GridFit, language: Language) -> Markup:
    _ = catalogue(language).gettext
    figure = occupancy(grid.occupancy, title=_("S = {grid}: centres in each cell").format(grid=grid.grid))
    alt = _("How many objects have their centre in each cell, S = {grid}").format(grid=grid.grid)
    return figure_svg(figure, alt=alt)


def _sides(inspection: Inspection, language: Language) -> Markup:
    _ = catalogue(language).gettext
    figure = sides(
        inspection.relative_sides,
        [grid.grid for grid in inspection.grids],
        names=(_("width"), _("height")),
        x_title=_("side of the object, share of the picture's (logarithmic)"),
        y_title=_("objects"),
    )
    alt = _("Histogram of the widths and heights of the objects, with the sides of the cells of each grid")
    return figure_svg(figure, alt=alt)


def _histogram(inspection: Inspection, language: Language) -> Markup:
    _ = catalogue(language).gettext
    figure = histogram(inspection.counts.sum(1), x_title=_("objects in a picture"), y_title=_("pictures"))
    alt = _("Histogram: how many pictures have how many objects")
    return figure_svg(figure, alt=f"{alt}. {summary.objects_in_a_picture(inspection, language=language)}")


# ------------------------------------------------------------ pictures


def _examples(dataset: DetectionDataset, suspicion: Suspicion) -> list[tuple[PictureView, PictureView]]:
    """A few pictures, each twice: as its labels are written, and as they seem to be meant. The surest first, the others
    on the way to the half that is less sure."""
    count = len(suspicion.pictures)
    places = np.linspace(0, count // 2, min(EXAMPLES, count)).round().astype(int).tolist()
    return [_example(dataset, suspicion, suspicion.pictures[place]) for place in dict.fromkeys(places)]


def _example(dataset: DetectionDataset, suspicion: Suspicion, index: int) -> tuple[PictureView, PictureView]:
    record, evidence = dataset.records[index], suspicion.evidence
    if isinstance(evidence, BoxEvidence):
        only = {place for picture, place in suspicion.places if picture == index} or None
        written = _marks(record, evidence.read_as, "other", only)
        meant = _marks(record, evidence.meant, "answer", only)
    else:
        written = _named_marks(record, dataset, "other", 0)
        meant = _named_marks(record, dataset, "answer", evidence.shift)
    return (
        PictureView(index=index, name=record.name, marks=written),
        PictureView(index=index, name=record.name, marks=meant),
    )


def _marks(record: Record, convention: Convention, kind: Kind, only: set[str] | None) -> list[Mark]:
    written = written_labels(record)
    chosen = [row for row, place in enumerate(written.places) if only is None or place in only]
    numbers = written.numbers[chosen[:EXAMPLE_BOXES]]
    height, width = record.image_size
    with np.errstate(all="ignore"):
        edges = convention.edges(numbers, np.tile(np.array([[width, height]], np.float64), (len(numbers), 1)))
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
    boxes = from_pixels(xyxy_to_cxcywh(torch.from_numpy(edges)), record.image_size)
    return [as_box(box) for box in boxes.tolist()]


def _of_every_kind(boxes: Sequence[OddBox], most: int) -> list[OddBox]:
    """By turns, so that one frequent kind does not hide the others."""
    by_kind: dict[str, list[OddBox]] = {}
    for box in boxes:
        by_kind.setdefault(box.kind, []).append(box)
    turns = [box for turn in zip_longest(*by_kind.values()) for box in turn if box is not None]
    return sorted(turns[:most], key=lambda box: list(by_kind).index(box.kind))


def _odd_picture(dataset: DetectionDataset, box: OddBox) -> PictureView:
    record = dataset.records[box.picture]
    (place,) = _fractions(np.array([box.edges], np.float64), record)
    marks = [Mark(box=place, kind="other")]
    if box.other_object is not None:
        marks.append(Mark(box=as_box(record.boxes[box.other_object].tolist()), kind="faint"))
    height, width = record.image_size
    part = around([place], aspect=width / height, margin=0.5, least=0.15)
    return PictureView(index=box.picture, name=record.name, marks=marks, part=part)


def _equal(
    inspection: Inspection, dataset: DetectionDataset, group: Duplicate
) -> list[tuple[PictureView, str]]:
    """Equal pictures with their splits."""
    shown = []
    for index in group.pictures[:TOGETHER]:
        record = dataset.records[index]
        marks = [Mark(box=as_box(box), kind="faint") for box in record.boxes[:EXAMPLE_BOXES].tolist()]
        view = PictureView(index=index, name=record.name, marks=marks)
        shown.append((view, inspection.split_names[inspection.splits[index]]))
    return shown
