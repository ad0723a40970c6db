"""Writes the same labelled pictures to a folder in each of the three layouts."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Box:
    """A box with whole pixel edges."""

    label: str
    left: int
    top: int
    right: int
    bottom: int


@dataclass(frozen=True)
class Picture:
    name: str
    height: int
    width: int
    boxes: Sequence[Box] = field(default=())


CLASSES = ("cat", "dog", "owl")
# Sides are powers of two, so that fractions written as text are exact.
THREE = (
    Picture("a.png", 64, 128, (Box("dog", 16, 8, 48, 40), Box("cat", 0, 0, 128, 64))),
    Picture("b.png", 32, 32, ()),
    Picture("c.png", 128, 64, (Box("owl", 32, 64, 64, 128),)),
)


def paint(path: Path, height: int, width: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    rows, columns = np.mgrid[:height, :width]
    Image.fromarray(np.stack([rows % 256, columns % 256, (rows + columns) % 256], -1).astype(np.uint8)).save(
        path
    )


def write_voc(root: Path, splits: Mapping[str, Sequence[Picture]]) -> Path:
    for split, pictures in splits.items():
        for picture in pictures:
            stem = Path(picture.name).stem
            paint(root / "JPEGImages" / picture.name, picture.height, picture.width)
            write(root / "Annotations" / f"{stem}.xml", voc_xml(picture))
        write(root / "ImageSets/Main" / f"{split}.txt", "".join(f"{Path(p.name).stem}\n" for p in pictures))
    return root


def voc_xml(picture: Picture, extra: str = "") -> str:
    objects = "".join(voc_object(b.label, b.left, b.top, b.right, b.bottom) for b in picture.boxes)
    size = f"<size><width>{picture.width}</width><height>{picture.height}</height><depth>3</depth></size>"
    return f"<annotation>\n<filename>{picture.name}</filename>\n{size}\n{objects}{extra}</annotation>\n"


def voc_object(
    label: str, left: object, top: object, right: object, bottom: object, difficult: int = 0
) -> str:
    box = f"<xmin>{left}</xmin><ymin>{top}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax>"
    return f"<object><name>{label}</name><difficult>{difficult}</difficult><bndbox>{box}</bndbox></object>\n"


def yolo_row(box: Box, picture: Picture, classes: Sequence[str] = CLASSES) -> str:
    cx, cy = (box.left + box.right) / 2 / picture.width, (box.top + box.bottom) / 2 / picture.height
    w, h = (box.right - box.left) / picture.width, (box.bottom - box.top) / picture.height
    return f"{classes.index(box.label)} {cx!r} {cy!r} {w!r} {h!r}\n"


def write_yolo(root: Path, splits: Mapping[str, Sequence[Picture]], *, yaml: bool = True) -> Path:
    for split, pictures in splits.items():
        for picture in pictures:
            paint(root / "images" / split / picture.name, picture.height, picture.width)
            rows = "".join(yolo_row(box, picture) for box in picture.boxes)
            write(root / "labels" / split / f"{Path(picture.name).stem}.txt", rows)
    if yaml:
        lines = [f"{split}: images/{split}" for split in splits]
        write(
            root / "data.yaml",
            "\n".join([*lines, f"nc: {len(CLASSES)}", f"names: [{', '.join(CLASSES)}]", ""]),
        )
    return root


def coco_content(pictures: Sequence[Picture]) -> dict[str, list[dict[str, object]]]:
    """Category ids with gaps, in an order that is not that of the list."""
    ids = {"owl": 90, "cat": 3, "dog": 17}
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, picture in enumerate(pictures):
        image = {
            "id": 100 + number,
            "file_name": picture.name,
            "height": picture.height,
            "width": picture.width,
        }
        images.append(image)
        for b in picture.boxes:
            bbox = [b.left, b.top, b.right - b.left, b.bottom - b.top]
            row = {
                "id": len(annotations) + 1,
                "image_id": 100 + number,
                "category_id": ids[b.label],
                "bbox": bbox,
            }
            annotations.append({**row, "iscrowd": 0})
    categories: list[dict[str, object]] = [{"id": number, "name": name} for name, number in ids.items()]
    return {"images": images, "annotations": annotations, "categories": categories}


def write_coco(root: Path, splits: Mapping[str, Sequence[Picture]]) -> Path:
    for split, pictures in splits.items():
        for picture in pictures:
            paint(root / split / picture.name, picture.height, picture.width)
        write(root / "annotations" / f"instances_{split}.json", json.dumps(coco_content(pictures)))
    return root


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path
