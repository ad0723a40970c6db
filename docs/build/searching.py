"""A Sphinx extension: search in both languages.

Chinese is written without spaces. Both the index and the question are cut into pairs of neighbouring characters, so
that a page is found by any word of it, without a dictionary: 損失函數 is 損失, 失函, 函數. Words of letters are stemmed
as English.
"""

from __future__ import annotations

import re
from typing import Any

from sphinx.search import languages
from sphinx.search.en import SearchEnglish

CHINESE = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
PARTS = re.compile(rf"[{CHINESE}]+|[^\W{CHINESE}]+")
SPLIT_IN_BROWSER = """
function splitQuery(query) {
  const parts = query.match(/[CHINESE]+|(?:(?![CHINESE])[\\p{Letter}\\p{Number}_])+/gu) || [];
  return parts.flatMap((part) => {
    if (part.length < 2 || !/[CHINESE]/u.test(part)) return [part];
    return [...part].slice(1).map((character, i) => part[i] + character);
  });
}
""".replace("CHINESE", CHINESE)


class Search(SearchEnglish):
    """English words and pairs of Chinese characters."""

    js_splitter_code = SPLIT_IN_BROWSER

    def split(self, input: str) -> list[str]:
        """Words, pairs of characters, and single characters, which may be asked for alone."""
        found = []
        for part in PARTS.findall(input):
            if re.match(f"[{CHINESE}]", part):
                found += [*part, *(part[i : i + 2] for i in range(len(part) - 1))]
            else:
                found.append(part)
        return found


def setup(app: Any) -> dict[str, bool]:
    languages["en"] = languages["zh"] = Search
    return {"parallel_read_safe": True}
