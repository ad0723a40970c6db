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

from yolosses.arguments import choice
from yolosses.boxes import pairwise_iou
from yolosses.codecs import GridCodec
from yolosses.export.graph import LossGraph
from yolosses.export.onnx_file import save_function, save_graph
from yolosses.losses import YOLOv1Loss, YOLOv3Loss, YOLOv8Loss, YOLOv10Loss
from yolosses.losses.base import Loss
from yolosses.structures import Targets

CLASSES = 10  # digits
SLOTS = 6  # objects of a scene
GRIDS, BOXES = (3, 5, 7), (1, 2, 3)  # of the files; the live engine takes any up to
MOST_GRID, MOST_BOXES = 13, 5
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


@dataclass(frozen=True)
class Graph:
    """A function of tensors, an example of its inputs, and what the page has to know of it."""

    function: nn.Module
    example: tuple[Tensor, ...]
    entry: GraphEntry


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
    jobs = [(folder, key) for key in _keys()]
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        entries = dict(pool.map(_write, jobs))
    manifest = {
        "classes": CLASSES, "slots": SLOTS, "grids": GRIDS, "boxes": BOXES, "options": OPTIONS, "sides": SIDES,
        "graphs": {key: vars(entry) for key, entry in sorted(entries.items())},
    }  # fmt: skip
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    return entries


def _keys() -> Iterator[str]:
    for grid, boxes in product(GRIDS, BOXES):
        yield f"codec-{grid}-{boxes}"
        yield from (f"v1-{grid}-{boxes}-{'-'.join(options)}" for options in product(*OPTIONS.values()))
    yield from (key for kind in _LATER for key in (kind, f"{kind}-decode"))


def _write(job: tuple[Path, str]) -> tuple[str, GraphEntry]:
    folder, key = job
    torch.set_num_threads(1)
    graph = graph_of(key)
    path = folder / graph.entry.file
    if isinstance(graph.function, LossGraph):
        save_graph(graph.function, path)
    else:
        save_function(graph.function, graph.example, tuple(graph.entry.inputs), graph.entry.outputs, path)
    return key, graph.entry


def graph_of(key: str) -> Graph:
    """The function that a key stands for: ``codec-S-B``, ``v1-S-B-SIZE_TERM-CONFIDENCE_TARGET-CLASS_TERM``, ``v3``,
    ``v8``, ``v10``, and these with ``-decode``.

    Raises:
        ValueError: ``key`` is none of these, or its grid or boxes are out of range.
    """
    match key.split("-"):
        case ["codec", grid, boxes]:
            shape: dict[str, Any] = {
                "grid": integer(grid, MOST_GRID),
                "boxes_per_cell": integer(boxes, MOST_BOXES),
            }
            return coder_graph(key, YOLOv1Loss(num_classes=CLASSES, **shape).codec)
        case ["v1", grid, boxes, *options] if len(options) == len(OPTIONS):
            shape = {"grid": integer(grid, MOST_GRID), "boxes_per_cell": integer(boxes, MOST_BOXES)}
            return loss_graph(key, *_v1(**shape, **chosen(options)))
        case [kind] if kind in _LATER:
            return loss_graph(key, *_LATER[kind]())
        case [kind, "decode"] if kind in _LATER:
            return decoder_graph(key, *_LATER[kind]())
    raise ValueError(f"graph: expected codec-S-B, v1-S-B-..., v3, v8 or v10; got {key[:80]!r}")


def chosen(options: Sequence[str]) -> dict[str, str]:
    """The keywords of `YOLOv1Loss` for options in the order of ``OPTIONS``. Raises ``ValueError``."""
    keywords = dict(zip(OPTIONS, options, strict=True))
    return {name: choice(name, value, OPTIONS[name]) for name, value in keywords.items()}


def integer(text: str, most: int) -> int:
    """A number of a key, from 1 to ``most``. Raises ``ValueError``."""
    if not text.isascii() or not text.isdigit() or len(text) > 4 or not 1 <= int(text) <= most:
        raise ValueError(f"graph: expected a number of 1 to {most}; got {text[:20]!r}")
    return int(text)


def _v1(**options: Any) -> tuple[Loss, Any]:
    loss = YOLOv1Loss(num_classes=CLASSES, impl="torch", **options)
    return loss, torch.zeros(1, *loss.codec.grid, loss.codec.channels)


def _v3() -> tuple[Loss, Any]:
    return YOLOv3Loss(num_classes=CLASSES), [torch.zeros(1, 3 * (5 + CLASSES), side, side) for side in SIDES]


def _v8() -> tuple[Loss, Any]:
    return YOLOv8Loss(num_classes=CLASSES), [torch.zeros(1, 64 + CLASSES, side, side) for side in SIDES]


def _v10() -> tuple[Loss, Any]:
    _, maps = _v8()
    return YOLOv10Loss(num_classes=CLASSES), {"one2many": maps, "one2one": [level.clone() for level in maps]}


_LATER = {"v3": _v3, "v8": _v8, "v10": _v10}


def loss_graph(key: str, loss: Loss, raw: Any, *, slots: int = SLOTS, ignore: bool = False) -> Graph:
    """``loss`` of one picture with ``slots`` objects as a `Graph`. ``raw``: an example of its input; ``ignore``: also
    with regions that are ignored."""
    boxes = torch.tensor([[[0.5, 0.5, 0.4, 0.4]]]).repeat(1, slots, 1)
    mask = torch.arange(slots)[None] < 1
    labels = torch.zeros(1, slots, dtype=torch.long)
    ignored = torch.zeros(1, slots, dtype=torch.bool) if ignore else None
    graph = LossGraph(loss, raw, Targets(boxes=boxes, labels=labels, mask=mask, ignore=ignored))
    lambdas = tuple(graph.example[-1].tolist())
    return _graph(key, graph, graph.example, graph.inputs, graph.outputs, terms=graph.names, lambdas=lambdas)


def coder_graph(key: str, codec: GridCodec, *, slots: int = SLOTS) -> Graph:
    """What ``codec`` makes of a raw output, and of boxes, as a `Graph`."""
    raw = torch.zeros(1, *codec.grid, codec.channels)
    example = (raw, torch.full((codec.num_predictors, 4), 0.5), torch.full((slots, 4), 0.5))
    names, outputs = ("raw", "boxes", "truths"), ("decoded", "encoded", "iou")
    return _graph(key, _GridCoder(codec), example, names, outputs)


def decoder_graph(key: str, loss: Loss, raw: Any) -> Graph:
    """The boxes and scores that ``loss`` reads from a raw output like ``raw``, as a `Graph`."""
    levels, form = tree_flatten(raw)
    names = tuple(f"raw_{index}" for index in range(len(levels)))
    return _graph(key, _Decoder(loss, form), tuple(levels), names, ("boxes", "scores"))


def _graph(
    key: str, function: nn.Module, example: tuple[Tensor, ...], inputs: Sequence[str], outputs: Sequence[str],
    terms: tuple[str, ...] = (), lambdas: tuple[float, ...] = (),
) -> Graph:  # fmt: skip
    shapes = {name: tuple(tensor.shape) for name, tensor in zip(inputs, example, strict=True)}
    return Graph(function, example, GraphEntry(f"{key}.onnx", shapes, tuple(outputs), terms, lambdas))
