"""Triton's interpreter, made faster for the tests: with the same numbers, in half of the time."""

from collections.abc import Callable
from functools import wraps
from typing import Any


def make_faster() -> None:
    """To be called once in a process."""
    _replace_the_language_once()
    _know_types_again()


def _replace_the_language_once() -> None:
    """While a kernel runs, the interpreter has the functions of the language replaced by its own. It looks for all of
    them again whenever a kernel calls a function, and finds that none is left to replace."""
    import triton.language as tl
    from triton.runtime import interpreter

    replace: Callable[[Any], Any] = interpreter._patch_lang

    @wraps(replace)
    def replace_what_is_left(function: Any) -> Any:
        used = [module for module in function.__globals__.values() if module is tl or module is tl.core]
        if used and not any(tl.core.is_builtin(module.load) for module in used):
            return interpreter._LangPatchScope()  # of no changes
        return replace(function)

    interpreter._patch_lang = replace_what_is_left


def _know_types_again() -> None:
    """Every value that a kernel computes has a type made for it, with its name and its checks; there are few."""
    import triton.language as tl
    from triton.runtime import interpreter

    make, numpy_type = tl.block_type.__init__, interpreter._get_np_dtype
    made: dict[tuple[str, tuple[int, ...]], dict[str, Any]] = {}
    found: dict[str, Any] = {}

    @wraps(make)
    def make_or_copy(self: Any, element_ty: Any, shape: Any) -> None:
        key = element_ty.name, tuple(getattr(side, "value", side) for side in shape)
        if key not in made:
            make(self, element_ty, shape)
            made[key] = vars(self).copy()
        vars(self).update(made[key])

    @wraps(numpy_type)
    def find_or_remember(kind: Any) -> Any:
        if kind.name not in found:
            found[kind.name] = numpy_type(kind)
        return found[kind.name]

    tl.block_type.__init__ = make_or_copy
    interpreter._get_np_dtype = find_or_remember
