"""The folder of a study: what is stored of the runs, and what is drawn from it.

``journal.log`` the trials as Optuna keeps them (unless they are in a database); ``results.json`` all that was
measured, which a report is drawn from again; ``results.csv`` the same for other programs; ``report.html`` the report.
"""

from __future__ import annotations

import csv
import io
from pathlib import Path

from yolosses.apps.pages.study import study_page
from yolosses.language import Language
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.structures import Result, StudyResults
from yolosses.training.data import DataError
from yolosses.training.files import write_json, write_text
from yolosses.training.typed_json import read_json

JOURNAL, RESULTS, TABLE, PAGE = "journal.log", "results.json", "results.csv", "report.html"


def write_results(folder: Path, study: StudyResults, language: Language) -> None:
    """Write the json, the table and the page."""
    write_json(folder / RESULTS, study.to_json())  # first: the others can be made again from it
    write_csv(folder / TABLE, study)
    write_text(folder / PAGE, study_page(study, language=language))


def read_results(folder: Path) -> StudyResults:
    """What `write_results` wrote. Raises `DataError` naming the file and what is wrong with it."""
    path = folder / RESULTS
    if not path.is_file():
        raise DataError(f"{folder}: expected the folder of a study; there is no {RESULTS} in it")
    study = read_json(path, StudyResults, what="the results of a study")
    for position, result in enumerate(study.results):
        if fault := _fault(result, study):  # it would stop a report later, far from the file
            raise DataError(f"{path}: results[{position}].setting: {fault}")
    return study


def _fault(result: Result, study: StudyResults) -> str | None:
    if set(result.setting) != set(study.parameters):
        return f"expected {', '.join(study.parameters)}; got {result.setting!r}"
    for name, level in result.setting.items():
        if level not in study.parameters[name]:
            return f"expected one of the study's values of {name}; got {level!r}"
    return None


def write_csv(path: Path, study: StudyResults) -> None:
    """One row a result: its trial, parameters and seed, every measure, the seconds of training. What is not defined is
    empty.
    """
    rows = io.StringIO(newline="")
    writer = csv.writer(rows)
    writer.writerow(["trial", *study.parameters, "seed", *MEASURES, "seconds"])
    for result in sorted(study.results, key=lambda result: result.trial):
        settings = (result.setting[name] for name in study.parameters)
        measures = (result.measures.get(name) for name in MEASURES)
        writer.writerow([result.trial, *settings, result.seed, *measures, result.seconds])
    write_text(path, rows.getvalue())
