"""The bars: lengths, words, and room for both."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.container import BarContainer
from matplotlib.figure import Figure
from tests.explain.pictures.scene import (
    LANGUAGES,
    check_text,
    explained,
    legend_axes,
    legend_texts,
    raw_output,
    render,
    requires_chinese,
    words_of,
)

from yolosses.explain.pictures import draw_term_bars
from yolosses.explain.pictures.captions import number, percent
from yolosses.explain.style import PALETTE
from yolosses.language import Language

EXPLANATION = explained()
LAMBDAS = {"xy": 5.0, "wh": 5.0, "obj": 1.0, "noobj": 0.5, "cls": 1.0}


def bars(figure: Figure) -> tuple[Axes, BarContainer, BarContainer]:
    axes = next(axes for axes in figure.axes if axes.containers)
    before, after = axes.containers
    return axes, before, after


@pytest.mark.parametrize("image", [None, 0, 1])
def test_lengths_are_the_terms_before_and_after_their_lambda(image: int | None) -> None:
    part = EXPLANATION if image is None else EXPLANATION.of_image(image)
    _, before, after = bars(draw_term_bars(EXPLANATION, image=image))
    sums = part.by_term()
    assert list(sums) == list(LAMBDAS)
    np.testing.assert_allclose([bar.get_width() for bar in before], [raw for raw, _ in sums.values()])
    np.testing.assert_allclose([bar.get_width() for bar in after], [value for _, value in sums.values()])
    np.testing.assert_allclose(
        [bar.get_width() for bar in after],
        [bar.get_width() * scale for bar, scale in zip(before, LAMBDAS.values(), strict=True)],
    )
    assert sum(bar.get_width() for bar in after) == pytest.approx(part.total)


def test_hollow_before_and_filled_after() -> None:
    _, before, after = bars(draw_term_bars(EXPLANATION))
    for index, (hollow, filled) in enumerate(zip(before, after, strict=True)):
        assert hollow.get_facecolor() == to_rgba("white")
        assert hollow.get_edgecolor() == filled.get_facecolor() == to_rgba(PALETTE[index])
        assert hollow.get_y() + hollow.get_height() == pytest.approx(filled.get_y())  # one below the other


def test_lambda_value_and_share_stand_beside() -> None:
    axes, before, after = bars(draw_term_bars(EXPLANATION))
    total = EXPLANATION.total
    said = {text.get_text(): text for text in axes.texts}
    for name, hollow, filled in zip(LAMBDAS, before, after, strict=True):
        raw, value = EXPLANATION.by_term()[name]
        text = f"× {LAMBDAS[name]:g} = {number(value)} ({percent(value, total)})"
        assert said[text].xy == (filled.get_width(), pytest.approx(filled.get_y() + filled.get_height() / 2))
        assert number(raw) in said
        assert hollow.get_width() == raw
    bold = [text.get_text() for text in axes.texts if text.get_fontweight() == "bold"]
    largest = max(EXPLANATION.by_term().values(), key=lambda sums: sums[1])[1]
    assert len(bold) == 1
    assert number(largest) in bold[0]


def test_words_around_the_bars() -> None:
    figure = draw_term_bars(EXPLANATION)
    axes, _, _ = bars(figure)
    assert [text.get_text() for text in figure.texts] == [
        "what the lambdas do to the terms",
        f"total {number(EXPLANATION.total)}: the sum of the filled bars",
    ]
    assert legend_texts(legend_axes(figure)) == [
        "before its lambda",
        "after its lambda: what the optimiser sees",
    ]
    assert [tick.get_text() for tick in axes.get_yticklabels()] == [
        "1 centre (xy)",
        "2 size (wh)",
        "3-1 confidence, object",
        "3-2 confidence, no object",
        "4 class",
    ]
    low, high = axes.get_ylim()
    assert low > high  # the first term at the top


def test_one_image_says_what_part_of_the_batch_it_is() -> None:
    part, total = EXPLANATION.of_image(1).total, EXPLANATION.total
    note = draw_term_bars(EXPLANATION, image=1).texts[1].get_text()
    assert note.endswith(f", {percent(part, total)} of the loss of the batch, {number(total)}")


@LANGUAGES
def test_text_is_written_in_the_fonts_of_its_language(language: Language) -> None:
    check_text(draw_term_bars(EXPLANATION, language=language), language)
    check_text(draw_term_bars(EXPLANATION, image=0, language=language), language)


@pytest.mark.parametrize("largest", [1e-6, 1.0, 1e7])
def test_what_stands_beside_the_longest_bar_has_room(largest: float) -> None:
    raw = raw_output()
    raw[0, 2, 2, 4] = largest
    figure = draw_term_bars(explained(raw))
    axes, _, _ = bars(figure)
    render(figure)
    for text in axes.texts:
        assert text.get_window_extent().x1 <= axes.bbox.x1 + 4


def test_terms_that_are_not_finite_have_no_bar_but_are_written() -> None:
    raw = raw_output()
    raw[0, 2, 2, 4] = float("nan")
    figure = draw_term_bars(explained(raw))
    _, before, after = bars(figure)
    assert before[3].get_width() == after[3].get_width() == 0
    assert "× 0.5 = nan (–)" in words_of(figure)
    check_text(figure, "en")


@requires_chinese
def test_chinese_words() -> None:
    figure = draw_term_bars(EXPLANATION, language="zh-TW")
    axes, _, _ = bars(figure)
    assert legend_texts(legend_axes(figure)) == ["乘上 lambda 之前", "乘上 lambda 之後：最佳化器看到的值"]
    assert axes.get_yticklabels()[0].get_text() == "1 中心點 (xy)"


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"^image: "):
        draw_term_bars(EXPLANATION, image=9)
