"""Write a loss as an ONNX file."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import torch

from yolosses.export.graph import LossGraph
from yolosses.losses.base import Loss
from yolosses.structures import Targets


def save_onnx(loss: Loss, raw: Any, targets: Targets, path: Path) -> LossGraph:
    """Write ``loss``, its gradient included and its lambdas as inputs, as an ONNX file. Needs the extra ``export``.

    Args:
        loss, raw, targets: see `LossGraph`, which says what the inputs and outputs are. All shapes are fixed.

    Returns:
        The graph that was written, to compare with.

    Raises:
        ValueError: an input of the file has not the shape of the example.
        OSError: naming ``path``.
    """
    import onnx

    graph = LossGraph(loss, raw, targets)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter, about itself
        program = torch.onnx.export(
            graph.traced(),
            graph.example,
            dynamo=True,
            optimize=False,  # the optimizer deletes small constants such as 1e-9
            input_names=list(graph.inputs),
            output_names=list(graph.outputs),
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _require_shapes(model, graph)
    _strip(model)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return graph


def _require_shapes(model: Any, graph: LossGraph) -> None:
    """The exporter may make a dimension constant, or drop an input that nothing reads, without a word."""
    got = {
        value.name: tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
        for value in model.graph.input
    }
    for name, tensor in zip(graph.inputs, graph.example, strict=True):
        if got.get(name) != tuple(tensor.shape):
            raise ValueError(f"{name}: expected shape {tuple(tensor.shape)} in the file; got {got.get(name)}")


def _strip(model: Any) -> None:
    """Names of source files and shapes of intermediate values: nine tenths of the file."""
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    for part in (
        *model.graph.node,
        *model.graph.input,
        *model.graph.output,
        *model.graph.initializer,
        *model.functions,
    ):
        del part.metadata_props[:]
        part.doc_string = ""
