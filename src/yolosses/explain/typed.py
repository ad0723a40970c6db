"""What ``yl.explain`` is to a type checker, which knows of no module that can be called."""

from collections.abc import Sequence
from typing import Protocol

from torch import Tensor

from yolosses.explain.build import ExplainableLoss
from yolosses.explain.explanation import Explanation
from yolosses.explain.nonfinite import NonFinite
from yolosses.explain.raw_output import Raw
from yolosses.structures import Assignment, Targets


class Explain(Protocol):
    """A function, and a module."""

    def __call__(
        self,
        loss_fn: ExplainableLoss,
        raw: Raw,
        targets: Targets,
        *,
        assignment: Assignment | None = None,
        normalizer: Tensor | float | None = None,
        class_names: Sequence[str] | None = None,
        image_names: Sequence[str] | None = None,
    ) -> Explanation:
        """See `yolosses.explain.build.explain`."""

    def find_nonfinite(
        self,
        loss_fn: ExplainableLoss,
        raw: Raw,
        targets: Targets,
        *,
        class_names: Sequence[str] | None = None,
        image_names: Sequence[str] | None = None,
    ) -> NonFinite | None:
        """See `yolosses.explain.nonfinite.find_nonfinite`."""


explain: Explain
