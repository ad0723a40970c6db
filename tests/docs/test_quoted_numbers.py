"""Measured numbers that a how-to page quotes are those of the page or file that they come from."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
LANGUAGES = ("en", "zh-TW")


@pytest.mark.parametrize("language", LANGUAGES)
def test_choose_lambdas_quotes_the_study(language: str) -> None:
    page = (ROOT / f"docs/{language}/how-to/choose-lambdas.md").read_text("utf-8")
    study = (ROOT / f"docs/{language}/explanation/what-the-lambdas-do.md").read_text("utf-8")
    quoted = re.findall(r"\d+\.\d+ %|5\.63", page)
    assert len(quoted) == 13
    assert [number for number in quoted if number not in study] == []
    runs = [json.loads((ROOT / f"docs/data/lambdas/{name}.json").read_text()) for name in ("digits", "bccd")]
    assert f" {sum(len(study['results']) for study in runs)} " in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_label_errors_quotes_the_results(language: str) -> None:
    page = (ROOT / f"docs/{language}/how-to/label-errors.md").read_text("utf-8")
    results = ROOT / "benchmarks/results"
    rows = json.loads((results / "moved-labels-bccd.json").read_text())["summary"]
    moved, found = (sum(row[key] for row in rows) for key in ("labels", "in_top_3_among_new"))
    assert f" {moved} " in page
    assert f" {found} " in page
    cases = json.loads((results / "planted-faults.json").read_text())["cases"]
    planted, right = ([case for case in cases if kind in case] for kind in ("planted", "right"))
    numbers = [
        sum(case["found"] for case in planted), len(planted), len(right), sum(bool(case["suspected"]) for case in right)
    ]  # fmt: skip
    shown = "{0} of {1} were found. Of {2} data sets that are right, {3}"
    shown_in_chinese = "{1} 次裡找到 {0} 次。{2} 個正確的資料集裡，有 {3} 個"
    assert (shown if language == "en" else shown_in_chinese).format(*numbers) in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_playground_quotes_its_measurement(language: str) -> None:
    page = (ROOT / f"docs/{language}/tutorials/playground.md").read_text("utf-8")
    results = json.loads((ROOT / "benchmarks/results/playground.json").read_text())
    rows = [line.split(" | ", 1)[1] for line in page.splitlines() if line.startswith("|") and "S = " in line]
    engines = results["dragging"], results["dragging_live"]
    forms = ("{updates_per_second}", "{median_reply_ms} ms", "{load_average}")
    wanted = [
        " | ".join(form.format(**engine[case]) for engine in engines) + " |"
        for case in engines[0]
        for form in forms
    ]
    assert rows == wanted
    opening, sent = results["opening_s"], results["transferred"]["bytes_as_sent"] / 1e6
    for value in (*opening["cold"].values(), *opening["warm_median_of_5"].values()):
        assert re.search(rf" {value} (s|秒)", page)
    assert f" {sent:.1f} MB" in page
    assert f" {results['one_file_bytes'] / 1e6:.1f} MB" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_playground_quotes_the_servers_measurement(language: str) -> None:
    page = (ROOT / f"docs/{language}/tutorials/playground.md").read_text("utf-8")
    results = json.loads((ROOT / "benchmarks/results/play-server.json").read_text())
    rows = page[page.index("50 readers |" if language == "en" else "50 個人 |") :].splitlines()[2:5]
    scenes = [results[name] for name in ("alone", "with bad messages", "with a flood")]
    wanted = ["{median_ms} ms | {p90_ms} ms | {p99_ms} ms |".format(**scene) for scene in scenes]
    assert [row.split(" | ", 1)[1] for row in rows] == wanted
    assert (results["readers"], results["seconds"], results["cores"]) == (50, 20, 2)
    assert results["bad messages"] == {"error": 10_000}
    assert results["server still there"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_export_quotes_its_measurement(language: str) -> None:
    page = (ROOT / f"docs/{language}/how-to/export.md").read_text("utf-8")
    results = json.loads((ROOT / "benchmarks/results/exported-boxes.json").read_text())
    names = {"onnx, detections": "ONNX", "torch, detections": "torch"}
    wanted = [
        f"| {run['loss']} | {name} | {file['detections']:,} | {file['boxes']:.1e} | {file['scores']:.1e} | "
        f"{file['unpaired']} |"
        for run in results["runs"]
        for file, name in ((run["files"][key], name) for key, name in names.items())
    ]
    assert [line for line in page.splitlines() if re.match(r"\| v\d", line)] == wanted
    files = [
        file for run in results["runs"] for kind, file in run["files"].items() if kind.startswith("onnx")
    ]
    for digits, power, kind in ((6, 7, "boxes"), (2, 6, "scores")):
        assert f"{digits}e-{power}" in page
        assert max(file[kind] for file in files) < digits * 10**-power
    assert {run["pictures"] for run in results["runs"]} == {100}


@pytest.mark.parametrize("language", LANGUAGES)
def test_reliability_quotes_its_measurement(language: str) -> None:
    page = (ROOT / f"docs/{language}/explanation/reliability.md").read_text("utf-8")
    results = json.loads((ROOT / "benchmarks/results/reliability.json").read_text())
    rows = {line for line in page.splitlines() if line.startswith("| ")}
    for part in ("processes", "parts"):
        for loss in ("v1", "v8", "yolox"):
            for numbers in ("float32", "float64"):
                cells = [f"{each['loss_all_steps']:.0e}" for each in results[part][loss][numbers].values()]
                assert f"| {loss} | {numbers} | {' | '.join(cells)} |" in rows
    for loss in ("v1", "v8"):
        memory = results["memory"][loss]["mib_after_epoch"]
        assert f"{memory[0]:g}" in page
        assert max(memory) - memory[0] < 1
        for precision, runs in ((name, results["precision"][loss][name]) for name in ("float32", "bfloat16")):
            scores = ", ".join(f"{run['map50']:.3f}" for run in runs)
            assert any(
                row.startswith(f"| {loss} | {precision} |") and row.endswith(f"| {scores} |") for row in rows
            )


@pytest.mark.parametrize("language", LANGUAGES)
def test_training_loop_quotes_what_the_examples_printed(language: str) -> None:
    page = (ROOT / f"docs/{language}/how-to/training-loop.md").read_text("utf-8")
    results = json.loads((ROOT / "benchmarks/results/examples.json").read_text())
    assert {path.stem for path in (ROOT / "examples").glob("*.py")} == set(results)
    for name, result in results.items():
        (row,) = [line for line in page.splitlines() if line.startswith(f"| `{name}.py` |")]
        package, version = list(result["versions"].items())[-1]
        assert f"| {package} {version.split('+')[0]} |" in row
        epochs = [line for line in result["printed"] if line.startswith("epoch")]
        ends = [re.findall(r"\d+\.\d+", line)[:2] for line in (epochs[0], epochs[-1])]
        two = name == "ultralytics_trainer"  # which prints the original loss before ours
        wanted = [first[two] for first in ends] + [first[0] for first in ends if two]
        assert re.findall(r"\d+\.\d{4}", row) == wanted
        assert float(wanted[1]) < float(wanted[0])
        assert result["seconds"] < 60
    difference = results["ultralytics_trainer"]["printed"][-1].split()[-4]
    assert f" {difference} " in page or f" {difference}。" in page


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_faq_quotes_the_versions_that_were_tried(language: str) -> None:
    page = (ROOT / f"docs/{language}/faq.md").read_text("utf-8")
    results = versions_tried()
    wanted = [
        "| {python} | {torch} | {numpy} | {tests_passed:,} |".format(**pair) for pair in results["pairs"]
    ]
    assert re.findall(r"^\| 3\..*", page, re.MULTILINE) == wanted
    assert f" {results['system']}" in page


def test_the_package_and_its_workflow_name_the_versions_that_were_tried() -> None:
    tried = {(minor(pair["python"]), pair["torch"]) for pair in versions_tried()["pairs"]}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    said = re.findall(r"Python :: (3\.\d+)", "\n".join(project["classifiers"]))
    assert said == sorted({python for python, _ in tried}, key=numbers)
    oldest = min((torch for _, torch in tried), key=numbers)
    assert f"torch>={minor(oldest)}" in project["dependencies"]
    workflow = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())
    matrix = workflow["jobs"]["versions"]["strategy"]["matrix"]["include"]
    assert {(each["python"], each["torch"]) for each in matrix} <= tried


def versions_tried() -> dict[str, Any]:
    return json.loads((ROOT / "benchmarks/results/versions.json").read_text())


def minor(version: str) -> str:
    return version.rpartition(".")[0]


def numbers(version: str) -> list[int]:
    return [int(part) for part in version.split(".")]


SETS = ("cells", "cell-crops", "coco", "digits", "crowd", "cards")


@pytest.mark.parametrize("language", LANGUAGES)
def test_small_data_set_quotes_what_was_measured(language: str) -> None:
    page = (ROOT / f"docs/{language}/how-to/small-data-set.md").read_text("utf-8")
    for name, of in (("small-sets-choices", "change"), ("small-sets", "contestant")):
        results = json.loads((ROOT / f"benchmarks/results/{name}.json").read_text())
        measured = [one for one in SETS if one in results["summary"][0]["sets"]]
        assert f" | {' | '.join(measured)} |\n" in page
        for row in results["summary"]:
            numbers = (row["map50_95"], *(row["sets"][one] for one in measured))
            shown = " | ".join([f"{row['rank']:.1f}", *(f"{number:.3f}" for number in numbers)])
            assert f" | {shown} |\n" in page, (row[of], shown)
    runs = sorted(results["runs"], key=lambda run: run["seed"])
    for contestant in ("v8", "peer, nbs 16"):
        of_cards = [r["map50_95"] for r in runs if (r["set"], r["contestant"]) == ("cards", contestant)]
        assert " / ".join(f"{score:.3f}" for score in of_cards) in page
