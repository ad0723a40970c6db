"""Every value of a loss explained: ``yl.explain(loss_fn, raw, targets)``.

The module can be called: it is `explain` itself. Beside it: `find_nonfinite`. Pictures are in
`yolosses.explain.pictures`, which needs matplotlib.
"""

import sys
from types import ModuleType
from typing import Any

from yolosses.explain.build import ExplainableLoss, explain
from yolosses.explain.contributions import Contributions
from yolosses.explain.explanation import Explanation
from yolosses.explain.nonfinite import NonFinite, find_nonfinite
from yolosses.explain.structures import ExplainedObject, PredictedBoxes
from yolosses.explain.words import Sentence
from yolosses.language import LANGUAGES

__all__ = [
    "LANGUAGES",
    "Contributions",
    "ExplainableLoss",
    "ExplainedObject",
    "Explanation",
    "NonFinite",
    "PredictedBoxes",
    "Sentence",
    "explain",
    "find_nonfinite",
]


class _CallableModule(ModuleType):
    """``yolosses.explain(...)`` and ``yolosses.explain.find_nonfinite(...)`` both work."""

    def __call__(self, *args: Any, **kwargs: Any) -> Explanation:
        return explain(*args, **kwargs)


_CallableModule.__call__.__doc__ = explain.__doc__
sys.modules[__name__].__class__ = _CallableModule
