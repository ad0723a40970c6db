"""``report.html``: where the loss of a data set comes from, which pictures and boxes are worst, which labels err."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from yolosses.apps.pages.charts.shares import share_fills, shares
from yolosses.apps.pages.figure import figure_svg
from yolosses.apps.pages.findings import input_picture
from yolosses.apps.pages.marked_picture import pictures_of
from yolosses.apps.pages.picture_maps import picture_in_detail
from yolosses.apps.pages.render import render
from yolosses.apps.pages.views import report as views
from yolosses.language import Language, catalogue, joined
from yolosses.studies.dataset_loss import DatasetLoss, ExplainedPicture
from yolosses.studies.doctor.summary import problem_action
from yolosses.studies.label_errors import LabelSuspicion
from yolosses.studies.term_history import TermHistory
from yolosses.training.data import DetectionDataset


@dataclass(frozen=True, kw_only=True)
class Source:
    """What a report speaks of: names for people."""

    data: str
    split: str
    run: str
    loss: str
    version: str


def dataset_report(
    study: DatasetLoss,
    suspicions: Sequence[LabelSuspicion],
    dataset: DetectionDataset,
    history: TermHistory | None,
    log: Sequence[Mapping[str, Any]],
    source: Source,
    *,
    top: int,
    playground: Mapping[int, str],
    language: Language,
) -> str:
    """The report on a data set, as html.

    Args:
        suspicions: most doubtful first.
        history, log: of the training run.
        top: pictures, objects and suspicions that are shown.
        playground: links that open pictures in the playground, by their position in the data set.
    """
    cards = views.cards(study, dataset, top, playground, language)
    return render(
        "report.html",
        language,
        source=source,
        loss=views.loss_of_dataset(study, language),
        facts=_facts(study, source, language),
        cards=cards,
        small_picture=views.small_picture,
        suspicions=views.suspicions(suspicions[:top], language),
        grouped=_groups(study, language),
        background=views.background(study, language),
        history=history,
        num_steps=sum(math.isfinite(row["total"]) for row in log),
        shares=None if history is None else _shares(history, language),
        objects=views.objects(study, dataset, top, language),
        detail=_detail(study.explained[cards[0].loss.picture], dataset, language),
        fates=views.fates(study, log),
        broken=_broken(dataset, language),
        problems=views.problems(dataset, language),
        num_problems=len(dataset.problems),
        marked=pictures_of(dataset),
    )


def picture_report(
    explained: ExplainedPicture,
    dataset: DetectionDataset,
    source: Source,
    *,
    playground: str | None,
    language: Language,
) -> str:
    """The report on one picture, as html. ``playground``: a link that opens it in the playground."""
    found = views.findings_of(explained, language)
    numbered = found[: views.SENTENCES]
    return render(
        "report_picture.html",
        language,
        name=dataset.records[explained.picture].name,
        source=source,
        loss=views.loss_of_picture(explained.explanation, language),
        picture=views.picture_with(explained, numbered, dataset),
        numbered=numbered,
        found=found,
        detail=_detail(explained, dataset, language),
        playground=playground,
        marked=pictures_of(dataset),
    )


def _facts(study: DatasetLoss, source: Source, language: Language) -> str:
    words = catalogue(language)
    said = words.gettext("{pictures} pictures, {objects} objects")
    facts = [said.format(pictures=f"{len(study.pictures):,}", objects=f"{len(study.objects):,}")]
    ious = [obj.iou for obj in study.objects if obj.iou is not None]
    if ious:
        said = words.gettext("mean IoU of the responsible boxes {iou}")
        facts.append(said.format(iou=f"{sum(ious) / len(ious):.2f}"))
    said = words.gettext("run {run}, loss {loss}, version {version}")
    facts.append(said.format(run=source.run, loss=source.loss, version=source.version))
    return joined(facts, language)


def _groups(study: DatasetLoss, language: Language) -> dict[str, list[views.GroupView]]:
    """By their title."""
    _ = catalogue(language).gettext
    pixels = {
        "small": _("small: below 32² pixels"),
        "medium": _("medium: 32² to 96²"),
        "large": _("large: 96² and more"),
    }
    relative = {
        "small": _("small: below 10 % of the side"),
        "medium": _("medium: 10 to 30 %"),
        "large": _("large: 30 % and more"),
    }
    return {
        _("By class"): views.groups(sorted(study.by_class(), key=lambda group: -group.loss)),
        _("By size in pixels of the stored picture (COCO's limits)"): views.groups(study.by_pixels(), pixels),
        _("By size against the picture (root of the area)"): views.groups(study.by_relative_size(), relative),
    }


def _shares(history: TermHistory, language: Language) -> Markup:
    _ = catalogue(language).gettext
    at_the_end = joined((f"{name} {values[-1]:.0%}" for name, values in history.shares.items()), language)
    said = _("Shares of the terms in the training loss from the first step to the last; at the end {shares}")
    figure = shares(history, x_title=_("optimiser step"), width=1060, height=300)
    return figure_svg(figure, alt=said.format(shares=at_the_end), fills=share_fills(history))


def _detail(explained: ExplainedPicture, dataset: DetectionDataset, language: Language) -> Markup:
    picture = input_picture(dataset.picture(explained.picture), explained.geometry)
    return picture_in_detail(explained.explanation, picture, language=language)


def _broken(dataset: DetectionDataset, language: Language) -> str:
    """How many annotations were left out or changed, "" for none."""
    actions = Counter(problem_action(problem, language) for problem in dataset.problems)
    return joined((f"{count} {action}" for action, count in sorted(actions.items())), language)
