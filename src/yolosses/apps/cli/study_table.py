"""A study in the terminal: a table of the settings, and what was found."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from rich.box import SIMPLE_HEAD
from rich.cells import cell_len
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from yolosses.apps.pages.views.study import facts, is_clear, title, verdict
from yolosses.apps.pages.views.study_numbers import MAIN, quantity
from yolosses.apps.pages.views.study_selection import Selection
from yolosses.language import Language, catalogue, joined
from yolosses.studies.ablation.findings import findings
from yolosses.studies.ablation.sentences import level_name, sentence
from yolosses.studies.ablation.structures import Setting, StudyResults

SHOWN = 30  # settings

# What is shown as far as it fits; the first are the last to go.
_MEASURES = (
    "map50", "mean_iou", "background_fp", "missed", "map50_95", "recall", "precision", "covered", "class_accuracy",
)  # fmt: skip
_ORDER = (*MAIN, "class_accuracy")
_SPACE = 2  # between columns
_HEAD = 9  # letters of a line of the head of a column


def study_tables(study: StudyResults, console: Console, *, language: Language = "en") -> None:
    """Print the facts, a table of the settings as wide as the terminal allows, and the findings."""
    selection = Selection(study)
    console.print(f"[bold]{escape(title(study, language))}[/]", highlight=False)
    console.print(escape(facts(study, language)), highlight=False)
    if study.results:
        settings = _settings(selection)
        console.print(_table(selection, settings, console.width, language))
        if hidden := len(study.settings) - len(settings):
            more = catalogue(language).ngettext(
                "… and {count} more setting", "… and {count} more settings", hidden
            )
            console.print(escape(more.format(count=hidden)), highlight=False)
        console.print()
    for line in verdict(selection, language):
        console.print(f"[bold]{escape(line)}[/]", highlight=False)
    if study.results:
        console.print()
        console.print(_bullets(study, language))


def _settings(selection: Selection) -> list[Setting]:
    """As the study has them, as far as all fit; of many the best, and the default."""
    settings = list(selection.study.settings)
    if len(settings) <= SHOWN and not selection.drawn:
        return settings
    kept = selection.ranked[:SHOWN] or settings[:SHOWN]
    return kept + [setting for setting in settings if setting == selection.default and setting not in kept]


def _table(selection: Selection, settings: Sequence[Setting], room: int, language: Language) -> Table:
    columns = [
        _Column(head="", cells=[_tag(setting, selection, language) for setting in settings]),
        *(
            _Column(head=_broken(name), cells=[level_name(setting[name]) for setting in settings])
            for name in selection.study.parameters
        ),
        _Column(
            head=catalogue(language).gettext("runs"),
            cells=[str(len(selection.study.of(setting))) for setting in settings],
        ),
    ]
    columns += _fitting(selection, settings, room - sum(column.width for column in columns), language)
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    for column in columns:
        justify: Literal["left", "right"] = "right" if column.head else "left"
        width = column.width - _SPACE
        table.add_column(
            escape(column.head), justify=justify, width=width, vertical="bottom", overflow="fold"
        )
    for row, setting in enumerate(settings):
        cells = [escape(column.cells[row]) for column in columns]
        table.add_row(*cells, style="bold" if setting == selection.best else None)
    return table


@dataclass(frozen=True, kw_only=True)
class _Column:
    head: str
    cells: list[str]

    @property
    def width(self) -> int:
        """Of the cells, or of the longest word of the head, which is broken into lines; and the space after it."""
        latin, other = (
            [word for word in self.head.split() if word.isascii() == kind] for kind in (True, False)
        )
        broken = (min(cell_len(word), _HEAD + 1) for word in other)  # Chinese may be broken after any sign
        return max(0, *map(cell_len, (*latin, *self.cells)), *broken) + _SPACE


def _fitting(
    selection: Selection, settings: Sequence[Setting], room: int, language: Language
) -> list[_Column]:
    """Columns of measures, the most important ones that there is room for, in the usual order."""
    kept: dict[str, _Column] = {}
    for name in dict.fromkeys((selection.objective, *_MEASURES)):
        entry = quantity(name, language)
        cells = [entry.plus_minus(selection.interval(name, setting)) for setting in settings]
        column = _Column(head=f"{entry.words}\n%" if entry.factor == 100 else entry.words, cells=cells)
        if column.width > room:
            break
        room -= column.width
        kept[name] = column
    return [kept[name] for name in dict.fromkeys((selection.objective, *_ORDER)) if name in kept]


def _broken(name: str) -> str:
    """A parameter's name in short lines, broken after underscores."""
    lines: list[str] = []
    for word in re.findall(r"[^_]*_?", name):
        if lines and len(lines[-1] + word) <= _HEAD:
            lines[-1] += word
        else:
            lines.append(word)
    return "\n".join(lines)


def _tag(setting: Setting, selection: Selection, language: Language) -> str:
    _ = catalogue(language).gettext
    tags = [_("best")] if setting == selection.best else []
    tags += [_("default")] if setting == selection.default else []
    return joined(tags, language)


def _bullets(study: StudyResults, language: Language) -> Table:
    """Sentences that hang beside their bullets."""
    table = Table.grid(padding=(0, 1))
    table.add_column(width=1)
    table.add_column(overflow="fold")
    for finding in findings(study):
        table.add_row("•" if is_clear(finding) else "=", escape(sentence(finding, study, language)))
    return table
