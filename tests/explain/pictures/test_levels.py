"""Losses that predict on several grids: the pictures know nothing of YOLOv1's single one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.explain.pictures.scene import (
    COLS,
    PICTURE,
    ROWS,
    boards,
    check_text,
    explained,
    labelled,
    words_of,
)

from yolosses.explain import Explanation
from yolosses.explain.pictures import draw_boxes, draw_pull, draw_term_maps


def two_levels() -> Explanation:
    """The scene, with every second predictor moved to a level of its own."""
    single = explained()
    rows, boxes = single.contributions, single.predictions
    return replace(
        single,
        contributions=replace(rows, level=rows.predictor % 2, box=rows.box * 0),
        predictions=replace(
            boxes,
            level=np.arange(len(boxes.level)) % 2,
            box=boxes.box * 0,
            grids=((ROWS, COLS), (ROWS, COLS)),
        ),
    )


def test_every_level_has_a_row_of_maps() -> None:
    explanation = two_levels()
    part = explanation.of_image(0)
    figure = draw_term_maps(explanation, 0, PICTURE)
    axes = boards(figure)
    assert len(axes) == 2 * 6
    for index, name in enumerate(("xy", "wh", "obj", "noobj", "cls", "total")):
        sums = []
        for level in (0, 1):
            (heat,) = labelled(axes[6 * level + index], f"_{name}, level {level}")
            sums.append(np.ma.filled(heat.get_array(), 0).sum())
        whole = part.total if name == "total" else part.by_term()[name][1]
        np.testing.assert_allclose(sum(sums), whole)
    tops = [a.get_position().y1 for a in axes]
    assert max(tops[6:]) < min(tops[:6])
    said = words_of(figure)
    assert "level 0, 1 centre (xy): 0 (0 %)" in said  # box 1 answers, which is on level 1
    assert any(text.startswith("level 1, 1 centre (xy): 0.125 (") for text in said)


def test_the_other_pictures_work_too() -> None:
    for draw in (draw_boxes, draw_pull, draw_term_maps):
        check_text(draw(two_levels(), 0, PICTURE), "en")
