"""Draws the figures for teachers, as SVG with text as text, in both languages:

    python docs/build/teaching_figures.py

writes ``docs/images/teaching``. Numbers on the figures are computed by the library: IoUs by `yolosses.boxes`, terms by
`YOLOv1Loss` on the example of the worksheet.
"""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from torch import Tensor

import yolosses as yl
from yolosses.boxes import pairwise_iou
from yolosses.explain.style import (
    BLUE,
    FAINT_INK,
    GREEN,
    GRID,
    INK,
    ORANGE,
    VERMILLION,
    new_figure,
    plain_axes,
    use_font,
)
from yolosses.language import LANGUAGES, Language

OUT = Path(__file__).resolve().parent.parent / "images" / "teaching"
FONTS = {
    "en": "'DejaVu Sans', Verdana, Arial, sans-serif",
    "zh-TW": "'Noto Sans TC', 'Noto Sans CJK TC', 'PingFang TC', 'Microsoft JhengHei', sans-serif",
}

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "owner": "the object belongs\nto this cell",
        "centre": "centre",
        "truth": "truth",
        "responsible": "responsible",
        "not": "not responsible",
        "box": "box {0}",
        "iou": "{0}: IoU {1:.2f}, {2}",
        "side": "side of the box, pixels",
        "root": "its square root",
        "steps": "5 pixels more on the small and on the large box",
        "cost": "cost of the error in term 2",
        "pixels": "5 pixels too large",
        "ratio": "10 % too large",
        "compared": "equal pixels against equal ratio",
        "obj": "1obj_ij\nthe responsible box: 1 of 32",
        "noobj": "1noobj_ij\nall other boxes: 31 of 32",
        "cell": "1obj_i\nthe cell with the centre: 1 of 16",
        "before": "before the lambdas",
        "after": "after the lambdas",
        "terms": "the five terms of the worksheet",
        "A": "A",
        "B": "B",
        "confidence": "{0}: C = {1:.1f}",
    },
    "zh-TW": {
        "owner": "物件屬於\n這個格子",
        "centre": "中心點",
        "truth": "真實框",
        "responsible": "負責",
        "not": "不負責",
        "box": "框 {0}",
        "iou": "{0}：IoU {1:.2f}，{2}",
        "side": "框的邊長（像素）",
        "root": "邊長的平方根",
        "steps": "小框和大框各多 5 個像素",
        "cost": "這個誤差在第 2 項的代價",
        "pixels": "大了 5 個像素",
        "ratio": "大了 10 %",
        "compared": "相同的像素，對照相同的比例",
        "obj": "1obj_ij\n負責的框：32 個裡的 1 個",
        "noobj": "1noobj_ij\n其餘的框：32 個裡的 31 個",
        "cell": "1obj_i\n有中心點的格子：16 個裡的 1 個",
        "before": "乘上 lambda 之前",
        "after": "乘上 lambda 之後",
        "terms": "學習單的五項",
        "A": "A",
        "B": "B",
        "confidence": "{0}：C = {1:.1f}",
    },
}


# ------------------------------------------------------------ the example of the worksheet

TRUTH = (0.70, 0.30, 0.16, 0.36)  # cx, cy, w, h: a dog
CLASSES = ("cat", "dog")


def worksheet() -> tuple[yl.YOLOv1Loss, Tensor, yl.Targets]:
    """2 x 2 cells of two boxes; loss, output and truth."""
    loss = yl.YOLOv1Loss(grid=2, boxes_per_cell=2, num_classes=len(CLASSES), impl="torch")
    raw = torch.zeros(1, 2, 2, 12)
    raw[..., [4, 9]] = torch.tensor([[[0.1, 0.2], [0.0, 0.0]], [[0.0, 0.3], [0.1, 0.0]]])  # confidences
    # x, y in the cell, roots of w and h, confidence: box A, box B; then the scores of cat and dog
    raw[0, 0, 1] = torch.tensor([0.48, 0.6, 0.5, 0.6, 0.54, 0.4, 0.6, 0.2, 0.6, 0.9, 0.2, 0.7])
    return loss, raw, yl.Targets.from_cxcywh([torch.tensor([TRUTH])], [torch.tensor([1])])


def worksheet_boxes() -> dict[str, tuple[float, ...]]:
    """Truth and both boxes of its cell, cx, cy, w, h in fractions of the picture."""
    _, raw, _ = worksheet()
    cell = raw[0, 0, 1]
    boxes = {"truth": TRUTH}
    for name, start in (("A", 0), ("B", 5)):
        x, y, w, h = cell[start : start + 4].tolist()
        boxes[name] = ((1 + x) / 2, y / 2, w * w, h * h)
    return boxes


def iou(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return float(pairwise_iou(torch.tensor([one]), torch.tensor([other])))


# ------------------------------------------------------------ figures


def picture(axes: Axes, cells: int) -> None:
    """An empty picture of side 1, row 0 above, with its cells."""
    axes.set(xlim=(-0.01, 1.01), ylim=(1.01, -0.01), aspect="equal")
    axes.axis("off")
    for at in np.linspace(0, 1, cells + 1):
        axes.plot([at, at], [0, 1], color=FAINT_INK, linewidth=0.8)
        axes.plot([0, 1], [at, at], color=FAINT_INK, linewidth=0.8)


def draw(axes: Axes, box: tuple[float, ...], colour: str, style: str = "-", width: float = 2.2) -> None:
    cx, cy, w, h = box
    axes.add_patch(
        Rectangle(
            (cx - w / 2, cy - h / 2), w, h, fill=False, edgecolor=colour, linewidth=width, linestyle=style
        )
    )
    axes.plot(cx, cy, marker="o", color=colour, markersize=5)


def cells(words: dict[str, str]) -> Figure:
    """Which cell an object belongs to: the one that holds its centre, not all that it covers."""
    figure = new_figure(4.4, 4.4)
    axes = figure.add_subplot()
    picture(axes, 4)
    box = (0.60, 0.43, 0.62, 0.5)
    axes.add_patch(Rectangle((0.5, 0.25), 0.25, 0.25, facecolor=BLUE, alpha=0.22, edgecolor="none"))
    draw(axes, box, INK)
    axes.text(box[0] + 0.02, box[1] - 0.02, words["centre"], size=10, color=INK, va="bottom")
    axes.annotate(
        words["owner"], (0.7, 0.48), xytext=(0.62, 0.84), size=11, color=BLUE, ha="center", va="center",
        arrowprops={"arrowstyle": "->", "color": BLUE},
    )  # fmt: skip
    return figure


def responsible(words: dict[str, str]) -> Figure:
    """Of a cell's boxes the one with the highest IoU: the cell of the worksheet, enlarged."""
    figure = new_figure(8.0, 3.4)
    axes = figure.add_subplot()
    picture(axes, 2)
    boxes = worksheet_boxes()
    lines = [(words["truth"], INK)]
    draw(axes, boxes["truth"], INK)
    for name, colour, style, role in (("A", BLUE, "--", "responsible"), ("B", VERMILLION, ":", "not")):
        draw(axes, boxes[name], colour, style)
        said = words["box"].format(name)
        lines.append((words["iou"].format(said, iou(boxes[name], boxes["truth"]), words[role]), colour))
    axes.set(xlim=(0.49, 1.78), ylim=(0.51, -0.01))
    for row, (text, colour) in enumerate(lines):
        axes.text(1.06, 0.12 + 0.08 * row, text, size=12, color=colour)
    return figure


def masks(words: dict[str, str]) -> Figure:
    """1obj_ij, 1noobj_ij, 1obj_i over 4 x 4 cells of two boxes, each half of a cell a box."""
    figure = new_figure(9.6, 3.6)
    own = (1, 2)  # row, column of the cell; its right half is responsible
    for index, (name, colour) in enumerate((("obj", BLUE), ("noobj", ORANGE), ("cell", GREEN))):
        axes = figure.add_subplot(1, 3, index + 1)
        picture(axes, 4)
        axes.set_title(words[name], size=11, color=INK, linespacing=1.5)
        for row, column, half in np.ndindex(4, 4, 2):
            here = (row, column) == own
            one = {"obj": here and half == 1, "noobj": not (here and half == 1), "cell": here}[name]
            x, y = column / 4 + half / 8, row / 4
            if one:
                axes.add_patch(Rectangle((x, y), 1 / 8, 1 / 4, facecolor=colour, alpha=0.4, edgecolor="none"))
            if name != "cell":
                axes.add_patch(Rectangle((x, y), 1 / 8, 1 / 4, fill=False, edgecolor=GRID, linewidth=0.8))
        picture(axes, 4)
        draw(axes, (0.61, 0.40, 0.46, 0.56), INK, width=1.4)
    return figure


def roots(words: dict[str, str]) -> Figure:
    """What term 2 makes of errors: left the curve, right the cost by the size of the box."""
    figure = new_figure(9.6, 4.0)
    axes = figure.add_subplot(1, 2, 1)
    plain_axes(axes)
    side = np.linspace(0, 120, 241)
    axes.plot(side, np.sqrt(side), color=INK, linewidth=1.8)
    for at, colour in ((10, VERMILLION), (100, BLUE)):
        low, high = np.sqrt(at), np.sqrt(at + 5)
        axes.plot([at, at + 5, at + 5], [low, low, high], color=colour, linewidth=2)
        axes.plot([at, at + 5], [low, high], color=colour, marker="o", linestyle="", markersize=5)
        axes.annotate(
            f"{high - low:.2f}",
            (at + 5, high),
            xytext=(6, -12),
            textcoords="offset points",
            size=10,
            color=colour,
        )
    axes.set_title(words["steps"], size=10.5, color=INK, loc="left")
    axes.set_xlabel(words["side"], size=10, color=INK)
    axes.set_ylabel(words["root"], size=10, color=INK)
    axes = figure.add_subplot(1, 2, 2)
    plain_axes(axes)
    side = np.geomspace(5, 200, 200)
    for label, error, colour, style in (
        (words["pixels"], side + 5, VERMILLION, "-"), (words["ratio"], side * 1.1, BLUE, "--"),
    ):  # fmt: skip
        axes.plot(
            side,
            (np.sqrt(error) - np.sqrt(side)) ** 2,
            color=colour,
            linestyle=style,
            linewidth=2,
            label=label,
        )
    axes.set(xscale="log", yscale="log", xticks=[10, 100], yticks=[0.01, 0.1, 1])
    axes.set_xticks([], minor=True)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.set_title(words["compared"], size=10.5, color=INK, loc="left")
    axes.set_xlabel(words["side"], size=10, color=INK)
    axes.set_ylabel(words["cost"], size=10, color=INK)
    axes.legend(frameon=False, fontsize=10)
    return figure


def weights(words: dict[str, str]) -> Figure:
    """The five terms of the worksheet before and after their lambdas."""
    loss, raw, targets = worksheet()
    out = loss(raw, targets)
    figure = new_figure(7.2, 3.6)
    axes = figure.add_subplot()
    plain_axes(axes)
    names = list(out.terms)
    for shift, values, colour, hatch, label in (
        (-0.2, out.unweighted, GRID, "", words["before"]), (0.2, out.terms, BLUE, "", words["after"]),
    ):  # fmt: skip
        for place, name in enumerate(names):
            value = float(values[name])
            axes.barh(
                place + shift, value, height=0.36, color=colour, edgecolor=INK, linewidth=0.6, hatch=hatch,
                label=label if place == 0 else None,
            )  # fmt: skip
            axes.text(value + 0.01, place + shift, f"{value:.3f}", va="center", size=9, color=INK)
    axes.set_yticks(range(len(names)), names, size=10)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.1)
    axes.grid(False, axis="y")
    axes.set_title(words["terms"], size=10.5, color=INK, loc="left")
    axes.legend(frameon=False, fontsize=10, loc="lower right")
    return figure


def sheet(words: dict[str, str]) -> Figure:
    """The picture of the worksheet: 100 pixels a side, 2 x 2 cells, truth and both boxes of its cell; elsewhere the
    confidences of the two boxes."""
    _, raw, _ = worksheet()
    figure = new_figure(3.9, 3.7)
    axes = figure.add_subplot()
    picture(axes, 2)
    boxes = worksheet_boxes()
    for name, colour, style, at in (
        ("truth", INK, "-", (0.70, 0.57)), ("A", BLUE, "--", (0.91, 0.30)), ("B", VERMILLION, ":", (0.70, 0.09)),
    ):  # fmt: skip
        draw(axes, boxes[name], colour, style, width=1.8)
        axes.text(*at, words[name], size=11, color=colour, ha="center")
    for row, column in ((0, 0), (1, 0), (1, 1)):
        for line, (name, index) in enumerate((("A", 4), ("B", 9))):
            confidence = words["confidence"].format(name, raw[0, row, column, index].item())
            axes.text(
                column / 2 + 0.25, row / 2 + 0.2 + 0.09 * line, confidence, size=10, color=INK, ha="center"
            )
    for at in (0, 50, 100):
        axes.text(at / 100, 1.07, str(at), size=9, color=FAINT_INK, ha="center")
        axes.text(-0.03, at / 100, str(at), size=9, color=FAINT_INK, ha="right", va="center")
    axes.set(xlim=(-0.12, 1.03), ylim=(1.1, -0.03))
    return figure


FIGURES = {
    "cells": cells,
    "responsible": responsible,
    "masks": masks,
    "roots": roots,
    "weights": weights,
    "sheet": sheet,
}


def main() -> None:
    """Write every figure in every language."""
    OUT.mkdir(parents=True, exist_ok=True)
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "teaching"}):
        for language in LANGUAGES:
            for name, make in FIGURES.items():
                suffix = "" if language == "en" else f".{language}"
                path = OUT / f"{name}{suffix}.svg"
                figure = make(WORDS[language])
                use_font(figure, language)
                figure.savefig(path, metadata={"Date": None, "Creator": None}, facecolor="white")
                # The fonts of whoever looks at it, in place of those of this computer.
                family = f"font-family: {FONTS[language]}"
                text = re.sub(r"font-family: [^;\"]+", family, path.read_text("utf-8"))
                path.write_text(text, "utf-8")
                print(f"docs/images/teaching/{path.name}")


if __name__ == "__main__":
    main()
