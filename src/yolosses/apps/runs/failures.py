"""What a person can mend: one line on standard error, exit code 2, no traceback."""

import errno
from pathlib import Path


class CommandError(Exception):
    """A wrong argument or a missing thing; the message is the one line that is shown."""


class Interrupted(Exception):  # noqa: N818  it is no error
    """A person stopped the command."""


def failure_line(error: Exception) -> str | None:
    """The line to show for ``error``, or ``None`` if it is a bug, which keeps its traceback."""
    if isinstance(error, CommandError):
        return str(error)
    if isinstance(error, OSError):
        return _system_line(error)
    if hasattr(error, "format_message"):  # what typer raises for arguments that it checks itself
        return str(error.format_message()).replace("Value error, ", "")  # pydantic's words
    if type(error).__module__.partition(".")[0] in ("optuna", "sqlalchemy"):
        return f"--storage: {_first_line(error)}"
    # Only now: whoever raised one of these has imported torch already, and `--help` must not.
    from yolosses.export.detector_file import DetectorFileError
    from yolosses.training.data import DataError
    from yolosses.training.loop import NonFiniteLossError

    known = (DataError, NonFiniteLossError, DetectorFileError)
    return str(error) if isinstance(error, known) else None


def _system_line(error: OSError) -> str | None:
    """What the operating system refused, and for which file."""
    file = error.filename
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        return f"no space left for {'the output' if file is None else file}"
    if file is None:
        return None
    if error.errno in (errno.EROFS, errno.EACCES, errno.EPERM):
        return f"{file}: expected to be allowed to read or write here; {_lower(error.strerror)}"
    if error.errno in (errno.ENOTDIR, errno.EEXIST):
        return f"{file}: expected a folder; {_first_file(Path(file))} is a file"
    return f"{file}: {_lower(error.strerror)}"


def _first_line(error: BaseException) -> str:
    """What a database says, without the statement and the layers above it."""
    cause = getattr(error, "orig", None) or error.__cause__
    return _first_line(cause) if cause is not None else str(error).partition("\n")[0]


def _first_file(path: Path) -> Path:
    """The part of a path that should be a folder, and is not."""
    return next(
        (part for part in reversed((path, *path.parents)) if part.exists() and not part.is_dir()), path
    )


def _lower(reason: str | None) -> str:
    return reason[:1].lower() + reason[1:] if reason else "it cannot be used"
