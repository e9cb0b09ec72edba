"""Words of conversation: a sentence made of nothing else names nothing that a source could confirm.

`That should do it.` and `这样就可以了。` are such; `It fades by itself.` is not, because of one word. Common words of
either language, and those for talking about talk (question, point, summary), without any of a trade's own.
"""

from __future__ import annotations

import re
from typing import Final

_ENGLISH: Final = frozenset(
    # words of grammar
    "a an the this that these those it its itself i me my mine myself you your yours yourself we us our ours he him his"
    " she her they them their there here who whom whose which what when where why how whether and or but so if then than"
    " because although though while as at by for from in into of off on onto out over to up down with without within about"
    " above below before after again against between both each every all any some none no not nor only own same such too"
    " very just also even ever never now once still yet already always often sometimes usually perhaps maybe however"
    " am is are was were be been being have has had having do does did done doing can could will would shall should may"
    " might must let lets don doesn didn isn aren wasn weren won wouldn couldn shouldn can't cannot s t re ve ll d m"
    " one two first second third last next other another either neither else more most much many few little less least lot"
    " lots bit enough quite rather really simply actually basically honestly totally completely fully certainly definitely"
    " probably possibly obviously clearly frankly otherwise instead anyway besides anyhow together apart away back around"
    " along forward further far near soon later today tonight tomorrow yesterday moment minute while time times way ways"
    # talk of talk, of thinking, and of how it feels
    " question questions answer answers point points thing things something anything nothing everything someone anyone"
    " everyone nobody part parts kind sort case cases example examples fact idea ideas issue issues topic topics matter"
    " matters problem problems detail details note notes summary overview context background caveat caveats reason reasons"
    " option options choice choices side sides conclusion conclusions opinion opinions view views thought thoughts word"
    " words story picture step steps list line lines message reply response explanation sense guess luck fault worry"
    " worries hurry rush surprise pleasure favour favor doubt look looks looked looking see sees saw seen say says said"
    " saying tell tells told talk talking speak know knows knew known think thinks thought feel feels felt hear hears heard"
    " hope hopes want wants wanted wish like likes love help helps helped helpful try tries tried go goes going went gone"
    " come comes coming came get gets getting got give gives given take takes taken make makes made put keep keeps kept"
    " find finds found need needs ask asks asked mean means meant seem seems seemed sound sounds work works worked working"
    " start starts begin begins end ends stop wait bear happen happens happened turn turns move moving follow follows"
    " cover covers covered explain explains explained mention mentioned discuss discussed wonder wondering draw depends"
    " depend vary varies consider considered imagine suppose remember understand understands understood agree guessing"
    " check confirm clarify summarise summarize recap continue proceed bother panic relax enjoy cheer cheers thanks thank"
    " please sorry sure yes ok okay right wrong true false good better best great fine nice bad worse worst well easy"
    " easier hard harder difficult simple tricky clear unclear important interesting useful possible impossible likely"
    " different similar big small short long quick brief close open full whole real main general common specific certain"
    " happy glad afraid welcome worth fair reasonable sensible understandable normal natural obvious call food sleep battle"
    " half heart mind hand hands place stuff mix mixed bag bottom top deal fair game day world people person folks friend".split()
)
_WORD: Final = re.compile(r"[^\W\d_]+")
_HAN: Final = re.compile(r"[\u3400-\u9fff]")
_CHINESE: Final = re.compile(
    "|".join(
        sorted(
            "的 了 着 过 是 不 没 没有 有 在 也 都 就 还 才 又 再 很 太 更 最 这 那 这个 那个 这些 那些 这样 那样 这么 那么 这里 那里"
            " 这一点 一点 一些 一下 一个 一种 个 点 些 种 次 下 上 中 里 前 后 之前 之后 以后 以前 现在 目前 今天 明天 稍后 随后 马上 时候 时间"
            " 我 你 您 他 她 它 我们 你们 您们 他们 她们 它们 咱们 大家 自己 自行 个人 别人 谁 什么 怎么 怎样 如何 哪 哪个 哪种 哪些 为什么 几"
            " 多 少 多少 和 与 或 或者 而 而且 并 并且 但 但是 不过 因为 所以 如果 虽然 然后 于是 因此 其实 确实 真的 当然 显然 毕竟 总之 反正"
            " 也许 可能 大概 或许 一定 肯定 应该 可以 能 会 要 想 想要 需要 得 行 好 好的 对 错 把 被 给 让 向 从 到 用 为 为了 对于 关于 以 于"
            " 吧 吗 呢 啊 哈 哦 嗯 呀 啦 嘛 请 谢谢 感谢 抱歉 对不起 别 别急 不用 不必 放心 慌 急 怪 担心 希望 觉得 认为 看 看看 看法 看来 见解"
            " 说 说说 谈 讲 讲讲 聊 问 问题 答 回答 答案 事 事情 情况 东西 地方 方面 部分 例子 例如 比如 意思 道理 常识 结论 判断 意见 观点 想法"
            " 选 选择 方案 办法 方式 方法 原因 理由 细节 内容 信息 总结 说明 解释 介绍 补充 提醒 提个醒 提 醒 背景 话题 重点 要点 知道 明白 理解"
            " 了解 清楚 不清楚 记得 继续 开始 结束 接着 接下来 首先 其次 最后 回到 来 去 做 试 试试 等 等等 等待 帮 帮忙 帮助 陪 填 找 喊 声"
            " 一声 简单 复杂 容易 难 不难 重要 有用 有趣 合理 正常 自然 明显 不同 相同 一样 差不多 大 小 长 短 快 慢 深思 值得 思考 考虑 参考 倾向"
            " 凡事 每 各 各有 任何 所有 全部 整体 总体 一般 通常 往往 人 人们 关键 一半 花 花了 通过 两可 之间 同样 即可 罢了 而已 以上 以下 如此 好坏".split(),
            key=len,
            reverse=True,
        )
    )
)


def names_something(text: str) -> bool:
    """Return whether a text has a word, or two Chinese characters, beyond those of conversation."""
    if any(word.lower() not in _ENGLISH for word in _WORD.findall(_HAN.sub(" ", text))):
        return True
    return len(_HAN.findall(_CHINESE.sub(" ", text))) > 1
