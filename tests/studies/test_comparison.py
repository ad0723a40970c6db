"""What is compared: ranks, means over seeds, what dominates; and it comes back from json."""

from pathlib import Path

import pytest

from yolosses.studies.comparison import (
    ComparedRun,
    Comparison,
    Point,
    costliest_error,
    largest_term,
)
from yolosses.training.data import DataError
from yolosses.training.files import write_json
from yolosses.training.typed_json import read_json


def run(
    loss: str, seed: int, score: float | None, *, term: str = "cls", error: str = "missed"
) -> ComparedRun:
    half = None if score is None else score / 2
    return ComparedRun(
        loss=loss,
        seed=seed,
        parameters=1_000_000,
        term=(term, 0.5 + seed / 10),
        error=(error, 0.1),
        points=(
            Point(images=40, seconds=10.0, map50=0.0, map50_95=0.0),
            Point(images=80, seconds=20.0, map50=score, map50_95=half),
        ),
    )


def comparison(*runs: ComparedRun) -> Comparison:
    return Comparison(
        data="shapes",
        train_split="train",
        eval_split="val",
        num_pictures={"train": 24, "val": 12},
        image_size=(64, 64),
        budget={"minutes": 5.0},
        runs=runs,
    )


def test_losses_are_ranked_by_their_mean() -> None:
    found = comparison(run("v1", 0, 0.9), run("v8", 0, 0.6), run("v8", 1, 1.0), run("v3", 0, None)).ranked()
    assert [loss.loss for loss in found] == ["v1", "v8", "v3"]
    v1, v8, v3 = found
    assert v8.mean("map50") == pytest.approx(0.8)
    assert v8.mean("map50_95") == pytest.approx(0.4)
    assert v8.deviation("map50") == pytest.approx(0.08**0.5)
    assert v1.deviation("map50") is None
    assert v8.spread("map50") == (min(run.map50 for run in v8.runs), max(run.map50 for run in v8.runs))
    assert v1.spread("map50") is None
    assert v3.mean("map50") is None
    assert v8.images_per_second == pytest.approx(4.0)
    assert len(v8.points()) == len(v8.points()[0]) == 2


def test_what_dominates_over_seeds() -> None:
    (loss,) = comparison(
        run("v1", 0, 0.5, term="xy"), run("v1", 1, 0.5, error="both"), run("v1", 2, 0.5)
    ).ranked()
    assert loss.term == ("cls", pytest.approx(0.65))
    assert loss.error == ("missed", pytest.approx(0.1))


def test_the_largest_term_is_that_of_the_last_steps() -> None:
    rows = [{"terms": {"box": 9.0, "cls": 1.0}}] * 90 + [{"terms": {"box": 1.0, "cls": 3.0}}] * 10
    assert largest_term(rows) == ("cls", pytest.approx(0.75))
    assert largest_term(rows[:1]) == ("box", pytest.approx(0.9))
    assert largest_term([{"terms": {"box": 0.0}}]) is None
    assert largest_term([]) is None


def test_the_costliest_error() -> None:
    assert costliest_error({"missed": 0.1, "both": 0.3, "duplicate": None}) == ("both", 0.3)
    assert costliest_error({"missed": None}) is None
    assert costliest_error({"missed": 0.0, "both": 0.0}) is None


def test_json_and_back(tmp_path: Path) -> None:
    whole = comparison(run("v1", 0, 0.9), run("v3", 0, None))
    file = tmp_path / "compare.json"
    write_json(file, whole.to_json())
    assert read_json(file, Comparison, what="a comparison") == whole
    assert [row["loss"] for row in whole.to_json()["summary"]] == ["v1", "v3"]
    write_json(file, {"runs": []})
    with pytest.raises(
        DataError, match=r"compare.json: expected a comparison; data: expected a value; got none"
    ):
        read_json(file, Comparison, what="a comparison")
