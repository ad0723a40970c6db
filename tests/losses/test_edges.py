"""What users met at the edges, in every family: terms that are switched off, half precision, odd sizes of images, many
objects."""

from __future__ import annotations

import inspect
from dataclasses import replace

import pytest
import torch
from tests.hazards import LargestTensor
from tests.losses.families import EACH, C, Family, leaves, maps
from tests.losses.scenes import scattered

import yolosses as yl
from yolosses import modes

# --- terms that are switched off --------------------------------------------------------------------------------------


@EACH
def test_a_term_that_is_switched_off_is_0_without_a_graph(family: Family) -> None:
    """Also where all pairs are computed; the others are what they were."""
    targets = scattered(2, C)
    names = [name for name in inspect.signature(family.make).parameters if name.startswith("lambda_")]
    plain = family.make(num_classes=C)(family.raw(2), targets)
    for name in names:
        loss_fn = family.make(num_classes=C, **{name: 0})
        raw = family.raw(2)
        some = leaves(raw)
        for listed in (True, False):
            if listed:
                output = loss_fn(raw, targets)
            else:
                with modes.exporting():
                    output = loss_fn(raw, targets)
            off = [term for term, scale in output.scales.items() if scale == 0]
            assert off or name == "lambda_dfl"  # of v6 with one bin, which has no such term
            for term in output.terms:
                wanted = 0 * plain.terms[term] if term in off else plain.terms[term]
                torch.testing.assert_close(output.terms[term], wanted, rtol=1e-5, atol=1e-6)
            assert all(grad.isfinite().all() for grad in torch.autograd.grad(output.total, some))


@EACH
@pytest.mark.parametrize("value", [float("nan"), float("inf")], ids=str)
@pytest.mark.parametrize("impl", ["auto", "numba"])
def test_classes_that_are_no_numbers_do_not_count_where_they_are_switched_off(
    family: Family, value: float, impl: str
) -> None:
    if impl == "numba" and family.make(num_classes=C).recipe() is None and family.make is not yl.YOLOv10Loss:
        pytest.skip("no kernel knows its formula")
    targets, raw = scattered(2, C), family.raw(2)
    loss_fn = family.make(num_classes=C, lambda_cls=0, impl=impl)
    assignment, wanted = loss_fn.assign(raw, targets), loss_fn(raw, targets)
    for level in leaves(raw):
        level.detach().movedim(1, -1)[0, 0, 0, -1] = value  # a class of the first place
    if family.make is yl.YOLOv1Loss:
        raw.detach()[0, 0, 0, -1] = value
    output = loss_fn(raw, targets, assignment)
    torch.testing.assert_close(output.total, wanted.total)
    grads = torch.autograd.grad(output.total, leaves(raw))
    assert all(grad.isfinite().all() for grad in grads)


@pytest.mark.parametrize("exporting", [False, True])
def test_the_prior_of_v2_is_no_number_where_nothing_reads_it(exporting: bool) -> None:
    raw = torch.zeros(2, 40, 2, 2)
    raw[0, 2, 0, 1] = 2e19  # tw at an empty cell, whose square no float32 holds
    targets = yl.Targets.from_cxcywh([torch.tensor([[0.7, 0.7, 0.4, 0.6]])] * 2, [torch.tensor([0])] * 2)
    raw.requires_grad_()
    loss_fn = yl.YOLOv2Loss(num_classes=C)
    if exporting:
        with modes.exporting():
            output = loss_fn(raw, targets)
    else:
        output = loss_fn(raw, targets)
    assert not output.unweighted["prior"].isfinite()
    assert output.terms["prior"] == 0
    assert output.total.isfinite()
    output.total.backward()
    assert raw.grad is not None
    assert raw.grad.isfinite().all()


@pytest.mark.parametrize("exporting", [False, True])
def test_the_l1_of_yolox_is_no_number_where_nothing_reads_it(exporting: bool) -> None:
    raw, targets = maps(5 + C)(2), scattered(2, C)
    loss_fn = yl.YOLOXLoss(num_classes=C)
    assignment = loss_fn.assign(raw, targets)
    image, pair = assignment.mask.nonzero()[0].tolist()
    first = int(assignment.predictor[image, pair])
    boxes = targets.boxes.clone()
    boxes[image, assignment.object[image, pair], 2] = 0.0  # of no width: its logarithm is not finite
    thin = replace(targets, boxes=boxes)
    some = leaves(raw)
    if exporting:
        with modes.exporting():
            output = loss_fn(raw, thin, assignment)
    else:
        output = loss_fn(raw, thin, assignment)
    assert first >= 0
    assert output.terms["l1"] == 0
    assert output.total.isfinite()
    assert all(grad.isfinite().all() for grad in torch.autograd.grad(output.total, some))


# --- numbers that no float32 holds ------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("size", [1e18, 1e20, 3e38])
def test_the_largest_numbers_of_bfloat16_are_no_nan(family: Family, size: float) -> None:
    """Their squares may be infinite, and are that: not infinity minus infinity."""
    raw, targets = family.raw(2), scattered(2, C)
    some = leaves(raw)
    for sign in (1, -1):
        for level in some:
            level.data.fill_(sign * size)
        output = family.make(num_classes=C)(raw, targets)
        assert not output.total.isnan()


@EACH
@pytest.mark.parametrize("size", [1e4, 6e4])
def test_every_number_of_float16_has_a_finite_loss(family: Family, size: float) -> None:
    raw, targets = family.raw(2), scattered(2, C)
    for level in leaves(raw):
        level.data.copy_((level.data.sign() * size).half().float())
    assert family.make(num_classes=C)(raw, targets).total.isfinite()


# --- images that no stride divides ------------------------------------------------------------------------------------


def exact_maps(side: int, box: tuple[float, float, float, float], *, offsets: bool) -> list[torch.Tensor]:
    """Every location predicts the box, in pixels xyxy, exactly: as YOLOX's offsets, or as distances in strides."""
    left, top, right, bottom = box
    levels = []
    for stride in (8, 16, 32):
        count = -(-side // stride)
        across = torch.arange(count, dtype=torch.float64)
        y, x = torch.meshgrid(across, across, indexing="ij")
        if offsets:
            numbers = [
                (left + right) / 2 / stride - x,
                (top + bottom) / 2 / stride - y,
                torch.full_like(x, (right - left) / stride).log(),
                torch.full_like(x, (bottom - top) / stride).log(),
                torch.full_like(x, 4.0),
            ]
        else:
            x, y = (x + 0.5) * stride, (y + 0.5) * stride
            numbers = [(x - left) / stride, (y - top) / stride, (right - x) / stride, (bottom - y) / stride]
        levels.append(torch.stack([*numbers, torch.full_like(x, 4.0)])[None])
    return levels


@pytest.mark.parametrize("offsets", [True, False], ids=["yolox", "v8"])
def test_a_prediction_exact_to_the_pixel_is_exact_in_an_image_of_any_size(offsets: bool) -> None:
    """A picture of 100 pixels makes maps of 13, 7 and 4 cells, which span 104, 112 and 128."""
    box, side = (60.0, 60.0, 96.0, 92.0), 100
    targets = yl.Targets.from_xyxy([torch.tensor([box])], [torch.tensor([0])], image_size=(side, side))
    raw = exact_maps(side, box, offsets=offsets)
    make = yl.YOLOXLoss if offsets else lambda **options: yl.YOLOv8Loss(bins=1, **options)
    output = make(num_classes=1, image_size=(side, side))(raw, targets)
    assert output.assignment.mask.any()
    assert output.unweighted["box"].item() == pytest.approx(0, abs=1e-6)
    torch.testing.assert_close(
        output.assignment.iou[output.assignment.mask].double().mean().item(), 1.0, rtol=1e-6, atol=0
    )
    with pytest.raises(ValueError, match=r"^image_size: expected \(height, width\) in pixels, because maps "):
        make(num_classes=1)(raw, targets)


# --- regions to ignore ------------------------------------------------------------------------------------------------


@EACH
def test_a_region_that_holds_no_centre_of_a_cell_has_an_effect(family: Family) -> None:
    """The cell in which such an object would be predicted is no background."""
    region = torch.tensor([[0.501, 0.501, 0.002, 0.002]])
    empty = yl.Targets.from_cxcywh([region[:0]], [torch.zeros(0)])
    marked = yl.Targets.from_cxcywh([region], [torch.tensor([14])], ignore=[torch.tensor([True])])
    loss_fn = family.make(num_classes=C)
    without, with_region = (loss_fn(family.raw(1), targets) for targets in (empty, marked))
    assert with_region.total < without.total
    assert with_region.assignment.spared is not None


# --- many objects -----------------------------------------------------------------------------------------------------


@EACH
@pytest.mark.parametrize("box", [[-0.05, 0.5, 0.2, 0.02], [0.5, 1.04, 0.02, 0.1]], ids=str)
def test_a_thin_region_across_the_edge_has_an_effect(family: Family, box: list[float]) -> None:
    """Its centre is beyond the image, and it holds no centre of a cell."""
    loss_fn, raw = family.make(num_classes=C), family.raw(1)
    free = yl.Targets.from_cxcywh([torch.zeros(0, 4)], [[]])
    ignored = yl.Targets.from_cxcywh([[box]], [[0]], ignore=[[True]])
    spared = loss_fn.assign(raw, ignored).spared
    assert spared is not None
    assert spared.any()
    assert loss_fn(raw, ignored).total != loss_fn(raw, free).total


def test_v7_does_not_compare_all_objects_with_all_candidates() -> None:
    """The largest tensor of a step with four times the objects is about four times as large, not sixteen times."""
    raw, sizes = maps(3 * (5 + C))(1), []
    for count in (250, 1000):
        noise = torch.Generator().manual_seed(0)
        centre, size = (torch.rand(count, 2, generator=noise) for _ in range(2))
        boxes = torch.cat([centre, size * 0.1 + 0.01], 1)
        targets = yl.Targets.from_cxcywh([boxes], [torch.zeros(count)])
        with LargestTensor() as watch:
            yl.YOLOv7Loss(num_classes=C)(raw, targets)
        sizes.append(watch.numel)
    assert sizes[1] < 6 * sizes[0]
