"""Builds "What the lambdas do", both languages and all figures, from the stored results of the studies:

    python docs/build/lambdas.py

The texts beside this file hold no number that was typed: what stands in ``{{...}}`` is looked up, and a
``{{check ...}}`` stops the build where a statement of the text no longer follows from the results.

    {{STUDY MEASURE at NAME=VALUE ...}}        mean and 95 % interval where these parameters have these values
    {{STUDY mean MEASURE at NAME=VALUE ...}}   the mean alone
    {{STUDY change MEASURE NAME FROM TO at ...}}  how far it moves, with interval
    {{STUDY findings NAME}}                    what `yolosses study` says of a parameter, as a list
    {{STUDY brief NAME at NAME=VALUE ...}}     means of a few measures by the values of one parameter
    {{STUDY table NAME at NAME=VALUE ...}}     main measures with intervals, the same way
    {{STUDY runs}}                             how many runs there were
    {{check STUDY MEASURE NAME FROM rises|falls|same TO at ...}}   the change is clear that way, or is not clear
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from yolosses.explain.style import BLUE, FAINT_INK, INK, VERMILLION, ink_on, new_figure, plain_axes, use_font
from yolosses.language import LANGUAGES, Language
from yolosses.studies.ablation.findings import findings
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.sentences import (
    format_interval,
    format_value,
    level_name,
    measure_name,
    sentence,
)
from yolosses.studies.ablation.statistics import Difference, Interval, Table
from yolosses.studies.ablation.structures import Level, Setting, StudyResults
from yolosses.training.typed_json import read_json

DOCS = Path(__file__).resolve().parent.parent
TEXTS, DATA, IMAGES = Path(__file__).resolve().parent, DOCS / "data" / "lambdas", DOCS / "images"
PAGE = "what-the-lambdas-do"
BRIEF = ("map50", "mean_iou", "class_accuracy", "recall_fixed", "background_fp_fixed")
TABLE = (
    "map50", "map50_95", "recall_fixed", "missed", "mean_iou", "centre_error", "size_error", "class_accuracy",
    "background_fp_fixed", "empty_confidence", "calibration_error",
)  # fmt: skip
MAPS = ("map50", "mean_iou", "class_accuracy", "recall_fixed", "background_fp_fixed", "empty_confidence")
PLACEHOLDER = re.compile(r"\{\{(.+?)\}\}")


def studies() -> dict[str, StudyResults]:
    """All stored studies, by the name of their file."""
    return {
        path.stem: read_json(path, StudyResults, what="the results of a study")
        for path in sorted(DATA.glob("*.json"))
    }


def page_path(language: Language) -> Path:
    """Where the page is written."""
    return DOCS / language / "explanation" / f"{PAGE}.md"


def page(language: Language, known: dict[str, StudyResults]) -> str:
    """The text with everything looked up. Raises ``ValueError`` where it says what the results do not."""
    suffix = "" if language == "en" else f".{language}"
    text = (TEXTS / f"{PAGE}{suffix}.md").read_text("utf-8")
    filled = PLACEHOLDER.sub(lambda found: look_up(found[1].split(), known, language), text)
    return re.sub(r"\n{3,}", "\n\n", filled)


def look_up(words: list[str], known: dict[str, StudyResults], language: Language) -> str:
    """What a placeholder stands for."""
    match words:
        case ["check", study, measure, name, start, way, end, *at]:
            check(known[study], measure, name, (start, end), way, at)
            return ""
        case [study, "runs"]:
            return str(len(known[study].results))
        case [study, "findings", name]:
            return found_of(known[study], name, language)
        case [study, "brief", name, *at]:
            return brief(known[study], name, setting_of(known[study], at), language)
        case [study, "table", name, *at]:
            return table(known[study], name, setting_of(known[study], at), language)
        case [study, "change", measure, name, start, end, *at]:
            moved = changed(known[study], measure, name, (start, end), at)
            return change_in_words(measure, moved.change)
        case [study, "mean", measure, *at]:
            return format_value(measure, value(known[study], measure, at).mean)
        case [study, measure, *at]:
            return format_interval(measure, value(known[study], measure, at))
    raise ValueError(f"expected a placeholder of this page; got {words!r}")


def level_of(study: StudyResults, name: str, word: str) -> Level:
    """The value of a parameter that is written so."""
    return next(level for level in study.parameters[name] if level_name(level) == word)


def setting_of(study: StudyResults, at: list[str]) -> Setting:
    """From "at", "lambda_coord=5", ..."""
    pairs = (word.split("=") for word in at if word != "at")
    return {name: level_of(study, name, word) for name, word in pairs}


def value(study: StudyResults, measure: str, at: list[str]) -> Interval:
    """Mean over the runs with these values."""
    found = Table.of(study, measure).level(setting_of(study, at))
    if found is None:
        raise ValueError(f"{study.data}: there is no {measure} at {at}")
    return found


def changed(study: StudyResults, measure: str, name: str, ends: tuple[str, str], at: list[str]) -> Difference:
    """From one value of a parameter to another."""
    start, end = (level_of(study, name, word) for word in ends)
    found = Table.of(study, measure).difference(name, start, end, at=setting_of(study, at))
    if found is None:
        raise ValueError(f"{study.data}: {measure} cannot be compared between {name} {start} and {end}")
    return found


def check(
    study: StudyResults, measure: str, name: str, ends: tuple[str, str], way: str, at: list[str]
) -> None:
    """Raise unless the change is clear that way, or for "same" not clear."""
    moved = changed(study, measure, name, ends, at)
    seen = "same" if not moved.clear else "rises" if moved.change.mean > 0 else "falls"
    if seen != way:
        raise ValueError(
            f"{study.data}: {measure} {way} from {name} {ends[0]} to {ends[1]}, says the text; it {seen}"
        )


def change_in_words(measure: str, change: Interval) -> str:
    """ "+4.2 [2.1, 6.3]", in points of percentages."""
    factor = 100 if MEASURES[measure].percent else 1
    mean, low, high = (
        f"{part * factor:+.1f}".replace("-", "−") for part in (change.mean, change.low, change.high)
    )
    return f"{mean} [{low}, {high}]"


def found_of(study: StudyResults, name: str, language: Language) -> str:
    """The findings on one parameter."""
    mine = [finding for finding in findings(study) if finding.parameter == name]
    return "\n".join(f"- {sentence(finding, study, language)}" for finding in mine)


def head(study: StudyResults, name: str) -> list[str]:
    """The first two lines of a table with a column a value; the default has a star."""
    levels = study.parameters[name]
    own = study.defaults.get(name)
    heads = [level_name(level) + ("*" if level == own else "") for level in levels]
    return [f"| {name} | {' | '.join(heads)} |", "|---|" + "---:|" * len(levels)]


def brief(study: StudyResults, name: str, at: Setting, language: Language) -> str:
    """A row for each of a few measures, a column a value, means alone."""
    lines = head(study, name)
    for measure in BRIEF:
        cells = [Table.of(study, measure).level({**at, name: level}) for level in study.parameters[name]]
        shown = ["–" if cell is None else format_value(measure, cell.mean) for cell in cells]
        lines.append(f"| {measure_name(measure, language)} | {' | '.join(shown)} |")
    return "\n".join(lines)


def table(study: StudyResults, name: str, at: Setting, language: Language) -> str:
    """A row a measure, a column a value, with intervals; the best of each row in bold."""
    levels = list(study.parameters[name])
    lines = head(study, name)
    for measure in TABLE:
        cells = [Table.of(study, measure).level({**at, name: level}) for level in levels]
        means = [cell.mean if cell is not None else np.nan for cell in cells]
        better = MEASURES[measure].better
        best = (np.nanargmin if better == "low" else np.nanargmax)(means) if better else -1
        shown = ["–" if cell is None else format_interval(measure, cell) for cell in cells]
        shown = [f"**{words}**" if index == best else words for index, words in enumerate(shown)]
        lines.append(f"| {measure_name(measure, language)} | {' | '.join(shown)} |")
    return "\n".join(lines)


# ------------------------------------------------------------ figures


def maps(study: StudyResults, language: Language) -> Figure:
    """One heat map a measure over the two lambdas, dark where it is good."""
    across, down = "lambda_coord", "lambda_noobj"
    figure = new_figure(10.6, 6.0)
    for index, measure in enumerate(MAPS):
        axes = figure.add_subplot(2, 3, index + 1)
        cells = [
            [Table.of(study, measure).level({across: a, down: d}) for a in study.parameters[across]]
            for d in reversed(study.parameters[down])
        ]
        means = np.array([[np.nan if c is None else c.mean for c in row] for row in cells])
        good = -means if MEASURES[measure].better == "low" else means
        span = float(np.nanmax(good) - np.nanmin(good))
        share = (good - np.nanmin(good)) / span if span else np.ones_like(good)
        image = axes.imshow(share, cmap="cividis_r", vmin=-0.25, vmax=1.1, aspect="auto")
        for row, column in np.ndindex(*means.shape):
            red, green, blue = (int(255 * part) for part in image.to_rgba(share[row, column])[:3])
            axes.text(
                column, row, format_value(measure, means[row, column]), ha="center", va="center", size=8.5,
                color=ink_on(f"#{red:02x}{green:02x}{blue:02x}"),
            )  # fmt: skip
        axes.set_title(measure_name(measure, language), size=9.5, color=INK, loc="left")
        axes.set_xticks(range(means.shape[1]), [level_name(v) for v in study.parameters[across]])
        axes.set_yticks(range(means.shape[0]), [level_name(v) for v in reversed(study.parameters[down])])
        axes.tick_params(length=0, labelsize=8.5, colors=FAINT_INK)
        for spine in axes.spines.values():
            spine.set_visible(False)
        if index >= 3:
            axes.set_xlabel(across, size=9, color=FAINT_INK)
        if index % 3 == 0:
            axes.set_ylabel(down, size=9, color=FAINT_INK)
    use_font(figure, language)
    return figure


TRADES = {
    "en": ("better boxes, fewer found", "fewer alarms, fewer found"),
    "zh-TW": ("框更準，找到的更少", "誤報更少，找到的也更少"),
}


def trades(known: dict[str, StudyResults], language: Language) -> Figure:
    """Left: what lambda_coord buys and costs. Right: the same of lambda_noobj. The other one at its default."""
    figure = new_figure(10.6, 4.2)
    sides = (
        ("lambda_coord", {"lambda_noobj": 0.5}, "map50", "mean_iou"),
        ("lambda_noobj", {"lambda_coord": 5.0}, "recall_fixed", "empty_confidence"),
    )
    for index, (name, at, x, y) in enumerate(sides):
        axes = figure.add_subplot(1, 2, index + 1)
        plain_axes(axes)
        for (label, study), colour, marker in zip(known.items(), (BLUE, VERMILLION), "os", strict=False):
            levels = study.parameters[name]
            points = [
                (Table.of(study, x).level({**at, name: v}), Table.of(study, y).level({**at, name: v}))
                for v in levels
            ]
            there = [
                (v, a, b) for v, (a, b) in zip(levels, points, strict=True) if a is not None and b is not None
            ]
            axes.errorbar(
                [a.mean * 100 for _, a, _ in there], [b.mean * 100 for _, _, b in there],
                xerr=whiskers([a for _, a, _ in there]), yerr=whiskers([b for _, _, b in there]),
                color=colour, marker=marker, markersize=6, linewidth=1.6, elinewidth=0.8, capsize=0, label=label,
            )  # fmt: skip
            for v, a, b in there:
                axes.annotate(
                    level_name(v), (a.mean * 100, b.mean * 100), xytext=(6, 6), textcoords="offset points",
                    size=8.5, color=colour,
                )  # fmt: skip
        if y == "empty_confidence":
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.set_xlabel(f"{measure_name(x, language)} (%)", size=9.5, color=INK)
        axes.set_ylabel(f"{measure_name(y, language)} (%)", size=9.5, color=INK)
        axes.set_title(f"{name}: {TRADES[language][index]}", size=10, color=INK, loc="left")
        axes.legend(frameon=False, fontsize=9)
    use_font(figure, language)
    return figure


def whiskers(intervals: list[Interval]) -> np.ndarray:
    """Below and above the means, in percent; none where there is no interval."""
    ends = [(i.mean - i.low, i.high - i.mean) if i.known else (0.0, 0.0) for i in intervals]
    return np.abs(np.array(ends).T * 100)


VARIANTS = ("map50", "map50_95", "mean_iou", "size_error", "recall_fixed", "class_accuracy")


def variants(known: dict[str, StudyResults], language: Language) -> Figure:
    """Each varied part of the loss: its values averaged over the other part of its study, with 95 % intervals."""
    figure = new_figure(10.6, 3.6)
    rows = [
        (study, name, level)
        for study in known.values()
        for name, levels in study.parameters.items()
        for level in levels
    ]
    places = [-index - 0.6 * (index // 2) for index in range(len(rows))]
    for index, measure in enumerate(VARIANTS):
        axes = figure.add_subplot(1, len(VARIANTS), index + 1)
        plain_axes(axes)
        for place, (study, name, level) in zip(places, rows, strict=True):
            cell = Table.of(study, measure).level({name: level})
            assert cell is not None
            own = level == study.defaults.get(name)
            if cell.known:
                axes.plot([cell.low * 100, cell.high * 100], [place, place], color=BLUE, linewidth=1.6)
            axes.plot(
                cell.mean * 100, place, marker="o", markersize=7, markeredgecolor=BLUE, linestyle="",
                markerfacecolor=BLUE if own else "white", markeredgewidth=1.5,
            )  # fmt: skip
        axes.set_yticks(
            places, [f"{n} = {level_name(v)}" for _, n, v in rows] if index == 0 else [""] * len(rows)
        )
        axes.grid(False, axis="y")
        name = measure_name(measure, language)
        axes.set_title(name.replace(" of ", "\nof ").replace(" at ", "\nat "), size=9, color=INK)
        axes.set_xlabel("%", size=8.5, color=FAINT_INK)
    use_font(figure, language)
    return figure


def figures(known: dict[str, StudyResults], language: Language) -> dict[str, Figure]:
    """By file name without the language."""
    lambdas = {name: known[name] for name in ("digits", "bccd")}
    made = {f"lambdas-{name}": maps(study, language) for name, study in lambdas.items()}
    made["lambdas-trades"] = trades(lambdas, language)
    rest = {name: study for name, study in known.items() if name not in lambdas}
    made["lambdas-variants"] = variants(rest, language)
    return made


def main() -> None:
    """Write the pages and the figures."""
    known = studies()
    for language in LANGUAGES:
        page_path(language).write_text(page(language, known), "utf-8")
        for name, figure in figures(known, language).items():
            suffix = "" if language == "en" else f".{language}"
            figure.savefig(IMAGES / f"{name}{suffix}.png", metadata={"Software": None})
            print(f"docs/images/{name}{suffix}.png")


if __name__ == "__main__":
    main()
