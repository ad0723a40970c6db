"""What the errors of settings consist of: TIDE's kinds by their cost, and the paper's kinds of top detections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape

from yolosses.apps.pages.page import Html
from yolosses.apps.pages.study_bars import PALE, Bar, Part, keys, stacked_bars
from yolosses.apps.pages.study_numbers import note, quantity, setting_name
from yolosses.apps.pages.study_scales import in_order
from yolosses.apps.pages.study_selection import Along, Selection
from yolosses.apps.pages.study_texts import Texts, texts
from yolosses.language import Language
from yolosses.studies.ablation.sentences import level_name
from yolosses.studies.ablation.structures import Setting

TIDE_FILLS = {"localisation": 0, "background": 1, "missed": 5, "classification": 2, "both": 3, "duplicate": 4}
TOP_FILLS = {"correct": PALE, "localisation": 0, "background": 1, "similar": 2, "other": 3}
"""Fills of the kinds, in the order of the pieces. The same kind has the same in both."""

PAPER_TOP = {"correct": 0.655, "localisation": 0.19, "background": 0.0475, "similar": 0.0675, "other": 0.04}
"""YOLO on VOC 2007, Figure 4 of the paper."""

Row = tuple[str, Setting]


def errors(selection: Selection, language: Language) -> str:
    """Two columns of bars, along each parameter."""
    t = texts(language)
    groups = _groups(selection, t)
    tides = [_bars(selection, rows, "tide", language) for _, rows in groups]
    tops = [_bars(selection, rows, "top", language) for _, rows in groups]
    if not any(bar.parts for bars in (*tides, *tops) for bar in bars):
        return ""
    longest = max(sum(part.value for part in bar.parts) for bars in tides for bar in bars)
    parts = [
        note(t.errors_note),
        f'<div class="duo"><div><h3>{escape(t.tide)}</h3>{note(t.tide_note)}{keys(_names("tide", t), TIDE_FILLS)}</div>'
        f"<div><h3>{escape(t.top)}</h3>{note(t.top_note)}{keys(_names('top', t), TOP_FILLS)}</div></div>",
    ]
    for (title, _), tide, top in zip(groups, tides, tops, strict=True):
        parts.append(
            f'<div class="group">{title}<div class="duo">'
            f"{stacked_bars(tide, longest=longest, factor=100, unit=' %')}"
            f"{stacked_bars([*top, _paper(t)], longest=1.0, factor=100, unit=' %')}</div></div>"
        )
    return "".join(parts)


def _groups(selection: Selection, t: Texts) -> list[tuple[Html, list[Row]]]:
    """Titles (html), and under each the settings with the names of their bars."""
    groups = []
    for name in selection.compared:
        along = selection.along(name)
        rows = [(level_name(level), along.settings[level]) for level in in_order(along.settings)]
        groups.append((Html(f"<h3><code>{escape(name)}</code>{where(along, t)}</h3>"), rows))
    if selection.study.results and (selection.drawn or not groups):
        groups.insert(0, (Html(""), _outstanding(selection, t)))
    return groups


def where(along: Along, t: Texts) -> Html:
    """What holds for all settings along a parameter, small."""
    said = [t.at_fixed.format(settings=setting_name(along.fixed, t))] if along.fixed else []
    said += [t.mean_over.format(others=t.between_names.join(along.averaged))] if along.averaged else []
    return Html(f' <small class="faint">{escape(t.comma.join(said))}</small>' if said else "")


def _outstanding(selection: Selection, t: Texts) -> list[Row]:
    """Where settings have no neighbours: the best and the default, or the first."""
    rows = []
    if selection.best is not None:
        is_default = selection.best == selection.default
        rows.append((t.comma.join([t.best, t.default] if is_default else [t.best]), selection.best))
    if selection.default is not None and selection.default != selection.best:
        rows.append((t.default, selection.default))
    return rows or [(t.setting, setting) for setting in selection.study.settings[:1]]


def _bars(selection: Selection, rows: Sequence[Row], prefix: str, language: Language) -> list[Bar]:
    defaults = selection.study.defaults
    fills = TIDE_FILLS if prefix == "tide" else TOP_FILLS
    bars = []
    for name, setting in rows:
        is_default = all(defaults.get(parameter) == level for parameter, level in setting.items())
        parts = _parts(selection, setting, prefix, fills, language)
        bars.append(Bar(name=name, parts=parts, kind="default" if is_default and len(rows) > 1 else ""))
    return bars


def _parts(
    selection: Selection,
    setting: Setting,
    prefix: str,
    fills: Mapping[str, int],
    language: Language,
) -> list[Part]:
    parts = []
    for kind, fill in fills.items():
        entry = quantity(f"{prefix}_{kind}", language)
        interval = selection.interval(entry.name, setting)
        if interval is not None:
            told = f"{entry.words} {entry.told(interval)}"
            shown = entry.bare(interval.mean)
            parts.append(Part(key=kind, value=interval.mean, told=told, shown=shown, fill=fill))
    return parts


def _names(prefix: str, t: Texts) -> dict[str, str]:
    """Of the kinds of one split."""
    start = f"{prefix}_"
    return {name.removeprefix(start): words for name, words in t.short.items() if name.startswith(start)}


def _paper(t: Texts) -> Bar:
    parts = [
        Part(
            key=kind,
            value=share,
            told=f"{t.short[f'top_{kind}']} {100 * share:g} %",
            shown=f"{100 * share:.1f}",
            fill=TOP_FILLS[kind],
        )
        for kind, share in PAPER_TOP.items()
    ]
    return Bar(name=t.paper, parts=parts, kind="apart")
