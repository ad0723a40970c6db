"""``yolosses inspect``: what labels and pictures tell before any training, in the terminal, as a page and as json."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Column, Table

from yolosses.apps.cli.requests import InspectRequest
from yolosses.apps.pages.inspection import classes, inspection_page
from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.folder import require_out
from yolosses.apps.runs.labels import below
from yolosses.apps.runs.say import say
from yolosses.language import Language, catalogue, joined
from yolosses.studies.doctor import Inspection, examine
from yolosses.studies.doctor.summary import (
    alike_classes,
    counted,
    duplicate_facts,
    inspection_title,
    looked_at,
    objects_in_a_picture,
    odd_kind,
    problem_kind,
    size_name,
    verdicts,
)
from yolosses.training.data import open_whole
from yolosses.training.files import write_json, write_text

PAGE, VALUES = "inspection.html", "inspection.json"
GRIDS = ("7", "10", "14", "20")
SHOWN = 5  # of each kind of finding
CLASSES = 12
TOGETHER = 3  # names of equal pictures in a line
LONGEST = 160  # letters of a listed line


def inspect_data(request: InspectRequest) -> None:
    """Examine a data set, print tables, and write the page and the json. Raises `DataError`: the data cannot be read,
    or there would be nothing to learn from them."""
    console, wanted = Console(), [_grid(text) for text in request.grid or GRIDS]
    language, joined = request.language, open_whole(request.data, request.split or ())
    dataset = joined.dataset
    out = request.out or Path("runs") / f"inspect-{dataset.name}"
    require_out(out)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=len(dataset))
        inspection = examine(
            dataset,
            grids=wanted,
            boxes_per_cell=request.boxes_per_cell,
            splits=joined.splits,
            progress=lambda done, total: progress.update(task, completed=done, total=total),
        )
    write_json(out / VALUES, inspection.to_json())
    write_text(out / PAGE, inspection_page(inspection, dataset, language=language))
    _show(console, inspection, Path(request.data), language)
    written = catalogue(language).gettext("{page} and {values} are in {out}")
    say(console, written.format(page=PAGE, values=VALUES, out=f"[bold]{escape(str(out))}[/]"))
    dataset.require_objects()  # last: what was found says why


def _grid(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise CommandError(f"--grid {text}: expected a whole number of cells, 1 or more")
    return int(text)


def _show(console: Console, inspection: Inspection, data: Path, language: Language) -> None:
    words = catalogue(language)
    pictures, objects, names = inspection.num_pictures, inspection.num_objects, inspection.class_names
    summary = (
        words.ngettext("{count} picture", "{count} pictures", pictures).format(count=f"{pictures:,}"),
        words.ngettext("{count} object", "{count} objects", objects).format(count=f"{objects:,}"),
        words.ngettext("{count} class", "{count} classes", len(names)).format(count=len(names)),
    )
    say(console, f"[bold]{escape(inspection_title(inspection, language=language))}[/]")
    say(console, escape(words.pgettext("between counts", ", ").join(summary)))
    for note in inspection.notes:
        say(console, f"[yellow]{escape(words.gettext('note'))}[/]: {escape(note)}")
    folder = data if data.is_dir() else data.parent
    for show in (_suspicions, _classes, _grids, _balance, _zero_loss, _findings):
        show(console, inspection, folder, language)


def _suspicions(console: Console, inspection: Inspection, folder: Path, language: Language) -> None:
    _ = catalogue(language).gettext
    lines = verdicts(inspection, language=language)
    if not lines:
        say(console, f"[green]{escape(_('No fault suspected that many labels would share.'))}[/]")
    if inspection.is_unlearnable:
        say(console, f"[bold red]{escape(lines.pop(0))}[/]")
    for line, suspicion in zip(lines, inspection.suspicions, strict=True):
        say(console, f"[bold red]{escape(line)}[/]")
        for reason in suspicion.reasons(language=language):
            say(console, f"  {escape(reason)}")
        files = list(
            dict.fromkeys(below(folder, str(inspection.label_files[index])) for index in suspicion.pictures)
        )
        _listed(console, _("Label files ({count})").format(count=len(files)), files, language)


def _classes(console: Console, inspection: Inspection, folder: Path, language: Language) -> None:
    _ = catalogue(language).gettext
    used, unused = classes(inspection)
    table = _table("", _("class"), _("objects"), _("share"), _("pictures"))
    for name, objects, pictures in used[:CLASSES]:
        share = objects / max(inspection.num_objects, 1)
        table.add_row(escape(name), f"{objects:,}", f"{share:.1%}", f"{pictures:,}")
    console.print(table)
    if len(used) > CLASSES:
        say(console, f"… {escape(_and_more(len(used) - CLASSES, language))}")
    if unused:
        say(console, escape(_("Never used: {names}.").format(names=_short(unused, language))))
    for line in alike_classes(inspection, language=language):
        say(console, f"[yellow]{escape(line)}[/]")
    say(console, escape(objects_in_a_picture(inspection, language=language)))
    sizes = joined(
        (
            f"{size_name(size, language)} {count / max(inspection.num_objects, 1):.0%}"
            for size, count in inspection.pixel_sizes.items()
        ),
        language,
    )
    say(console, f"{escape(_('sizes'))}: {escape(sizes)}")


def _grids(console: Console, inspection: Inspection, folder: Path, language: Language) -> None:
    _ = catalogue(language).gettext
    table = _table(
        _("One object a cell"), "S", _("lost"), _("share lost"), _("in pictures"), _("most in a cell"),
        _("smaller than a cell"),
    )  # fmt: skip
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


def _balance(console: Console, inspection: Inspection, folder: Path, language: Language) -> None:
    _ = catalogue(language).gettext
    table = _table(
        _("Boxes that speak, boxes that keep silent"), "S", _("predicted boxes"), _("positive"),
        _("share positive"), _("empty for each positive"), _("lambda_noobj of equal weight"),
    )  # fmt: skip
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


def _zero_loss(console: Console, inspection: Inspection, folder: Path, language: Language) -> None:
    _ = catalogue(language).gettext
    names = list(inspection.grids[0].zero_loss)
    table = _table(_("Loss of an output of zeros"), "S", *names, _("total"))
    for grid in inspection.grids:
        values = [f"{grid.zero_loss[name][1]:,.2f}" for name in names]
        table.add_row(str(grid.grid), *values, f"{grid.zero_total:,.2f}")
    console.print(table)


def _findings(console: Console, inspection: Inspection, folder: Path, language: Language) -> None:
    words = catalogue(language)
    _ = words.gettext
    problems = counted((problem_kind(problem, language) for problem in inspection.problems), language)
    odd = counted((odd_kind(box, language) for box in inspection.odd_boxes), language)
    boxes = [
        f"{below(folder, str(box.file))}, {box.where}: "
        + joined((inspection.class_names[box.label], box.reason(language=language)), language)
        for box in inspection.odd_boxes
    ]
    names = inspection.picture_names
    equal = [
        joined(
            (_equal([names[i] for i in group.pictures], language), *duplicate_facts(group, language)),
            language,
        )
        for group in inspection.duplicates
    ]
    turned, unlabelled, empty = (
        [names[i] for i in some] for some in (inspection.turned, inspection.unlabelled, inspection.empty)
    )
    without = words.ngettext(
        "{count} picture without label file", "{count} pictures without label file", len(unlabelled)
    )
    for title, lines in (
        (f"{_('Broken annotations')}: {problems}", [below(folder, str(p)) for p in inspection.problems]),
        (
            f"{_('cannot be decoded')}: {len(inspection.unreadable)}",
            [below(folder, reason) for _index, reason in inspection.unreadable],
        ),
        (f"{_('Odd boxes')}: {odd}", boxes),
        (f"{_('Equal and nearly equal pictures')}: {len(equal)}", equal),
        (_("Pictures that their EXIF orientation turns: {count}").format(count=len(turned)), turned),
        (without.format(count=len(unlabelled)), unlabelled),
        (_("label file without objects: {count}").format(count=len(empty)), empty),
    ):
        if lines:
            _listed(console, title, lines, language)
    said = looked_at(inspection, language=language)
    if said:
        say(console, escape(said))


def _and_more(count: int, language: Language) -> str:
    return catalogue(language).gettext("and {count} more").format(count=count)


def _equal(names: Sequence[str], language: Language) -> str:
    rest = len(names) - TOGETHER
    shown = " = ".join(names[:TOGETHER])
    return f"{shown} … {_and_more(rest, language)}" if rest > 0 else shown


def _short(names: Sequence[str], language: Language) -> str:
    rest = len(names) - SHOWN
    shown = joined(names[:SHOWN], language)
    return f"{shown}, … {_and_more(rest, language)}" if rest > 0 else shown


def _listed(console: Console, title: str, lines: Sequence[str], language: Language) -> None:
    say(console, f"[yellow]{escape(title)}[/]")
    for line in lines[:SHOWN]:
        say(console, f"  {escape(_shortened(line))}")
    if len(lines) > SHOWN:
        say(console, f"  … {escape(_and_more(len(lines) - SHOWN, language))}")


def _shortened(line: str) -> str:
    """Its middle left out, which says the least: a path begins with folders, a reason ends with the numbers."""
    half = LONGEST // 2
    return line if len(line) <= LONGEST else f"{line[:half]} … {line[-half:]}"


def _table(title: str, first: str, *numbers: str) -> Table:
    heads = (Column(escape(head), justify="right") for head in numbers)
    return Table(
        escape(first), *heads,
        title=escape(title) or None, title_justify="left", title_style="bold", box=SIMPLE_HEAD, pad_edge=False,
    )  # fmt: skip
