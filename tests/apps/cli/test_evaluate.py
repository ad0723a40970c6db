"""The tables of errors that ``yolosses eval`` prints."""

import io

from rich.console import Console

from yolosses.apps.cli.evaluate import costs_table, top_table
from yolosses.studies.errors import TIDE_KINDS, TOP_KINDS, TideErrors, TopDetections, TopOfClass


def lines(table: object) -> list[list[str]]:
    console = Console(width=100, file=io.StringIO(), record=True)
    console.print(table)
    return [line.split() for line in console.export_text().splitlines()]


def test_counts_and_costs() -> None:
    errors = TideErrors(
        ap=0.5,
        counts=dict(zip(TIDE_KINDS, (1, 2000, 3, 4, 5, 6), strict=True)),
        costs=dict(zip(TIDE_KINDS, (0.1, 0.25, 0.0, 0.0, 0.0, 0.015), strict=True)),
    )
    rows = lines(costs_table(errors))
    assert ["classification", "1", "0.100"] in rows
    assert ["localisation", "2,000", "0.250"] in rows
    assert ["missed", "6", "0.015"] in rows


def test_no_costs_without_objects() -> None:
    errors = TideErrors(ap=None, counts=dict.fromkeys(TIDE_KINDS, 2), costs=dict.fromkeys(TIDE_KINDS))
    assert [row for row in lines(costs_table(errors)) if row[1:] == ["2", "-"]] == [
        [kind, "2", "-"] for kind in TIDE_KINDS
    ]


def test_shares_beside_the_papers() -> None:
    numbers = dict(zip(TOP_KINDS, (3, 1, 0, 0, 0), strict=True))
    top = TopDetections(classes=(TopOfClass(name="cat", objects=4, counts=numbers),), similar=())
    rows = [" ".join(row) for row in lines(top_table(top))]
    assert "surest detections this run YOLO* Fast R-CNN*" in rows
    assert "correct 75.0 % 65.5 % 71.6 %" in rows
    assert "similar 0.0 % 6.75 % 4.3 %" in rows
    nothing = TopDetections(classes=(), similar=())
    assert "background – 4.75 % 13.6 %" in [" ".join(row) for row in lines(top_table(nothing))]
