"""What checks say, whatever the exercise."""

from __future__ import annotations

from yolosses.lessons.words import Words

STOP = Words(". ", "。")
NAMED = Words("{says} {why}", "{says}{why}")
TASK = Words("q.{key}({names}): {task}", "q.{key}({names})：{task}")
OUTCOMES = {
    "right": Words("Right", "答對了"),
    "not yet": Words("Not yet", "還不對"),
    "not tried": Words("Not tried yet", "還沒作答"),
}
NOT_TRIED = Words(
    "Nothing came back yet: write the function, and end it with return. {task}",
    "函式還沒有回傳任何東西：把函式寫完，最後用 return 回傳。{task}",
)
PRINTED_ALONE = Words(
    "Your function prints, but returns nothing. Write return in the place of print.",
    "你的函式只印出結果，沒有回傳。請把 print 換成 return。",
)
RIGHT = Words(
    "Your function agrees on all {count} cases: chosen ones, and ones drawn just now.",
    "你的函式在 {count} 個案例上都正確，其中有挑選過的，也有剛剛才隨機產生的。",
)
NOT_A_FUNCTION = Words(
    "Give check the function itself, which takes ({names}), not its value: it is tried on numbers that are drawn "
    "afresh. A {came} came.",
    "請把函式本身交給 check，參數是 ({names})，而不是它算出來的值：檢查時會用隨機產生的新數字來試。收到的是 {came}。",
)
OTHER_ARGUMENTS = Words(
    "Expected a function of {count} arguments ({names}); yours takes {came}.",
    "函式應該有 {count} 個參數 ({names})；你的函式有 {came} 個。",
)
TOO_LONG = Words(
    "Your function was stopped after {seconds} seconds. Does a loop wait for something that never happens?",
    "你的函式跑了 {seconds} 秒還沒結束，所以停下來了。是不是有迴圈在等永遠不會發生的事？",
)
ERROR = Words(
    "Your line {number} could not be computed:\n    {line}\n{message}",
    "你的第 {number} 行無法計算：\n    {line}\n{message}",
)
ERROR_ELSEWHERE = Words("Your function could not be computed: {message}", "你的函式無法計算：{message}")
NOT_NUMBERS = Words(
    "Expected numbers: a number, a list, an array or a tensor; a {came} came.",
    "應該回傳數字：一個數、串列、陣列或張量；收到的是 {came}。",
)
COMPLEX = Words(
    "A number was expected; a {came} number came. Somewhere you take the root of a negative number.",
    "應該回傳實數，收到的卻是複數（{came}）。你的函式裡有地方對負數開了根號。",
)
NOT_REAL = Words(
    "A negative number has no real root and no real logarithm, and 0 has no logarithm.",
    "負數沒有實數的平方根，也不能取對數；0 也不能取對數。",
)
NOTHING_CAME = Words(
    "For this case your function returned nothing. Is a return missing on one of its ways?",
    "在這個案例裡，你的函式沒有回傳任何東西。是不是有一條路少了 return？",
)
NOT_SUMMED = Words(
    "The elements are right, but they are not added up yet. A loss is one number.",
    "每個元素都對，只是還沒加總。損失是一個數字。",
)
OTHER_SHAPE = Words(
    "The shape differs from what is expected. Compare the two below.",
    "形狀和預期的不同，請比較下面兩個結果。",
)
CONSTANT = Words(
    "Your function returns the same value whatever comes in. Which of its arguments does it use?",
    "不管輸入什麼，你的函式都回傳同一個值。它用到了哪些參數？",
)
ONE_TERM = Words(
    "All terms but one are right: {name} counts {factor} times what it should.",
    "只有一項不對，其他都對：{name} 這一項是正確值的 {factor} 倍。",
)
OTHER_VALUE = Words(
    "Compute the smallest case below by hand: which of its numbers goes in differently?",
    "用手算算看下面這個最小的案例：哪個數字用的方式不一樣？",
)
CAME = Words("yours", "你的")
EXPECTED = Words("expected", "正確的")
PRINTED = Words("Your function printed:", "你的函式印出了：")
SMALLEST = Words("The smallest case found on which it differs:", "找到的最小的不同案例：")
TRUTH = Words("true box", "真實框")
PREDICTED = Words("predicted box", "預測框")
RESPONSIBLE = Words("responsible box", "負責的預測框")
CELL = Words("cell {cell}", "第 {cell} 格")
BOX = Words("box {box}", "第 {box} 個框")
OWN_WORDS = Words(
    'Write your own answer first, in a sentence: q.{key}.check("...")',
    '先用一句話寫下自己的答案：q.{key}.check("……")',
)
NO_ANSWER_YET = Words(
    'The model answer is shown after yours: q.{key}.check("...")',
    '寫下自己的答案之後才會看到參考答案：q.{key}.check("……")',
)


def factor_words(factor: float) -> Words:
    """All values differ by one factor."""
    return Words(
        f"All your values are {factor:.4g} times what is expected. Which factor is missing, or too many?",
        f"你的值都是正確值的 {factor:.4g} 倍。少乘了哪個係數，還是多乘了？",
    )
