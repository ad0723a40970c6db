"""``yolosses inspect`` as a person uses it."""

import json
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.apps.cli.command import fail, succeed
from tests.studies.doctor import faults
from tests.studies.doctor.faults import BCCD, SHAPES, Labelled, scenes, write_voc, write_yolo

from yolosses.apps.cli.arguments import repeat_option


def read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("work")
    pictures = scenes(root / "painted", 24)
    write_yolo(root / "right", pictures, SHAPES)
    write_voc(root / "swapped", pictures, SHAPES, faults.swapped_xy)
    return root


@pytest.mark.parametrize(
    ("arguments", "expanded"),
    [
        ("inspect d", "inspect d"),
        ("inspect d --grid 7 10 14", "inspect d --grid 7 --grid 10 --grid 14"),
        ("inspect --grid 7 10 d", "inspect --grid 7 --grid 10 d"),
        ("inspect d --grid=7 10", "inspect d --grid=7 --grid 10"),
        ("inspect d --grid 7 --grid 10 14 --out 3", "inspect d --grid 7 --grid 10 --grid 14 --out 3"),
        ("inspect d --grid 7 --boxes-per-cell 2", "inspect d --grid 7 --boxes-per-cell 2"),
        ("inspect --grid 7 -- 10", "inspect --grid 7 -- 10"),
        ("inspect d --grid", "inspect d --grid"),
        ("inspect d --grid x 7", "inspect d --grid x --grid 7"),
    ],
)
def test_several_grids_may_follow(arguments: str, expanded: str) -> None:
    assert repeat_option(arguments.split(), "--grid") == expanded.split()


def test_tables_page_and_json(work: Path) -> None:
    output = succeed("inspect", "right", "--grid", 4, 9, "--grid", 6, "--out", "found", cwd=work)
    value = read(work / "found/inspection.json")
    assert [grid["grid"] for grid in value["grids"]] == [4, 6, 9]
    assert (value["num_pictures"], value["suspicions"], value["boxes_per_cell"]) == (24, [], 2)
    lines = output.splitlines()
    assert lines[0] == "Inspection of right (train)"
    assert lines[1] == f"24 pictures, {value['num_objects']} objects, 3 classes"
    assert "No fault suspected that many labels would share." in lines
    cells = [line.split() for line in lines]
    for entry in value["classes"]:
        (row,) = [row for row in cells if row and row[0] == entry["name"]]
        assert (row[1], row[3]) == (str(entry["objects"]), str(entry["pictures"]))
    for grid in value["grids"]:
        rows = [row for row in cells if row and row[0] == str(grid["grid"])]
        assert len(rows) == 3
        lost, balance, zero = rows
        assert lost[1:4] == [str(grid["lost"]), f"{grid['lost_share']:.1%}", str(grid["pictures_with_loss"])]
        assert balance[2:5] == [
            f"{grid['positive']:,}",
            f"{grid['positive_share']:.2%}",
            f"{grid['background_per_positive']:,.1f}",
        ]
        terms = grid["zero_loss"]["terms"]
        assert zero[1:] == [
            *(f"{term['weighted']:.2f}" for term in terms.values()),
            f"{grid['zero_loss']['total']:.2f}",
        ]
    assert lines[-1] == "inspection.html and inspection.json are in found"
    assert "<h1>Inspection of right (train)</h1>" in (work / "found/inspection.html").read_text("utf-8")


def test_the_defaults(work: Path) -> None:
    succeed("inspect", "right", "--boxes-per-cell", 3, cwd=work)
    value = read(work / "runs/inspect-right/inspection.json")
    assert [grid["grid"] for grid in value["grids"]] == [7, 10, 14, 20]
    assert value["grids"][0]["boxes"] == 24 * 7 * 7 * 3
    succeed("inspect", "right", cwd=work)  # again: the same place
    assert read(work / "runs/inspect-right/inspection.json")["boxes_per_cell"] == 2


def test_a_suspicion_is_told_with_reasons_and_files(work: Path) -> None:
    output = succeed("inspect", "swapped", "--grid", 7, "--out", "doubt", cwd=work)
    (suspicion,) = read(work / "doubt/inspection.json")["suspicions"]
    assert suspicion["fault"] == "x and y are swapped"
    assert "Suspected: x and y are swapped in the labels of 24 of 24 pictures" in output
    for reason in suspicion["reasons"]:
        assert reason in output
    first = Path(suspicion["label_files"][0])
    assert first.is_relative_to("swapped")
    assert f"  {first.relative_to('swapped')}" in output.splitlines()
    assert "Broken annotations: " in output


FOUND_IN = [
    (
        "en",
        "Class names that differ in case or spacing only",
        '"WBC" = "wbc"',
        "EXIF orientation turns: 1",
        "nearly the same",
    ),
    ("zh-TW", "只有大小寫或空格不同的類別名稱", '"WBC" = "wbc"', "依 EXIF 方向旋轉的影像：1 張", "幾乎相同"),
]


@pytest.mark.parametrize(("language", "words"), [(language, words) for language, *words in FOUND_IN])
def test_near_copies_turned_pictures_and_alike_names(
    work: Path, tmp_path: Path, language: str, words: list[str]
) -> None:
    pictures = scenes(tmp_path / "painted", 12)
    root = tmp_path / "data"
    for split, some in (("train", pictures[:8]), ("val", pictures[8:])):
        write_yolo(root / split, some, ("WBC", "wbc", "disc"))
    names = (root / "train/data.yaml").read_text().split("\n", 1)[1]
    (root / "data.yaml").write_text(f"train: train/images\nval: val/images\n{names}")
    exif = Image.Exif()
    exif[0x0112] = 3
    with Image.open(pictures[0].picture) as first:
        first.resize((150, 105)).save(root / "val/images/copy.png")
        first.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(root / "val/images/turned.jpg", exif=exif)
    output = succeed("inspect", root, "--grid", 7, "--lang", language, "--out", "found", cwd=tmp_path)
    page = (tmp_path / "found/inspection.html").read_text("utf-8")
    for word in words:
        assert word in output
        assert word in unescape(page)
    assert "copy.png" in output
    assert "turned.jpg" in output
    assert str(tmp_path) not in output


def test_very_many_boxes_make_a_page_of_bounded_size(tmp_path: Path) -> None:
    (one,) = scenes(tmp_path / "painted", 1)
    count = 6000
    rows = [
        (0, 0.1 + k * 0.8 / count, 0.1 + k * 7919 % count * 0.8 / count, 0.004, 0.02) for k in range(count)
    ]
    write_yolo(tmp_path / "data", [Labelled(one.picture, one.size, rows)], SHAPES)
    output = succeed("inspect", "data", "--grid", 7, "--out", "found", cwd=tmp_path)
    assert f"Odd boxes: tiny {count}" in output
    assert f"… and {count - 5} more" in output
    page = (tmp_path / "found/inspection.html").read_text("utf-8")
    assert len(page) < 1_000_000
    assert f"and {count - 24} more" in page
    assert f"and {count - 24 - 200} more" in page
    assert len(read(tmp_path / "found/inspection.json")["odd_boxes"]) == count


def test_chinese(work: Path) -> None:
    output = succeed("inspect", "swapped", "--grid", 7, "--lang", "zh-TW", "--out", "zh", cwd=work)
    assert output.startswith("資料集檢查：swapped（train）\n24 張影像、")
    assert "懷疑：x 與 y 對調了（24 張影像中 24 張的標註）" in output
    assert '<html lang="zh-TW">' in (work / "zh/inspection.html").read_text("utf-8")


def test_only_one_split(work: Path) -> None:
    succeed("inspect", "right", "--grid", 7, "--split", "val", "--out", "val", cwd=work)
    value = read(work / "val/inspection.json")
    assert (value["splits"], value["num_pictures"]) == (["val"], 5)
    assert value["notes"] == ["no val split: 5 of 24 pictures held out (every 5th by name)"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["inspect"], ["DATA"]),
        (["inspect", "nowhere"], ["nowhere"]),
        (["inspect", "right", "--grid", "0"], ["--grid", "0"]),
        (["inspect", "right", "--grid", "seven"], ["--grid", "seven"]),
        (["inspect", "right", "--boxes-per-cell", "0"], ["--boxes-per-cell"]),
        (["inspect", "right", "--split", "autumn"], ["autumn", "train"]),
        (["inspect", "right", "--lang", "fr"], ["--lang", "fr", "zh-TW"]),
        (["inspect", "right", "--out", "right/data.yaml"], ["--out", "data.yaml"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_mistakes_get_one_line(work: Path, arguments: list[str], words: list[str]) -> None:
    line = fail(*arguments, cwd=work)
    for word in words:
        assert word in line


def test_help_does_not_wait_for_torch(tmp_path: Path) -> None:
    script = (
        "import sys; sys.argv = ['yolosses', 'inspect', '--help']\n"
        "from yolosses.apps.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "heavy = {'torch', 'numpy', 'matplotlib', 'PIL', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path)
    assert result.returncode == 0, result.stderr
    for option in ("--grid", "--boxes-per-cell", "--split", "--lang"):
        assert option in result.stdout


@pytest.mark.skipif(not BCCD.is_dir(), reason=f"the BCCD pictures are not at {BCCD}")
def test_bccd(tmp_path: Path) -> None:
    output = succeed("inspect", BCCD, "--grid", 7, "--out", "found", cwd=tmp_path)
    value = read(tmp_path / "found/inspection.json")
    assert value["splits"] == ["train", "val", "test"]
    assert (value["num_pictures"], value["num_objects"], value["suspicions"]) == (364, 4886, [])
    assert "BloodImage_00338.xml, object 13: box of width 0 and height 0 pixels" in output
    assert value["grids"][0]["lost"] == 174
