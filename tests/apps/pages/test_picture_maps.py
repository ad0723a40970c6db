"""The data behind the maps and the arrows."""

import re

import numpy as np
import pytest
import torch

from yolosses.apps.pages.picture_maps import cell_values, picture_in_detail
from yolosses.explain.build import explain
from yolosses.explain.explanation import Explanation
from yolosses.losses import YOLOv1Loss
from yolosses.structures import Targets

SIDE = 4
PICTURE = np.full((120, 200, 3), 90, np.uint8)
NUMBER = r"(-?[\d.]+)"


@pytest.fixture(scope="module")
def explanation() -> Explanation:
    """Two objects, in the cells (1, 1) and (2, 3)."""
    torch.manual_seed(1)
    targets = Targets.from_cxcywh(
        [torch.tensor([[0.4, 0.3, 0.3, 0.4], [0.9, 0.6, 0.2, 0.2]])], [torch.tensor([0, 1])]
    )
    return explain(YOLOv1Loss(grid=SIDE, num_classes=2), torch.rand(1, SIDE, SIDE, 12), targets)


@pytest.fixture(scope="module")
def drawn(explanation: Explanation) -> list[str]:
    """One svg a map: five terms, all terms, the pull."""
    html = picture_in_detail(explanation, PICTURE, language="en")
    return re.findall(r'<svg class="map".*?</svg>', html)


def test_cells_add_up_to_the_terms(explanation: Explanation) -> None:
    for term, (_, value) in explanation.by_term().items():
        assert cell_values(explanation, term, 0).sum() == pytest.approx(value, rel=1e-9)
    every = cell_values(explanation, None, 0)
    assert every.shape == (SIDE, SIDE)
    assert every.sum() == pytest.approx(explanation.total, rel=1e-9)
    assert set(zip(*np.nonzero(cell_values(explanation, "xy", 0)), strict=True)) == {(1, 1), (2, 3)}


def test_each_map_is_darkest_in_its_worst_cell(explanation: Explanation, drawn: list[str]) -> None:
    assert len(drawn) == 7
    for svg, term in zip(drawn, (*explanation.terms, None), strict=False):
        values = cell_values(explanation, term, 0)
        row, col = np.unravel_index(values.argmax(), values.shape)
        cells = {
            (round(float(y) / 30), round(float(x) / 50)): float(opacity)
            for opacity, path in re.findall(r'class="heat" fill-opacity="([\d.]+)" d="([^"]*)"', svg)
            for x, y in re.findall(rf"M{NUMBER} {NUMBER}h50.0v30.0", path)
        }
        assert cells[(int(row), int(col))] == max(cells.values()) == 0.9
        for place, opacity in cells.items():
            assert opacity == pytest.approx(0.9 * values[place] / values.max(), abs=0.9 / 24 + 0.01)
        assert f'class="peak" x="{col * 50:.1f}" y="{row * 30:.1f}"' in svg


def test_arrows_point_downhill_and_are_in_proportion(explanation: Explanation, drawn: list[str]) -> None:
    responsible = np.flatnonzero(explanation.predictions.responsible[0])
    shafts = re.findall(
        rf'class="centre" stroke-width="[\d.]+" d="M{NUMBER} {NUMBER}L[^M]*M{NUMBER} {NUMBER}L', drawn[6]
    )
    assert len(shafts) == len(responsible) == 2
    pixels = np.array([200.0, 120.0])
    ways = -explanation.predictions.gradient[0, responsible, :2] * pixels
    longest = np.hypot(*ways.T).max()
    for shaft, predictor, way in zip(shafts, responsible, ways, strict=True):
        tail, tip = np.array(shaft[:2], float), np.array(shaft[2:], float)
        assert tail == pytest.approx(explanation.predictions.boxes[0, predictor, :2] * pixels, abs=0.1)
        assert tip - tail == pytest.approx(way / longest * 0.12 * 200, abs=0.2)


def test_triangles_tell_rise_from_fall(explanation: Explanation, drawn: list[str]) -> None:
    pull = -explanation.predictions.confidence_gradient[0]
    inside = (
        (explanation.predictions.boxes[0, :, :2] >= 0) & (explanation.predictions.boxes[0, :, :2] <= 1)
    ).all(1)
    shown = inside & (np.abs(pull) >= 0.05 * np.abs(pull[inside]).max())
    assert drawn[6].count('class="rise"') == int((shown & (pull > 0)).sum())
    assert drawn[6].count('class="fall"') == int((shown & (pull < 0)).sum())


def test_numbers_that_are_not_finite_can_be_drawn() -> None:
    raw = torch.rand(1, SIDE, SIDE, 12)
    raw[0, 1, 1, 0] = torch.nan
    targets = Targets.from_cxcywh([torch.tensor([[0.4, 0.3, 0.3, 0.4]])], [torch.tensor([0])])
    broken = explain(YOLOv1Loss(grid=SIDE, num_classes=2), raw, targets)
    html = picture_in_detail(broken, PICTURE, language="zh-TW")
    assert "nan" not in "".join(re.findall(r'd="[^"]*"|x="[^"]*"', html))
