"""``yolosses explain`` as a person uses it, on a network that was never trained: files, words, and mistakes."""

import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tests.training.shapes import SIZE, paint, rectangles

from yolosses.apps.cli.explain import explain_run
from yolosses.apps.cli.requests import ExplainRequest
from yolosses.apps.runs.failures import CommandError
from yolosses.losses import YOLOv1Loss
from yolosses.structures import Targets
from yolosses.training.checkpoints import save_weights
from yolosses.training.data import DataError
from yolosses.training.models import Tiny
from yolosses.training.run import RunFolder, Settings

NAMES = ("red", "blue")


def write_pictures(root: Path, count: int) -> None:
    for folder in ("images/val", "labels/val"):
        (root / folder).mkdir(parents=True)
    for index in range(count):
        name = f"shape-{index:02d}"
        Image.fromarray(paint(index)).save(root / "images/val" / f"{name}.png")
        edges, labels = rectangles(index)
        rows = [
            f"{label} {(x0 + x1) / 2 / SIZE} {(y0 + y1) / 2 / SIZE} {(x1 - x0) / SIZE} {(y1 - y0) / SIZE}"
            for (x0, y0, x1, y1), label in zip(edges.tolist(), labels.tolist(), strict=True)
        ]
        (root / "labels/val" / f"{name}.txt").write_text("\n".join(rows) + "\n")
    (root / "data.yaml").write_text("train: images/val\nval: images/val\nnames: [red, blue]\n")


def settings_of(data: Path) -> Settings:
    return Settings(
        data=str(data), train_split="train", eval_split="val", class_names=NAMES, loss="v1", model="tiny",
        image_size=(64, 64), grid=(4, 4), boxes_per_cell=2, loss_options={}, fit="stretch",
        batch_size=4, optimizer="adamw", learning_rate=0.002, schedule="cosine", epochs=1, minutes=None, seed=0,
        version="test",
    )  # fmt: skip


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of ten pictures with one broken label, and the folder of a run."""
    root = tmp_path_factory.mktemp("work")
    write_pictures(root / "shapes", 10)
    with (root / "shapes/labels/val/shape-03.txt").open("a") as labels:
        labels.write("7 0.5 0.5 0.1 0.1\n")
    folder = RunFolder(root / "run")
    folder.create(settings_of(root / "shapes"))
    torch.manual_seed(0)
    save_weights(folder.weights_file, Tiny(num_classes=2, stride=16).state_dict())
    rows = [
        {"step": step, "total": 10.0, "terms": {"xy": 1, "wh": 1, "obj": 2, "noobj": 5, "cls": 1},
         "num_answered": 9, "num_dropped": 1, "num_hidden": 2}
        for step in range(1, 5)
    ]  # fmt: skip
    folder.log_file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return root


def explain(work: Path, out: str, **options: Any) -> tuple[str, dict[str, Any]]:
    request = ExplainRequest(run=work / "run", top=3, device="cpu", out=work / out)
    explain_run(replace(request, **options))
    report = (work / out / "report.html").read_text("utf-8")
    return report, json.loads((work / out / "explanation.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def made(work: Path) -> tuple[str, dict[str, Any]]:
    return explain(work, "made")


def text_of(page: str) -> str:
    """What a person reads, without the pictures."""
    body = re.sub(r"<style>.*?</style>|data:image/[^\"]*", "", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body)))


def test_the_numbers_are_those_of_the_loss(work: Path, made: tuple[str, dict[str, Any]]) -> None:
    _, values = made
    assert (values["data"], values["split"], len(values["pictures"])) == ("shapes", "val", 10)
    loss = sum(picture["loss"] for picture in values["pictures"]) / 10
    assert values["loss"] == pytest.approx(loss)
    assert sum(term["value"] for term in values["terms"].values()) == pytest.approx(loss)
    for term in values["terms"].values():
        assert term["value"] == pytest.approx(term["raw_value"] * term["lambda"])
    assert values["history"]["terms"]["noobj"] == [5, 5, 5, 5]


def test_the_report_names_the_term_and_the_pictures(made: tuple[str, dict[str, Any]]) -> None:
    report, values = made
    terms = {name: term["value"] for name, term in values["terms"].items()}
    first = max(terms, key=lambda name: terms[name])
    share = f"{100 * terms[first] / values['loss']:.0f} %"
    worst = sorted(values["pictures"], key=lambda picture: -picture["loss"])[:3]
    verdict = text_of(report[report.index('class="verdict"') - 3 : report.index('class="hero"')])
    assert first in verdict
    assert share in verdict
    assert worst[0]["name"] in verdict
    headings = re.findall(r"<h3>(\d+\. [^<]*\.png)</h3>", report)
    assert headings[:3] == [f"{rank}. {picture['name']}" for rank, picture in enumerate(worst, 1)]


def test_each_worst_picture_has_sentences(made: tuple[str, dict[str, Any]]) -> None:
    report, _ = made
    cards = re.findall(r'<article class="card">.*?</article>', report, flags=re.DOTALL)
    assert len(cards) == 3
    for card in cards:
        sentences = re.findall(r"<li><b>([\d.]+)</b>(.*?)</li>", card)
        assert 1 <= len(sentences) <= 3
        assert all("cell (" in text for _, text in sentences)
        assert "data:image/jpeg;base64," in card


def test_what_took_no_part_is_counted(made: tuple[str, dict[str, Any]]) -> None:
    report, values = made
    text = text_of(report)
    answered = sum(picture["num_answered"] for picture in values["pictures"])
    dropped = sum(picture["num_dropped"] for picture in values["pictures"])
    assert answered + dropped == len(values["objects"]) == 15
    assert "Broken annotations of this split: 1 skipped." in text
    assert "shape-03.txt , line 3: class 7, but there are 2 classes (0..1) (skipped)" in text
    # 4 steps of 9 answered, 1 dropped, 2 hidden
    assert re.search(r"dropped \d+ [\d.]+ % 4 8 %", text)
    assert re.search(r"hidden 0 0 % 8 17 %", text)


def test_the_report_leaves_the_file_for_nothing(made: tuple[str, dict[str, Any]]) -> None:
    report, _ = made
    assert not re.findall(r"https?://|<script|@import|src=\"(?!data:)", report)
    assert all(ref.startswith(("#", "data:")) for ref in re.findall(r'href="([^"]*)"', report))
    ids = re.findall(r'\sid="([^"]*)"', report)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r"url\(#([^)]*)\)", report)) <= set(ids)


def test_one_picture_is_explained_in_full(work: Path, made: tuple[str, dict[str, Any]]) -> None:
    report, values = explain(work, "one", image="shape-05")
    (loss,) = [p["loss"] for p in made[1]["pictures"] if p["name"] == "shape-05.png"]
    assert values["total"] == pytest.approx(loss, rel=1e-5)
    assert sum(row["value"] for row in values["contributions"]) == pytest.approx(loss, rel=1e-5)
    text = text_of(report)
    assert "shape-05.png (shapes, val): where its loss comes from" in text
    for obj in values["objects"]:
        assert text.count(f'{obj["place"]} is responsible for "{obj["class_name"]}"') >= 1


def test_the_report_speaks_chinese(work: Path) -> None:
    report, _ = explain(work, "zh", language="zh-TW")
    assert '<html lang="zh-TW">' in report
    text = text_of(report)
    for words in ("損失從哪裡來", "可能的標註錯誤", "沒有參與的物件", "負責「"):
        assert words in text
    assert not re.search(r"is responsible for|The loss|worst", text)


def test_the_command_line_reaches_it(work: Path) -> None:
    command = ["explain", "run", "shapes", "--split", "val", "--image", "shape-01.png", "--lang", "zh-TW"]
    result = subprocess.run(
        [sys.executable, "-m", "yolosses", *command, "--device", "cpu", "--top", "2"],
        cwd=work, env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    out = work / "run" / "explanation" / "shape-01"
    assert f"report.html and explanation.json are in {out.relative_to(work)}" in result.stdout
    assert "shape-01.png（shapes，val）：損失從哪裡來" in (out / "report.html").read_text("utf-8")
    assert json.loads((out / "explanation.json").read_text("utf-8"))["images"] == ["shape-01.png"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            {"image": "shape-55.png"},
            ["--image shape-55.png", "shapes, val (10 pictures)", "did you mean shape-0"],
        ),
        ({"image": "shape-05", "replay": Path("x.pt")}, ["--image, --replay", "got both"]),
        ({"replay": Path("nowhere.pt")}, ["--replay nowhere.pt", "no such file"]),
        ({"split": "autumn"}, ["autumn"]),
    ],
)
def test_mistakes_are_named_in_one_line(work: Path, options: dict[str, Any], words: list[str]) -> None:
    with pytest.raises((CommandError, DataError)) as caught:
        explain(work, "never", **options)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words)
    assert not (work / "never").exists()


# ------------------------------------------------------------ a saved batch


@pytest.fixture
def saved(tmp_path: Path) -> Callable[[Callable[[dict[str, Any]], None]], Path]:
    """A batch as the training loop saves it, after some damage."""

    def save(damage: Callable[[dict[str, Any]], None]) -> Path:
        torch.manual_seed(0)
        targets = Targets.from_cxcywh(
            [
                torch.tensor([[0.3, 0.3, 0.2, 0.2]]),
                torch.tensor([[0.6, 0.7, 0.3, 0.2], [0.2, 0.2, 0.1, 0.1]]),
            ],
            [torch.tensor([0]), torch.tensor([1, 0])],
        )
        state: dict[str, Any] = {
            "images": torch.rand(2, 3, 64, 64), "raw": torch.rand(2, 4, 4, 12), "boxes": targets.boxes,
            "labels": targets.labels, "mask": targets.mask, "names": ["a.png", "b.png"], "step": 17,
        }  # fmt: skip
        damage(state)
        torch.save(state, tmp_path / "nonfinite.pt")
        return tmp_path / "nonfinite.pt"

    return save


def test_replay_names_the_number_and_shows_the_picture_first(
    work: Path, saved: Callable[[Callable[[dict[str, Any]], None]], Path]
) -> None:
    def plant(state: dict[str, Any]) -> None:
        state["raw"][1, 2, 2, 5] = (
            torch.nan
        )  # cell (2, 2) holds the first object of b.png; its second box's x

    report, values = explain(work, "replay", replay=saved(plant))
    assert values["step"] == 17
    culprit = values["culprit"]
    assert (culprit["image_name"], culprit["operand"], culprit["value"]) == ("b.png", "raw", "nan")
    assert culprit["index"] == [1, 2, 2, 5]
    assert "cell (2,2)" in culprit["place"]
    text = text_of(report)
    assert "Step 17: what was not finite" in text
    assert culprit["message"] in text
    assert re.findall(r'<article class="card"><h3>([^<]*)</h3>', report) == ["b.png", "a.png"]
    json.dumps(values, allow_nan=False)


def test_replay_of_a_finite_batch_gives_its_loss(
    work: Path, saved: Callable[[Callable[[dict[str, Any]], None]], Path]
) -> None:
    file = saved(lambda state: None)
    report, values = explain(work, "finite", replay=file)
    assert values["culprit"] is None
    state = torch.load(file, weights_only=True)
    targets = Targets(boxes=state["boxes"], labels=state["labels"], mask=state["mask"])
    loss = YOLOv1Loss(grid=4, num_classes=2)(state["raw"], targets).total.item()
    found = sum(sum(picture["terms"].values()) for picture in values["pictures"])
    assert found == pytest.approx(loss, rel=1e-5)
    assert "All numbers of this batch are finite" in text_of(report)


def test_replay_of_something_else_is_refused(
    work: Path, saved: Callable[[Callable[[dict[str, Any]], None]], Path], tmp_path: Path
) -> None:
    with pytest.raises(CommandError, match=r"a run with these settings saved.*raw: expected"):
        explain(work, "never", replay=saved(lambda state: state.update(raw=torch.rand(2, 7, 7, 12))))
    with pytest.raises(CommandError, match="a run with these settings saved"):
        explain(work, "never", replay=saved(lambda state: state.pop("boxes")))
    other = tmp_path / "other.pt"
    other.write_text("no batch")
    with pytest.raises(CommandError, match="cannot be read as one"):
        explain(work, "never", replay=other)
    assert not (work / "never").exists()
