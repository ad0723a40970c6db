"""Detectors as files: written as ONNX or as a program of ``torch.export``, and run from there."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from torch import Tensor
from torch.export import Dim, ExportedProgram

from yolosses.arguments import choice
from yolosses.export.detector_graph import IMAGES, DetectorGraph
from yolosses.export.onnx_file import quiet, strip

Format = Literal["onnx", "torch"]
FORMATS: tuple[Format, ...] = get_args(Format)
DESCRIPTION = "yolosses"  # name of the entry that describes the detector
_ZIP = b"PK\x03\x04"  # how a program of torch.export begins


class DetectorFileError(ValueError):
    """A file that holds no detector of this library, or one that does not run."""


@dataclass(frozen=True, kw_only=True)
class DetectorFile:
    """A detector that was read from a file.

    Attributes:
        description: what was said of it when it was written.
        run: images (B, 3, H, W) in 0..1 to the outputs in order, see `DetectorGraph`.
    """

    description: dict[str, Any]
    run: Callable[[Tensor], tuple[Tensor, ...]]


def detector_bytes(graph: DetectorGraph, format: Format, description: dict[str, Any]) -> bytes:
    """The content of a file that holds ``graph``, for any number of images. ONNX needs the extra ``export``.

    Args:
        format: ``"onnx"``, or ``"torch"``, which `torch.export.load` reads.
        description: what belongs in the file besides: values that json knows. It is the entry ``yolosses`` of the
            ONNX metadata, or of torch's ``extra_files``.

    Raises:
        ValueError: ``format`` is neither.
    """
    choice("format", format, FORMATS)
    with quiet():
        program = _program(graph)
        text = json.dumps(description, ensure_ascii=False)
        return _onnx_bytes(program, graph, text) if format == "onnx" else _torch_bytes(program, text)


def read_detector(path: Path) -> DetectorFile:
    """A detector from a file that holds what `detector_bytes` made; on the CPU. ONNX needs ``onnxruntime``.

    Raises:
        DetectorFileError: naming ``path``, where it is something else.
        OSError: naming ``path``.
    """
    with path.open("rb") as file:
        begin = file.read(len(_ZIP))
    with quiet():
        text, run = _read_torch(path) if begin == _ZIP else _read_onnx(path)
    try:
        description = json.loads(text or "")
    except ValueError:
        description = None
    if not isinstance(description, dict):
        raise DetectorFileError(
            f"{path}: expected a detector that yolosses export wrote; it has no description of one"
        )
    return DetectorFile(description=description, run=run)


def _program(graph: DetectorGraph) -> ExportedProgram:
    device = next(graph.model.parameters()).device
    images = torch.zeros(2, 3, *graph.image_size, device=device)  # a size of 1 would be taken for a constant
    with torch.no_grad():
        return torch.export.export(graph, (images,), dynamic_shapes=({0: Dim("batch")},), strict=False)


def _onnx_bytes(program: ExportedProgram, graph: DetectorGraph, description: str) -> bytes:
    import onnx

    exported = torch.onnx.export(
        program,
        dynamo=True,
        optimize=False,  # the optimizer deletes small constants such as 1e-9
        input_names=[IMAGES],
        output_names=list(graph.outputs),
        verbose=False,
    )
    assert exported is not None
    model = exported.model_proto
    strip(model)
    onnx.helper.set_model_props(model, {DESCRIPTION: description})
    content: bytes = model.SerializeToString()
    return content


def _torch_bytes(program: ExportedProgram, description: str) -> bytes:
    buffer = io.BytesIO()
    torch.export.save(program, buffer, extra_files={DESCRIPTION: description})
    return buffer.getvalue()


def _read_onnx(path: Path) -> tuple[str | None, Callable[[Tensor], tuple[Tensor, ...]]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise DetectorFileError(
            f"{path}: expected a detector that yolosses export wrote; it is neither ONNX nor a program of torch.export"
        ) from error

    def run(images: Tensor) -> tuple[Tensor, ...]:
        values = session.run(None, {IMAGES: images.detach().cpu().contiguous().numpy()})
        return tuple(torch.from_numpy(value) for value in values)

    return session.get_modelmeta().custom_metadata_map.get(DESCRIPTION), run


def _read_torch(path: Path) -> tuple[str | None, Callable[[Tensor], tuple[Tensor, ...]]]:
    extra = {DESCRIPTION: ""}
    try:
        with path.open("rb") as file:
            program = torch.export.load(file, extra_files=extra).module()
    except Exception as error:
        raise DetectorFileError(
            f"{path}: expected a detector that yolosses export wrote; it is no program of torch.export"
        ) from error

    def run(images: Tensor) -> tuple[Tensor, ...]:
        with torch.no_grad():
            outputs: tuple[Tensor, ...] = tuple(program(images.detach().cpu().contiguous()))
        return outputs

    return extra[DESCRIPTION], run
