"""What a detector says about one picture."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """The boxes found in one picture, in any order.

    Args:
        boxes: ``(N, 4)`` float32, ``cxcywh`` as fractions of the picture. They may leave the picture.
        scores: ``(N,)`` float32, higher is surer. Only their order counts for the mean average precision.
        labels: ``(N,)`` int64, class indices.

    Raises:
        ValueError: if the three arrays do not have these shapes with the same N.
    """

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.boxes.ndim != 2 or self.boxes.shape[1] != 4:
            raise ValueError(f"boxes: expected shape (N, 4); got {self.boxes.shape}")
        for name, values in (("scores", self.scores), ("labels", self.labels)):
            if values.shape != (len(self.boxes),):
                raise ValueError(
                    f"{name}: expected shape ({len(self.boxes)},), one for each box; got {values.shape}"
                )

    def __len__(self) -> int:
        return len(self.boxes)

    @classmethod
    def none(cls) -> "Detections":
        """The detections of a picture in which nothing was found."""
        return cls(
            boxes=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32), labels=np.zeros(0, np.int64)
        )
