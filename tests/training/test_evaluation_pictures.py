"""What is done to boxes before they are scored."""

import numpy as np

from yolosses.training.evaluation.pictures import visible_part

SIZE = (100, 200)


def test_boxes_are_cut_to_the_picture() -> None:
    boxes = np.array(
        [[0.5, 0.5, 0.5, 0.5], [0.0, 0.5, 0.5, 2.0], [1.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.0, 0.5]], np.float32
    )
    np.testing.assert_allclose(
        visible_part(boxes, SIZE), [[50, 25, 100, 50], [0, 0, 50, 100], [200, 25, 0, 50], [100, 25, 0, 50]]
    )


def test_nothing_of_a_box_is_outside_and_no_side_is_below_0() -> None:
    boxes = np.random.default_rng(0).uniform(-0.2, 1.2, (500, 4)).astype(np.float32)
    left, top, width, height = visible_part(boxes, SIZE).T
    assert (left >= 0).all()
    assert (top >= 0).all()
    assert (width >= 0).all()
    assert (height >= 0).all()
    assert (left + width <= 200).all()
    assert (top + height <= 100).all()
