"""``report.html``: where the loss of a data set comes from, which pictures and boxes are worst, which labels err."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from yolosses.apps.pages import picture_maps
from yolosses.apps.pages.findings import Finding, every_object, findings, in_picture, input_picture
from yolosses.apps.pages.marked_picture import Box, Mark, around
from yolosses.apps.pages.marked_picture import marked_picture as marked
from yolosses.apps.pages.page import Cell, Html, Section, page, table
from yolosses.apps.pages.picture_maps import picture_in_detail
from yolosses.apps.pages.report_texts import Texts, texts
from yolosses.apps.pages.term_marks import paired_bars, patterns, share_history, stacked_bar, swatch
from yolosses.explain.pictures.captions import captions, head_and_kind, number, percent
from yolosses.language import Language
from yolosses.studies.dataset_loss import DatasetLoss, ExplainedPicture, GroupLoss, ObjectLoss, PictureLoss
from yolosses.studies.label_errors import LabelSuspicion
from yolosses.studies.term_history import TermHistory
from yolosses.training.data import DetectionDataset

HERO_PICTURES = 3
SENTENCES = 3  # of each picture in the gallery
PROBLEMS = 12
OTHER_BOXES = 12  # that are responsible for nothing, in the report on one picture

STYLE = picture_maps.STYLE


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
    t = texts(language)
    worst = study.worst_pictures(top)
    sections = [
        Section(t.gallery, _gallery(study, worst, dataset, playground, language)),
        Section(t.errors, _suspicions(suspicions[:top], dataset, language)),
        Section(t.groups, _groups(study, language)),
        Section(t.history, _history(history, language)),
        Section(t.boxes, _objects(study, dataset, top, language)),
        Section(
            t.in_detail.format(name=worst[0].name),
            _detail(study.explained[worst[0].picture], dataset, language),
        ),
        Section(t.left_out, _left_out(study, dataset, log, language)),
    ]
    return page(
        t.title.format(data=source.data, split=source.split),
        sections,
        language=language,
        lead=patterns(len(study.scales)) + _hero(study, worst, dataset, source, language),
        style=STYLE,
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
    t, name = texts(language), dataset.records[explained.picture].name
    explanation = explained.explanation
    sums = explanation.by_term()
    weighted, raw = ({term: pair[i] for term, pair in sums.items()} for i in (1, 0))
    found = every_object(explained, language=language, others=OTHER_BOXES)
    lead = (
        patterns(len(weighted))
        + _verdict(t.picture_verdict, weighted, explanation.total, language)
        + f'<div class="hero"><div>{_terms(weighted, raw, explanation.scales, language)}'
        + f"{_playground(playground, language)}</div>"
        + f"<div>{_picture_with(explained, found[:SENTENCES], dataset, language)}{_legend(t)}</div></div>"
    )
    rows: list[list[Cell]] = [
        [
            rank,
            "–" if finding.object is None else finding.object + 1,
            finding.class_name or t.background,
            number(finding.loss),
            percent(finding.loss, explanation.total),
            finding.text,
        ]
        for rank, finding in enumerate(found, 1)
    ]
    columns = ["#", t.truth, t.class_name, t.loss, t.share, t.sentence]
    sections = [
        Section(t.one_in_detail, _detail(explained, dataset, language)),
        Section(t.every_object, _note(t.every_object_note) + table(columns, rows)),
    ]
    title = t.picture_title.format(name=name, data=source.data, split=source.split)
    return page(title, sections, language=language, lead=lead, style=STYLE)


# ------------------------------------------------------------ what is seen first


def _hero(
    study: DatasetLoss,
    worst: Sequence[PictureLoss],
    dataset: DetectionDataset,
    source: Source,
    language: Language,
) -> str:
    t, loss = texts(language), study.loss
    first = worst[0]
    ious = [obj.iou for obj in study.objects if obj.iou is not None]
    facts = [t.facts.format(pictures=f"{len(study.pictures):,}", objects=f"{len(study.objects):,}")]
    if ious:
        facts.append(t.iou_fact.format(iou=f"{sum(ious) / len(ious):.2f}"))
    facts.append(t.run_fact.format(run=source.run, loss=source.loss, version=source.version))
    times = t.worst.format(name=escape(first.name), loss=number(first.loss), times=_times(first.loss, loss))
    pictures = "".join(_hero_picture(study, picture, dataset, language) for picture in worst[:HERO_PICTURES])
    return (
        _verdict(t.verdict, study.terms, loss, language, after=times)
        + f'<p class="faint facts">{escape(t.comma.join(facts))}</p>'
        + f'<div class="hero"><div>{_terms(study.terms, study.unweighted, study.scales, language)}'
        + f'<p class="faint">{escape(t.bars_note)}</p></div>'
        + f"<div><h2>{escape(t.worst_pictures)}</h2>{pictures}</div></div>"
    )


def _verdict(
    sentence: str, terms: Mapping[str, float], loss: float, language: Language, *, after: str = ""
) -> str:
    t = texts(language)
    if loss == 0:
        return f'<p class="verdict">{escape(t.no_loss)}</p>'
    first = _dominating(terms)
    text = sentence.format(
        term=escape(first),
        label=escape(captions(language).term(first, terms)),
        share=percent(terms[first], loss),
        loss=number(loss),
    )
    meaning = escape(t.dominating.get(head_and_kind(first, terms)[1], ""))
    space = " " if language == "en" else ""
    return f'<p class="verdict">{text}{space}{after}</p><p>{meaning}</p>'


def _dominating(terms: Mapping[str, float]) -> str:
    """The largest term; one that is not finite before all others."""
    return max(terms, key=lambda name: terms[name] if math.isfinite(terms[name]) else math.inf)


def _terms(
    weighted: Mapping[str, float], raw: Mapping[str, float], scales: Mapping[str, float], language: Language
) -> str:
    """The table of terms, largest first, each with its pair of bars."""
    t, names = texts(language), list(scales)
    longest = max(
        (value for value in (*weighted.values(), *raw.values()) if math.isfinite(value)), default=0.0
    )
    loss, first = sum(weighted.values()), _dominating(weighted)
    rows = []
    for name in sorted(
        names, key=lambda name: -weighted[name] if math.isfinite(weighted[name]) else -math.inf
    ):
        index = names.index(name)
        label = captions(language).term(name, names)
        kind = head_and_kind(name, names)[1]
        meaning = f" – {t.meanings[kind]}" if kind in t.meanings else ""
        known = "" if label == name else f"<small>{escape(label + meaning)}</small>"
        rows.append(
            f'<tr{" class=first" if name == first else ""} data-term="{escape(name)}">'
            f'<th scope="row">{swatch(index)}<code>{escape(name)}</code>{known}</th>'
            f"<td>{paired_bars(index, weighted[name], raw[name], longest, width=230)}</td>"
            f'<td class="number">{number(raw[name])} × {scales[name]:g} = {number(weighted[name])}</td>'
            f'<td class="number">{percent(weighted[name], loss)}</td></tr>'
        )
    total = f'<tr><th scope="row">{escape(t.total)}</th><td></td><td class="number">{number(loss)}</td><td></td></tr>'
    equation = f"{escape(t.unweighted)} × {t.weight} = {escape(t.weighted)}"
    head = (
        f'<th scope="col">{escape(t.term)}</th><th scope="col">{escape(t.bars)}</th>'
        f'<th scope="col" class="number">{equation}</th><th scope="col" class="number">{escape(t.share)}</th>'
    )
    return f'<table class="terms"><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}{total}</tbody></table>'


def _hero_picture(
    study: DatasetLoss, picture: PictureLoss, dataset: DetectionDataset, language: Language
) -> str:
    t = texts(language)
    worst = findings(study.explained[picture.picture], language=language, top=SENTENCES)
    marks = [mark for finding in worst for mark in _marks(finding, "")]
    drawn = marked(
        dataset.picture(picture.picture),
        marks,
        alt=picture.name,
        max_side=300,
        shown=150,
    )
    times = t.times_mean.format(times=_times(picture.loss, study.loss))
    return (
        f'<div class="worst">{drawn}<div><b>{escape(picture.name)}</b><br>'
        f"{escape(t.loss)} {number(picture.loss)}{t.comma}{escape(times)}"
        f"{stacked_bar(list(picture.terms.values()), study.worst_pictures(1)[0].loss, width=150)}</div></div>"
    )


# ------------------------------------------------------------ sections


def _gallery(
    study: DatasetLoss,
    worst: Sequence[PictureLoss],
    dataset: DetectionDataset,
    playground: Mapping[int, str],
    language: Language,
) -> str:
    t = texts(language)
    cards = "".join(
        _card(study, rank, picture, dataset, playground.get(picture.picture), language)
        for rank, picture in enumerate(worst, 1)
    )
    return f'{_note(t.gallery_note)}{_legend(t)}<div class="cards">{cards}</div>'


def _card(
    study: DatasetLoss,
    rank: int,
    picture: PictureLoss,
    dataset: DetectionDataset,
    playground: str | None,
    language: Language,
) -> str:
    t = texts(language)
    explained = study.explained[picture.picture]
    found = findings(explained, language=language, top=SENTENCES)
    facts = [
        f"{t.loss} {number(picture.loss)}",
        t.times_mean.format(times=_times(picture.loss, study.loss)),
        t.counted.format(count=picture.num_answered + picture.num_dropped + picture.num_ignored),
    ]
    counts = (
        (picture.num_dropped, t.dropped_count),
        (picture.num_ignored, t.ignored_count),
        (picture.num_hidden, t.hidden_count),
    )
    facts += [text.format(count=count) for count, text in counts if count]
    sentences = "".join(f"<li><b>{number(f.loss)}</b>{escape(f.text)}</li>" for f in found)
    longest = study.worst_pictures(1)[0].loss
    return (
        f'<article class="card"><h3>{escape(t.rank.format(rank=rank, name=picture.name))}</h3>'
        f'<p class="faint">{escape(t.comma.join(facts))}</p>'
        f"{_picture_with(explained, found, dataset, language)}"
        f"{stacked_bar(list(picture.terms.values()), longest, width=540)}<ol>{sentences}</ol>"
        f"{_playground(playground, language)}</article>"
    )


def _playground(link: str | None, language: Language) -> str:
    if link is None:
        return ""
    t = texts(language)
    return f'<p class="play"><a href="{escape(link)}">{escape(t.play)}</a> <span class="faint">{t.play_note}</span></p>'


def _picture_with(
    explained: ExplainedPicture, found: Sequence[Finding], dataset: DetectionDataset, language: Language
) -> Html:
    """The picture with all its truths and what was found, numbered."""
    name = dataset.records[explained.picture].name
    marks = _truths(dataset, explained.picture)
    marks += [mark for rank, finding in enumerate(found, 1) for mark in _marks(finding, str(rank))]
    alt = texts(language).picture_alt.format(name=name, count=len(found))
    return marked(dataset.picture(explained.picture), marks, alt=alt, shown=540)


def _truths(dataset: DetectionDataset, picture: int) -> list[Mark]:
    return [Mark(box=_box(box), kind="faint") for box in dataset.records[picture].boxes.tolist()]


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


def _objects(study: DatasetLoss, dataset: DetectionDataset, top: int, language: Language) -> str:
    t = texts(language)
    worst = study.worst_objects(top)
    longest = worst[0].loss if worst else 0.0
    rows: list[list[Cell]] = [
        [
            rank,
            _crop(study.explained[obj.picture], obj, dataset, language),
            Html(
                f"<b>{escape(obj.class_name)}</b><br>"
                f"{escape(t.object_of.format(name=obj.name, number=obj.object + 1))}"
            ),
            Html(
                f"<b>{number(obj.loss)}</b>{stacked_bar(list(obj.terms.values()), longest, width=150)}"
                f"{escape(_about(study.explained[obj.picture], obj, language))}"
            ),
        ]
        for rank, obj in enumerate(worst, 1)
    ]
    columns = ["#", "", t.truth, f"{t.loss}{t.comma}{t.sentence}"]
    return f'{_note(t.boxes_note)}{_legend(t)}<div class="boxes">{table(columns, rows)}</div>'


def _crop(
    explained: ExplainedPicture, obj: ObjectLoss, dataset: DetectionDataset, language: Language
) -> Html:
    record = dataset.records[explained.picture]
    explained_object = explained.explanation.objects[explained.objects.index(obj.object)]
    marks = [Mark(box=obj.box, kind="truth")]
    pred = explained_object.pred_box
    if pred is not None:
        marks.append(Mark(box=in_picture(pred, explained.geometry), kind="answer"))
    boxes = [mark.box for mark in marks if all(map(math.isfinite, mark.box))]
    height, width = record.image_size
    return marked(
        dataset.picture(explained.picture),
        marks,
        alt=texts(language).box_alt.format(name=record.name, class_name=obj.class_name),
        max_side=260,
        part=around(boxes, aspect=width / height, margin=0.25),
        shown=130,
    )


def _about(explained: ExplainedPicture, obj: ObjectLoss, language: Language) -> str:
    of_target = explained.explanation.objects[explained.objects.index(obj.object)]
    return explained.explanation.about(of_target, language=language)


def _suspicions(suspicions: Sequence[LabelSuspicion], dataset: DetectionDataset, language: Language) -> str:
    t = texts(language)
    if not suspicions:
        return _note(t.no_errors)
    cards = "".join(
        _suspicion(rank, suspicion, dataset, language) for rank, suspicion in enumerate(suspicions, 1)
    )
    return f'{_note(t.errors_note)}<div class="cards">{cards}</div>'


def _suspicion(rank: int, suspicion: LabelSuspicion, dataset: DetectionDataset, language: Language) -> str:
    t = texts(language)
    marks = []
    if suspicion.box is not None:
        text = t.labelled.format(name=suspicion.label_name)
        marks.append(Mark(box=suspicion.box, kind="truth", text=text))
    if suspicion.pred_box is not None:
        text = t.predicted.format(name=suspicion.pred_name, score=f"{suspicion.pred_score:.2f}")
        marks.append(Mark(box=suspicion.pred_box, kind="other", text=text))
    height, width = suspicion.image_size
    part = around([mark.box for mark in marks], aspect=width / height, margin=0.3, least=0.4)
    drawn = marked(
        dataset.picture(suspicion.picture),
        marks,
        alt=t.error_alt.format(name=suspicion.name),
        max_side=380,
        part=part,
        shown=210,
    )
    places = []
    if suspicion.label_file is not None:
        written = t.comma.join(filter(None, (suspicion.label_file.name, suspicion.place)))
        places.append(f"<code>{escape(written)}</code>")
    sides = ((t.label_at, suspicion.edges("label")), (t.prediction_at, suspicion.edges("prediction")))
    for text, edges in sides:
        if edges is not None:
            left, top, right, bottom = edges
            shown = t.edges.format(left=left, top=top, right=right, bottom=bottom)
            places.append(escape(text.format(where=shown)))
    return (
        f'<article class="suspect">{drawn}<div>'
        f"<h3>{escape(t.rank.format(rank=rank, name=suspicion.name))}</h3>"
        f'<p><span class="kind">{escape(t.kinds[suspicion.kind])}</span>'
        f"{escape(t.doubt.format(score=f'{min(suspicion.score, 0.999):.3f}'))}</p>"
        f"<p>{escape(_sentence(suspicion.reason(language=language)))}</p>"
        f'<p class="faint">{"<br>".join(places)}</p></div></article>'
    )


def _groups(study: DatasetLoss, language: Language) -> str:
    t = texts(language)
    background = study.background
    sizes = {"pixel": t.pixel_sizes, "relative": t.relative_sizes}
    parts = [_note(t.groups_note), _term_legend(list(study.scales), language)]
    for title, groups, names in (
        (t.by_class, sorted(study.by_class(), key=lambda group: -group.loss), None),
        (t.by_pixels, study.by_pixels(), sizes["pixel"]),
        (t.by_relative_size, study.by_relative_size(), sizes["relative"]),
    ):
        parts.append(
            f"<h3>{escape(title)}</h3>{_group_table(groups, names, background, study.loss, language)}"
        )
    return "".join(parts)


def _group_table(
    groups: Sequence[GroupLoss],
    names: Mapping[str, str] | None,
    background: Mapping[str, float],
    loss: float,
    language: Language,
) -> str:
    t = texts(language)
    silent = sum(background.values())
    longest = max([silent, *(group.loss for group in groups)], default=0.0)
    rows: list[list[Cell]] = [
        [
            group.name if names is None else names[group.name],
            group.num_objects,
            "–" if group.mean_iou is None else round(group.mean_iou, 3),
            "–" if group.loss_per_object is None else group.loss_per_object,
            stacked_bar(list(group.terms.values()), longest, width=390),
            percent(group.loss, loss),
        ]
        for group in groups
    ]
    bar = stacked_bar(list(background.values()), longest, width=390)
    rows.append([t.background, "–", "–", "–", bar, percent(silent, loss)])
    columns = [t.group, t.objects, t.mean_iou, t.per_object, t.terms_of, t.share]
    return f'<div class="groups">{table(columns, rows)}</div>'


def _history(history: TermHistory | None, language: Language) -> str:
    t = texts(language)
    if history is None:
        return _note(t.no_history)
    shares, totals = history.shares, history.totals
    at_the_end = t.comma.join(f"{name} {values[-1]:.0%}" for name, values in shares.items())
    note = t.history_note.format(
        steps=f"{history.num_steps:,}", first=number(totals[0]), last=number(totals[-1])
    )
    drawn = share_history(
        history.steps,
        shares,
        labels={name: name for name in shares},
        x_title=t.step,
        alt=t.history_alt.format(shares=at_the_end),
    )
    return f"{_note(note)}{_term_legend(list(shares), language)}<figure>{drawn}</figure>"


def _detail(explained: ExplainedPicture, dataset: DetectionDataset, language: Language) -> str:
    picture = input_picture(dataset.picture(explained.picture), explained.geometry)
    return picture_in_detail(explained.explanation, picture, language=language)


def _left_out(
    study: DatasetLoss, dataset: DetectionDataset, log: Sequence[Mapping[str, Any]], language: Language
) -> str:
    t = texts(language)
    here = {
        kind: sum(getattr(picture, f"num_{kind}") for picture in study.pictures)
        for kind in ("answered", "dropped", "ignored", "hidden")
    }
    trained = {
        kind: sum(row.get(f"num_{kind}", 0) for row in log) for kind in ("answered", "dropped", "hidden")
    }
    words = {"answered": t.answered, "dropped": t.dropped, "ignored": t.ignored, "hidden": t.hidden}
    rows: list[list[Cell]] = [
        [words[kind], *_with_share(kind, here), *_with_share(kind, trained)] for kind in words
    ]
    counts = table([t.what, t.evaluated, t.share, t.trained, t.share], rows)
    return f'{_note(t.left_out_note)}<div class="whole">{counts}</div>{_problems(dataset, language)}'


def _with_share(kind: str, counts: Mapping[str, int]) -> list[Cell]:
    if kind not in counts or not sum(counts.values()):
        return ["–", "–"]
    return [counts[kind], percent(counts[kind], sum(counts.values()))]


def _problems(dataset: DetectionDataset, language: Language) -> str:
    t = texts(language)
    actions = Counter(problem.action for problem in dataset.problems)
    summary = t.comma.join(f"{count} {action}" for action, count in sorted(actions.items())) or t.none
    listed = [
        f"<li><code>{escape(problem.file.name)}</code>, {escape(problem.where)}: {escape(problem.reason)} "
        f"({problem.action})</li>"
        for problem in dataset.problems[:PROBLEMS]
    ]
    if len(dataset.problems) > PROBLEMS:
        listed.append(f"<li>{escape(t.more.format(count=len(dataset.problems) - PROBLEMS))}</li>")
    return f"<p>{escape(t.broken.format(summary=summary))}</p>" + (
        f"<ul>{''.join(listed)}</ul>" if listed else ""
    )


# ------------------------------------------------------------ small parts


def _legend(t: Texts) -> str:
    lines = {
        "truth": '<path d="M0 6H28" stroke="#1a1a1a" stroke-width="4"/>'
        '<path d="M0 6H28" stroke="#fff" stroke-width="1.4"/>',
        "answer": '<path d="M0 6H28" stroke="#0072b2" stroke-width="2.4"/>',
        "other": '<path d="M0 6H28" stroke="#d55e00" stroke-width="2.4" stroke-dasharray="6 3"/>',
    }
    entries = "".join(
        f'<span><svg width="28" height="12" aria-hidden="true">{line}</svg>{escape(t.legend[kind])}</span>'
        for kind, line in lines.items()
    )
    return f'<p class="faint legend">{entries}</p>'


def _term_legend(names: Sequence[str], language: Language) -> str:
    entries = "".join(
        f"<span>{swatch(index)}<code>{escape(name)}</code> {escape(captions(language).term(name, names))}</span>"
        for index, name in enumerate(names)
    )
    return f'<p class="faint legend">{entries}</p>'


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _note(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _times(loss: float, mean: float) -> str:
    return f"{loss / mean:.1f}" if mean else "–"


def _box(sides: Sequence[float]) -> Box:
    cx, cy, w, h = sides
    return cx, cy, w, h
