"""``python -m yolosses.lessons.faulty_graphs OUT``: the faulty losses as graphs, added to the playground's in OUT, and
what is wrong in each as the lesson says it."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from yolosses.export.onnx_file import save_function
from yolosses.export.playground import CLASSES, Graph, GraphEntry
from yolosses.lessons.exercises import find_the_bug
from yolosses.lessons.exercises.faulty import BOXES, VERSIONS, PlainLoss

GRID = 3
MOST_OBJECTS = 3
LOSSES = (PlainLoss(), *VERSIONS)
KEYS = tuple(f"faulty-{objects}" for objects in range(1, MOST_OBJECTS + 1))
INPUTS, OUTPUTS = ("raw", "cells", "truth", "labels"), ("totals", "gradients")


class FaultyLosses(nn.Module):
    """The right loss and the faulty ones, of one output and the same objects."""

    def forward(self, raw: Tensor, cells: Tensor, truth: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """``raw`` (S, S, F) with w and h, not their roots; see `PlainLoss.value`. Gives (9,) and (9, S, S, F)."""
        totals, gradients = [], []
        with torch.enable_grad():
            for loss in LOSSES:
                leaf = raw.detach().requires_grad_()
                total = loss.value(leaf, cells, truth, labels)
                gradients.append(torch.autograd.grad(total, leaf)[0])
                totals.append(total)
        return torch.stack(totals).detach(), torch.stack(gradients)


def faulty_graph(key: str) -> Graph:
    """The losses for as many objects as ``key``, one of ``KEYS``, says."""
    objects = 1 + KEYS.index(key)
    raw = torch.full((GRID, GRID, 5 * BOXES + CLASSES), 0.25)
    labels = torch.zeros(objects, dtype=torch.long)
    example = (raw, torch.arange(objects), torch.full((objects, 4), 0.5), labels)
    shapes = {name: tuple(tensor.shape) for name, tensor in zip(INPUTS, example, strict=True)}
    return Graph(FaultyLosses(), example, GraphEntry(f"{key}.onnx", shapes, OUTPUTS))


def write_faulty(folder: Path) -> None:
    """Write one graph for each number of objects, and name them in ``manifest.json`` of ``folder``; and what is wrong
    in each version to ``faults.json``.

    Raises:
        OSError: naming a file that cannot be read or written.
    """
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for key in KEYS:
        graph = faulty_graph(key)
        save_function(graph.function, graph.example, INPUTS, OUTPUTS, folder / graph.entry.file)
        manifest["graphs"][key] = vars(graph.entry)
    path.write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    faults = [{"en": version.fault.en, "zh-TW": version.fault.zh} for version in find_the_bug.VERSIONS]
    (folder / "faults.json").write_text(json.dumps(faults, indent=1, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    write_faulty(Path(sys.argv[1]))
