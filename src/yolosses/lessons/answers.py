"""Run a learner's function safely: any style, never a traceback, never without an end."""

from __future__ import annotations

import contextlib
import inspect
import io
import linecache
import signal
import sys
import threading
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import CodeType, FrameType
from typing import Any

import numpy as np
import torch

from yolosses.lessons.scene import Array

SECONDS = 5.0  # of one call
_NOT_REAL = ("math domain error", "expected a nonnegative input", "expected a positive input")  # from `math`
Dialect = Callable[[Any], Any]


class TooLong(BaseException):
    """Not an `Exception`, so that a learner's ``except Exception`` does not swallow it."""


@dataclass(frozen=True)
class Failure:
    """Why a call gave no number: the learner's own line, if the fault has one, and what happened there."""

    kind: str  # "error", "too long", "not numbers", or of a root of a negative number "complex" or "not real"
    message: str
    line: str = ""
    number: int | None = None


@dataclass(frozen=True)
class Result:
    """What a call returned as numbers, or None where nothing or no numbers came, and what it printed."""

    value: Array | None = None
    failure: Failure | None = None
    printed: str = ""


def _as_numpy(value: Any) -> Any:
    return value.copy() if isinstance(value, np.ndarray) else value


def _as_torch(value: Any) -> Any:
    return torch.tensor(value, dtype=torch.float64) if isinstance(value, np.ndarray | float) else value


def _as_lists(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def dialect_of(function: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[Dialect, Result]:
    """How to pass arrays: as NumPy arrays, tensors or lists, whichever ``function`` can read; and what came.

    The first that runs without an error is taken; if none does, the one whose error the learner will understand.
    """
    order = [_as_numpy, _as_torch, _as_lists]
    if "torch" in _names(getattr(function, "__code__", None)):
        order = [_as_torch, _as_numpy, _as_lists]
    first = None
    for dialect in order:
        result = run(function, arguments, dialect)
        if result.failure is None or result.failure.kind == "too long":
            return dialect, result
        first = first or (dialect, result)
    assert first is not None
    return first


def run(function: Callable[..., Any], arguments: Mapping[str, Any], dialect: Dialect = _as_numpy) -> Result:
    """Call ``function`` with copies of ``arguments``."""
    printed = io.StringIO()
    try:
        with _quiet(printed), within(SECONDS):
            returned = function(*(dialect(value) for value in arguments.values()))
    except KeyboardInterrupt:
        raise
    except TooLong:
        return Result(failure=Failure("too long", f"{SECONDS:.0f}"), printed=printed.getvalue())
    except NotImplementedError:  # what a stub raises
        return Result(printed=printed.getvalue())
    except BaseException as error:  # SystemExit too: a learner's exit() must not end the notebook
        return Result(failure=_failure(error, function), printed=printed.getvalue())
    if returned is None or returned is Ellipsis:
        return Result(printed=printed.getvalue())
    if _is_complex(returned):
        return Result(failure=Failure("complex", "complex"), printed=printed.getvalue())
    try:
        return Result(numbers(returned), printed=printed.getvalue())
    except (TypeError, ValueError):
        return Result(failure=Failure("not numbers", type(returned).__name__), printed=printed.getvalue())


def numbers(value: Any) -> Array:
    """Numbers, tensors, arrays, or nested lists of these, as one array.

    Raises:
        TypeError, ValueError: they are not numbers, or lists of different lengths.
    """
    if isinstance(value, torch.Tensor):
        return np.asarray(value.detach().cpu().to(torch.float64).numpy())
    if isinstance(value, list | tuple):
        return np.asarray([numbers(part) for part in value], dtype=np.float64)
    if isinstance(value, str | dict):
        raise TypeError(type(value).__name__)
    return np.asarray(value, dtype=np.float64)


def same(came: Array, expected: Array) -> bool:
    """Equal up to the rounding of float32; a number may come as an array of one element."""
    if came.size != expected.size or came.squeeze().shape != expected.squeeze().shape:
        return False
    return bool(np.allclose(came.squeeze(), expected.squeeze(), rtol=1e-4, atol=1e-6, equal_nan=True))


def parameters(function: Callable[..., Any]) -> tuple[int, float] | None:
    """The least and the largest number of positional arguments that ``function`` takes; None if it does not say."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return None
    least, most = 0, 0.0
    for parameter in signature.parameters.values():
        if parameter.kind is parameter.VAR_POSITIONAL:
            most = float("inf")
        elif parameter.kind in (parameter.POSITIONAL_ONLY, parameter.POSITIONAL_OR_KEYWORD):
            least += parameter.default is parameter.empty
            most += 1
    return least, most


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise `TooLong` in the block when it takes longer.

    A timer of the system ends even a sleep, but exists only in the main thread and not on Windows; elsewhere a trace
    looks at the clock at each line. Neither can end a loop inside compiled code.
    """
    if hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread():
        yield from _by_timer(seconds)
    else:
        yield from _by_trace(seconds)


def _by_timer(seconds: float) -> Iterator[None]:
    def stop(number: int, frame: FrameType | None) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds, 0.1)  # again, in case the learner's code swallows the first
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _by_trace(seconds: float) -> Iterator[None]:
    end = time.monotonic() + seconds

    def look(frame: FrameType, event: str, argument: Any) -> Any:
        if time.monotonic() > end:
            raise TooLong
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        yield
    finally:
        sys.settrace(before)


@contextlib.contextmanager
def _quiet(printed: io.StringIO) -> Iterator[None]:
    """Hundreds of calls must not print hundreds of times."""
    with contextlib.redirect_stdout(printed), warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


def _failure(error: BaseException, function: Callable[..., Any]) -> Failure:
    """The last line of the learner's own code on the way to the error."""
    message = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    code = getattr(inspect.unwrap(function), "__code__", None)
    own = [frame for frame in traceback.extract_tb(error.__traceback__)
           if code is not None and frame.filename == code.co_filename]  # fmt: skip
    kind = "not real" if isinstance(error, ValueError) and str(error).startswith(_NOT_REAL) else "error"
    if not own:
        return Failure(kind, message)
    line = own[-1].line or linecache.getline(own[-1].filename, own[-1].lineno or 0).strip()
    return Failure(kind, message, line, own[-1].lineno)


def _is_complex(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_is_complex(part) for part in value)
    return torch.is_complex(value) if isinstance(value, torch.Tensor) else bool(np.iscomplexobj(value))


def _names(code: CodeType | None) -> set[str]:
    """All names that a function uses, those of functions inside it too."""
    if code is None:
        return set()
    inner = (_names(part) for part in code.co_consts if isinstance(part, CodeType))
    return set(code.co_names).union(*inner)
