"""Json in pieces gives what json gives whole, wherever the pieces end."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from yolosses.training.data.json_stream import elements

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=8
)


def put_together(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, place, value in elements(path):
        if place is None:
            found[key] = value
        elif place < 0:
            found[key] = []
        else:
            assert place == len(found[key])
            found[key].append(value)
    return found


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    content=st.dictionaries(st.text(), VALUES, max_size=4),
    chunk=st.integers(1, 40),
    indent=st.sampled_from([None, 1]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    ascii_only=st.booleans(),
)
def test_the_pieces_are_the_whole(
    content: dict[str, Any], chunk: int, indent: int | None, encoding: str, ascii_only: bool, tmp_path: Path
) -> None:
    file = tmp_path / "a.json"
    text = json.dumps(content, indent=indent, ensure_ascii=ascii_only)
    file.write_bytes(text.encode(encoding, "surrogatepass" if ascii_only else "replace"))
    expected = json.loads(text.encode("utf-8", "replace"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("yolosses.training.data.json_stream._CHUNK", max(chunk, 64))
        assert put_together(file) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.dictionaries(st.text(), VALUES, max_size=3), data=st.data())
def test_a_file_cut_off_is_an_error(content: dict[str, Any], data: st.DataObject, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    text = json.dumps(content)
    file.write_text(text[: data.draw(st.integers(0, len(text) - 1))])
    with pytest.raises(ValueError, match="at character"):
        put_together(file)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": [1, 2], }', "at character 14"),
        ('{"a": [1 2]}', "expected ] at character 9; got 2"),
        ('{"a": 1} x', "expected the end of the file at character 9"),
        ('{"a": ' + "[" * 100_000, "nested too deeply"),
        ("", "expected { at character 0; got the end of the file"),
    ],
)
def test_what_is_wrong_and_where(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(text)
    with pytest.raises(ValueError, match=message):
        put_together(file)
