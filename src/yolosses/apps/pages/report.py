"""``report.html``: where the loss of a data set comes from, which pictures and boxes are worst, which labels err."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from markupsafe import Markup

from yolosses.apps.pages.charts.shares import share_fills, shares
from yolosses.apps.pages.figure import figure_svg
from yolosses.apps.pages.findings import Finding, every_object, findings, in_picture, input_picture
from yolosses.apps.pages.marked_picture import Mark, PictureView, around, as_box, pictures_of
from yolosses.apps.pages.picture_maps import picture_in_detail
from yolosses.apps.pages.render import render
from yolosses.explain.terms import term_fault, term_meaning, term_name
from yolosses.language import Language, catalogue, joined
from yolosses.studies.dataset_loss import DatasetLoss, ExplainedPicture, ObjectLoss
from yolosses.studies.doctor.summary import problem_action
from yolosses.studies.label_errors import LabelSuspicion
from yolosses.studies.term_history import TermHistory
from yolosses.training.data import DetectionDataset

SENTENCES = 3  # of each picture in the gallery
PROBLEMS = 12
OTHER_BOXES = 12  # that are responsible for nothing, in the report on one picture


Share = tuple[int, float] | None  # how many, and what part of all; None: not known


@dataclass(frozen=True, kw_only=True)
class TermView:
    """A term of the loss.

    Attributes:
        index: its place in the loss, which gives it its fill.
        label: what people call it. meaning: what it punishes; fault: the same as a sentence; "" if unknown.
    """

    index: int
    name: str
    label: str
    meaning: str
    fault: str
    raw: float
    scale: float
    weighted: float


@dataclass(frozen=True, kw_only=True)
class LossView:
    """The terms, largest first, and their sum. ``longest``: what the longest bar stands for."""

    terms: tuple[TermView, ...]
    total: float
    longest: float


def dataset_report(
    study: DatasetLoss,
    suspicions: Sequence[LabelSuspicion],
    dataset: DetectionDataset,
    history: TermHistory | None,
    log: Sequence[Mapping[str, Any]],
    *,
    trained: tuple[str, str, str],
    top: int,
    playground: Mapping[int, str],
    language: Language,
) -> str:
    """The report on a data set, as html.

    Args:
        suspicions: most doubtful first.
        history, log: of the training run. trained: its name, its loss, the version of yolosses that did it.
        top: pictures, objects and suspicions that are shown.
        playground: links that open pictures in the playground, by their position in the data set.
    """
    worst = study.worst_pictures(top)
    found = [findings(study.explained[p.picture], language=language, top=SENTENCES) for p in worst]
    return render(
        "report.html",
        language,
        dataset=dataset,
        loss=_loss(study.terms, study.unweighted, study.scales, language),
        study=study,
        trained=trained,
        cards=list(zip(worst, found, strict=True)),
        playground=playground,
        picture_with=partial(_picture_with, dataset),
        small_picture=_small_picture,
        suspicions=suspicions[:top],
        suspected=partial(_suspected, language),
        history=history,
        num_steps=sum(math.isfinite(row["total"]) for row in log),
        shares=None if history is None else _shares(history, language),
        objects=[_object(study, obj, dataset, language) for obj in study.worst_objects(top)],
        detail=_detail(study.explained[worst[0].picture], dataset, language),
        fates=_fates(study, log),
        broken=_broken(dataset, language),
        problem_action=problem_action,
        most_problems=PROBLEMS,
        marked=pictures_of(dataset),
    )


def picture_report(
    explained: ExplainedPicture,
    dataset: DetectionDataset,
    *,
    playground: str | None,
    language: Language,
) -> str:
    """The report on one picture, as html. ``playground``: a link that opens it in the playground."""
    explanation, found = explained.explanation, every_object(explained, language=language, others=OTHER_BOXES)
    sums = explanation.by_term()
    weighted, raw = ({term: pair[i] for term, pair in sums.items()} for i in (1, 0))
    return render(
        "report_picture.html",
        language,
        name=dataset.records[explained.picture].name,
        dataset=dataset,
        loss=_loss(weighted, raw, explanation.scales, language),
        picture=_picture_with(dataset, explained.picture, found[:SENTENCES]),
        numbered=found[:SENTENCES],
        found=found,
        detail=_detail(explained, dataset, language),
        playground=playground,
        marked=pictures_of(dataset),
    )


def _loss(
    weighted: Mapping[str, float], raw: Mapping[str, float], scales: Mapping[str, float], language: Language
) -> LossView:
    names = list(scales)
    terms = [
        TermView(
            index=index,
            name=name,
            label=term_name(name, names, language=language),
            meaning=term_meaning(name, names, language=language),
            fault=term_fault(name, names, language=language),
            raw=raw[name],
            scale=scale,
            weighted=weighted[name],
        )
        for index, (name, scale) in enumerate(scales.items())
    ]
    terms.sort(key=lambda term: -term.weighted if math.isfinite(term.weighted) else -math.inf)
    values = (value for value in (*weighted.values(), *raw.values()) if math.isfinite(value))
    return LossView(terms=tuple(terms), total=sum(weighted.values()), longest=max(values, default=0.0))


def _shares(history: TermHistory, language: Language) -> Markup:
    _ = catalogue(language).gettext
    at_the_end = joined((f"{name} {values[-1]:.0%}" for name, values in history.shares.items()), language)
    said = _("Shares of the terms in the training loss from the first step to the last; at the end {shares}")
    figure = shares(history, x_title=_("optimiser step"), width=1060, height=300)
    return figure_svg(figure, alt=said.format(shares=at_the_end), fills=share_fills(history))


def _fates(study: DatasetLoss, log: Sequence[Mapping[str, Any]]) -> list[tuple[str, Share, Share]]:
    """What became of the objects, in the data set and in training."""
    kinds = ("answered", "dropped", "ignored", "hidden")
    here = {kind: sum(getattr(picture, f"num_{kind}") for picture in study.pictures) for kind in kinds}
    trained = {kind: sum(row.get(f"num_{kind}", 0) for row in log) for kind in kinds if kind != "ignored"}
    return [(kind, _share(kind, here), _share(kind, trained)) for kind in kinds]


def _share(kind: str, counts: Mapping[str, int]) -> Share:
    of = sum(counts.values())
    return (counts[kind], counts[kind] / of) if kind in counts and of else None


def _broken(dataset: DetectionDataset, language: Language) -> str:
    """How many annotations were left out or changed, "" for none."""
    actions = Counter(problem_action(problem, language) for problem in dataset.problems)
    return joined((f"{count} {action}" for action, count in sorted(actions.items())), language)


# ------------------------------------------------------------ pictures


def _detail(explained: ExplainedPicture, dataset: DetectionDataset, language: Language) -> Markup:
    picture = input_picture(dataset.picture(explained.picture), explained.geometry)
    return picture_in_detail(explained.explanation, picture, language=language)


def _picture_with(dataset: DetectionDataset, picture: int, found: Iterable[Finding]) -> PictureView:
    """The picture with all its truths and what was found, numbered."""
    record = dataset.records[picture]
    marks = [Mark(box=as_box(box), kind="faint") for box in record.boxes.tolist()]
    marks += [mark for rank, finding in enumerate(found, 1) for mark in _marks(finding, str(rank))]
    return PictureView(index=picture, name=record.name, marks=marks)


def _small_picture(picture: int, name: str, found: Iterable[Finding]) -> PictureView:
    """What was found, without numbers and without the other truths."""
    marks = [mark for finding in found for mark in _marks(finding, "")]
    return PictureView(index=picture, name=name, marks=marks)


def _marks(finding: Finding, text: str) -> list[Mark]:
    marks = []
    if finding.truth is not None:
        marks.append(Mark(box=finding.truth, kind="truth", text=text))
    if finding.pred is not None:
        answers = finding.truth is not None
        marks.append(
            Mark(box=finding.pred, kind="answer" if answers else "other", text="" if answers else text)
        )
    return marks


def _object(
    study: DatasetLoss, obj: ObjectLoss, dataset: DetectionDataset, language: Language
) -> tuple[ObjectLoss, PictureView, str]:
    """An object, the picture around it, and what is said of it."""
    explained, record = study.explained[obj.picture], dataset.records[obj.picture]
    of_target = explained.explanation.objects[explained.objects.index(obj.object)]
    marks = [Mark(box=obj.box, kind="truth")]
    if of_target.pred_box is not None:
        marks.append(Mark(box=in_picture(of_target.pred_box, explained.geometry), kind="answer"))
    boxes = [mark.box for mark in marks if all(map(math.isfinite, mark.box))]
    height, width = record.image_size
    part = around(boxes, aspect=width / height, margin=0.25)
    view = PictureView(index=obj.picture, name=record.name, marks=marks, part=part)
    return obj, view, explained.explanation.about(of_target, language=language)


def _suspected(language: Language, suspicion: LabelSuspicion) -> PictureView:
    """A label in doubt and the prediction that speaks against it."""
    words = catalogue(language)
    marks = []
    if suspicion.box is not None:
        text = words.gettext("labelled {name}").format(name=suspicion.label_name)
        marks.append(Mark(box=suspicion.box, kind="truth", text=text))
    if suspicion.pred_box is not None:
        said = words.gettext("predicted {name} {score}")
        text = said.format(name=suspicion.pred_name, score=f"{suspicion.pred_score:.2f}")
        marks.append(Mark(box=suspicion.pred_box, kind="other", text=text))
    height, width = suspicion.image_size
    part = around([mark.box for mark in marks], aspect=width / height, margin=0.3, least=0.4)
    return PictureView(index=suspicion.picture, name=suspicion.name, marks=marks, part=part)
