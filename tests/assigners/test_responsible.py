"""Who is responsible, on plain boxes."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from yolosses.assigners import assign_responsible, first_in_cell
from yolosses.boxes import paired_iou


def first_by_loop(cell: Tensor, mask: Tensor) -> list[list[bool]]:
    result = []
    for cells, present in zip(cell.tolist(), mask.tolist(), strict=True):
        taken: set[int] = set()
        row = []
        for where, there in zip(cells, present, strict=True):
            row.append(there and where not in taken)
            if there:
                taken.add(where)
        result.append(row)
    return result


@given(batch=st.integers(1, 3), count=st.integers(1, 12), cells=st.integers(1, 6), seed=st.integers(0, 10**6))
def test_first_in_cell_equals_a_loop(batch: int, count: int, cells: int, seed: int) -> None:
    noise = torch.Generator().manual_seed(seed)
    cell = torch.randint(cells, (batch, count), generator=noise)
    mask = torch.rand(batch, count, generator=noise) < 0.7
    assert first_in_cell(cell, mask, num_cells=cells).tolist() == first_by_loop(cell, mask)


def boxes(*rows: tuple[float, float, float, float]) -> Tensor:
    return torch.tensor(rows)


def test_the_pairs_name_predictor_object_and_overlap() -> None:
    # Three objects, the second in the first's cell; two boxes a cell.
    gt = boxes((0.5, 0.5, 0.2, 0.2), (0.5, 0.5, 0.4, 0.4), (0.1, 0.1, 0.2, 0.2))[None]
    pred = torch.stack(
        [
            boxes((0.5, 0.5, 0.4, 0.4), (0.5, 0.5, 0.2, 0.4)),
            boxes((0.5, 0.5, 0.4, 0.4), (0.5, 0.5, 0.2, 0.4)),
            boxes((0.1, 0.1, 0.2, 0.2), (0.9, 0.9, 0.2, 0.2)),
        ]
    )[None]
    cell = torch.tensor([[3, 3, 0]])
    result = assign_responsible(pred, gt, cell, torch.ones(1, 3, dtype=torch.bool), num_cells=4)
    assert result.predictor.tolist() == [[3 * 2 + 1, 0, 0]]
    assert result.object.tolist() == [[0, 1, 2]]
    assert result.mask.tolist() == [[True, False, True]]
    torch.testing.assert_close(result.iou, torch.tensor([[0.5, 0.0, 1.0]]))
    assert result.num_dropped.tolist() == [1]
    assert result.spared is None
    # Boxes 0 and 7 answer; the place of the pair that does not count touches nothing.
    assert result.background(8).tolist() == [[False, True, True, True, True, True, True, False]]


def test_objects_that_take_no_part_neither_win_nor_count() -> None:
    gt = boxes((0.5, 0.5, 0.2, 0.2), (0.5, 0.5, 0.4, 0.4))[None]
    pred = boxes((0.5, 0.5, 0.4, 0.4)).expand(1, 2, 1, 4)
    result = assign_responsible(
        pred, gt, torch.zeros(1, 2).long(), torch.tensor([[False, True]]), num_cells=1
    )
    assert result.mask.tolist() == [[False, True]]
    assert result.num_dropped.tolist() == [0]


@given(seed=st.integers(0, 10**6), k=st.integers(1, 4), far=st.booleans())
def test_best_overlap_or_else_nearest(seed: int, k: int, far: bool) -> None:
    noise = torch.Generator().manual_seed(seed)
    gt = torch.rand(1, 5, 4, generator=noise, dtype=torch.float64)
    pred = torch.rand(1, 5, k, 4, generator=noise, dtype=torch.float64) + (5 if far else 0) * torch.rand(
        1, 5, k, 1, generator=noise, dtype=torch.float64
    )
    cell = torch.arange(5)[None]
    result = assign_responsible(pred, gt, cell, torch.ones(1, 5, dtype=torch.bool), num_cells=5)
    for m in range(5):
        overlaps = [paired_iou(pred[0, m, j], gt[0, m]).item() for j in range(k)]
        distances = [(pred[0, m, j] - gt[0, m]).norm().item() for j in range(k)]
        best = overlaps.index(max(overlaps)) if max(overlaps) > 0 else distances.index(min(distances))
        assert int(result.predictor[0, m]) == m * k + best
        assert result.iou[0, m].item() == overlaps[best]


def test_nothing_flows_back() -> None:
    pred = torch.rand(1, 1, 2, 4, requires_grad=True)
    result = assign_responsible(
        pred, torch.rand(1, 1, 4), torch.zeros(1, 1).long(), torch.ones(1, 1, dtype=torch.bool), num_cells=1
    )
    assert not result.iou.requires_grad
