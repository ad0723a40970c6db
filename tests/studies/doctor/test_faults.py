"""Planted faults are suspected by their name, in the right pictures; right data raise no suspicion."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from tests.studies.doctor import faults
from tests.studies.doctor.faults import (
    BCCD,
    BCCD_CLASSES,
    COCO128,
    SHAPES,
    Fault,
    Labelled,
    Row,
    bccd,
    coco128,
    coco_names,
    faulty,
    scenes,
    write_voc,
    write_yolo,
)
from tests.studies.doctor.layouts import LAYOUT_CLASSES, LAYOUTS, Box, Place, painted_layout
from tests.training.shapes import shapes

from yolosses.studies.doctor import BoxEvidence, ClassEvidence, Inspection, Suspicion, examine
from yolosses.training.data import digit_scenes, open_whole

CENTRE, CORNERS, SIZED = (
    "cxcywh (centre, size)",
    "xyxy (left, top, right, bottom)",
    "xywh (left, top, size)",
)
YOLO_FAULTS: list[tuple[Fault, str]] = [
    (faults.xyxy_as_cxcywh, f"{CORNERS} given as {CENTRE}"),
    (faults.xywh_as_cxcywh, f"{SIZED} given as {CENTRE}"),
    (faults.swapped_xy, "x and y are swapped"),
    (faults.swapped_centre, "cx and cy are swapped"),
    (faults.swapped_size, "w and h are swapped"),
    (faults.class_too_high, "class numbers are off by one: 1 too high"),
    (faults.class_too_low, "class numbers are off by one: 1 too low"),
]
VOC_FAULTS: list[tuple[Fault, str]] = [
    (faults.cxcywh_as_xyxy, f"{CENTRE} given as {CORNERS}"),
    (faults.xywh_as_xyxy, f"{SIZED} given as {CORNERS}"),
    (faults.swapped_xy, "x and y are swapped"),
    (faults.swapped_corners, "the corners are swapped (right, bottom before left, top)"),
]
needs_bccd = pytest.mark.skipif(not BCCD.is_dir(), reason=f"the BCCD pictures are not at {BCCD}")
needs_coco128 = pytest.mark.skipif(not COCO128.is_dir(), reason=f"the COCO128 pictures are not at {COCO128}")


def named(value: object) -> str | None:
    return value.__name__ if callable(value) else None


@pytest.fixture(scope="module")
def painted(tmp_path_factory: pytest.TempPathFactory) -> list[Labelled]:
    return scenes(tmp_path_factory.mktemp("painted"), 40)


@pytest.fixture(scope="module")
def cells() -> list[Labelled]:
    return bccd()[::7]


@pytest.fixture(scope="module")
def coco() -> list[Labelled]:
    return coco128()


def inspect(root: Path) -> Inspection:
    joined = open_whole(root)
    return examine(joined.dataset, grids=[7], boxes_per_cell=2, splits=joined.splits)


def check(
    inspection: Inspection, pictures: Sequence[Labelled], share: float, name: str, *, least: float = 0.75
) -> Suspicion:
    """Exactly this fault, in most of the pictures that have it and in (almost) no other."""
    (suspicion,) = inspection.suspicions
    assert suspicion.fault() == name
    planted = {p.picture.name for p, has in zip(pictures, faulty(pictures, share), strict=True) if has}
    found = {inspection.picture_names[index] for index in suspicion.pictures}
    assert len(found & planted) >= least * len(planted)
    assert len(found - planted) <= 0.1 * len(planted)
    assert suspicion.scope == ("all" if share == 1 else "pictures")
    return suspicion


# ------------------------------------------------------------ painted scenes


@pytest.mark.parametrize("write", [write_yolo, write_voc], ids=named)
def test_right_scenes_raise_no_suspicion(
    painted: list[Labelled], tmp_path: Path, write: Callable[..., Path]
) -> None:
    inspection = inspect(write(tmp_path / "data", painted, SHAPES))
    assert inspection.suspicions == ()
    assert inspection.problems == ()


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
@pytest.mark.parametrize(("fault", "name"), YOLO_FAULTS, ids=named)
def test_yolo_faults_are_suspected(
    painted: list[Labelled], tmp_path: Path, fault: Fault, name: str, share: float
) -> None:
    check(inspect(write_yolo(tmp_path / "data", painted, SHAPES, fault, share)), painted, share, name)


@pytest.mark.parametrize("share", [1.0, 0.5, 0.1])
@pytest.mark.parametrize(("fault", "name"), VOC_FAULTS, ids=named)
def test_voc_faults_are_suspected(
    painted: list[Labelled], tmp_path: Path, fault: Fault, name: str, share: float
) -> None:
    check(inspect(write_voc(tmp_path / "data", painted, SHAPES, fault, share)), painted, share, name)


@pytest.mark.parametrize("share", [1.0, 0.1])
def test_pixels_in_the_place_of_fractions_are_suspected(
    painted: list[Labelled], tmp_path: Path, share: float
) -> None:
    inspection = inspect(write_yolo(tmp_path / "data", painted, SHAPES, share=share, pixels=True))
    check(inspection, painted, share, "pixels given as fractions of the picture")


def test_square_pictures_hide_swapped_labels_from_all_but_the_borders(tmp_path: Path) -> None:
    square = scenes(tmp_path / "square", 24, size=(160, 160), seed=3)
    for write in (write_yolo, write_voc):
        assert inspect(write(tmp_path / f"{write.__name__}-right", square, SHAPES)).suspicions == ()
        inspection = inspect(write(tmp_path / write.__name__, square, SHAPES, faults.swapped_xy))
        evidence = check(inspection, square, 1.0, "x and y are swapped").evidence
        assert isinstance(evidence, BoxEvidence)
        assert evidence.misfits == (0, 0)
        as_written, as_meant = evidence.contrast
        assert as_written is not None
        assert as_meant is not None
        assert as_written < 1 < 3 < as_meant


def test_the_reasons_are_told_with_numbers(painted: list[Labelled], tmp_path: Path) -> None:
    inspection = inspect(write_yolo(tmp_path / "data", painted, SHAPES, faults.xyxy_as_cxcywh, 0.1))
    (suspicion,) = inspection.suspicions
    evidence = suspicion.evidence
    assert isinstance(evidence, BoxEvidence)
    boxes = sum(
        len(p.rows) for p, has in zip(painted, faulty(painted, 0.1), strict=True) if has
    )  # all four pictures are found
    assert (evidence.boxes, len(suspicion.pictures), suspicion.of_pictures) == (boxes, 4, 40)
    misfits, still = evidence.misfits
    assert still == 0 < misfits <= boxes
    reasons = suspicion.reasons()
    assert reasons[0] == f"Suspected in the labels of 4 of 40 pictures with objects: {boxes} boxes."
    assert reasons[1] == (
        f"As written, {misfits} of the {boxes} boxes have no area or leave their picture; read as suspected, 0."
    )
    as_written, as_meant = evidence.contrast
    assert f"by {as_written:+.2f} as written, by {as_meant:+.2f} read as suspected" in reasons[2]
    assert evidence.usual_contrast is not None
    assert f"the other boxes meet {evidence.usual_contrast:+.2f}" in reasons[2]
    assert len(suspicion.reasons(language="zh-TW")) == len(reasons)
    # The reader noticed these boxes one by one; the doctor says what they have in common.
    clipped = {problem.file.name for problem in inspection.problems}
    assert clipped <= {inspection.label_files[index].name for index in suspicion.pictures}


def test_class_numbers_are_told_with_numbers(painted: list[Labelled], tmp_path: Path) -> None:
    (suspicion,) = inspect(write_yolo(tmp_path / "data", painted, SHAPES, faults.class_too_high)).suspicions
    evidence = suspicion.evidence
    assert isinstance(evidence, ClassEvidence)
    discs = sum(row[0] == 2 for picture in painted for row in picture.rows)
    total = sum(len(picture.rows) for picture in painted)
    assert (evidence.shift, evidence.unknown, evidence.unused) == (1, (3, discs), 0)
    assert (evidence.first, evidence.last, evidence.boxes) == (0, 2, total)
    assert suspicion.reasons() == [
        f"Suspected in the labels of 40 of 40 pictures with objects: {total} boxes.",
        f"{discs} objects have the class number 3, but the classes are numbered 0 to 2.",
        f"None of the {total} objects has class 0.",
        "With 1 subtracted every number would stand for a class.",
    ]


def test_classes_without_names_that_are_counted_from_one(painted: list[Labelled], tmp_path: Path) -> None:
    right = inspect(write_yolo(tmp_path / "right", painted, None))
    assert (right.class_names, right.suspicions) == (("0", "1", "2"), ())
    (suspicion,) = inspect(write_yolo(tmp_path / "data", painted, None, faults.class_too_high)).suspicions
    assert suspicion.fault() == "class numbers are off by one: 1 too high"
    assert suspicion.reasons()[1].startswith("Numbers 1 to 3 are all used, and none of the")


def test_swapped_halves_are_told_apart_by_what_the_pictures_show(tmp_path: Path) -> None:
    """Half of the boxes tall, half wide: shapes cannot say which half was swapped. In the right set neither was."""
    tall = painted_layout(tmp_path / "tall", tall_boxes, (160, 160))
    right = inspect(
        write_yolo(tmp_path / "right", [*tall[::2], *turned_right_angle(tmp_path, tall[1::2])], ("a",))
    )
    assert right.suspicions == ()
    inspection = inspect(write_yolo(tmp_path / "data", tall, ("a",), faults.swapped_xy, 0.5))
    check(inspection, tall, 0.5, "x and y are swapped")


def tall_boxes(chance: np.random.Generator, width: float, height: float) -> Iterator[Box]:
    for _ in range(3):
        yield 0, chance.uniform(0.1, width - 0.1), chance.uniform(0.2, height - 0.2), 0.12, 0.35


def turned_right_angle(folder: Path, pictures: Sequence[Labelled]) -> list[Labelled]:
    """Pictures and boxes mirrored along the diagonal."""
    (folder / "mirrored").mkdir()
    made = []
    for one in pictures:
        path = folder / "mirrored" / f"m{one.picture.name}"
        Image.open(one.picture).transpose(Image.Transpose.TRANSPOSE).save(path)
        made.append(Labelled(path, one.size[::-1], [faults.swapped_xy(row) for row in one.rows]))
    return made


@pytest.mark.parametrize("place", LAYOUTS, ids=named)
def test_right_layouts_raise_no_suspicion(tmp_path: Path, place: Place) -> None:
    pictures = painted_layout(tmp_path / "pictures", place, (200, 140))
    for write in (write_yolo, write_voc):
        assert inspect(write(tmp_path / write.__name__, pictures, LAYOUT_CLASSES)).suspicions == ()


def squares_and_others(chance: np.random.Generator, width: float, height: float) -> Iterator[Box]:
    """Class 0 or 2 painted as rectangles, 1 or 3 as ellipses, never the first and the last in one picture."""
    first = int(chance.integers(2))
    for _ in range(4):
        label = int(chance.integers(first, first + 3))
        yield label, chance.uniform(0.15, width - 0.15), chance.uniform(0.15, height - 0.15), 0.15, 0.15


def test_objects_show_whether_numbers_are_shifted_or_the_list_lacks_a_class(tmp_path: Path) -> None:
    """The numbers are alike in both sets: pictures with the number beyond the end never have the first one."""
    pictures = painted_layout(tmp_path / "pictures", squares_and_others, (160, 160), count=60)
    assert inspect(write_yolo(tmp_path / "lacks", pictures, ("a", "b", "c"))).suspicions == ()
    low = [replace(one, rows=[row for row in one.rows if row[0] < 3]) for one in pictures]
    inspection = inspect(write_yolo(tmp_path / "data", low, ("a", "b", "c"), faults.class_too_high, 0.5))
    suspicion = check(inspection, low, 0.5, "class numbers are off by one: 1 too high", least=0.5)
    assert isinstance(suspicion.evidence, ClassEvidence)
    as_written, shifted_back = suspicion.evidence.likeness or (0, 0)
    assert as_written < shifted_back
    assert any(f"{shifted_back} like the class with 1 subtracted" in reason for reason in suspicion.reasons())


def test_one_slip_of_the_pen_is_no_fault_of_many(painted: list[Labelled], tmp_path: Path) -> None:
    root = write_yolo(tmp_path / "data", painted, SHAPES)
    file = root / "labels" / f"{painted[5].picture.stem}.txt"
    first, *others = file.read_text().splitlines(keepends=True)
    file.write_text("".join(["3" + first[1:], *others]))
    inspection = inspect(root)
    assert inspection.suspicions == ()
    assert [(problem.file, problem.where, problem.kind) for problem in inspection.problems] == [
        (file, "line 1", "class")
    ]


def test_single_boxes_among_right_ones(painted: list[Labelled], tmp_path: Path) -> None:
    root = write_yolo(tmp_path / "data", painted, SHAPES)
    planted = set()
    for picture in painted:
        number, cx, cy, w, h = picture.rows[0]
        if cx > 0.7:  # those leave the picture when misread
            row = faults.xyxy_as_cxcywh((number, cx, cy, w, h))
            file = root / "labels" / f"{picture.picture.stem}.txt"
            lines = file.read_text().splitlines()
            lines[0] = " ".join(map(str, row))
            file.write_text("\n".join(lines) + "\n")
            planted.add(picture.picture.name)
    inspection = inspect(root)
    (suspicion,) = inspection.suspicions
    assert suspicion.scope == "boxes"
    assert suspicion.fault() == f"{CORNERS} given as {CENTRE}"
    assert {(inspection.picture_names[index], place) for index, place in suspicion.places} == {
        (name, "line 1") for name in planted
    }
    assert suspicion.reasons()[0].startswith(
        f"Suspected of {len(planted)} single boxes in {len(planted)} of 40"
    )


# ------------------------------------------------------------ right labels that once were suspected


def grey(folder: Path, size: tuple[int, int], rows: Sequence[Row]) -> Labelled:
    """A picture in which nothing can be seen."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{len(list(folder.iterdir())):04}.png"
    Image.new("L", size, 128).save(path)
    return Labelled(path, size, rows)


def test_a_subset_that_a_mistake_suits_by_chance(tmp_path: Path) -> None:
    """One box too large for its quarter in each quarter of a picture: many leave it, and swapping mends some."""
    rng = np.random.default_rng(0)
    pictures = []
    for _ in range(300):
        rows: list[Row] = []
        for x, y in ((0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
            cx, cy = rng.normal((x, y), 0.08).tolist()
            w, h = rng.uniform(0.35, 0.75, 2).tolist()
            rows.append((int(rng.integers(2)), cx, cy, w, h))
        pictures.append(grey(tmp_path / "grey", (60, 60), rows))
    for write in (write_yolo, write_voc):
        inspection = inspect(write(tmp_path / write.__name__, pictures, ("a", "b")))
        assert sum(problem.kind == "leaves" for problem in inspection.problems) > 300
        assert inspection.suspicions == ()


def test_alike_boxes_of_one_class_are_no_shifted_numbers(tmp_path: Path) -> None:
    """Copies of a crowded picture, whose objects have the shape of the next class: one piece of evidence, not many."""
    rng = np.random.default_rng(0)

    def sign(label: int, w: float, h: float) -> Row:
        cx, cy = rng.uniform(0.3, 0.7, 2).tolist()
        return label, cx, cy, w * float(rng.uniform(0.9, 1.1)), h * float(rng.uniform(0.9, 1.1))

    wide, square, tall = (0.5, 0.1), (0.2, 0.2), (0.1, 0.4)
    pictures = [
        grey(tmp_path / "grey", (64, 48), [sign(label, *(wide, square, tall)[label])])
        for label in rng.integers(0, 3, 400).tolist()
    ]
    crowd = [sign(1, *tall) for _ in range(9)]
    pictures += [grey(tmp_path / "grey", (64 - step, 48), crowd) for step in range(9)]
    assert inspect(write_yolo(tmp_path / "data", pictures, SHAPES)).suspicions == ()


def test_blurred_and_turned_scenes_raise_no_suspicion(painted: list[Labelled], tmp_path: Path) -> None:
    """With the boxes around the turned ones: their borders lie where nothing is."""
    rng = np.random.default_rng(0)
    turned = []
    (tmp_path / "turned").mkdir()
    for one in painted:
        angle = float(rng.uniform(20, 70) + 90 * rng.integers(4))
        picture = Image.open(one.picture).filter(ImageFilter.GaussianBlur(4)).rotate(angle, expand=True)
        cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
        rows: list[Row] = []
        for label, cx, cy, w, h in one.rows:
            x, y = (cx - 0.5) * one.size[0], (cy - 0.5) * one.size[1]
            across, down = w * one.size[0], h * one.size[1]
            rows.append(
                (
                    label,
                    0.5 + float(cos * x + sin * y) / picture.width,
                    0.5 + float(cos * y - sin * x) / picture.height,
                    float(abs(cos) * across + abs(sin) * down) / picture.width,
                    float(abs(sin) * across + abs(cos) * down) / picture.height,
                )
            )
        path = tmp_path / "turned" / one.picture.name
        picture.save(path)
        turned.append(Labelled(path, picture.size, rows))
    for write in (write_yolo, write_voc):
        assert inspect(write(tmp_path / write.__name__, turned, SHAPES)).suspicions == ()


def test_a_class_that_the_list_lacks_is_no_shifted_number(painted: list[Labelled], tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with_fourth = [
        replace(one, rows=[*one.rows, (3, 0.5, 0.5, 0.1, 0.1)]) if rng.random() < 0.3 else one
        for one in painted
    ]
    inspection = inspect(write_yolo(tmp_path / "data", with_fourth, SHAPES))
    assert inspection.suspicions == ()
    assert {problem.kind for problem in inspection.problems} == {"class"}


def test_right_data_in_memory_raise_no_suspicion() -> None:
    for dataset in (shapes(24), digit_scenes("val", count=60)):
        assert examine(dataset, grids=[4], boxes_per_cell=2).suspicions == ()


# ------------------------------------------------------------ real pictures


@needs_bccd
def test_bccd_as_it_is() -> None:
    inspection = inspect(BCCD)
    assert inspection.suspicions == ()
    assert (inspection.num_pictures, inspection.num_objects) == (364, 4886)
    assert [problem.kind for problem in inspection.problems] == ["area", "area"]


@needs_coco128
def test_coco128_as_it_is() -> None:
    inspection = inspect(COCO128)
    assert inspection.suspicions == ()
    assert (inspection.num_pictures, inspection.num_objects, len(inspection.unlabelled)) == (128, 929, 2)


@needs_bccd
@pytest.mark.parametrize("share", [1.0, 0.1])
@pytest.mark.parametrize(("fault", "name"), VOC_FAULTS, ids=named)
def test_faults_in_voc_cells(
    cells: list[Labelled], tmp_path: Path, fault: Fault, name: str, share: float
) -> None:
    check(inspect(write_voc(tmp_path / "data", cells, BCCD_CLASSES, fault, share)), cells, share, name)


@needs_bccd
@pytest.mark.parametrize("share", [1.0, 0.1])
@pytest.mark.parametrize(("fault", "name"), YOLO_FAULTS, ids=named)
def test_faults_in_yolo_cells(
    cells: list[Labelled], tmp_path: Path, fault: Fault, name: str, share: float
) -> None:
    inspection = inspect(write_yolo(tmp_path / "data", cells, BCCD_CLASSES, fault, share))
    check(inspection, cells, share, name, least=0.6)


@needs_coco128
@pytest.mark.parametrize("share", [1.0, 0.1])
@pytest.mark.parametrize(("fault", "name"), YOLO_FAULTS, ids=named)
def test_faults_in_coco128(
    coco: list[Labelled], tmp_path: Path, fault: Fault, name: str, share: float
) -> None:
    inspection = inspect(write_yolo(tmp_path / "data", coco, coco_names(), fault, share))
    if fault is faults.class_too_high and share < 1:
        # Nothing can show it: no picture with the last class has the fault, and 80 classes are too rare here to know
        # their shapes.
        assert inspection.suspicions == ()
        return
    check(inspection, coco, share, name, least=0.2)
