"""``inspection.html``: what the doctor found in a data set."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from html import escape
from itertools import islice
from pathlib import Path

import numpy as np

from yolosses.apps.pages import charts, inspection_charts, marked_picture
from yolosses.apps.pages.charts import patterns, stacked_bar, swatch
from yolosses.apps.pages.inspection_charts import bar, counts_histogram, occupancy_map, sides_chart
from yolosses.apps.pages.inspection_texts import Texts, texts
from yolosses.apps.pages.marked_picture import Box, Kind, Mark, around
from yolosses.apps.pages.marked_picture import marked_picture as marked
from yolosses.apps.pages.page import Cell, Html, Section, page, table
from yolosses.explain.pictures.captions import captions
from yolosses.language import Language
from yolosses.studies.doctor import BoxEvidence, ClassEvidence, Inspection, OddBox, Suspicion
from yolosses.studies.doctor.conventions import Convention, as_read
from yolosses.studies.doctor.rows import Floats, written_labels
from yolosses.training.data import DataError, DetectionDataset, Record

EXAMPLES = 3  # pictures for each suspicion
EXAMPLE_BOXES = 40
FILES = 12  # shown at once; the others unfold
CLASSES = 20
FINDINGS = 200
THUMBNAILS = 24
GROUPS = 30

STYLE = (
    """
.verdict { font-size: 1.5rem; line-height: 1.35; margin: .2rem 0 .35rem; max-width: none; }
.verdict.alarm { border-left: 6px solid #d55e00; padding-left: .6em; }
.verdict.sound { border-left: 6px solid #009e73; padding-left: .6em; }
.contents { display: flex; flex-wrap: wrap; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(106px, 1fr)); gap: 9px; margin: 1rem 0;
  padding: 0; list-style: none; }
.tiles li { background: var(--tint); border-radius: 6px; padding: .55rem .75rem; font-size: .84rem;
  line-height: 1.25; color: var(--faint); }
.tiles b { display: block; font-size: 1.45rem; line-height: 1.2; color: var(--ink);
  font-variant-numeric: tabular-nums; }
.tiles .bad b { color: #a34700; }
.fault { break-inside: avoid-page; margin-bottom: 1.6rem; }
.fault li { margin: .2rem 0; max-width: 100ch; }
.pair { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 6px 18px; margin: .8rem 0;
  break-inside: avoid; }
.pair figcaption { margin: 0 0 .2rem; overflow-wrap: anywhere; }
.pair figure { margin: 0; }
.side { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 10px 34px; align-items: start; }
.maps { display: flex; flex-wrap: wrap; gap: 18px; }
.files { columns: 2; font-size: .88rem; }
.odd td { vertical-align: top; }
.odd .marked { width: 120px; }
.group { display: grid; grid-template-columns: repeat(auto-fill, minmax(170px, 1fr)); gap: 12px;
  margin: .3rem 0 1.2rem; }
.group figure { margin: 0; } .group figcaption { overflow-wrap: anywhere; }
.legend span { margin-right: 1.4em; white-space: nowrap; }
.legend svg { margin-right: .4em; }
.mark-title { font-weight: 600; }
@media (max-width: 820px) { .side, .pair { grid-template-columns: 1fr; } }
"""
    + charts.STYLE
    + inspection_charts.STYLE
    + marked_picture.STYLE
)


def inspection_page(inspection: Inspection, dataset: DetectionDataset, *, language: Language) -> str:
    """The page, as html.

    Args:
        dataset: the one that was examined: its pictures are shown.
    """
    t = texts(language)
    sections = (
        [Section(t.suspicions, _suspicions(inspection, dataset, language))] if inspection.suspicions else []
    )
    sections += [
        Section(t.grid, _grids(inspection, language)),
        Section(t.sizes, _sizes(inspection, language)),
        Section(t.balance, _balance(inspection, language)),
        Section(t.zero, _zero_loss(inspection, language)),
        Section(t.objects, _objects(inspection, language)),
        Section(t.broken, _broken(inspection, language)),
        Section(t.odd, _odd(inspection, dataset, language)),
        Section(t.duplicates, _duplicates(inspection, dataset, language)),
        Section(t.unlabelled, _unlabelled(inspection, language)),
    ]
    if inspection.turned:
        turned = [inspection.picture_names[index] for index in inspection.turned]
        said = _note(t.turned_note) + _names(turned, t)
        sections.append(Section(t.turned.format(count=len(turned)), said))
    title = t.title.format(data=inspection.name, splits="+".join(inspection.split_names))
    lead = patterns(len(inspection.grids[0].zero_loss)) + _lead(inspection, language)
    return page(title, sections, language=language, lead=lead, style=STYLE)


# ------------------------------------------------------------ what is seen first


def verdicts(inspection: Inspection, *, language: Language) -> list[str]:
    """One line for each suspicion; before them, whether there is enough to learn from."""
    t = texts(language)
    lines = []
    if inspection.is_unlearnable:
        lines.append(t.unlearnable.format(objects=inspection.num_objects, rows=inspection.num_lost_rows))
    for suspicion in inspection.suspicions:
        where = t.of_boxes if suspicion.scope == "boxes" else t.of_pictures
        told = where.format(
            count=len(suspicion.pictures), of=suspicion.of_pictures, boxes=len(suspicion.places)
        )
        space = " " if language == "en" else ""
        lines.append(t.suspected.format(fault=suspicion.fault(language=language)) + space + told)
    return lines


def alike_classes(inspection: Inspection, *, language: Language) -> list[str]:
    """A line where class names are alike, none else."""
    t = texts(language)
    names = t.comma.join(" = ".join(f'"{name}"' for name in names) for names in inspection.alike_classes)
    return [t.alike_classes.format(names=names)] if names else []


def _lead(inspection: Inspection, language: Language) -> str:
    t = texts(language)
    found = verdicts(inspection, language=language)
    first = inspection.grids[0]
    _, median, most = inspection.objects_per_picture
    if found:
        said = "".join(f'<p class="verdict alarm">{escape(line)}</p>' for line in found)
    else:
        said = f'<p class="verdict sound">{escape(t.sound)}</p><p class="faint">{escape(t.sound_note)}</p>'
    used = int((inspection.counts.sum(0) > 0).sum())
    tiles = [
        ("pictures", f"{inspection.num_pictures:,}", False),
        ("objects", f"{inspection.num_objects:,}", False),
        ("classes", f"{used}/{len(inspection.class_names)}", used < len(inspection.class_names)),
        ("median", f"{median:g}", False),
        ("lost", f"{first.lost:,}", first.lost > 0),
        ("broken", f"{len(inspection.problems):,}", bool(inspection.problems)),
        ("odd", f"{len(inspection.odd_boxes):,}", bool(inspection.odd_boxes)),
        ("duplicates", f"{len(inspection.duplicates):,}", bool(inspection.duplicates)),
        ("unlabelled", f"{len(inspection.unlabelled):,}", bool(inspection.unlabelled)),
    ]
    facts = {"most": most, "grid": first.grid, "share": f"{first.lost_share:.1%}"}
    items = "".join(
        f'<li data-tile="{name}"{" class=bad" if bad else ""}><b>{value}</b>'
        f"{escape(t.tiles[name].format(**facts))}</li>"
        for name, value, bad in tiles
    )
    said_where = t.label_folder.format(folder=f"<code>{escape(str(_common(inspection)))}</code>")
    notes = "".join(f'<p class="faint">{escape(t.note)}: {escape(note)}</p>' for note in inspection.notes)
    return f'{said}<ul class="tiles">{items}</ul><p class="faint">{said_where}</p>{notes}'


# ------------------------------------------------------------ suspicions


def _suspicions(inspection: Inspection, dataset: DetectionDataset, language: Language) -> str:
    t = texts(language)
    parts = [_note(t.suspicions_note), _legend(t)]
    for suspicion in inspection.suspicions:
        reasons = "".join(f"<li>{escape(reason)}</li>" for reason in suspicion.reasons(language=language))
        shown = _evenly(suspicion.pictures, EXAMPLES)
        examples = "".join(_example(suspicion, index, dataset, t) for index in shown)
        files = list(
            dict.fromkeys(_short(inspection, inspection.label_files[index]) for index in suspicion.pictures)
        )
        parts.append(
            f'<article class="fault"><h3>{escape(suspicion.fault(language=language))}</h3><ul>{reasons}</ul>'
            f"<h3>{escape(t.examples)}</h3>{examples}{_files(files, t)}</article>"
        )
    return "".join(parts)


def _evenly(pictures: Sequence[int], count: int) -> list[int]:
    """The surest, and others on the way to the half that is less sure."""
    places = np.linspace(0, len(pictures) // 2, min(count, len(pictures))).round().astype(int)
    return [pictures[place] for place in dict.fromkeys(places.tolist())]


def _example(suspicion: Suspicion, index: int, dataset: DetectionDataset, t: Texts) -> str:
    """One picture twice: as its labels are written, and as they seem to be meant."""
    record = dataset.records[index]
    try:
        picture = dataset.picture(index)
    except DataError:
        return ""
    only = {place for picture_index, place in suspicion.places if picture_index == index} or None
    evidence = suspicion.evidence
    if isinstance(evidence, BoxEvidence):
        written = _marks(record, evidence.read_as, "other", only)
        meant = _marks(record, evidence.meant, "answer", only)
    else:
        written, meant = (_named_marks(record, dataset, kind, shift) for kind, shift in _shifts(evidence))
    figures = []
    for marks, caption in ((written, t.as_written), (meant, t.as_meant)):
        drawn = marked(picture, marks, alt=f"{record.name}, {caption}", max_side=420, shown=540)
        figures.append(
            f"<figure><figcaption>{escape(record.name)}: {escape(caption)}</figcaption>{drawn}</figure>"
        )
    return f'<div class="pair">{"".join(figures)}</div>'


def _shifts(evidence: ClassEvidence) -> tuple[tuple[Kind, int], tuple[Kind, int]]:
    return ("other", 0), ("answer", evidence.shift)


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


def _fractions(edges: Floats, record: Record) -> list[Box]:
    height, width = record.image_size
    boxes = []
    for left, top, right, bottom in edges.tolist():
        boxes.append(
            (
                (left + right) / 2 / width,
                (top + bottom) / 2 / height,
                (right - left) / width,
                (bottom - top) / height,
            )
        )
    return boxes


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


def _files(files: Sequence[str], t: Texts) -> str:
    def listed(paths: Sequence[str]) -> str:
        return f'<ul class="files">{"".join(f"<li><code>{escape(path)}</code></li>" for path in paths)}</ul>'

    rest = len(files) - FILES
    more = (
        f"<details><summary>{escape(t.and_more.format(count=rest))}</summary>"
        f"{listed(files[FILES:FINDINGS])}{_more(len(files) - FINDINGS, t)}</details>"
        if rest > 0
        else ""
    )
    return f"<h3>{escape(t.files.format(count=len(files)))}</h3>{listed(files[:FILES])}{more}"


def _legend(t: Texts) -> str:
    lines = (
        ('<path d="M0 6H28" stroke="#d55e00" stroke-width="2.4" stroke-dasharray="6 3"/>', t.as_written),
        ('<path d="M0 6H28" stroke="#0072b2" stroke-width="2.4"/>', t.as_meant),
    )
    entries = "".join(
        f'<span><svg width="28" height="12" aria-hidden="true">{line}</svg>{escape(name)}</span>'
        for line, name in lines
    )
    return f'<p class="faint legend">{entries}</p>'


# ------------------------------------------------------------ what the data are


def _objects(inspection: Inspection, language: Language) -> str:
    t = texts(language)
    per_picture = inspection.counts.sum(1)
    least, median, most = inspection.objects_per_picture
    said = t.objects_per_picture.format(least=least, median=f"{median:g}", most=most)
    chart = counts_histogram(
        per_picture, x_title=t.per_picture, y_title=t.pictures, alt=f"{t.histogram_alt}. {said}"
    )
    totals = inspection.counts.sum(0)
    order = np.argsort(-totals, kind="stable")
    used = [int(label) for label in order if totals[label]]
    longest = float(totals.max(initial=0))
    rows: list[list[Cell]] = [
        [
            inspection.class_names[label],
            bar(float(totals[label]), longest),
            int(totals[label]),
            int((inspection.counts[:, label] > 0).sum()),
        ]
        for label in used[:CLASSES]
    ]
    rest = used[CLASSES:]
    more = ""
    if rest:
        names = t.comma.join(f"{inspection.class_names[label]} {int(totals[label])}" for label in rest)
        said_more = escape(t.and_more.format(count=len(rest)))
        more = f"<details><summary>{said_more}</summary><p>{escape(names)}</p></details>"
    unused = [name for name, total in zip(inspection.class_names, totals, strict=True) if not total]
    never = f"<p>{escape(t.never_used.format(names=t.comma.join(unused)))}</p>" if unused else ""
    never += "".join(f"<p>{escape(line)}</p>" for line in alike_classes(inspection, language=language))
    classes = table([t.class_, "", t.count, t.pictures], rows)
    return (
        f'{_note(t.objects_note)}<div class="side"><div>{_note(said)}{chart}</div>'
        f"<div>{classes}{more}{never}</div></div>"
    )


def _sizes(inspection: Inspection, language: Language) -> str:
    t = texts(language)
    grids = [grid.grid for grid in inspection.grids]
    chart = sides_chart(
        inspection.relative_sides,
        grids,
        names=(t.width, t.height),
        cell="S={grid}",
        x_title=t.side_axis,
        y_title=t.count,
        alt=t.sizes_alt,
    )
    total = max(inspection.num_objects, 1)
    pixels: list[list[Cell]] = [
        [t.pixel_sizes[name], count, f"{count / total:.0%}"] for name, count in inspection.pixel_sizes.items()
    ]
    cells: list[list[Cell]] = [
        [t.cell.format(grid=grid.grid), grid.below_a_cell, f"{grid.below_a_cell / max(grid.objects, 1):.0%}"]
        for grid in inspection.grids
    ]
    return (
        f'{_note(t.sizes_note)}{chart}<div class="side"><div>{table(["", t.below_a_cell, t.share], cells)}</div>'
        f"<div>{table(['', t.count, t.share], pixels)}</div></div>"
    )


# ------------------------------------------------------------ what grids make of them


def _grids(inspection: Inspection, language: Language) -> str:
    t = texts(language)
    longest = max(grid.lost_share for grid in inspection.grids)
    rows: list[list[Cell]] = []
    for grid in inspection.grids:
        worst = Counter(dict(zip(inspection.class_names, grid.lost_by_class, strict=True))).most_common(3)
        names = t.comma.join(f"{name} {lost}" for name, lost in worst if lost)
        rows.append(
            [
                grid.grid,
                grid.objects,
                grid.lost,
                Html(f"{bar(grid.lost_share, longest, width=120, warm=True)} {grid.lost_share:.1%}"),
                grid.pictures_with_loss,
                grid.most_in_a_cell,
                names or t.nothing_lost,
            ]
        )
    columns = ["S", t.count, t.lost, t.lost_share, t.pictures_with_loss, t.most_in_a_cell, t.lost_classes]
    maps = "".join(
        occupancy_map(
            grid.occupancy,
            title=t.occupancy.format(grid=grid.grid),
            alt=t.occupancy_alt.format(grid=grid.grid),
        )
        for grid in inspection.grids
    )
    return f'{_note(t.grid_note)}{table(columns, rows)}<div class="maps">{maps}</div>'


def _balance(inspection: Inspection, language: Language) -> str:
    t = texts(language)
    rows: list[list[Cell]] = []
    for grid in inspection.grids:
        ratio, balancing = grid.background_per_positive, grid.balancing_noobj
        rows.append(
            [
                grid.grid,
                grid.boxes,
                grid.positive,
                f"{grid.positive_share:.2%}",
                "–" if ratio is None else Html(f"{ratio:,.1f}"),
                "–" if ratio is None else Html(f"{ratio * 0.5:,.1f}"),
                "–" if balancing is None else Html(f"<b>{balancing:.3g}</b>"),
            ]
        )
    columns = [
        "S", t.boxes, t.positive, t.positive_share, t.background_per_positive, t.weighted_ratio, t.balancing,
    ]  # fmt: skip
    return f"{_note(t.balance_note)}{table(columns, rows)}"


def _zero_loss(inspection: Inspection, language: Language) -> str:
    t = texts(language)
    names = list(inspection.grids[0].zero_loss)
    longest = max(grid.zero_total for grid in inspection.grids)
    rows: list[list[Cell]] = []
    for grid in inspection.grids:
        parts = [grid.zero_loss[name][1] for name in names]
        rows.append(
            [
                grid.grid,
                stacked_bar(parts, longest, width=300),
                *(_value(part) for part in parts),
                Html(f"<b>{_value(grid.zero_total)}</b>"),
            ]
        )
    legend = "".join(
        f"<span>{swatch(index)}{escape(captions(language).term(name, names))}</span>"
        for index, name in enumerate(names)
    )
    columns = ["S", t.parts, *names, t.total]
    return f'{_note(t.zero_note)}<p class="faint legend">{legend}</p>{table(columns, rows)}'


def _value(value: float) -> str:
    return f"{value:,.2f}"


# ------------------------------------------------------------ findings


def _broken(inspection: Inspection, language: Language) -> str:
    t, problems = texts(language), inspection.problems
    unreadable = "".join(
        f"<p><code>{escape(reason)}</code> ({escape(t.unreadable)})</p>"
        for _, reason in inspection.unreadable
    )
    if not problems:
        return (unreadable or _note(t.no_broken)) + _looked(inspection, t)
    kinds = Counter(problem.kind for problem in problems)
    summary = t.comma.join(f"{t.kinds.get(kind, kind)} {count}" for kind, count in kinds.most_common())
    rows: list[list[Cell]] = [
        [
            t.kinds.get(problem.kind, problem.kind),
            Html(f"<code>{escape(_short(inspection, problem.file))}, {escape(problem.where)}</code>"),
            problem.reason,
            t.actions.get(problem.action, problem.action),
        ]
        for problem in problems[:FINDINGS]
    ]
    more = _more(len(problems) - FINDINGS, t)
    return (
        f"{_note(t.broken_note)}<p><b>{escape(summary)}</b></p>"
        f"{table([t.kind, t.place, t.reason, t.done], rows)}{more}{unreadable}{_looked(inspection, t)}"
    )


def _looked(inspection: Inspection, t: Texts) -> str:
    if inspection.looked_at == inspection.num_pictures:
        return ""
    said = t.looked_at.format(count=inspection.looked_at, of=inspection.num_pictures)
    return f'<p class="faint">{escape(said)}</p>'


def _odd(inspection: Inspection, dataset: DetectionDataset, language: Language) -> str:
    t, boxes = texts(language), inspection.odd_boxes
    if not boxes:
        return _note(t.no_odd)
    kinds = Counter(box.kind for box in boxes)
    summary = t.comma.join(f"{t.odd_kinds[kind]} {count}" for kind, count in kinds.most_common())
    chosen = _of_every_kind(boxes, THUMBNAILS)
    rows = [_odd_row(inspection, box, dataset, language, drawn=True) for box in chosen]
    drawn = {id(box) for box in chosen}
    rest = list(islice((box for box in boxes if id(box) not in drawn), FINDINGS))
    more = ""
    if rest:
        others = table(
            [t.kind, t.place, t.class_, t.reason],
            [_odd_row(inspection, box, dataset, language, drawn=False) for box in rest],
        )
        count = len(boxes) - len(chosen)
        more = (
            f"<details><summary>{escape(t.and_more.format(count=count))}</summary>{others}"
            f"{_more(count - len(rest), t)}</details>"
        )
    shown = table(["", t.kind, t.place, t.class_, t.reason], rows)
    return f'{_note(t.odd_note)}<p><b>{escape(summary)}</b></p><div class="odd">{shown}</div>{more}'


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


def _odd_row(
    inspection: Inspection, box: OddBox, dataset: DetectionDataset, language: Language, *, drawn: bool
) -> list[Cell]:
    t = texts(language)
    row: list[Cell] = [
        t.odd_kinds[box.kind],
        Html(f"<code>{escape(_short(inspection, box.file))}, {escape(box.where)}</code>"),
        inspection.class_names[box.label],
        box.reason(language=language),
    ]
    return [_thumbnail(box, dataset), *row] if drawn else row


def _thumbnail(box: OddBox, dataset: DetectionDataset) -> Cell:
    record = dataset.records[box.picture]
    try:
        picture = dataset.picture(box.picture)
    except DataError:
        return ""
    (place,) = _fractions(np.array([box.edges]), record)
    marks = [Mark(box=place, kind="other")]
    if box.other_object is not None:
        marks.append(Mark(box=_as_box(record.boxes[box.other_object].tolist()), kind="faint"))
    height, width = record.image_size
    part = around([place], aspect=width / height, margin=0.5, least=0.15)
    return marked(picture, marks, alt=record.name, max_side=180, part=part, shown=120)


def _duplicates(inspection: Inspection, dataset: DetectionDataset, language: Language) -> str:
    t, groups = texts(language), inspection.duplicates
    if not groups:
        return _note(t.no_duplicates) + _looked(inspection, t)
    parts = [_note(t.duplicates_note)]
    for group in groups[:GROUPS]:
        facts = (
            t.same[group.same],
            t.across_splits if group.across_splits else t.one_split,
            t.labels_agree if group.labels_agree else t.labels_differ,
        )
        figures = "".join(_labelled(inspection, index, dataset) for index in group.pictures[:6])
        parts.append(f'<h3>{escape(t.comma.join(facts))}</h3><div class="group">{figures}</div>')
    return "".join(parts) + _more(len(groups) - GROUPS, t) + _looked(inspection, t)


def _labelled(inspection: Inspection, index: int, dataset: DetectionDataset) -> str:
    record = dataset.records[index]
    split = inspection.split_names[inspection.splits[index]]
    try:
        picture = dataset.picture(index)
    except DataError:
        return ""
    marks = [Mark(box=_as_box(box), kind="faint") for box in record.boxes[:EXAMPLE_BOXES].tolist()]
    drawn = marked(picture, marks, alt=record.name, max_side=240, shown=170)
    return f"<figure>{drawn}<figcaption>{escape(record.name)} ({escape(split)})</figcaption></figure>"


def _unlabelled(inspection: Inspection, language: Language) -> str:
    t = texts(language)
    if not inspection.unlabelled and not inspection.empty:
        return _note(t.all_labelled)
    names = [inspection.picture_names[index] for index in inspection.unlabelled]
    empty = [inspection.picture_names[index] for index in inspection.empty]
    parts = [_note(t.unlabelled_note)]
    if names:
        title = t.tiles["unlabelled"]
        parts.append(f"<h3>{len(names)} {escape(title)}</h3>{_names(names, t)}")
    if empty:
        parts.append(f"<h3>{escape(t.empty.format(count=len(empty)))}</h3>{_names(empty, t)}")
    return "".join(parts)


def _names(names: Sequence[str], t: Texts) -> str:
    items = "".join(f"<li><code>{escape(name)}</code></li>" for name in names[:FINDINGS])
    return f'<ul class="files">{items}</ul>{_more(len(names) - FINDINGS, t)}'


def _common(inspection: Inspection) -> Path:
    """The folder that all label files are in."""
    parents = {file.parent for file in inspection.label_files}
    return Path(os.path.commonpath(parents))


def _short(inspection: Inspection, file: Path) -> str:
    """The path below the folder of the label files, which is told once."""
    folder = _common(inspection)
    return str(file.relative_to(folder)) if file.is_relative_to(folder) else str(file)


def _more(count: int, t: Texts) -> str:
    return f'<p class="faint">… {escape(t.and_more.format(count=count))}</p>' if count > 0 else ""


def _note(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _as_box(sides: Sequence[float]) -> Box:
    cx, cy, w, h = sides
    return cx, cy, w, h
