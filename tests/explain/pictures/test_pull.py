"""The arrows: where they begin, where they point, how long and how wide they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from tests.explain.pictures.scene import (
    ANSWER,
    ANSWERS,
    BOXES,
    CAT,
    COLS,
    LANGUAGES,
    PICTURE,
    K,
    boards,
    check_text,
    explained,
    labelled,
    legend_axes,
    legend_texts,
    raw_output,
    requires_chinese,
)

import yolosses as yl
from yolosses.explain.pictures import draw_pull
from yolosses.explain.pictures.arrows import APRON, draw_arrows
from yolosses.explain.pictures.board import Board, show_picture
from yolosses.explain.pictures.captions import number
from yolosses.explain.pictures.panel import new_panel
from yolosses.explain.pictures.pull import (
    LARGEST_TRIANGLE,
    LONGEST_CENTRE,
    LONGEST_SIZE,
    THICKEST_CENTRE,
)
from yolosses.explain.style import BLUE
from yolosses.language import Language

EXPLANATION = explained()
GRADIENT = EXPLANATION.predictions.gradient[0, ANSWERS]


def board(image: int = 0) -> Axes:
    (axes,) = boards(draw_pull(EXPLANATION, image, PICTURE))
    return axes


def arrows(axes: Axes, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Tails and tips, (n, 2) each."""
    shafts = labelled(axes, f"_{kind} shafts")[-1].get_segments()
    heads = labelled(axes, f"_{kind} heads")[-1].get_paths()
    return np.array([shaft[0] for shaft in shafts]), np.array([head.vertices[0] for head in heads])


def test_the_centre_is_pulled_down_the_gradient_towards_its_truth() -> None:
    (tail,), (tip,) = arrows(board(), "centre")
    np.testing.assert_allclose(tail, ANSWER[:2])
    way = tip - tail
    np.testing.assert_allclose(
        way / np.linalg.norm(way), -GRADIENT[:2] / np.linalg.norm(GRADIENT[:2]), atol=1e-12
    )
    # Squared errors of offsets in cells, so along (x, y) in fractions times (COLS, ROWS) squared.
    wrong = BOXES[0][CAT, :2].numpy() - ANSWER[:2]
    np.testing.assert_allclose(way / way[0], wrong * (16, 9) / (wrong[0] * 16))


def test_the_longest_arrow_has_the_length_that_the_module_says() -> None:
    figure = draw_pull(EXPLANATION, 0, PICTURE)
    (axes,) = boards(figure)
    inches = np.array(axes.get_position().transformed(figure.transFigure).size) / figure.dpi
    (tail,), (tip,) = arrows(axes, "centre")
    assert np.linalg.norm((tip - tail) * inches) == pytest.approx(LONGEST_CENTRE)
    tails, tips = arrows(axes, "size")
    assert np.linalg.norm((tips - tails) * inches, axis=1).max() == pytest.approx(LONGEST_SIZE)
    assert labelled(axes, "_centre shafts")[-1].get_linewidths()[0] == pytest.approx(THICKEST_CENTRE)


def test_edges_are_pulled_outwards_where_the_box_should_grow() -> None:
    # The box is 0.25 x 0.49, the cat 0.30 x 0.40: wider, and lower.
    assert -GRADIENT[2] > 0
    assert -GRADIENT[3] < 0
    tails, tips = arrows(board(), "size")
    x, y, w, h = ANSWER
    np.testing.assert_allclose(tails, [(x - w / 2, y), (x + w / 2, y), (x, y - h / 2), (x, y + h / 2)])
    ways = tips - tails
    assert ways[0, 0] < 0 < ways[1, 0]  # left edge to the left, right edge to the right
    assert ways[3, 1] < 0 < ways[2, 1]  # upper edge down, lower edge up
    np.testing.assert_allclose(ways[:2, 1], 0, atol=1e-15)
    np.testing.assert_allclose(ways[2:, 0], 0, atol=1e-15)
    np.testing.assert_allclose(abs(ways[0, 0] / ways[2, 1]), abs(GRADIENT[2] / GRADIENT[3]))


def test_triangles_say_where_confidence_should_go_and_how_badly() -> None:
    axes = board()
    gradient = EXPLANATION.predictions.confidence_gradient[0]
    rise, fall = (labelled(axes, label)[0] for label in ("_rise", "_fall"))
    iou = EXPLANATION.objects[CAT].iou
    assert iou > 0.5  # more than the box's confidence
    np.testing.assert_allclose(rise.get_offsets(), [ANSWER[:2] - ANSWER[2:] / 2])
    assert len(fall.get_offsets()) == (gradient > 0).sum()
    surest = (2 * COLS + 2) * K
    np.testing.assert_allclose(
        fall.get_offsets()[fall.get_sizes().argmax()], EXPLANATION.predictions.boxes[0, surest, :2]
    )
    np.testing.assert_allclose(
        np.sort(fall.get_sizes()), np.sort(LARGEST_TRIANGLE * gradient[gradient > 0] / gradient.max())
    )
    up, down = (mark.get_paths()[0].vertices for mark in (rise, fall))
    assert up[up[:, 1].argmax(), 0] == pytest.approx(0)  # one point above, two below
    assert down[down[:, 1].argmin(), 0] == pytest.approx(0)


def test_weak_pulls_on_the_confidence_are_counted_not_drawn() -> None:
    raw = raw_output()
    raw[0, 2, 2, 4] = 2.5  # 25 times what most boxes say
    explanation = explained(raw)
    gradient = explanation.predictions.confidence_gradient[0]
    weak = ((gradient != 0) & (abs(gradient) < 0.05 * abs(gradient).max())).sum()
    assert weak > 10
    figure = draw_pull(explanation, 0, PICTURE)
    marks = [mark for label in ("_rise", "_fall") for mark in labelled(boards(figure)[0], label)]
    drawn = sum(len(mark.get_offsets()) for mark in marks)
    assert drawn == (gradient != 0).sum() - weak
    assert f"left out, with less than 5 % of the largest pull on a confidence: {weak}" in legend_texts(
        legend_axes(figure)
    )


def test_the_legend_states_the_scale() -> None:
    figure = draw_pull(EXPLANATION, 0, PICTURE)
    confidence = EXPLANATION.predictions.confidence_gradient[0]
    assert legend_texts(legend_axes(figure)) == [
        "truth",
        "dropped: its cell is responsible for another object",
        "ignored region: asks for no box, and none is punished",
        "box whose place or size the loss pulls",
        f"centre: longest arrow = {number(np.hypot(*GRADIENT[:2]))} (loss per picture side)",
        "size, outwards to grow, inwards to shrink: "
        f"longest arrow = {number(np.abs(GRADIENT[2:]).max())} (loss per picture side)",
        f"confidence should rise: largest = {number(-confidence.min())} (loss per 1 of confidence)",
        f"confidence should fall: largest = {number(confidence.max())} (loss per 1 of confidence)",
    ]
    assert figure.texts[0].get_text() == "where the loss pulls the boxes: a$b$.jpg"


def test_a_step_along_the_arrow_lowers_the_loss() -> None:
    """What the picture says is true: the loss itself is asked."""
    raw, way = raw_output(), -GRADIENT
    before = explained(raw).total
    box = ANSWER + 1e-3 * way / np.linalg.norm(way)
    raw[0, 1, 1, 5:7] = torch.tensor([box[0] * 4 - 1, box[1] * 3 - 1])
    raw[0, 1, 1, 7:9] = torch.tensor(box[2:]).sqrt()
    change = explained(raw).output.terms, EXPLANATION.output.terms
    moved = sum(float(change[0][name] - change[1][name]) for name in ("xy", "wh"))
    assert moved == pytest.approx(-1e-3 * np.linalg.norm(GRADIENT), rel=0.05)
    assert explained(raw).total < before + 1e-3


def test_truths_and_pulled_boxes_are_shown() -> None:
    axes = board()
    cx, cy, w, h = ANSWER
    (box,) = labelled(axes, f"_predictor {ANSWERS}")
    assert box.get_bbox().extents == pytest.approx([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
    assert box.get_edgecolor() == to_rgba(BLUE)
    assert labelled(axes, f"_answered {CAT}")


def test_a_perfect_prediction_is_not_pulled() -> None:
    raw = torch.zeros(1, 1, 1, 6, dtype=torch.float64)
    raw[0, 0, 0] = torch.tensor([0.5, 0.5, 0.5, 0.5, 1.0, 1.0])
    targets = yl.Targets.from_cxcywh(
        [torch.tensor([[0.5, 0.5, 0.25, 0.25]], dtype=torch.float64)], [torch.tensor([0])]
    )
    loss = yl.YOLOv1Loss(grid=1, boxes_per_cell=1, num_classes=1)
    figure = draw_pull(yl.explain(loss, raw, targets), 0, None)
    assert legend_texts(legend_axes(figure)) == ["truth", "the loss pulls at no box"]
    check_text(figure, "en")


def test_pulled_boxes_outside_the_picture_are_counted_not_drawn() -> None:
    raw = raw_output()
    raw[0, 1, 1, 5] = 9.0  # nine cells to the right of its own
    raw[0, 1, 1, 0] = 9.0
    figure = draw_pull(explained(raw), 0, PICTURE)
    assert "left out, with their centre outside the picture: 2" in legend_texts(legend_axes(figure))
    (axes,) = boards(figure)
    assert not labelled(axes, "_centre shafts")
    assert not labelled(axes, "_size shafts")
    fall = EXPLANATION.predictions.confidence_gradient[0] > 0
    assert len(labelled(axes, "_fall")[0].get_offsets()) == fall.sum() - 1
    check_text(figure, "en")


def test_arrows_at_the_border_keep_their_heads() -> None:
    panel = new_panel(4, 2, "en")
    board = show_picture(panel, None, 0.5)
    tails, pulls = np.array([[0.5, 0.05], [0.5, 0.5]]), np.array([[0.0, -1.0], [1.0, 0.0]])
    draw_arrows(board, tails, pulls, longest=2.0, thickest=3.0, color=BLUE, label="test")
    tips = arrows(board.axes, "test")[1]
    # The first has 0.05 of two inches to the border; the second, twice as long on the paper, is in proportion.
    np.testing.assert_allclose((tips - tails) * (4, 2), [(0, -0.1 - APRON), (0.2 + 2 * APRON, 0)])
    for label in ("_test shafts", "_test heads"):
        assert not any(artist.get_clip_on() for artist in labelled(board.axes, label))


def test_edges_outside_the_picture_are_pulled_from_its_border() -> None:
    raw = raw_output()
    raw[0, 1, 1, 7] = 1.2  # 1.44 of the picture wide
    tails, tips = arrows(boards(draw_pull(explained(raw), 0, PICTURE))[0], "size")
    np.testing.assert_allclose(tails[:2, 0], [0, 1])
    assert tips[0, 0] > 0
    assert tips[1, 0] < 1


def test_gradients_that_are_not_finite_draw_nothing() -> None:
    gradient = EXPLANATION.predictions.gradient.copy()
    gradient[0, ANSWERS] = np.nan
    broken = replace(EXPLANATION, predictions=replace(EXPLANATION.predictions, gradient=gradient))
    figure = draw_pull(broken, 0, PICTURE)
    assert not labelled(boards(figure)[0], "_centre shafts")
    check_text(figure, "en")


def test_lengths_and_widths_are_in_proportion() -> None:
    panel = new_panel(4, 2, "en")
    board: Board = show_picture(panel, None, 0.5)
    assert (board.width, board.height) == (4, 2)
    pulls = np.array([[0.0, -4.0], [1.0, 0.0], [0.0, 0.0]])
    draw_arrows(board, np.full((3, 2), 0.5), pulls, longest=0.8, thickest=3.0, color=BLUE, label="test")
    tails, tips = arrows(board.axes, "test")
    np.testing.assert_allclose(tails, 0.5)
    # In inches the first pull is 8 long, the second 4.
    np.testing.assert_allclose((tips - 0.5) * (4, 2), [(0, -0.8), (0.4, 0), (0, 0)], atol=1e-12)
    widths = labelled(board.axes, "_test shafts")[-1].get_linewidths()
    np.testing.assert_allclose(widths, [3.0, (3.0 + 0.8) / 2, 0.8])


@LANGUAGES
def test_text_is_written_in_the_fonts_of_its_language(language: Language) -> None:
    for image in (0, 1):
        check_text(draw_pull(EXPLANATION, image, PICTURE, language=language), language)


@LANGUAGES
def test_no_number_of_the_legend_is_cut_off_below_a_tall_picture(language: Language) -> None:
    raw = raw_output()
    raw[0, 1, 1, 5:9] *= 0.7
    figure = draw_pull(explained(raw), 0, np.zeros((300, 100, 3), np.uint8), language=language)
    assert len(legend_texts(legend_axes(figure))) >= 7
    assert not [text for text in legend_texts(legend_axes(figure)) if text.endswith("…")]
    check_text(figure, language)


@requires_chinese
def test_chinese_words() -> None:
    figure = draw_pull(EXPLANATION, 0, PICTURE, language="zh-TW")
    assert figure.texts[0].get_text() == "損失把預測框拉向哪裡：a$b$.jpg"
    assert "真實框" in legend_texts(legend_axes(figure))


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"^image: "):
        draw_pull(EXPLANATION, 2, PICTURE)
    with pytest.raises(ValueError, match=r"^picture: "):
        draw_pull(EXPLANATION, 0, PICTURE[..., :2])
