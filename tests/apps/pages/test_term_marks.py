"""The fills of the terms."""

import re

from yolosses.apps.pages.term_marks import patterns


def test_patterns_differ_beside_colour() -> None:
    found = re.findall(r'<pattern id="fill-(\d)".*?fill="(#\w+)"/>(.*?)</pattern>', patterns(5))
    assert [name for name, _, _ in found] == ["0", "1", "2", "3", "4"]
    assert len({colour for _, colour, _ in found}) == 5
    assert len({lines for _, _, lines in found}) == 5
