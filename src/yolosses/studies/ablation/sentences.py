"""Findings in sentences and measures in words."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from yolosses.language import N_, Language, catalogue
from yolosses.studies.ablation.findings import Finding, is_ordered
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.statistics import Difference, Interval
from yolosses.studies.ablation.structures import Level, StudyResults

_NOTES = {
    "map50": N_("Mean average precision at IoU 0.5, as COCO computes it."),
    "map50_95": N_(
        "Mean average precision over the IoU thresholds 0.5, 0.55, ... 0.95, as COCO computes it."
    ),
    "voc07_map": N_("Mean average precision at IoU 0.5 by the eleven points of VOC 2007."),
    "f1": N_("Harmonic mean of precision and recall at IoU 0.5, at the score threshold where it is highest."),
    "precision": N_(
        "Share of the detections that are right at IoU 0.5, at the score threshold with the best F1."
    ),
    "recall": N_("Share of the objects that are found at IoU 0.5, at the score threshold with the best F1."),
    "threshold": N_("The score threshold with the best F1."),
    "mean_iou": N_(
        "Mean IoU of the true positives with their objects, at the score threshold with the best F1."
    ),
    "centre_error": N_(
        "Distance between the centres of box and object over the root of the object's area, where a detection "
        "of its class meets the object with IoU of at least 0.1 at the threshold with the best F1: bad boxes "
        "count too."
    ),
    "size_error": N_(
        "Mean of |ln(w / w^)| and |ln(h / h^)|, box against object: 10 % is about a tenth too large or too "
        "small; where a detection of its class meets the object with IoU of at least 0.1 at the threshold "
        "with the best F1: bad boxes count too."
    ),
    "covered": N_(
        "Share of the objects with which some predicted box has IoU of at least 0.5, whatever its score and "
        "class."
    ),
    "background_fp": N_(
        "Detections a picture that meet no object (IoU below 0.1 with all), at the threshold with the best "
        "F1."
    ),
    "background_fp_fixed": N_(
        "Detections a picture with a score of at least 0.25 that meet no object (IoU below 0.1 with all)."
    ),
    "empty_confidence": N_("Mean confidence of the boxes of cells without an object."),
    "missed": N_(
        "Share of the objects that no detection of any class meets (IoU of at least 0.1), at the threshold "
        "with the best F1."
    ),
    "recall_fixed": N_(
        "Share of the objects that are found at IoU 0.5 by detections with a score of at least 0.25."
    ),
    "object_confidence": N_("Mean confidence of the boxes that are responsible for an object."),
    "class_accuracy": N_(
        "Of the detections with IoU of at least 0.5 with some object, the share that have its class, at the "
        "threshold with the best F1."
    ),
    "calibration_error": N_(
        "Mean distance between score and IoU over ten equal parts of the scores, weighted by how many "
        "detections each has."
    ),
    "tide_classification": N_(
        "How much AP50 rises (TIDE) when boxes in the right place with the wrong class are mended."
    ),
    "tide_localisation": N_(
        "How much AP50 rises (TIDE) when boxes of the right class in a bad place are mended."
    ),
    "tide_both": N_("How much AP50 rises (TIDE) when boxes with the wrong class in a bad place are mended."),
    "tide_duplicate": N_(
        "How much AP50 rises (TIDE) when second boxes on an object that is found are removed."
    ),
    "tide_background": N_("How much AP50 rises (TIDE) when boxes that meet no object are removed."),
    "tide_missed": N_("How much AP50 rises (TIDE) when objects that no box finds are left out."),
    "top_correct": N_(
        "Share of the top detections (of each class as many as it has objects) that are right."
    ),
    "top_localisation": N_("Share of the top detections with the right class in a bad place."),
    "top_similar": N_("Share of the top detections that meet an object of a similar class."),
    "top_other": N_("Share of the top detections that meet an object of another class."),
    "top_background": N_("Share of the top detections that meet no object."),
}

_LOST = {
    "localisation": N_("With {parameter} = {level} the detector is unable to localise: {measures}."),
    "background": N_("With {parameter} = {level} the detector takes empty cells for objects: {measures}."),
    "objects": N_("With {parameter} = {level} the detector hardly finds objects: {measures}."),
    "classes": N_("With {parameter} = {level} the detector cannot tell the classes apart: {measures}."),
}


def measure_name(measure: str, language: Language) -> str:
    """As it stands in a sentence or at the head of a column."""
    return catalogue(language).gettext(MEASURES[measure].name)


def measure_note(measure: str, language: Language) -> str:
    """What it is, in one line."""
    return catalogue(language).gettext(_NOTES[measure])


def sentence(finding: Finding, study: StudyResults, language: Language = "en") -> str:
    """A finding in one sentence of plain text, numbers with their 95 % intervals in brackets."""
    match finding.kind:
        case "raises" | "lowers":
            text = _moved(finding, study, language)
        case "no_difference":
            text = _still(finding, language)
        case "best":
            text = _best(finding, study, language)
        case "unable":
            text = _lost(finding, language)
        case "no_statement":
            text = _nothing(finding, study, language)
    return _spaced(text)


def level_name(level: Level | None) -> str:
    """A parameter's value: 5, 0.05, squared_error, true."""
    if isinstance(level, bool):
        return str(level).lower()
    return f"{level:g}" if isinstance(level, (int, float)) else str(level)


def format_value(measure: str, value: float) -> str:
    """A value of a measure: "61.3 %", "0.42". Small ones have more digits; what is not a number is a dash."""
    return _formatted(measure, value, _digits(measure, value))


def format_interval(measure: str, interval: Interval) -> str:
    """Mean and interval with the same digits, "61.3 % [60.1, 62.4]"; the mean alone where there is no interval."""
    if not interval.known:
        return format_value(measure, interval.mean)
    digits = _digits(measure, interval.mean)
    low, high = (_formatted(measure, end, digits).removesuffix(" %") for end in (interval.low, interval.high))
    return f"{_formatted(measure, interval.mean, digits)} [{low}, {high}]"


def _digits(measure: str, value: float) -> int:
    """After the point."""
    if MEASURES[measure].percent:
        return 2 if 0 < abs(value) < 0.01 else 1
    return 1 if abs(value) >= 10 else 2


def _formatted(measure: str, value: float, digits: int, *, signed: bool = False) -> str:
    if not math.isfinite(value):
        return "–"
    percent = MEASURES[measure].percent
    shown = round(value * (100 if percent else 1), digits) or 0.0  # never -0.0
    number = f"{shown:+.{digits}f}" if signed else f"{shown:.{digits}f}"
    return number.replace("-", "−") + (" %" if percent else "")


def _moved(finding: Finding, study: StudyResults, language: Language) -> str:
    words = catalogue(language)
    _ = words.gettext
    if finding.kind == "raises":
        change = words.pgettext("it rises", "{name} from {start} to {end}{left_out}")
        ordered = _("Raising {parameter} from {start} to {end} raises {changes}.")
        unordered = _("{parameter} = {end} instead of {start} raises {changes}.")
    else:
        change = words.pgettext("it falls", "{name} from {start} to {end}{left_out}")
        ordered = _("Raising {parameter} from {start} to {end} lowers {changes}.")
        unordered = _("{parameter} = {end} instead of {start} lowers {changes}.")
    changes = [
        change.format(
            name=measure_name(measure, language),
            start=format_interval(measure, difference.start),
            end=format_interval(measure, difference.end),
            left_out=_without(difference, language),
        )
        for measure, difference in zip(finding.measures, finding.differences, strict=True)
    ]
    said = ordered if is_ordered(study.parameters[finding.parameter]) else unordered
    return said.format(**_between(finding), changes=_joined(changes, language))


def _between(finding: Finding) -> dict[str, str]:
    return {
        "parameter": finding.parameter,
        "start": level_name(finding.start),
        "end": level_name(finding.end),
    }


def _still(finding: Finding, language: Language) -> str:
    _ = catalogue(language).gettext
    if all(difference.identical for difference in finding.differences):
        said = _(
            "No difference between {parameter} = {start} and {end}: with the same seed their results are identical."
        )
        return said.format(**_between(finding))
    still, unsure = [], []
    for measure, difference in zip(finding.measures, finding.differences, strict=True):
        name = measure_name(measure, language)
        changed = _("{name} (change {change})").format(
            name=name, change=_change(measure, difference, language)
        )
        if difference.clear:
            unsure.append(changed)
        else:
            still.append(changed if MEASURES[measure].ability == "score" else name)
    if not unsure:
        said = _("No difference seen between {parameter} = {start} and {end} in {names}.")
    elif still:
        said = _(
            "No difference seen between {parameter} = {start} and {end} in {names}; not clear beyond chance among so "
            "many comparisons: {unsure}."
        )
    else:
        said = _(
            "Between {parameter} = {start} and {end}, not clear beyond chance among so many comparisons: {unsure}."
        )
    return said.format(**_between(finding), names=_joined(still, language), unsure=_joined(unsure, language))


def _nothing(finding: Finding, study: StudyResults, language: Language) -> str:
    _ = catalogue(language).gettext
    if not finding.measures:
        if len({result.seed for result in study.results}) < 2:
            said = _("{parameter}: no statement, with one seed a difference cannot be told from chance.")
        else:
            said = _("{parameter}: no statement, no runs of two seeds differ in this parameter alone.")
        return said.format(parameter=finding.parameter)
    runs = [run for run in study.results if run.setting[finding.parameter] in (finding.start, finding.end)]
    undefined = [
        _("{name} ({count} of {runs} runs without a value)").format(
            name=measure_name(measure, language),
            count=sum(run.measures.get(measure) is None for run in runs),
            runs=len(runs),
        )
        for measure in finding.measures
    ]
    said = _("Between {parameter} = {start} and {end} nothing can be said of {names}.")
    return said.format(**_between(finding), names=_joined(undefined, language))


def _best(finding: Finding, study: StudyResults, language: Language) -> str:
    _ = catalogue(language).gettext
    (measure,), (difference,) = finding.measures, finding.differences
    default = study.defaults.get(finding.parameter)
    against = _("the default, {level},") if finding.start == default else _("the next best, {level},")
    words = {
        "parameter": finding.parameter,
        "name": measure_name(measure, language),
        "best": level_name(finding.end),
        "value": format_interval(measure, difference.end),
        "against": against.format(level=level_name(finding.start)),
        "against_value": format_interval(measure, difference.start),
        "told": _("a clear difference") if finding.clear else _("no clear difference"),
    }
    if not finding.ends:
        if finding.end == default:
            said = _(
                "Of the values of {parameter}, the default, {best}, has the best {name}, {value}; {against} has "
                "{against_value}, {told}."
            )
        else:
            said = _(
                "Of the values of {parameter}, {best} has the best {name}, {value}; {against} has {against_value}, "
                "{told}."
            )
        return said.format(**words)
    levels = [float(level) for level in study.parameters[finding.parameter]]
    low, high = (format_interval(measure, end.start) for end in finding.ends)
    said = _(
        "{name} peaks at {parameter} = {best} with {value}, clearly above {low} at {lowest} and {high} at {highest}; "
        "{against} has {against_value}, {told}."
    )
    return said.format(
        **words, low=low, high=high, lowest=level_name(min(levels)), highest=level_name(max(levels))
    )


def _lost(finding: Finding, language: Language) -> str:
    assert finding.ability is not None
    _ = catalogue(language).gettext
    measures = [
        _("{name} = {value} (with {best}: {best_value})").format(
            name=measure_name(measure, language),
            value=format_interval(measure, difference.end),
            best_value=format_interval(measure, difference.start),
            best=level_name(finding.start),
        )
        for measure, difference in zip(finding.measures, finding.differences, strict=True)
    ]
    return _(_LOST[finding.ability]).format(
        parameter=finding.parameter, level=level_name(finding.end), measures=_joined(measures, language)
    )


def _change(measure: str, difference: Difference, language: Language) -> str:
    """ "+0.4 [−1.1, +1.9] points" of percentages."""
    change, percent = difference.change, MEASURES[measure].percent
    mean, low, high = (
        _formatted(measure, value, 1 if percent else 2, signed=True).removesuffix(" %")
        for value in (change.mean, change.low, change.high)
    )
    shown = f"{mean} [{low}, {high}]"
    return catalogue(language).gettext("{change} points").format(change=shown) if percent else shown


def _without(difference: Difference, language: Language) -> str:
    """How many runs at the two values have no value of the measure."""
    count = difference.start.left_out + difference.end.left_out
    if not count:
        return ""
    said = catalogue(language).ngettext(
        " ({count} run without a value left out)", " ({count} runs without a value left out)", count
    )
    return said.format(count=count)


def _spaced(text: str) -> str:
    """With a space between Chinese and Latin letters or digits, as is usual in Taiwan."""
    text = re.sub(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z0-9])", " ", text)
    return re.sub(r"(?<=[A-Za-z0-9%])(?=[\u4e00-\u9fff])", " ", text)


def _joined(parts: Sequence[str], language: Language) -> str:
    words = catalogue(language)
    if len(parts) < 2:
        return "".join(parts)
    most = words.pgettext("between measures", ", ").join(parts[:-1])
    return words.pgettext("measures", "{most}, and {last}").format(most=most, last=parts[-1])
