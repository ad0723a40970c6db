"""Exporting a trained detector, and using the file in place of the run: as a person does it, mistakes included."""

import json
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.apps.cli.command import fail, fresh, succeed
from tests.apps.cli.test_cli import SMALL, read, write_pictures

from yolosses.export import read_detector

PICTURES = "shapes/images/val"


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``shapes``, a run that learnt them, and its two files."""
    root = tmp_path_factory.mktemp("work")
    write_pictures(root / "shapes", "train", range(16))
    write_pictures(root / "shapes", "val", range(16, 22))
    (root / "shapes" / "data.yaml").write_text("train: images/train\nval: images/val\nnames: [red, blue]\n")
    train = ("train", "shapes", *SMALL, "--loss", "v8", "--epochs", "15", "--out", "run")
    succeed(*train, cwd=root)
    succeed("eval", "run", cwd=root)
    said = succeed("export", "run", cwd=root)
    assert "run/model.onnx:" in said
    assert "returns boxes, scores, labels, count" in said
    assert "compared with torch on 2 pictures of val: boxes differ by at most" in said
    said = succeed("export", "run", "--format", "torch", "--output", "boxes", "--out", "boxes.pt2",
                   "--picture", f"{PICTURES}/shape-16.png", cwd=root)  # fmt: skip
    assert "boxes.pt2:" in said
    assert f"on {PICTURES}/shape-16.png: boxes differ by at most 0.0e+00" in said
    return root


def annotations(work: Path, detector: str) -> list[dict[str, Any]]:
    """What predict writes of all pictures, down to low scores."""
    out = f"found-{detector.replace('/', '-')}"
    succeed("predict", detector, PICTURES, "--threshold", "0.05", "--out", out, cwd=work)
    found: list[dict[str, Any]] = read(work / out / "predictions.json")["annotations"]
    return found


def test_predict_finds_the_same_with_a_file(work: Path) -> None:
    wanted = annotations(work, "run")
    assert len(wanted) > 6
    for file in ("run/model.onnx", "boxes.pt2"):
        same(annotations(work, file), wanted)


def same(got: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    """As far as it is written. The convolutions of a run have their channels last, those of a file first, so their
    numbers differ by 1e-6, and one that is written may be rounded the other way."""
    assert [(a["image_id"], a["category_id"]) for a in got] == [
        (a["image_id"], a["category_id"]) for a in wanted
    ]
    np.testing.assert_allclose(
        [a["bbox"] for a in got], [a["bbox"] for a in wanted], atol=0.011
    )  # of 64 or more pixels, written with two decimals
    np.testing.assert_allclose([a["score"] for a in got], [a["score"] for a in wanted], atol=2e-5)


def test_eval_gives_the_scores_of_the_run_with_a_file(work: Path) -> None:
    wanted = read(work / "run/metrics.json")
    for file, results in (("run/model.onnx", "run/model-onnx-results"), ("boxes.pt2", "boxes-pt2-results")):
        output = succeed("eval", file, "shapes", cwd=work)
        assert results in output
        got = read(work / results / "metrics.json")
        for name in ("map50", "map50_95", "map75", "recall", "voc07_map", "num_objects"):
            assert got[name] == pytest.approx(wanted[name], abs=1e-6), name
        assert got["confusion"]["matrix"] == wanted["confusion"]["matrix"]
    assert read(work / "run/metrics.json") == wanted  # the run keeps its own


def test_the_threshold_of_the_run_goes_with_the_file(work: Path) -> None:
    best = read(work / "run/metrics.json")["best_f1"]["threshold"]
    description = read_detector(work / "run/model.onnx").description
    assert description["threshold"] == best
    assert description["class_names"] == ["red", "blue"]
    assert (description["image_size"], description["fit"]) == ([64, 64], "stretch")
    assert description["suppression"] == {"score_threshold": 0.001, "iou_threshold": 0.7, "candidates": 400}
    assert str(work) not in json.dumps(description)  # where the data lie is nobody's business
    one = f"{PICTURES}/shape-17.png"
    succeed("predict", "run/model.onnx", one, "--out", "shown", cwd=work)
    shown = read(work / "shown/predictions.json")["annotations"]
    assert shown
    assert all(round(a["score"], 4) >= round(best, 4) - 1e-4 for a in shown)


def test_raw_numbers_are_decoded_by_predict(work: Path) -> None:
    said = succeed("export", "run", "--format", "torch", "--output", "raw", "--out", "raw.pt2", cwd=work)
    assert "returns raw_0, raw_1, raw_2" in said
    same(annotations(work, "raw.pt2"), annotations(work, "run"))


def test_without_the_data_it_is_compared_on_noise(work: Path, tmp_path: Path) -> None:
    shutil.copytree(work / "run", tmp_path / "run")
    settings = read(tmp_path / "run/run.json")
    (tmp_path / "run/run.json").write_text(json.dumps({**settings, "data": str(tmp_path / "gone")}))
    said = succeed("export", "run", "--format", "torch", "--output", "raw", cwd=tmp_path)
    assert "run/model.pt2" in said
    assert "noise (the data are gone)" in said


@pytest.mark.parametrize("language", ["en", "zh-TW"])
def test_the_program_of_the_page_runs_without_yolosses(
    work: Path, language: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """What it finds is what predict finds, but for the resampling of the picture, which is Pillow's."""
    page = (Path(__file__).parents[3] / f"docs/{language}/how-to/export.md").read_text("utf-8")
    (program,) = re.findall(r"```py\n(.*?)```", page, re.DOTALL)
    assert "yolosses." not in program
    monkeypatch.chdir(work)
    shutil.copy(work / PICTURES / "shape-16.png", work / "picture.png")
    exec(program.replace("runs/mine/", "run/"), {})
    lines = capsys.readouterr().out.splitlines()
    succeed("predict", "run", "picture.png", "--out", "one", cwd=work)
    found = read(work / "one/predictions.json")["annotations"]
    assert len(lines) == len(found) > 0
    for line, annotation in zip(lines, found, strict=True):
        name, score, *_ = line.split()
        assert name == ("red", "blue")[annotation["category_id"]]
        assert float(score) == pytest.approx(annotation["score"], abs=0.03)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("export", "shapes"), ["shapes: expected the folder of a run", "run.json"]),
        (("export", "run", "--format", "tflite"), ["tflite", "onnx", "torch"]),
        (("export", "run", "--output", "masks"), ["masks", "raw", "boxes", "detections"]),
        (("export", "run", "--picture", "nowhere.png"), ["nowhere.png"]),
        (
            ("predict", "shapes/data.yaml", PICTURES),
            ["shapes/data.yaml: expected a detector that yolosses export"],
        ),
        (
            ("eval", "run/model.pt", "shapes"),
            ["run/model.pt: expected a detector that yolosses export wrote"],
        ),
        (("eval", "run/model.onnx"), ["DATA: expected with run/model.onnx"]),
        (("eval", "run/model.onnx", "shapes", "--device", "cuda"), ["--device: expected auto or cpu"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_mistakes_get_one_line(work: Path, arguments: tuple[str, ...], words: list[str]) -> None:
    line = fail(*arguments, cwd=work)
    for word in words:
        assert word in line


def test_a_package_that_is_missing_is_named(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hidden = work / "hidden"
    hidden.mkdir()
    (hidden / "onnxruntime.py").write_text("raise ModuleNotFoundError('gone', name='onnxruntime')\n")
    monkeypatch.setenv("PYTHONPATH", ":".join([str(hidden), *sys.path]))
    for arguments in (("export", "run", "--out", "never.onnx"), ("predict", "run/model.onnx", PICTURES)):
        result = fresh(*arguments, cwd=work)
        assert result.returncode == 2
        assert result.stderr == "yolosses: this command needs onnxruntime: pip install 'yolosses[export]'\n"
    assert not (work / "never.onnx").exists()


def test_a_file_that_differs_is_not_kept(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from yolosses.apps.cli import export
    from yolosses.apps.cli.requests import ExportRequest
    from yolosses.apps.runs.failures import CommandError
    from yolosses.export.detector_file import DetectorFile

    def wrong(path: Path) -> DetectorFile:
        file = read_detector(path)
        return DetectorFile(
            description=file.description, run=lambda images: tuple(part + 0.01 for part in file.run(images))
        )

    monkeypatch.setattr(export, "read_detector", wrong)
    monkeypatch.chdir(work)
    with pytest.raises(
        CommandError, match=r"wrong\.pt2: expected what torch returns, within 0\.0001; it was not kept"
    ):
        export.export_run(
            ExportRequest(
                run=Path("run"),
                file_format="torch",
                output="boxes",
                out=Path("wrong.pt2"),
            )
        )
    assert not list(work.glob("wrong*"))
