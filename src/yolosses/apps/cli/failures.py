"""What goes wrong becomes one line on standard error and exit code 2, without a traceback."""

import functools
from collections.abc import Callable
from typing import ParamSpec

import typer

P = ParamSpec("P")


class CommandError(Exception):
    """A wrong argument or a missing thing; the message is the one line that is shown."""


def one_line_failures(command: Callable[P, None]) -> Callable[P, None]:
    """Show errors that a person can mend as one line. Others are bugs and keep their traceback."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            command(*args, **kwargs)
        except CommandError as error:
            _fail(str(error), 2)
        except KeyboardInterrupt:
            _fail("interrupted", 130)
        except Exception as error:
            from yolosses.training.data import DataError
            from yolosses.training.loop import NonFiniteLossError

            if not isinstance(error, DataError | NonFiniteLossError):
                raise
            _fail(str(error), 2)

    return run


def _fail(message: str, code: int) -> None:
    typer.echo(f"yolosses: {message}", err=True)
    raise typer.Exit(code)
