"""The files of a study: written, read again, and refused when broken."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from tests.studies.ablation.synthetic import synthetic

from yolosses.apps.cli.study_files import PAGE, RESULTS, TABLE, read_results, write_csv, write_results
from yolosses.studies.ablation.measures import MEASURES
from yolosses.studies.ablation.structures import StudyResults
from yolosses.training.data import DataError


@pytest.fixture(scope="module")
def study() -> StudyResults:
    # At lambda_coord = 0 there is no mean IoU.
    return synthetic(lambdas={"lambda_coord": (0, 5), "size_term": ("sqrt", "ln, of w")}, seeds=2)


@pytest.fixture(scope="module")
def folder(study: StudyResults, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("study")
    write_results(path, study, "zh-TW")
    return path


def test_what_is_written_is_read_again(study: StudyResults, folder: Path) -> None:
    assert read_results(folder) == study
    html = (folder / PAGE).read_text("utf-8")
    assert '<html lang="zh-TW">' in html
    again = folder / "again"
    again.mkdir()
    write_results(again, read_results(folder), "zh-TW")
    for name in (RESULTS, TABLE, PAGE):
        assert (again / name).read_bytes() == (folder / name).read_bytes()


def test_the_table_has_a_row_a_result(study: StudyResults, folder: Path) -> None:
    with (folder / TABLE).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["trial", "lambda_coord", "size_term", "seed", *MEASURES, "seconds"]
    assert len(rows) == len(study.results) == 8
    for row, result in zip(rows, study.results, strict=True):
        assert (int(row["trial"]), int(row["seed"])) == (result.trial, result.seed)
        assert float(row["lambda_coord"]) == result.setting["lambda_coord"]
        assert row["size_term"] == result.setting["size_term"]
        for name in MEASURES:
            value = result.measures[name]
            assert row[name] == ("" if value is None else repr(value))
    assert rows[0]["mean_iou"] == ""


def test_a_study_without_results_has_a_table_without_rows(study: StudyResults, tmp_path: Path) -> None:
    empty = StudyResults(**{**study.__dict__, "results": ()})
    write_csv(tmp_path / TABLE, empty)
    assert len((tmp_path / TABLE).read_text("utf-8").splitlines()) == 1


def test_there_is_no_study(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"expected the folder of a study; there is no {RESULTS} in it"):
        read_results(tmp_path)
    with pytest.raises(DataError, match="expected the folder of a study"):
        read_results(tmp_path / "nowhere")


def without_parameters(value: Any) -> None:
    del value["parameters"]


def without_a_setting(value: Any) -> None:
    del value["results"][1]["setting"]["size_term"]


def with_a_strange_level(value: Any) -> None:
    value["results"][2]["setting"]["size_term"] = "cube"


def with_text_as_measure(value: Any) -> None:
    value["results"][0]["measures"]["map50"] = "high"


def with_yes_as_measure(value: Any) -> None:
    value["results"][0]["measures"]["map50"] = True


def with_a_strange_key(value: Any) -> None:
    value["results"][0]["mood"] = 1


def with_a_list_of_parameters(value: Any) -> None:
    value["parameters"] = ["lambda_coord"]


def with_a_list_of_measures(value: Any) -> None:
    value["results"][3]["measures"] = [0.5]


def with_a_number_as_results(value: Any) -> None:
    value["results"] = 3


@pytest.mark.parametrize(
    ("break_it", "told"),
    [
        (without_parameters, "parameters: expected a value; got none"),
        (without_a_setting, "results[1].setting: expected lambda_coord, size_term; got {'lambda_coord': 0}"),
        (
            with_a_strange_level,
            "results[2].setting: expected one of the study's values of size_term; got 'cube'",
        ),
        (with_text_as_measure, "results[0].measures.map50: expected a number; got 'high'"),
        (with_yes_as_measure, "results[0].measures.map50: expected a number; got True"),
        (with_a_strange_key, "mood"),
        (with_a_list_of_parameters, "expected the results of a study"),
        (with_a_list_of_measures, "expected the results of a study"),
        (with_a_number_as_results, "expected the results of a study"),
    ],
)
def test_broken_results_are_told_in_one_line(folder: Path, tmp_path: Path, break_it: Any, told: str) -> None:
    value = json.loads((folder / RESULTS).read_text("utf-8"))
    break_it(value)
    (tmp_path / RESULTS).write_text(json.dumps(value), "utf-8")
    with pytest.raises(DataError) as raised:
        read_results(tmp_path)
    message = str(raised.value)
    assert message.startswith(str(tmp_path / RESULTS))
    assert told in message
    assert "\n" not in message


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"null", b"\xff\xfe"])
def test_what_is_no_json_is_told_in_one_line(tmp_path: Path, content: bytes) -> None:
    (tmp_path / RESULTS).write_bytes(content)
    with pytest.raises(DataError, match="expected the results of a study") as raised:
        read_results(tmp_path)
    assert "\n" not in str(raised.value)
