"""YOLOv1Loss against recorded runs of Darknet's ``[detection]`` layer.

Darknet's ``delta`` is the direction of descent of HALF the summed loss, so a gradient here is -2 times it. With
softmax=1 Darknet hands the class delta to the logits without the softmax's Jacobian: for the logits that is minus the
gradient of the cross-entropy (factor -1), for the probabilities -1/2 of that of the squared error (factor -2).
"""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.golden.cases import GoldenCase, golden_cases
from tests.golden.parity import record
from torch import Tensor

import yolosses as yl

TERMS = ("xy", "wh", "obj", "noobj", "cls")
# float32 computes the same sums with single rounding errors; where a term is a small difference of larger numbers
# (a confidence near its IoU) those are absolute, hence the floor.
FLOAT32_RTOL, FLOAT32_ATOL = 5e-6, 5e-7

NOT_OURS = {
    "random_option": "a random box is responsible",
    "forced": "the object's size, not its IoU, decides",
    "nan": "Darknet divides 0 by 0",
    "out_of_range_best_index": "Darknet writes outside its arrays",
}


def is_ours(case: GoldenCase) -> bool:
    from_boxes = case.record["truth_from_boxes"]
    return from_boxes and not case.tags & NOT_OURS.keys() and case.name != "class_id_out_of_range"


ALL = golden_cases("darknet", "v1")
CASES = [case for case in ALL if is_ours(case)]
SOFTMAX = [case for case in CASES if case.options["softmax"]]
over = pytest.mark.parametrize("case", CASES, ids=str)
over_softmax = pytest.mark.parametrize("case", SOFTMAX, ids=str)


def loss_for(case: GoldenCase, **changes: Any) -> yl.YOLOv1Loss:
    options = case.options
    size = "sqrt" if options["sqrt"] else "linear"
    arguments: dict[str, Any] = {
        "grid": options["side"],
        "boxes_per_cell": options["num"],
        "num_classes": options["classes"],
        "lambda_coord": options["coord_scale"],
        "lambda_noobj": options["noobject_scale"],
        "lambda_obj": options["object_scale"],
        "lambda_cls": options["class_scale"],
        "size_encoding": size,
        "size_term": size,
        "confidence_target": "iou" if options["rescore"] else "one",
        "layout": "darknet",
        "reduction": "sum",
    }
    return yl.YOLOv1Loss(**arguments | changes)


def targets_of(case: GoldenCase) -> yl.Targets:
    return yl.Targets.from_yolo_rows(case.arrays["boxes"], batch_size=case.options["batch"])


def network_output(case: GoldenCase, dtype: torch.dtype) -> Tensor:
    """What the squared errors see: the layer's input, but for the classes under softmax."""
    return case.arrays.get("output", case.arrays["input"]).to(dtype, copy=True).requires_grad_()


def by_cell(case: GoldenCase, assignment: yl.Assignment, values: Tensor, empty: float) -> Tensor:
    """(B, G): ``values`` (B, P) of the pairs that count, at the cell of their predictor."""
    cells = case.options["side"] ** 2
    table = values.new_full((case.options["batch"], cells + 1), empty)
    place = torch.where(assignment.mask, assignment.predictor // case.options["num"], cells)
    return table.scatter(1, place, values)[:, :cells]


def relative_errors(case: GoldenCase, output: yl.LossOutput, skip: str = "") -> dict[str, float]:
    wanted = case.terms("sse")
    return {
        name: abs(output.unweighted[name].item() - wanted[name]) / max(abs(wanted[name]), 1e-12)
        for name in TERMS
        if name != skip
    }


def test_the_selection_covers_every_case_that_is_meant_to_match() -> None:
    assert len(ALL) == 87
    assert len(CASES) == 78
    assert len(SOFTMAX) > 20
    left_out = {case.name for case in ALL} - {case.name for case in CASES}
    assert left_out == {
        "image_edge_offset_one",  # truth written by hand
        "multi_hot_and_soft_class_targets",  # truth written by hand
        "fractional_objectness",  # truth written by hand
        "class_id_out_of_range",  # an error here
        "forced",
        "random_responsible",
        "negative_wh_sqrt0_nan",
        "rmse_ge_20_all",
    }


@over
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_the_same_box_is_responsible(case: GoldenCase, dtype: torch.dtype) -> None:
    assignment = loss_for(case).assign(network_output(case, dtype), targets_of(case))
    responsible = by_cell(case, assignment, assignment.predictor % case.options["num"], -1)
    wanted_boxes = case.arrays["responsible"].long()
    record("v1", case.id, assignment=torch.equal(responsible, wanted_boxes))
    torch.testing.assert_close(responsible, wanted_boxes, rtol=0, atol=0)
    iou = by_cell(case, assignment, assignment.iou, 0.0)
    wanted = torch.where(responsible >= 0, case.arrays["resp_iou"], 0).to(iou.dtype)
    torch.testing.assert_close(iou, wanted, rtol=1e-6, atol=1e-6)


@over
def test_the_five_sums_agree_in_float64(case: GoldenCase) -> None:
    output = loss_for(case)(network_output(case, torch.float64), targets_of(case))
    errors = relative_errors(case, output)
    record("v1", case.id, value=max(errors.values()))
    assert max(errors.values()) <= 1e-6, errors
    assert output.total.item() == pytest.approx(case.record["terms"]["paper_loss_sum"], rel=1e-6, abs=1e-12)


@over
def test_the_five_sums_agree_in_float32(case: GoldenCase) -> None:
    output = loss_for(case)(network_output(case, torch.float32), targets_of(case))
    for name, wanted in case.terms("sse").items():
        assert output.unweighted[name].dtype == torch.float32
        assert output.unweighted[name].item() == pytest.approx(wanted, rel=FLOAT32_RTOL, abs=FLOAT32_ATOL), (
            name
        )


@over
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["float32", "float64"])
def test_the_gradient_is_minus_twice_the_delta(case: GoldenCase, dtype: torch.dtype) -> None:
    raw = network_output(case, dtype)
    loss_for(case)(raw, targets_of(case)).total.backward()
    assert raw.grad is not None
    wanted = -2 * case.arrays["delta"].to(dtype)
    error = (raw.grad - wanted).abs() / wanted.abs().clamp(min=1)
    record(
        "v1", case.id, gradient=float((raw.grad - wanted).abs().max() / wanted.abs().max().clamp(min=1e-12))
    )
    assert error.max() <= 1e-5


@over_softmax
def test_cross_entropy_on_the_logits_has_the_class_delta_once(case: GoldenCase) -> None:
    loss_fn = loss_for(case, class_term="cross_entropy")
    raw = case.arrays["input"].double().requires_grad_()
    output = loss_fn(raw, targets_of(case))
    output.total.backward()
    assert raw.grad is not None
    wanted = -2 * case.arrays["delta"].double()
    wanted[:, : case.options["side"] ** 2 * case.options["classes"]] /= 2
    error = (raw.grad - wanted).abs() / wanted.abs().clamp(min=1)
    assert error.max() <= 1e-5
    errors = relative_errors(case, output, skip="cls")
    assert max(errors.values()) <= 1e-6, errors


@over
def test_the_total_is_the_papers_loss(case: GoldenCase) -> None:
    raw, targets = network_output(case, torch.float64), targets_of(case)
    summed, mean, single = (loss_for(case, reduction=how)(raw, targets) for how in ("sum", "mean", "none"))
    wanted = case.record["terms"]["paper_loss_sum"]
    assert summed.total.item() == pytest.approx(wanted, rel=1e-6, abs=1e-12)
    assert mean.total.item() == pytest.approx(wanted / case.options["batch"], rel=1e-6, abs=1e-12)
    assert single.total.shape == (case.options["batch"],)
    assert single.total.sum().item() == pytest.approx(wanted, rel=1e-6, abs=1e-12)
    for name, value in case.terms("paper").items():
        assert summed.terms[name].item() == pytest.approx(value, rel=1e-6, abs=1e-12)


@over
def test_the_printed_cost_squares_the_scales(case: GoldenCase) -> None:
    """Darknet prints the sum of delta^2, that is of scale^2 x squared error: not the loss that it descends."""
    loss_fn, raw, targets = loss_for(case), network_output(case, torch.float64), targets_of(case)
    terms = loss_fn.elementwise(raw, targets, loss_fn.assign(raw, targets))
    parts = {term.name: term.scale**2 * (term.penalty * term.weight).sum().item() for term in terms}
    for name, value in case.terms("darknet_cost_parts").items():
        assert parts[name] == pytest.approx(value, rel=1e-6, abs=1e-12)
    # Darknet sums in float32, one number after another.
    assert sum(parts.values()) == pytest.approx(case.record["cost"], rel=1e-5, abs=1e-10)


@over
def test_the_cell_layout_is_a_permutation_of_darknets(case: GoldenCase) -> None:
    side, k, c = (case.options[name] for name in ("side", "num", "classes"))
    blocked = network_output(case, torch.float64)
    by_block, targets = loss_for(case)(blocked, targets_of(case)), targets_of(case)
    by_block.total.backward()

    order = cell_order(side * side, k, c)
    flat = blocked.detach()[:, order].requires_grad_()
    by_cells = loss_for(case, layout="cell")(flat, targets)
    by_cells.total.backward()
    assert by_cells.total.item() == pytest.approx(by_block.total.item(), rel=1e-14)
    assert torch.equal(by_cells.assignment.predictor, by_block.assignment.predictor)
    assert flat.grad is not None
    assert blocked.grad is not None
    torch.testing.assert_close(flat.grad, blocked.grad[:, order], rtol=1e-14, atol=1e-14)

    maps = flat.detach().view(-1, side, side, 5 * k + c)
    assert loss_for(case, layout="cell")(maps, targets).total.item() == by_cells.total.item()


def cell_order(cells: int, k: int, c: int) -> list[int]:
    """For every place of the "cell" layout, its place in Darknet's."""
    order = []
    for cell in range(cells):
        for box in range(k):
            corner = cells * (c + k) + (cell * k + box) * 4
            order += [corner, corner + 1, corner + 2, corner + 3, cells * c + cell * k + box]
        order += range(cell * c, (cell + 1) * c)
    return order


def test_a_class_that_does_not_exist_is_an_error_not_an_object_without_class() -> None:
    case = next(case for case in ALL if case.name == "class_id_out_of_range")
    classes = case.options["classes"]
    with pytest.raises(
        ValueError, match=rf"^labels\[\d+, \d+\]: expected a class in 0\.\.{classes - 1}; got \d+"
    ):
        targets_of(case).validate(num_classes=classes)


@pytest.mark.parametrize("name", ["negative_wh_sqrt0_nan", "rmse_ge_20_all"])
def test_where_darknet_breaks_the_loss_goes_on(name: str) -> None:
    """0 / 0 is no overlap, and the nearest box is responsible however far it is."""
    case = next(case for case in ALL if case.name == name)
    raw, targets = network_output(case, torch.float64), targets_of(case)
    output = loss_for(case)(raw, targets)
    output.total.backward()
    assert output.total.isfinite()
    assert raw.grad is not None
    assert raw.grad.isfinite().all()
    assert output.assignment.mask.all()
    assert (output.assignment.iou == 0).all()
    for image in range(len(targets)):
        for index in range(targets.boxes.shape[1]):
            check_nearest(case, raw.detach(), targets, output.assignment, image, index)


def check_nearest(
    case: GoldenCase, raw: Tensor, targets: yl.Targets, assignment: yl.Assignment, image: int, index: int
) -> None:
    side, k, c = (case.options[name] for name in ("side", "num", "classes"))
    x, y, w, h = targets.boxes[image, index].tolist()
    col, row = int(x * side), int(y * side)
    distances = []
    for box in range(k):
        start = side * side * (c + k) + ((row * side + col) * k + box) * 4
        px, py, pw, ph = raw[image, start : start + 4].tolist()
        if case.options["sqrt"]:
            pw, ph = pw * pw, ph * ph
        squares = ((px + col) / side - x) ** 2 + ((py + row) / side - y) ** 2 + (pw - w) ** 2 + (ph - h) ** 2
        distances.append(squares)
    wanted = (row * side + col) * k + distances.index(min(distances))
    assert int(assignment.predictor[image, index]) == wanted
