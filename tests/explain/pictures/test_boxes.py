"""The picture with its boxes: coordinates, signs, words."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from tests.explain.pictures.scene import (
    ANSWER,
    ANSWERS,
    BIRD,
    BOXES,
    CAT,
    COLS,
    DOG,
    HORSE,
    LANGUAGES,
    PICTURE,
    ROWS,
    K,
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
from yolosses.explain.pictures import draw_boxes
from yolosses.explain.pictures.boxes import FAINTEST, MOST_OTHERS, STRONGEST
from yolosses.explain.pictures.captions import number
from yolosses.explain.style import BLUE, INK
from yolosses.language import Language

EXPLANATION = explained()


def board(image: int = 0) -> Axes:
    (axes,) = boards(draw_boxes(EXPLANATION, image, PICTURE))
    return axes


def corners(axes: Axes, label: str) -> np.ndarray:
    """Left, top, right, bottom of every rectangle of this label."""
    found = [
        (*patch.get_xy(), patch.get_xy()[0] + patch.get_width(), patch.get_xy()[1] + patch.get_height())
        for patch in labelled(axes, label)
    ]
    return np.array(found)


def edges(box: np.ndarray) -> np.ndarray:
    return np.concatenate((box[:2] - box[2:] / 2, box[:2] + box[2:] / 2))


def test_the_picture_lies_in_fractions_and_keeps_its_shape() -> None:
    figure = draw_boxes(EXPLANATION, 0, PICTURE)
    (axes,) = boards(figure)
    assert axes.get_xlim() == (0, 1)
    assert axes.get_ylim() == (1, 0)  # y downwards
    (shown,) = labelled(axes, "_picture")
    np.testing.assert_array_equal(shown.get_array(), PICTURE)
    assert tuple(shown.get_extent()) == (0, 1, 1, 0)
    extent = axes.get_position().transformed(figure.transFigure)
    assert extent.height / extent.width == pytest.approx(60 / 80, rel=1e-6)


def test_without_a_picture_cells_are_squares_on_a_grey_board() -> None:
    figure = draw_boxes(EXPLANATION, 0, None)
    (axes,) = boards(figure)
    extent = axes.get_position().transformed(figure.transFigure)
    assert extent.height / extent.width == pytest.approx(ROWS / COLS, rel=1e-6)
    assert set(np.unique(labelled(axes, "_picture")[0].get_array())) == {225}


def test_truths_are_double_dark_lines() -> None:
    axes = board()
    for label, index in (("_answered", CAT), ("_dropped", DOG)):
        drawn = corners(axes, f"{label} {index}")
        np.testing.assert_allclose(drawn, np.tile(edges(BOXES[0][index].numpy()), (3, 1)))
        lines = labelled(axes, f"{label} {index}")
        assert [line.get_edgecolor() for line in lines] == [to_rgba(c) for c in ("white", INK, "white")]
        halo, dark, gap = (line.get_linewidth() for line in lines)
        assert halo > dark > 2 * gap


def test_the_dropped_object_is_crossed_out_and_the_ignored_hatched() -> None:
    axes = board()
    _, cross = labelled(axes, f"_dropped {DOG}, cross")
    left, top, right, bottom = edges(BOXES[0][DOG].numpy())
    np.testing.assert_allclose(
        cross.get_segments(), [[(left, top), (right, bottom)], [(left, bottom), (right, top)]]
    )
    (bird,) = labelled(axes, f"_ignored {BIRD}")
    assert bird.get_hatch() == "//"
    np.testing.assert_allclose(corners(axes, f"_ignored {BIRD}")[0], edges(BOXES[0][BIRD].numpy()))


def test_the_answering_box_is_solid_and_tied_to_its_truth() -> None:
    axes = board()
    drawn = corners(axes, f"_predictor {ANSWERS}")
    np.testing.assert_allclose(drawn, np.tile(edges(ANSWER), (2, 1)))
    assert labelled(axes, f"_predictor {ANSWERS}")[-1].get_edgecolor() == to_rgba(BLUE)
    assert labelled(axes, f"_predictor {ANSWERS}")[-1].get_linestyle() == "solid"
    (dot,) = labelled(axes, f"_centre {ANSWERS}")
    np.testing.assert_allclose(dot.get_xydata(), ANSWER[None, :2])
    for tie in labelled(axes, f"_tie {CAT}"):
        np.testing.assert_allclose(tie.get_xydata(), [BOXES[0][CAT, :2].numpy(), ANSWER[:2]])
    answering = {a.get_label() for a in axes.patches if a.get_label().startswith("_predictor")}
    assert answering == {f"_predictor {ANSWERS}"}


def test_the_others_are_dashed_and_the_stronger_the_surer() -> None:
    (others,) = labelled(board(), "_others")
    count = ROWS * COLS * K - 1
    assert len(others.get_paths()) == count
    alphas = others.get_edgecolors()[:, 3]
    surest = (2 * COLS + 2) * K  # cell (2,2) box 0, of confidence 0.9
    np.testing.assert_allclose(alphas[0], FAINTEST + (STRONGEST - FAINTEST) * 0.9)
    np.testing.assert_allclose(alphas[1:], FAINTEST + (STRONGEST - FAINTEST) * 0.1)
    np.testing.assert_allclose(
        others.get_paths()[0].get_extents().extents, edges(EXPLANATION.predictions.boxes[0, surest])
    )
    (style,) = {(offset, tuple(dashes)) for offset, dashes in others.get_linestyles()}
    assert style[1] is not None


def test_only_the_surest_of_many_are_drawn_and_the_legend_says_so() -> None:
    many = _on_a_large_grid()
    axes = draw_boxes(many, 0, None).axes
    (others,) = labelled(axes[0], "_others")
    assert len(others.get_paths()) == MOST_OTHERS
    count = 10 * 10 * 2 - 1
    assert f"the 60 surest of {count} other boxes: the surer, the stronger" in legend_texts(
        legend_axes(axes[0].figure)
    )
    sure = np.sort(np.clip(np.delete(many.predictions.confidence[0], many.objects[0].predictor), 0, 1))[::-1]
    np.testing.assert_allclose(
        others.get_edgecolors()[:, 3], FAINTEST + (STRONGEST - FAINTEST) * sure[:MOST_OTHERS]
    )


def _on_a_large_grid() -> Explanation:
    raw = torch.rand(1, 10, 10, 13, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    targets = yl.Targets.from_cxcywh([torch.tensor([[0.5, 0.5, 0.3, 0.3]])], [torch.tensor([1])])
    return yl.explain(yl.YOLOv1Loss(grid=10, num_classes=3), raw, targets)


def test_tags_name_class_and_iou() -> None:
    cat, horse = EXPLANATION.objects[CAT], EXPLANATION.objects[3 + HORSE]
    assert 0.5 < cat.iou < 1
    tags = [text.get_text() for text in board().texts]
    assert tags == ["cat", f"IoU {cat.iou:.2f}", "dog: dropped", "bird: ignored"]
    tags = [text.get_text() for text in board(1).texts]
    assert tags == ["cat", f"IoU {horse.iou:.2f}"]


def test_the_iou_of_a_box_far_off_stands_beside_that_box() -> None:
    raw = raw_output()
    raw[0, 1, 1, 5:9] = 0.1  # small, and in a corner of its cell
    far = explained(raw)
    (axes,) = boards(draw_boxes(far, 0, PICTURE))
    iou = far.objects[CAT].iou
    assert iou < 0.5
    name, answer = (next(t for t in axes.texts if t.get_text() == text) for text in ("cat", f"IoU {iou:.2f}"))
    predicted, truth = far.objects[CAT].pred_box[:2], BOXES[0][CAT, :2].numpy()
    place = np.array(answer.get_position())
    assert np.linalg.norm(place - predicted) < 0.1
    assert np.linalg.norm(np.array(name.get_position()) - truth) > np.linalg.norm(place - predicted)


def test_words_in_english() -> None:
    figure = draw_boxes(EXPLANATION, 0, PICTURE)
    title, note = (text.get_text() for text in figure.texts)
    part = EXPLANATION.of_image(0)
    assert title == "a$b$.jpg"
    assert note == (
        "objects: 3, assigned: 1, dropped: 1, ignored: 1, "
        f"mean IoU {part.objects[0].iou:.2f}, loss {number(part.total)}"
    )
    assert legend_texts(legend_axes(figure)) == [
        "truth, with its class",
        "box that is responsible for it, with its IoU",
        "dropped: its cell is responsible for another object",
        "ignored region: asks for no box, and none is punished",
        "other boxes: the surer, the stronger",
    ]


@LANGUAGES
def test_text_is_written_in_the_fonts_of_its_language(language: Language) -> None:
    for image in (0, 1):
        check_text(draw_boxes(EXPLANATION, image, PICTURE, language=language), language)


@pytest.mark.parametrize("shape", [(400, 100, 3), (100, 400, 3), (1, 1, 3)])
def test_pictures_of_any_shape(shape: tuple[int, int, int]) -> None:
    figure = draw_boxes(EXPLANATION, 0, np.zeros(shape, np.uint8))
    check_text(figure, "en")
    extent = boards(figure)[0].get_position().transformed(figure.transFigure)
    assert extent.height / extent.width == pytest.approx(shape[0] / shape[1], rel=1e-6)


@requires_chinese
def test_chinese_words() -> None:
    figure = draw_boxes(EXPLANATION, 0, PICTURE, language="zh-TW")
    assert "真實框與它的類別" in words_of(figure)
    assert "dog：被捨棄" in words_of(figure)


def test_boxes_that_are_not_finite_are_counted() -> None:
    raw = raw_output()
    raw[0, 0, 0, 0] = float("nan")
    figure = draw_boxes(explained(raw), 0, PICTURE)
    (others,) = labelled(boards(figure)[0], "_others")
    assert len(others.get_paths()) == ROWS * COLS * K - 2
    assert "predicted boxes that are not finite and cannot be drawn: 1" in legend_texts(legend_axes(figure))
    check_text(figure, "en")


def test_an_image_without_objects() -> None:
    empty = yl.Targets.from_cxcywh([torch.zeros(0, 4)], [torch.zeros(0)])
    loss = yl.YOLOv1Loss(grid=(ROWS, COLS), num_classes=3)
    figure = draw_boxes(yl.explain(loss, raw_output()[:1], empty), 0, PICTURE)
    assert figure.texts[1].get_text().startswith("objects: 0, assigned: 0, loss ")
    assert legend_texts(legend_axes(figure)) == ["other boxes: the surer, the stronger"]
    check_text(figure, "en")


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"^image: expected one of 0\.\.1; got 2$"):
        draw_boxes(EXPLANATION, 2, PICTURE)
    with pytest.raises(
        ValueError, match=r"^picture: expected \(H, W, 3\) uint8 or None; got \(8, 8\) uint8$"
    ):
        draw_boxes(EXPLANATION, 0, np.zeros((8, 8), np.uint8))
    with pytest.raises(ValueError, match=r"^picture: expected .* got \(8, 8, 3\) float64$"):
        draw_boxes(EXPLANATION, 0, np.zeros((8, 8, 3)))
    with pytest.raises(TypeError, match=r"^picture: expected an array or None; got list$"):
        draw_boxes(EXPLANATION, 0, [[0]])
    with pytest.raises(ValueError, match=r"^language: expected"):
        draw_boxes(EXPLANATION, 0, PICTURE, language="de")
