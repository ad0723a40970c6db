"""What only a GPU tells: the kernels as they are compiled, and that a step is captured in a CUDA graph.

Elsewhere in the tests Triton interprets its kernels. On a machine with a GPU: ``make test-gpu``.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest
import torch
from tests.kernels.scenes import CASES, EACH, SCENES, SINGLE, C, agree, crowded, losses, raw_for
from tests.kernels.scenes_of_cells import OPTIONS
from tests.kernels.scenes_of_cells import scene as scene_of_cells
from tests.kernels.scenes_of_points import scene as scene_of_points
from tests.kernels.test_point_sums import TIGHT, meetings, pairs
from tests.kernels.test_point_sums import agree as agree_on_pairs
from tests.kernels.test_task_aligned import agree as agree_on_candidates
from torch import Tensor

import yolosses as yl

triton = pytest.importorskip("triton")

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available() or os.environ.get("TRITON_INTERPRET") == "1",
    reason="needs a GPU and TRITON_INTERPRET=0",
)
HALF = [torch.float16, torch.bfloat16]


def on_gpu(value: Any) -> Any:
    """The same, of leaves that ask for a gradient where they did."""
    if isinstance(value, Tensor):
        return value.detach().to("cuda").requires_grad_(value.requires_grad)
    if isinstance(value, dict):
        return {name: on_gpu(part) for name, part in value.items()}
    if isinstance(value, yl.Targets):
        return value.to("cuda")
    if hasattr(value, "_fields"):
        return type(value)(*map(on_gpu, value))
    return type(value)(map(on_gpu, value)) if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("targets", SCENES.values(), ids=SCENES)
@EACH
def test_points_as_by_torch(family: type[Any], bins: int, targets: yl.Targets) -> None:
    output = agree(losses(family, bins, "triton"), on_gpu(raw_for(family, bins)), on_gpu(targets))
    assert output.assignment.mask.any() == targets.mask.any()


@pytest.mark.parametrize("dtype", HALF, ids=str)
@EACH
def test_points_in_half_precision(family: type[Any], bins: int, dtype: torch.dtype) -> None:
    unit = torch.finfo(dtype).eps
    raw = on_gpu(raw_for(family, bins, dtype))
    output = agree(losses(family, bins, "triton"), raw, on_gpu(crowded()), rtol=2 * unit, atol=unit / 4)
    assert output.per_image.dtype == torch.float32


@EACH
def test_points_of_any_memory_format(family: type[Any], bins: int) -> None:
    def last(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: last(part) for name, part in value.items()}
        return [level.detach().to(memory_format=torch.channels_last).requires_grad_() for level in value]

    agree(losses(family, bins, "triton"), last(on_gpu(raw_for(family, bins))), on_gpu(crowded()))


def test_flattened_points() -> None:
    joined = torch.cat([level.flatten(2) for level in raw_for(yl.YOLOv8Loss, 4)], 2).detach()
    parts = [part.contiguous().requires_grad_() for part in on_gpu(joined).split([16, C], 1)]
    agree(losses(yl.YOLOv8Loss, 4, "triton", image_size=(64, 96)), parts, on_gpu(crowded()))


@pytest.mark.parametrize("family", [yl.YOLOv8Loss, yl.YOLOv10Loss])
def test_points_of_a_picture(family: type[Any]) -> None:
    """Full size, and objects that crowd it."""
    noise = torch.Generator().manual_seed(4)

    def maps() -> list[Tensor]:
        return [
            torch.randn(2, 144, 640 // s, 640 // s, generator=noise).cuda().requires_grad_()
            for s in (8, 16, 32)
        ]

    raw: Any = maps() if family is yl.YOLOv8Loss else {"one2one": maps(), "one2many": maps()}
    sizes = 0.02 + 0.6 * torch.rand(2, 150, 2, generator=noise) ** 2
    targets = yl.Targets(
        boxes=torch.cat((sizes / 2 + (1 - sizes) * torch.rand(2, 150, 2, generator=noise), sizes), -1),
        labels=torch.randint(80, (2, 150), generator=noise), mask=torch.rand(2, 150, generator=noise) < 0.9,
    ).to("cuda")  # fmt: skip
    ways = tuple(family(num_classes=80, reduction="none", impl=impl) for impl in ("triton", "torch"))
    agree(ways, raw, targets, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("bins", [16, 1, 5])
@pytest.mark.parametrize(
    ("dtype", "tolerance"), [(torch.float64, TIGHT), (torch.float32, SINGLE)], ids=["float64", "float32"]
)
def test_boxes_and_sides(bins: int, dtype: torch.dtype, tolerance: dict[str, float]) -> None:
    agree_on_pairs(pairs(1, 150, bins, dtype), "cuda", **tolerance)


@pytest.mark.parametrize(
    ("dtype", "tolerance"),
    [(torch.float64, TIGHT), (torch.float32, {"rtol": 2e-5, "atol": 1e-5})],
    ids=["float64", "float32"],
)
def test_boxes_that_meet_in_every_way(dtype: torch.dtype, tolerance: dict[str, float]) -> None:
    """A gradient that is a difference of equal numbers is as small as their rounding."""
    agree_on_pairs(meetings(dtype), "cuda", **tolerance)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("coarse", [False, True], ids=["", "many equals"])
def test_candidates(seed: int, coarse: bool) -> None:
    case = scene_of_points(seed, 2, 3 * seed + 1, coarse=coarse)
    agree_on_candidates(on_gpu(case), topk=1 + 3 * seed)


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, *HALF], ids=str)
def test_cells_as_by_torch(options: dict[str, Any], dtype: torch.dtype) -> None:
    ours, theirs = (
        yl.YOLOv1Loss(**{"grid": 3, "num_classes": 4, "reduction": "none", **options}, impl=impl).to("cuda")
        for impl in ("triton", "torch")
    )
    length = ours.codec.num_cells * ours.codec.channels
    raw = torch.rand(3, length, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    raw = raw.to(dtype).to("cuda").requires_grad_()
    targets = scene_of_cells().to("cuda")
    if dtype != torch.float64:
        targets = replace(targets, boxes=targets.boxes.float(), weight=targets.weight.float())
    tight = {"rtol": 1e-11, "atol": 1e-13} if dtype == torch.float64 else SINGLE
    a, b = ours(raw, targets), theirs(raw, targets)
    for name in ("predictor", "object", "mask", "num_dropped"):
        assert torch.equal(getattr(a.assignment, name), getattr(b.assignment, name)), name
    torch.testing.assert_close(a.per_image, b.per_image, **tight)
    mine, wanted = (torch.autograd.grad(one.per_image.square().sum(), raw)[0] for one in (a, b))
    unit = torch.finfo(dtype).eps
    torch.testing.assert_close(
        mine, wanted, **(tight if dtype.itemsize > 2 else {"rtol": 2 * unit, "atol": unit})
    )


def cases_of_a_step() -> dict[str, tuple[type[Any], dict[str, Any], Any, yl.Targets]]:
    of_points = {"num_classes": C, "strides": (8, 16)}
    raw = torch.rand(3, 126, generator=torch.Generator().manual_seed(1), requires_grad=True)
    return {"v1": (yl.YOLOv1Loss, {"grid": 3, "num_classes": 4}, raw, scene_of_cells())} | {
        name: (family, {**of_points, "bins": bins}, raw_for(family, bins), crowded())
        for name, (family, bins) in CASES.items()
    }


def leaves(raw: Any) -> list[Tensor]:
    if isinstance(raw, Tensor):
        return [raw]
    return [leaf for part in (raw.values() if isinstance(raw, dict) else raw) for leaf in leaves(part)]


@pytest.mark.parametrize("impl", ["torch", "triton"])
@pytest.mark.parametrize("name", ["v1", *CASES])
def test_a_step_is_captured_in_a_graph(name: str, impl: str) -> None:
    """A capture fails on anything that makes the host wait. The captured step follows what its inputs become."""
    family, options, raw, targets = cases_of_a_step()[name]
    loss, raw, targets = family(**options, impl=impl), on_gpu(raw), on_gpu(targets)

    def step() -> tuple[Tensor, ...]:
        total = loss(raw, targets).total
        return total, *torch.autograd.grad(total, leaves(raw))

    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    stream.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        captured = step()
    for _ in range(2):
        with torch.no_grad():
            for leaf in leaves(raw):
                leaf.mul_(0.9)
        graph.replay()
        torch.testing.assert_close(captured, step())


@pytest.mark.parametrize("impl", ["torch", "triton"])
@pytest.mark.parametrize("name", ["v1", "v8", "v10"])
def test_a_compiled_step(name: str, impl: str) -> None:
    family, options, raw, targets = cases_of_a_step()[name]
    loss, raw, targets = family(**options, impl=impl), on_gpu(raw), on_gpu(targets)
    compiled = torch.compile(lambda raw, targets: loss(raw, targets).total, fullgraph=True, dynamic=False)
    ours, theirs = compiled(raw, targets), loss(raw, targets).total
    torch.testing.assert_close(ours, theirs, **SINGLE)
    for mine, wanted in zip(
        torch.autograd.grad(ours, leaves(raw)), torch.autograd.grad(theirs, leaves(raw)), strict=True
    ):
        torch.testing.assert_close(mine, wanted, **SINGLE)
