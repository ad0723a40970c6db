"""The words of the site are those of its glossary, in both languages."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHINESE = sorted(
    [*ROOT.glob("docs/zh-TW/**/*.md"), *ROOT.glob("docs/lessons/zh-TW/*.md"), ROOT / "README.zh-TW.md"]
)

# The glossary's word, and others for the same thing, which a reader would take for something else.
AVOIDED = {
    "邊界框": ("邊框", "邊界盒", "包圍盒", "包圍框", "錨盒"),
    "真實框": ("真值框", "實際框"),
    "格子": ("單元格",),
    "錨框": ("錨點",),
    "信心度": ("置信度", "信心值", "信心分數"),
    "交並比 (IoU)": ("交併比",),
    "損失函數": ("損失函式",),
    "目標函數": ("目標函式",),
    "誤差平方和 (SSE)": ("平方和誤差", "平方誤差和"),
    "非極大值抑制 (NMS)": ("非最大值抑制", "非極大抑制"),
    "資料集": ("數據集", "數據"),
    "影像": ("圖像", "視頻"),
    "批次": ("批量",),
}
# Words that are not in the glossary, and those of other places for them.
PLAIN = {
    "程式碼": ("代碼",),
    "預設": ("默認", "缺省"),
    "記憶體": ("內存", "顯存"),
    "網路": ("網絡",),
    "使用者": ("用戶",),
    "連結": ("鏈接",),
    "標籤": ("標簽",),
    "品質": ("質量",),
    "訊息": ("信息",),
    "載入": ("加載",),
    "呼叫": ("調用",),
    "執行緒": ("線程",),
    "行程": ("進程",),
    "螢幕": ("屏幕",),
    "資料夾": ("文件夾",),
    "硬碟": ("硬盤",),
    "迴圈": ("訓練循環", "循環語句"),
    "陣列": ("數組",),
    "字串": ("字符串",),
    "變數": ("變量",),
}
SIMPLIFIED_IN_BIG5 = set("与据网")


def terms_of(language: str) -> list[tuple[str, str]]:
    """The entries of a glossary, (English, Chinese), in its order."""
    text = (ROOT / f"docs/{language}/glossary.md").read_text("utf-8")
    entries = []
    for block in re.findall(r"```\{glossary\}\n(.*?)```", text, re.DOTALL):
        for entry in block.strip().split("\n\n"):
            *names, definition = entry.splitlines()
            assert definition.startswith("  "), f"{names} has no definition"
            assert len(names) in (1, 2), f"{names}: expected one word in each language"
            first, second = names[0], names[-1]
            entries.append((first, second) if language == "en" else (second, first))
    return entries


def prose(text: str) -> str:
    """A page without what programs print."""
    return re.sub(r"```(text|console)\n.*?```", "", text, flags=re.DOTALL)


def test_both_glossaries_have_the_same_terms_in_the_same_order() -> None:
    assert terms_of("en") == terms_of("zh-TW")


def test_no_term_stands_twice() -> None:
    for words in zip(*terms_of("en"), strict=True):
        assert len(set(words)) == len(words)


def test_the_words_kept_here_are_those_of_the_glossary() -> None:
    assert set(AVOIDED) <= {chinese for _, chinese in terms_of("zh-TW")}


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_chinese_page_uses_the_glossarys_words(page: Path) -> None:
    text = prose(page.read_text("utf-8"))
    wrong = [
        f"{line.strip()[:60]!r}: {other}, expected {word}"
        for line in text.splitlines()
        for word, others in (AVOIDED | PLAIN).items()
        for other in others
        if other in line
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("page", CHINESE, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_chinese_page_has_no_simplified_characters(page: Path) -> None:
    text = page.read_text("utf-8")
    found = {
        character for character in set(text) if "\u4e00" <= character <= "\u9fff" and not in_big5(character)
    }
    assert not found, f"simplified characters: {''.join(sorted(found))}"


def in_big5(character: str) -> bool:
    """Whether Taiwan's character set has ``character``."""
    try:
        character.encode("big5")
    except UnicodeEncodeError:
        return False
    return character not in SIMPLIFIED_IN_BIG5
