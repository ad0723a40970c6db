"""What a learner's test decided, and what such tests get wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from yolosses.lessons.words import Words

RIGHT = ("library", "plain")  # the right losses


@dataclass(frozen=True, kw_only=True)
class Decisions:
    """What a test said: on the scenes that its writer sees, and on fresh ones; True where it accepts a loss.

    Attributes:
        accepts: of each right loss and of each version. fresh: the right losses and the version in question, each
            time. version: the version in question. compares: the test has ``==`` or ``!=`` in its code.
    """

    accepts: dict[str, bool]
    fresh: tuple[dict[str, bool], ...]
    version: str
    compares: bool

    @property
    def takes_right(self) -> int:
        """How many of the right losses the test accepts."""
        return sum(self.accepts[name] for name in RIGHT)

    @property
    def found(self) -> bool:
        """Whether the test does its work on the scenes that its writer sees."""
        return self.takes_right == len(RIGHT) and not self.accepts[self.version]

    @property
    def always(self) -> bool:
        """Whether it does so on fresh scenes as well."""
        wanted = {**dict.fromkeys(RIGHT, True), self.version: False}
        return self.found and all(each == wanted for each in self.fresh)


@dataclass(frozen=True, kw_only=True)
class Mistake:
    """What tests get wrong: the first that ``fits`` is told."""

    key: str
    fits: Callable[[Decisions], bool]
    says: Words
    why: Words
    hint: Words


MISTAKES = (
    Mistake(
        key="exact-equality",
        fits=lambda d: not d.takes_right and d.compares,
        says=Words(
            "Your test refuses the right losses too, and it compares numbers with ==.",
            "你的測試連正確的損失函數也拒絕了，而且它用 == 比較數字。",
        ),
        why=Words(
            "float32 rounds: two right losses differ in the seventh digit.",
            "float32 會四捨五入：兩個正確的損失函數在第七位數就可能不同。",
        ),
        hint=Words("abs(value - expected) < 1e-5", "abs(value - expected) < 1e-5"),
    ),
    Mistake(
        key="always-true",
        fits=lambda d: all(d.accepts.values()),
        says=Words(
            "Your test accepts every loss, the right ones and all eight faulty ones.",
            "你的測試什麼都接受：正確的和八個有錯的版本都過了。",
        ),
        why=Words(
            "A test that cannot fail tells nothing.",
            "不會失敗的測試，什麼也說明不了。",
        ),
        hint=Words(
            "Print loss(raw, objects) for q.version_1.loss and the others on your scene: do the values differ at all? "
            "If not, take another scene, or a gradient.",
            "在你的場景上印出 q.version_1.loss 和其他版本的值：真的有不同嗎？沒有的話，換一個場景，或改看梯度。",
        ),
    ),
    Mistake(
        key="always-false",
        fits=lambda d: not any(d.accepts.values()),
        says=Words("Your test refuses every loss, the right ones too.", "你的測試什麼都拒絕，連正確的也是。"),
        why=Words(
            "It finds the faulty one only because it finds everything faulty.",
            "它抓到有錯的版本，只是因為它覺得全部都有錯。",
        ),
        hint=Words(
            "Compute by hand what the formula gives on your scene, all five terms. An error in x also changes the IoU.",
            "用手算出公式在你的場景上的值，五項都要算。x 有誤差時，IoU 也會跟著變。",
        ),
    ),
    Mistake(
        key="inverted",
        fits=lambda d: not d.takes_right and d.accepts[d.version],
        says=Words(
            "Your test accepts the faulty loss and refuses the right ones.",
            "你的測試接受了有錯的損失函數，卻拒絕正確的。",
        ),
        why=Words(
            "Either True and False are the wrong way round (True stands for a right loss: passed), or you expect what "
            "this faulty version does.",
            "要不是 True 和 False 弄反了（True 表示損失函數正確，也就是通過），就是你期待的正好是這個有錯版本的行為。",
        ),
        hint=Words(
            "Compute by hand what the formula gives on your scene. If that is what you expect, put a not before it.",
            "用手算出公式在你的場景上的值。如果和你期待的一樣，就在回傳值前面加上 not。",
        ),
    ),
    Mistake(
        key="refuses-right",
        fits=lambda d: not d.takes_right,
        says=Words("Your test refuses the right losses too.", "你的測試連正確的損失函數也拒絕了。"),
        why=Words(
            "Then nobody can tell from it which loss is faulty: what it expects is not what the formula gives, "
            "or it leaves no room for rounding (about 1e-6).",
            "這樣就看不出誰有錯：你期待的值不是公式的值，或是沒有留下捨入誤差的空間（大約 1e-6）。",
        ),
        hint=Words(
            "Compute by hand what the formula gives on your scene, all five terms. An error in x also changes the IoU.",
            "用手算出公式在你的場景上的值，五項都要算。x 有誤差時，IoU 也會跟著變。",
        ),
    ),
    Mistake(
        key="refuses-other-right",
        fits=lambda d: d.takes_right == 1,
        says=Words(
            "Your test accepts one right loss and refuses the other.",
            "你的測試接受其中一個正確的損失函數，卻拒絕另一個。",
        ),
        why=Words(
            "They differ by rounding, and in what a negative size costs, which the paper does not say. "
            "A test should ask only for what the formula says.",
            "它們只差在捨入，以及負的寬高要付多少代價（論文沒有規定）。測試只能要求公式有說的事。",
        ),
        hint=Words(
            "Allow 1e-5 between two values, and of negative sizes ask only whether the result is finite.",
            "兩個值之間容許 1e-5 的差；寬高是負數時，只檢查結果是不是有限的數。",
        ),
    ),
    Mistake(
        key="other-fault",
        fits=lambda d: d.accepts[d.version],
        says=Words(
            "Your test is right about the right losses, and it catches other versions, but not this one.",
            "你的測試對正確的損失函數判斷無誤，也抓得到別的版本，但抓不到這一個。",
        ),
        why=Words(
            "This fault leaves the number that you look at as it is.",
            "這個錯誤不會改變你看的那個數字。",
        ),
        hint=Words(
            "Keep this test for the version that it catches, and look at another number here.",
            "這個測試留給它抓得到的版本，這一題改看別的數字。",
        ),
    ),
    Mistake(
        key="one-scene",
        fits=lambda d: not d.always,
        says=Words(
            "Your test decides rightly on the scenes that q.probe shows you, but not on scenes drawn afresh.",
            "在 q.probe 給你的場景上，你的測試判斷正確；換成重新產生的場景就不對了。",
        ),
        why=Words(
            "A number typed in from one scene, or a scene that shows the fault by chance, is no property of the loss.",
            "從某個場景抄下來的數字，或是剛好露出錯誤的場景，都不是損失函數本身的性質。",
        ),
        hint=Words(
            "Build the scene by hand with q.perfect, or try many seeds.",
            "用 q.perfect 自己組出場景，或是多試幾個 seed。",
        ),
    ),
)
