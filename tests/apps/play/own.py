"""Data in VOC's layout with 20 classes, runs on it, and picture files, as a reader of the playground may have them."""

import io
from pathlib import Path

import numpy as np
from PIL import Image
from tests.training.data.layouts import voc_object, write

from yolosses.training.data import digit_scenes

CLASSES = (
    "aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog",
    "horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor",
)  # fmt: skip
CROWD = 130  # objects of the last picture
TRAIN = ["--epochs", 1, "--batch-size", 2, "--image-size", 64, "--device", "cpu"]


def write_data(root: Path) -> Path:
    """Six pictures to train with, three to look at. The second object of each is difficult; the last picture has more
    objects than the page has slots. All 20 classes occur."""
    scenes = digit_scenes(split="val", count=9, image_size=(96, 160))
    names = [f"{number:06d}" for number in range(len(scenes))]
    for index, (name, record) in enumerate(zip(names, scenes.records, strict=True)):
        height, width = record.image_size
        path = root / "JPEGImages" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(scenes.picture(index)).save(path)
        sides = np.array([width, height, width, height])
        centres, sizes = record.boxes[:, [0, 1, 0, 1]], record.boxes[:, [2, 3, 2, 3]]
        corners = (centres + sizes * [-0.5, -0.5, 0.5, 0.5]) * sides + [1, 1, 0, 0]
        boxes = corners.round(2).tolist()
        if name == names[-1]:
            boxes = [[10 + i % 100, 10 + i // 10, 30 + i % 100, 40 + i // 10] for i in range(CROWD)]
        rows = [
            voc_object(CLASSES[(4 * index + place) % 20], *box, difficult=int(place == 1))
            for place, box in enumerate(boxes)
        ]
        size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
        write(
            root / "Annotations" / f"{name}.xml",
            f"<annotation><filename>{name}.png</filename>{size}{''.join(rows)}</annotation>",
        )
    for split, part in (("train", names[:6]), ("val", names[6:])):
        write(root / "ImageSets/Main" / f"{split}.txt", "\n".join(part))
    return root


def file_of(picture: np.ndarray, kind: str = "JPEG", mode: str = "RGB", **options: object) -> bytes:
    """A picture as the content of a file."""
    content = io.BytesIO()
    Image.fromarray(picture).convert(mode).save(content, kind, **options)
    return content.getvalue()


def halves(height: int = 60, width: int = 90) -> np.ndarray:
    """Red above, blue below."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[: height // 2, :, 0], picture[height // 2 :, :, 2] = 255, 255
    return picture
