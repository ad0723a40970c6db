"""How pictures are to get the size of the network's input, by the shapes that they have."""

import numpy as np

from yolosses.training.data.dataset import DetectionDataset
from yolosses.training.data.transforms import Fit

LIKE = 1.1  # two aspects are one shape if they differ by less than this factor
MOST = 0.95  # of the pictures


def usual_fit(dataset: DetectionDataset) -> Fit:
    """``"stretch"`` where nearly all pictures have one shape: all objects are distorted alike, and no pixel is lost to
    grey bars. Otherwise ``"letterbox"``, or the same object would look different from picture to picture."""
    aspects = np.log([record.image_size[1] / record.image_size[0] for record in dataset.records])
    alike = np.abs(aspects - np.median(aspects)) < np.log(LIKE)
    return "stretch" if alike.mean() >= MOST else "letterbox"
