"""The graphs that the playground's page runs: YOLOv1 with its options, and three later generations."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

from yolosses.boxes import pairwise_iou
from yolosses.codecs import GridCodec
from yolosses.export.onnx_file import save_function, save_onnx
from yolosses.losses import YOLOv1Loss, YOLOv3Loss, YOLOv8Loss, YOLOv10Loss
from yolosses.losses.base import Loss
from yolosses.structures import Targets

CLASSES = 10  # digits
SLOTS = 6  # objects of a scene
GRIDS, BOXES = (3, 5, 7), (1, 2, 3)
OPTIONS: dict[str, tuple[str, str]] = {
    "size_term": ("sqrt", "linear"),
    "confidence_target": ("iou", "one"),
    "class_term": ("squared_error", "cross_entropy"),
}
SIDES = (16, 8, 4)  # of the maps of v3, v8, v10: a picture of 128 pixels


@dataclass(frozen=True)
class GraphEntry:
    """What the page has to know of a graph. Names and shapes in the order of the file."""

    file: str
    inputs: dict[str, tuple[int, ...]]
    outputs: tuple[str, ...]
    terms: tuple[str, ...] = ()
    lambdas: tuple[float, ...] = ()


class _GridCoder(nn.Module):
    """What the raw output means, how well it fits, and what a network would have to emit for given boxes."""

    def __init__(self, codec: GridCodec) -> None:
        super().__init__()
        self.codec = codec

    def forward(self, raw: Tensor, boxes: Tensor, truths: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """``raw`` (1, S, S, F) to boxes (A, 4); ``boxes`` (A, 4) cxcywh in fractions to x, y and the sizes (A, 4); the
        IoU (A, M) of the first with ``truths`` (M, 4)."""
        predictor = torch.arange(self.codec.num_predictors)
        cell = predictor // self.codec.boxes_per_cell
        decoded = self.codec.decode(self.codec.split(raw).boxes.reshape(-1, 4), cell)
        return decoded, self.codec.encode(boxes, cell), pairwise_iou(decoded, truths)


class _Decoder(nn.Module):
    """The boxes and class scores that the raw output of a later generation means."""

    def __init__(self, loss: Loss, form: Any) -> None:
        super().__init__()
        self.loss, self.form = loss, form

    def forward(self, *levels: Tensor) -> tuple[Tensor, Tensor]:
        predictions = self.loss.decode(tree_unflatten(list(levels), self.form))
        return predictions.boxes[0], predictions.scores[0]


def write_playground(folder: Path, workers: int = 1) -> dict[str, GraphEntry]:
    """Write all graphs and ``manifest.json`` to ``folder``.

    Raises:
        OSError: naming a file that cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = [(folder, *job) for job in _jobs()]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        entries = dict(pair for pairs in pool.map(_write, jobs) for pair in pairs)
    manifest = {
        "classes": CLASSES, "slots": SLOTS, "grids": GRIDS, "boxes": BOXES, "options": OPTIONS, "sides": SIDES,
        "graphs": {key: vars(entry) for key, entry in sorted(entries.items())},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return entries


def _jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for grid, boxes in product(GRIDS, BOXES):
        yield "codec", {"grid": grid, "boxes_per_cell": boxes}
        for options in product(*OPTIONS.values()):
            yield "v1", {"grid": grid, "boxes_per_cell": boxes, **dict(zip(OPTIONS, options, strict=True))}
    yield from (("v3", {}), ("v8", {}), ("v10", {}))


def _write(job: tuple[Path, str, dict[str, Any]]) -> list[tuple[str, GraphEntry]]:
    folder, kind, options = job
    torch.set_num_threads(1)
    key = "-".join([kind, *(str(value) for value in options.values())])
    if kind == "codec":
        return [(key, _write_coder(folder, key, options))]
    loss, raw = _loss(kind, options)
    entries = [(key, _write_loss(folder, key, loss, raw))]
    if kind != "v1":
        entries.append((f"{key}-decode", _write_decoder(folder, f"{key}-decode", loss, raw)))
    return entries


def _loss(kind: str, options: dict[str, Any]) -> tuple[Loss, Any]:
    if kind == "v1":
        grid = options["grid"]
        raw = torch.zeros(1, grid, grid, 5 * options["boxes_per_cell"] + CLASSES)
        return YOLOv1Loss(num_classes=CLASSES, impl="torch", **options), raw
    if kind == "v3":
        return YOLOv3Loss(num_classes=CLASSES), [
            torch.zeros(1, 3 * (5 + CLASSES), side, side) for side in SIDES
        ]
    maps = [torch.zeros(1, 64 + CLASSES, side, side) for side in SIDES]
    if kind == "v8":
        return YOLOv8Loss(num_classes=CLASSES), maps
    return YOLOv10Loss(num_classes=CLASSES), {"one2many": maps, "one2one": [level.clone() for level in maps]}


def _write_loss(folder: Path, key: str, loss: Loss, raw: Any) -> GraphEntry:
    boxes = torch.tensor([[[0.5, 0.5, 0.4, 0.4]]]).repeat(1, SLOTS, 1)
    targets = Targets(
        boxes=boxes, labels=torch.zeros(1, SLOTS, dtype=torch.long), mask=torch.arange(SLOTS)[None] < 1
    )
    graph = save_onnx(loss, raw, targets, folder / f"{key}.onnx")
    lambdas = tuple(graph.example[-1].tolist())
    return GraphEntry(
        f"{key}.onnx", _shapes(graph.inputs, graph.example), graph.outputs, graph.names, lambdas
    )


def _write_coder(folder: Path, key: str, options: dict[str, Any]) -> GraphEntry:
    coder = _GridCoder(YOLOv1Loss(num_classes=CLASSES, **options).codec)
    grid, count = options["grid"], coder.codec.num_predictors
    example = (
        torch.zeros(1, grid, grid, coder.codec.channels),
        torch.full((count, 4), 0.5),
        torch.full((SLOTS, 4), 0.5),
    )
    names, outputs = ("raw", "boxes", "truths"), ("decoded", "encoded", "iou")
    save_function(coder, example, names, outputs, folder / f"{key}.onnx")
    return GraphEntry(f"{key}.onnx", _shapes(names, example), outputs)


def _write_decoder(folder: Path, key: str, loss: Loss, raw: Any) -> GraphEntry:
    levels, form = tree_flatten(raw)
    names, outputs = tuple(f"raw_{index}" for index in range(len(levels))), ("boxes", "scores")
    save_function(_Decoder(loss, form), tuple(levels), names, outputs, folder / f"{key}.onnx")
    return GraphEntry(f"{key}.onnx", _shapes(names, levels), outputs)


def _shapes(names: Sequence[str], example: Sequence[Tensor]) -> dict[str, tuple[int, ...]]:
    return {name: tuple(tensor.shape) for name, tensor in zip(names, example, strict=True)}
