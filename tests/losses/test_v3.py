"""What is particular to YOLOv3: numbers worked out by hand, and every choice the loss offers."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.errors import exactly
from torch import Tensor

import yolosses as yl

ANCHORS = (((8.0, 8.0), (16.0, 8.0)), ((16.0, 24.0), (30.0, 30.0)))
STRIDES = (8, 16)
C = 2


def small_loss(**options: Any) -> yl.YOLOv3Loss:
    """Images of 32 x 32 pixels: maps of 4 x 4 and 2 x 2 cells with two anchors each, two classes."""
    shape: dict[str, Any] = {"anchors": ANCHORS, "strides": STRIDES, "num_classes": C}
    return yl.YOLOv3Loss(**shape | options)


def empty_maps() -> list[Tensor]:
    """All boxes are their anchors, centred in their cells; every probability is 1/2."""
    return [torch.zeros(1, 2, n, n, 5 + C, dtype=torch.float64) for n in (4, 2)]


def random_maps(batch: int = 1, seed: int = 0) -> list[Tensor]:
    noise = torch.Generator().manual_seed(seed)
    return [torch.randn(batch, 2, n, n, 5 + C, generator=noise, dtype=torch.float64) for n in (4, 2)]


def truth(*rows: tuple[float, ...], **extra: Any) -> yl.Targets:
    """Rows of cx, cy, w, h in pixels, and a class."""
    boxes = torch.tensor([row[:4] for row in rows], dtype=torch.float64) / 32
    return yl.Targets.from_cxcywh([boxes], [torch.tensor([int(row[4]) for row in rows])], **extra)


def place_of(loss_fn: yl.YOLOv3Loss, raw: list[Tensor], assignment: yl.Assignment) -> list[tuple[int, ...]]:
    """(level, row, col, box) of each pair of the first image."""
    place = loss_fn.codec_for(raw).places(assignment.predictor)
    return [tuple(int(part[0, pair]) for part in place) for pair in range(assignment.mask.shape[1])]


def softplus(value: float) -> float:
    return math.log(1 + math.exp(value))


def entropy(p: float) -> float:
    return -p * math.log(p) - (1 - p) * math.log(1 - p)


def logit(p: float) -> float:
    return math.log(p / (1 - p))


OBJECT = (20.0, 6.0, 15.0, 23.0, 1)  # anchor 0 of level 1; column 1, row 0, offset (0.25, 0.375)


def test_by_hand() -> None:
    raw = empty_maps()
    numbers = [0.5, -0.5, 0.1, 0.2, 1.5, -1.0, 2.0]
    raw[1][0, 0, 0, 1] = torch.tensor(numbers, dtype=torch.float64)
    for level in raw:
        level.requires_grad_()
    loss_fn = small_loss()
    output = loss_fn(raw, truth(OBJECT))
    assert place_of(loss_fn, raw, output.assignment) == [(1, 0, 1, 0)]
    large = 2 - 15 * 23 / 32**2
    tw, th = math.log(15 / 16), math.log(23 / 24)
    # All 39 others are background: box 1 of the same cell, 30 x 30 around (24, 8), holds the object with an IoU of
    # 345 / 900, and nothing of level 0 is half as large as the object.
    expected = {
        "xy": large * (softplus(0.5) - 0.25 * 0.5 + softplus(-0.5) + 0.375 * 0.5),
        "wh": large * ((0.1 - tw) ** 2 + (0.2 - th) ** 2) / 2,
        "obj": softplus(-1.5),
        "noobj": 39 * math.log(2),
        "cls": softplus(-1.0) + softplus(-2.0),
    }
    assert {name: value.item() for name, value in output.terms.items()} == pytest.approx(expected, rel=1e-12)
    assert set(output.scales.values()) == {1}
    output.total.backward()
    assert raw[1].grad is not None

    def q(x: float) -> float:
        return 1 / (1 + math.exp(-x))

    wanted = [large * (q(0.5) - 0.25), large * (q(-0.5) - 0.375), large * (0.1 - tw), large * (0.2 - th)]
    wanted += [q(1.5) - 1, q(-1.0), q(2.0) - 1]
    assert raw[1].grad[0, 0, 0, 1].tolist() == pytest.approx(wanted, rel=1e-12)


def test_a_perfect_prediction_costs_only_the_entropy_of_its_offset() -> None:
    """A cross-entropy with a soft target has its least value where the output is the target, and there it is not 0."""
    raw = empty_maps()
    for level in raw:
        level[..., 4] = -100
    raw[1][0, 0, 0, 1] = torch.tensor(
        [logit(0.25), logit(0.375), math.log(15 / 16), math.log(23 / 24), 100, -100, 100]
    )
    loss_fn = small_loss()
    output = loss_fn(raw, truth(OBJECT))
    large = 2 - 15 * 23 / 32**2
    assert output.total.item() == pytest.approx(large * (entropy(0.25) + entropy(0.375)), rel=1e-6)
    assert output.assignment.iou.item() == pytest.approx(1, rel=1e-6)
    found = loss_fn.decode(raw)
    best = int(output.assignment.predictor)
    assert found.boxes[0, best].tolist() == pytest.approx([part / 32 for part in OBJECT[:4]], rel=1e-6)
    assert found.scores[0].argmax().item() == best * C + 1


# --- who answers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "level", "box"),
    [
        ((7.0, 9.0), 0, 0),
        ((1.0, 1.0), 0, 0),
        ((16.0, 8.0), 0, 1),
        ((15.0, 23.0), 1, 0),
        ((32.0, 32.0), 1, 1),
    ],
)
def test_the_shape_decides_level_and_anchor(size: tuple[float, float], level: int, box: int) -> None:
    for make in (empty_maps, random_maps):  # whatever the network says
        loss_fn, raw = small_loss(), make()
        assignment = loss_fn.assign(raw, truth((19.0, 13.0, *size, 0)))
        stride = STRIDES[level]
        assert place_of(loss_fn, raw, assignment) == [(level, 13 // stride, 19 // stride, box)]


def test_the_levels_alone_make_up_the_whole() -> None:
    """As in Darknet, where each level is a layer that knows the anchors of all, and their costs are added."""
    raw, targets = random_maps(), truth(OBJECT, (9.0, 20.0, 9.0, 7.0, 0), (25.0, 25.0, 15.0, 9.0, 1))
    whole = small_loss(ignore_threshold=0.3)(raw, targets)
    parts = [
        small_loss(
            anchors=ANCHORS[level : level + 1],
            strides=STRIDES[level : level + 1],
            other_anchors=ANCHORS[1 - level],
            ignore_threshold=0.3,
        )(raw[level], targets)
        for level in (0, 1)
    ]
    for name, value in whole.terms.items():
        assert sum(part.terms[name] for part in parts).item() == pytest.approx(value.item(), rel=1e-12)
    assert [int(part.num_dropped) for part in parts] == [1, 2]
    assert whole.num_dropped == 0
    assert parts[0].assignment.mask.tolist() == [[False, True, True]]


def test_predictors_that_overlap_an_object_well_are_no_background() -> None:
    raw, targets = empty_maps(), truth((12.0, 12.0, 8.0, 8.0, 0))  # exactly box 0 of level 0, row 1, column 1
    # Box 1 there is 16 x 8: IoU 1/2; so are the boxes 1 beside it, shifted by 8: they cover half of the object, 1/5.
    # Level 1, cell (0, 0): box 0, 16 x 24 around (8, 8), holds the object, 1/6; box 1, 30 x 30, too: 64 / 900.
    for threshold, spared in ((0.19, 3), (0.21, 1), (0.5, 0), (0.7, 0)):
        output = small_loss(ignore_threshold=threshold)(raw, targets)
        assert output.terms["noobj"].item() == pytest.approx((39 - spared) * math.log(2), rel=1e-12), (
            threshold
        )


def test_with_a_truth_threshold_predictors_answer_by_their_overlap() -> None:
    raw, targets = empty_maps(), truth((12.0, 12.0, 8.0, 8.0, 1))
    loss_fn = small_loss(truth_threshold=0.4, ignore_threshold=0.4)
    output = loss_fn(raw, targets)
    places = place_of(loss_fn, raw, output.assignment)
    answering = [
        place for place, there in zip(places, output.assignment.mask[0].tolist(), strict=True) if there
    ]
    # The best anchor by overlap and by shape, and box 1 beside it; the object's own pair comes last.
    assert answering == [(0, 1, 1, 0), (0, 1, 1, 1), (0, 1, 1, 0)]
    assert output.terms["obj"].item() == pytest.approx(2 * math.log(2), rel=1e-12)
    assert output.terms["noobj"].item() == pytest.approx(38 * math.log(2), rel=1e-12)
    assert output.num_dropped == 0
    large = 2 - 1 / 16
    assert output.terms["wh"].item() == pytest.approx(large * math.log(2) ** 2 / 2, rel=1e-12)
    off = small_loss(ignore_threshold=0.4).assign(raw, targets)
    assert off.mask.shape == (1, 1)
    on_the_threshold = small_loss(truth_threshold=0.5).assign(raw, targets)  # the IoU of box 1
    assert on_the_threshold.mask.sum() == 2


def test_objects_on_an_edge_belong_to_the_nearest_cell() -> None:
    loss_fn, raw = small_loss(), empty_maps()
    for centre, row, col in (((0.0, 0.0), 0, 0), ((32.0, 32.0), 3, 3), ((32.0, 0.0), 0, 3)):
        output = loss_fn(raw, truth((*centre, 8.0, 8.0, 0)))
        assert place_of(loss_fn, raw, output.assignment) == [(0, row, col, 0)]
        assert output.total.isfinite()


# --- several objects of one predictor ---------------------------------------------------------------------------------


def test_the_last_object_has_the_box_and_all_have_their_class() -> None:
    first, second = OBJECT, (21.0, 7.0, 16.0, 24.0, 0)
    raw, loss_fn = random_maps(), small_loss()
    both, alone = loss_fn(raw, truth(first, second)), loss_fn(raw, truth(second))
    for name in ("xy", "wh", "obj"):
        assert both.terms[name].item() == pytest.approx(alone.terms[name].item(), rel=1e-12)
    numbers = raw[1][0, 0, 0, 1, 5:].tolist()
    assert both.terms["cls"].item() == pytest.approx(sum(softplus(-x) for x in numbers), rel=1e-12)
    assert (both.num_dropped, alone.num_dropped) == (1, 0)
    same = loss_fn(raw, truth((*first[:4], 0), second))  # one class twice is one class
    assert same.terms["cls"].item() == pytest.approx(alone.terms["cls"].item(), rel=1e-12)


def test_dropped_objects_are_counted_image_by_image() -> None:
    # Objects of one shape and one place: all but the last of each image lose their predictor.
    rows = [[image, 0, 0.5 + 0.01 * n, 0.2, 0.45, 0.7] for image in range(3) for n in range(image + 1)]
    targets = yl.Targets.from_yolo_rows(torch.tensor(rows), batch_size=4)
    output = small_loss()(random_maps(4), targets)
    assert output.assignment.num_dropped.tolist() == [0, 1, 2, 0]


# --- weights, smoothing and regions -----------------------------------------------------------------------------------


def test_weights_reach_the_terms_of_their_object_only() -> None:
    loss_fn, raw, targets = small_loss(), random_maps(), truth(OBJECT)
    plain = loss_fn(raw, targets)
    for factor in (0.0, 2.0):
        output = loss_fn(raw, replace(targets, weight=torch.full((1, 1), factor)))
        for name, value in plain.terms.items():
            wanted = value.item() * (1 if name == "noobj" else factor)
            assert output.terms[name].item() == pytest.approx(wanted, rel=1e-12)


def test_label_smoothing_moves_both_targets_by_half_of_it() -> None:
    raw = random_maps()
    output = small_loss(label_smoothing=0.2)(raw, truth(OBJECT))
    other, mine = raw[1][0, 0, 0, 1, 5:].tolist()
    wanted = softplus(other) - 0.1 * other + softplus(mine) - 0.9 * mine
    assert output.terms["cls"].item() == pytest.approx(wanted, rel=1e-14)


def test_an_ignored_region_answers_for_nothing_and_spares_its_cells_on_all_levels() -> None:
    targets = truth(OBJECT, (8.0, 24.0, 15.0, 15.0, 0))  # the second: four cells of level 0, one of level 1
    targets = replace(targets, ignore=torch.tensor([[False, True]]))
    output, alone = small_loss()(empty_maps(), targets), small_loss()(empty_maps(), truth(OBJECT))
    assert output.assignment.mask.tolist() == [[True, False]]
    assert output.num_dropped == 0
    spared = (alone.terms["noobj"] - output.terms["noobj"]).item() / math.log(2)
    assert spared == pytest.approx(2 * (4 + 1), rel=1e-12)


def test_labels_that_do_not_exist_have_no_class_and_do_not_crash() -> None:
    loss_fn = small_loss()
    loss_fn.validate = False
    for label in (-1, C, 999):
        output = loss_fn(empty_maps(), truth((*OBJECT[:4], label), validate=False))
        assert output.terms["cls"].item() == pytest.approx(2 * math.log(2), rel=1e-12)
    # Nor do they become a class of the predictor before theirs.
    raw, neighbour = random_maps(), (12.0, 6.0, 8.0, 8.0)
    output = loss_fn(raw, truth((4.0, 6.0, 8.0, 8.0, 0), (*neighbour, -1), validate=False))
    first, second = raw[0][0, 0, 0, 0, 5:].tolist(), raw[0][0, 0, 0, 1, 5:].tolist()
    wanted = softplus(-first[0]) + softplus(first[1]) + softplus(second[0]) + softplus(second[1])
    assert output.terms["cls"].item() == pytest.approx(wanted, rel=1e-12)


# --- outputs and arguments --------------------------------------------------------------------------------------------


def test_all_accepted_shapes_are_read_alike_at_any_image_size() -> None:
    loss_fn = small_loss()
    for rows, cols in ((2, 2), (3, 5)):
        noise = torch.Generator().manual_seed(rows)
        last = [torch.randn(2, 2, n * rows, n * cols, 5 + C, generator=noise) for n in (2, 1)]
        targets = yl.Targets.from_yolo_rows(torch.tensor([[0, 1, 0.8, 0.15, 0.3, 0.3]]), batch_size=2)
        wanted = loss_fn(last, targets).total
        apart = [level.permute(0, 1, 4, 2, 3) for level in last]
        for raw in (apart, [level.flatten(1, 2) for level in apart], tuple(last)):
            assert torch.equal(loss_fn(raw, targets).total, wanted)
    assert loss_fn.channels == 2 * (5 + C)


def test_defaults_are_those_of_the_publication() -> None:
    loss_fn = yl.YOLOv3Loss()
    assert loss_fn.channels == 255
    assert loss_fn.anchors.shape == (3, 3, 2)
    assert loss_fn.anchors.flatten(0, 1)[[0, 4, 8]].tolist() == [[10, 13], [62, 45], [373, 326]]
    assert (loss_fn.ignore_threshold, loss_fn.truth_threshold, loss_fn.label_smoothing) == (0.5, 1, 0)
    assert "ignore_threshold=0.4" in repr(yl.YOLOv3Loss(ignore_threshold=0.4))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_classes": 0}, "num_classes: expected an integer >= 1; got 0"),
        (
            {"anchors": ANCHORS[:1]},
            "anchors: expected for each of 2 levels equally many (w, h) above 0; got (((8.0, 8.0), (16.0, 8.0)),)",
        ),
        ({"other_anchors": ((1.0, 2.0, 3.0),) * 2}, "other_anchors: expected (w, h) above 0; got ((1.0, 2.0, 3.0), "
         "(1.0, 2.0, 3.0))"),
        ({"other_anchors": ((1.0, 0.0),)}, "other_anchors: expected (w, h) above 0; got ((1.0, 0.0),)"),
        ({"lambda_noobj": -1}, "lambda_noobj: expected a number >= 0; got -1"),
        ({"ignore_threshold": -0.1}, "ignore_threshold: expected a number >= 0; got -0.1"),
        ({"truth_threshold": -0.1}, "truth_threshold: expected a number >= 0; got -0.1"),
        ({"label_smoothing": -0.1}, "label_smoothing: expected a number from 0 to 1; got -0.1"),
        ({"reduction": "max"}, "reduction: expected one of 'mean', 'sum', 'none'; got 'max'"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_one_clear_error(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=exactly(message)):
        small_loss(**options)


def test_outputs_of_another_number_of_levels_are_one_clear_error() -> None:
    with pytest.raises(ValueError, match=exactly("strides: expected one for each of 1 levels; got (8, 16)")):
        small_loss()(empty_maps()[:1], truth(OBJECT))
