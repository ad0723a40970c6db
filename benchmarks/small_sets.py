"""Write six small detection sets of different kinds, in YOLO layout, from BCCD, COCO128 and scikit-learn's digits.

    python benchmarks/small_sets.py --bccd ../shared/data/bccd --coco128 ../shared/data/coco128 --out sets

Each has the splits train, val and test, of different source pictures. Choices are made on val; test is for results.

    cells       BCCD with 100 pictures to learn from: 3 classes, crowded, one shape of picture
    cell-crops  parts of BCCD's pictures, of all shapes
    coco        COCO128 with the 12 groups of its classes: photos of all shapes, objects of all sizes
    digits      200 scenes of handwritten digits, of all shapes: 10 classes
    crowd       up to 40 small digits a picture, even or odd
    cards       cards on photos, of 4 shapes: 6 classes that differ in small marks
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from yolosses.training.data import DetectionDataset, digit_scenes, open_dataset, open_whole

SPLITS = ("train", "val", "test")
Picture = NDArray[np.uint8]
Boxes = NDArray[np.float64]

GROUPS = {  # COCO's groups, by the index of their last class
    "person": 0, "vehicle": 8, "street": 13, "animal": 23, "accessory": 28, "sport": 38, "kitchen": 45, "food": 55,
    "furniture": 61, "electronic": 67, "appliance": 72, "indoor": 79,
}  # fmt: skip
RANKS = {"nine": "9", "ten": "10", "jack": "J", "queen": "Q", "king": "K", "ace": "A"}
SHAPES = ((378, 504), (504, 378), (960, 540), (540, 960))


@dataclass(frozen=True)
class Example:
    """A picture (H, W, 3), its boxes as (N, 4) xyxy in pixels, and their classes."""

    picture: Picture
    boxes: Boxes
    labels: NDArray[np.int64]


def write(folder: Path, split: str, names: list[str], examples: Iterator[Example]) -> None:
    """One split, and the file that describes the set."""
    images, labels = folder / "images" / split, folder / "labels" / split
    images.mkdir(parents=True, exist_ok=True)
    labels.mkdir(parents=True, exist_ok=True)
    for number, example in enumerate(examples):
        height, width = example.picture.shape[:2]
        Image.fromarray(example.picture).save(images / f"{number:04d}.jpg", quality=92)
        low, high = example.boxes[:, :2], example.boxes[:, 2:]
        rows = np.concatenate([(low + high) / 2, high - low], 1) / (width, height, width, height)
        text = "".join(
            f"{label} {' '.join(f'{v:.6f}' for v in row)}\n"
            for label, row in zip(example.labels.tolist(), rows.tolist(), strict=True)
        )
        (labels / f"{number:04d}.txt").write_text(text)
    (folder / "data.yaml").write_text(
        f"path: {folder.resolve()}\ntrain: images/train\nval: images/val\ntest: images/test\n"
        "names:\n" + "".join(f"  {i}: {name}\n" for i, name in enumerate(names))
    )


def examples_of(dataset: DetectionDataset, indices: NDArray[np.int64]) -> Iterator[Example]:
    """Pictures of a data set as they are."""
    for index in indices.tolist():
        record, picture = dataset.records[index], dataset.picture(index)
        boxes = record.boxes.astype(np.float64)
        corners = np.concatenate([boxes[:, :2] - boxes[:, 2:] / 2, boxes[:, :2] + boxes[:, 2:] / 2], 1)
        height, width = picture.shape[:2]
        yield Example(picture, corners * (width, height, width, height), record.labels)


def cropped(example: Example, rng: np.random.Generator) -> Example:
    """A part of a picture: boxes are cut, and left out where less than 40 % of them remains."""
    height, width = example.picture.shape[:2]
    h, w = (int(side * rng.uniform(0.35, 0.95)) for side in (height, width))
    y, x = int(rng.integers(height - h + 1)), int(rng.integers(width - w + 1))
    moved = example.boxes - (x, y, x, y)
    cut = np.concatenate([np.maximum(moved[:, :2], 0), np.minimum(moved[:, 2:], (w, h))], 1)
    sides, whole = np.maximum(cut[:, 2:] - cut[:, :2], 0), example.boxes[:, 2:] - example.boxes[:, :2]
    keep = sides.prod(1) >= 0.4 * whole.prod(1)
    return Example(example.picture[y : y + h, x : x + w], cut[keep], example.labels[keep])


def digits(split: str, count: int, rng: np.random.Generator) -> Iterator[Example]:
    """Scenes of all shapes."""
    for number in range(count):
        shape = (int(rng.integers(100, 260)), int(rng.integers(100, 260)))
        scene = digit_scenes(split, count=number + 1, image_size=shape, seed=1)
        yield from examples_of(scene, np.array([number]))


def crowd(split: str, count: int, rng: np.random.Generator) -> Iterator[Example]:
    """Scenes of 128 x 128 pixels beside and below each other; a digit is even or odd."""
    scenes = digit_scenes(split, count=count * 10, seed=2)
    for number in range(count):
        rows, columns = (2, 5) if rng.random() < 0.5 else (3, 3)
        picture = np.zeros((128 * rows, 128 * columns, 3), np.uint8)
        boxes, labels = [], []
        parts = examples_of(scenes, np.arange(10 * number, 10 * number + rows * columns))
        for place, part in enumerate(parts):
            y, x = 128 * (place // columns), 128 * (place % columns)
            picture[y : y + 128, x : x + 128] = part.picture
            boxes.append(part.boxes + np.array((x, y, x, y)))
            labels.append(part.labels % 2)
        yield Example(picture, np.concatenate(boxes), np.concatenate(labels))


def font(size: float) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(
        str(Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans-Bold.ttf"), round(size)
    )


def card(rank: int, height: int, rng: np.random.Generator) -> Image.Image:
    """One card upright: rank and suit in two corners, and in the middle an ace's suit, pips or a court's pattern."""
    width, name = round(height / 1.4), list(RANKS.values())[rank]
    suit = "♠♥♦♣"[int(rng.integers(4))]
    ink = (190, 20, 30) if suit in "♥♦" else (20, 20, 25)
    face = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(face)
    white = int(rng.integers(225, 256))
    draw.rounded_rectangle(
        (0, 0, width - 1, height - 1), height // 16, (white, white, white - 6), (90, 90, 90)
    )
    corner = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(corner)
    pen.text((width * 0.12, height * 0.1), name, ink, font(height * 0.13), anchor="mm")
    pen.text((width * 0.12, height * 0.22), suit, ink, font(height * 0.12), anchor="mm")
    for turned in (corner, corner.rotate(180)):
        face.alpha_composite(turned)
    if name == "A":
        draw.text((width / 2, height / 2), suit, ink, font(height * 0.3), anchor="mm")
    elif name in ("9", "10"):
        places = [(x, y) for x in (0.33, 0.67) for y in (0.2, 0.4, 0.6, 0.8)]
        for x, y in [*places, *([(0.5, 0.5)] if name == "9" else [(0.5, 0.3), (0.5, 0.7)])]:
            draw.text((width * x, height * y), suit, ink, font(height * 0.13), anchor="mm")
    else:
        draw.rectangle((width * 0.24, height * 0.15, width * 0.76, height * 0.85), (225, 190, 80), ink)
        for _ in range(14):
            x, y = rng.uniform(0.26, 0.66) * width, rng.uniform(0.17, 0.76) * height
            colour = ((190, 20, 30), (30, 60, 150), (20, 20, 25))[int(rng.integers(3))]
            draw.rectangle((x, y, x + width * 0.08, y + height * 0.07), colour)
    return face


def cards(
    photos: DetectionDataset, places: NDArray[np.int64], count: int, rng: np.random.Generator
) -> Iterator[Example]:
    """One to five cards on parts of photos."""
    for _ in range(count):
        height, width = SHAPES[int(rng.integers(len(SHAPES)))]
        photo = Image.fromarray(photos.picture(int(rng.choice(places))))
        scale = max(height / photo.height, width / photo.width)
        photo = photo.resize((round(photo.width * scale) + 1, round(photo.height * scale) + 1)).crop(
            (0, 0, width, height)
        )
        canvas = photo.convert("RGBA")
        boxes: list[tuple[float, ...]] = []
        labels = []
        for _ in range(int(rng.integers(1, 6))):
            rank, side = int(rng.integers(len(RANKS))), int(min(height, width) * rng.uniform(0.25, 0.6))
            turned = card(rank, side, rng).rotate(rng.uniform(-25, 25), Image.Resampling.BICUBIC, expand=True)
            w, h = turned.size
            if w >= width or h >= height:
                continue
            x, y = int(rng.integers(width - w)), int(rng.integers(height - h))
            covered = [
                max(min(x + w, b[2]) - max(x, b[0]), 0) * max(min(y + h, b[3]) - max(y, b[1]), 0)
                for b in boxes
            ]
            if any(
                part > 0.25 * min(w * h, (b[2] - b[0]) * (b[3] - b[1]))
                for part, b in zip(covered, boxes, strict=True)
            ):
                continue
            canvas.alpha_composite(turned, (x, y))
            left, top, right, bottom = turned.getchannel("A").getbbox() or (0, 0, w, h)
            boxes.append((x + left, y + top, x + right, y + bottom))
            labels.append(rank)
        light = np.asarray(canvas.convert("RGB"), np.float32) * rng.uniform(0.5, 1.1) + rng.normal(
            0, 5, (height, width, 1)
        )
        yield Example(
            np.clip(light, 0, 255).astype(np.uint8),
            np.array(boxes, np.float64).reshape(-1, 4),
            np.array(labels, np.int64),
        )


def groups(examples: Iterator[Example]) -> Iterator[Example]:
    """COCO's classes by their groups."""
    last = np.array(list(GROUPS.values()))
    for example in examples:
        yield Example(example.picture, example.boxes, np.searchsorted(last, example.labels))


def main() -> None:
    """Read the arguments, write the sets."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--bccd", required=True)
    parser.add_argument("--coco128", required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    out: Path = arguments.out
    photos = open_whole(arguments.coco128).dataset
    order = np.random.default_rng(128).permutation(len(photos))
    of_split = dict(zip(SPLITS, np.split(order, (80, 100)), strict=True))
    counts = {
        "train": (100, 160, 200, 120, 240),
        "val": (50, 60, 100, 40, 80),
        "test": (72, 72, 150, 60, 120),
    }
    for split in SPLITS:
        rng = np.random.default_rng([22, SPLITS.index(split)])
        few, crops, many, crowds, hands = counts[split]
        cells = open_dataset(arguments.bccd, split)
        pick = rng.permutation(len(cells))
        write(out / "cells", split, list(cells.class_names), examples_of(cells, pick[:few]))
        parts = (cropped(e, rng) for e in examples_of(cells, rng.choice(pick, crops)))
        write(out / "cell-crops", split, list(cells.class_names), parts)
        write(out / "coco", split, list(GROUPS), groups(examples_of(photos, of_split[split])))
        write(out / "digits", split, list("0123456789"), digits(split, many, rng))
        write(out / "crowd", split, ["even", "odd"], crowd(split, crowds, rng))
        write(out / "cards", split, list(RANKS), cards(photos, of_split[split], hands, rng))


if __name__ == "__main__":
    main()
