"""What the reports on a data set and on one picture show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yolosses.apps.pages.findings import Finding, every_object, findings, in_picture
from yolosses.apps.pages.marked_picture import Mark, PictureView, around, as_box
from yolosses.explain.explanation import Explanation
from yolosses.explain.terms import term_fault, term_meaning, term_name
from yolosses.language import Language, catalogue, joined
from yolosses.studies.dataset_loss import DatasetLoss, ExplainedPicture, GroupLoss, ObjectLoss, PictureLoss
from yolosses.studies.doctor.summary import problem_action
from yolosses.studies.label_errors import LabelSuspicion
from yolosses.training.data import DetectionDataset

SENTENCES = 3  # of each picture in the gallery
PROBLEMS = 12
OTHER_BOXES = 12  # that are responsible for nothing, in the report on one picture


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


@dataclass(frozen=True, kw_only=True)
class CardView:
    """A picture of the gallery: its loss, and what costs most in it."""

    loss: PictureLoss
    picture: PictureView
    found: tuple[Finding, ...]
    playground: str | None


@dataclass(frozen=True, kw_only=True)
class ObjectView:
    """An object, the picture around it, and what is said of it."""

    object: ObjectLoss
    picture: PictureView
    text: str


@dataclass(frozen=True, kw_only=True)
class SuspicionView:
    """A label in doubt. ``file``: where it is written, "" if that is not known."""

    suspicion: LabelSuspicion
    picture: PictureView
    reason: str
    file: str


@dataclass(frozen=True, kw_only=True)
class GroupView:
    """Objects of a class or a size; of the background, which has no objects, most is None."""

    name: str
    objects: int | None
    mean_iou: float | None
    per_object: float | None
    terms: tuple[float, ...]
    loss: float


@dataclass(frozen=True, kw_only=True)
class PartView:
    """How many objects had a fate, in the data set and in training, and which share that is; None: not known."""

    kind: str
    here: tuple[int, float] | None
    trained: tuple[int, float] | None


@dataclass(frozen=True, kw_only=True)
class ProblemView:
    """A broken annotation."""

    file: str
    where: str
    reason: str
    action: str


def loss_of_dataset(study: DatasetLoss, language: Language) -> LossView:
    """Means over the pictures."""
    return _loss(study.terms, study.unweighted, study.scales, language)


def loss_of_picture(explanation: Explanation, language: Language) -> LossView:
    """Of one picture."""
    sums = explanation.by_term()
    weighted, raw = ({term: pair[i] for term, pair in sums.items()} for i in (1, 0))
    return _loss(weighted, raw, explanation.scales, language)


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


def cards(
    study: DatasetLoss,
    dataset: DetectionDataset,
    top: int,
    playground: Mapping[int, str],
    language: Language,
) -> list[CardView]:
    """The worst pictures."""
    shown = []
    for loss in study.worst_pictures(top):
        explained = study.explained[loss.picture]
        found = findings(explained, language=language, top=SENTENCES)
        shown.append(
            CardView(
                loss=loss,
                picture=picture_with(explained, found, dataset),
                found=tuple(found),
                playground=playground.get(loss.picture),
            )
        )
    return shown


def picture_with(
    explained: ExplainedPicture, found: Iterable[Finding], dataset: DetectionDataset
) -> PictureView:
    """The picture with all its truths and what was found, numbered."""
    record = dataset.records[explained.picture]
    marks = [Mark(box=as_box(box), kind="faint") for box in record.boxes.tolist()]
    marks += [mark for rank, finding in enumerate(found, 1) for mark in _marks(finding, str(rank))]
    return PictureView(index=explained.picture, name=record.name, marks=tuple(marks))


def small_picture(card: CardView) -> PictureView:
    """What was found, without numbers and without the other truths."""
    marks = tuple(mark for finding in card.found for mark in _marks(finding, ""))
    return PictureView(index=card.picture.index, name=card.picture.name, marks=marks)


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


def findings_of(explained: ExplainedPicture, language: Language) -> list[Finding]:
    """Every object of a picture, and some of the other boxes, largest loss first."""
    return every_object(explained, language=language, others=OTHER_BOXES)


def objects(study: DatasetLoss, dataset: DetectionDataset, top: int, language: Language) -> list[ObjectView]:
    """Those with the largest loss."""
    return [_object(study.explained[obj.picture], obj, dataset, language) for obj in study.worst_objects(top)]


def _object(
    explained: ExplainedPicture, obj: ObjectLoss, dataset: DetectionDataset, language: Language
) -> ObjectView:
    record, explanation = dataset.records[explained.picture], explained.explanation
    of_target = explanation.objects[explained.objects.index(obj.object)]
    marks = [Mark(box=obj.box, kind="truth")]
    if of_target.pred_box is not None:
        marks.append(Mark(box=in_picture(of_target.pred_box, explained.geometry), kind="answer"))
    boxes = [mark.box for mark in marks if all(map(math.isfinite, mark.box))]
    height, width = record.image_size
    part = around(boxes, aspect=width / height, margin=0.25)
    return ObjectView(
        object=obj,
        picture=PictureView(index=explained.picture, name=record.name, marks=tuple(marks), part=part),
        text=explanation.about(of_target, language=language),
    )


def suspicions(suspected: Iterable[LabelSuspicion], language: Language) -> list[SuspicionView]:
    """Labels that the detector contradicts."""
    return [_suspicion(suspicion, language) for suspicion in suspected]


def _suspicion(suspicion: LabelSuspicion, language: Language) -> SuspicionView:
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
    file = None if suspicion.label_file is None else suspicion.label_file.name
    reason = suspicion.reason(language=language)
    return SuspicionView(
        suspicion=suspicion,
        picture=PictureView(index=suspicion.picture, name=suspicion.name, marks=tuple(marks), part=part),
        reason=reason[:1].upper() + reason[1:],
        file="" if file is None else joined(filter(None, (file, suspicion.place)), language),
    )


def groups(found: Iterable[GroupLoss], names: Mapping[str, str] | None = None) -> list[GroupView]:
    """``names``: what people call the groups."""
    return [
        GroupView(
            name=group.name if names is None else names[group.name],
            objects=group.num_objects,
            mean_iou=group.mean_iou,
            per_object=group.loss_per_object,
            terms=tuple(group.terms.values()),
            loss=group.loss,
        )
        for group in found
    ]


def background(study: DatasetLoss, language: Language) -> GroupView:
    """Boxes that are responsible for nothing."""
    terms = tuple(study.background.values())
    name = catalogue(language).gettext("background")
    return GroupView(name=name, objects=None, mean_iou=None, per_object=None, terms=terms, loss=sum(terms))


def fates(study: DatasetLoss, log: Sequence[Mapping[str, Any]]) -> list[PartView]:
    """What became of the objects."""
    kinds = ("answered", "dropped", "ignored", "hidden")
    here = {kind: sum(getattr(picture, f"num_{kind}") for picture in study.pictures) for kind in kinds}
    trained = {kind: sum(row.get(f"num_{kind}", 0) for row in log) for kind in kinds if kind != "ignored"}
    return [PartView(kind=kind, here=_share(kind, here), trained=_share(kind, trained)) for kind in kinds]


def _share(kind: str, counts: Mapping[str, int]) -> tuple[int, float] | None:
    of = sum(counts.values())
    return (counts[kind], counts[kind] / of) if kind in counts and of else None


def problems(dataset: DetectionDataset, language: Language) -> list[ProblemView]:
    """The first of the broken annotations."""
    return [
        ProblemView(
            file=problem.file.name,
            where=problem.where,
            reason=problem.reason,
            action=problem_action(problem, language),
        )
        for problem in dataset.problems[:PROBLEMS]
    ]
