"""What the errors of settings consist of: TIDE's kinds by their cost, and the paper's kinds of top detections."""

from __future__ import annotations

from dataclasses import replace

from yolosses.apps.pages.charts.bars import PALE, Bar, Bars, Part
from yolosses.apps.pages.views.study_numbers import error_names, listed, quantity, setting_name
from yolosses.apps.pages.views.study_selection import Along, Selection
from yolosses.language import Language, catalogue, joined
from yolosses.studies.errors import PAPER_YOLO, TopKind

TIDE_FILLS = {"localisation": 0, "background": 1, "missed": 5, "classification": 2, "both": 3, "duplicate": 4}
TOP_FILLS: dict[TopKind, int] = {
    "correct": PALE, "localisation": 0, "background": 1, "similar": 2, "other": 3,
}  # fmt: skip
"""Fills of the kinds, in the order of the pieces. The same kind has the same in both."""


def errors(selection: Selection, language: Language) -> list[tuple[Along, Bars, Bars]]:
    """Along each parameter, the costs and the top detections; nothing where no error was measured."""
    groups = [selection.along(name) for name in selection.compared]
    if selection.study.results and (selection.drawn or not groups):
        groups.insert(0, _outstanding(selection, language))
    tides = [_bars(selection, along, "tide", language) for along in groups]
    tops = [_bars(selection, along, "top", language) for along in groups]
    if not any(bar.parts for bars in (*tides, *tops) for bar in bars):
        return []
    longest = max(sum(part.value for part in bar.parts) for bars in tides for bar in bars)
    return [
        (along, Bars(bars=tide, longest=longest), Bars(bars=[*top, _paper(language)], longest=1.0))
        for along, tide, top in zip(groups, tides, tops, strict=True)
    ]


def error_keys(language: Language) -> dict[str, dict[str, int]]:
    """The fills by the names of what they stand for, of "tide" and "top"."""
    names = error_names(language)
    return {
        prefix: {names[f"{prefix}_{kind}"]: fill for kind, fill in fills.items()}
        for prefix, fills in (("tide", TIDE_FILLS), ("top", TOP_FILLS))
    }


def where(along: Along, language: Language) -> str:
    """What holds for all settings along a parameter."""
    _ = catalogue(language).gettext
    said = []
    if along.fixed:
        said.append(_("at {settings}").format(settings=setting_name(along.fixed, language)))
    if along.averaged:
        said.append(_("mean over {others}").format(others=listed(along.averaged, language)))
    return joined(said, language)


def _outstanding(selection: Selection, language: Language) -> Along:
    """Where settings have no neighbours: the best and the default, or the first."""
    _ = catalogue(language).gettext
    best = [_("best"), *([_("default")] if selection.best == selection.default else [])]
    along = selection.outstanding(joined(best, language), _("default"))
    return along if along.settings else replace(along, settings={_("setting"): selection.study.settings[0]})


def _bars(selection: Selection, along: Along, prefix: str, language: Language) -> list[Bar]:
    fills = {str(kind): fill for kind, fill in (TIDE_FILLS if prefix == "tide" else TOP_FILLS).items()}
    bars = []
    for name, setting in along.named:
        kind = "default" if selection.is_default(setting) and len(along.settings) > 1 else ""
        parts = []
        for error, fill in fills.items():
            entry = quantity(f"{prefix}_{error}", language)
            interval = selection.interval(entry.name, setting)
            if interval is not None:
                told, shown = f"{entry.words} {entry.told(interval)}", entry.bare(interval.mean)
                parts.append(Part(key=error, value=interval.mean, told=told, shown=shown, fill=fill))
        bars.append(Bar(name=name, parts=parts, kind=kind))
    return bars


def _paper(language: Language) -> Bar:
    """YOLO on VOC 2007, Figure 4 of the paper."""
    parts = []
    for kind, fill in TOP_FILLS.items():
        share = PAPER_YOLO[kind]
        told = f"{error_names(language)[f'top_{kind}']} {100 * share:g} %"
        parts.append(Part(key=kind, value=share, told=told, shown=f"{100 * share:.1f}", fill=fill))
    return Bar(name=catalogue(language).gettext("YOLO, VOC 2007"), parts=parts, kind="apart")
