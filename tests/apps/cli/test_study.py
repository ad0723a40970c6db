"""``yolosses study`` as a person uses it: real trainings of small detectors, stopped, resumed, shown again."""

import csv
import json
import re
import signal
import time
from pathlib import Path

import pytest
from tests.apps.cli.command import Begun, fail, succeed
from tests.apps.cli.test_cli import write_pictures

pytest.importorskip("optuna")

STUDY = (
    "--vary",
    "lambda_coord=0,5",
    "--seeds",
    "3",
    "--image-size",
    "64",
    "--device",
    "cpu",
    "--epochs-each",
    "15",
)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set, ``shapes``, and a study of it, ``study``, in which one value cannot work: coordinates
    multiplied by 0."""
    root = tmp_path_factory.mktemp("work")
    write_pictures(root / "shapes", "train", range(24))
    write_pictures(root / "shapes", "val", range(24, 36))
    (root / "shapes" / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [red, blue]\n")
    (root / "said.txt").write_text(succeed("study", "shapes", *STUDY, "--out", "study", cwd=root))
    return root


def test_a_planted_fault_is_found(work: Path) -> None:
    said = " ".join((work / "said.txt").read_text().split())
    assert "With lambda_coord = 0 the detector is unable to localise" in said, said
    results = json.loads((work / "study" / "results.json").read_text("utf-8"))["results"]
    covered = {
        level: [r["measures"]["covered"] for r in results if r["setting"]["lambda_coord"] == level]
        for level in (0.0, 5.0)
    }
    assert len(covered[0.0]) == len(covered[5.0]) == 3
    assert max(covered[0.0]) < min(covered[5.0])


def test_what_is_left_in_the_folder(work: Path) -> None:
    page = (work / "study" / "report.html").read_text("utf-8")
    assert page.startswith("<!DOCTYPE html>")
    assert "http://" not in page.replace("http://www.w3.org", "")
    with (work / "study" / "results.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["lambda_coord"], row["seed"]) for row in rows] == [
        (level, seed) for seed in "012" for level in ("0.0", "5.0")
    ]
    assert all(0 <= float(row["map50"]) <= 1 for row in rows)


def test_the_same_command_repeats_no_finished_run(work: Path) -> None:
    before = (work / "study" / "results.json").read_bytes()
    said = succeed("study", "shapes", *STUDY, "--out", "study", cwd=work)
    assert "6 done already" in said
    assert "seed 0: mAP50" not in said
    assert (work / "study" / "results.json").read_bytes() == before


def test_another_study_in_the_same_folder_is_refused(work: Path) -> None:
    line = fail("study", "shapes", *STUDY[2:], "--vary", "lambda_coord=1,5", "--out", "study", cwd=work)
    assert "as in the study that is there already" in line


def test_a_stopped_study_goes_on(work: Path) -> None:
    study = ("study", "shapes", *STUDY[:-1], "8", "--out", "stopped")
    process = Begun(*study, cwd=work)
    process.wait_for(lambda: "mAP50" in process.output.read_text("utf-8"))
    time.sleep(0.2)  # the first run is done, the second has begun or soon will
    process.send_signal(signal.SIGINT)
    stopped = process.end()
    assert stopped.returncode == 130, stopped.stderr
    done = len(json.loads((work / "stopped" / "results.json").read_text("utf-8"))["results"])
    assert 1 <= done < 6
    said = succeed(*study, cwd=work)
    assert f"{done} done already" in said
    assert len(re.findall(r"seed \d: mAP50 ", said)) == 6 - done


def test_a_report_is_drawn_again_in_the_other_language(work: Path) -> None:
    succeed("study", "--show", "study", "--lang", "zh-TW", cwd=work)
    page = (work / "study" / "report.html").read_text("utf-8")
    assert '<html lang="zh-TW">' in page
    assert "mAP50" in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("shapes",), "--vary: expected at least one NAME=VALUE,VALUE,...; got none"),
        (
            ("shapes", "--vary", "lambda_cord=1"),
            "--vary lambda_cord: expected a keyword of the loss v1: grid",
        ),
        (
            ("shapes", "--vary", "lambda_coord=1", "--epochs-each", "1", "--minutes-each", "1"),
            "--minutes-each, --epochs-each: expected one of them; got both",
        ),
        (
            ("shapes", "--vary", "lambda_coord=1..5"),
            "--vary lambda_coord: a range needs --sampler tpe",
        ),
        (
            ("shapes", "--vary", "lambda_coord=1", "--trials", "3"),
            "--trials: expected with --sampler tpe only",
        ),
        (
            ("shapes", "--vary", "class_term=cross_entropy", "--vary", "cls_penalty=huber"),
            "--vary class_term cross_entropy, cls_penalty huber: cls_penalty: expected None",
        ),
        (("nothing", "--vary", "lambda_coord=1"), "nothing"),
        (("--show", "shapes"), "shapes: expected the folder of a study"),
    ],
)
def test_mistakes_are_one_line(work: Path, arguments: tuple[str, ...], message: str) -> None:
    assert message in fail("study", *arguments, cwd=work)


def test_neither_data_nor_a_study_to_show(work: Path) -> None:
    assert "expected a data set, or --show DIR" in fail("study", cwd=work)
