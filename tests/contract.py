"""What every loss of the library promises, as one set of tests.

A loss joins by describing itself in a few `LossCase` objects::

    @pytest.mark.parametrize("case", CASES, ids=str)
    class TestYOLOv1(LossContract): ...

Everything is computed in float64 where nothing else is said, so that the bounds are those of rounding.
"""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest
import torch
from tests.hazards import LargestTensor, NoHostSync, compiled
from torch import Tensor

import yolosses as yl
from yolosses import host

Raw = Tensor | Sequence[Tensor]  # a loss that takes dictionaries too has tests of its own for that


@dataclass(frozen=True, kw_only=True)
class LossCase:
    """One configuration of one loss.

    Attributes:
        make_loss: takes ``reduction=`` and ``class_weight=`` on top of what the case fixes.
        make_raw: batch size, seed -> raw output in float64: a tensor, or one a level.
        make_targets: batch size -> float64 targets in which no two objects compete for a predictor, so that their order
            cannot matter. The second image of every three has no object.
        num_classes: C.
        class_term: the term that ``class_weight`` acts on.
        classes_everywhere: whether that term punishes classes where there is no object too, as dense losses do.
        large: a case like this one with so many predictors that a dense table of objects x predictors would stand out.
        backend: of `torch.compile`; "aot_eager" traces forward and backward without generating code.
        cpu_only: whether the case asks for what no other device has.
    """

    name: str
    make_loss: Callable[..., Any]
    make_raw: Callable[[int, int], Raw]
    make_targets: Callable[[int], yl.Targets]
    num_classes: int
    large: Callable[[], LossCase]
    class_term: str = "cls"
    classes_everywhere: bool = False
    backend: str = "aot_eager"
    cpu_only: bool = False

    def __str__(self) -> str:
        return self.name


def assert_same(actual: Any, expected: Any) -> None:
    """Equal but for the rounding of float64."""
    torch.testing.assert_close(actual, expected, rtol=1e-12, atol=1e-14)


def levels(raw: Raw) -> list[Tensor]:
    return [raw] if isinstance(raw, Tensor) else list(raw)


def each_level(change: Callable[[Tensor], Tensor], raw: Raw) -> Raw:
    return change(raw) if isinstance(raw, Tensor) else [change(level) for level in raw]


def leaf(raw: Raw, dtype: torch.dtype = torch.float64) -> Raw:
    """A copy of its own, that collects gradients."""
    return each_level(lambda level: level.detach().to(dtype, copy=True).requires_grad_(), raw)


def gradient(value: Tensor, raw: Raw) -> Tensor:
    """All numbers of the gradient, one image a row."""
    grads = torch.autograd.grad(value, levels(raw), retain_graph=True)
    return torch.cat([grad.flatten(1) for grad in grads], 1)


def run(loss_fn: Any, raw: Raw, targets: yl.Targets, **extra: Any) -> tuple[yl.LossOutput, Tensor]:
    """The output, and the gradient of its total with respect to a copy of ``raw``."""
    mine = leaf(raw, levels(raw)[0].dtype)
    output = loss_fn(mine, targets, **extra)
    return output, gradient(output.total.sum(), mine)


def assert_finite(output: yl.LossOutput, grad: Tensor) -> None:
    assert output.total.isfinite().all()
    assert output.per_image.isfinite().all()
    assert all(term.isfinite().all() for term in output.terms.values())
    assert output.assignment.iou.isfinite().all()
    assert grad.isfinite().all()


def without_objects(targets: yl.Targets) -> yl.Targets:
    return replace(targets, mask=torch.zeros_like(targets.mask))


def pick(targets: yl.Targets, index: Tensor) -> yl.Targets:
    """Some images of a batch."""
    return yl.Targets(
        boxes=targets.boxes[index],
        labels=targets.labels[index],
        mask=targets.mask[index],
        weight=None if targets.weight is None else targets.weight[index],
        ignore=None if targets.ignore is None else targets.ignore[index],
    )


def weighted(targets: yl.Targets, value: float) -> yl.Targets:
    return replace(targets, weight=torch.full_like(targets.boxes[..., 0], value))


def with_boxes(targets: yl.Targets, boxes: Sequence[float]) -> yl.Targets:
    return replace(targets, boxes=targets.boxes.new_tensor(boxes).expand_as(targets.boxes).contiguous())


class LossContract:
    """Inherited by the test class of each family, parametrised over its cases."""

    # --- the output adds up ---------------------------------------------------------------------------------------

    @pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
    def test_total_terms_and_images_add_up(self, case: LossCase, reduction: str) -> None:
        raw, targets = case.make_raw(4, 0), case.make_targets(4)
        output = case.make_loss(reduction=reduction)(raw, targets)
        assert_same(sum(output.terms.values()), output.total)
        together = output.per_image if reduction == "none" else output.per_image.sum(0)
        assert_same(torch.stack(list(output.terms.values()), -1), together)
        assert list(output.terms) == list(output.raw_terms) == list(output.scales)
        for name, scale in output.scales.items():
            assert_same(output.raw_terms[name] * scale, output.terms[name])
        assert output.total.shape == ((4,) if reduction == "none" else ())
        assert output.num_dropped == output.assignment.num_dropped.sum() == 0

    def test_reductions_differ_by_the_normalizer(self, case: LossCase) -> None:
        raw, targets = case.make_raw(4, 0), case.make_targets(4)
        mean, total, single = (case.make_loss(reduction=how)(raw, targets) for how in ("mean", "sum", "none"))
        own = torch.as_tensor(mean.normalizer, dtype=torch.float64)
        if own.ndim:  # means of several parts
            assert_same(case.make_loss()(raw, targets, normalizer=torch.ones_like(own)).total, total.total)
            assert_same(case.make_loss()(raw, targets, normalizer=own).total, mean.total)
        else:
            assert_same(mean.total * own, total.total)
        assert_same(single.total.sum(), total.total)
        assert total.total > 0

    def test_a_normalizer_replaces_the_own_one(self, case: LossCase) -> None:
        raw, targets = case.make_raw(2, 0), case.make_targets(2)
        loss_fn = case.make_loss()
        total = case.make_loss(reduction="sum")(raw, targets).total
        for normalizer in (8, 0.5, torch.tensor(8.0), torch.tensor(8.0, dtype=torch.float64)):
            output = loss_fn(raw, targets, normalizer=normalizer)
            assert_same(output.total, total / float(normalizer))
        with pytest.raises(ValueError, match=r"^normalizer: expected None with reduction='sum'"):
            case.make_loss(reduction="sum")(raw, targets, normalizer=8)

    def test_the_elementwise_terms_are_what_the_value_is_made_of(self, case: LossCase) -> None:
        raw, targets = case.make_raw(3, 0), weighted(case.make_targets(3), 0.75)
        loss_fn = case.make_loss(reduction="sum", class_weight=torch.linspace(0.5, 2, case.num_classes))
        output = loss_fn(raw, targets)
        terms = loss_fn.elementwise(raw, targets, output.assignment)
        assert [term.name for term in terms] == list(output.terms)
        for index, term in enumerate(terms):
            by_place = (term.penalty * term.weight * term.scale).flatten(1)
            assert_same(by_place.sum(1), output.per_image[:, index])
            assert term.pred.shape == term.target.shape == term.penalty.shape
            assert term.predictor.shape == term.penalty.shape[:2]
            assert not term.target.requires_grad

    def test_repeating_a_call_repeats_the_result_and_changes_no_input(self, case: LossCase) -> None:
        loss_fn, raw, targets = case.make_loss(), case.make_raw(3, 0), weighted(case.make_targets(3), 0.5)
        inputs = [*levels(raw), targets.boxes, targets.labels, targets.mask]
        kept = [part.clone() for part in inputs]
        first, second = run(loss_fn, raw, targets), run(loss_fn, raw, targets)
        assert torch.equal(first[0].total, second[0].total)
        assert torch.equal(first[1], second[1])
        for before, after in zip(kept, inputs, strict=True):
            assert torch.equal(before, after)

    # --- what must not matter -------------------------------------------------------------------------------------

    def test_padding_does_not_matter_whatever_it_holds(self, case: LossCase) -> None:
        loss_fn, raw, targets = case.make_loss(), case.make_raw(3, 0), weighted(case.make_targets(3), 0.5)
        expected = run(loss_fn, raw, targets)
        for garbage in (0.0, -1.0, float("nan"), float("inf")):
            output, grad = run(loss_fn, raw, with_garbage_between(targets, garbage))
            assert_same(output.total, expected[0].total)
            assert_same(output.per_image, expected[0].per_image)
            assert_same(grad, expected[1])

    def test_the_order_of_objects_does_not_matter(self, case: LossCase) -> None:
        loss_fn, raw, targets = case.make_loss(), case.make_raw(3, 0), case.make_targets(3)
        expected = run(loss_fn, raw, targets)
        reversed_ = replace(
            targets, boxes=targets.boxes.flip(1), labels=targets.labels.flip(1), mask=targets.mask.flip(1)
        )
        output, grad = run(loss_fn, raw, reversed_)
        assert_same(output.per_image, expected[0].per_image)
        assert_same(grad, expected[1])

    def test_images_do_not_see_each_other(self, case: LossCase) -> None:
        loss_fn, raw, targets = case.make_loss(reduction="none"), case.make_raw(3, 0), case.make_targets(3)
        together = loss_fn(raw, targets).per_image
        for image in range(3):
            index = torch.tensor([image])
            alone = loss_fn(
                each_level(partial(torch.index_select, dim=0, index=index), raw), pick(targets, index)
            )
            assert_same(alone.per_image[0], together[image])

    def test_strides_do_not_matter(self, case: LossCase) -> None:
        loss_fn, raw, targets = case.make_loss(), case.make_raw(3, 0), case.make_targets(3)
        expected = run(loss_fn, raw, targets)
        mine = each_level(lambda level: level.detach().mT.contiguous().mT.requires_grad_(), raw)
        output = loss_fn(mine, targets)
        assert_same(output.total, expected[0].total)
        assert_same(gradient(output.total, mine), expected[1])

    # --- batches at the edge --------------------------------------------------------------------------------------

    def test_a_batch_without_objects_is_finite_and_moves_only_the_background(self, case: LossCase) -> None:
        raw, targets = case.make_raw(3, 0), without_objects(case.make_targets(3))
        output, grad = run(case.make_loss(), raw, targets)
        assert_finite(output, grad)
        assert not output.assignment.mask.any()
        assert (output.terms[case.class_term] == 0) is not case.classes_everywhere
        assert output.num_dropped == 0

    def test_a_batch_without_images_is_zero(self, case: LossCase) -> None:
        nobody = torch.arange(0)
        raw = each_level(lambda level: level[:0], case.make_raw(1, 0))
        output, grad = run(case.make_loss(), raw, pick(case.make_targets(1), nobody))
        assert output.total == 0
        assert (torch.as_tensor(output.normalizer) > 0).all()
        assert grad.numel() == 0

    # --- gradients ------------------------------------------------------------------------------------------------

    def test_gradcheck_with_a_frozen_assignment(self, case: LossCase) -> None:
        raw, targets = leaf(case.make_raw(2, 0)), case.make_targets(2)
        loss_fn = case.make_loss()
        assignment = loss_fn.assign(raw, targets)

        def total(*parts: Tensor) -> Tensor:
            output: yl.LossOutput = loss_fn(
                parts[0] if isinstance(raw, Tensor) else parts, targets, assignment=assignment
            )
            return output.total

        assert torch.autograd.gradcheck(total, tuple(levels(raw)), fast_mode=True)

    def test_the_assignment_carries_no_gradient(self, case: LossCase) -> None:
        raw, targets = leaf(case.make_raw(2, 0)), case.make_targets(2)
        loss_fn = case.make_loss()
        assignment = loss_fn.assign(raw, targets)
        assert assignment.mask.sum() >= targets.mask.sum()
        assert not assignment.iou.requires_grad
        inside, outside = loss_fn(raw, targets), loss_fn(raw, targets, assignment=assignment)
        assert torch.equal(inside.total, outside.total)
        assert torch.equal(gradient(inside.total, raw), gradient(outside.total, raw))

    def test_an_assignment_of_another_output_can_be_held(self, case: LossCase) -> None:
        raw, targets = case.make_raw(3, 0), case.make_targets(3)
        loss_fn = case.make_loss()
        frozen = loss_fn.assign(case.make_raw(3, 1), targets)
        output, grad = run(loss_fn, raw, targets, assignment=frozen)
        assert_finite(output, grad)
        assert output.assignment is frozen
        assert not torch.equal(output.total, loss_fn(raw, targets).total)

    # --- numbers at the edge --------------------------------------------------------------------------------------

    @pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
    @pytest.mark.parametrize(
        "change",
        [
            pytest.param(torch.zeros_like, id="zero"),
            pytest.param(lambda raw: -raw.abs(), id="negative"),
            pytest.param(lambda raw: torch.full_like(raw, 1e-12), id="tiny"),
            pytest.param(lambda raw: raw * 1e4, id="huge"),
            pytest.param(lambda raw: raw * -1e4, id="hugely negative"),
            pytest.param(lambda raw: torch.full_like(raw, 6e4), id="largest half"),
        ],
    )
    def test_any_output_is_finite(
        self, case: LossCase, change: Callable[[Tensor], Tensor], dtype: torch.dtype
    ) -> None:
        raw = each_level(lambda level: change(level).to(dtype), case.make_raw(3, 0))
        targets = case.make_targets(3)
        output, grad = run(case.make_loss(), raw, targets)
        assert output.total.isfinite()
        assert output.per_image.isfinite().all()
        if dtype == torch.float16:  # a gradient above 65504 has no number there: a scaler skips such a step
            grad = grad.nan_to_num(nan=float("nan"), posinf=0, neginf=0)
        assert grad.isfinite().all()

    @pytest.mark.parametrize(
        "box",
        [
            pytest.param((0.5, 0.5, 1.0, 1.0), id="whole image"),
            pytest.param((0.5, 0.5, 1e-6, 1e-6), id="tiny"),
            pytest.param((0.5, 0.5, 0.0, 0.0), id="no size"),
            pytest.param((0.0, 0.0, 0.2, 0.2), id="first corner"),
            pytest.param((1.0, 1.0, 0.2, 0.2), id="last corner"),
        ],
    )
    def test_any_object_is_finite(self, case: LossCase, box: tuple[float, ...]) -> None:
        targets = with_boxes(case.make_targets(3), box)
        for raw in (case.make_raw(3, 0), each_level(torch.zeros_like, case.make_raw(3, 0))):
            output, grad = run(case.make_loss(), raw, targets)
            assert_finite(output, grad)

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
    def test_half_precision_computes_in_float32(self, case: LossCase, dtype: torch.dtype) -> None:
        """The only loss is the rounding of the raw output itself, and of the gradient that is handed back."""
        half = each_level(lambda level: level.to(dtype), case.make_raw(3, 0))
        targets = float32(case.make_targets(3))
        loss_fn = case.make_loss()
        output, grad = run(loss_fn, half, targets)
        wanted, wanted_grad = run(loss_fn, each_level(Tensor.float, half), targets)
        assert output.total.dtype == torch.float32
        assert grad.dtype == dtype
        torch.testing.assert_close(output.total, wanted.total, rtol=1e-6, atol=0)
        assert torch.equal(output.assignment.predictor, wanted.assignment.predictor)
        eps = torch.finfo(dtype).eps
        torch.testing.assert_close(
            grad.float(), wanted_grad, rtol=2 * eps, atol=float(wanted_grad.abs().max()) * eps
        )

    @pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
    def test_autocast_changes_nothing(self, case: LossCase, dtype: torch.dtype) -> None:
        raw, targets = each_level(Tensor.float, case.make_raw(3, 0)), float32(case.make_targets(3))
        loss_fn = case.make_loss()
        wanted, wanted_grad = run(loss_fn, raw, targets)
        with torch.autocast("cpu", dtype=dtype):
            output, grad = run(loss_fn, raw, targets)
        assert output.total.dtype == torch.float32
        torch.testing.assert_close(output.total, wanted.total, rtol=1e-6, atol=0)
        torch.testing.assert_close(grad, wanted_grad, rtol=1e-6, atol=1e-7)

    def test_the_dtype_of_the_output_decides(self, case: LossCase) -> None:
        raw = each_level(Tensor.float, case.make_raw(3, 0))
        double, single = weighted(case.make_targets(3), 0.5), float32(weighted(case.make_targets(3), 0.5))
        loss_fn = case.make_loss(class_weight=torch.ones(case.num_classes, dtype=torch.float64))
        output, grad = run(loss_fn, raw, double)
        wanted, wanted_grad = run(loss_fn, raw, single)
        assert output.total.dtype == grad.dtype == torch.float32
        torch.testing.assert_close(output.total, wanted.total, rtol=1e-5, atol=0)
        torch.testing.assert_close(grad, wanted_grad, rtol=1e-4, atol=1e-5)
        assert loss_fn(case.make_raw(3, 0), single).total.dtype == torch.float64

    def test_float32_is_close_to_float64(self, case: LossCase) -> None:
        raw, targets = case.make_raw(3, 0), case.make_targets(3)
        loss_fn = case.make_loss()
        wanted, wanted_grad = run(loss_fn, raw, targets)
        output, grad = run(loss_fn, each_level(Tensor.float, raw), float32(targets))
        torch.testing.assert_close(output.total.double(), wanted.total, rtol=1e-5, atol=0)
        torch.testing.assert_close(grad.double(), wanted_grad, rtol=1e-4, atol=1e-5)

    # --- weights --------------------------------------------------------------------------------------------------

    def test_weight_one_is_no_weight(self, case: LossCase) -> None:
        loss_fn, raw, targets = case.make_loss(), case.make_raw(3, 0), case.make_targets(3)
        wanted, wanted_grad = run(loss_fn, raw, targets)
        output, grad = run(loss_fn, raw, weighted(targets, 1.0))
        assert_same(output.total, wanted.total)
        assert_same(grad, wanted_grad)

    def test_the_sum_is_linear_in_the_weights_of_objects(self, case: LossCase) -> None:
        loss_fn, raw = case.make_loss(reduction="sum"), case.make_raw(3, 0)
        nothing, once, twice = (
            run(loss_fn, raw, weighted(case.make_targets(3), value)) for value in (0.0, 1.0, 2.0)
        )
        assert (nothing[0].terms[case.class_term] == 0) is not case.classes_everywhere
        for index in (0, 1):  # the value, then the gradient
            zero, one, two = ((pair[0].total if index == 0 else pair[1]) for pair in (nothing, once, twice))
            torch.testing.assert_close(two - zero, 2 * (one - zero), rtol=1e-10, atol=1e-12)

    def test_one_objects_weight_reaches_that_object_alone(self, case: LossCase) -> None:
        loss_fn, raw, targets = case.make_loss(reduction="none"), case.make_raw(3, 0), case.make_targets(3)
        weight = torch.ones_like(targets.boxes[..., 0])
        weight[0, 0] = 3.0
        before, after = loss_fn(raw, targets), loss_fn(raw, replace(targets, weight=weight))
        assert not torch.equal(before.per_image[0], after.per_image[0])
        assert torch.equal(before.per_image[1:], after.per_image[1:])

    def test_class_weights(self, case: LossCase) -> None:
        raw, targets = case.make_raw(3, 0), case.make_targets(3)
        wanted = case.make_loss()(raw, targets)
        for value in (1.0, 0.0, 2.0):
            loss_fn = case.make_loss(class_weight=torch.full((case.num_classes,), value))
            output = loss_fn(raw, targets)
            for name, term in wanted.terms.items():
                factor = value if name == case.class_term else 1.0
                assert_same(output.terms[name], term * factor)

    def test_class_weights_of_a_wrong_length_are_an_error(self, case: LossCase) -> None:
        c = case.num_classes
        with pytest.raises(
            ValueError, match=rf"^class_weight: expected a tensor \({c},\); got \({c + 1},\)$"
        ):
            case.make_loss(class_weight=torch.ones(c + 1))
        with pytest.raises(ValueError, match=rf"^class_weight: expected a tensor \({c},\); got \[1\.0"):
            case.make_loss(class_weight=[1.0] * c)

    def test_ignored_objects_are_nobodys_target(self, case: LossCase) -> None:
        loss_fn, raw, targets = case.make_loss(), case.make_raw(3, 0), case.make_targets(3)
        output, grad = run(loss_fn, raw, replace(targets, ignore=torch.ones_like(targets.mask)))
        empty = loss_fn(raw, without_objects(targets))
        assert_finite(output, grad)
        assert not output.assignment.mask.any()
        assert output.num_dropped == 0
        for name, value in output.terms.items():
            assert value <= empty.terms[name], (
                name
            )  # as without objects, or less: nothing on them is punished
        none = loss_fn(raw, replace(targets, ignore=torch.zeros_like(targets.mask)))
        assert torch.equal(none.total, loss_fn(raw, targets).total)

    # --- machines -------------------------------------------------------------------------------------------------

    def test_nothing_waits_for_the_device(self, case: LossCase, monkeypatch: pytest.MonkeyPatch) -> None:
        if case.cpu_only:
            pytest.skip("its loops are for a CPU")
        monkeypatch.setattr(host, "on_host", lambda tensor: False)  # the way that is taken on a GPU
        targets = case.make_targets(3)
        marked = replace(weighted(targets, 0.5), ignore=targets.labels == 1)
        loss_fn = case.make_loss(class_weight=torch.ones(case.num_classes))
        for truth in (targets, marked, without_objects(targets)):
            raw = leaf(case.make_raw(3, 0))
            with NoHostSync():
                loss_fn(raw, truth, normalizer=torch.ones((), dtype=torch.float64)).total.backward()

    def test_everything_is_made_on_the_device_of_the_output(self, case: LossCase) -> None:
        """The meta device has no values: reading one, or meeting a tensor of the CPU, raises."""
        if case.cpu_only:
            pytest.skip("its loops are for a CPU")
        raw = leaf(each_level(lambda level: level.to("meta"), case.make_raw(3, 0)))
        targets = case.make_targets(3)
        targets = replace(weighted(targets, 1.0), ignore=targets.labels == 1).to("meta")
        loss_fn = case.make_loss(class_weight=torch.ones(case.num_classes)).to("meta")
        output = loss_fn(raw, targets)
        output.total.backward()
        assert output.total.is_meta
        assert all(level.grad is not None and level.grad.is_meta for level in levels(raw))

    def test_targets_on_another_device_are_one_clear_error(self, case: LossCase) -> None:
        with pytest.raises(ValueError, match=r"^targets: expected on cpu like raw; got meta$"):
            case.make_loss()(case.make_raw(3, 0), case.make_targets(3).to("meta"))

    def test_targets_of_another_batch_are_one_clear_error(self, case: LossCase) -> None:
        with pytest.raises(ValueError, match=r"^targets: expected 3 images like raw; got 2$"):
            case.make_loss()(case.make_raw(3, 0), case.make_targets(2))
        with pytest.raises(TypeError, match=r"^targets: expected Targets; got list$"):
            case.make_loss()(case.make_raw(3, 0), [])

    def test_memory_grows_with_objects_plus_predictors_not_their_product(self, case: LossCase) -> None:
        large, objects = case.large(), 400
        raw = large.make_raw(2, 0)
        loss_fn, targets = large.make_loss(), crowded(large.make_targets(2), objects)
        predictors = sum(level.numel() for level in levels(raw))
        bound = 3 * predictors + 2 * objects * 8 * max(16, large.num_classes)
        terms = loss_fn.elementwise(raw, targets, loss_fn.assign(raw, targets))
        dense = 2 * objects * max(term.predictor.shape[1] for term in terms)
        assert dense > 2 * bound, "this case cannot tell a sum from a product"
        with LargestTensor() as watch:
            run(loss_fn, raw, targets)
        assert watch.numel <= bound, watch.operation

    def test_two_processes_equal_one(self, case: LossCase) -> None:
        """Each divides by (images of all) / (processes); their gradients are then averaged."""
        loss_fn, raw, targets = case.make_loss(), case.make_raw(4, 0), case.make_targets(4)
        whole, whole_grad = run(loss_fn, raw, targets)
        share = whole.normalizer / 2
        halves = []
        for index in (torch.tensor([0]), torch.tensor([1, 2, 3])):  # not of equal size either
            part = each_level(partial(torch.index_select, dim=0, index=index), raw)
            halves.append(run(loss_fn, part, pick(targets, index), normalizer=share))
        assert_same((halves[0][0].total + halves[1][0].total) / 2, whole.total)
        assert_same(torch.cat([grad for _, grad in halves]) / 2, whole_grad)

    def test_compiles_into_one_graph_once(self, case: LossCase) -> None:
        """Plainly where code is generated, which takes long; with weights and ignored objects where it is traced."""
        targets, extra = float32(case.make_targets(3)), {}
        if case.backend != "inductor":
            targets = replace(weighted(targets, 0.5), ignore=targets.labels == 1)
            extra = {"class_weight": torch.linspace(0.5, 2, case.num_classes)}
        fewer = replace(targets, mask=targets.mask & (torch.arange(targets.mask.shape[1]) < 1))
        loss_fn = case.make_loss(**extra)
        raws = [each_level(Tensor.float, case.make_raw(3, seed)) for seed in (0, 1)]
        with compiled(loss_fn, backend=case.backend) as fast:
            for raw, truth in zip(raws, (targets, fewer), strict=True):
                wanted, wanted_grad = run(loss_fn, raw, truth)
                mine = leaf(raw, torch.float32)
                output = fast(mine, truth)
                torch.testing.assert_close(output.total, wanted.total, rtol=1e-5, atol=1e-6)
                torch.testing.assert_close(gradient(output.total, mine), wanted_grad, rtol=1e-5, atol=1e-5)
                assert torch.equal(output.assignment.predictor, wanted.assignment.predictor)

    def test_deterministic_algorithms_suffice(self, case: LossCase) -> None:
        raw, targets = case.make_raw(3, 0), case.make_targets(3)
        wanted, wanted_grad = run(case.make_loss(), raw, targets)
        before = torch.are_deterministic_algorithms_enabled()
        torch.use_deterministic_algorithms(True)
        try:
            output, grad = run(case.make_loss(), raw, replace(targets, ignore=targets.labels < 0))
        finally:
            torch.use_deterministic_algorithms(before)
        assert_same(output.total, wanted.total)
        assert_same(grad, wanted_grad)

    # --- the module -----------------------------------------------------------------------------------------------

    def test_the_module_can_be_copied_pickled_and_moved(self, case: LossCase) -> None:
        raw, targets = case.make_raw(3, 0), case.make_targets(3)
        loss_fn = case.make_loss(class_weight=torch.linspace(0.5, 2, case.num_classes))
        wanted = loss_fn(raw, targets).total
        for twin in (copy.deepcopy(loss_fn), pickle.loads(pickle.dumps(loss_fn)), loss_fn.double()):
            assert torch.equal(twin(raw, targets).total, wanted)
        assert loss_fn.state_dict() == {}  # a loss adds nothing to a checkpoint
        assert list(loss_fn.parameters()) == []
        assert loss_fn.to("meta").class_weight.is_meta

    def test_nothing_of_a_step_is_kept(self, case: LossCase) -> None:
        loss_fn, targets = case.make_loss(), case.make_targets(3)
        raw = leaf(case.make_raw(3, 0))
        watched = [weakref.ref(level) for level in levels(raw)]
        output = loss_fn(raw, targets)
        output.total.backward()
        del raw, output
        gc.collect()
        assert all(reference() is None for reference in watched)


def float32(targets: yl.Targets) -> yl.Targets:
    weight = None if targets.weight is None else targets.weight.float()
    return replace(targets, boxes=targets.boxes.float(), weight=weight)


def with_garbage_between(targets: yl.Targets, value: float) -> yl.Targets:
    """Every object followed by a place that counts for nothing, holding ``value`` in all its numbers."""

    def spread(part: Tensor, garbage: float) -> Tensor:
        return torch.stack((part, torch.full_like(part, garbage)), 2).flatten(1, 2)

    def clean(part: Tensor, garbage: float) -> Tensor:
        mask = targets.mask if part.ndim == 2 else targets.mask[..., None]
        return torch.where(mask, part, garbage)

    assert targets.weight is not None
    return yl.Targets(
        boxes=spread(clean(targets.boxes, value), value),
        labels=spread(clean(targets.labels, -1), -1),
        mask=spread(targets.mask, False),
        weight=spread(clean(targets.weight, value), value),
    )


def crowded(targets: yl.Targets, count: int) -> yl.Targets:
    """Every image with ``count`` objects, the given ones over and over."""
    index = torch.arange(count) % targets.boxes.shape[1]
    return yl.Targets(
        boxes=targets.boxes[:, index], labels=targets.labels[:, index], mask=targets.mask[:, index]
    )
