"""Two small images whose every box is known, for all tests of the pictures."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
import torch
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from torch import Tensor

import yolosses as yl
from yolosses.explain import Explanation
from yolosses.explain.style import text_font
from yolosses.language import Language

ROWS, COLS, K = 3, 4, 2
CLASSES = ("cat", "dog", "bird")
CAT, DOG, BIRD, HORSE = 0, 1, 2, 0  # objects of image 0, and of image 1
BOXES = [
    torch.tensor(
        [[0.375, 0.5, 0.30, 0.40], [0.40, 0.45, 0.1, 0.1], [0.875, 1 / 6, 0.2, 0.2]], dtype=torch.float64
    ),
    torch.tensor([[0.125, 0.8, 0.2, 0.3]], dtype=torch.float64),
]
ANSWERS = (1 * COLS + 1) * K + 1  # cell (1,1) box 1 is responsible for the cat
ANSWER = np.array([0.425, 1.4 / 3, 0.25, 0.49])  # its box
SPARED = 3  # cell (0,3) lies on the ignored bird

PICTURE = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)


def has_chinese() -> bool:
    """Whether Chinese can be written here."""
    try:
        text_font("zh-TW")
    except ValueError:
        return False
    return True


requires_chinese = pytest.mark.skipif(
    not has_chinese(), reason="no font with Chinese characters is installed"
)
LANGUAGES = pytest.mark.parametrize("language", ["en", pytest.param("zh-TW", marks=requires_chinese)])


def raw_output() -> Tensor:
    """(2, 3, 4, 13): confidences of 0.1 but where said otherwise, boxes at the middle of their cells."""
    raw = torch.zeros(2, ROWS, COLS, 5 * K + len(CLASSES), dtype=torch.float64)
    raw[..., :10] = torch.tensor([0.5, 0.5, 0.3, 0.3, 0.1] * K)
    raw[0, 1, 1, 5:10] = torch.tensor([0.7, 0.4, 0.5, 0.7, 0.5])  # x, y, sqrt w, sqrt h, confidence
    raw[0, 1, 1, 10:] = torch.tensor([0.8, 0.1, 0.1])
    raw[0, 2, 2, 4] = 0.9  # sure of nothing
    raw[1, 2, 0, :5] = torch.tensor([0.5, 0.5, 0.5, 0.5, 0.2])
    return raw


def targets() -> yl.Targets:
    """A cat, a dog that falls into the cat's cell, an ignored bird; another cat alone."""
    return yl.Targets.from_cxcywh(
        BOXES,
        [torch.tensor([0, 1, 2]), torch.tensor([0])],
        ignore=[torch.tensor([False, False, True]), torch.tensor([False])],
    )


def explained(raw: Tensor | None = None) -> Explanation:
    """The scene taken apart."""
    loss = yl.YOLOv1Loss(grid=(ROWS, COLS), boxes_per_cell=K, num_classes=len(CLASSES))
    return yl.explain(
        loss,
        raw_output() if raw is None else raw,
        targets(),
        class_names=CLASSES,
        image_names=("a$b$.jpg", "horse.jpg"),
    )


def render(figure: Figure, *, dpi: int = 50) -> np.ndarray:
    """(H, W, 4) uint8 pixels; every warning (a missing glyph, say) is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=dpi)
    return np.asarray(Image.open(buffer))


def boards(figure: Figure) -> list[Axes]:
    """The axes that show the picture."""
    return [axes for axes in figure.axes if labelled(axes, "_picture")]


def labelled(axes: Axes, label: str) -> list[Artist]:
    """The artists of this label, in the order they were added."""
    return [artist for artist in axes.get_children() if artist.get_label() == label]


def words_of(figure: Figure) -> list[str]:
    """Every text that is not empty."""
    return [text.get_text() for text in figure.findobj(Text) if text.get_text()]


def legend_texts(axes: Axes) -> list[str]:
    """What the legend of the axes says."""
    legend = axes.get_legend()
    assert legend is not None
    return [text.get_text() for text in legend.get_texts()]


def legend_axes(figure: Figure) -> Axes:
    """The only axes with a legend."""
    (found,) = [axes for axes in figure.axes if axes.get_legend() is not None]
    return found


def check_text(figure: Figure, language: Language) -> None:
    """Everything can be drawn without a warning and within the figure, in the fonts of the language; no text is
    taken for a formula."""
    render(figure)
    for text in figure.findobj(Text):
        assert text.get_fontfamily() == text_font(language)
        assert not text.get_parse_math()
    drawn, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
    assert drawn.x0 >= 0
    assert drawn.y0 >= 0
    assert drawn.x1 <= width
    assert drawn.y1 <= height
