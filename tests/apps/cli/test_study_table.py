"""A study in the terminal: wide, narrow, in both languages, and before anything has finished."""

import io
import re
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.studies.ablation.synthetic import synthetic

from yolosses.apps.cli.study_table import SHOWN, study_tables
from yolosses.apps.pages.views.study import is_clear
from yolosses.apps.pages.views.study_selection import Selection
from yolosses.language import LANGUAGES, Language
from yolosses.studies.ablation.findings import findings
from yolosses.studies.ablation.sentences import sentence
from yolosses.studies.ablation.statistics import Table
from yolosses.studies.ablation.structures import StudyResults

SMALL = {"lambda_coord": (1, 5), "lambda_noobj": (0.1, 0.5, 2)}


@pytest.fixture(scope="module")
def study() -> StudyResults:
    return synthetic(lambdas=SMALL, seeds=2)


def printed(study: StudyResults, width: int = 100, language: Language = "en") -> str:
    file = io.StringIO()
    study_tables(study, Console(file=file, width=width), language=language)
    return file.getvalue()


def table_rows(text: str) -> list[list[str]]:
    """Cells of the rows below the rule, up to the empty line."""
    lines = text.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("──"))
    end = lines.index("", start)
    return [re.split(r"\s{2,}", line.strip()) for line in lines[start + 1 : end]]


def test_every_setting_has_its_row(study: StudyResults) -> None:
    rows = table_rows(printed(study))
    assert len(rows) == 6
    for setting, row in zip(study.settings, rows, strict=True):
        tagged = row[0] in ("best", "default", "best, default")
        cells = row[1:] if tagged else row
        assert cells[:3] == [str(setting["lambda_coord"]), str(setting["lambda_noobj"]), "2"]
        interval = Table.of(study, "map50").level(setting)
        assert interval
        half = (interval.high - interval.low) / 2
        assert cells[3] == f"{100 * interval.mean:.1f} ±{100 * half:.1f}"
        assert ("best" in row[0]) == (setting == Selection(study).best)
        assert ("default" in row[0]) == (setting == {"lambda_coord": 5, "lambda_noobj": 0.5})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_it_fits(study: StudyResults, width: int, language: Language) -> None:
    text = printed(study, width, language)
    assert max(cell_len(line.rstrip()) for line in text.splitlines()) <= width
    assert "…" not in text  # no cell is cut
    assert len(table_rows(text)) == 6
    assert "mAP50" in text


def test_more_measures_where_there_is_room(study: StudyResults) -> None:
    columns = [len(table_rows(printed(study, width))[1]) for width in (60, 80, 100, 160)]
    assert columns == sorted(columns)
    assert columns[0] < columns[2] < columns[3]
    wide = printed(study, 100)
    for head in ("mAP50", "mean IoU", "background", "missed"):
        assert head in wide


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_findings_follow(study: StudyResults, language: Language) -> None:
    text = re.sub(r"\s+", "", printed(study, 100, language))
    places = [text.index(re.sub(r"\s+", "", sentence(f, study, language))) for f in findings(study)]
    assert places == sorted(places)
    bullets = [line[0] for line in printed(study, 100, language).splitlines() if line[:2] in ("• ", "= ")]
    assert bullets == ["•" if is_clear(finding) else "=" for finding in findings(study)]


def test_before_any_run_has_finished(study: StudyResults) -> None:
    text = printed(replace(study, results=(), states={"running": 1, "waiting": 11}))
    assert "Trials: finished 0, running 1, waiting 11." in text.replace(" \n", " ")
    assert "No run has finished yet." in text
    assert "──" not in text


def test_one_seed_and_one_setting() -> None:
    text = printed(synthetic(lambdas={"lambda_coord": (5,)}, seeds=1))
    assert "±" not in text
    assert len(table_rows(text)) == 1


def test_of_many_settings_the_best_are_shown_and_the_default() -> None:
    levels = tuple(range(1, 41))
    study = synthetic(lambdas={"lambda_coord": levels}, seeds=1, noise=0.0)
    study = replace(study, defaults={"lambda_coord": 2})
    text = printed(study)
    *rows, more = table_rows(text)
    assert len(rows) == SHOWN + 1
    assert "default" in rows[-1]
    assert len(more) == 1
    assert f"and {40 - SHOWN - 1} more settings" in text


def test_names_are_no_markup(study: StudyResults) -> None:
    strange = replace(study, data="[red]data[/]", loss="[bold]")
    text = printed(strange)
    assert "[red]data[/]" in text
    levels = synthetic(lambdas={"size_term": ("[red]", "plain")}, seeds=2)
    assert "[red]" in printed(levels)
