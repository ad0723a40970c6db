"""What every loss of the library promises, as one set of tests.

A loss joins by describing itself in a few `LossCase` objects::

    @pytest.mark.parametrize("case", CASES, ids=str)
    class TestYOLOv1(LossContract): ...

Every engine keeps it: `on_engines` makes of a case the same one for others. Everything is computed in float64 where
nothing else is said, so that the bounds are those of rounding.
"""

from __future__ import annotations

import copy
import gc
import pickle
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from unittest import mock

import pytest
import torch
from tests.hazards import LargestTensor, NoHostSync, compiled
from torch import Tensor

import yolosses as yl
from yolosses import modes
from yolosses.assigners import touching, windows

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
        engine: see `running`.
        smooth: options with which nothing that the value depends on is held constant, as alpha is by the CIoU.
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
    engine: str = "torch"
    smooth: Mapping[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name if self.engine == "torch" else f"{self.name}, {self.engine}"

    @property
    def kernels(self) -> bool:
        """Whether what adds up is no formula of torch, and has no second derivative."""
        return self.engine in KERNELS


KERNELS = ("numba", "triton")


def _never(tensor: Tensor) -> bool:
    return False


@contextmanager
def running(engine: str) -> Iterator[None]:
    """What happens within is by an engine:

    - "torch": lists of the pairs that count, as on a CPU.
    - "fixed shapes": all pairs, by operations that exporters know.
    - "as on a GPU": all pairs, without an operation for which a GPU would wait.
    - "numba", "triton" (interpreted): kernels, which a loss asks for by ``impl``.
    """
    with ExitStack() as stack:
        if engine == "fixed shapes":
            stack.enter_context(modes.exporting())
        if engine in ("as on a GPU", "triton"):
            stack.enter_context(mock.patch.object(modes, "on_cpu", _never))
        yield


def on_engines(case: LossCase, *engines: str) -> list[LossCase]:
    """``case``, and the same by other engines."""
    cases = [case]
    for engine in engines:
        extra = {"impl": engine} if engine in KERNELS else {}

        def large(engine: str = engine) -> LossCase:
            return on_engines(case.large(), engine)[1]

        cases.append(replace(case, engine=engine, make_loss=partial(case.make_loss, **extra), large=large))
    return cases


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


def frozen_total(case: LossCase, **options: Any) -> tuple[Raw, Callable[..., Tensor]]:
    """An output that collects gradients, and the total of parts like its levels, with who answers held."""
    raw, targets = leaf(case.make_raw(2, 0)), case.make_targets(2)
    loss_fn = case.make_loss(**options)
    assignment = loss_fn.assign(raw, targets)

    def total(*parts: Tensor) -> Tensor:
        output: yl.LossOutput = loss_fn(
            parts[0] if isinstance(raw, Tensor) else parts, targets, assignment=assignment
        )
        return output.total

    return raw, total


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

    @pytest.fixture(autouse=True)
    def _engine(self, case: LossCase) -> Iterator[None]:
        if case.kernels:
            pytest.importorskip(case.engine)
        with running(case.engine):
            yield

    # --- the output adds up ---------------------------------------------------------------------------------------

    @pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
    def test_total_terms_and_images_add_up(self, case: LossCase, reduction: str) -> None:
        raw, targets = case.make_raw(4, 0), case.make_targets(4)
        output = case.make_loss(reduction=reduction)(raw, targets)
        assert_same(sum(output.terms.values()), output.total)
        together = output.per_image if reduction == "none" else output.per_image.sum(0)
        assert_same(torch.stack(list(output.terms.values()), -1), together)
        assert list(output.terms) == list(output.unweighted) == list(output.scales)
        for name, scale in output.scales.items():
            assert_same(output.unweighted[name] * scale, output.terms[name])
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
        raw, total = frozen_total(case)
        assert torch.autograd.gradcheck(total, tuple(levels(raw)), fast_mode=True)

    def test_second_derivatives_are_right_or_refused(self, case: LossCase) -> None:
        """Never silently zero: a gradient penalty that does not train is worse than none."""
        raw, total = frozen_total(case)
        if not case.kernels:
            assert torch.autograd.gradgradcheck(total, tuple(levels(raw)), fast_mode=True)
            return
        grads = torch.autograd.grad(total(*levels(raw)), levels(raw), create_graph=True)
        penalty = sum(grad.square().sum() for grad in grads)
        assert torch.isfinite(penalty)  # as a number it may be looked at
        for value in (penalty, total(*levels(raw)) + penalty):
            with pytest.raises(RuntimeError, match=rf"^impl: '{case.engine}' has no second derivative"):
                value.backward(retain_graph=True)

    def test_a_gradient_penalty_trains(self, case: LossCase) -> None:
        if case.kernels:
            pytest.skip("refused, see above")
        raw, total = frozen_total(case, **case.smooth)
        first = gradient(total(*levels(raw)), raw)
        grads = torch.autograd.grad(total(*levels(raw)), levels(raw), create_graph=True)
        both = total(*levels(raw)) + sum(grad.square().sum() for grad in grads)
        step = 1e-6 * first / first.norm()
        # Half the square of the gradient changes by Hessian times gradient: compared with a difference along it.
        found = (gradient(both, raw) - first) / 2
        parts = torch.split(step, [level[0].numel() for level in levels(raw)], 1)
        shifted = [
            leaf(level + sign * part.view_as(level))
            for sign in (1, -1)
            for level, part in zip(levels(raw), parts, strict=True)
        ]
        count = len(levels(raw))
        ahead, behind = (gradient(total(*some), some) for some in (shifted[:count], shifted[count:]))
        wanted = (ahead - behind) / 2e-6 * first.norm()
        torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5 * float(wanted.abs().max()) + 1e-9)
        assert found.any()

    def test_functional_transforms(self, case: LossCase) -> None:
        """`torch.func.grad` is autograd's gradient; a forward-mode derivative is that times the direction, or
        refused."""
        raw, targets = case.make_raw(2, 0), case.make_targets(2)
        loss_fn = case.make_loss()

        def total(*parts: Tensor) -> Tensor:
            output: yl.LossOutput = loss_fn(parts[0] if isinstance(raw, Tensor) else parts, targets)
            return output.total

        wanted = run(loss_fn, raw, targets)[1]
        count = len(levels(raw))
        try:
            grads = torch.func.grad(total, argnums=tuple(range(count)))(*levels(raw))
        except RuntimeError:
            assert case.kernels
        else:
            assert_same(torch.cat([grad.flatten(1) for grad in grads], 1), wanted)
        noise = torch.Generator().manual_seed(1)
        way = tuple(torch.randn(level.shape, generator=noise, dtype=level.dtype) for level in levels(raw))
        try:
            value, slope = torch.func.jvp(total, tuple(levels(raw)), way)
        except (RuntimeError, NotImplementedError):
            return
        assert_same(value, loss_fn(raw, targets).total)
        along = (wanted * torch.cat([part.flatten(1) for part in way], 1)).sum()
        torch.testing.assert_close(slope, along, rtol=1e-9, atol=1e-12)

    def test_forward_derivatives_by_objects(self, case: LossCase) -> None:
        """By the weights and the boxes of objects: autograd's, in every engine, or refused."""
        raw, targets, loss_fn = case.make_raw(2, 0), case.make_targets(2), case.make_loss()
        weight = torch.full(targets.mask.shape, 0.75, dtype=torch.float64)
        assignment = loss_fn.assign(raw, targets)

        def total(weight: Tensor, boxes: Tensor) -> Tensor:
            some = replace(targets, weight=weight, boxes=boxes)
            output: yl.LossOutput = loss_fn(raw, some, assignment=assignment)
            return output.total

        learned = weight.clone().requires_grad_(), targets.boxes.clone().requires_grad_()
        grads = torch.autograd.grad(total(*learned), learned)
        noise = torch.Generator().manual_seed(3)
        way = tuple(torch.randn(part.shape, generator=noise, dtype=part.dtype) for part in learned)
        for index in (0, 1):
            still = [torch.zeros_like(part) for part in way]
            still[index] = way[index]
            try:
                _, slope = torch.func.jvp(total, (weight, targets.boxes), tuple(still))
            except (RuntimeError, NotImplementedError):
                continue
            wanted = (grads[index] * way[index])[targets.mask].sum()
            torch.testing.assert_close(slope, wanted, rtol=1e-6, atol=1e-9)

    def test_learned_weights_of_objects_have_their_gradient(self, case: LossCase) -> None:
        """Meta re-weighting: whatever adds up, and with the assignment held."""
        raw, targets, loss_fn = case.make_raw(2, 0), case.make_targets(2), case.make_loss()
        noise = torch.Generator().manual_seed(2)
        weight = 0.5 + torch.rand(targets.mask.shape, generator=noise, dtype=torch.float64)
        weight.requires_grad_()
        assignment = loss_fn.assign(raw, targets)

        def total(weight: Tensor) -> Tensor:
            output: yl.LossOutput = loss_fn(raw, replace(targets, weight=weight), assignment=assignment)
            return output.total

        assert torch.autograd.gradcheck(total, (weight,), fast_mode=True)
        (grad,) = torch.autograd.grad(total(weight), weight)
        assert (grad[targets.mask] > 0).any()
        assert not grad[~targets.mask].any()
        (inside,) = torch.autograd.grad(loss_fn(raw, replace(targets, weight=weight)).total, weight)
        assert_same(inside, grad)

    def test_learned_boxes_of_objects_have_their_gradient(self, case: LossCase) -> None:
        """A teacher that is trained with: the targets move, who answers does not."""
        raw, targets = case.make_raw(2, 0), case.make_targets(2)
        boxes = targets.boxes.clone().requires_grad_()
        assignment = case.make_loss().assign(raw, targets)

        def total(boxes: Tensor, **options: Any) -> Tensor:
            truth = replace(targets, boxes=boxes)
            output: yl.LossOutput = case.make_loss(**options)(raw, truth, assignment=assignment)
            return output.total

        smooth = {"impl": "torch", **case.smooth}
        assert torch.autograd.gradcheck(partial(total, **smooth), (boxes,), fast_mode=True)
        (grad,) = torch.autograd.grad(total(boxes), boxes)
        (by_torch,) = torch.autograd.grad(total(boxes, impl="torch"), boxes)
        assert_same(grad, by_torch)
        assert grad[targets.mask].any()
        assert not grad[~targets.mask].any()

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

    def test_class_weights_that_are_none_are_an_error(self, case: LossCase) -> None:
        c = case.num_classes
        expected = rf"^class_weight: expected \({c},\) numbers >= 0, one for each class; got "
        for wrong, got in (
            (torch.ones(c + 1), rf"\({c + 1},\)$"),
            ([1.0] * (c + 2), rf"\({c + 2},\)$"),
            ([-1.0] + [1.0] * (c - 1), r"\[-1\.0"),
            (torch.full((c,), float("nan")), r"\[nan"),
        ):
            with pytest.raises(ValueError, match=expected + got):
                case.make_loss(class_weight=wrong)
        assert case.make_loss(class_weight=[1.0] * c).class_weight.tolist() == [1.0] * c

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

    def test_nothing_waits_for_the_device(self, case: LossCase) -> None:
        if case.engine == "numba":
            pytest.skip("its loops are for a CPU")
        targets = case.make_targets(3)
        marked = replace(weighted(targets, 0.5), ignore=targets.labels == 1)
        loss_fn = case.make_loss(class_weight=torch.ones(case.num_classes))
        with running("as on a GPU" if case.engine == "torch" else case.engine):
            for truth in (targets, marked, without_objects(targets)):
                raw = leaf(case.make_raw(3, 0))
                with NoHostSync():
                    loss_fn(raw, truth, normalizer=torch.ones((), dtype=torch.float64)).total.backward()

    def test_everything_is_made_on_the_device_of_the_output(self, case: LossCase) -> None:
        """The meta device has no values: reading one, or meeting a tensor of the CPU, raises."""
        if case.kernels:
            pytest.skip("kernels read numbers")
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

    def test_memory_grows_with_objects_plus_predictors_not_their_product(
        self, case: LossCase, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        large, objects = case.large(), 400
        for module in (windows, touching):  # what is compared at once would stand out in a case of this size
            monkeypatch.setattr(module, "BLOCK", 1 << 12)
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

    @pytest.mark.parametrize(
        "parts", [((1,), (0, 2, 3)), ((0, 2), (1, 3)), ((0,), (1,), (2,), (3,)), ((), (0, 1, 2, 3))], ids=str
    )
    def test_several_processes_equal_one(self, case: LossCase, parts: tuple[tuple[int, ...], ...]) -> None:
        """With the sum of all own normalisers, the mean of the losses and of the gradients is that of one process;
        image
        1 has no object. Added up, as over the parts of a batch on one device, it is the same with one process."""
        loss_fn, raw, targets = case.make_loss(), case.make_raw(4, 0), case.make_targets(4)
        whole, whole_grad = run(loss_fn, raw, targets)
        shares = []
        for part in parts:
            index = torch.tensor(part, dtype=torch.int64)
            mine = each_level(partial(torch.index_select, dim=0, index=index), raw)
            shares.append((index, mine, pick(targets, index)))
        own = [loss_fn.own_normalizer(loss_fn.assign(mine, truth)) for _, mine, truth in shares]
        total = sum(own[1:], own[0])
        assert_same(total, loss_fn.own_normalizer(whole.assignment))
        for processes in (len(parts), 1):
            normalizer = loss_fn.shared_normalizer(total, processes)
            value, grad = 0.0, torch.zeros_like(whole_grad)
            for index, mine, truth in shares:
                output, of_mine = run(loss_fn, mine, truth, normalizer=normalizer)
                value = value + output.total / processes
                grad[index] = of_mine / processes
            assert_same(value, whole.total)
            assert_same(grad, whole_grad)

    @pytest.mark.slow
    def test_compiles_into_one_graph_once(self, case: LossCase) -> None:
        """Plainly where code is generated, which takes long; with weights and ignored objects where it is traced."""
        if case.engine not in ("torch", "numba"):
            pytest.skip("what a compiler gets is this already")
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
        """Its constants keep their numbers: rounded to bfloat16, an anchor would be another one for good."""
        raw, targets = case.make_raw(3, 0), case.make_targets(3)
        loss_fn = case.make_loss(class_weight=torch.linspace(0.5, 1.7, case.num_classes))
        wanted = loss_fn(raw, targets).total
        for twin in (
            copy.deepcopy(loss_fn),
            pickle.loads(pickle.dumps(loss_fn)),
            copy.deepcopy(loss_fn).to(torch.bfloat16),
            copy.deepcopy(loss_fn).half().float(),
            copy.deepcopy(loss_fn).double(),
            torch.nn.ModuleDict({"loss": copy.deepcopy(loss_fn)}).to(torch.bfloat16).float()["loss"],
        ):
            assert torch.equal(twin(raw, targets).total, wanted)
        assert loss_fn.state_dict() == {}  # a loss adds nothing to a checkpoint
        assert list(loss_fn.parameters()) == []
        assert loss_fn.to("meta").class_weight.is_meta

    def test_constants_come_back_from_the_meta_device(self, case: LossCase) -> None:
        """As large models are built: nothing saves what the constructor was given."""
        raw, targets = case.make_raw(3, 0), case.make_targets(3)
        wanted = case.make_loss()(raw, targets).total
        with torch.device("meta"):
            lazy = torch.nn.ModuleDict({"loss": case.make_loss()})
        lazy.to_empty(device="cpu").load_state_dict({})
        assert torch.equal(lazy["loss"](raw, targets).total, wanted)
        for twin in (copy.deepcopy(lazy["loss"]), pickle.loads(pickle.dumps(lazy["loss"]))):
            assert torch.equal(twin(raw, targets).total, wanted)

    def test_the_default_device_does_not_matter(self, case: LossCase) -> None:
        """Everything is made where the output is."""
        loss_fn, raw, targets = case.make_loss(), case.make_raw(3, 0), case.make_targets(3)
        marked = replace(weighted(targets, 0.5), ignore=targets.labels == 1)
        for truth in (targets, marked):
            wanted, wanted_grad = run(loss_fn, raw, truth)
            torch.set_default_device("meta")
            try:
                output, grad = run(loss_fn, raw, truth)
            finally:
                torch.set_default_device(None)
            assert torch.equal(output.total, wanted.total)
            assert torch.equal(grad, wanted_grad)

    def test_what_was_made_in_inference_mode_can_be_trained_with(self, case: LossCase) -> None:
        raw, factors = case.make_raw(3, 0), torch.linspace(0.5, 2, case.num_classes)
        wanted, wanted_grad = run(case.make_loss(class_weight=factors), raw, case.make_targets(3))
        with torch.inference_mode():
            targets, loss_fn = case.make_targets(3), case.make_loss(class_weight=factors.clone())
            seen = loss_fn(raw, targets).total
        output, grad = run(loss_fn, raw, targets)
        assert_same((output.total, grad, seen), (wanted.total, wanted_grad, wanted.total))

    def test_a_label_of_no_class_is_refused(self, case: LossCase) -> None:
        """Where somebody looks, which is on a CPU; padding and ignored regions may hold any."""
        loss_fn, raw, targets = case.make_loss(), case.make_raw(3, 0), case.make_targets(3)
        c = case.num_classes
        for label in (c, -1):
            labels = torch.where(targets.mask, targets.labels, 10**6)
            labels[0, 1] = label
            wrong, ignored = replace(targets, labels=labels), torch.zeros_like(targets.mask)
            ignored[0, 1] = True
            if modes.on_cpu(labels):
                with pytest.raises(
                    ValueError, match=rf"^labels\[0, 1\]: expected a class in 0\.\.{c - 1}; got {label}"
                ):
                    loss_fn(raw, wrong)
                with pytest.raises(ValueError, match=r"^labels\[0, 1\]: "):
                    loss_fn.assign(raw, wrong)
            assert loss_fn(raw, replace(wrong, ignore=ignored)).total.isfinite()
            unseen = case.make_loss()
            unseen.validate = False
            assert unseen(raw, wrong).total.isfinite()

    def test_nothing_of_a_step_is_kept(self, case: LossCase) -> None:
        loss_fn, targets = case.make_loss(), case.make_targets(3)
        raw = leaf(case.make_raw(3, 0))
        watched = [weakref.ref(level) for level in levels(raw)]
        output = loss_fn(raw, targets)
        output.total.backward()
        del raw, output
        gc.collect()
        assert all(reference() is None for reference in watched)


class InterpretedContract:
    """What of `LossContract` is of the kernels themselves: an interpreted one takes a second a call."""


for name in (
    "_engine",
    "test_total_terms_and_images_add_up",
    "test_the_elementwise_terms_are_what_the_value_is_made_of",
    "test_padding_does_not_matter_whatever_it_holds",
    "test_strides_do_not_matter",
    "test_a_batch_without_objects_is_finite_and_moves_only_the_background",
    "test_a_batch_without_images_is_zero",
    "test_gradcheck_with_a_frozen_assignment",
    "test_second_derivatives_are_right_or_refused",
    "test_functional_transforms",
    "test_learned_weights_of_objects_have_their_gradient",
    "test_learned_boxes_of_objects_have_their_gradient",
    "test_class_weights",
    "test_ignored_objects_are_nobodys_target",
    "test_nothing_waits_for_the_device",
):
    setattr(InterpretedContract, name, getattr(LossContract, name))


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
