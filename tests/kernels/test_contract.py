"""What every kernel with a gradient keeps, whichever program computes it: no derivative is silently missing, and any
tensor that torch allows may come in. Called by the kernels' own functions, without a loss."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor
from torch.func import grad, hessian, jvp, vmap

GRID = {"layout": [0, 14, 5, 4, 14, 5, 10, 14], "shape": [3, 3, 2, 4], "roots": True}
BINS, CLASSES, SIDES, STRIDES = 4, 3, [4, 6, 2, 3], [8.0, 16.0]


class Case(NamedTuple):
    """Attributes:
    sums: (B, terms) of the tensors that have a gradient, and of ``tables``. parts: these tensors, two images.
    tables: the other tensors, by name.
    """

    sums: Callable[..., Tensor]
    parts: list[Tensor]
    tables: dict[str, Tensor]


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def objects() -> dict[str, Tensor]:
    boxes = torch.cat((0.2 + 0.6 * random(2, 3, 2), 0.1 + 0.5 * random(2, 3, 2, seed=1)), -1)
    return {
        "boxes": boxes, "labels": torch.tensor([[0, 1, 2], [2, 0, 1]]), "weight": 0.5 + random(2, 3, seed=2),
        "class_weight": torch.tensor([1.0, 0.5, 2.0]), "mask": torch.tensor([[True, True, False], [True, True, True]]),
    }  # fmt: skip


def assigned_errors(module: Any, raw: Tensor, tables: dict[str, Tensor]) -> Tensor:
    objects = tables["boxes"], tables["labels"], tables["weight"]
    sums, _ = module.assigned_error_sums(
        raw, **GRID, objects=objects, mask=tables["mask"], class_weight=tables["class_weight"], overlaps=True
    )
    return sums


def given_errors(module: Any, raw: Tensor, tables: dict[str, Tensor]) -> Tensor:
    sums: Tensor = module.squared_error_sums(
        raw, **GRID, pairs=(tables["predictor"], tables["object"], tables["mask"]), confidence=tables["quality"],
        objects=(tables["boxes"], tables["labels"], tables["weight"]), class_weight=tables["class_weight"], spared=None,
    )  # fmt: skip
    return sums


def point_sums(module: Any, *parts: Tensor, tables: dict[str, Tensor], location_weight: Tensor) -> Tensor:
    pairs = (tables[name] for name in ("predictor", "object", "mask", "quality"))
    size = torch.tensor([48.0, 32.0, 48.0, 32.0], device="cpu")
    sums: Tensor = module.point_sums(
        BINS, SIDES, STRIDES, 0.1, *pairs, tables["boxes"] * size, tables["labels"], tables["weight"], location_weight,
        tables["class_weight"], list(parts),
    )  # fmt: skip
    return sums


def make(name: str, impl: str) -> Case:
    pytest.importorskip(impl)
    module = import_module(f"yolosses.kernels.{impl}.{'point_sums' if 'point' in name else 'squared_errors'}")
    pairs = {"predictor": torch.tensor([[3, 20, 0], [27, 5, 11]]), "object": torch.tensor([[1, 0, 0], [2, 0, 1]]),
             "quality": 0.2 + 0.8 * random(2, 3, seed=4)}  # fmt: skip
    tables = {**objects(), **pairs}
    if "point" in name:
        maps = [
            random(2, 4 * BINS + CLASSES, rows, cols, seed=rows) * 4 - 2
            for rows, cols in zip(SIDES[::2], SIDES[1::2], strict=True)
        ]
        if name == "flat point sums":
            flat = torch.cat([level.flatten(2) for level in maps], 2)
            maps = [part.contiguous() for part in flat.split([4 * BINS, CLASSES], 1)]
        tables["location_weight"] = 0.5 + random(2, 30, seed=6)

        def of_points(*parts: Tensor, tables: dict[str, Tensor] = tables) -> Tensor:
            return point_sums(module, *parts, tables=tables, location_weight=tables["location_weight"])

        return Case(of_points, maps, tables)
    tables["class_weight"] = torch.tensor([1.0, 0.5, 2.0, 1.0])
    tables["predictor"] = torch.tensor([[3, 17, 0], [16, 5, 11]])
    compute = assigned_errors if name == "assigned errors" else given_errors

    def of_cells(raw: Tensor, tables: dict[str, Tensor] = tables) -> Tensor:
        return compute(module, raw, tables)

    return Case(of_cells, [random(2, 126, seed=3)], tables)


@pytest.fixture(params=["numba", "triton"])
def impl(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=["assigned errors", "given errors", "point sums", "flat point sums"])
def case(request: pytest.FixtureRequest, impl: str) -> Case:
    return make(request.param, impl)


def total(sums: Tensor) -> Tensor:
    """Each sum weighed by another factor."""
    return (sums * torch.linspace(0.5, 1.5, sums.numel(), device="cpu").view_as(sums)).sum()


def first_derivative(case: Case, **options: Any) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    leaves = [part.clone().requires_grad_() for part in case.parts]
    return leaves, torch.autograd.grad(total(case.sums(*leaves)), leaves, **options)


def test_a_graph_of_the_gradient_can_be_made_but_not_used(case: Case, impl: str) -> None:
    _, plain = first_derivative(case)
    message = rf"^impl: '{impl}' has no second derivative; use impl='torch'$"
    for use in (
        lambda penalty, leaves: penalty.backward(),
        lambda penalty, leaves: torch.autograd.grad(penalty, leaves),
    ):
        leaves, gradients = first_derivative(case, create_graph=True)
        assert all(map(torch.equal, gradients, plain))
        penalty = sum(gradient.square().sum() for gradient in gradients)
        with pytest.raises(RuntimeError, match=message):
            use(penalty, leaves)


def test_nor_a_derivative_by_the_factors_of_the_sums(case: Case, impl: str) -> None:
    """As gradient balancing asks for."""
    leaves = [part.clone().requires_grad_() for part in case.parts]
    factors = torch.ones(case.sums(*leaves).shape[1], requires_grad=True)
    gradients = torch.autograd.grad((case.sums(*leaves) * factors).sum(), leaves, create_graph=True)
    with pytest.raises(RuntimeError, match=rf"^impl: '{impl}' has no second derivative"):
        torch.autograd.grad(gradients[0].norm(), factors)


def test_gradients_of_functions(case: Case) -> None:
    _, wanted = first_derivative(case)
    every = tuple(range(len(case.parts)))
    found = grad(lambda *parts: total(case.sums(*parts)), argnums=every)(*case.parts)
    assert all(map(torch.equal, found, wanted))


def test_other_transforms_are_refused(case: Case, impl: str) -> None:
    parts, ones = tuple(case.parts), tuple(map(torch.ones_like, case.parts))
    twice = tuple(torch.stack((part, part)) for part in case.parts)
    with pytest.raises(RuntimeError, match=rf"^impl: '{impl}' does not know forward-mode derivatives; use"):
        jvp(case.sums, parts, ones)
    with pytest.raises(
        RuntimeError, match=rf"^impl: '{impl}' does not know torch.func.vmap; use impl='torch'"
    ):
        vmap(case.sums)(*twice)
    with pytest.raises(RuntimeError, match=rf"^impl: '{impl}'"):
        hessian(lambda *parts: total(case.sums(*parts)))(*parts)
    first = grad(lambda *parts: total(case.sums(*parts)))
    with pytest.raises(RuntimeError, match=rf"^impl: '{impl}' has no second derivative"):
        grad(lambda *parts: first(*parts).square().sum())(*parts)


def test_a_gradient_can_be_asked_for_twice(case: Case) -> None:
    leaves = [part.clone().requires_grad_() for part in case.parts]
    value = total(case.sums(*leaves))
    twice = [torch.autograd.grad(value, leaves, retain_graph=True) for _ in range(2)]
    assert all(map(torch.equal, *twice))


def test_tables_of_inference_mode(case: Case) -> None:
    _, wanted = first_derivative(case)
    with torch.inference_mode():
        tables = {name: table.clone() for name, table in case.tables.items()}
    assert tables["boxes"].is_inference()
    _, found = first_derivative(case._replace(sums=partial(case.sums, tables=tables)))
    assert all(map(torch.equal, found, wanted))


def test_another_default_device(case: Case) -> None:
    _, wanted = first_derivative(case)
    torch.set_default_device("meta")
    try:
        _, found = first_derivative(case)
    finally:
        torch.set_default_device("cpu")
    assert all(map(torch.equal, found, wanted))


def all_one(part: Tensor) -> Tensor:
    """All strides 0."""
    return torch.full((1,) * part.ndim, 0.3).expand(part.shape)


def of_one_channel(part: Tensor) -> Tensor:
    return part[:, :1].expand(part.shape)


def of_one_image(part: Tensor) -> Tensor:
    return part[:1].expand(part.shape)


def of_one_location(part: Tensor) -> Tensor:
    return part[..., :1].expand(part.shape)


def every_other(part: Tensor) -> Tensor:
    return torch.stack((part, part * torch.nan), -1).flatten(-2)[..., ::2]


def channels_first(part: Tensor) -> Tensor:
    """Channels are next to each other."""
    return part.movedim(1, -1).contiguous().movedim(-1, 1)


@pytest.mark.parametrize(
    "layout", [all_one, of_one_channel, of_one_image, of_one_location, every_other, channels_first]
)
def test_any_strides(case: Case, layout: Callable[[Tensor], Tensor]) -> None:
    strided = [layout(part).detach() for part in case.parts]
    dense = [part.clone(memory_format=torch.contiguous_format) for part in strided]
    found = []
    for parts in (strided, dense):
        leaves = [part.detach().requires_grad_() for part in parts]  # in the same layout
        sums = case.sums(*leaves)
        found.append((sums, *torch.autograd.grad(total(sums), leaves)))
    torch.testing.assert_close(*found, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64], ids=str)
def test_dtypes(case: Case, impl: str, dtype: torch.dtype) -> None:
    """Computed in at least float32."""
    if impl == "numba" and len(case.parts) == 1 and dtype != torch.float64:
        pytest.skip("YOLOv1's loops are given at least float32")
    wide = torch.promote_types(dtype, torch.float32)
    tables = {
        name: table.to(wide) if table.is_floating_point() else table for name, table in case.tables.items()
    }
    rounded = case._replace(
        parts=[part.to(dtype) for part in case.parts], sums=partial(case.sums, tables=tables)
    )
    wanted = rounded._replace(parts=[part.to(wide) for part in rounded.parts])
    value = rounded.sums(*rounded.parts)
    assert value.dtype == wide
    torch.testing.assert_close(value, wanted.sums(*wanted.parts), rtol=1e-5, atol=1e-5)
    for mine, theirs in zip(first_derivative(rounded)[1], first_derivative(wanted)[1], strict=True):
        assert mine.dtype == dtype
        eps = torch.finfo(dtype).eps
        torch.testing.assert_close(mine.to(wide), theirs, rtol=2 * eps, atol=eps)
