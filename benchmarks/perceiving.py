"""What it costs to perceive a turn whose vector is given: microseconds a turn, by part, for three languages.

Usage: python -m benchmarks.perceiving [--rounds 15]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from dmha.checks import check_turn
from dmha.domain.affect import appraise, importance
from dmha.domain.logic.statements import parse_statements
from dmha.faculties.perception import Perception, count, memory_uid
from dmha.types import Affect, Turn

BATCH = 100
NOW = datetime(2026, 1, 1, tzinfo=UTC)

# Chat turns of a usual length; about half of them show a feeling, as they do in the conversations we measure on.
SAID = {
    "en": (
        "Hey Mia! Good to see you again. How was the pottery class last week?",
        "We moved the big table into the kitchen, so there is room for the piano.",
        "I'm so happy that Kenji found a job at the library in Osaka!",
        "What time does the train to Kyoto leave, and who is coming with us?",
        "My sister called at 10:30 and told me that the doctor wasn't worried.",
        "That sounds awesome, Tom. I'd love to see the photos when you have them.",
        "Yesterday we walked along the river, then we bought apples, bread and cheese.",
        "Honestly, it was a terrible week, but the kids kept me going.",
        "She has been painting for 7 years now, mostly houses and old boats.",
        "I put your umbrella next to the door. Don't forget it tomorrow, okay?",
    ),
    "ja": (
        "昨日は妹と一緒に京都の図書館へ行って、古い地図を見てきました。",
        "今日のコンサート、本当に楽しかった！また行きたいな。",
        "朝からずっと雨で、洗濯物がぜんぜん乾かない。",
        "来週の火曜日に健二さんが大阪から来るので、駅まで迎えに行きます。",
        "仕事でミスをして落ち込んでいるけど、明日また頑張ろうと思う。",
        "新しいカメラを買ったんだけど、使い方を教えてくれませんか？",
        "母の誕生日は5月3日です。ケーキは駅前の店で予約しました。",
        "このゲーム、難しすぎて全然クリアできない…。",
    ),
    "zh": (
        "昨天我和妹妹一起去了图书馆，借了三本关于历史的书。",
        "今天的音乐会太精彩了！我真的很开心。",
        "下个星期二我要坐火车去大阪，大概住四天。",
        "最近工作压力很大，晚上总是睡不好，你有什么建议吗？",
        "我们把桌子搬到了厨房，这样客厅就能放钢琴了。",
        "他学画画已经七年了，主要画房子和旧船。",
        "请问明天早上的会议是几点开始？我想提前准备一下。",
        "我很难过，因为我的猫昨天走丢了，到现在还没找到。",
    ),
}


class Unasked:
    """An embedder that is never asked, for every turn brings its vector."""

    dimension = 384
    id = "unasked"

    def embed(self, _texts: list[str], /) -> Any:
        raise AssertionError("every turn has its vector")


def microseconds(part: Callable[[Turn], Any], turns: Sequence[Turn], rounds: int) -> float:
    """The median over the rounds, after one that warms the caches of words."""
    spent = []
    for _ in range(rounds + 1):
        began = perf_counter()
        for turn in turns:
            part(turn)
        spent.append((perf_counter() - began) / len(turns) * 1e6)
    return median(spent[1:])


def main(rounds: int) -> None:
    perception, draw = Perception(Unasked()), np.random.default_rng(7)
    vectors = draw.standard_normal((BATCH, Unasked.dimension)).astype(np.float32)

    def perceive(turns: Sequence[Turn]) -> None:
        perception.perceive(turns, user_id="bench", world="relu", kind="episode", now=NOW)

    parts: dict[str, Callable[[Turn], Any]] = {
        "check": check_turn,
        "vector": lambda turn: perception._vectors([turn]),
        "statements": lambda turn: parse_statements(turn.text),
        "feelings": lambda turn: appraise(turn.text),
        "terms": lambda turn: count(turn.text),
        "importance": lambda turn: importance(Affect(), turn.text, 10),
        "uid": lambda turn: memory_uid("bench", "relu", turn.id or ""),
        "whole, singly": lambda turn: perceive([turn]),
    }
    print(f"{'microseconds a turn':22}" + "".join(f"{name:>15}" for name in (*parts, f"by {BATCH}")))
    for language, said in SAID.items():
        turns = [Turn(said[i % len(said)], "aya", NOW, f"t{i}", vector=vectors[i]) for i in range(BATCH)]
        batch = microseconds(lambda _, turns=turns: perceive(turns), [turns[0]] * 1, rounds) / BATCH
        spent = [*(microseconds(part, turns, rounds) for part in parts.values()), batch]
        print(f"{language:22}" + "".join(f"{value:15.1f}" for value in spent))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    main(parser.parse_args().rounds)
