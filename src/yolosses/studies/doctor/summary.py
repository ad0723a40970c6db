"""What an inspection says in single lines, for the terminal and for the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from yolosses.language import N_, Language, catalogue, joined
from yolosses.studies.doctor.structures import Duplicate, Inspection, OddBox
from yolosses.training.data import Problem

_PROBLEMS = {
    "class": N_("unknown class"),
    "number": N_("not a number"),
    "area": N_("no area"),
    "repeat": N_("repeated"),
    "outside": N_("outside the picture"),
    "leaves": N_("leaves the picture"),
    "row": N_("cannot be read"),
    "file": N_("file cannot be used"),
    "picture": N_("picture cannot be read"),
    "other class": N_("class that is not wanted"),
}
_ACTIONS = {"skipped": N_("skipped"), "clipped": N_("clipped")}
_ODD = {
    "tiny": N_("tiny"),
    "sliver": N_("sliver"),
    "whole": N_("whole picture"),
    "size": N_("unusual size"),
    "twin": N_("twice the same"),
    "two classes": N_("two classes"),
}
_SAME = {"file": N_("the same file"), "pixels": N_("the same pixels"), "near": N_("nearly the same")}
_SIZES = {
    "small": N_("small (area below 32² pixels)"),
    "medium": N_("medium (below 96²)"),
    "large": N_("large"),
}


def counted(names: Iterable[str], language: Language) -> str:
    """``tiny 3, sliver 1``: each name with how often it comes, the most frequent first."""
    return joined((f"{name} {count}" for name, count in Counter(names).most_common()), language)


def verdicts(inspection: Inspection, *, language: Language) -> list[str]:
    """One line for each suspicion; before them, whether there is enough to learn from."""
    words = catalogue(language)
    lines = []
    if inspection.is_unlearnable:
        said = words.gettext(
            "Too little to learn from: {objects} objects, and {rows} rows that cannot be used."
        )
        lines.append(said.format(objects=f"{inspection.num_objects:,}", rows=f"{inspection.num_lost_rows:,}"))
    for suspicion in inspection.suspicions:
        fault, count = suspicion.fault(language=language), len(suspicion.pictures)
        said = words.gettext("Suspected: {fault} in the labels of {count} of {of} pictures")
        if suspicion.scope == "boxes":
            said = words.ngettext(
                "Suspected: {fault} of {boxes} single boxes in {count} picture",
                "Suspected: {fault} of {boxes} single boxes in {count} pictures",
                count,
            )
        boxes = len(suspicion.places)
        lines.append(said.format(fault=fault, boxes=boxes, count=count, of=suspicion.of_pictures))
    return lines


def alike_classes(inspection: Inspection, *, language: Language) -> list[str]:
    """A line where class names are alike, none else."""
    alike = [" = ".join(f'"{name}"' for name in names) for names in inspection.alike_classes]
    said = catalogue(language).gettext(
        "Class names that differ in case or spacing only: {names}. They count as different classes."
    )
    return [said.format(names=joined(alike, language))] if alike else []


def objects_in_a_picture(inspection: Inspection, *, language: Language) -> str:
    """Least, most and median."""
    least, median, most = inspection.objects_per_picture
    said = catalogue(language).gettext("Objects in a picture: {least} to {most}, median {median}.")
    return said.format(least=least, most=most, median=f"{median:g}")


def looked_at(inspection: Inspection, *, language: Language) -> str:
    """How many pictures were decoded; nothing where all were."""
    if inspection.looked_at == inspection.num_pictures:
        return ""
    said = catalogue(language).gettext(
        "{count} of {of} pictures were decoded, evenly over the data set, for equal pixels and for what lies under the "
        "boxes' borders."
    )
    return said.format(count=inspection.looked_at, of=inspection.num_pictures)


def problem_kind(problem: Problem, language: Language) -> str:
    """What kind of broken annotation it is."""
    return catalogue(language).gettext(_PROBLEMS.get(problem.kind, problem.kind))


def problem_action(problem: Problem, language: Language) -> str:
    """What the reader did about it."""
    return catalogue(language).gettext(_ACTIONS.get(problem.action, problem.action))


def odd_kind(box: OddBox, language: Language) -> str:
    """What kind of odd box it is."""
    return catalogue(language).gettext(_ODD[box.kind])


def size_name(size: str, language: Language) -> str:
    """Of a key of `Inspection.pixel_sizes`."""
    return catalogue(language).gettext(_SIZES[size])


def duplicate_facts(group: Duplicate, language: Language) -> list[str]:
    """How pictures are equal, where they are, and whether their labels are equal too."""
    _ = catalogue(language).gettext
    return [
        _(_SAME[group.same]),
        _("in different splits") if group.across_splits else _("in one split"),
        _("labels agree") if group.labels_agree else _("labels differ"),
    ]


def inspection_title(inspection: Inspection, *, language: Language) -> str:
    """Which data were inspected."""
    said = catalogue(language).gettext("Inspection of {data} ({splits})")
    return said.format(data=inspection.name, splits="+".join(inspection.split_names))
