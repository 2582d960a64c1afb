"""The affect lexicon: words of English, Japanese and Chinese and what they make one feel.

Only word tables live here, written by this project from scratch (no third-party list). English entries are words;
Japanese and Chinese entries are stems that are looked for inside a text, the longest first. Weights are in
`affect.WEIGHT`: a strong word counts double.
"""

from __future__ import annotations


def _table(text: str) -> frozenset[str]:
    return frozenset(text.split())


# --- English (folded surface words) ----------------------------------------------------------------------------------

EN_JOY = _table("""
happy happier happiest happily happiness glad gladly joy joyful joyous enjoy enjoyed enjoying enjoys enjoyable like
liked likes liking love loved loves loving lovely fun funny smile smiled smiles smiling laugh laughed laughing laughs
good best great nice nicely pleasant pleased pleasing pleasure delighted delight delightful excited exciting
excitement thrilled proud proudly pride grateful gratitude thankful blessed relieved relief relaxed relaxing calm
peaceful cozy comfortable comforting satisfied satisfying satisfaction win won winning winner success
successful succeed succeeded achieve achieved achievement accomplish accomplished celebrate celebrated celebrating
celebration congratulations congrats cheer cheerful cheered hope hopeful hopes inspired inspiring inspiration
motivated passionate passion cute adorable sweet sweetheart beautiful beauty gorgeous charming kindness
friendly warm warmth caring gentle supportive support supported helpful awesome cool neat yay hooray yum yummy tasty
delicious favorite favourite hug hugs hugged kiss kissed kisses cherish cherished treasure treasured
appreciate appreciated bright fresh refreshing healthy recovered recover healed healing safe lucky luck fortunate
welcome welcomed promoted promotion praise praised gift gifts surprise surprised dream paradise freedom
""")
EN_JOY_STRONG = _table("""
amazing amazingly wonderful wonderfully fantastic excellent perfect perfectly incredible brilliant superb magnificent
ecstatic overjoyed adore adored adores bliss blissful euphoric marvelous marvellous spectacular heavenly unforgettable
""")
EN_AVERSION = _table("""
sad sadder sadly sadness unhappy unhappiness upset upsetting upsets cry cried cries crying tears tearful angry angrily
anger mad annoyed annoying annoy annoys irritated irritating dislike disliked dislikes bad badly worse boring bored
tired exhausted exhausting lonely loneliness alone afraid scared scary fear fears fearful frightened frightening
anxious anxiety worried worry worries worrying nervous stressed stress stressful pressure disappointed disappointing
disappointment frustrated frustrating frustration hurt hurts hurting pain painful ache sick ill illness unwell
tough difficult struggle struggled struggling fail failed failing failure lose lost losing loss missed regret
regretted regrets guilty guilt ashamed shame embarrassed embarrassing awkward jealous jealousy envy disgusting
disgusted disgust gross nasty ugly rude selfish unfair wrong mistake fight fought fighting argue argued argument
quarrel blame blamed complain complained insult insulted ignored reject rejected rejection betrayed lie lied liar
cheat cheated broken broke breakup problem problems trouble troubles damn crap sucks suck stupid idiot useless
uncomfortable unpleasant unfortunate unfortunately unlucky overwhelmed hopeless discouraged depressing gloomy
bitter stolen
""")
EN_AVERSION_STRONG = _table("""
hate hated hates hating hatred terrible terribly horrible horribly awful awfully worst miserable misery furious rage
despair desperate devastated devastating heartbroken heartbreaking loathe loathed detest disgusted dreadful unbearable
depressed depression despise despised agony
""")
EN_TRAUMA = _table("""
death dead die died dies dying funeral grave grief grieve grieving mourning suicide suicidal killed kill kills murder
murdered accident crash crashed injury injured wounded bleeding abuse abused abusive abuser assault assaulted violence
violent raped rape attacked attack war bomb bombed bombing earthquake tsunami disaster hurricane wildfire cancer tumor
miscarriage trauma traumatic traumatized ptsd nightmare nightmares bullied bullying harassed harassment kidnapped
hostage terror terrorist terrified drowned drowning burned overdose bankruptcy divorce divorced homeless widow widowed
orphan stalked stalker panic tortured torture
""")
EN_NEGATORS = _table("""
nobody nothing none hardly barely
not no never neither nor without cannot don't doesn't didn't isn't aren't wasn't weren't won't wouldn't
can't couldn't shouldn't haven't hasn't hadn't ain't dont doesnt didnt isnt arent wasnt werent wont wouldnt cant
couldnt shouldnt havent hasnt hadnt aint
""")
EN_INTENSIFIERS = _table("""
very really so extremely incredibly super totally absolutely completely truly deeply utterly insanely such
""")
EN_DIMINISHERS = _table("slightly somewhat little bit kinda fairly barely mildly partly")

# "like" is a feeling only after these: "it looks like rain" likes nothing.
EN_LIKING = _table("""
i you we they he she really do don't dont does doesn't doesnt did didn't didnt not never to always
""")

# --- Japanese (stems looked for inside the text) ---------------------------------------------------------------------

JA_JOY = _table("""
嬉し うれし 楽し たのし 喜ん 喜び 喜ぶ よろこ 幸せ しあわせ 幸福 好き 気に入 良かった よかった 良い いいね
素敵 すてき 素晴らし すばらし 面白 おもしろ おもろ 笑った 笑顔 笑い 笑える 笑う 爆笑 可愛 かわいい かわいかった
カワイイ
美味し おいし うまい うまかった 旨い 綺麗 きれい 美しい 癒さ 癒し ほっとし 安心 感謝 ありがと 有難 有り難 嬉泣 感動
わくわく ワクワク ドキドキ 期待 楽しみ 希望 成功 合格 優勝 勝った 勝てた 達成 おめでと お祝い 祝い 誇り 自慢 満足
充実 快適 気持ちいい 気持ち良 元気 頑張れ 頑張ろ がんばろ 優しい 優しさ やさしい 温かい あたたか 仲良 親友 愛して
愛し 愛する 大切 宝物 ラッキー 幸運 奇跡 褒めら ほめら 応援 当たった 当選 届いた 会えた 会えて
助かった 助かり 格好いい かっこいい カッコいい かっこよ 楽勝 爽やか 快晴 のんびり ハッピー 尊い たまらん 天才 神回
""")
JA_JOY_STRONG = _table("""
大好き だいすき 最高 幸せすぎ 嬉しすぎ 感激 感無量 夢のよう 至福 絶好調 愛してる 最愛 歓喜
""")
JA_AVERSION = _table("""
悲し かなし 哀し 寂し さみし さびし 辛い つらい 辛かった つらかった 辛く つらく 苦し くるし 嫌い きらい 嫌だ いやだ
嫌な
嫌に やだ ヤダ 怖い こわい 怖かった こわかった 怖く 恐い 恐ろし 怒り 怒る 怒った 怒って 腹立 腹が立 むかつ ムカつ
イライラ
いらいら うざい ウザ 不安 心配 困った 困る 困って 疲れ つかれ しんど だるい だるく 面倒 めんどう めんどくさ 眠い
ねむい
痛い 痛く 痛み 痛かった 具合が悪 気持ち悪 きもい キモ 気分が悪 体調が悪 体調悪 風邪 悪い 悪かった 残念 がっかり
失敗 落ちた 落ち込 負けた 負け 失っ 後悔 恥ずかし 恥をか 情けな 悔し くやし 憂鬱 ゆううつ 鬱 退屈 つまらな つまらん
ひどい 酷い ひどかった 泣いた 泣いて 泣き 泣ける 涙 孤独 ひとりぼっち 不幸 不満 不快 不愉快 文句 喧嘩 けんか ケンカ
裏切 嘘つき 馬鹿 バカ アホ 迷惑 邪魔 無理 むり 最低 やばい 壊れ なくした 無くした 遅刻 ストレス 緊張
焦る 焦って 後味 申し訳 ごめん ショック 汚い 臭い まずい うるさい 暑い 寒い モヤモヤ もやもや 虚し
""")
JA_AVERSION_STRONG = _table(
    "大嫌い だいきらい 最悪 絶望 地獄 死にたい 消えたい 耐えられ 許せな 憎い 憎む 憎しみ 激怒 号泣 惨め"
)
JA_TRAUMA = _table("""
死んだ 死んで 死ぬ 死に 死亡 亡くな 亡くし 葬式 葬儀 通夜 遺体 遺書 自殺 殺され 殺した 殺す 殺人 事故 重傷 大怪我
大けが 出血
虐待 暴力 暴行 性被害 痴漢 襲われ いじめ イジメ 苛め 戦争 爆撃 空襲 地震 震災 津波 災害 被災 火事 火災 洪水 土砂崩れ
癌 がんと診断 腫瘍 流産 死産 トラウマ 悪夢 誘拐 監禁 拷問 ストーカー 離婚 破産 倒産 溺れ 轢かれ 後遺症 危篤 余命
パニック発作 フラッシュバック セクハラ パワハラ
""")

# --- Chinese (simplified and traditional where they differ; looked for inside the text) ------------------------------

ZH_JOY = _table("""
很棒 真棒 好棒 棒极了 棒極了 痛快 好爽 真爽 开心 開心 高兴 高興 快乐 快樂 幸福 喜欢 喜歡 喜爱 喜愛 爱你 愛你 我爱 我愛
热爱 熱愛 愉快 欢乐 歡樂 欢喜 歡喜 欣喜 喜悦
喜悅 满意 滿意 满足 滿足 好吃 好喝 好玩 好看 好听 好聽 美味 美丽 美麗 漂亮 可爱 可愛 有趣 有意思 精彩 不错 不錯 很好
真好
太好了 挺好 厉害 厲害 优秀 優秀 成功 胜利 勝利 赢了 贏了 获奖 獲獎 祝贺 祝賀 恭喜 庆祝 慶祝 感谢 感謝 谢谢 謝謝 感激
感动 感動 温暖 溫暖 舒服 舒适 舒適 放松 放鬆 轻松 輕鬆 安心 放心 期待 盼望 骄傲 驕傲 自豪 兴奋 興奮 惊喜 驚喜 笑了
笑容 微笑 大笑 哈哈 幸运 幸運 顺利 順利 健康 友好 善良 温柔 溫柔 亲切 親切 浪漫 甜蜜 欣慰 支持 鼓励 鼓勵 享受 珍惜
信任 赞 讚 推荐 推薦 值得 舒畅 舒暢
""")
ZH_JOY_STRONG = _table(
    "最爱 最愛 最喜欢 最喜歡 太棒 完美 狂喜 超喜欢 超喜歡 热泪盈眶 欣喜若狂 激动 激動 幸福极了 非凡 深爱 深愛"
)
ZH_AVERSION = _table("""
很累 好累 太累 累了 累死 没意思 沒意思 不好 很差 太差 难过 難過 伤心 傷心 悲伤 悲傷 悲哀 痛苦 难受 難受 生气 生氣 愤怒
憤怒 恼火 惱火 烦 煩 讨厌 討厭 厌恶 厭惡 反感 恶心 噁心
害怕 恐惧 恐懼 可怕 吓人 嚇人 担心 擔心 担忧 擔憂 焦虑 焦慮 紧张 緊張 不安 压力 壓力 疲惫 疲憊 辛苦 孤独 孤獨 寂寞
孤单 孤單 失望 沮丧 沮喪 郁闷 鬱悶 抑郁 憂鬱 忧郁 无聊 無聊 后悔 後悔 遗憾 遺憾 可惜 失败 失敗 输了 輸了 失去 丢了
丟了
哭 眼泪 眼淚 委屈 丢脸 丟臉 尴尬 尷尬 羞耻 羞恥 内疚 內疚 嫉妒 糟糕 糟 坏了 壞了 倒霉 倒楣 不幸 麻烦 麻煩 困难 困難
吵架 争吵 爭吵 打架 骂 罵 批评 批評 抱怨 欺骗 欺騙 骗子 騙子 背叛 分手 失恋 失戀 疼 痛 生病 病了 感冒 发烧 發燒 难吃
難吃 难看 難看 难听 難聽 笨 蠢 差劲 差勁 不行 不爽 不满 不滿 不舒服 丑 醜 吵 臭 脏 髒 心碎 自私 冷漠 无奈 無奈
""")
ZH_AVERSION_STRONG = _table("""
最讨厌 最討厭 恨 憎恨 痛恨 绝望 絕望 崩溃 崩潰 地狱 地獄 愤恨 憤恨 痛不欲生 受不了 大哭 痛哭 气死 氣死 噩耗 悲痛 悲惨
悲慘
""")
ZH_TRAUMA = _table("""
去世 死了 死亡 死去 过世 過世 逝世 病逝 遗体 遺體 葬礼 葬禮 丧事 喪事 自杀 自殺 杀害 殺害 杀人 殺人 被杀 被殺 谋杀
謀殺
事故 车祸 車禍 重伤 重傷 受伤 受傷 流血 虐待 家暴 暴力 强奸 強姦 性侵 骚扰 騷擾 霸凌 欺凌 校园暴力 战争 戰爭 轰炸 轟炸
地震 海啸 海嘯 灾难 災難 火灾 火災 洪水 癌症 肿瘤 腫瘤 流产 流產 创伤 創傷 噩梦 噩夢 恶梦 惡夢 绑架 綁架 酷刑 恐怖袭击
恐怖襲擊 离婚 離婚 破产 破產 溺水 绝症 絕症 病危 阴影 陰影
""")
# --- what turns a Japanese or Chinese word round, or makes it stronger or weaker --------------------------------------

# Read right after a Japanese stem: 嬉し|くない, 好き|ではありません, 笑え|ない.
JA_NEGATED = (
    r"(?:く|くは|くも|で|では|でも|じゃ|に|さ|い|え|れ|せ|め|られ|いわけでは|いとは思わ|ことは|ことが|たく|たことが)?"
    r"(?:あり)?(?:ない|なかっ|なくて|ません)"
)
# Read right before a Chinese word: 不|开心, 没有那么|喜欢.
ZH_NEGATED = (
    r"(?:不|没|沒|别|別|没有|沒有|不是|从不|從不|并不|並不|毫不)"
    r"(?:太|很|再|会|會|是|怎么|怎麼|那么|那麼|特别|特別|觉得|覺得|感到)?"
)
JA_INTENSIFIERS = _table(
    "とても すごく 凄く めっちゃ めちゃくちゃ めちゃ 超 本当に ほんとに ほんと とっても かなり 非常に 大変 あまりにも"
)
JA_DIMINISHERS = _table("少し ちょっと すこし 多少 やや なんとなく ちょい")
ZH_INTENSIFIERS = _table("很 非常 特别 特別 十分 超 超级 超級 真的 极其 極其 太 好 最 相当 相當 真")
ZH_DIMINISHERS = _table("有点 有點 有些 一点 一點 稍微 略")

# --- every language ---------------------------------------------------------------------------------------------------

EMOJI_JOY = frozenset("😀😃😄😁😆😂🤣😊🙂😍🥰😘😋😎🤗🥳😻❤💕💖💗🎉🎊👍✨♪♥")
EMOJI_AVERSION = frozenset("😢😭😞😔😟😣😖😫😩😤😠😡🤬😨😰😱😓😿💔👎🤮🤢")
