"""``yolosses``: the entry point. Nothing heavy is imported before a command needs it: ``--help`` answers at once."""

import os
import sys


def main() -> None:
    """Run the command line and exit with 0, or 2 after one line that says what is wrong, or 130 if interrupted."""
    # OpenMP's threads wait for each other by spinning. On cores that are shared with anything else that makes training
    # ten times slower, so they spin only briefly. Read when torch is loaded, so it must be set before.
    os.environ.setdefault("GOMP_SPINCOUNT", "50000")
    try:
        from yolosses.apps.cli.commands import app
    except ModuleNotFoundError as error:
        sys.exit(_missing(error))
    from yolosses.apps.cli.arguments import repeat_option
    from yolosses.apps.cli.failures import Interrupted, failure_line

    arguments = sys.argv[1:] or ["--help"]
    if arguments[0] == "inspect":
        arguments = repeat_option(arguments, "--grid")
    try:
        sys.exit(app(arguments, prog_name="yolosses", standalone_mode=False))
    except (KeyboardInterrupt, Interrupted):
        sys.exit(_said("interrupted", 130))
    except ModuleNotFoundError as error:
        sys.exit(_missing(error))
    except Exception as error:
        if type(error).__name__ == "Abort":  # typer's word for an interrupt
            sys.exit(_said("interrupted", 130))
        line = failure_line(error)
        if line is None:
            raise
        sys.exit(_said(line, 2))


def _missing(error: ModuleNotFoundError) -> int:
    extra = {"sklearn": "demo", "optuna": "study"}.get(error.name or "", "train")
    return _said(f"this command needs {error.name}: pip install 'yolosses[{extra}]'", 2)


def _said(line: str, code: int) -> int:
    print(f"yolosses: {line}", file=sys.stderr)
    return code
