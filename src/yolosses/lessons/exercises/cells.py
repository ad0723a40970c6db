"""Lesson 2, cells: where an object lives, what a network emits, and who is responsible."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy
from matplotlib.figure import Figure

from yolosses.explain.style import BLUE, GREEN
from yolosses.lessons.cases import Case, fractions
from yolosses.lessons.exercise import Exercise, Misconception, Question
from yolosses.lessons.exercises import responsible_box
from yolosses.lessons.pictures import draw_box, draw_cells
from yolosses.lessons.words import Words


def owner_cell(cx, cy, S):
    row, column = int(cy * S), int(cx * S)
    return row * S + column


def _centre(cx: float, cy: float, S: int) -> Case:
    return Case({"cx": cx, "cy": cy, "S": S})


def centres() -> SearchStrategy[Case]:
    """A centre well inside its cell: on the border of two cells, floating point decides.

    Nor is it in the middle of the cell, where styles of rounding differ.
    """
    part = st.one_of(fractions(1, 9), fractions(11, 19))
    place = st.tuples(st.integers(0, 5), st.integers(0, 5), part, part)
    return st.builds(
        lambda S, at: _centre((at[0] % S + at[2]) / S, (at[1] % S + at[3]) / S, S), st.integers(2, 6), place
    )


def draw_centre(case: Case) -> Figure:
    """The cells and the centre of the object."""
    figure, axes = draw_cells(int(case.arguments["S"]))
    axes.plot(case.arguments["cx"], case.arguments["cy"], "o", color=GREEN, markersize=7)
    return figure


def _numbered(number: Callable[[float, float, int], Any]) -> Callable[..., Any]:
    """Another number from cx * S and cy * S."""

    def mutant(cx: float, cy: float, S: int) -> Any:
        return number(cx * S, cy * S, S)

    return mutant


_OWNER = (
    Misconception(
        key="column-first",
        mutant=_numbered(lambda x, y, S: int(x) * S + int(y)),
        says=Words(
            "You number the cells column by column. Here they go row by row: row * S + column.",
            "你是一行一行（直的）編號。這裡是一列一列（橫的）：列 * S + 行。",
        ),
        why=Words(
            "The object would be learnt by the cell mirrored at the diagonal.",
            "物體會被對角線另一邊的格子學走。",
        ),
        hint=Words("cy chooses the row, and a row has S cells.", "cy 決定第幾列，而一列有 S 格。"),
    ),
    Misconception(
        key="rounded",
        mutant=_numbered(lambda x, y, S: int(y + 0.5) * S + int(x + 0.5)),
        says=Words(
            "You round to the nearest whole number. The cell is found by rounding DOWN.",
            "你用了四捨五入。找格子要無條件捨去。",
        ),
        why=Words(
            "An object in the right half of a cell would go to the neighbour.",
            "位在格子右半邊的物體會跑到隔壁格。",
        ),
        hint=Words("int(...) or floor, not round.", "用 int(...) 或 floor，不是 round。"),
    ),
    Misconception(
        key="ceil",
        mutant=_numbered(lambda x, y, S: np.ceil(y) * S + np.ceil(x)),
        says=Words(
            "You round up. Rows and columns count from 0, and so the cell is found by rounding DOWN.",
            "你用了無條件進位。列和行都從 0 開始數，所以要無條件捨去。",
        ),
        why=Words(
            "An object in the last column would get a cell that does not exist.",
            "最後一行的物體會得到一個不存在的格子。",
        ),
        hint=Words("int(...) or floor.", "用 int(...) 或 floor。"),
    ),
    Misconception(
        key="one-based",
        mutant=_numbered(lambda x, y, S: int(y) * S + int(x) + 1),
        says=Words("You count cells from 1. The first cell is cell 0.", "你從 1 開始數格子。第一格是第 0 格。"),
        why=Words(
            "Everything would be read from the neighbour's outputs, and the last cell from nobody's.",
            "每一格都會讀到隔壁格的輸出，最後一格則什麼都讀不到。",
        ),
        hint=Words("Leave out the + 1.", "拿掉 + 1。"),
    ),
    Misconception(
        key="floor-last",
        mutant=_numbered(lambda x, y, S: int(y * S + x)),
        says=Words(
            "You round down only at the end. Row and column must be whole numbers before they are combined.",
            "你最後才捨去。列和行要先變成整數，再合起來。",
        ),
        why=Words(
            "The part of a row below the cell's top edge turns into columns.",
            "列的小數部分乘上 S 之後，會變成多出來的行數。",
        ),
        hint=Words("int(cy * S) first, then times S.", "先算 int(cy * S)，再乘 S。"),
    ),
    Misconception(
        key="last-cell-at-1",
        mutant=lambda cx, cy, S: int(cy * (S - 1)) * S + int(cx * (S - 1)),
        says=Words(
            "You multiply by S - 1. The picture is S cells wide.",
            "你乘的是 S - 1。圖片的寬度是 S 格。",
        ),
        why=Words("The last row and column would hardly ever get an object.", "最後一列和最後一行幾乎永遠分不到物體。"),
        hint=Words("A cell is 1 / S wide.", "一格的寬是 1 / S。"),
    ),
    Misconception(
        key="pair",
        mutant=_numbered(lambda x, y, S: (int(y), int(x))),
        says=Words(
            "You return row and column. One number is asked: row * S + column.",
            "你回傳的是列和行。這裡要一個編號：列 * S + 行。",
        ),
        why=Words(
            "The formula counts cells with one number i, from 0 to S * S - 1.",
            "公式用一個數字 i 來數格子，從 0 到 S * S - 1。",
        ),
        hint=Words("row * S + column.", "列 * S + 行。"),
    ),
)  # fmt: skip

owner = Exercise(
    key="owner_cell",
    lesson=2,
    task=Words(
        "The number of the cell that holds a centre, a whole number. cx, cy: the centre, fractions of the picture; S: "
        "cells on a side. Cells are numbered row by row from 0. No centre lies on a border.",
        "中心點落在第幾格，回傳一個整數。cx、cy：中心點，佔圖片的比例；S：一邊有幾格。"
        "格子從 0 開始，一列一列編號。中心點不會剛好在格線上。",
    ),
    right=owner_cell,
    cases=centres(),
    chosen=(_centre(0.7, 0.4, 4), _centre(0.25, 0.85, 3), _centre(0.95, 0.15, 5), _centre(0.35, 0.95, 7)),
    misconceptions=_OWNER,
    hints=Words(
        "cx * S is the centre in cells from the left. Which part of it is the column?",
        "cx * S 是中心點離左邊幾格。它的哪一部分是行號？",
    ),
    picture=draw_centre,
)


def decode(cell, x, y, root_w, root_h, S):
    row, column = cell // S, cell % S
    return (column + x) / S, (row + y) / S, root_w**2, root_h**2


def _output(cell: int, x: float, y: float, root_w: float, root_h: float, S: int) -> Case:
    return Case({"cell": cell, "x": x, "y": y, "root_w": root_w, "root_h": root_h, "S": S})


def _outputs() -> SearchStrategy[Case]:
    return st.integers(1, 5).flatmap(
        lambda S: st.builds(
            _output, st.integers(0, S * S - 1), fractions(1, 19), fractions(1, 19), fractions(2), fractions(2),
            st.just(S),
        )
    )  # fmt: skip


def _draw_decoded(case: Case) -> Figure:
    """The cells, and the box that the outputs stand for."""
    figure, axes = draw_cells(int(case.arguments["S"]))
    box = np.asarray(decode(**case.arguments))
    draw_box(axes, box, BLUE, 2.2, "-")
    axes.plot(box[0], box[1], "o", color=BLUE, markersize=5)
    return figure


def _decoded(change: Callable[..., Any]) -> Callable[..., Any]:
    """Another box from (row, column, x, y, root_w, root_h, S)."""

    def mutant(cell: int, x: float, y: float, root_w: float, root_h: float, S: int) -> Any:
        return change(cell // S, cell % S, x, y, root_w, root_h, S)

    return mutant


_DECODE = (
    Misconception(
        key="offset-not-divided",
        mutant=_decoded(lambda row, col, x, y, rw, rh, S: (col / S + x, row / S + y, rw**2, rh**2)),
        says=Words(
            "You add x and y to the cell's corner as fractions of the picture. They are fractions of the CELL.",
            "你把 x、y 當成圖片的比例加到格子的角上。它們是「格子」的比例。",
        ),
        why=Words(
            "The centre would lie up to a whole picture away instead of inside its cell.",
            "中心點會偏到很遠，甚至跑出圖片，而不是在自己的格子裡。",
        ),
        hint=Words("Add in cells, then divide by S.", "先用格子當單位相加，再除以 S。"),
    ),
    Misconception(
        key="cells-not-divided",
        mutant=_decoded(lambda row, col, x, y, rw, rh, S: (col + x, row + y, rw**2, rh**2)),
        says=Words("Your centre is in cells. Divide it by S.", "你的中心點單位是格子，還要除以 S。"),
        why=Words(
            "Centre and size would have different units, and no IoU is right.",
            "中心點和寬高的單位不同，IoU 就全錯了。",
        ),
        hint=Words("S cells are one picture.", "S 格是一整張圖片。"),
    ),
    Misconception(
        key="no-cell",
        mutant=_decoded(lambda row, col, x, y, rw, rh, S: (x, y, rw**2, rh**2)),
        says=Words(
            "You take x and y as the place in the picture. They are the place inside the cell.",
            "你把 x、y 當成圖片中的位置。它們是格子裡的位置。",
        ),
        why=Words("All cells would predict boxes at the same places.", "所有格子都會預測在同樣的位置。"),
        hint=Words("Which row and column has cell number cell?", "第 cell 格是第幾列、第幾行？"),
    ),
    Misconception(
        key="root-not-squared",
        mutant=_decoded(lambda row, col, x, y, rw, rh, S: ((col + x) / S, (row + y) / S, rw, rh)),
        says=Words(
            "You use the roots as sizes. The network emits the root of w and h: square it.",
            "你直接把平方根當成大小。網路輸出的是 w、h 的平方根，要平方回來。",
        ),
        why=Words("Boxes come out too large: 0.3 instead of 0.09.", "框會太大：0.3 而不是 0.09。"),
        hint=Words("w = root_w ** 2", "w = root_w ** 2，h 也一樣。"),
    ),
    Misconception(
        key="root-again",
        mutant=_decoded(
            lambda row, col, x, y, rw, rh, S: ((col + x) / S, (row + y) / S, np.sqrt(rw), np.sqrt(rh))
        ),
        says=Words(
            "You take the root of what is a root already. Square it instead.",
            "輸出已經是平方根，你又開了一次。應該平方回來。",
        ),
        why=Words("Boxes come out much too large.", "框會大得離譜。"),
        hint=Words("w = root_w ** 2", "w = root_w ** 2，h 也一樣。"),
    ),
    Misconception(
        key="swapped",
        mutant=_decoded(lambda row, col, x, y, rw, rh, S: ((row + x) / S, (col + y) / S, rw**2, rh**2)),
        says=Words(
            "Row and column are swapped: the column belongs to x, the row to y.",
            "列和行放反了：行（第幾直行）屬於 x，列屬於 y。",
        ),
        why=Words(
            "Boxes come out mirrored at the diagonal; on symmetric scenes nobody notices.",
            "框會沿著對角線翻過去；如果畫面剛好對稱，還不會有人發現。",
        ),
        hint=Words("column = cell % S", "column = cell % S，也就是行。"),
    ),
    Misconception(
        key="corner",
        mutant=_decoded(
            lambda row, col, x, y, rw, rh, S: (
                (col + x) / S - rw**2 / 2, (row + y) / S - rh**2 / 2, rw**2, rh**2)
        ),
        says=Words(
            "You return the box's corner. The centre is asked: x, y are the centre already.",
            "你回傳的是框的左上角。這裡要中心點，而 x、y 本來就是中心點。",
        ),
        why=Words("Every box would be off by half its size.", "每個框都會偏掉半個框。"),
        hint=Words("No w or h in the centre.", "算中心點時用不到 w 和 h。"),
    ),
    Misconception(
        key="corners",
        mutant=_decoded(
            lambda row, col, x, y, rw, rh, S: (
                (col + x) / S - rw**2 / 2, (row + y) / S - rh**2 / 2,
                (col + x) / S + rw**2 / 2, (row + y) / S + rh**2 / 2)
        ),
        says=Words(
            "You return two corners (x1, y1, x2, y2). Centre and size are asked.",
            "你回傳的是兩個角 (x1, y1, x2, y2)。這裡要中心點和寬高。",
        ),
        why=Words(
            "Four numbers look alike in both forms, and mixing them gives an IoU without meaning.",
            "兩種格式都是四個數字，混用的話 IoU 就沒有意義。",
        ),
        hint=Words("cx, cy, w, h.", "順序是 cx、cy、w、h。"),
    ),
    Misconception(
        key="size-in-cells",
        mutant=_decoded(lambda row, col, x, y, rw, rh, S: ((col + x) / S, (row + y) / S, rw**2 / S, rh**2 / S)),
        says=Words(
            "You divide the size by S. In YOLOv1 sizes are fractions of the whole picture.",
            "你把寬高除以 S 了。YOLOv1 的寬高是整張圖片的比例。",
        ),
        why=Words("No box could be larger than its cell.", "這樣框永遠不會比一格大。"),
        hint=Words("Only the centre is measured in cells.", "只有中心點是用格子量的。"),
    ),
    Misconception(
        key="from-the-middle",
        mutant=_decoded(
            lambda row, col, x, y, rw, rh, S: ((col + 0.5 + x) / S, (row + 0.5 + y) / S, rw**2, rh**2)
        ),
        says=Words(
            "You measure x and y from the middle of the cell. They begin at its upper left corner.",
            "你從格子中央開始量 x、y。它們是從左上角開始量的。",
        ),
        why=Words("Every box would be off by half a cell.", "每個框都會偏掉半格。"),
        hint=Words("x = 0 is the left edge of the cell.", "x = 0 是格子的左邊。"),
    ),
)  # fmt: skip

decoding = Exercise(
    key="decode",
    lesson=2,
    task=Words(
        "The box that outputs stand for: four numbers cx, cy, w, h, fractions of the picture. cell: number of the "
        "cell, row by row; x, y: the centre in that cell, 0 to 1 from its upper left corner; root_w, root_h: the roots "
        "of w and h; S: cells on a side.",
        "網路輸出代表的框，回傳四個數字 cx、cy、w、h，都是圖片的比例。cell：格子編號，一列一列數；"
        "x、y：中心點在格子裡的位置，從左上角量起，0 到 1；root_w、root_h：w 和 h 的平方根；S：一邊有幾格。",
    ),
    right=decode,
    cases=_outputs(),
    chosen=(
        _output(5, 0.2, 0.7, 0.5, 0.4, 4),
        _output(6, 0.6, 0.1, 0.3, 0.8, 3),
        _output(17, 0.9, 0.45, 0.7, 0.2, 5),
    ),
    misconceptions=_DECODE,
    hints=Words(
        "Row and column of the cell: cell // S and cell % S. The centre in cells is column + x, row + y.",
        "格子的列與行是 cell // S 和 cell % S。以格子為單位，中心點是 column + x、row + y。",
    ),
    picture=_draw_decoded,
)

question = Question(
    key="empty_cell_question",
    lesson=2,
    question=Words(
        "What is the difference between an empty cell and 1noobj_ij?",
        "「空的格子」和 1noobj_ij 有什麼不同？",
    ),
    hints=Words(
        "Take a cell with one object and two boxes. Only one of them is responsible. What is the other?",
        "一個格子有一個物體、兩個框，只有一個框負責。另一個框算什麼？",
    ),
    answer=Words(
        "An empty cell is a cell i in which no object has its centre: 1obj_i is 0. 1noobj_ij is about a BOX: it is 1 "
        "for each box that is responsible for nothing. All boxes of empty cells are such boxes, and so are the other "
        "boxes of a cell WITH an object. With 7 x 7 cells, two boxes a cell and three objects in three cells, 46 cells "
        "are empty, but 98 - 3 = 95 boxes are noobj, not 92. Their confidence is pushed to 0, so that a cell does not "
        "report its object twice.",
        "空的格子是指第 i 格裡沒有任何物體的中心點，也就是 1obj_i = 0。1noobj_ij 說的則是「框」："
        "沒有負責任何物體的框就是 1。"
        "空格子裡的框全都是，「有」物體的格子裡，其他不負責的框也是。7 x 7 格、每格兩個框、三個物體在三個格子裡的話，"
        "空的格子有 46 個，但 noobj 的框有 98 - 3 = 95 個，不是 92 個。它們的信心度會被壓向 0，"
        "這樣一格才不會把同一個物體報兩次。",
    ),
)

EXERCISES = (owner, decoding, responsible_box.exercise, responsible_box.mask, question)
