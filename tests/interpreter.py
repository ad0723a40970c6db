"""Triton's interpreter, made faster for the tests: with the same numbers, in two thirds of the time."""

from collections.abc import Callable
from functools import wraps
from typing import Any


def replace_the_language_once() -> None:
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
