"""The data behind the maps and the arrows."""

import re

import numpy as np
import pytest
import torch

from yolosses.apps.pages.picture_maps import maps, picture_in_detail, pull
from yolosses.explain.build import explain
from yolosses.explain.explanation import Explanation
from yolosses.explain.pictures.maps import cell_values
from yolosses.losses import YOLOv1Loss
from yolosses.structures import Targets

SIDE = 4
PICTURE = np.full((120, 200, 3), 90, np.uint8)
SIZE = (120, 200)


@pytest.fixture(scope="module")
def explanation() -> Explanation:
    """Two objects, in the cells (1, 1) and (2, 3)."""
    torch.manual_seed(1)
    targets = Targets.from_cxcywh(
        [torch.tensor([[0.4, 0.3, 0.3, 0.4], [0.9, 0.6, 0.2, 0.2]])], [torch.tensor([0, 1])]
    )
    return explain(YOLOv1Loss(grid=SIDE, num_classes=2), torch.rand(1, SIDE, SIDE, 12), targets)


def test_cells_add_up_to_the_terms(explanation: Explanation) -> None:
    for term, (_, value) in explanation.by_term().items():
        assert cell_values(explanation, term, 0).sum() == pytest.approx(value, rel=1e-9)
    every = cell_values(explanation, None, 0)
    assert every.shape == (SIDE, SIDE)
    assert every.sum() == pytest.approx(explanation.total, rel=1e-9)
    assert set(zip(*np.nonzero(cell_values(explanation, "xy", 0)), strict=True)) == {(1, 1), (2, 3)}


def test_each_map_is_darkest_in_its_worst_cell(explanation: Explanation) -> None:
    found = maps(explanation, 0, language="en")
    assert found[-1].value == pytest.approx(explanation.total)
    assert [shown.index for shown in found] == [0, 1, 2, 3, 4, None]
    for shown, term in zip(found, (*explanation.terms, None), strict=True):
        values = cell_values(explanation, term, 0)
        cells = {place: darkness for darkness, places in shown.heat for place in places}
        assert shown.value == pytest.approx(values.sum())
        assert shown.peak is not None
        row, col, most = shown.peak
        assert values[row, col] == most == values.max()
        assert cells[(row, col)] == max(cells.values()) == 0.9
        for place, darkness in cells.items():
            assert darkness == pytest.approx(0.9 * values[place] / values.max(), abs=0.9 / 24)


def test_the_worst_cell_is_framed_where_it_is(explanation: Explanation) -> None:
    html = picture_in_detail(explanation, PICTURE, language="en")
    frames = re.findall(r'class="peak" x="([\d.]+)" y="([\d.]+)" width="50.0" height="30.0"', html)
    wanted = []
    for term in (*explanation.terms, None):
        values = cell_values(explanation, term, 0)
        row, col = np.unravel_index(values.argmax(), values.shape)
        wanted.append((f"{col * 50:.1f}", f"{row * 30:.1f}"))
    assert frames == wanted


def test_arrows_point_downhill_and_are_in_proportion(explanation: Explanation) -> None:
    responsible = np.flatnonzero(explanation.predictions.responsible[0])
    shown = pull(explanation, SIZE)
    arrows = [arrow for arrow in shown["arrows"] if arrow.kind == "centre"]
    assert len(arrows) == len(responsible) == len(shown["pulled"]) == 2
    pixels = np.array([200.0, 120.0])
    ways = -explanation.predictions.gradient[0, responsible, :2] * pixels
    longest = np.hypot(*ways.T).max()
    for arrow, predictor, way in zip(arrows, responsible, ways, strict=True):
        tail, _, tip, *_ = arrow.points
        assert tail == pytest.approx(explanation.predictions.boxes[0, predictor, :2] * pixels)
        assert tip - tail == pytest.approx(way / longest * 0.12 * 200)
    slopes = np.hypot(*explanation.predictions.gradient[0, responsible, :2].T)
    assert shown["strongest"][0] == pytest.approx(slopes.max())


def test_triangles_tell_rise_from_fall(explanation: Explanation) -> None:
    wanted = -explanation.predictions.confidence_gradient[0]
    inside = (
        (explanation.predictions.boxes[0, :, :2] >= 0) & (explanation.predictions.boxes[0, :, :2] <= 1)
    ).all(1)
    strong = inside & (np.abs(wanted) >= 0.05 * np.abs(wanted[inside]).max())
    triangles = pull(explanation, SIZE)["triangles"]
    assert [triangle.rise for triangle in triangles] == (wanted[strong] > 0).tolist()
    areas = np.array([triangle.half for triangle in triangles]) ** 2
    assert areas / areas.max() == pytest.approx(np.abs(wanted[strong]) / np.abs(wanted[strong]).max())
    html = picture_in_detail(explanation, PICTURE, language="en")
    assert html.count('class="rise"') == int((strong & (wanted > 0)).sum())
    assert html.count('class="fall"') == int((strong & (wanted < 0)).sum())


def test_numbers_that_are_not_finite_can_be_drawn() -> None:
    raw = torch.rand(1, SIDE, SIDE, 12)
    raw[0, 1, 1, 0] = torch.nan
    targets = Targets.from_cxcywh([torch.tensor([[0.4, 0.3, 0.3, 0.4]])], [torch.tensor([0])])
    broken = explain(YOLOv1Loss(grid=SIDE, num_classes=2), raw, targets)
    html = picture_in_detail(broken, PICTURE, language="zh-TW")
    assert "nan" not in "".join(re.findall(r'd="[^"]*"|x="[^"]*"', html))
