"""The batch: order, bars, thumbnails."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tests.explain.pictures.scene import (
    ANSWERS,
    CAT,
    DOG,
    LANGUAGES,
    PICTURE,
    boards,
    check_text,
    explained,
    labelled,
    legend_axes,
    legend_texts,
    raw_output,
    requires_chinese,
    words_of,
)

import yolosses as yl
from yolosses.explain import Explanation
from yolosses.explain.pictures import draw_batch
from yolosses.explain.pictures.captions import number, percent
from yolosses.language import Language

EXPLANATION = explained()
TERMS = ("xy", "wh", "obj", "noobj", "cls")


def many(images: int) -> Explanation:
    raw = torch.rand(images, 2, 2, 8, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    box = torch.tensor([[0.25, 0.25, 0.3, 0.3]], dtype=torch.float64)
    targets = yl.Targets.from_cxcywh([box] * images, [torch.tensor([0])] * images)
    return yl.explain(yl.YOLOv1Loss(grid=2, boxes_per_cell=1, num_classes=3), raw, targets)


def bar_axes(figure: Figure) -> Axes:
    (found,) = [axes for axes in figure.axes if axes.containers]
    return found


def stacks(axes: Axes) -> np.ndarray:
    """(terms, images, 2) start and end of every part."""
    return np.array(
        [[(bar.get_x(), bar.get_x() + bar.get_width()) for bar in bars] for bars in axes.containers]
    )


@pytest.mark.parametrize("explanation", [EXPLANATION, many(5)], ids=["2 images", "5 images"])
def test_bars_stack_up_to_each_loss_worst_first(explanation: Explanation) -> None:
    figure = draw_batch(explanation, [None] * explanation.num_images)
    parts = stacks(bar_axes(figure))
    losses = [explanation.of_image(image).total for image in range(explanation.num_images)]
    order = np.argsort(losses)[::-1]
    np.testing.assert_allclose(parts[-1, :, 1], np.sort(losses)[::-1])
    np.testing.assert_allclose(parts[1:, :, 0], parts[:-1, :, 1])
    for row, image in enumerate(order):
        sums = explanation.of_image(image).by_term()
        np.testing.assert_allclose(
            np.diff(parts[:, row])[:, 0], [sums[term][1] for term in TERMS], atol=1e-15
        )
    assert [axes.get_label() for axes in boards(figure)] == [f"picture {image}" for image in order]


def test_rows_name_picture_loss_and_share() -> None:
    axes = bar_axes(draw_batch(EXPLANATION, [PICTURE, None]))
    said = [text.get_text() for text in axes.texts]
    for image, name in enumerate(("a$b$.jpg", "horse.jpg")):
        loss = EXPLANATION.of_image(image).total
        assert f"{name}: {number(loss)} ({percent(loss, EXPLANATION.total)})" in said


def test_wide_parts_carry_their_share() -> None:
    axes = bar_axes(draw_batch(EXPLANATION, [PICTURE, None]))
    parts = stacks(axes)
    widths = parts[..., 1] - parts[..., 0]
    said = {tuple(np.round(text.get_position(), 9)): text.get_text() for text in axes.texts}
    for term, row in np.argwhere(widths >= 0.05 * widths.sum(0).max()):
        bar = axes.containers[term][row]
        place = (bar.get_x() + bar.get_width() / 2, bar.get_y() + bar.get_height() / 2)
        assert said[tuple(np.round(place, 9))] == percent(widths[term, row], widths[:, row].sum())


def test_terms_differ_without_colour_too() -> None:
    figure = draw_batch(EXPLANATION, [None, None])
    signs = {(bars[0].get_facecolor(), bars[0].get_hatch()) for bars in bar_axes(figure).containers}
    assert len({hatch for _, hatch in signs}) == len({color for color, _ in signs}) == 5
    legend = legend_axes(figure).get_legend()
    assert legend_texts(legend_axes(figure))[0] == "1 centre (xy)"
    assert {(patch.get_facecolor(), patch.get_hatch()) for patch in legend.get_patches()} == signs


def test_thumbnails_show_pictures_and_boxes() -> None:
    figure = draw_batch(EXPLANATION, [PICTURE, None])
    first = next(axes for axes in boards(figure) if axes.get_label() == "picture 0")
    np.testing.assert_array_equal(labelled(first, "_picture")[0].get_array(), PICTURE)
    for label in (f"_answered {CAT}", f"_dropped {DOG}", f"_predictor {ANSWERS}"):
        assert labelled(first, label)
    extent = first.get_position().transformed(figure.transFigure)
    assert extent.height / extent.width == pytest.approx(60 / 80, rel=1e-6)


def test_each_row_stands_beside_its_thumbnail() -> None:
    figure = draw_batch(many(4), [None] * 4)
    axes = bar_axes(figure)
    for row, board in enumerate(boards(figure)):
        top, bottom = (axes.transData.transform((0, y))[1] for y in (row, row + 1))
        assert bottom <= board.bbox.y0 < board.bbox.y1 <= top
        assert board.bbox.x1 < axes.bbox.x0


def test_more_images_than_rows_stand_in_a_panel_above() -> None:
    explanation = many(7)
    figure = draw_batch(explanation, [None] * 7, top=3)
    assert len(boards(figure)) == 3
    assert "all 7 pictures by rank; below, the worst 3" in words_of(figure)
    (ranking,) = [axes for axes in figure.axes if labelled(axes, "_4")]
    losses = np.sort([explanation.of_image(image).total for image in range(7)])[::-1]
    top = labelled(ranking, "_4")[0].get_paths()[0].vertices
    for rank, loss in enumerate(losses, 1):
        heights = [y for x, y in top if abs(x - rank) <= 0.5 + 1e-9]
        assert max(heights) >= loss - 1e-12
    assert ranking.get_xlim() == (0.5, 7.5)
    assert ranking.get_lines()[0].get_xdata()[0] == 3.5
    check_text(figure, "en")
    assert not [axes for axes in draw_batch(explanation, [None] * 7).axes if labelled(axes, "_4")]


def test_the_worst_of_an_explanation_of_one_image() -> None:
    figure = draw_batch(EXPLANATION.of_image(1), [None, PICTURE])
    assert [axes.get_label() for axes in boards(figure)] == ["picture 1"]
    assert figure.texts[1].get_text().startswith("pictures: 1, loss ")


def test_losses_that_are_not_finite_come_first() -> None:
    raw = raw_output()
    raw[1, 2, 2, 4] = float("nan")
    figure = draw_batch(explained(raw), [None, None])
    assert boards(figure)[0].get_label() == "picture 1"
    assert "horse.jpg: nan (–)" in words_of(figure)
    check_text(figure, "en")


@LANGUAGES
def test_text_is_written_in_the_fonts_of_its_language(language: Language) -> None:
    check_text(draw_batch(EXPLANATION, [PICTURE, PICTURE], language=language), language)
    check_text(draw_batch(many(5), [None] * 5, language=language, top=2), language)


@requires_chinese
def test_chinese_words() -> None:
    figure = draw_batch(EXPLANATION, [None, None], language="zh-TW")
    loss = EXPLANATION.of_image(0).total
    assert f"a$b$.jpg：{number(loss)}（{percent(loss, EXPLANATION.total)}）" in words_of(figure)
    assert legend_texts(legend_axes(figure))[-1] == "4 類別"


def test_long_names_are_cut() -> None:
    explanation = yl.explain(
        yl.YOLOv1Loss(grid=2, boxes_per_cell=1, num_classes=3),
        torch.rand(1, 2, 2, 8, generator=torch.Generator().manual_seed(0)),
        yl.Targets.from_cxcywh([torch.tensor([[0.25, 0.25, 0.3, 0.3]])], [torch.tensor([0])]),
        image_names=["long name " * 30],
    )
    figure = draw_batch(explanation, [None])
    check_text(figure, "en")
    assert any("…" in text and text.endswith("(100 %)") for text in words_of(figure))


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"^pictures: expected 2, one for each image; got 1$"):
        draw_batch(EXPLANATION, [PICTURE])
    with pytest.raises(ValueError, match=r"^pictures\[1\]: expected \(H, W, 3\) uint8 or None"):
        draw_batch(EXPLANATION, [PICTURE, PICTURE[0]])
    with pytest.raises(ValueError, match=r"^top: expected at least 1; got 0$"):
        draw_batch(EXPLANATION, [None, None], top=0)
