"""Lesson 10, other people's losses: eight of them have a fault, and the learner's test finds it by a number."""

from __future__ import annotations

from yolosses.lessons.exercise import Question
from yolosses.lessons.exercises import bug_tests
from yolosses.lessons.exercises.faulty_version import FaultyVersion
from yolosses.lessons.words import Words

VERSIONS = (
    FaultyVersion(
        number=1,
        asks="perfect prediction: 0",
        finds=bug_tests.perfect_costs_nothing,
        fault=Words(
            "the true x and y are fractions of the picture, the predicted ones offsets in the cell. "
            "Only in the centre of the picture are both the same.",
            "真實的 x、y 用的是整張圖的比例，預測的卻是格子裡的偏移。只有在圖片正中央兩者才相同。",
        ),
        hints=Words(
            "What does a right loss give for a prediction that is right in every number?",
            "每個數字都預測正確時，正確的損失函數會給多少？",
        ),
    ),
    FaultyVersion(
        number=2,
        asks="two errors cost twice",
        finds=bug_tests.two_errors_cost_twice,
        fault=Words(
            "it takes means where the formula has sums, the default of MSELoss. The lambdas then no longer balance "
            "what the paper balances: the mean over all boxes makes the background almost free.",
            "它在公式寫總和的地方取了平均，這正是 MSELoss 的預設值。這樣 λ 平衡的就不是論文要平衡的東西："
            "對所有框取平均，背景的損失就幾乎消失了。",
        ),
        hints=Words(
            "Make the same error on one object, then on two objects in two cells.",
            "先讓一個物件有某個誤差，再讓兩個格子裡的兩個物件有同樣的誤差。",
        ),
    ),
    FaultyVersion(
        number=3,
        asks="class error 0.2: 0.04",
        finds=bug_tests.one_class_error,
        fault=Words(
            "it counts the class term once for each box. YOLOv1 has one set of classes a cell.",
            "類別那一項每個框都算了一次。YOLOv1 每格只有一組類別。",
        ),
        hints=Words(
            "Take a perfect prediction and change one class score. You know the cost by hand.",
            "從完美的預測開始，只改一個類別分數。代價用手就算得出來。",
        ),
    ),
    FaultyVersion(
        number=4,
        asks="negative width: finite",
        finds=bug_tests.negative_width,
        fault=Words(
            "it takes the root of whatever the network emits. A negative width gives NaN, and one NaN ends "
            "the training.",
            "網路輸出什麼它都開根號。寬度是負數時得到 NaN，只要出現一次 NaN，訓練就毀了。",
        ),
        hints=Words(
            "Which outputs of a network has no box of a data set?", "哪些輸出是網路會有、資料集的框不會有的？"
        ),
    ),
    FaultyVersion(
        number=5,
        asks="other box of the cell: 0.5 c^2",
        finds=bug_tests.other_box_is_background,
        fault=Words(
            "its no-object term counts only empty cells. The other box of an object's cell is never told that it found "
            "nothing, so objects are found twice.",
            "它的 noobj 項只算空的格子。有物件的格子裡，另一個框從來沒人要它把信心度降下來，物件就會被偵測兩次。",
        ),
        hints=Words(
            "A cell with an object has two boxes. Change the confidence of the one that is not responsible.",
            "有物件的格子有兩個框。改變不負責的那個框的信心度看看。",
        ),
    ),
    FaultyVersion(
        number=6,
        asks="confidence = IoU: no cost",
        finds=bug_tests.confidence_learns_the_iou,
        fault=Words(
            "it pulls the confidence to 1, not to the IoU. Then a confidence says nothing about how well the box fits.",
            "它把信心度拉向 1，而不是 IoU。這樣信心度就看不出框得準不準。",
        ),
        hints=Words(
            "For a perfect box the IoU is 1. You need a box that is not perfect, and whose IoU you know: half as wide.",
            "完美的框 IoU 剛好是 1。你需要一個不完美、但 IoU 你知道的框：例如寬度只有一半。",
        ),
    ),
    FaultyVersion(
        number=7,
        asks="highest IoU is responsible",
        finds=bug_tests.highest_iou_is_responsible,
        fault=Words(
            "the most confident box is responsible, not the one with the highest IoU. A box that is confident by "
            "chance keeps all objects, and the other never learns.",
            "它讓信心度最高的框負責，而不是 IoU 最高的框。剛好比較有信心的框會包辦所有物件，另一個框永遠學不到東西。",
        ),
        hints=Words(
            "Which boxes does the formula mean by responsible? Build a cell where another rule would choose "
            "the other box.",
            "公式裡的「負責」是指哪個框？組出一個格子，讓別的規則會選到另一個框。",
        ),
    ),
    FaultyVersion(
        number=8,
        asks="gradient of x: 10 (x - x^)",
        finds=bug_tests.only_the_first_term_pulls_at_x,
        fault=Words(
            "the IoU, the target of the confidence, has a gradient. All values are right, but a box whose confidence "
            "is below its IoU is pulled AWAY from its object, until its IoU is as low as its confidence.",
            "信心度的目標值 IoU 帶有梯度。所有的值都對，但信心度低於 IoU 的框會被拉「離」物件，"
            "好讓 IoU 降到和信心度一樣。",
        ),
        hints=Words(
            "All its values are right. What else does training use? Only term 1 may pull at x.",
            "它的值全都正確。訓練還會用到什麼？只有第 1 項可以拉動 x。",
        ),
    ),
)

silent = Question(
    key="silent_faults_question",
    lesson=10,
    question=Words(
        "A network that minimises a faulty loss makes it fall as well. Why does nobody notice the fault, and what "
        "would you run before you use somebody's loss?",
        "網路最小化一個有錯的損失函數時，損失一樣會下降。為什麼沒有人發現錯誤？使用別人的損失函數之前，你會先測試什麼？",
    ),
    hints=Words(
        "With what would somebody compare the falling curve?",
        "那條下降的曲線，要拿什麼來比較？",
    ),
    answer=Words(
        "A falling loss only says that the network follows THIS loss, right or wrong. Nobody knows the curve or the "
        "accuracy that the right loss would have given, so a somewhat worse detector looks normal. Before use: a "
        "perfect prediction costs 0; one error costs what the formula says; two errors cost twice; values and "
        "gradients are finite on empty pictures and negative sizes; the gradient of each output is the one of its own "
        "term. If there is a loss that you trust, compare values AND gradients with it on many random scenes.",
        "損失下降只表示網路照著「這個」損失函數在學，不管它對不對。沒有人知道正確的損失函數會有什麼曲線、多高的準確率，"
        "所以差一點的偵測器看起來也很正常。使用之前先檢查：完美的預測代價是 0；單一誤差的代價和公式一樣；兩倍的誤差，"
        "兩倍的代價；空白圖片和負的寬高也得到有限的值和梯度；每個輸出的梯度只來自它自己的那一項。如果有信得過的損失函數，"
        "就在許多隨機場景上比較兩者的值「和」梯度。",
    ),
)

EXERCISES = (*VERSIONS, silent)
