"""The maps and the pull of one picture on a page: their numbers stand in the page's own words."""

import re

import numpy as np
import pytest
import torch

from yolosses.apps.pages.picture_maps import maps, picture_in_detail
from yolosses.explain.build import explain
from yolosses.explain.explanation import Explanation
from yolosses.explain.pictures.captions import number
from yolosses.explain.pictures.maps import cell_values
from yolosses.losses import YOLOv1Loss, YOLOv8Loss
from yolosses.structures import Targets

SIDE = 4
PICTURE = np.full((120, 200, 3), 90, np.uint8)
TARGETS = Targets.from_cxcywh(
    [torch.tensor([[0.4, 0.3, 0.3, 0.4], [0.9, 0.6, 0.2, 0.2]])], [torch.tensor([0, 1])]
)


@pytest.fixture(scope="module")
def explanation() -> Explanation:
    """Two objects, in the cells (1, 1) and (2, 3)."""
    torch.manual_seed(1)
    return explain(YOLOv1Loss(grid=SIDE, num_classes=2), torch.rand(1, SIDE, SIDE, 12), TARGETS)


def test_cells_add_up_to_the_terms(explanation: Explanation) -> None:
    for term, (_, value) in explanation.by_term().items():
        assert cell_values(explanation, term, 0).sum() == pytest.approx(value, rel=1e-9)
    every = cell_values(explanation, None, 0)
    assert every.shape == (SIDE, SIDE)
    assert every.sum() == pytest.approx(explanation.total, rel=1e-9)
    assert set(zip(*np.nonzero(cell_values(explanation, "xy", 0)), strict=True)) == {(1, 1), (2, 3)}


def test_each_map_tells_its_sum_and_its_worst_cell(explanation: Explanation) -> None:
    found = maps(explanation, PICTURE, 0, language="en")
    assert [shown.index for shown in found] == [0, 1, 2, 3, 4, None]
    assert found[-1].value == pytest.approx(explanation.total)
    for shown, term in zip(found, (*explanation.terms, None), strict=True):
        values = cell_values(explanation, term, 0)
        assert shown.value == pytest.approx(values.sum())
        assert shown.peak is not None
        row, col, most = shown.peak
        assert values[row, col] == most == values.max()


def test_levels_and_terms_without_loss_have_no_map() -> None:
    torch.manual_seed(0)
    loss = YOLOv8Loss(num_classes=2, strides=(8, 16))
    raw = [torch.randn(1, loss.channels, 96 // stride, 160 // stride) for stride in (8, 16)]
    explanation = explain(loss, raw, TARGETS)
    for level in (0, 1):
        terms = [shown.index for shown in maps(explanation, PICTURE, level, language="en")]
        assert terms == [
            index
            for index, term in enumerate(explanation.terms)
            if cell_values(explanation, term, level).any()
        ] + [None]
    html = picture_in_detail(explanation, PICTURE, language="en")
    assert [int(rows) for rows in re.findall(r"level \d, (\d+) × ", html)] == [12, 6]


def test_the_page_tells_the_strongest_pulls(explanation: Explanation) -> None:
    responsible = explanation.predictions.responsible[0]
    slopes = np.hypot(*explanation.predictions.gradient[0, responsible, :2].T)
    html = picture_in_detail(explanation, PICTURE, language="en")
    assert f"change the loss by {number(slopes.max())} for a move by the whole picture" in html


def test_the_same_picture_gives_the_same_bytes_with_ids_of_its_own(explanation: Explanation) -> None:
    first, second = (picture_in_detail(explanation, PICTURE, language="zh-TW") for _ in range(2))
    assert first == second
    assert first.count('role="img"') == 7
    ids = re.findall(r'\sid="([^"]+)"', first)
    assert len(ids) == len(set(ids))


def test_equal_maps_have_ids_of_their_own() -> None:
    """With one object in one cell the maps of all its terms look the same."""
    torch.manual_seed(1)
    one = Targets.from_cxcywh([torch.tensor([[0.4, 0.3, 0.3, 0.4]])], [torch.tensor([0])])
    explanation = explain(YOLOv1Loss(grid=SIDE, num_classes=2), torch.rand(1, SIDE, SIDE, 12), one)
    ids = re.findall(r'\sid="([^"]+)"', picture_in_detail(explanation, PICTURE, language="en"))
    assert len(ids) == len(set(ids))


def test_numbers_that_are_not_finite_can_be_drawn() -> None:
    raw = torch.rand(1, SIDE, SIDE, 12)
    raw[0, 1, 1, 0] = torch.nan
    broken = explain(YOLOv1Loss(grid=SIDE, num_classes=2), raw, TARGETS)
    html = picture_in_detail(broken, PICTURE, language="zh-TW")
    assert "nan" not in "".join(re.findall(r'\b(?:d|x|y|width|height)="[^"]*"', html)).lower()
