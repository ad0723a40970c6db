"""``yolosses explain``: where the loss of a trained detector comes from, as a page and as json."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from yolosses.apps.cli.requests import ExplainRequest
from yolosses.apps.pages.playground_link import playground_link
from yolosses.apps.pages.replay import Replay, replay_report
from yolosses.apps.pages.report import dataset_report, picture_report
from yolosses.apps.runs.build import DetectorLoss, build_device, build_loss, load_detector
from yolosses.apps.runs.detections import batches_of
from yolosses.apps.runs.failures import CommandError
from yolosses.apps.runs.labels import picture_named, report_problems
from yolosses.apps.runs.say import say
from yolosses.apps.runs.splits import open_for
from yolosses.explain import find_nonfinite
from yolosses.explain.plain import plain
from yolosses.language import Language
from yolosses.structures import Targets
from yolosses.studies.dataset_loss import DatasetLoss, ExplainedPicture, explain_dataset, explain_one
from yolosses.studies.label_errors import LabelSuspicion, likely_label_errors
from yolosses.studies.term_history import term_history
from yolosses.training.data import Batches, printable
from yolosses.training.files import require_folder, write_json, write_text
from yolosses.training.run import RunFolder, Settings

SHOWN = 5  # pictures and suspicions in the terminal


def explain_run(request: ExplainRequest) -> None:
    """Write ``report.html`` and ``explanation.json`` on a data set, on one picture of it, or on a saved batch."""
    console, folder, language = Console(), RunFolder(request.run), request.language
    out = request.out or folder.path / "explanation"
    if request.replay is not None:
        if request.image is not None:
            raise CommandError("--image, --replay: expected one of them; got both")
        shown = _replayed(folder.settings(), request.replay)
        require_folder(out)
        _write(out, replay_report(shown, language=language), plain(_replay_values(shown)))
        say(console, escape(f"step {shown.step}: {shown.culprit or 'all numbers are finite'}"))
        _point_to(console, out)
        return
    where = build_device(request.device)
    settings, model, loss = load_detector(folder, where)
    dataset = open_for(settings, data=request.data, split=request.split, strict=request.strict)
    batches = batches_of(settings, dataset, where)
    of_data = {"data": dataset.name, "split": dataset.split}
    if request.image is not None:
        index = picture_named(dataset, printable(request.image), argument="--image")
        out = request.out or out / Path(dataset.records[index].name).stem
        require_folder(out)
        explained = explain_one(model, loss, batches, index, where)
        link = _links(loss, batches, [explained], language).get(index)
        html = picture_report(explained, dataset, playground=link, language=language)
        _write(out, html, {**of_data, **explained.explanation.to_json()})
        console.print(str(explained.explanation), highlight=False, markup=False, soft_wrap=True)
    else:
        require_folder(out)
        report_problems(console, [dataset], out / "problems.txt")
        with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
            task = progress.add_task("pictures", total=len(dataset))
            study = explain_dataset(
                model, loss, batches, where, top=request.top, iou_threshold=settings.nms_iou,
                progress=lambda done: progress.update(task, completed=done),
            )  # fmt: skip
        suspicions = likely_label_errors(dataset.records, study.detections, dataset.class_names)
        log = list(folder.log())
        history = term_history(log)
        worst = [study.explained[picture.picture] for picture in study.worst_pictures(request.top)]
        links = _links(loss, batches, worst, language)
        trained = (folder.path.resolve().name, settings.loss, settings.version)
        html = dataset_report(
            study, suspicions, dataset, history, log,
            trained=trained, top=request.top, playground=links, language=language,
        )  # fmt: skip
        values = {
            **of_data,
            **study.to_json(),
            "history": None if history is None else {"steps": history.steps, "terms": history.terms},
            "label_errors": [suspicion.to_json() for suspicion in suspicions],
        }
        _write(out, html, values)
        _summarise(console, study, suspicions)
    _point_to(console, out)


def _links(
    loss: DetectorLoss, batches: Batches, explained: Sequence[ExplainedPicture], language: Language
) -> dict[int, str]:
    """Links to the playground, by the position of the picture in the data set."""
    links = {}
    for each in explained:
        image = batches.batch(np.array([each.picture])).images[0]
        link = playground_link(loss, each.raw, each.targets, image, language=language)
        if link is not None:
            links[each.picture] = link
    return links


def _summarise(console: Console, study: DatasetLoss, suspicions: Sequence[LabelSuspicion]) -> None:
    total = study.loss
    for name, value in sorted(study.terms.items(), key=lambda entry: -entry[1]):
        share = f"{value / total:.0%}" if total else "-"
        console.print(
            f"{name:<8}{study.unweighted[name]:>10.4f} x {study.scales[name]:<6g}= {value:>9.4f}  {share:>4}",
            highlight=False,
        )
    console.print(f"loss {total:.4f} a picture", highlight=False)
    console.print("worst pictures:", highlight=False)
    for picture in study.worst_pictures(SHOWN):
        say(console, f"  {picture.loss:9.4f}  {escape(picture.name)}")
    if suspicions:
        console.print(f"likely label errors ({len(suspicions)}):", highlight=False)
    for suspicion in suspicions[:SHOWN]:
        number = (
            "" if suspicion.object is None else f", {suspicion.place or f'object {suspicion.object + 1}'}"
        )
        say(
            console,
            f"  {min(suspicion.score, 0.999):.3f}  {escape(suspicion.name + number)}: {escape(suspicion.reason())}",
        )


def _point_to(console: Console, out: Path) -> None:
    say(console, f"report.html and explanation.json are in [bold]{escape(str(out))}[/]")


def _write(out: Path, html: str, values: dict[str, Any]) -> None:
    write_text(out / "report.html", html)
    write_json(out / "explanation.json", values)


# ------------------------------------------------------------ a saved batch


def _replay_values(shown: Replay) -> dict[str, Any]:
    culprit = shown.culprit
    return {
        "step": shown.step,
        "pictures": [
            {"name": name, "terms": dict(zip(shown.terms, row, strict=True))}
            for name, row in zip(shown.names, shown.losses.tolist(), strict=True)
        ],
        "culprit": culprit and {**asdict(culprit), "message": str(culprit), "value": str(culprit.value)},
    }


def _replayed(settings: Settings, file: Path) -> Replay:
    """The batch in ``file`` and its loss now."""
    loss, saved = build_loss(settings), _read_batch(file)
    try:
        kept = {name: saved[name] for name in ("weight", "ignore") if name in saved}
        targets = Targets(boxes=saved["boxes"], labels=saved["labels"], mask=saved["mask"], **kept)
        names, raw = tuple(map(str, saved["names"])), saved["raw"]
        culprit = find_nonfinite(loss, raw, targets, class_names=settings.class_names, image_names=names)
        with torch.no_grad():
            output = loss(raw, targets)
        return Replay(
            images=saved["images"],
            targets=targets,
            names=names,
            class_names=settings.class_names,
            step=int(saved["step"]),
            terms=tuple(output.terms),
            losses=output.per_image.double().numpy(),
            culprit=culprit,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise CommandError(
            f"--replay {file}: expected a batch that a run with these settings saved; {error}"
        ) from error


def _read_batch(file: Path) -> dict[str, Any]:
    if not file.is_file():
        raise CommandError(f"--replay {file}: expected a saved batch; there is no such file")
    try:
        saved = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:
        raise CommandError(f"--replay {file}: expected a saved batch; it cannot be read as one") from error
    if not isinstance(saved, dict):
        raise CommandError(f"--replay {file}: expected a saved batch; got {type(saved).__name__}")
    return saved
