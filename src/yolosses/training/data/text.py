"""Text files in the encodings that people have."""

from __future__ import annotations

import codecs
import re
from pathlib import Path

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark begins alike
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_THREE_BYTES = re.compile(rb"[\xe0-\xef][\x80-\xbf]{2}")
_DECLARED = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")


def read_text(path: Path) -> str:
    """The text of a file, see `encoding_of`.

    Raises:
        OSError: the file cannot be read.
        UnicodeDecodeError: it says that it is UTF-16, for instance, and is not.
    """
    return decode(path.read_bytes())


def read_lines(path: Path) -> list[str]:
    """The lines of a text file, blank ones too, ended as on any system. Raises as `read_text` does."""
    return read_text(path).replace("\r\n", "\n").replace("\r", "\n").split("\n")


def decode(content: bytes) -> str:
    """The text of some bytes, see `encoding_of`."""
    return content.decode(encoding_of(content))


def head_of(path: Path, length: int) -> str:
    """How a text file begins. Raises ``OSError``."""
    with path.open("rb") as file:
        content = file.read(length)
    return content.decode(encoding_of(content), errors="replace")  # a character may be cut at the end


def encoding_of(content: bytes) -> str:
    """The encoding of a text: UTF-8, UTF-16 or UTF-32, the one that an xml declaration names, or else the East Asian or
    Western encoding that it most probably is (GB18030 for GB2312 and GBK, Big5, Windows-1252, Latin-1).
    """
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return encoding
    if wide := _without_mark(content):
        return wide
    for encoding in _candidates(content):
        try:
            content.decode(encoding)
        except (UnicodeDecodeError, LookupError):
            continue
        return encoding
    return "latin-1"


def _without_mark(content: bytes) -> str | None:
    """UTF-16 that does not say so: every other byte of plain text is 0."""
    sample = content[:256]
    if len(sample) < 4:
        return None
    even, odd = sample[::2].count(0) / len(sample[::2]), sample[1::2].count(0) / len(sample[1::2])
    if odd > 0.4 and even < 0.1:
        return "utf-16-le"
    return "utf-16-be" if even > 0.4 and odd < 0.1 else None


def _candidates(content: bytes) -> list[str]:
    if content.isascii():
        return ["ascii"]
    candidates = ["utf-8"]
    declared = _DECLARED.match(content)
    if declared is not None:
        name = declared[1].decode("ascii").lower()
        # Windows tools that write GB2312 mean all of GBK.
        name = "gb18030" if name in ("gb2312", "gbk", "gb_2312-80") else name
        # A declaration that nobody adapted stands before much UTF-8; three bytes in its way are no chance.
        candidates = ["utf-8", name] if _THREE_BYTES.search(content) else [name, "utf-8"]
    usual = {
        encoding: share
        for encoding, leads, trails in (
            ("gb18030", range(0xB0, 0xD8), range(0xA1, 0xFF)),  # the 3,755 usual characters of GB2312
            ("big5", range(0xA4, 0xC7), range(0x40, 0xFF)),  # the 5,401 usual characters of Big5
        )
        if (share := _usual_share(content, encoding, leads, trails)) >= 0.7
    }
    return [*candidates, *sorted(usual, key=lambda encoding: -usual[encoding]), "cp1252"]


def _usual_share(content: bytes, encoding: str, leads: range, trails: range) -> float:
    """Share of the characters of two bytes that are usual ones in an encoding; 0 if it is none."""
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError:
        return 0.0
    wide = [char.encode(encoding) for char in text if ord(char) > 127]
    # Punctuation and full-width signs are as usual in one as in the other.
    told = [pair for pair in wide if len(pair) == 2 and not 0xA1 <= pair[0] <= 0xA3]
    usual = sum(pair[0] in leads and pair[1] in trails for pair in told)
    return usual / len(told) if told else float(bool(wide)) * 0.7
