"""Planted faults are suspected by their name, in the right pictures; right data raise no suspicion."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.studies.doctor import faults
from tests.studies.doctor.faults import (
    BCCD,
    BCCD_CLASSES,
    COCO128,
    SHAPES,
    Fault,
    Labelled,
    bccd,
    coco128,
    coco_names,
    faulty,
    scenes,
    write_voc,
    write_yolo,
)
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
        f"{discs} object(s) have the class number 3, but the classes are numbered 0 to 2.",
        f"None of the {total} objects has class 0.",
        "With 1 subtracted every number would stand for a class.",
    ]


def test_classes_without_names_that_are_counted_from_one(painted: list[Labelled], tmp_path: Path) -> None:
    right = inspect(write_yolo(tmp_path / "right", painted, None))
    assert (right.class_names, right.suspicions) == (("0", "1", "2"), ())
    (suspicion,) = inspect(write_yolo(tmp_path / "data", painted, None, faults.class_too_high)).suspicions
    assert suspicion.fault() == "class numbers are off by one: 1 too high"
    assert suspicion.reasons()[1].startswith("Numbers 1 to 3 are all used, and none of the")


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
