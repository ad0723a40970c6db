"""The README is the same in both languages."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
READMES = [(ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-TW.md")]


def commands(text: str) -> list[str]:
    """The indented lines of a text, without their comments."""
    return [line.partition("#")[0].strip() for line in re.findall(r"^    (\S.*)$", prose(text), re.MULTILINE)]


def prose(text: str) -> str:
    """A text without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)


def code(text: str) -> list[str]:
    """The Python of a text, without comments, which are translated."""
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [re.sub(r" *#.*", "", block) for block in blocks]


def heading_levels(text: str) -> list[int]:
    return [len(hashes) for hashes in re.findall(r"^(#+) ", prose(text), re.MULTILINE)]


def links(text: str) -> list[str]:
    """Where links lead, as if there were one language."""
    return [target.replace("/zh-TW/", "/en/") for target in re.findall(r"\]\(([^)#]+)", prose(text))]


def test_the_readmes_have_the_same_commands_code_and_headings() -> None:
    english, chinese = READMES
    assert commands(english)
    assert commands(english) == commands(chinese)
    assert code(english) == code(chinese)
    assert heading_levels(english) == heading_levels(chinese)


def test_the_readmes_lead_to_the_same_pages_each_in_its_language() -> None:
    english, chinese = READMES
    assert links(english)[1:] == links(chinese)[1:]  # the first leads to the other README
    assert "docs/zh-TW/" not in english
    assert "docs/en/" not in chinese


def test_the_english_readme_fits_on_a_screen_and_a_half() -> None:
    assert len(READMES[0].splitlines()) <= 90
