"""How pictures get the size of the input where nobody says: by the shapes that they have."""

import numpy as np
import pytest

from yolosses.training.data import DetectionDataset, Fit, Record, usual_fit


def with_sizes(sizes: list[tuple[int, int]]) -> DetectionDataset:
    records = [
        Record(
            name=f"{number}.png",
            path=None,
            image_size=size,
            boxes=np.zeros((0, 4), np.float32),
            labels=np.zeros(0, np.int64),
            ignore=np.zeros(0, np.bool_),
        )
        for number, size in enumerate(sizes)
    ]
    return DetectionDataset(name="sizes", split="train", class_names=("a",), records=records)


@pytest.mark.parametrize(
    ("sizes", "fit"),
    [
        ([(480, 640)] * 5, "stretch"),
        ([(480, 640), (960, 1280), (501, 640)], "stretch"),  # one shape in several sizes, and nearly so
        ([(480, 640), (640, 480)], "letterbox"),  # lying and upright
        ([(504, 378), (540, 960)] * 3, "letterbox"),
        ([(480, 640)] * 19 + [(640, 480)], "stretch"),  # a stray one
        ([(480, 640)] * 17 + [(640, 480)] * 3, "letterbox"),
    ],
)
def test_one_shape_is_stretched_several_are_letterboxed(sizes: list[tuple[int, int]], fit: Fit) -> None:
    assert usual_fit(with_sizes(sizes)) == fit
