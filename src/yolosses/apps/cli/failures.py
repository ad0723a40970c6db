"""What a person can mend: one line on standard error, exit code 2, no traceback."""


class CommandError(Exception):
    """A wrong argument or a missing thing; the message is the one line that is shown."""


class Interrupted(Exception):  # noqa: N818  it is no error
    """A person stopped the command; all is saved."""


def failure_line(error: Exception) -> str | None:
    """The line to show for ``error``, or ``None`` if it is a bug, which keeps its traceback."""
    if isinstance(error, CommandError):
        return str(error)
    if hasattr(error, "format_message"):  # what typer raises for arguments that it checks itself
        return str(error.format_message())
    # Only now: whoever raised one of these has imported torch already, and `--help` must not.
    from yolosses.training.data import DataError
    from yolosses.training.loop import NonFiniteLossError

    return str(error) if isinstance(error, DataError | NonFiniteLossError) else None
