"""What all searches of assigners keep to: one operator when compiled, none when exported, and whatever transforms the
loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from yolosses import modes
from yolosses.assigners import SimOTA, TaskAligned
from yolosses.assigners.anchor_ratio import AnchorPairs
from yolosses.assigners.best_anchor import highest_iou
from yolosses.assigners.ota import refine_pairs
from yolosses.codecs import ClassScores, Levels

LEVELS = Levels(grids=((8, 8), (4, 4)), strides=(8, 16))
A = LEVELS.num_predictors
Search = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, ...]]


def by_points(assigner: Any) -> Search:
    def search(boxes: Tensor, logits: Tensor, truths: Tensor) -> tuple[Tensor, ...]:
        found = assigner(
            levels=LEVELS, pred_boxes=boxes, pred_scores=ClassScores(logits=logits.split(list(LEVELS.counts), 2)),
            gt_boxes=truths, gt_labels=torch.zeros_like(truths[..., 0], dtype=torch.int64),
            mask=truths[..., 0] > 3,
        )  # fmt: skip
        return found.predictor, found.object, found.mask, found.iou, found.num_dropped

    return search


def by_costs(boxes: Tensor, logits: Tensor, truths: Tensor) -> tuple[Tensor, ...]:
    every = torch.arange(A, device=boxes.device).expand(boxes.shape[0], -1)
    found = refine_pairs(
        AnchorPairs(predictor=every, object=torch.zeros_like(every), mask=every >= 0),
        pred_boxes=boxes, objectness=logits[:, 0], classes=logits.mT, gt_boxes=truths,
        gt_labels=torch.zeros_like(truths[..., 0], dtype=torch.int64), mask=truths[..., 0] > 3,
    )  # fmt: skip
    return found.predictor, found.object, found.mask


def by_overlap(boxes: Tensor, logits: Tensor, truths: Tensor) -> tuple[Tensor, ...]:
    return highest_iou(boxes, truths, truths[..., 0] > 3)


SEARCHES: dict[str, Search] = {
    "task_aligned": by_points(TaskAligned()),
    "sim_ota": by_points(SimOTA()),
    "ota_refinement": by_costs,
    "highest_iou": by_overlap,
}


def inputs(objects: int) -> tuple[Tensor, Tensor, Tensor]:
    noise = torch.Generator().manual_seed(objects)
    boxes = torch.cat((LEVELS.points(torch.zeros(())), 8 + 16 * torch.rand(A, 2, generator=noise)), 1)
    truths = torch.cat(
        (
            64 * torch.rand(2, objects, 2, generator=noise),
            4 + 24 * torch.rand(2, objects, 2, generator=noise),
        ),
        2,
    )
    return boxes.expand(2, -1, -1).contiguous(), torch.randn(2, 3, A, generator=noise), truths


def assert_same(found: tuple[Tensor, ...], wanted: tuple[Tensor, ...]) -> None:
    for part, its in zip(found, wanted, strict=True):
        torch.testing.assert_close(part, its, rtol=1e-6, atol=1e-6)


@pytest.fixture(params=["as on a CPU", "as on a GPU"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "as on a GPU":
        monkeypatch.setattr(modes, "on_cpu", lambda _: False)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.slow
def test_a_search_is_one_node_of_a_compiled_graph(name: str) -> None:
    torch._dynamo.reset()
    graphs: list[list[str]] = []

    def keep(graph: torch.fx.GraphModule, example: list[Tensor]) -> torch.fx.GraphModule:
        graphs.append([str(node.target) for node in graph.graph.nodes])
        return graph

    compiled = torch.compile(SEARCHES[name], backend=keep, fullgraph=True)
    for objects in (3, 9, 40, 300):
        arguments = inputs(objects)
        assert_same(compiled(*arguments), SEARCHES[name](*arguments))
    assert len(graphs) == 2
    for targets in graphs:
        assert sum(target.startswith("yolosses.") for target in targets) == 1
        assert f"yolosses.{name}.default" in targets
    torch._dynamo.reset()


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.slow
def test_an_exported_graph_has_no_operator_of_ours(name: str) -> None:
    class Module(nn.Module):
        def forward(self, *arguments: Tensor) -> tuple[Tensor, ...]:
            with modes.exporting():
                return SEARCHES[name](*arguments)

    arguments = inputs(9)
    program = torch.export.export(Module(), arguments)
    assert not any("yolosses" in str(node.target) for node in program.graph.nodes)
    assert_same(program.module()(*arguments), SEARCHES[name](*arguments))


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.slow
def test_shapes_that_a_graph_is_told_are_those_of_the_search(name: str) -> None:
    """Traced forward with generated code around the operator, on other numbers than it was traced with."""
    torch._dynamo.reset()
    compiled = torch.compile(SEARCHES[name], backend="aot_eager", fullgraph=True, dynamic=True)
    for objects in (5, 17):
        arguments = inputs(objects)
        assert_same(compiled(*arguments), SEARCHES[name](*arguments))
    torch._dynamo.reset()


@pytest.mark.parametrize("objects", [3, 700])
@pytest.mark.parametrize("name", SEARCHES)
def test_everything_is_made_on_the_device_of_the_inputs(name: str, objects: int) -> None:
    arguments = inputs(objects)
    wanted = SEARCHES[name](*arguments)
    torch.set_default_device("meta")
    try:
        found = SEARCHES[name](*arguments)
    finally:
        torch.set_default_device("cpu")
    assert_same(found, wanted)


@pytest.mark.parametrize("objects", [3, 700])
@pytest.mark.parametrize("name", SEARCHES)
def test_a_search_of_constants_may_be_within_any_derivative(name: str, objects: int) -> None:
    boxes, logits, truths = inputs(objects)
    counts = []

    def loss(boxes: Tensor, logits: Tensor) -> Tensor:
        found = SEARCHES[name](boxes.detach(), logits.detach(), truths)
        counts.append(len(found))
        return boxes.sum() + found[-1].float().sum() * logits.sum()

    factor = SEARCHES[name](boxes, logits, truths)[-1].float().sum()
    one = (torch.ones_like(boxes), torch.ones_like(logits))
    of_boxes, of_logits = torch.func.grad(loss, argnums=(0, 1))(boxes, logits)
    assert torch.equal(of_boxes, one[0])
    assert torch.allclose(of_logits, factor * one[1])
    _, along = torch.func.jvp(loss, (boxes, logits), one)
    assert torch.allclose(along, one[0].sum() + factor * one[1].sum())
    assert len(counts) == 2
