"""Data sets with a planted fault: the labels of all pictures, or of some, written in a wrong way."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Row = tuple[
    int, float, float, float, float
]  # class, then a box: cxcywh fractions (YOLO) or xyxy pixels (VOC)
Fault = Callable[[Row], Row]

DATA = Path(__file__).parents[4] / "shared" / "data"
BCCD, COCO128 = DATA / "bccd", DATA / "coco128"
BCCD_CLASSES = ("Platelets", "RBC", "WBC")
SHAPES = ("tower", "plate", "disc")


@dataclass(frozen=True)
class Labelled:
    """A picture and its rows, in cxcywh fractions."""

    picture: Path
    size: tuple[int, int]  # width, height
    rows: Sequence[Row]


# ------------------------------------------------------------ faults in YOLO's rows


def xyxy_as_cxcywh(row: Row) -> Row:
    number, cx, cy, w, h = row
    return number, cx - w / 2, cy - h / 2, cx + w / 2, cy + h / 2


def xywh_as_cxcywh(row: Row) -> Row:
    number, cx, cy, w, h = row
    return number, cx - w / 2, cy - h / 2, w, h


def swapped_xy(row: Row) -> Row:
    number, a, b, c, d = row
    return number, b, a, d, c


def swapped_centre(row: Row) -> Row:
    number, a, b, c, d = row
    return number, b, a, c, d


def swapped_size(row: Row) -> Row:
    number, a, b, c, d = row
    return number, a, b, d, c


def class_too_high(row: Row) -> Row:
    return row[0] + 1, *row[1:]


def class_too_low(row: Row) -> Row:
    return row[0] - 1, *row[1:]


# ------------------------------------------------------------ faults in VOC's rows


def cxcywh_as_xyxy(row: Row) -> Row:
    number, left, top, right, bottom = row
    return number, (left + right) / 2, (top + bottom) / 2, right - left, bottom - top


def xywh_as_xyxy(row: Row) -> Row:
    number, left, top, right, bottom = row
    return number, left, top, right - left, bottom - top


def swapped_corners(row: Row) -> Row:
    number, left, top, right, bottom = row
    return number, right, bottom, left, top


# ------------------------------------------------------------ writing


def faulty(pictures: Sequence[Labelled], share: float) -> list[bool]:
    """Which pictures get the fault: every n-th of those with objects, all for a share of 1."""
    with_rows = [picture for picture in pictures if picture.rows]
    count = round(share * len(with_rows))
    chosen = {
        with_rows[place].picture
        for place in np.linspace(0, len(with_rows) - 1, count).round().astype(int).tolist()
    }
    return [picture.picture in chosen for picture in pictures]


def write_yolo(
    root: Path,
    pictures: Sequence[Labelled],
    names: Sequence[str] | None,
    fault: Fault | None = None,
    share: float = 1.0,
    *,
    pixels: bool = False,
) -> Path:
    """In YOLO layout, pictures as links."""
    (root / "images").mkdir(parents=True)
    (root / "labels").mkdir()
    if names is not None:
        listed = "".join(f"  {index}: {name}\n" for index, name in enumerate(names))
        (root / "data.yaml").write_text(f"train: images\nnames:\n{listed}")
    for picture, is_faulty in zip(pictures, faulty(pictures, share), strict=True):
        (root / "images" / picture.picture.name).symlink_to(picture.picture.resolve())
        rows = [fault(row) for row in picture.rows] if fault is not None and is_faulty else picture.rows
        if pixels and is_faulty:
            width, height = picture.size
            rows = [(n, a * width, b * height, c * width, d * height) for n, a, b, c, d in rows]
        text = "".join(f"{n} {a:.6f} {b:.6f} {c:.6f} {d:.6f}\n" for n, a, b, c, d in rows)
        (root / "labels" / f"{picture.picture.stem}.txt").write_text(text)
    return root


def write_voc(
    root: Path,
    pictures: Sequence[Labelled],
    names: Sequence[str],
    fault: Fault | None = None,
    share: float = 1.0,
) -> Path:
    """In VOC layout, pictures as links."""
    for folder in ("JPEGImages", "Annotations"):
        (root / folder).mkdir(parents=True)
    for picture, is_faulty in zip(pictures, faulty(pictures, share), strict=True):
        (root / "JPEGImages" / picture.picture.name).symlink_to(picture.picture.resolve())
        width, height = picture.size
        rows = [in_pixels(row, picture.size) for row in picture.rows]
        rows = [fault(row) for row in rows] if fault is not None and is_faulty else rows
        objects = "".join(
            f"<object><name>{names[n]}</name><bndbox><xmin>{a:.0f}</xmin><ymin>{b:.0f}</ymin>"
            f"<xmax>{c:.0f}</xmax><ymax>{d:.0f}</ymax></bndbox></object>\n"
            for n, a, b, c, d in rows
        )
        size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
        (root / "Annotations" / f"{picture.picture.stem}.xml").write_text(
            f"<annotation>{size}\n{objects}</annotation>\n"
        )
    return root


def in_pixels(row: Row, size: tuple[int, int]) -> Row:
    """From cxcywh fractions to xyxy pixels."""
    number, cx, cy, w, h = row
    width, height = size
    return (
        number, (cx - w / 2) * width, (cy - h / 2) * height, (cx + w / 2) * width, (cy + h / 2) * height,
    )  # fmt: skip


# ------------------------------------------------------------ pictures


def scenes(folder: Path, count: int, *, size: tuple[int, int] = (200, 140), seed: int = 0) -> list[Labelled]:
    """Painted pictures of upright towers, flat plates and round discs on a mottled ground."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    width, height = size
    made = []
    for index in range(count):
        ground = Image.fromarray(rng.integers(60, 190, (height, width, 3)).astype(np.uint8))
        canvas = ground.filter(ImageFilter.GaussianBlur(3))
        pen = ImageDraw.Draw(canvas)
        rows: list[Row] = []
        for left, top, right, bottom, label in _places(rng, width, height):
            colour = (
                tuple(rng.integers(0, 70, 3).tolist())
                if rng.random() < 0.5
                else tuple(rng.integers(190, 255, 3).tolist())
            )
            draw = pen.ellipse if label == 2 else pen.rectangle
            draw((left, top, right - 1, bottom - 1), fill=colour)
            rows.append(
                (
                    label,
                    (left + right) / 2 / width,
                    (top + bottom) / 2 / height,
                    (right - left) / width,
                    (bottom - top) / height,
                )
            )
        path = folder / f"scene-{index:03d}.png"
        canvas.save(path)
        made.append(Labelled(path, size, rows))
    return made


def _places(rng: np.random.Generator, width: int, height: int) -> Iterator[tuple[int, int, int, int, int]]:
    """Boxes that do not overlap, three to five, of all three shapes."""
    taken: list[tuple[int, int, int, int]] = []
    wanted = int(rng.integers(3, 6))
    for number in range(wanted):
        for _ in range(60):
            label = number % 3
            side = int(rng.integers(16, 30))
            w, h = {0: (side // 2, side * 2), 1: (side * 2, side // 2), 2: (side, side)}[label]
            left, top = int(rng.integers(1, width - w)), int(rng.integers(1, height - h))
            box = (left, top, left + w, top + h)
            if all(box[2] < b[0] or b[2] < box[0] or box[3] < b[1] or b[3] < box[1] for b in taken):
                taken.append(box)
                yield (*box, label)
                break


def bccd() -> list[Labelled]:
    """The blood cells, in cxcywh fractions; degenerate boxes left out."""
    made = []
    for file in sorted((BCCD / "Annotations").glob("*.xml")):
        root = ElementTree.parse(file).getroot()
        picture = BCCD / "JPEGImages" / f"{file.stem}.jpg"
        width, height = 640, 480
        rows: list[Row] = []
        for item in root.iterfind("object"):
            left, top, right, bottom = (
                float(item.findtext(f"bndbox/{edge}") or "nan") for edge in ("xmin", "ymin", "xmax", "ymax")
            )
            if right > left and bottom > top:
                rows.append(
                    (
                        BCCD_CLASSES.index(item.findtext("name") or ""),
                        (left + right) / 2 / width,
                        (top + bottom) / 2 / height,
                        (right - left) / width,
                        (bottom - top) / height,
                    )
                )
        made.append(Labelled(picture, (width, height), rows))
    return made


def coco128() -> list[Labelled]:
    """The COCO pictures; those without label file have no rows."""
    made = []
    for picture in sorted((COCO128 / "images/train2017").glob("*.jpg")):
        file = COCO128 / "labels/train2017" / f"{picture.stem}.txt"
        lines = file.read_text().splitlines() if file.is_file() else []
        rows: list[Row] = []
        for line in lines:
            number, cx, cy, w, h = line.split()
            rows.append((int(number), float(cx), float(cy), float(w), float(h)))
        with Image.open(picture) as image:
            made.append(Labelled(picture, image.size, rows))
    return made


def coco_names() -> list[str]:
    """The names of the 80 classes."""
    import yaml

    names = yaml.safe_load((COCO128 / "coco128.yaml").read_text())["names"]
    return [names[index] for index in range(len(names))]
