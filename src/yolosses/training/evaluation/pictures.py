"""What is done to detections and labels of pictures before they are compared."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from yolosses.training.evaluation.structures import Detections

if TYPE_CHECKING:
    from yolosses.training.data.dataset import Record


def check_detections(
    records: "Sequence[Record]", class_names: Sequence[str], detections: Sequence[Detections]
) -> None:
    """Raise ``ValueError`` unless there is one entry for each picture, every label has a class name, and every box and
    score is finite."""
    if len(detections) != len(records):
        raise ValueError(
            f"detections: expected one entry for each of {len(records)} pictures; got {len(detections)}"
        )
    for record, picture in zip(records, detections, strict=True):
        for what, labels in (("labels", record.labels), ("detections", picture.labels)):
            if len(labels) and not 0 <= labels.min() <= labels.max() < len(class_names):
                outside = labels[(labels < 0) | (labels >= len(class_names))][0]
                raise ValueError(
                    f"{what} of {record.name}: expected classes 0..{len(class_names) - 1}; got {outside}"
                )
        for what, values in (("boxes", picture.boxes), ("scores", picture.scores)):
            if not np.isfinite(values).all():
                first = np.argwhere(~np.isfinite(values))[0]
                raise ValueError(
                    f"detections of {record.name}: expected finite {what}; "
                    f"got {values[tuple(first)]} in detection {first[0]}"
                )


def visible_part(boxes: NDArray[np.float32], image_size: tuple[int, int]) -> NDArray[np.float64]:
    """The part of each box inside the picture.

    Args:
        boxes: (N, 4) cxcywh fractions of the picture.
        image_size: (height, width) in pixels.

    Returns:
        (N, 4) left, top, width, height in pixels; a side of 0 where nothing is inside.
    """
    height, width = image_size
    centres, sizes = np.split(boxes.astype(np.float64), 2, axis=1)
    corners = np.concatenate([centres - sizes / 2, centres + sizes / 2], axis=1).clip(0.0, 1.0)
    corners *= [width, height, width, height]
    return np.concatenate([corners[:, :2], (corners[:, 2:] - corners[:, :2]).clip(min=0.0)], axis=1)
