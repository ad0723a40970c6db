"""Error messages are part of the interface: tests compare them whole."""

import re


def exactly(message: str) -> str:
    """A pattern for ``pytest.raises(match=...)`` that fits this message alone."""
    return rf"\A{re.escape(message)}\Z"
