"""``yolosses``: the entry point. Nothing heavy is imported before a command needs it: ``--help`` answers at once."""

import io
import os
import sys
from contextlib import suppress

from yolosses.apps.runs.interrupt import ignore_signals, stop_on_signals

INTERRUPTED = 130  # the exit code: 128 + SIGINT
EXTRAS = {
    "demo": ("sklearn",), "study": ("optuna", "scipy"), "lessons": ("jupytext", "hypothesis"),
    "play": ("uvicorn", "starlette"), "export": ("onnx", "onnxruntime", "onnxscript"), "tensorboard": ("tensorboard",),
}  # fmt: skip


def main() -> None:
    """Run the command line and exit with 0, or 2 after one line that says what is wrong, or 130 if interrupted."""
    # OpenMP's threads wait for each other hundreds of times a step. To spin all the while is slow beside other work,
    # to sleep at once is slow alone: they spin for a moment and then sleep. Read when torch is loaded.
    if os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE") == "PASSIVE":
        os.environ.setdefault("GOMP_SPINCOUNT", "10000")
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # Names of files need not be text, and a terminal need not have every letter: those become escapes.
            stream.reconfigure(errors="backslashreplace")
    stop_on_signals()
    code = _code()
    ignore_signals()
    if code == INTERRUPTED:
        # At once: an interrupt inside an import makes Python end itself by a signal, in place of this code.
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(code)
    sys.exit(code)


def _code() -> int:
    """Run the command; the exit code."""
    from yolosses.apps.runs.failures import Interrupted, failure_line

    try:
        code = _run()
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        return _unheard()
    except (KeyboardInterrupt, Interrupted):
        ignore_signals()
        return _said("interrupted", INTERRUPTED)
    except ModuleNotFoundError as error:
        return _missing(error)
    except Exception as error:
        if type(error).__name__ == "Abort":  # typer's word for an interrupt
            return _said("interrupted", INTERRUPTED)
        if type(error).__name__ == "StoppedElsewhere":  # by its name: `--help` must not import torch
            return 2
        line = failure_line(error)
        if line is None:
            raise
        return _said(line, 2)


def _run() -> int:
    from yolosses.apps.cli.arguments import repeat_option
    from yolosses.apps.cli.commands import app

    arguments = sys.argv[1:] or ["--help"]
    if arguments[0] == "inspect":
        arguments = repeat_option(arguments, "--grid")
    return int(app(arguments, prog_name="yolosses", standalone_mode=False) or 0)


def _missing(error: ModuleNotFoundError) -> int:
    extra = next((name for name, modules in EXTRAS.items() if error.name in modules), "train")
    return _said(f"this command needs {error.name}: pip install 'yolosses[{extra}]'", 2)


def _said(line: str, code: int) -> int:
    try:
        print(f"yolosses: {line}", file=sys.stderr, flush=True)
    except OSError:  # the terminal is gone
        return _unheard(code)
    return code


def _unheard(code: int = 141) -> int:
    """Whoever read the output has stopped, as `head` does: end without a word, with the code of SIGPIPE."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        os.dup2(nowhere, stream.fileno())  # or Python would complain when it flushes them
    return code
