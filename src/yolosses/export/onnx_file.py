"""Write a loss as an ONNX file."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.fx import GraphModule
from torch.fx.experimental.proxy_tensor import make_fx

from yolosses.export.graph import LossGraph
from yolosses.losses.base import Loss
from yolosses.modes import exporting
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
    graph = LossGraph(loss, raw, targets)
    save_graph(graph, path)
    return graph


def save_graph(graph: LossGraph, path: Path) -> None:
    """`save_onnx` of a graph that is there already."""
    _save(graph.traced(), graph.example, graph.inputs, graph.outputs, path)


def save_function(
    function: nn.Module,
    example: tuple[Tensor, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    path: Path,
) -> None:
    """Write a function of tensors that has no gradient inside, such as a codec, as an ONNX file; as `save_onnx`."""
    with exporting(), torch.no_grad():
        traced = make_fx(function)(*example)
    _save(traced, example, inputs, outputs, path)


def _save(
    traced: GraphModule,
    example: tuple[Tensor, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    path: Path,
) -> None:
    import onnx

    with quiet():
        program = torch.onnx.export(
            traced,
            example,
            dynamo=True,
            optimize=False,  # the optimizer deletes small constants such as 1e-9
            input_names=list(inputs),
            output_names=list(outputs),
            verbose=False,
        )
    assert program is not None
    model = program.model_proto
    _require_shapes(model, {name: tuple(tensor.shape) for name, tensor in zip(inputs, example, strict=True)})
    strip(model)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def _require_shapes(model: Any, expected: dict[str, tuple[int, ...]]) -> None:
    """The exporter may make a dimension constant, or drop an input that nothing reads, without a word."""
    got = {
        value.name: tuple(d.dim_value for d in value.type.tensor_type.shape.dim)
        for value in model.graph.input
    }
    for name, shape in expected.items():
        if got.get(name) != shape:
            raise ValueError(f"{name}: expected shape {shape} in the file; got {got.get(name)}")


def strip(model: Any) -> None:
    """Take out names of source files and shapes of intermediate values: nine tenths of the file of a loss."""
    for graph in (model.graph, *model.functions):
        _strip_graph(graph)


def _strip_graph(graph: Any) -> None:
    """A graph or a function, and the graphs within its loops."""
    del graph.value_info[:]
    del graph.metadata_props[:]
    graph.doc_string = ""
    for part in (*graph.node, *(getattr(graph, "initializer", ()))):
        del part.metadata_props[:]
        part.doc_string = ""
    for value in (*graph.input, *graph.output):
        if not isinstance(value, str):  # those of a function are names
            del value.metadata_props[:]
            value.doc_string = ""
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                _strip_graph(attribute.g)


@contextmanager
def quiet() -> Iterator[None]:
    """Exporters warn about themselves, and about torchvision, which nothing here needs."""
    loggers = [logging.getLogger(name) for name in ("torch.onnx", "torch.export", "onnxscript", "onnx_ir")]
    levels = [logger.level for logger in loggers]
    try:
        for logger in loggers:
            logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
