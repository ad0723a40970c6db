"""Checks of arguments, one for each kind, so that every message has the same form: name, expected, got.

Each returns the value as the library keeps it. Values are read, so a tensor on a GPU makes the host wait: they are for
constructors. Only `normalizer_value` is for the step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from yolosses import modes
from yolosses.precision import at_least_float32

Choice = TypeVar("Choice", bound=str)
Normalizer = TypeVar("Normalizer", bound=Tensor | float | None)

Anchors = tuple[tuple[float, float], ...]


def choice(name: str, value: object, choices: Sequence[Choice]) -> Choice:
    """``value``, one of ``choices``; else ``ValueError``."""
    for known in choices:
        if isinstance(value, str) and value == known:
            return known
    raise ValueError(f"{name}: expected one of {', '.join(map(repr, choices))}; got {value!r}")


def number(name: str, value: object, *, least: float = 0.0, most: float = math.inf) -> float:
    """A finite number from ``least`` to ``most``, as a Python int or float.

    Takes those, NumPy's, and tensors of no dimension on the CPU. ``TypeError`` for what is no number, a bool among it;
    ``ValueError`` for one out of range.
    """
    expected = _range_of("a number", least, most)
    plain = _plain(name, value, expected)
    if not _is_number(plain):
        raise TypeError(f"{name}: expected {expected}; got {value!r}")
    if not (least <= plain <= most and math.isfinite(plain)):
        raise ValueError(f"{name}: expected {expected}; got {plain!r}")
    return plain  # type: ignore[no-any-return]


def numbers(**values: object) -> tuple[float, ...]:
    """Numbers >= 0 by their names, in order."""
    return tuple(number(name, value) for name, value in values.items())


def integer(name: str, value: object, *, least: int = 1) -> int:
    """An integer from ``least``, as a Python int: see `number`. A float is refused, a whole one too."""
    expected = f"an integer >= {least}"
    plain = _plain(name, value, expected)
    if not _is_number(plain) or isinstance(plain, float):
        raise TypeError(f"{name}: expected {expected}; got {value!r}")
    if plain < least:
        raise ValueError(f"{name}: expected {expected}; got {plain!r}")
    return int(plain)


def class_factors(name: str, value: object, num_classes: int) -> Tensor | None:
    """(C,) constant factors >= 0, one for each class, in a floating tensor of its own; None for None.

    A tensor keeps its device, and float64; a list, tuple or array becomes one on the CPU, of torch's default dtype.
    Half precision becomes float32. Also of a tensor made in inference mode the copy can be trained with. The values of
    a meta tensor are not looked at. ``TypeError`` for what holds no numbers; ``ValueError`` for another shape, a number
    that is negative or not finite, or a tensor that requires grad.
    """
    if value is None:
        return None
    expected = f"({num_classes},) numbers >= 0, one for each class"
    table = _table(name, value, expected)
    if table.shape != (num_classes,):
        raise ValueError(f"{name}: expected {expected}; got {tuple(table.shape)}")
    if not table.is_meta and not bool((table.isfinite() & (table >= 0)).all()):
        raise ValueError(f"{name}: expected {expected}; got {table.tolist()}")
    return table


def stride_sizes(value: object) -> tuple[float, ...]:
    """Strides in pixels, one for each level: a list, tuple, array or tensor of numbers > 0. Whole ones become int."""
    expected = "numbers > 0, one for each level"
    sizes = _nested("strides", value, expected)
    if not isinstance(sizes, list) or not all(map(_is_number, sizes)):
        raise TypeError(f"strides: expected {expected}; got {_shown(value)}")
    if not sizes or not all(map(_is_positive, sizes)):
        raise ValueError(f"strides: expected {expected}; got {_shown(value)}")
    return tuple(int(size) if size == int(size) else size for size in sizes)


def image_size_of(value: object) -> tuple[int, int] | None:
    """(height, width) in pixels, from that pair or from one side of a square, alone or in a list, array or tensor; None
    for None."""
    if value is None:
        return None
    expected = "None, or pixels as (height, width) or one side of a square, whole numbers >= 1"
    sides = _nested("image_size", value, expected)
    if not isinstance(sides, list):
        sides = [sides]
    if not all(map(_is_number, sides)):
        raise TypeError(f"image_size: expected {expected}; got {_shown(value)}")
    if len(sides) not in (1, 2) or not all(_is_positive(side) and side == int(side) for side in sides):
        raise ValueError(f"image_size: expected {expected}; got {_shown(value)}")
    return int(sides[0]), int(sides[-1])


def anchor_sizes(value: object, num_levels: int) -> tuple[Anchors, ...]:
    """``anchors`` of several levels: for each level equally many (w, h) > 0, at least one.

    Takes (L, K, 2) as nested lists, array or tensor, and YOLOv5's form: one flat list w, h, w, h, ... a level.
    """
    expected = f"for each of {num_levels} levels equally many (w, h) above 0"
    levels = _nested("anchors", value, expected)
    pairs = [_pairs(level) or () for level in levels] if isinstance(levels, list) else []
    counts = {len(level) for level in pairs}
    if len(pairs) != num_levels or len(counts) != 1 or 0 in counts:
        raise ValueError(f"anchors: expected {expected}; got {_shown(value)}")
    return tuple(pairs)


def anchor_list(name: str, value: object, *, empty: bool = False) -> Anchors:
    """(w, h) > 0, at least one unless ``empty``: from (N, 2) as nested lists, array or tensor, or from one flat list w,
    h, w, h, ..."""
    pairs = _pairs(_nested(name, value, "(w, h) above 0"))
    if pairs is None or not (pairs or empty):
        raise ValueError(f"{name}: expected (w, h) above 0; got {_shown(value)}")
    return pairs


def normalizer_value(value: Normalizer, shape: Sequence[int] = ()) -> Normalizer:
    """What a loss is to be divided by: finite and > 0, a number, or a tensor of one number or of ``shape``; or None,
    the loss's own.

    For the step: a tensor that the host would have to wait for, and one in a traced graph, is not looked at.
    """
    given: object = value
    expected = "a finite number > 0"
    if isinstance(given, Tensor):
        if given.shape != tuple(shape) and given.numel() != 1:
            form = f", or {tuple(shape)} of them as own_normalizer gives" if shape else ""
            raise ValueError(f"normalizer: expected {expected}{form}; got {tuple(given.shape)}")
        if given.dtype == torch.bool or given.is_complex():
            raise TypeError(f"normalizer: expected {expected}; got a tensor of {given.dtype}")
        if modes.dynamic_lengths(given):
            known = given.detach()
            if not bool((known.isfinite() & (known > 0)).all()):
                raise ValueError(f"normalizer: expected {expected}; got {known.tolist()}")
        one = given.reshape(()) if given.shape != tuple(shape) else given
        return normal_tensor(one)  # type: ignore[return-value]
    if torch.compiler.is_compiling() and isinstance(given, (np.number, np.ndarray)):
        return value  # to a compiler NumPy's numbers are tensors
    if given is None:
        return value
    if isinstance(given, bool) or not isinstance(given, (int, float, np.number)):
        raise TypeError(f"normalizer: expected {expected}; got {given!r}")
    if not 0 < given < math.inf:
        raise ValueError(f"normalizer: expected {expected}; got {given!r}")
    return value


def normal_tensor(tensor: Tensor) -> Tensor:
    """``tensor``, or a copy of it that autograd may use if it was made in inference mode; its graph is kept."""
    if torch.compiler.is_compiling():
        return tensor  # a compiler cannot ask
    if torch.is_inference_mode_enabled():
        # What is made within is an inference tensor, a clone too. Leaving the mode turns gradients on.
        with torch.inference_mode(False), torch.no_grad():
            return tensor.clone()
    return tensor.clone() if tensor.is_inference() else tensor


def rows_and_columns(name: str, value: Any) -> tuple[int, int]:
    """(rows, columns), each an integer >= 1, of such a pair or of one integer for both."""
    pair = _nested(name, value, "an integer or (rows, columns)")
    pair = pair if isinstance(pair, list) else [pair, pair]
    if len(pair) != 2 or isinstance(pair[0], (str, float)) or value is None:
        raise TypeError(f"{name}: expected an integer or (rows, columns); got {value!r}")
    return integer(name, pair[0]), integer(name, pair[1])


def level_numbers(name: str, value: Any, num_levels: int, *, least: float = 0.0) -> tuple[float, ...]:
    """A number for each level, finite and >= ``least``, from as many in a list, tuple, array or tensor, or from one for
    all."""
    expected = f"a number >= {least:g}, or one for each of {num_levels} levels"
    each = _nested(name, value, expected)
    each = each if isinstance(each, list) else [each] * num_levels
    if len(each) != num_levels or not all(map(_is_number, each)):
        kind = ValueError if isinstance(value, (Sequence, np.ndarray, Tensor)) else TypeError
        raise kind(f"{name}: expected {expected}; got {_shown(value)}")
    if not all(least <= one < math.inf for one in each):
        raise ValueError(f"{name}: expected {expected}; got {_shown(value)}")
    return tuple(float(one) for one in each)


def functions(**values: Any) -> tuple[Any, ...]:
    """Functions by their names, in order; ``TypeError`` for what cannot be called."""
    for name, value in values.items():
        if not callable(value):
            raise TypeError(f"{name}: expected a function; got {value!r}")
    return tuple(values.values())


def switch(name: str, value: object) -> bool:
    """True or False; ``TypeError`` for anything else, a word above all."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{name}: expected True or False; got {value!r}")
    return bool(value)


def _range_of(kind: str, least: float, most: float) -> str:
    if math.isinf(most):
        return f"a finite {kind[2:]}" if math.isinf(least) else f"{kind} >= {least:g}"
    return f"{kind} <= {most:g}" if math.isinf(least) else f"{kind} from {least:g} to {most:g}"


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_positive(value: float) -> bool:
    return 0 < value < math.inf


def _plain(name: str, value: Any, expected: str) -> Any:
    """The Python number in a NumPy scalar or in a tensor of no dimension; anything else as it is."""
    if isinstance(value, (Tensor, np.ndarray, np.generic)) and value.ndim == 0:
        return _nested(name, value, expected)
    return value


def _nested(name: str, value: Any, expected: str) -> Any:
    """The Python numbers in ``value``, in lists for tuples, arrays and tensors; anything else unchanged."""
    if isinstance(value, Tensor):
        if value.requires_grad:
            raise ValueError(f"{name}: expected constants; got a tensor that requires grad")
        if value.is_meta or value.is_complex():
            raise TypeError(f"{name}: expected {expected}; got a tensor of {value.dtype} on {value.device}")
        return value.tolist()
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        return [_nested(name, element, expected) for element in value]
    return value


def _pairs(sizes: object) -> Anchors | None:
    """(w, h) > 0 from [[w, h], ...] or [w, h, ...]; None if it is neither."""
    if not isinstance(sizes, list):
        return None
    flat = all(map(_is_number, sizes))
    pairs = [sizes[start : start + 2] for start in range(0, len(sizes), 2)] if flat else sizes
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            return None
        if not all(_is_number(side) and _is_positive(side) for side in pair):
            return None
    return tuple((pair[0], pair[1]) for pair in pairs)


def _table(name: str, value: object, expected: str) -> Tensor:
    """``value`` in a floating tensor of its own."""
    if isinstance(value, Tensor):
        if value.requires_grad:
            raise ValueError(f"{name}: expected constants; got a tensor that requires grad")
        if value.dtype == torch.bool or value.is_complex():
            raise TypeError(f"{name}: expected {expected}; got a tensor of {value.dtype}")
        floating = value if value.is_floating_point() else value.to(torch.get_default_dtype())
        own = floating.as_subclass(Tensor).detach().clone()
        return normal_tensor(at_least_float32(own))
    numbers = _nested(name, value, expected)
    try:
        array = np.asarray(numbers)
    except ValueError:  # rows of different length
        array = np.asarray(None)
    if not isinstance(numbers, list) or (array.size and array.dtype.kind not in "iuf"):
        raise TypeError(f"{name}: expected {expected}; got {_shown(value)}")
    dtype = torch.promote_types(torch.get_default_dtype(), torch.float32)
    return normal_tensor(torch.tensor(numbers, dtype=dtype, device="cpu"))


def _shown(value: object) -> str:
    """``value`` on one line."""
    return repr(value.tolist() if isinstance(value, (Tensor, np.ndarray)) else value)
