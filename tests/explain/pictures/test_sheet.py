"""The sheet holds what the single pictures hold; and what drawing costs and leaves alone."""

from __future__ import annotations

import io
import subprocess
import sys
import warnings

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.explain.pictures.scene import (
    ANSWERS,
    CAT,
    LANGUAGES,
    PICTURE,
    boards,
    check_text,
    explained,
    labelled,
    render,
    words_of,
)

from yolosses.explain.pictures import (
    draw_batch,
    draw_boxes,
    draw_pull,
    draw_term_bars,
    draw_term_maps,
    explain_picture,
)
from yolosses.language import Language

EXPLANATION = explained()


def singles(language: Language = "en") -> list[Figure]:
    return [
        draw_boxes(EXPLANATION, 0, PICTURE, language=language),
        draw_pull(EXPLANATION, 0, PICTURE, language=language),
        draw_term_bars(EXPLANATION, image=0, language=language),
        draw_term_maps(EXPLANATION, 0, PICTURE, language=language),
    ]


def test_the_sheet_says_what_the_single_pictures_say() -> None:
    on_sheet = words_of(explain_picture(EXPLANATION, 0, PICTURE))
    for figure in singles():
        for axes in figure.axes:
            legend = axes.get_legend()
            if legend is not None:
                assert {text.get_text() for text in legend.get_texts()} <= set(on_sheet)
        assert {text.get_text() for axes in figure.axes for text in axes.texts} <= set(on_sheet)


def test_the_sheet_shows_what_the_single_pictures_show() -> None:
    sheet = explain_picture(EXPLANATION, 0, PICTURE)
    boxes, pull, *maps = boards(sheet)
    assert labelled(boxes, f"_tie {CAT}")
    assert labelled(boxes, f"_predictor {ANSWERS}")
    assert labelled(pull, "_centre shafts")
    for axes, single in zip(maps, boards(draw_term_maps(EXPLANATION, 0, PICTURE)), strict=True):
        for label in ("xy", "wh", "obj", "noobj", "cls", "total"):
            for one, other in zip(
                labelled(axes, f"_{label}, level 0"), labelled(single, f"_{label}, level 0"), strict=True
            ):
                np.testing.assert_array_equal(one.get_array(), other.get_array())
    (bars,) = [axes for axes in sheet.axes if axes.containers]
    np.testing.assert_allclose(
        [bar.get_width() for bar in bars.containers[1]],
        [value for _, value in EXPLANATION.of_image(0).by_term().values()],
    )


@pytest.mark.parametrize("shape", [(60, 80, 3), (90, 30, 3), (30, 90, 3)])
def test_panels_do_not_overlap(shape: tuple[int, int, int]) -> None:
    figure = explain_picture(EXPLANATION, 0, np.zeros(shape, np.uint8))
    frames = [axes.bbox.extents for axes in boards(figure)]
    for i, a in enumerate(frames):
        for b in frames[:i]:
            assert a[0] >= b[2] or b[0] >= a[2] or a[1] >= b[3] or b[1] >= a[3]
    check_text(figure, "en")


@LANGUAGES
def test_words_do_not_run_into_each_other(language: Language) -> None:
    figure = explain_picture(EXPLANATION, 0, PICTURE, language=language)
    figure.draw_without_rendering()
    legends = [axes.get_legend() for axes in figure.axes if axes.get_legend() is not None]
    bars = next(axes for axes in figure.axes if axes.containers)
    texts = [*figure.texts, *bars.texts, *(text for legend in legends for text in legend.get_texts())]
    boxes = [text.get_window_extent() for text in texts]
    for i, box in enumerate(boxes):
        for j in range(i):
            assert not box.overlaps(boxes[j]), (texts[i].get_text(), texts[j].get_text())


@LANGUAGES
def test_text_is_written_in_the_fonts_of_its_language(language: Language) -> None:
    check_text(explain_picture(EXPLANATION, 0, PICTURE, language=language), language)
    check_text(explain_picture(EXPLANATION, 1, None, language=language), language)


def test_the_same_picture_is_drawn_twice_alike() -> None:
    one, other = (render(explain_picture(EXPLANATION, 0, PICTURE)) for _ in range(2))
    np.testing.assert_array_equal(one, other)


@LANGUAGES
def test_svg_needs_no_font(language: Language) -> None:
    buffer = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        explain_picture(EXPLANATION, 0, PICTURE, language=language).savefig(buffer, format="svg")
    assert "<text" not in buffer.getvalue()  # letters are drawn as paths
    assert "font-family" not in buffer.getvalue()


def test_nothing_global_is_changed() -> None:
    before, picture = dict(matplotlib.rcParams), PICTURE.copy()
    singles()
    draw_batch(EXPLANATION, [PICTURE, None])
    explain_picture(EXPLANATION, 0, PICTURE)
    assert dict(matplotlib.rcParams) == before
    np.testing.assert_array_equal(PICTURE, picture)
    code = "import sys, yolosses.explain.pictures; print('matplotlib.pyplot' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_pictures_are_loaded_only_when_asked_for() -> None:
    code = "import sys, yolosses as yl; yl.explain.find_nonfinite; print('matplotlib' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
