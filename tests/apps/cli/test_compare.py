"""``yolosses compare`` as a person uses it: real trainings, stopped, gone on with, extended; and mistakes."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.apps.cli.command import Begun, fail, succeed
from tests.apps.cli.test_cli import write_pictures

from yolosses.apps.cli.compare import compare_losses, parse_losses
from yolosses.apps.cli.requests import CompareRequest
from yolosses.apps.runs.failures import CommandError
from yolosses.training.data import DataError

COMPARE = ("shapes", "--epochs-each", "3", "--image-size", "64", "--batch-size", "4", "--device", "cpu")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small data set, ``shapes``, and a comparison, ``both``, of two losses on it."""
    root = tmp_path_factory.mktemp("work")
    write_pictures(root / "shapes", "train", range(24))
    write_pictures(root / "shapes", "val", range(24, 30))
    (root / "shapes" / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [red, blue]\n")
    said = succeed("compare", *COMPARE, "--losses", "v1,v8", "--out", "both", cwd=root)
    (root / "said.txt").write_text(said)
    return root


def test_a_table_a_picture_and_a_run_for_each(work: Path) -> None:
    said = (work / "said.txt").read_text()
    for head in ("network", "images/s", "mAP50:95", "largest term", "costliest error"):
        assert head in said
    rows = {line.split()[0] for line in said[said.index("costliest error") :].splitlines() if line}
    assert {"v1", "v8"} <= rows
    with Image.open(work / "both" / "compare.png") as picture:
        assert min(picture.size) > 500
    for name in ("v1-0", "v8-0"):
        run = work / "both" / name
        assert {"run.json", "model.pt", "metrics.json", "terms.png", "errors.png"} <= {
            p.name for p in run.iterdir()
        }
        scores = [json.loads(line) for line in (run / "scores.jsonl").read_text().splitlines()]
        assert [row["step"] for row in scores] == [3, 5, 7, 9, 12, 14, 16]
    succeed("eval", "both/v8-0", cwd=work)


def test_the_results_stand_in_the_json(work: Path) -> None:
    results = json.loads((work / "both" / "compare.json").read_text("utf-8"))
    assert results["budget"] == {"epochs": 3}
    assert [(run["loss"], run["seed"]) for run in results["runs"]] == [("v1", 0), ("v8", 0)]
    for run in results["runs"]:
        assert [point["images"] for point in run["points"]] == [12, 20, 28, 36, 48, 56, 64, 72]
        seconds = [point["seconds"] for point in run["points"]]
        assert seconds == sorted(seconds)
    ranked = [row["map50_95"] for row in results["summary"]]
    assert ranked == sorted(ranked, reverse=True)


def test_finished_runs_are_not_repeated_and_others_can_be_added(work: Path) -> None:
    before = json.loads((work / "both" / "compare.json").read_text("utf-8"))["runs"]
    said = succeed("compare", *COMPARE, "--losses", "v8,yolox", "--out", "both", cwd=work)
    assert "v8, seed 0: done already" in said
    after = json.loads((work / "both" / "compare.json").read_text("utf-8"))["runs"]
    assert after[:2] == before
    assert [run["loss"] for run in after] == ["v1", "v8", "yolox"]


def peer_file(path: Path, **other: Any) -> Path:
    """A detector that found every object of the pictures of val but the first one's."""
    root = path.parent / "shapes"
    found = {}
    for picture in sorted((root / "images/val").iterdir()):
        rows = (root / "labels/val" / f"{picture.stem}.txt").read_text().splitlines()
        numbers = [[float(value) for value in row.split()] for row in rows]
        found[picture.name] = [[*box, 0.9, label] for label, *box in numbers]
    found[min(found)] = []
    values = {
        "name": "theirs",
        "version": "1",
        "seed": 0,
        "parameters": 3_000_000,
        "images": 900,
        "seconds": 30.0,
    }
    path.write_text(json.dumps({**values, "eval_split": "val", "detections": found, **other}))
    return path


def test_a_peer_has_a_row_and_seeds_a_spread(work: Path) -> None:
    peers = [peer_file(work / f"theirs-{seed}.json", seed=seed) for seed in range(2)]
    flags = [text for peer in peers for text in ("--peer", peer.name)]
    said = succeed("compare", *COMPARE, "--losses", "v1", *flags, "--out", "peers", cwd=work)
    assert "its spread" in said
    (row,) = (line.split() for line in said.splitlines() if line.startswith("theirs  "))
    assert row[1:4] == ["3.0", "M", "30.0"]
    results = json.loads((work / "peers" / "compare.json").read_text("utf-8"))
    theirs = [run["points"][-1] for run in results["runs"] if run["loss"] == "theirs"]
    assert len(theirs) == 2
    assert 0.5 < theirs[0]["map50"] < 1  # all but one picture's objects, each where it is
    assert theirs[0]["map50"] == theirs[0]["map50_95"]
    assert results["summary"][0]["loss"] == "theirs"
    again = succeed("compare", *COMPARE, "--losses", "v1", *flags, "--out", "peers", cwd=work)
    assert "theirs, seed" not in again


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"eval_split": "test"}, "expected detections in the split val; got test"),
        ({"detections": {}}, "expected detections for all 6 pictures of shapes; 6 are missing, the first is"),
        ({"detections": [1]}, "expected json with name, seed, parameters"),
        ({"name": "v8"}, "expected a name that no loss of this library has; got v8"),
    ],
)
def test_a_wrong_peer_is_named(work: Path, other: dict[str, Any], message: str) -> None:
    peer = peer_file(work / "wrong.json", **other)
    request = CompareRequest(data=str(work / "shapes"), losses="v1", out=work / "never", peers=(peer,))
    with pytest.raises(DataError) as caught:
        compare_losses(request)
    assert str(caught.value).startswith(f"{peer}: ")
    assert message in str(caught.value)
    assert not (work / "never").exists()


def test_another_budget_needs_another_folder(work: Path) -> None:
    line = fail(
        "compare",
        "shapes",
        "--minutes",
        "1",
        "--image-size",
        "64",
        "--losses",
        "v1",
        "--out",
        "both",
        cwd=work,
    )
    assert (
        "--out both: expected a comparison with the same budget; there {'epochs': 3}, now {'minutes': 1.0}"
        in line
    )


def test_a_stopped_comparison_goes_on(work: Path) -> None:
    arguments = ("compare", *COMPARE[:2], "6", *COMPARE[3:], "--losses", "v1", "--out", "stopped")
    process = Begun(*arguments, cwd=work)
    process.wait_for(lambda: "step" in process.output.read_text("utf-8"))
    process.send_signal(signal.SIGINT)
    stopped = process.end()
    assert stopped.returncode == 130, stopped.stderr
    assert not (work / "stopped" / "compare.json").exists()
    done = len((work / "stopped" / "v1-0" / "log.jsonl").read_text().splitlines())
    assert 0 < done < 36
    succeed(*arguments, cwd=work)
    steps = [
        json.loads(row)["step"] for row in (work / "stopped" / "v1-0" / "log.jsonl").read_text().splitlines()
    ]
    assert steps == list(range(1, 37))
    (run,) = json.loads((work / "stopped" / "compare.json").read_text("utf-8"))["runs"]
    assert len(run["points"]) == 8


@pytest.mark.parametrize(
    ("text", "names"), [("v1", ("v1",)), ("V8, yolox ,v1", ("v8", "yolox", "v1")), ("v10,", ("v10",))]
)
def test_names_of_losses(text: str, names: tuple[str, ...]) -> None:
    assert parse_losses(text) == names


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("v1,v9", "--losses: expected some of v1, v2, v3, v4, v5, v6, v7, v8, v10, yolox; got 'v9'"),
        ("v1,v8,v1", "--losses: expected each name once; got v1 twice"),
        (",", "--losses: expected some of v1, v2, v3, v4, v5, v6, v7, v8, v10, yolox; got none"),
    ],
)
def test_wrong_names(text: str, message: str) -> None:
    with pytest.raises(CommandError) as caught:
        parse_losses(text)
    assert str(caught.value) == message


def test_a_mistake_is_one_line(work: Path) -> None:
    assert "--losses: expected some of v1, v2" in fail("compare", "shapes", "--losses", "yolo9000", cwd=work)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"minutes": 1.0, "epochs_each": 2}, "--minutes, --epochs-each: expected one of them; got both"),
        ({"minutes": -1.0}, "--minutes: expected a number > 0; got -1"),
        ({"image_size": 100}, "--image-size: expected a multiple of 32 for tiny; got 100"),
        ({"batch_size": 99}, "--batch-size: expected at most 24, the pictures to learn from; got 99"),
        ({"eval_split": "autumn"}, "autumn"),
        ({"device": "abacus"}, "--device abacus: expected auto or a device"),
    ],
)
def test_mistakes_are_found_before_anything_is_trained(
    work: Path, arguments: dict[str, Any], message: str
) -> None:
    out = work / "never"
    request = CompareRequest(data=str(work / "shapes"), losses="v1,v8", out=out, **arguments)
    with pytest.raises((CommandError, DataError)) as caught:
        compare_losses(request)
    assert message in str(caught.value)
    assert not out.exists()
