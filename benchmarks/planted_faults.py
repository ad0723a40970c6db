"""What the doctor of data sets says of right labels and of planted faults, written to
``benchmarks/results/planted-faults.json``.

PYTHONPATH=. .venv/bin/python benchmarks/planted_faults.py ../shared/data/bccd ../shared/data/coco128

Each fault is planted in a tenth, in half and in all of the pictures of BCCD, COCO128 and painted scenes of digits. A
fault is found if it is suspected by its name; ``stray`` counts suspicions of anything else. Right sets are the data as
they are, and changed in ways that leave the labels right: blurred, turned by any angle (with the boxes around the
turned ones), cropped, of a few classes, with many copies of one picture, and so on; and painted ones whose boxes are
laid out as in text, by a fixed camera, on a diagonal, and so on (``layout``). Whatever is suspected there is wrong.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance, ImageFilter
from tests.studies.doctor import faults
from tests.studies.doctor.faults import Fault, Labelled, Row, write_voc, write_yolo
from tests.studies.doctor.layouts import LAYOUT_CLASSES, LAYOUTS, SIZES, painted_layout

from yolosses.studies.doctor import Inspection, examine
from yolosses.training.data import digit_scenes, open_whole

RESULTS = Path(__file__).parent / "results"
SHARES = (0.1, 0.5, 1.0)
TURNED = 20  # degrees at least
YOLO: dict[str, Fault] = {
    "xyxy (left, top, right, bottom) given as cxcywh (centre, size)": faults.xyxy_as_cxcywh,
    "xywh (left, top, size) given as cxcywh (centre, size)": faults.xywh_as_cxcywh,
    "x and y are swapped": faults.swapped_xy,
    "cx and cy are swapped": faults.swapped_centre,
    "w and h are swapped": faults.swapped_size,
    "class numbers are off by one: 1 too high": faults.class_too_high,
    "class numbers are off by one: 1 too low": faults.class_too_low,
}
VOC: dict[str, Fault] = {
    "cxcywh (centre, size) given as xyxy (left, top, right, bottom)": faults.cxcywh_as_xyxy,
    "xywh (left, top, size) given as xyxy (left, top, right, bottom)": faults.xywh_as_xyxy,
    "x and y are swapped": faults.swapped_xy,
    "the corners are swapped (right, bottom before left, top)": faults.swapped_corners,
}
Painter = Callable[[Image.Image, Sequence[Row], np.random.Generator], tuple[Image.Image, list[Row]]]


# ------------------------------------------------------------ right sets: pictures and boxes changed together


def blurred(
    picture: Image.Image, rows: Sequence[Row], _: np.random.Generator
) -> tuple[Image.Image, list[Row]]:
    """So that borders say little."""
    return picture.filter(ImageFilter.GaussianBlur(max(picture.size) / 60)), list(rows)


def turned(
    picture: Image.Image, rows: Sequence[Row], chance: np.random.Generator
) -> tuple[Image.Image, list[Row]]:
    """By any angle, on black; a box becomes the one around its turned corners."""
    angle = float(chance.uniform(TURNED, 90 - TURNED) + 90 * chance.integers(4))
    after = picture.rotate(angle, Image.Resampling.BILINEAR, expand=True)
    (cos, sin), size = (np.cos(np.radians(angle)), np.sin(np.radians(angle))), np.array(picture.size)
    turn = np.array([[cos, sin], [-sin, cos]])  # y points down
    made: list[Row] = []
    for number, cx, cy, w, h in rows:
        corners = (np.array([[x, y] for x in (-w, w) for y in (-h, h)]) / 2 + (cx - 0.5, cy - 0.5)) * size
        places = corners @ turn.T / after.size + 0.5
        low, high = places.min(0), places.max(0)
        made.append((number, *((low + high) / 2).tolist(), *(high - low).tolist()))
    return after, made


def turned_and_blurred(
    picture: Image.Image, rows: Sequence[Row], chance: np.random.Generator
) -> tuple[Image.Image, list[Row]]:
    """Both."""
    return blurred(*turned(picture, rows, chance), chance)


def cropped(
    picture: Image.Image, rows: Sequence[Row], chance: np.random.Generator
) -> tuple[Image.Image, list[Row]]:
    """To six tenths of each side, anywhere; boxes are cut, and left out where less than a third remains."""
    after, uncut = cropped_uncut(picture, rows, chance)
    made: list[Row] = []
    for number, cx, cy, w, h in uncut:
        low, high = np.clip([cx - w / 2, cy - h / 2], 0, 1), np.clip([cx + w / 2, cy + h / 2], 0, 1)
        if (high - low).prod() > w * h / 3:
            made.append((number, *((low + high) / 2).tolist(), *(high - low).tolist()))
    return after, made


def cropped_uncut(
    picture: Image.Image, rows: Sequence[Row], chance: np.random.Generator
) -> tuple[Image.Image, list[Row]]:
    """The same, but boxes leave the picture, as some tools write them."""
    (width, height), part = picture.size, 0.6
    left, top = chance.uniform(0, 1 - part, 2).tolist()
    after = picture.crop(tuple(int(v) for v in (
        left * width, top * height, (left + part) * width, (top + part) * height)))  # fmt: skip
    made = [(n, (cx - left) / part, (cy - top) / part, w / part, h / part) for n, cx, cy, w, h in rows]
    return after, [row for row in made if 0 < row[1] < 1 and 0 < row[2] < 1]


def loose(picture: Image.Image, rows: Sequence[Row], _: np.random.Generator) -> tuple[Image.Image, list[Row]]:
    """Boxes half as large again, some of which leave the picture."""
    return picture, [(n, cx, cy, 1.5 * w, 1.5 * h) for n, cx, cy, w, h in rows]


def grey(picture: Image.Image, rows: Sequence[Row], _: np.random.Generator) -> tuple[Image.Image, list[Row]]:
    """Nothing to see."""
    return Image.new("L", picture.size, 128), list(rows)


def quadrants(
    picture: Image.Image, _: Sequence[Row], chance: np.random.Generator
) -> tuple[Image.Image, list[Row]]:
    """Nothing to see, and in each quarter of the picture a box too large for it."""
    rows: list[Row] = []
    for x in (0.25, 0.75):
        for y in (0.25, 0.75):
            cx, cy = (np.array([x, y]) + chance.normal(0, 0.08, 2)).tolist()
            w, h = chance.uniform(0.35, 0.75, 2).tolist()
            rows.append((int(chance.integers(2)), cx, cy, w, h))
    return Image.new("L", picture.size, 128), rows


PAINTERS: tuple[Painter, ...] = (
    blurred, turned, turned_and_blurred, cropped, cropped_uncut, loose, grey, quadrants,
)  # fmt: skip


def painted(folder: Path, pictures: Sequence[Labelled], painter: Painter) -> list[Labelled]:
    """Every picture changed."""
    folder.mkdir(parents=True)
    chance, made = np.random.default_rng(0), []
    for one in pictures:
        with Image.open(one.picture) as opened:
            after, rows = painter(opened.convert("RGB"), one.rows, chance)
        file = folder / f"{one.picture.stem}.png"
        after.save(file, compress_level=1)
        made.append(Labelled(file, after.size, rows))
    return made


# ------------------------------------------------------------ right sets: other choices of pictures and objects


def by_class(pictures: Sequence[Labelled]) -> dict[int, int]:
    """How often each is used, the most frequent first."""
    counts: dict[int, int] = {}
    for one in pictures:
        for row in one.rows:
            counts[row[0]] = counts.get(row[0], 0) + 1
    return dict(sorted(counts.items(), key=lambda entry: -entry[1]))


def only_classes(pictures: Sequence[Labelled], classes: Sequence[int]) -> list[Labelled]:
    """Objects of these."""
    return [replace(one, rows=[row for row in one.rows if row[0] in classes]) for one in pictures]


def dominated(pictures: Sequence[Labelled]) -> list[Labelled]:
    """One in ten objects of all classes but the most frequent."""
    first, number, made = next(iter(by_class(pictures))), 0, []
    for one in pictures:
        rows = []
        for row in one.rows:
            number += row[0] != first
            if row[0] == first or number % 10 == 0:
                rows.append(row)
        made.append(replace(one, rows=rows))
    return made


def one_object(pictures: Sequence[Labelled]) -> list[Labelled]:
    """The largest of each picture."""
    return [replace(one, rows=sorted(one.rows, key=lambda row: -row[3] * row[4])[:1]) for one in pictures]


def with_copies(folder: Path, pictures: Sequence[Labelled], which: int) -> list[Labelled]:
    """Forty copies of one picture, each a little brighter or darker, and smaller."""
    folder.mkdir(parents=True)
    one, made = pictures[which], []
    for number in range(40):
        with Image.open(one.picture) as opened:
            small = opened.convert("RGB").resize([max(32, side - 2 * number) for side in opened.size])
        file = folder / f"copy-{number:02d}.png"
        ImageEnhance.Brightness(small).enhance(0.8 + number / 100).save(file, compress_level=1)
        made.append(Labelled(file, small.size, one.rows))
    return [*pictures, *made]


def right_sets(folder: Path, pictures: Sequence[Labelled]) -> Iterator[tuple[str, Sequence[Labelled]]]:
    """Name and pictures of each."""
    yield "as it is", pictures
    for painter in PAINTERS:
        title = painter.__name__.replace("_", " ")
        yield title, painted(folder / painter.__name__, pictures, painter)
    classes = list(by_class(pictures))
    yield "the most frequent class", only_classes(pictures, classes[:1])
    yield "all other classes", only_classes(pictures, classes[1:])
    yield "two classes", only_classes(pictures, classes[1:3])
    yield "one class dominates", dominated(pictures)
    yield "one object in a picture", one_object(pictures)
    yield "every fourth picture", pictures[::4]
    yield "eight pictures", pictures[:8]
    crowded = sorted(range(len(pictures)), key=lambda index: -len(pictures[index].rows))
    for which in (crowded[0], crowded[len(crowded) // 3]):
        yield f"copies of picture {which}", with_copies(folder / f"copies-{which}", pictures, which)


# ------------------------------------------------------------ running


def suspected(root: Path) -> tuple[list[str], float, Inspection]:
    """Faults by name, and the seconds that it took."""
    joined, start = open_whole(root), time.perf_counter()
    inspection = examine(joined.dataset, grids=[7], boxes_per_cell=2, splits=joined.splits)
    return [one.fault() for one in inspection.suspicions], time.perf_counter() - start, inspection


def measure(
    name: str, pictures: Sequence[Labelled], names: Sequence[str], work: Path
) -> Iterator[dict[str, Any]]:
    """A row for every case of a data set."""
    for title, chosen in right_sets(work / "pictures", pictures):
        for write in (write_yolo, write_voc):
            root = write(work / f"right-{title}-{write.__name__}".replace(" ", "-"), chosen, names)
            found, seconds, _ = suspected(root)
            layout = write.__name__.removeprefix("write_")
            yield {
                "data": name,
                "layout": layout,
                "right": title,
                "suspected": found,
                "seconds": round(seconds, 1),
            }
    for share in SHARES:
        planted: list[tuple[str, str, Path]] = []
        for number, (fault, change) in enumerate(YOLO.items()):
            planted.append(
                ("yolo", fault, write_yolo(work / f"yolo-{share}-{number}", pictures, names, change, share))
            )
        pixels = write_yolo(work / f"yolo-{share}-pixels", pictures, names, share=share, pixels=True)
        planted.append(("yolo", "pixels given as fractions of the picture", pixels))
        for number, (fault, change) in enumerate(VOC.items()):
            planted.append(
                ("voc", fault, write_voc(work / f"voc-{share}-{number}", pictures, names, change, share))
            )
        truth = {
            p.picture.name for p, has in zip(pictures, faults.faulty(pictures, share), strict=True) if has
        }
        for layout, fault, root in planted:
            found, seconds, inspection = suspected(root)
            told = {
                inspection.picture_names[index]
                for one in inspection.suspicions
                if one.fault() == fault
                for index in one.pictures
            }
            yield {
                "data": name,
                "layout": layout,
                "planted": fault,
                "share": share,
                "pictures": len(truth),
                "found": fault in found,
                "pictures_found": len(told & truth),
                "pictures_wrongly": len(told - truth),
                "stray": [one for one in found if one != fault],
                "seconds": round(seconds, 1),
            }


def measure_layouts(work: Path) -> Iterator[dict[str, Any]]:
    """A row for every painted layout, in pictures of three shapes, with objects that can be seen and without."""
    for place in LAYOUTS:
        for size in SIZES:
            for visible in (True, False):
                title = f"{place.__name__.replace('_', ' ')}, {size[0]} x {size[1]}{'' if visible else ', invisible'}"
                folder = work / title.replace(" ", "-")
                pictures = painted_layout(folder / "pictures", place, size, visible=visible)
                for write in (write_yolo, write_voc):
                    found, seconds, _ = suspected(write(folder / write.__name__, pictures, LAYOUT_CLASSES))
                    yield {
                        "data": "painted",
                        "layout": write.__name__.removeprefix("write_"),
                        "painted": title,
                        "suspected": found,
                        "seconds": round(seconds, 1),
                    }


def digits(folder: Path, count: int) -> list[Labelled]:
    """Painted scenes as files."""
    folder.mkdir()
    dataset, made = digit_scenes("val", count=count), []
    for index, record in enumerate(dataset.records):
        file = folder / f"{index:03d}.png"
        Image.fromarray(dataset.picture(index)).save(file)
        rows = [
            (label, *box) for label, box in zip(record.labels.tolist(), record.boxes.tolist(), strict=True)
        ]
        made.append(Labelled(file, (record.image_size[1], record.image_size[0]), rows))
    return made


def main() -> None:
    """Plant, examine, count, write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("bccd", type=Path)
    parser.add_argument("coco128", type=Path)
    parser.add_argument("--out", type=Path, default=RESULTS / "planted-faults.json")
    arguments = parser.parse_args()
    faults.BCCD, faults.COCO128 = arguments.bccd, arguments.coco128
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        sets = (
            ("bccd", faults.bccd()[::8], faults.BCCD_CLASSES),
            ("coco128", faults.coco128()[::2], faults.coco_names()),
            ("digits", digits(work / "scenes", 40), [str(number) for number in range(10)]),
        )
        for name, pictures, names in sets:
            (work / name).mkdir()
            for row in measure(name, pictures, names, work / name):
                print(json.dumps(row, ensure_ascii=False), flush=True)
                rows.append(row)
        for row in measure_layouts(work / "layouts"):
            print(json.dumps(row), flush=True)
            rows.append(row)
    right, painted_sets, planted = (
        [row for row in rows if kind in row] for kind in ("right", "painted", "planted")
    )
    summary = {
        "right_sets": len(right),
        "right_sets_suspected": sum(bool(row["suspected"]) for row in right),
        "painted_sets": len(painted_sets),
        "painted_sets_suspected": sum(bool(row["suspected"]) for row in painted_sets),
        "planted": [
            {
                "data": name,
                "share": share,
                "faults": len(these := [r for r in planted if (r["data"], r["share"]) == (name, share)]),
                "found": sum(row["found"] for row in these),
                "with_stray": sum(bool(row["stray"]) for row in these),
                "pictures": sum(row["pictures"] for row in these),
                "pictures_found": sum(row["pictures_found"] for row in these),
                "pictures_wrongly": sum(row["pictures_wrongly"] for row in these),
            }
            for name, *_ in sets
            for share in SHARES
        ],
    }
    arguments.out.write_text(json.dumps({"summary": summary, "cases": rows}, indent=1) + "\n")
    print(json.dumps(summary, indent=1))


if __name__ == "__main__":
    main()
