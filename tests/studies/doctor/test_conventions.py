"""Every way to misread four numbers, undone."""

from dataclasses import replace

import numpy as np
import pytest
from tests.studies.doctor import faults
from tests.studies.doctor.faults import Fault, Row

from yolosses.studies.doctor.conventions import Convention, as_read, mistakes, placement

SIZE = np.array([[200.0, 100.0]])
EDGES = (20.0, 30.0, 60.0, 80.0)
CXCYWH: Row = (0, 0.2, 0.55, 0.2, 0.5)
XYXY: Row = (0, *EDGES)


def read(convention: Convention, row: Row) -> list[float]:
    (edges,) = convention.edges(np.array([row[1:]]), SIZE).tolist()
    return [round(edge, 9) for edge in edges]


@pytest.mark.parametrize(
    ("fault", "convention"),
    [
        (faults.xyxy_as_cxcywh, Convention(format="xyxy", unit="fractions")),
        (faults.xywh_as_cxcywh, Convention(format="xywh", unit="fractions")),
        (faults.swapped_xy, Convention(format="cxcywh", unit="fractions", swap="xy")),
        (faults.swapped_centre, Convention(format="cxcywh", unit="fractions", swap="centre")),
        (faults.swapped_size, Convention(format="cxcywh", unit="fractions", swap="size")),
    ],
)
def test_yolo_rows_are_read_as_meant(fault: Fault, convention: Convention) -> None:
    assert read(as_read("cxcywh"), CXCYWH) == list(EDGES)
    assert read(as_read("cxcywh"), fault(CXCYWH)) != list(EDGES)
    assert read(convention, fault(CXCYWH)) == list(EDGES)
    assert convention in [replace(mistake, surprise=0.0) for mistake in mistakes("cxcywh")]


@pytest.mark.parametrize(
    ("fault", "convention"),
    [
        (faults.cxcywh_as_xyxy, Convention(format="cxcywh", unit="pixels")),
        (faults.xywh_as_xyxy, Convention(format="xywh", unit="pixels")),
        (faults.swapped_xy, Convention(format="xyxy", unit="pixels", swap="xy")),
        (faults.swapped_corners, Convention(format="xyxy", unit="pixels", swap="corners")),
    ],
)
def test_voc_objects_are_read_as_meant(fault: Fault, convention: Convention) -> None:
    assert read(as_read("xyxy"), XYXY) == list(EDGES)
    assert read(convention, fault(XYXY)) == list(EDGES)
    assert convention in [replace(mistake, surprise=0.0) for mistake in mistakes("xyxy")]


def test_coco_boxes_and_units() -> None:
    assert read(as_read("xywh"), (0, 20, 30, 40, 50)) == list(EDGES)
    assert read(Convention(format="xyxy", unit="pixels"), XYXY) == list(EDGES)
    assert read(Convention(format="xywh", unit="pixels", swap="centre"), (0, 30, 20, 40, 50)) == list(EDGES)
    assert read(Convention(format="cxcywh", unit="pixels"), (0, 40, 55, 40, 50)) == list(EDGES)
    assert read(Convention(format="xyxy", unit="fractions"), (0, 0.1, 0.3, 0.3, 0.8)) == list(EDGES)


@pytest.mark.parametrize("box_format", ["cxcywh", "xyxy", "xywh"])
def test_no_mistake_is_the_right_reading_or_comes_twice(box_format: str) -> None:
    found = [as_read(box_format), *mistakes(box_format)]  # type: ignore[arg-type]
    assert len({(c.format, c.unit, c.swap) for c in found}) == len(found)


def test_placement() -> None:
    edges = np.array(
        [
            [0, 0, 200, 100],
            [-4, -2, 204, 102],  # within 2 %
            [-5, 0, 100, 50],
            [0, 0, 100, 103],
            [50, 50, 50, 60],
            [60, 50, 50, 60],
            [np.nan, 0, 1, 1],
        ],
        np.float64,
    )
    whole, inside = placement(edges, np.tile(SIZE, (7, 1)))
    assert whole.tolist() == [True, True, True, True, False, False, False]
    assert inside.tolist() == [True, True, False, False, False, False, False]
