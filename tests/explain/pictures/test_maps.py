"""The heat maps: the arrays behind them, their scales, their titles."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from tests.explain.pictures.scene import (
    ANSWERS,
    BOXES,
    CAT,
    COLS,
    LANGUAGES,
    PICTURE,
    ROWS,
    SPARED,
    K,
    boards,
    check_text,
    explained,
    labelled,
    raw_output,
    requires_chinese,
    words_of,
)

from yolosses.explain.pictures import draw_term_maps
from yolosses.explain.pictures.captions import number, percent
from yolosses.explain.pictures.maps import HEAT, cell_values
from yolosses.language import Language

EXPLANATION = explained()
PART = EXPLANATION.of_image(0)
NAMES = ("xy", "wh", "obj", "noobj", "cls", "total")


def heat(axes: Axes, name: str) -> np.ma.MaskedArray:
    (image,) = labelled(axes, f"_{name}, level 0")
    assert tuple(image.get_extent()) == (0, 1, 1, 0)
    return image.get_array()


def maps(figure: Figure) -> dict[str, np.ma.MaskedArray]:
    return {name: heat(axes, name) for name, axes in zip(NAMES, boards(figure), strict=True)}


def test_cells_hold_the_weighted_sums_of_their_terms() -> None:
    drawn = maps(draw_term_maps(EXPLANATION, 0, PICTURE))
    for name in NAMES[:-1]:
        expected = np.zeros((ROWS, COLS))
        for (row, col), (_, value) in PART.contributions.where(term=name).sums("row", "col").items():
            expected[row, col] = value
        np.testing.assert_allclose(drawn[name].filled(0), expected, rtol=1e-12)
        assert drawn[name].sum() == pytest.approx(PART.by_term()[name][1])
    assert drawn["total"].sum() == pytest.approx(PART.total)
    np.testing.assert_allclose(
        drawn["total"].filled(0), sum(drawn[name].filled(0) for name in NAMES[:-1]), rtol=1e-12
    )


def test_values_worked_out_by_hand() -> None:
    drawn = maps(draw_term_maps(EXPLANATION, 0, PICTURE))
    # The centre is 0.2 and 0.1 of a cell off; lambda is 5, and the batch has two images.
    assert drawn["xy"][1, 1] == pytest.approx(5 * (0.2**2 + 0.1**2) / 2)
    assert drawn["cls"][1, 1] == pytest.approx((0.2**2 + 0.1**2 + 0.1**2) / 2)
    assert drawn["noobj"][2, 2] == pytest.approx(0.5 * (0.9**2 + 0.1**2) / 2)
    assert drawn["noobj"][1, 1] == pytest.approx(0.5 * 0.1**2 / 2)  # the other box of the cat's cell


def test_cells_that_add_nothing_stay_clear() -> None:
    drawn = maps(draw_term_maps(EXPLANATION, 0, PICTURE))
    only = np.ones((ROWS, COLS), bool)
    only[divmod(ANSWERS // K, COLS)] = False
    for name in ("xy", "wh", "obj", "cls"):
        np.testing.assert_array_equal(drawn[name].mask, only)
    spared = np.zeros((ROWS, COLS), bool)
    spared[divmod(SPARED, COLS)] = True
    np.testing.assert_array_equal(drawn["noobj"].mask, spared)


def test_every_map_has_its_own_scale_from_zero_to_its_largest() -> None:
    figure = draw_term_maps(EXPLANATION, 0, PICTURE)
    for name, axes in zip(NAMES, boards(figure), strict=True):
        (image,) = labelled(axes, f"_{name}, level 0")
        assert image.get_clim() == (0, image.get_array().max())
        assert image.colorbar is not None
        assert image.colorbar.ax.get_ylim() == image.get_clim()


def test_more_is_darker_in_print_without_colour() -> None:
    shades = HEAT(np.linspace(0, 1, 50))
    on_white = shades[:, :3] * shades[:, 3:] + 1 - shades[:, 3:]
    luminance = on_white @ [0.299, 0.587, 0.114]
    assert (np.diff(luminance) < 0).all()
    assert luminance[0] > 0.95
    assert luminance[-1] < 0.2


def test_titles_give_sum_share_and_the_worst_cell() -> None:
    said = words_of(draw_term_maps(EXPLANATION, 0, PICTURE))
    sums = PART.by_term()
    for term, name in (("xy", "1 centre (xy)"), ("noobj", "3-2 confidence, no object")):
        assert f"{name}: {number(sums[term][1])} ({percent(sums[term][1], PART.total)})" in said
    assert f"all terms: {number(PART.total)} (100 %)" in said
    assert f"most in cell (1,1): {number(sums['xy'][1])}" in said
    assert f"most in cell (2,2): {number(0.5 * (0.9**2 + 0.1**2) / 2)}" in said


def test_a_term_of_zero_says_so_and_has_no_scale() -> None:
    raw = raw_output()
    raw[0, 1, 1, 5:7] = torch.tensor([0.5, 0.5])  # the centre of the cat
    figure = draw_term_maps(explained(raw), 0, PICTURE)
    assert "1 centre (xy): 0 (0 %)" in words_of(figure)
    assert "no cell adds to it" in words_of(figure)
    (image,) = labelled(boards(figure)[0], "_xy, level 0")
    assert image.colorbar is None
    assert image.get_array().mask.all()
    check_text(figure, "en")


def test_truths_are_outlined_on_every_map() -> None:
    cx, cy, w, h = BOXES[0][CAT].tolist()
    for axes in boards(draw_term_maps(EXPLANATION, 0, PICTURE)):
        outline = labelled(axes, f"_truth {CAT}")[-1]
        assert outline.get_bbox().extents == pytest.approx([cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2])
        truths = [patch for patch in axes.patches if patch.get_label() != "_most"]
        lines = {patch.get_label(): patch.get_linestyle() for patch in truths}
        assert len(lines) == len(set(map(str, lines.values()))) == 3  # assigned, dropped, ignored


def test_the_worst_cell_is_framed_where_it_is() -> None:
    terms = [*EXPLANATION.terms, None]
    for axes, term in zip(boards(draw_term_maps(EXPLANATION, 0, PICTURE)), terms, strict=True):
        values = cell_values(EXPLANATION.of_image(0), term, 0)
        row, col = np.unravel_index(values.argmax(), values.shape)
        rows, cols = values.shape
        wanted = [col / cols, row / rows, (col + 1) / cols, (row + 1) / rows]
        assert labelled(axes, "_most")[-1].get_bbox().extents == pytest.approx(wanted)


def test_the_picture_below_is_pale_grey() -> None:
    axes = boards(draw_term_maps(EXPLANATION, 0, PICTURE))[0]
    shown = labelled(axes, "_picture")[0].get_array()
    assert (shown[..., 0] == shown[..., 1]).all()
    assert (shown[..., 0] == shown[..., 2]).all()
    assert shown.min() >= 0.75 * 255 - 1
    grey = PICTURE @ np.array([0.299, 0.587, 0.114])
    assert np.corrcoef(grey.ravel(), shown[..., 0].ravel())[0, 1] > 0.99


def test_cells_that_are_not_finite_are_marked() -> None:
    raw = raw_output()
    raw[0, 2, 2, 4] = float("inf")
    figure = draw_term_maps(explained(raw), 0, PICTURE)
    noobj = boards(figure)[3]
    (marks,) = labelled(noobj, "_not finite")
    np.testing.assert_allclose(marks.get_xydata(), [[2.5 / COLS, 2.5 / ROWS]])
    assert heat(noobj, "noobj").mask[2, 2]
    assert "3-2 confidence, no object: inf (–)" in words_of(figure)
    check_text(figure, "en")


@LANGUAGES
def test_text_is_written_in_the_fonts_of_its_language(language: Language) -> None:
    check_text(draw_term_maps(EXPLANATION, 0, PICTURE, language=language), language)
    check_text(draw_term_maps(EXPLANATION, 1, None, language=language), language)


@requires_chinese
def test_chinese_words() -> None:
    said = words_of(draw_term_maps(EXPLANATION, 0, PICTURE, language="zh-TW"))
    value = PART.by_term()["xy"][1]
    assert f"1 中心點 (xy)：{number(value)}（{percent(value, PART.total)}）" in said


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match=r"^image: "):
        draw_term_maps(EXPLANATION, -1, PICTURE)
    with pytest.raises(ValueError, match=r"^picture: "):
        draw_term_maps(EXPLANATION, 0, np.zeros((0, 8, 3), np.uint8))
