"""Large json files, read piece by piece: a file of any size needs the memory of its largest element."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from yolosses.training.data.text import encoding_of

_CHUNK = 1 << 20  # bytes
_BLANK = " \t\n\r"
_OF_NUMBERS = "+-.eE0123456789"
_LONGEST_NUMBER = 5000  # characters; Python refuses integers of more than 4,300 digits


class Element(NamedTuple):
    """A value of the object that a file holds. ``place``: its place in the list under ``key``; None if the value is no
    list, -1 for the list itself, before its first element (``value`` is then None)."""

    key: str
    place: int | None
    value: Any


def elements(file: Path) -> Iterator[Element]:
    """What the top-level object of a json file holds: the elements of its lists one by one, other values whole.

    Raises:
        OSError: the file cannot be read.
        TypeError: it holds a list.
        ValueError: it is no json object.
    """
    text = _Text(file)
    if text.accept("["):
        raise TypeError("expected an object; got a list")
    text.expect("{")
    if text.accept("}"):
        return
    while True:
        key = text.value()
        if not isinstance(key, str):
            raise ValueError(f"expected a name in quotes at character {text.position}")
        text.expect(":")
        if text.accept("["):
            yield Element(key, -1, None)
            index = 0
            more = not text.accept("]")
            while more:
                yield Element(key, index, text.value())
                index += 1
                more = text.accept(",")
                if not more:
                    text.expect("]")
        else:
            yield Element(key, None, text.value())
        if not text.accept(","):
            text.expect("}")
            text.end()
            return


class _Text:
    """The text of a file from a position on, of which only what is needed is held."""

    def __init__(self, file: Path) -> None:
        self._chunks = _chunks(file)
        self._held = ""
        self._at = 0
        self._before = 0  # characters that were let go
        self._decoder = json.JSONDecoder()

    @property
    def position(self) -> int:
        return self._before + self._at

    def accept(self, mark: str) -> bool:
        """Pass over a punctuation mark if it comes next."""
        if self._next() != mark:
            return False
        self._at += 1
        return True

    def expect(self, mark: str) -> None:
        found = self._next()
        if found != mark:
            raise ValueError(
                f"expected {mark} at character {self.position}; got {found or 'the end of the file'}"
            )
        self._at += 1

    def end(self) -> None:
        if self._next():
            raise ValueError(f"expected the end of the file at character {self.position}")

    def value(self) -> Any:
        """The next value."""
        self._next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._held, self._at)
            except (json.JSONDecodeError, RecursionError) as error:
                if isinstance(error, json.JSONDecodeError) and self._more():
                    continue
                reason = error.msg if isinstance(error, json.JSONDecodeError) else "it is nested too deeply"
                raise ValueError(f"{reason} at character {self.position}") from error
            # A number at the end of what is held may go on, in an exponent too.
            if isinstance(value, int | float) and self._may_go_on(end) and self._more():
                continue
            self._at = end
            return value

    def _may_go_on(self, end: int) -> bool:
        at_the_end = len(self._held) - end < _LONGEST_NUMBER
        return at_the_end and not self._held[end:].strip(_OF_NUMBERS)

    def _next(self) -> str:
        while True:
            while self._at < len(self._held) and self._held[self._at] in _BLANK:
                self._at += 1
            if self._at < len(self._held):
                return self._held[self._at]
            if not self._more():
                return ""

    def _more(self) -> bool:
        """Hold more of the text, at least twice as much as is waited for: a long value is tried a few times only."""
        wanted = max(len(self._held) - self._at, 1)
        parts, count = [self._held[self._at :]], 0
        while count < wanted and (chunk := next(self._chunks, "")):
            parts.append(chunk)
            count += len(chunk)
        self._before += self._at
        self._held, self._at = "".join(parts), 0
        return count > 0


def _chunks(file: Path) -> Iterator[str]:
    with file.open("rb") as stream:
        head = stream.read(_CHUNK)
        # Not to the last byte: a character may be cut there.
        encoding = encoding_of(head if len(head) < _CHUNK else head[: head.rfind(b'"')])
        decoder = codecs.getincrementaldecoder("utf-8" if encoding == "ascii" else encoding)(errors="replace")
        chunk = head
        while chunk:
            if text := decoder.decode(chunk):
                yield text
            chunk = stream.read(_CHUNK)
        if text := decoder.decode(b"", final=True):
            yield text
