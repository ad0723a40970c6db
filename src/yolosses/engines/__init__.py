"""Engines: how the sums of a loss are computed. What they are is defined in `losses`.

``impl`` of a loss names one:

- "auto", the default: Triton for tensors on a GPU where it is installed and knows the formula, else "torch".
- "torch": the formula itself.
- "triton": kernels for a GPU. "numba": loops for a CPU; the first call compiles them.

`choose` is the only place that decides. Learned object weights and target boxes go through the formula, which has their
gradients.
"""

from __future__ import annotations

from torch import Tensor

from yolosses import modes
from yolosses.arguments import choice
from yolosses.engines.kernels import NUMBA, TRITON, Kernels
from yolosses.engines.recipes import GridSquares, PointSums, Recipe
from yolosses.engines.reference import Reference, is_learned
from yolosses.structures import Targets

__all__ = ["Engine", "GridSquares", "PointSums", "Recipe", "check", "choose"]

Engine = Reference | Kernels
KERNELS = {"triton": TRITON, "numba": NUMBA}


def check(name: str, recipe: Recipe | None, loss: str) -> None:
    """Raise ``ValueError`` unless ``name`` is an engine that knows ``recipe``. ``loss``: the class, for the message."""
    choice("impl", name, ("auto", "torch", "triton", "numba"))
    if name in KERNELS and recipe is None:
        raise ValueError(
            f"impl: expected 'auto' or 'torch' for {loss} with these options, which no kernel computes; got {name!r}"
        )


def choose(name: str, recipe: Recipe | None, like: Tensor, targets: Targets, loss: str) -> Engine:
    """The engine for an output like ``like``. Raises what `check` raises, and where an engine that is asked for by name
    cannot run on ``like``."""
    check(name, recipe, loss)  # options may have been set since
    if name == "auto" and like.is_cuda and TRITON.installed and recipe is not None:
        name = "triton"
    if name not in KERNELS:
        return Reference()
    kernels = KERNELS[name]
    kernels.require(like)
    # Kernels compute the gradient of a term that is switched off too, as 0 times it: NaN, where it is.
    by_formula = modes.is_exporting() or is_learned(targets) or recipe is None or not all(recipe.scales)
    return Reference() if by_formula else kernels
