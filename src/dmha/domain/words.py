"""Small word tables that segmentation and the textual signals read: stop-words, abbreviations, function words.

Only constants live here, all written by this project; words that carry feelings are in `lexicon`.
"""

from __future__ import annotations


def _table(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Left out of the index and of queries. The list is the full one on purpose: on English dialogue it lifts recall@10 of
# the term index from .57 to .62 against a short list, for questions are mostly pronouns and auxiliaries.
_PLAIN = """
a an the this that these those such
i me my mine myself we us our ours ourselves you your yours yourself yourselves he him his himself she her hers herself
it its itself they them their theirs themselves one ones oneself
am is are was were be been being do does did done doing have has had having
will would shall should can could may might must ought need
and or but nor so yet if then else than because as until while though although unless whereas
of at by for with about against between into through during before after above below to from up down in out on off
over under upon onto within without toward towards via per among around across along
again further once here there where when why how what which who whom whose whether
all any both each few more most other others some somebody someone something anybody anyone anything everybody
everyone everything nobody nothing somewhere anywhere everywhere
no not only own same too very just even ever also still already really quite rather almost maybe perhaps
now s t d m ll ve re u ur im
get gets got gotten getting go goes going gonna wanna gotta let lets
yeah yea yep yes yup nope nah hey hi hello wow oh ooh ah aha haha hahaha hah heh lol omg ok okay hmm hm um umm uh uhh
er well anyway actually basically literally like sure thanks thank please
much many lot lots bit kind sort thing things stuff
"""

# Said with an apostrophe and, in chats, without one. Stripped forms that are words of their own
# (hell, shell, shed, wed, ill) stay out of the second row.
_CONTRACTED = """
i'm i've i'd i'll you're you've you'd you'll he's he'd he'll she's she'd she'll it's it'd it'll we're we've we'd we'll
they're they've they'd they'll that's that'd that'll there's there'd there'll here's what's what're what'd what'll
who's who'd who'll where's where'd when's why's how's how'd let's y'all ma'am
isn't aren't wasn't weren't don't doesn't didn't haven't hasn't hadn't won't wouldn't shan't shouldn't can't couldn't
mightn't mustn't needn't oughtn't ain't should've could've would've might've must've
"""
_UNMARKED = """
ive youre youve youd youll hes shes itd itll weve theyre theyve theyd theyll thats thatll theres heres whats whos
wheres whens whys hows yall isnt arent wasnt werent dont doesnt didnt havent hasnt hadnt wont wouldnt shouldnt cant
cannot couldnt mustnt neednt aint shouldve couldve wouldve
"""
STOPWORDS: frozenset[str] = _table(_PLAIN) | _table(_CONTRACTED) | _table(_UNMARKED)

# A full stop after these does not end a sentence.
TITLES: frozenset[str] = _table(
    "mr mrs ms mx dr prof st rev gen sen rep gov capt lt col sgt mt vs e.g i.e cf viz approx"
)
# ... nor after these, before a number.
COUNTED: frozenset[str] = _table(
    "no nos fig p pp vol ch sec art jan feb mar apr jun jul aug sep sept oct nov dec ver v"
)
# ... nor after these, single letters and dotted acronyms (U.S., a.m.), unless a stop-word with a capital follows.
TRAILING: frozenset[str] = _table("etc inc ltd co corp jr sr dept est al ave blvd rd")

# Hiragana that says nothing by itself; a run made wholly of these is no word to look for.
HIRAGANA_FUNCTION: frozenset[str] = _table(
    """
    から まで より ので のに けど けれど でも しか だけ ばかり
    ほど くらい ぐらい など とか って って とき こと もの ところ
    です でした でしょう ます ました ません ませんか ましょう だった だろう である ない なかった たい たかった
    います いません ています ていました する した して している してる しました
    します される された させる いる いた いて いない ある あった あり
    なる なった なって れる られる くれる くれた ください もらう もらった しまう しまった みたい よう そう らしい
    これ それ あれ どれ ここ そこ あそこ どこ この その あの どの こんな そんな あんな どんな こう ああ どう なぜ なに
    なん いつ だれ どちら いくら いくつ わたし あなた ぼく おれ きみ かれ かのじょ たち さん ちゃん くん
    教えて おしえて とても もっと すごく また まだ もう いま
    の は が を に へ と で も や か ね よ な ぞ さ わ た だ て し い う く り れ る き っ お ん ら せ け え む ま
    """
)

# Chinese function words; they cut a run of Han characters into the pieces to look for.
HAN_FUNCTION: frozenset[str] = _table(
    """
    什么 甚么 怎么 怎样 为什么 多少 哪里 哪儿 哪个 这个 那个 这些 那些 我们 你们 他们 她们 咱们 可以 知道 告诉 一个
    什麼 甚麼 怎麼 為什麼 哪裡 這個 那個 這些 我們 你們 他們 她們 告訴 一個
    的 了 是 在 我 你 您 他 她 它 们 們 吗 嗎 呢 吧 啊 呀 嘛 谁 誰 哪 和 与 與 或 把 被 给 給 对 對 跟 就 都 也 很
    着 著 过 過 这 這 那 请 請 有 会 會 叫 到
    """
)

# The index terms of words that ask of whatever there was: what happened, anything new, 何, 出来事, 做, 发生.
VAGUE: frozenset[str] = _table(
    """
    happen event new news rememb rememberest remember recal recall tell told talk say said know memori day night time
    何 誰 行 出 来 事 出来 来事 私 僕 俺 君 話 日 時 様 子 様子 覚 言
    做 干 去 发 生 发生 發 發生 事 情 事情 样 樣 记 得 记得 記 記得 聊 说 說 天 里 裡
    """
)

# The index terms of words that many things share: they ask for something of a thing, and do not say of which.
COMMON: frozenset[str] = _table(
    """
    name birthday favourit favorit colour color age hous home
    名 前 名前 誕 生 日 誕生 生日 好 好き うち 家 年 齢 年齢 色
    字 名字 誕 喜 欢 歡 喜欢 喜歡 颜 顏 颜色 顏色 岁 歲
    """
)

# --- what the textual signals read -----------------------------------------------------------------------------------

NEGATORS: frozenset[str] = _table("""
not no never nobody nothing neither nor without don't doesn't didn't isn't aren't wasn't weren't won't wouldn't can't
cannot couldn't shouldn't haven't hasn't hadn't ain't dont doesnt didnt isnt arent wasnt werent wont wouldnt cant
couldnt shouldnt havent hasnt hadnt aint
""")
# Say neither who nor what; pronouns do, so they are not among these.
FUNCTION: frozenset[str] = _table("""
a an the am is are was were be been being do does did will would has had i'm to of at any some just really very so
""")
# Where only one of two sentences is conditional, possible or wished, they are about different things.
MODALS: frozenset[str] = _table("""
if unless might may maybe perhaps could should would want wants wanted wish hope can can't cant cannot couldn't used
except until when
""")
NUMERALS: dict[str, str] = {word: str(value) for value, word in enumerate("〇一二三四五六七八九")} | {
    "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
    "eight": "8", "nine": "9", "ten": "10", "eleven": "11", "twelve": "12", "十": "10", "两": "2", "兩": "2",
}  # fmt: skip

# Only what cannot hold of one thing at once; a brother and a sister can both be had, so kin and places are no antonyms.
_ANTONYMS = """
open/closed open/shut happy/sad hot/cold big/small tall/short long/short old/young old/new rich/poor fast/slow
early/late love/hate like/dislike like/hate loves/hates likes/dislikes likes/hates always/never married/single
married/divorced alive/dead true/false right/wrong good/bad best/worst full/empty hungry/full easy/difficult easy/hard
light/dark light/heavy strong/weak clean/dirty cheap/expensive safe/dangerous quiet/loud quiet/noisy begin/end
start/stop started/stopped win/lose won/lost buy/sell bought/sold arrive/leave arrived/left remember/forget

healthy/sick awake/asleep wet/dry accept/refuse accepted/refused agree/disagree succeed/fail succeeded/failed

好き/嫌い 好/嫌 大好/大嫌 高/低 大/小 多/少 新/古 長/短 強/弱 暑/寒 熱/冷 明/暗 開/閉 勝/負 買/売 増/減
安全/危険 簡単/難 簡単/困難 成功/失敗 賛成/反対 独身/既婚 結婚/離婚 健康/病気 金持/貧乏
喜欢/讨厌 喜歡/討厭 爱/恨 高/矮 胖/瘦 长/短 热/冷 新/旧 快/慢 早/晚 贵/便宜 开/关 买/卖 赢/输 强/弱 轻/重 好/坏
容易/困难 成功/失败 同意/反对 单身/已婚 结婚/离婚 安全/危险 有钱/没钱 开心/难过 高兴/难过

"""
ANTONYMS: frozenset[tuple[str, str]] = frozenset(
    pair
    for left, _, right in (entry.partition("/") for entry in _ANTONYMS.split())
    for pair in ((left, right), (right, left))
)
