"""How sure the locations of a raw output are of a class, looked up where it is asked for, not computed everywhere."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from yolosses import modes
from yolosses.codecs.levels import Layout, take_by_level
from yolosses.precision import at_least_float32


@dataclass(frozen=True, kw_only=True, eq=False)
class ClassScores:
    """Class scores of all locations: sigmoid(logit), or with ``objectness`` the root of objectness times class (the
    score of YOLOX's assigner).

    Attributes:
        logits: views (B, C, n) of the raw output, one a level.
        objectness: views (B, n) of its objectness logits, one a level, or None.
    """

    logits: tuple[Tensor, ...]
    objectness: tuple[Tensor, ...] | None = None

    @classmethod
    def of(cls, probabilities: Tensor, counts: tuple[int, ...]) -> ClassScores:
        """From scores (B, A, C) between 0 and 1; ``counts``: locations of each level, A together."""
        return cls(logits=tuple(part.mT for part in torch.split(probabilities.logit(), list(counts), 1)))

    def of_images(self, images: Tensor | slice) -> ClassScores:
        """The scores of some images (n,) only."""
        objectness = None if self.objectness is None else tuple(level[images] for level in self.objectness)
        return ClassScores(logits=tuple(level[images] for level in self.logits), objectness=objectness)

    @property
    def num_classes(self) -> int:
        """C."""
        return self.logits[0].shape[1]

    def at(self, level: int, image: Tensor, location: Tensor, label: Tensor) -> Tensor:
        """Scores at places of one level; ``image``, ``location`` (within the level) and ``label``: int64, broadcast.
        At least float32."""
        score = at_least_float32(_gather(self.logits[level], image, label, location)).sigmoid()
        if self.objectness is None:
            return score
        return (score * at_least_float32(_gather(self.objectness[level], image, location)).sigmoid()).sqrt()

    def of_pairs(self, levels: Layout, predictor: Tensor, label: Tensor) -> Tensor:
        """(B, P) scores of the predictors (B, P) for the classes ``label`` (B, P)."""
        image = torch.arange(len(predictor), device=predictor.device)[:, None]
        return take_by_level(levels, predictor, lambda level, local, _: self.at(level, image, local, label))

    def everywhere(self) -> Tensor:
        """(B, A, C) the scores of all classes at all locations. At least float32."""
        images, device = len(self.logits[0]), self.logits[0].device
        image = torch.arange(images, device=device)[:, None]
        return torch.cat(
            [
                self.rows(level, image, torch.arange(logits.shape[2], device=device))
                for level, logits in enumerate(self.logits)
            ],
            1,
        )

    def rows(self, level: int, image: Tensor, location: Tensor) -> Tensor:
        """(..., C) the scores of all classes at places (...) of one level. At least float32."""
        score = at_least_float32(self.logits[level].mT[image, location]).sigmoid()
        if self.objectness is None:
            return score
        return (score * at_least_float32(self.objectness[level][image, location, None]).sigmoid()).sqrt()


def _gather(view: Tensor, *index: Tensor) -> Tensor:
    """``view[index]``, all indices not negative; on a CPU as one index into the flat storage of the view, whose places
    are computed where the indices are still narrow: several times as fast."""
    if not modes.dynamic_lengths(view) or view.numel() == 0:
        return view[index]
    last = sum((n - 1) * step for n, step in zip(view.shape, view.stride(), strict=True))
    *outer, inner = (
        part if step == 1 else part * step for part, step in zip(index, view.stride(), strict=True)
    )
    place = sum(outer[1:], outer[0]) + inner
    return view.as_strided((last + 1,), (1,)).index_select(0, place.flatten()).view(place.shape)
