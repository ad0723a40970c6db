"""``yolosses inspect``: what labels and pictures tell before any training, in the terminal, as a page and as json."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from yolosses.apps.cli.failures import CommandError
from yolosses.apps.cli.labels import below
from yolosses.apps.pages.inspection import alike_classes, inspection_page, verdicts
from yolosses.apps.pages.inspection_texts import Texts, texts
from yolosses.language import Language
from yolosses.studies.doctor import Inspection, examine
from yolosses.training.data import open_whole
from yolosses.training.files import require_folder, write_json, write_text

PAGE, VALUES = "inspection.html", "inspection.json"
SHOWN = 5  # of each kind of finding
CLASSES = 12
TOGETHER = 3  # names of equal pictures in a line
LONGEST = 160  # letters of a listed line


def inspect_data(
    data: str,
    *,
    grids: Sequence[str],
    boxes_per_cell: int,
    splits: Sequence[str],
    out: Path | None,
    language: Language,
) -> None:
    """Examine a data set, print tables, and write the page and the json to ``out``.

    Args:
        grids: each S, as it was written.
        splits: those to examine; none given: the whole data set.
        out: ``None``: ``runs/inspect-`` and the name of the data set.

    Raises:
        DataError: the data cannot be read, or there would be nothing to learn from them.
    """
    console, wanted = Console(), [_grid(text) for text in grids]
    joined = open_whole(data, splits)
    dataset = joined.dataset
    out = out or Path("runs") / f"inspect-{dataset.name}"
    if out.exists() and not out.is_dir():
        raise CommandError(f"--out {out}: expected a folder; it is a file")
    require_folder(out)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(dataset))
        inspection = examine(
            dataset,
            grids=wanted,
            boxes_per_cell=boxes_per_cell,
            splits=joined.splits,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    write_json(out / VALUES, inspection.to_json())
    write_text(out / PAGE, inspection_page(inspection, dataset, language=language))
    _show(console, inspection, Path(data), language)
    written = texts(language).written.format(page=PAGE, values=VALUES, out=f"[bold]{escape(str(out))}[/]")
    console.print(written, highlight=False, soft_wrap=True)
    dataset.require_objects()  # last: what was found says why


def _grid(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise CommandError(f"--grid {text}: expected a whole number of cells, 1 or more")
    return int(text)


def _show(console: Console, inspection: Inspection, data: Path, language: Language) -> None:
    t = texts(language)
    title = t.title.format(data=inspection.name, splits="+".join(inspection.split_names))
    summary = t.summary.format(
        pictures=f"{inspection.num_pictures:,}",
        objects=f"{inspection.num_objects:,}",
        classes=len(inspection.class_names),
    )
    _line(console, f"[bold]{escape(title)}[/]")
    _line(console, escape(summary))
    for note in inspection.notes:
        _line(console, f"[yellow]{escape(t.note)}[/]: {escape(note)}")
    folder = data if data.is_dir() else data.parent
    _suspicions(console, inspection, folder, language)
    _classes(console, inspection, language)
    for show in (_grids, _balance, _zero_loss):
        show(console, inspection, t)
    _findings(console, inspection, folder, language)


def _suspicions(console: Console, inspection: Inspection, folder: Path, language: Language) -> None:
    t = texts(language)
    lines = verdicts(inspection, language=language)
    if not lines:
        _line(console, f"[green]{escape(t.sound)}[/]")
    if inspection.is_unlearnable:
        _line(console, f"[bold red]{escape(lines.pop(0))}[/]")
    for line, suspicion in zip(lines, inspection.suspicions, strict=True):
        _line(console, f"[bold red]{escape(line)}[/]")
        for reason in suspicion.reasons(language=language):
            _line(console, f"  {escape(reason)}")
        files = list(
            dict.fromkeys(below(folder, str(inspection.label_files[index])) for index in suspicion.pictures)
        )
        _listed(console, t.files.format(count=len(files)), files, t)


def _classes(console: Console, inspection: Inspection, language: Language) -> None:
    t = texts(language)
    totals = inspection.counts.sum(0)
    order = [int(label) for label in np.argsort(-totals, kind="stable") if totals[label]]
    table = _table("", t.class_, t.count, t.share, t.pictures)
    for label in order[:CLASSES]:
        table.add_row(
            escape(inspection.class_names[label]),
            f"{totals[label]:,}",
            f"{totals[label] / max(int(totals.sum()), 1):.1%}",
            f"{int((inspection.counts[:, label] > 0).sum()):,}",
        )
    console.print(table)
    if len(order) > CLASSES:
        _line(console, f"… {escape(t.and_more.format(count=len(order) - CLASSES))}")
    unused = [name for name, total in zip(inspection.class_names, totals, strict=True) if not total]
    if unused:
        _line(console, escape(t.never_used.format(names=_short(unused, t))))
    for line in alike_classes(inspection, language=language):
        _line(console, f"[yellow]{escape(line)}[/]")
    least, median, most = inspection.objects_per_picture
    said = t.objects_per_picture.format(least=least, median=f"{median:g}", most=most)
    _line(console, escape(said))
    sizes = t.comma.join(
        f"{t.pixel_sizes[name]} {count / max(inspection.num_objects, 1):.0%}"
        for name, count in inspection.pixel_sizes.items()
    )
    _line(console, f"{escape(t.size)}: {escape(sizes)}")


def _grids(console: Console, inspection: Inspection, t: Texts) -> None:
    table = _table(t.grid, "S", t.lost, t.lost_share, t.pictures_with_loss, t.most_in_a_cell, t.below_a_cell)
    for grid in inspection.grids:
        table.add_row(
            str(grid.grid),
            f"{grid.lost:,}",
            f"{grid.lost_share:.1%}",
            f"{grid.pictures_with_loss:,}",
            str(grid.most_in_a_cell),
            f"{grid.below_a_cell / max(grid.objects, 1):.0%}",
        )
    console.print(table)


def _balance(console: Console, inspection: Inspection, t: Texts) -> None:
    table = _table(
        t.balance, "S", t.boxes, t.positive, t.positive_share, t.background_per_positive, t.balancing
    )
    for grid in inspection.grids:
        ratio, balancing = grid.background_per_positive, grid.balancing_noobj
        table.add_row(
            str(grid.grid),
            f"{grid.boxes:,}",
            f"{grid.positive:,}",
            f"{grid.positive_share:.2%}",
            "–" if ratio is None else f"{ratio:,.1f}",
            "–" if balancing is None else f"{balancing:.3g}",
        )
    console.print(table)


def _zero_loss(console: Console, inspection: Inspection, t: Texts) -> None:
    names = list(inspection.grids[0].zero_loss)
    table = _table(t.zero, "S", *names, t.total)
    for grid in inspection.grids:
        values = [f"{grid.zero_loss[name][1]:,.2f}" for name in names]
        table.add_row(str(grid.grid), *values, f"{grid.zero_total:,.2f}")
    console.print(table)


def _findings(console: Console, inspection: Inspection, folder: Path, language: Language) -> None:
    t = texts(language)
    if inspection.problems:
        kinds = Counter(t.kinds.get(problem.kind, problem.kind) for problem in inspection.problems)
        lines = [below(folder, str(problem)) for problem in inspection.problems]
        _listed(console, f"{t.broken}: {_counted(kinds, t)}", lines, t)
    if inspection.unreadable:
        reasons = [below(folder, reason) for _, reason in inspection.unreadable]
        _listed(console, f"{t.unreadable}: {len(reasons)}", reasons, t)
    if inspection.odd_boxes:
        odd = Counter(t.odd_kinds[box.kind] for box in inspection.odd_boxes)
        lines = [
            f"{below(folder, str(box.file))}, {box.where}: {inspection.class_names[box.label]}{t.comma}"
            + box.reason(language=language)
            for box in inspection.odd_boxes
        ]
        _listed(console, f"{t.odd}: {_counted(odd, t)}", lines, t)
    if inspection.duplicates:
        lines = [
            t.comma.join(
                (
                    _equal([inspection.picture_names[index] for index in group.pictures], t),
                    t.same[group.same],
                    t.across_splits if group.across_splits else t.one_split,
                    t.labels_agree if group.labels_agree else t.labels_differ,
                )
            )
            for group in inspection.duplicates
        ]
        _listed(console, f"{t.duplicates}: {len(lines)}", lines, t)
    if inspection.turned:
        names = [inspection.picture_names[index] for index in inspection.turned]
        _listed(console, t.turned.format(count=len(names)), names, t)
    if inspection.unlabelled:
        names = [inspection.picture_names[index] for index in inspection.unlabelled]
        _listed(console, f"{len(names)} {t.tiles['unlabelled']}", names, t)
    if inspection.empty:
        names = [inspection.picture_names[index] for index in inspection.empty]
        _listed(console, t.empty.format(count=len(names)), names, t)
    if inspection.looked_at < inspection.num_pictures:
        _line(console, escape(t.looked_at.format(count=inspection.looked_at, of=inspection.num_pictures)))


def _equal(names: Sequence[str], t: Texts) -> str:
    rest = len(names) - TOGETHER
    shown = " = ".join(names[:TOGETHER])
    return f"{shown} … {t.and_more.format(count=rest)}" if rest > 0 else shown


def _counted(counts: Counter[str], t: Texts) -> str:
    return t.comma.join(f"{name} {count}" for name, count in counts.most_common())


def _listed(console: Console, title: str, lines: Sequence[str], t: Texts) -> None:
    _line(console, f"[yellow]{escape(title)}[/]")
    for line in lines[:SHOWN]:
        _line(console, f"  {escape(_shortened(line))}")
    if len(lines) > SHOWN:
        _line(console, f"  … {escape(t.and_more.format(count=len(lines) - SHOWN))}")


def _shortened(line: str) -> str:
    """Its middle left out, which says the least: a path begins with folders, a reason ends with the numbers."""
    half = LONGEST // 2
    return line if len(line) <= LONGEST else f"{line[:half]} … {line[-half:]}"


def _short(names: Sequence[str], t: Texts) -> str:
    rest = len(names) - SHOWN
    shown = t.comma.join(names[:SHOWN])
    return f"{shown}, … {t.and_more.format(count=rest)}" if rest > 0 else shown


def _table(title: str, *columns: str) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, title_justify="left", title_style="bold")
    table.title = escape(title) or None
    for index, column in enumerate(columns):
        table.add_column(escape(column), justify="right" if index else "left")
    return table


def _line(console: Console, text: str) -> None:
    console.print(text, highlight=False, soft_wrap=True)
