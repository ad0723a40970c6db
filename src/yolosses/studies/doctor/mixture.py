"""Pictures with a fault among pictures without, when each offers some evidence but none may be enough by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from yolosses.studies.doctor.rows import Floats

ROUNDS = 40  # of expectation-maximisation


@dataclass(frozen=True, kw_only=True, eq=False)
class Mixture:
    """How many pictures have the fault, and which.

    Attributes:
        evidence: (F,) of each picture for the fault, the logarithm of how much likelier its labels are with it.
        share: of the pictures that have it.
    """

    evidence: Floats
    share: float

    @classmethod
    def fitted(cls, evidence: Floats, share: float = 0.1) -> Mixture:
        """The share that makes the evidence most likely, beginning with ``share``."""
        mixture = cls(evidence=evidence, share=bounded(share, len(evidence)))
        for _ in range(ROUNDS):
            share = bounded(float(mixture.probability.mean()), len(evidence))
            mixture = cls(evidence=evidence, share=share)
        return mixture

    @property
    def probability(self) -> Floats:
        """(F,) that a picture has the fault."""
        odds = np.log(self.share) - np.log1p(-self.share) + self.evidence
        return np.asarray(1 / (1 + np.exp(-np.clip(odds, -500, 500))))


def bounded(share: float, count: int) -> float:
    """No share is so sure that one picture more or less could not change it."""
    least = 0.5 / (count + 1)
    return min(max(share, least), 1 - least)
