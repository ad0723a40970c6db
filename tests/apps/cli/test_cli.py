"""The command line as a person uses it: real processes, real files, and the mistakes that people make."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.apps.cli.command import Begun, fail, succeed, yolosses
from tests.training.shapes import SIZE, paint, rectangles

NAMES = ("red", "blue")
SMALL = ("--image-size", "64", "--batch-size", "4", "--device", "cpu")


def write_pictures(root: Path, split: str, indices: range) -> None:
    (root / "images" / split).mkdir(parents=True)
    (root / "labels" / split).mkdir(parents=True)
    for index in indices:
        Image.fromarray(paint(index)).save(root / "images" / split / f"shape-{index:02d}.png")
        edges, labels = rectangles(index)
        rows = [
            f"{label} {(x0 + x1) / 2 / SIZE} {(y0 + y1) / 2 / SIZE} {(x1 - x0) / SIZE} {(y1 - y0) / SIZE}"
            for (x0, y0, x1, y1), label in zip(edges.tolist(), labels.tolist(), strict=True)
        ]
        (root / "labels" / split / f"shape-{index:02d}.txt").write_text("\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small data set in YOLO layout, ``shapes``, and a run trained on it, ``run``."""
    root = tmp_path_factory.mktemp("work")
    write_pictures(root / "shapes", "train", range(24))
    write_pictures(root / "shapes", "val", range(24, 36))
    (root / "shapes" / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [red, blue]\n")
    succeed("train", "shapes", *SMALL, "--epochs", "40", "--out", "run", cwd=root)
    return root


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def test_training_leaves_a_folder_that_tells_everything(work: Path) -> None:
    run = work / "run"
    settings = read(run / "run.json")
    assert settings["class_names"] == list(NAMES)
    assert (settings["grid"], settings["image_size"]) == ([4, 4], [64, 64])
    rows = [json.loads(line) for line in (run / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 241))
    for row in rows:
        assert list(row["terms"]) == ["xy", "wh", "obj", "noobj", "cls"]
        assert sum(row["terms"].values()) == pytest.approx(row["total"], rel=1e-5)
    metrics = read(run / "metrics.json")
    assert metrics["num_pictures"] == 12
    assert metrics["map50"] > 0.9  # bright rectangles on grey: anything less means that something is broken
    assert [c["name"] for c in metrics["classes"]] == list(NAMES)
    for picture in ("terms.png", "predictions.png"):
        with Image.open(run / picture) as image:
            assert min(image.size) > 300
            assert len(np.unique(np.asarray(image.convert("L")))) > 20


def test_eval_gives_the_numbers_of_training_again(work: Path) -> None:
    def rounded() -> dict[str, Any]:  # training may have ended with fewer threads, which add in another order
        text = (work / "run" / "metrics.json").read_text("utf-8")
        numbers: dict[str, Any] = json.loads(text, parse_float=lambda number: round(float(number), 5))
        for name in ("errors", "confusion"):  # which training does not look for
            numbers.pop(name, None)
        return numbers

    before = rounded()
    output = succeed("eval", "run", cwd=work)
    assert rounded() == before
    assert f"{before['map50']:.3f}" in output
    succeed("eval", "run", "shapes", "--split", "train", cwd=work)
    after = read(work / "run" / "metrics.json")
    assert (after["split"], after["num_pictures"]) == ("train", 24)
    succeed("eval", "run", cwd=work)


def test_eval_says_what_the_errors_are(work: Path) -> None:
    (work / "run" / "errors.png").unlink(missing_ok=True)
    output = succeed("eval", "run", cwd=work)
    metrics = read(work / "run" / "metrics.json")
    errors, top = metrics["errors"]["tide"], metrics["errors"]["top"]
    assert errors["ap"] == pytest.approx(metrics["map50"], abs=1e-6)
    for kind, cost in errors["costs"].items():
        rows = [line.split() for line in output.splitlines() if line.split()[:1] == [kind]]
        assert [f"{errors['counts'][kind]:,}", f"{cost:.3f}"] in [row[1:3] for row in rows]
    assert sum(top["counts"].values()) <= metrics["num_objects"]
    assert sum(top["shares"].values()) == pytest.approx(1.0)
    assert f"{100 * top['shares']['correct']:.1f} %   65.5 %" in output
    with Image.open(work / "run" / "errors.png") as image:
        assert image.size == (1800, 720)


def test_predict_draws_and_writes_coco_json(work: Path) -> None:
    pictures = sorted((work / "shapes/images/val").glob("*.png"))[:3]
    output = succeed("predict", "run", *pictures, "--out", "found", cwd=work)
    assert "shape-24.png: 1 red" in output
    result = read(work / "found/predictions.json")
    assert [image["file_name"] for image in result["images"]] == [str(p) for p in pictures]
    assert result["categories"] == [{"id": 0, "name": "red"}, {"id": 1, "name": "blue"}]
    ((left, top, right, bottom),), (label,) = rectangles(24)
    best = max((a for a in result["annotations"] if a["image_id"] == 1), key=lambda a: a["score"])
    assert best["category_id"] == label
    assert best["bbox"] == pytest.approx([left, top, right - left, bottom - top], abs=6)
    with Image.open(work / "found/shape-24.png") as drawn:
        assert min(drawn.size) >= SIZE


def test_predict_does_the_others_when_a_picture_cannot_be_read(work: Path) -> None:
    (work / "broken.png").write_text("no picture")
    good = work / "shapes/images/val/shape-25.png"
    result = yolosses("predict", "run", "broken.png", good, "--out", "partly", cwd=work)
    assert result.returncode == 2
    assert result.stderr.splitlines() == [line for line in result.stderr.splitlines() if "broken.png" in line]
    assert len(read(work / "partly/predictions.json")["images"]) == 1
    assert (work / "partly/shape-25.png").is_file()


def test_predict_gives_each_picture_a_file_of_its_own(work: Path) -> None:
    picture = Image.open(work / "shapes/images/val/shape-25.png")
    (work / "folder").mkdir()
    for name in ("a.jpg", "a.png", "a-2.png"):
        picture.save(work / "folder" / name)
    (work / "folder/._a.png").write_text("what macOS leaves")
    succeed("predict", "run", "folder", "--out", "own", cwd=work)
    assert {path.name for path in (work / "own").glob("*.png")} == {"a.png", "a-2.png", "a-3.png"}
    assert len(read(work / "own/predictions.json")["images"]) == 3


def test_resume_goes_on_where_the_run_stopped(work: Path) -> None:
    succeed("train", "shapes", *SMALL, "--epochs", "1", "--out", "short", cwd=work)
    assert "errors" not in read(work / "short/metrics.json")  # that is `eval`'s business
    output = succeed("train", "shapes", "--epochs", "2", "--out", "short", "--resume", cwd=work)
    assert "resumed after step 6" in output
    rows = [json.loads(line) for line in (work / "short/log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == list(range(1, 13))
    line = fail("train", "shapes", "--out", "short", "--resume", "--lambda-coord", "3", cwd=work)
    assert "--lambda-coord: expected 5.0 as in the run to resume; got 3.0" in line


def test_an_interrupted_run_keeps_what_it_learnt(work: Path) -> None:
    log = work / "stopped/log.jsonl"
    process = Begun("train", "shapes", *SMALL, "--epochs", "500", "--out", "stopped", cwd=work)
    process.wait_for(lambda: log.is_file() and log.read_text().count("\n") > 2)
    process.send_signal(signal.SIGINT)
    done = process.end()
    assert (done.returncode, done.stderr) == (130, "yolosses: interrupted\n")
    assert "--out stopped --resume" in done.stdout
    output = succeed("train", "shapes", "--epochs", "3", "--out", "stopped", "--resume", cwd=work)
    assert "resumed after step" in output
    steps = [json.loads(line)["step"] for line in log.read_text().splitlines()]
    assert steps == list(range(1, len(steps) + 1))
    assert len(steps) >= 18


def test_broken_annotations_are_reported_and_strict_stops(work: Path) -> None:
    broken = work / "broken"
    write_pictures(broken, "train", range(8))
    write_pictures(broken, "val", range(8, 10))
    (broken / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [red, blue]\n")
    with (broken / "labels/train/shape-03.txt").open("a") as labels:
        labels.write("7 0.5 0.5 0.1 0.1\n0 nan 0.5 0.1 0.1\n")
    output = succeed("train", broken, *SMALL, "--epochs", "1", "--out", "run-broken", cwd=work)
    assert "2 skipped" in output
    problems = (work / "run-broken/problems.txt").read_text().splitlines()
    assert len(problems) == 2
    assert "shape-03.txt, line 3" in problems[0]
    assert "class 7" in problems[0]
    assert "shape-03.txt, line 4" in problems[1]
    line = fail("train", broken, *SMALL, "--epochs", "1", "--out", "never", "--strict", cwd=work)
    assert "shape-03.txt, line 3" in line
    assert not (work / "never").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["train"], ["DATA"]),
        (["trian", "shapes"], ["trian"]),
        (["train", "nowhere"], ["nowhere"]),
        (["train", "shapes", "--lambda-cord", "5"], ["--lambda-cord", "--lambda-coord"]),
        (["train", "shapes", "--model", "huge"], ["'--model': 'huge' is not one of 'tiny'", "fast-yolo"]),
        (["train", "shapes", "--epochs", "2", "--minutes", "1"], ["--epochs", "--minutes"]),
        (["train", "shapes", "--minutes", "-1"], ["--minutes"]),
        (["train", "shapes", "--grid", "7"], ["--grid", "40, 20, 10", "7"]),
        (["train", "shapes", "--image-size", "100"], ["--image-size", "multiple of 32", "100"]),
        (["train", "shapes", "--batch-size", "99"], ["--batch-size", "24", "99"]),
        (["train", "shapes", "--train-split", "autumn"], ["autumn", "train"]),
        (["train", "shapes", "--eval-split", "autumn"], ["autumn", "val"]),
        (["train", "shapes", "--device", "abacus"], ["--device", "abacus"]),
        (["train", "shapes", "--resume"], ["--out"]),
        (["train", "shapes", "--resume", "--out", "nothing"], ["nothing"]),
        (["train", "shapes", "--out", "run"], ["run", "empty"]),
        (["eval", "shapes"], ["shapes", "run.json"]),
        (["eval", "run", "--split", "autumn"], ["autumn"]),
        (["predict", "run"], ["PICTURES"]),
        (["predict", "run", "nowhere.png"], ["nowhere.png"]),
        (["predict", "run", "shapes"], ["shapes", "pictures"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes_get_one_line(work: Path, arguments: list[str], words: list[str]) -> None:
    line = fail(*arguments, cwd=work)
    for word in words:
        assert word in line


def test_help_does_not_wait_for_torch(tmp_path: Path) -> None:
    script = (
        "import sys; sys.argv = ['yolosses', 'train', '--help']\n"
        "from yolosses.apps.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'torch', 'numpy', 'matplotlib', 'PIL', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for option in ("--lambda-coord", "--minutes", "--resume", "--strict"):
        assert option in result.stdout


def test_what_the_extra_train_serves_imports_no_package_of_others(tmp_path: Path) -> None:
    """The tests have all extras: who installs ``yolosses[train]`` has none of these packages."""
    script = (
        "import sys\nfrom importlib import import_module\n"
        "for name in ('train', 'evaluate', 'predict', 'explain', 'inspect', 'compare'):\n"
        "    import_module(f'yolosses.apps.cli.{name}')\n"
        "others = {'sklearn', 'scipy', 'optuna', 'onnx', 'onnxruntime', 'tensorboard', 'hypothesis', 'starlette'}\n"
        "assert not others & set(sys.modules), others & set(sys.modules)\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stderr


def test_version_and_bare_command(tmp_path: Path) -> None:
    import yolosses as package

    assert succeed("--version", cwd=tmp_path) == f"yolosses {package.__version__}\n"
    assert "demo" in succeed(cwd=tmp_path)
