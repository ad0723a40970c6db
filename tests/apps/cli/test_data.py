"""The command line on data as people have them: what is left out is said, and nothing is trained on nothing."""

from pathlib import Path

import pytest
from tests.apps.cli.command import fail, succeed, yolosses
from tests.apps.cli.test_cli import SMALL, write_pictures


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A folder with a small data set in YOLO layout, ``shapes``."""
    write_pictures(tmp_path / "shapes", "train", range(10))
    write_pictures(tmp_path / "shapes", "val", range(10, 14))
    places = "train: images/train\nval: images/val\ntest: images/test\n"
    (tmp_path / "shapes/data.yaml").write_text(f"{places}names: [red, blue]\n")
    return tmp_path


def labels(work: Path) -> list[Path]:
    return sorted((work / "shapes/labels/train").iterdir())


def test_pictures_that_cannot_be_read_are_left_out_and_the_run_ends_well(work: Path) -> None:
    pictures = sorted((work / "shapes/images/train").iterdir())
    pictures[0].write_bytes(b"")
    pictures[1].write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    for picture in (pictures[2], work / "shapes/images/val/shape-10.png"):
        content = bytearray(picture.read_bytes())
        content[41:61] = bytes(20)  # in the pixels: only decoding shows it
        picture.write_bytes(content)
    said = succeed("train", "shapes", "--epochs", "2", "--out", "run", *SMALL, cwd=work)
    assert "2 of 10 pictures cannot be read and are left out" in said
    assert "test: no such file or folder: images/test (the split is left out)" in said
    assert f"left out, {pictures[2].relative_to(work)}: cannot read the picture" in said
    assert "shape-10.png: cannot read the picture" in said
    assert "3 pictures, " in said  # of four, in the evaluation
    problems = (work / "run/problems.txt").read_text()
    assert "the file is empty" in problems
    assert "a Git LFS pointer" in problems
    assert "shape-10.png: cannot read" in succeed("eval", "run", cwd=work)


def test_polygons_are_trained_on_as_boxes(work: Path) -> None:
    for file in labels(work)[:4]:
        file.write_text("0 0.1 0.1 0.6 0.1 0.6 0.7 0.1 0.7\n")
    said = succeed("train", "shapes", "--epochs", "1", "--out", "run", *SMALL, cwd=work)
    assert "4 row(s) are polygons or rotated boxes (corners): the box around each is taken" in said
    assert "shapes: 10 pictures to learn from" in said


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "0 objects in 10 pictures: the labels hold none, so there is nothing to learn"),
        ("0 0.5 0.5\n", "no usable picture remains of 10; 10 problem(s), the first: "),
    ],
)
def test_nothing_is_trained_on_nothing(text: str, reason: str, work: Path) -> None:
    for file in labels(work):
        file.write_text(text)
    assert reason in fail("train", "shapes", "--epochs", "1", "--out", "run", *SMALL, cwd=work)
    assert not (work / "run").exists()


def test_most_rows_unusable_is_an_error_that_says_why(work: Path) -> None:
    for file in labels(work)[1:]:
        file.write_text("5 0.5 0.5 0.5 0.5\n0 0.5 0.5 0.5 0.5\n7 0.5 0.5 0.5 0.5\n")
    line = fail("train", "shapes", "--epochs", "1", "--out", "run", *SMALL, cwd=work)
    assert "and 18 rows cannot be used (18 of no class that there is); the first: " in line
    assert "labels/train/shape-01.txt, line 1: class 5, but there are 2 classes (0..1)" in line
    result = yolosses("inspect", "shapes", "--out", "report", cwd=work)
    assert result.returncode == 2
    assert "18 rows cannot be used" in result.stderr
    assert "Too little to learn from: 16 objects, and 18 rows that cannot be used." in result.stdout
    assert "No fault suspected" not in result.stdout
    assert "Too little to learn from" in (work / "report/inspection.html").read_text("utf-8")
    assert (work / "report/inspection.html").is_file()


def test_a_picture_of_which_every_row_was_skipped_is_not_called_empty(work: Path) -> None:
    first, second = labels(work)[:2]
    first.write_text("0 0.5 0.5\n")
    second.write_text("")
    said = succeed("inspect", "shapes", "--out", "report", cwd=work)
    assert "label file without objects: 1\n  shape-01.png" in said


def test_the_only_split_need_not_be_called_train(work: Path) -> None:
    (work / "shapes/data.yaml").write_text("test: images/train\nnames: [red, blue]\n")
    said = succeed("train", "shapes", "--epochs", "1", "--out", "run", *SMALL, cwd=work)
    assert "'test' is the only split: 2 of 10 pictures held out" in said
    assert "8 pictures to learn from (train), 2 to evaluate on (val)" in said
