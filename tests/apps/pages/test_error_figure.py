"""The picture of a run's errors: bars as long as the numbers, words and numbers where they belong."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from tests.explain.pictures.scene import LANGUAGES

from yolosses.apps.pages.error_figure import error_figure, share_text
from yolosses.language import Language
from yolosses.studies.errors import (
    PAPER_FAST_RCNN,
    PAPER_YOLO,
    TIDE_KINDS,
    TOP_KINDS,
    TideErrors,
    TopDetections,
    TopKind,
    TopOfClass,
)

COSTS = (0.01, 0.25, 0.0, 0.0002, 0.1, 0.004)
COUNTS = (12, 3456, 0, 7, 890, 1)
TIDE = TideErrors(
    ap=0.6184,
    counts=dict(zip(TIDE_KINDS, COUNTS, strict=True)),
    costs=dict(zip(TIDE_KINDS, COSTS, strict=True)),
)


def top(*numbers: int, objects: int = 20, similar: bool = False) -> TopDetections:
    kinds: dict[TopKind, int] = dict(zip(TOP_KINDS, numbers, strict=True))
    return TopDetections(
        classes=(TopOfClass(name="cat", objects=objects, counts=kinds),),
        similar=(("cat", "dog"),) if similar else (),
    )


def bars(figure: Figure, label: str) -> list[list[float]]:
    """Start and length of each bar with this label."""
    return [
        [bar.get_x(), bar.get_width()]
        for axes in figure.axes
        for container in axes.containers
        if isinstance(container, BarContainer) and container.get_label() == label
        for bar in container
    ]


def words(figure: Figure) -> list[str]:
    return [text.get_text() for text in (*figure.texts, *(t for axes in figure.axes for t in axes.texts))]


def test_costs_are_the_lengths_of_the_bars() -> None:
    figure = error_figure(TIDE, top(14, 3, 0, 1, 2), title="bccd, test")
    assert [length for _, length in bars(figure, "_costs")] == list(COSTS)
    said = words(figure)
    assert said[0] == "bccd, test"
    assert any("now 0.618" in text for text in said)
    for number in ("+0.010", "+0.250", "0", "< 0.001", "+0.100", "+0.004", "3,456", "890"):
        assert number in said
    (bold,) = [text for axes in figure.axes for text in axes.texts if text.get_fontweight() == "bold"]
    assert bold.get_text() == "+0.250"


def test_shares_lie_end_to_end_beside_the_papers() -> None:
    figure = error_figure(TIDE, top(14, 3, 0, 1, 2), title="")
    own = {"correct": 0.7, "localisation": 0.15, "similar": 0.0, "other": 0.05, "background": 0.1}
    for row, shares in enumerate((own, PAPER_YOLO, PAPER_FAST_RCNN)):
        drawn = [bars(figure, f"_{kind}")[row] for kind in TOP_KINDS]
        assert [length for _, length in drawn] == pytest.approx([shares[kind] for kind in TOP_KINDS])
        assert drawn[0][0] == 0.0
        for (start, length), (following, _) in pairwise(drawn):
            assert following == pytest.approx(start + length)
    said = words(figure)
    for number in ("70.0 %", "15.0 %", "65.5 %", "6.75 %", "4.75 %", "71.6 %", "1.9 %"):
        assert number in said


def test_a_paper_s_number_as_printed() -> None:
    assert [share_text(share, printed=True) for share in PAPER_YOLO.values()] == [
        "65.5 %", "19.0 %", "6.75 %", "4.0 %", "4.75 %",
    ]  # fmt: skip
    assert share_text(0.06752, printed=False) == "6.8 %"
    assert share_text(None, printed=False) == "–"


def test_parts_differ_without_colour() -> None:
    figure = error_figure(TIDE, top(4, 4, 4, 4, 4, similar=True), title="")
    signs = set()
    for axes in figure.axes:
        for container in axes.containers:
            if container.get_label() != "_costs":
                red, green, blue, _ = container.patches[0].get_facecolor()
                dark = 0.2126 * red + 0.7152 * green + 0.0722 * blue < 0.6
                signs.add((container.patches[0].get_hatch(), dark))
    assert len(signs) == len(TOP_KINDS)


def test_notes_where_something_is_not_as_in_the_paper() -> None:
    def said(figure: Figure) -> str:
        return "\n".join(words(figure))

    none_similar, too_few = "no classes of this data set", "in place of"
    assert none_similar in said(error_figure(TIDE, top(20, 0, 0, 0, 0), title=""))
    assert none_similar not in said(error_figure(TIDE, top(20, 0, 0, 0, 0, similar=True), title=""))
    assert "12 detections in place of 20" in said(error_figure(TIDE, top(9, 3, 0, 0, 0), title=""))
    assert too_few not in said(error_figure(TIDE, top(20, 0, 0, 0, 0), title=""))


def test_nothing_to_find() -> None:
    empty = TideErrors(ap=None, counts=dict.fromkeys(TIDE_KINDS, 3), costs=dict.fromkeys(TIDE_KINDS))
    figure = error_figure(empty, top(0, 0, 0, 0, 0, objects=0), title="")
    said = words(figure)
    assert said.count("–") == len(TIDE_KINDS) + len(TOP_KINDS)
    assert any("no object in this split" in text for text in said)
    assert [length for _, length in bars(figure, "_costs")] == [0.0] * len(TIDE_KINDS)
    drawn(figure)


@LANGUAGES
def test_no_word_lies_on_another_or_leaves_the_picture(language: Language) -> None:
    errors = TideErrors(
        ap=0.1, counts=dict.fromkeys(TIDE_KINDS, 1234567), costs=dict.fromkeys(TIDE_KINDS, 0.123)
    )
    figure = error_figure(
        errors, top(4000, 1000, 0, 1, 2, objects=50000), title="a data set, test", language=language
    )
    drawn(figure)
    boxes = [
        (text.get_text(), text.get_window_extent())
        for text in (*figure.texts, *(t for axes in figure.axes for t in axes.texts))
        if text.get_text()
    ]
    width, height = figure.get_size_inches() * figure.dpi
    for index, (word, box) in enumerate(boxes):
        assert 0 <= box.x0 < box.x1 <= width, word
        assert 0 <= box.y0 < box.y1 <= height, word
        for other, place in boxes[:index]:
            apart = (
                box.x1 <= place.x0 or place.x1 <= box.x0 or box.y1 <= place.y0 + 1 or place.y1 <= box.y0 + 1
            )
            assert apart, (word, other)


def drawn(figure: Figure) -> np.ndarray:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())


def test_a_picture_comes_out() -> None:
    pixels = drawn(error_figure(TIDE, top(14, 3, 0, 1, 2), title="bccd, test"))
    assert min(pixels.shape[:2]) > 500
    assert len(np.unique(pixels[..., 0])) > 20
    assert all(isinstance(axes, Axes) for axes in error_figure(TIDE, top(1, 0, 0, 0, 0), title="").axes)
