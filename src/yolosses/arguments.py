"""Checks of constructor arguments, so that every message has the same form: name, expected, got."""

from collections.abc import Sequence


def require_choice(name: str, value: object, choices: Sequence[str]) -> None:
    """Raise ``ValueError`` unless ``value`` is one of ``choices``."""
    if value not in choices:
        raise ValueError(f"{name}: expected one of {', '.join(map(repr, choices))}; got {value!r}")


def require_at_least(name: str, value: float, least: float, *, kind: type[int] | type[float] = float) -> None:
    """Raise ``TypeError`` unless ``value`` is a number of ``kind``, ``ValueError`` unless it is ``>=
    least``."""
    wanted = "an integer" if kind is int else "a number"
    if isinstance(value, bool) or not isinstance(value, (int,) if kind is int else (int, float)):
        raise TypeError(f"{name}: expected {wanted} >= {least}; got {value!r}")
    if not least <= value < float("inf"):
        raise ValueError(f"{name}: expected {wanted} >= {least}; got {value!r}")


def require_pair(name: str, value: object) -> None:
    """Raise ``TypeError`` unless ``value`` is a tuple of two; what it holds is checked apart."""
    if not isinstance(value, tuple) or len(value) != 2:
        raise TypeError(f"{name}: expected an integer or (rows, columns); got {value!r}")


def require_class_weight(value: object, num_classes: int) -> None:
    """Raise ``ValueError`` unless ``value`` is None or a tensor with one number for each class."""
    if value is not None and getattr(value, "shape", None) != (num_classes,):
        got = tuple(value.shape) if hasattr(value, "shape") else repr(value)
        raise ValueError(f"class_weight: expected a tensor ({num_classes},); got {got}")
