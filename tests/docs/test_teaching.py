"""The worksheet: its numbers are those of the loss, in both languages, and of its figures."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import torch

DOCS = Path(__file__).parents[2] / "docs"
LANGUAGES = ("en", "zh-TW")


@pytest.fixture(scope="module")
def figures() -> ModuleType:
    spec = importlib.util.spec_from_file_location("teaching_figures", DOCS / "build/teaching_figures.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_answers_of_the_worksheet_are_those_of_the_loss(figures: ModuleType, language: str) -> None:
    loss, raw, targets = figures.worksheet()
    out = loss(raw, targets)
    boxes = figures.worksheet_boxes()
    ious = [figures.iou(boxes[name], boxes["truth"]) for name in "AB"]
    assert out.assignment.iou.item() == pytest.approx(ious[0])
    answers = (DOCS / language / "teaching/sheet.md").read_text("utf-8").rpartition("— — —")[2]
    shown = [float(number) for number in re.findall(r"\*\*([\d.]+)\*\*", answers)]
    assert shown == pytest.approx(
        [*ious, *(term.item() for term in out.terms.values()), out.total.item()], abs=1e-6
    )
    for name in ("xy", "noobj"):
        assert f"= {out.unweighted[name].item():.4g}" in answers


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_numbers_given_by_the_worksheet_are_what_the_loss_gets(
    figures: ModuleType, language: str
) -> None:
    _, raw, targets = figures.worksheet()
    task = (DOCS / language / "teaching/sheet.md").read_text("utf-8").partition("— — —")[0]
    rows = [
        re.findall(r"\d\.\d+", line)
        for line in task.splitlines()
        if re.match(r"\| (?!term|項).*\d\.\d+ \|", line)
    ]
    truth, a, b = ([float(number) for number in row] for row in rows[:3])
    torch.testing.assert_close(torch.tensor(a + b), raw[0, 0, 1, :10])
    cx, cy, w, h = targets.boxes[0, 0].tolist()
    assert truth == pytest.approx([2 * cx - 1, 2 * cy, w**0.5, h**0.5], abs=1e-6)
    assert re.search(r"0\.2\D+0\.7", task)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_figures_show_the_numbers_of_the_loss(figures: ModuleType, language: str) -> None:
    loss, raw, targets = figures.worksheet()
    out = loss(raw, targets)
    shown = {
        name: [text.get_text() for text in make(figures.WORDS[language]).axes[0].texts]
        for name, make in figures.FIGURES.items()
    }
    values = [*out.unweighted.values(), *out.terms.values()]
    assert shown["weights"] == [f"{value.item():.3f}" for value in values]
    boxes = figures.worksheet_boxes()
    for name, text in zip("AB", shown["responsible"][1:], strict=True):
        assert f"IoU {figures.iou(boxes[name], boxes['truth']):.2f}" in text
    assert sum("C = " in text for text in shown["sheet"]) == 6


def test_each_figure_is_there_in_both_languages_with_text_as_text(figures: ModuleType) -> None:
    for name in figures.FIGURES:
        for suffix, language in (("", "en"), (".zh-TW", "zh-TW")):
            drawn = (DOCS / f"images/teaching/{name}{suffix}.svg").read_text("utf-8")
            assert figures.FONTS[language] in drawn
            assert "<text" in drawn
