"""Starts commands from a process that has imported what they need: a program of its own, run by `command.py`.

Importing torch and the others takes seconds, and the tests start a hundred commands. Each is still a process of its
own, with its own folder, environment, streams and exit code. The tests cannot fork themselves: torch computes no
derivative in a child of a process that has computed one. This process imports and does nothing else.

A request is a line of JSON on standard input. To start a command: arguments, folder, environment, files for the output
and the errors, and Python to run first; the answer is a line with the number of its process. To wait for its end: that
number; the answer is a line with the exit code. The end of the input is the end of this process.
"""

import atexit
import gc
import importlib
import json
import os
import sys
from typing import Any

# All commands of `yolosses`, and what they import when they are called.
COMMANDS = (
    "commands",
    "compare",
    "evaluate",
    "explain",
    "inspect",
    "predict",
    "study",
    "train",
)
LATER = (
    "faster_coco_eval",
    "matplotlib.pyplot",
    "optuna",
    "sklearn.datasets",
    "torch._dynamo",
    "torch.optim",
)


def load() -> None:
    modules = (*LATER, *(f"yolosses.apps.cli.{name}" for name in COMMANDS))
    for module in modules:
        importlib.import_module(module)
    gc.freeze()  # or each command would look through all of it


def become(request: dict[str, Any]) -> None:
    """Put this process in the state in which a shell would have started the command."""
    for number, path in ((0, os.devnull), (1, request["output"]), (2, request["errors"])):
        file = os.open(path, os.O_WRONLY if number else os.O_RDONLY)
        os.dup2(file, number)
        os.close(file)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["environment"])
    sys.argv = ["yolosses", *request["arguments"]]


def serve() -> dict[str, Any]:
    """Answer requests. Returns in the commands, never in the server."""
    while line := sys.stdin.buffer.readline():
        request: dict[str, Any] = json.loads(line)
        if "wait" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        else:
            answer = os.fork()
            if answer == 0:
                return request
        # Not by `print`: a command must find nothing in the buffer of its output.
        os.write(1, b"%d\n" % answer)
    sys.exit()


def run(first: str) -> int:
    """Run ``first``, then the command; its exit code."""
    from yolosses.apps.cli.main import main

    try:
        exec(first)
        main()
    except SystemExit as end:
        return int(end.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
        return 1
    return 0


def leave() -> None:
    """End after all else that is done at the end: Python would take every module apart, which takes a second."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    code = 0
    atexit.register(leave)  # before any module registers something: the first one is called last
    load()
    request = serve()
    become(request)
    code = run(request["first"])
