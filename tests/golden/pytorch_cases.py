"""Golden vectors of the PyTorch implementations: one file a case, listed in ``pytorch/index_FAMILY.json``.

Large inputs are kept as a recipe (seeded integers) with a checksum instead of as numbers.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

import yolosses as yl

ROOT = Path(__file__).parent / "pytorch"
GRID = 128  # inputs are multiples of 1/128


@dataclass(frozen=True, kw_only=True, eq=False)
class PyTorchCase:
    """One recorded run. Attributes: record, the index entry (hyper-parameters, tags); stored, the arrays as they are;
    words, those that are no numbers."""

    family: str
    name: str
    tags: frozenset[str]
    record: Mapping[str, Any]
    stored: Mapping[str, Tensor]
    words: Mapping[str, tuple[str, ...]]

    def __str__(self) -> str:
        return self.name

    @property
    def informational(self) -> bool:
        """Rests on the order among exact ties: nothing to compare with."""
        return "informational" in self.tags

    def input(self, name: str, dtype: torch.dtype = torch.float32) -> Tensor:
        """A raw output of the network, a leaf that collects gradients."""
        value = self._made(name) if "recipe" in self.record else self.stored[name].float()
        return value.to(dtype).requires_grad_()

    def targets(self) -> yl.Targets:
        """From rows (image, class, cx, cy, w, h), fractions of the image; some are no boxes, to see what becomes of
        them."""
        rows = self.stored["targets"]
        return yl.Targets.from_yolo_rows(rows, batch_size=self.record["batch"])

    def gradient_error(self, name: str, gradient: Tensor) -> float:
        """Largest difference of ``gradient`` from the recorded ``name`` ("grad_boxes", "grad0"), over the largest
        recorded number. Of large cases, samples and sums of channels are recorded."""
        gradient = gradient.detach().double()
        if name in self.stored:
            return relative_error(gradient, self.stored[name].double())
        index = self.stored[f"{name}_sample_idx"].long()
        return relative_error(gradient.flatten()[index], self.stored[f"{name}_sample"].double())

    def _made(self, name: str) -> Tensor:
        recipe = self.record["recipe"]
        if "levels" in recipe:
            level = int(name.removeprefix("p"))
            made, wanted = _made_map(recipe, level), recipe["sha256"][level]
        else:
            made, wanted = self._made_flat(name, recipe[name]), recipe[f"sha256_{name}"]
        digest = hashlib.sha256(np.ascontiguousarray(made).tobytes()).hexdigest()
        assert digest == wanted, f"{self.name}: {name} is not made as it was"
        return torch.from_numpy(made)

    def _made_flat(self, name: str, recipe: Mapping[str, Any]) -> NDArray[np.float32]:
        """v8: multiples of 1/128, with some of them written over."""
        made = np.clip(_drawn(recipe) + recipe["mean128"], -2040, 2040) / GRID
        made = (_on_grid(made * 0.5) if recipe["halve"] else made).astype(np.float32)
        if f"{name}_override_idx" in self.stored:
            index, value = (self.stored[f"{name}_override_{part}"].numpy() for part in ("idx", "val"))
            made.reshape(-1)[index] = value
        return made


def relative_error(actual: Tensor, wanted: Tensor) -> float:
    """Largest difference over the largest wanted number (over 1 where that is 0)."""
    if not wanted.numel():
        return 0.0
    largest = float(wanted.abs().max())
    return float((actual - wanted).abs().max()) / (largest or 1.0)


@cache
def pytorch_cases(family: str) -> tuple[PyTorchCase, ...]:
    """All cases of a family: "v8", "v8_legacy83", "e2e", "v5", "v6", "v7", "v9mt", "yolox", "boxiou"."""
    index = json.loads((ROOT / f"index_{family}.json").read_text(encoding="utf-8"))
    return tuple(_case(family, entry) for entry in index["cases"])


def _case(family: str, entry: dict[str, Any]) -> PyTorchCase:
    with np.load(ROOT / entry["file"]) as arrays:
        loaded = {name: arrays[name] for name in arrays.files}
    words = {name: tuple(map(str, array)) for name, array in loaded.items() if array.dtype.kind == "U"}
    stored = {name: torch.from_numpy(array) for name, array in loaded.items() if name not in words}
    return PyTorchCase(
        family=family,
        name=entry["name"],
        tags=frozenset(entry.get("tags", ())),
        record=entry,
        stored=stored,
        words=words,
    )


def _drawn(recipe: Mapping[str, Any]) -> NDArray[np.int64]:
    state = np.random.RandomState(recipe["seed"])
    a, shape = recipe["A"], tuple(recipe["shape"])
    draws = [state.randint(-a, a + 1, size=shape) for _ in range(4)]
    total: NDArray[np.int64] = sum(draws[1:], draws[0])
    return total


def _on_grid(value: NDArray[np.float64]) -> NDArray[np.float64]:
    rounded: NDArray[np.float64] = np.round(value * GRID) / GRID
    return rounded


def _made_map(recipe: Mapping[str, Any], level: int) -> NDArray[np.float32]:
    """One level of v5 (channels last, means in the recipe) or YOLOX (channels first)."""
    made = np.clip(_drawn(recipe["levels"][level]), -2040, 2040) / GRID
    if "obj_mean" in recipe:
        made[..., 4] += recipe["obj_mean"]
        made[..., 5:] += recipe["cls_mean"]
    else:
        made[:, :4] = made[:, :4] * 0.5 + 0.5
        made[:, 4] -= 4
        made[:, 5:] -= 3
    return np.clip(_on_grid(made), -2040 / GRID, 2040 / GRID).astype(np.float32)
