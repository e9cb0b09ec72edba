"""Sentences that state nothing one could be held to: courtesies, offers, requests, what the assistant knows or does,
what the sources do not say, and phrases without content.

All patterns are of the opening of a sentence unless they say otherwise: what is said after a courtesy
(`Sorry, the branch is closed`) or against it (`I am no doctor, but aspirin thins the blood`) is judged by itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_MARKUP: Final = re.compile(r"[\s*_>“\"'「『(（]+")
_OPENER: Final = re.compile(
    r"(?:yes|no|hmm+|anyway|ah|oh|hey|gotcha|sure|certainly|absolutely|of course|understood|okay|ok|alright|right|well|unfortunately|fortunately|sadly"
    r"|sorry|my apologies|apologies|thanks|thank you|hi|hello|good news|great question|good question|that said|having said that"
    r"|however|in other words|in general|generally|generally speaking|in short|also|so|then|now|but|and|finally|in addition"
    r"|additionally|furthermore|moreover|overall|in summary|to summari[sz]e|in conclusion|to sum up|for clarity"
    r"|in the meantime|meanwhile|at this point|short answer|first|firstly|second|secondly|third|thirdly|lastly|next|note|please note)"
    r"\s*[,;:!.—–-]\s*(?=\S)"
    r"|(?:please note|note|keep in mind|bear in mind|be aware|remember) that\s+"
    r"|it(?:'s|’s| is) (?:also )?(?:important|worth|helpful|useful|good|vital|essential)"
    r" (?:to (?:note|know|remember|understand|mention|stress)|noting|mentioning|knowing|remembering) that\s+"
    r"|I (?:can|could|do)? ?(?:confirm|see|understand)(?: that)? (?=(?:the|your|that|this|it|there)\b)"
    r"|(?:hi|hello|dear)(?: [A-Z][\w'’-]*){1,3}\s*[,!.—–-]\s*(?=\S)"
    r"|(?:嗯+|哦|哈喽|嗨|好的|ok|当然|当然可以|可以的|没问题|您好|你好|是的|不是的|不可以|不行|可以|抱歉|很抱歉|对不起|不好意思|遗憾的是|很遗憾|简单来说"
    r"|简单地说|换句话说|总的来说|总体而言|总体来看|综合来看|综上|综上所述|一般来说|一般而言|首先|其次|再次|最后|另外|此外|同时|因此|所以"
    r"|但是|不过|然而|明白了?|了解|收到|请注意|需要注意的是|注意|温馨提示|值得注意的是|感谢(?:您的)?\w{0,6})"
    r"\s*[,，:：!！;；、]\s*(?=\S)",
    re.IGNORECASE,
)
"""Words before the statement proper. What follows them is judged."""

_OBJECTION: Final = re.compile(r"[,;—–]\s*(?:but|however|although|though|yet)\b\s*|[,，;；]\s*(?:但是?|不过|然而|可是)")
_NEED: Final = r"(?:questions?|concerns?|doubts?|queries|anything|something|help|assistance|information|details?|need)"
_SOURCES: Final = (
    r"(?:documents?|sources?|files?|context|materials?|excerpts?|passages?|leaflet|records? I|information|texts?"
    r"|search results?|knowledge base|extracts?|references?|articles?|case file|pages?)"
)

_ENGLISH_OPENINGS: Final[Sequence[str]] = (
    # courtesies
    r"(?:many |kind |best |warm )?(?:thanks|thank you|regards|wishes|congratulations|apologies)\b",
    r"(?:hello|hi|hey|dear|welcome|sorry|cheers|sincerely|yours|greetings|goodbye|take care|noted|no worries|no problem)\b",
    r"good (?:morning|afternoon|evening|day|luck|question|point)\b|(?:great|excellent|interesting|fair) (?:question|point)\b",
    r"(?:you(?:'re|’re| are) (?:very |most )?welcome|my pleasure|(?:always )?(?:happy|glad|pleased) to|(?:we|I)(?:'re|’re| are) here)\b",
    r"(?:hope|hopefully|wishing|looking forward|have a |enjoy )",
    r"(?:we|I) (?:(?:really|sincerely|truly|very much|do|completely|fully) )?(?:hope|appreciate|apologi[sz]e|look forward|value your)\b",
    r"(?:we|I)(?:'re|’re| are) (?:so |very |really |truly )?(?:sorry|glad|happy|pleased|delighted)\b",
    r"(?:that|this) (?:is|sounds|must be|seems|does sound) (?:\w+ )?(?:a )?(?:fair|good|great|frustrating|understandable|reasonable"
    r"|annoying|worrying|stressful|tough|excellent|hard|upsetting|sensible) ?(?:\w+ )?(?:question|point|situation|idea|one)?[.!]?$",
    # offers and requests
    rf"(?:please )?(?:let (?:me|us) know|feel free|do(?:n't|n’t| not) hesitate|get in touch|reach out)\b|if you (?:have|need|would like|want|wish)\b[^.]{{0,60}}\b{_NEED}\b",
    r"(?:if|should) (?:you|there)\b[^,.]{0,80}, (?:please )?(?:let (?:me|us) know|feel free|do not hesitate|don't hesitate|I(?:'ll|’ll| will| can| would)|just (?:ask|say))\b",
    r"should you (?:have|need)\b|(?:just )?(?:ask|say the word|tell me|send me)\b",
    r"(?:would|could|can|will|do|are|is|have|did|may|shall|should) (?:you|I|we)\b",
    r"please (?:could you |can you )?(?:send|share|tell|confirm to|confirm your|confirm which|confirm whether|clarify|specify|upload"
    r"|paste|bear|wait|hold|stay|rest assured|contact (?:us|me)|reply|describe|give|check back|provide (?:me|us|your|the|more|a bit))\b",
    r"(?:to|so that I can|before I can) (?:help|assist|answer|check|look|give|proceed|register|find|get started)\b[^,.]{0,60}, (?:please|could|can|I)\b",
    r"(?:which|what|who|when|where|why|how)\b[^.]*[?:]$",
    # what the assistant is, knows and does
    r"(?:as|being) an? (?:\w+ )?(?:AI|assistant|language model|chatbot|virtual|automated)\b|(?:I(?:'m|’m| am)) (?!aware that|informed that)",
    # of `I`, only a deed or a recommendation is a statement: I have closed, I refunded, I recommend
    r"(?:(?:and|so|then|but|if|when|as|while|before|after|that(?:'s|’s| is) (?:what|why|how|all)) )?I(?! (?:have|had) (?!no\b|not\b|to\b|looked|searched|read|reviewed|gone|listed|summ|set out|put|tried|seen|noted|heard|an?\b|the\b)\w+"
    r"| (?:also |now |already |just )?(?!looked|searched|tried|wanted|noted|assumed|believed|hoped|wondered|need)[a-z]+ed\b| (?:recommend|advise|propose) (?!that you (?:consult|speak|talk|seek)|consulting|speaking|talking|seeking)| would (?:decline|approve|refer|reject)\b|['’]ve (?!looked|searched|read|reviewed|gone|listed|summ|set out|put|tried|seen|noted|heard|got))\b",
    r"[^.]*\b(?:tell|let|ask|ping|show|send|give|remind) (?:me|us)\b",
    r"(?:nobody|no one|who|only time) (?:can (?:say|tell|predict|know)|knows|will tell)\b|make of (?:that|it|this)\b|there(?:'s|’s| is| are) (?:no|little) (?:way to|telling|doubt|rush|hurry|need to worry|point in)\b",
    r"(?:if (?:it|this) were (?:me|my|mine|up to me)|if I were (?:you|in your))\b|[^.]*\b(?:thanks|thank you) for\b",
    r"we (?:take (?:\w+ ){1,4}(?:very )?seriously|value|care about|strive|aim to|pride ourselves|are (?:committed|dedicated|proud|always)|always (?:try|strive|aim)|want (?:you|to)|know)\b",
    r"(?:none of )?(?:this|that|it|the above)(?: \w+)? (?:(?:is no|does not|doesn't|doesn’t|cannot|can't|can’t|should not|is not a) )?(?:replaces?|substitutes?|covers?|concludes?|completes?|answers?|wraps? up|brings? us|sums? up)\b",
    r"[^.]*\b(?:set out|listed|shown|described|mentioned|outlined|given|explained|discussed|summari[sz]ed) (?:above|below|earlier|here|in the next)\b",
    r"(?:this|the (?:present|following|next)) (?:memo|section|report|note|paper|document|letter|e-?mail|page|part|chapter|table|list|paragraph) (?:deals|covers|describes|discusses|sets|summari[sz]es|lists|explains|is about|looks|concerns|outlines|gives|shows|presents|addresses|contains)\b",
    r"(?:both|all|each|every|most|some|either)(?: \w+){0,3} (?:has|have) (?:its|their) (?:own )?(?:merits?|place|pros|strengths?|advantages?|ups|drawbacks?)\b",
    r"(?:every|each|no two) \w+(?: \w+)? (?:is|are) (?:different|unique|special|individual|alike)\b",
    r"[\w ]{1,30} (?:will follow|to follow|coming up|are welcome|is welcome|welcome)[.!]?$|(?:moving|coming|going) (?:on|back) to\b|(?:back|now|over) to (?:your|the|you)\b",
    r"I(?:'ll|’ll|'d|’d)\b|let(?:'s|’s| us| me)\b|allow me\b|(?:one|just a|give me a) (?:moment|second|minute)\b|we (?:can|could|will|shall) (?:now |then |also )?(?:look|go|start|begin|walk|work) (?:at|through|with|over|by)\b",
    r"(?:this|the above|that|my|the) (?:answer|response|reply|message|summary|overview|explanation|information)(?: above| below| here| provided)? (?:is|was|does|should|may|can|covers|only|has)\b",
    r"(?:nothing|none of this|this|that|it) (?:\w+ )?(?:is|be|as|constitutes?|counts? as) (?:not )?(?:\w+ )?(?:legal|financial|tax|medical|professional) advice\b",
    # what the sources do not say
    rf"(?:nothing|no(?:thing)? \w+|none|neither) (?:\w+ )?(?:in|of|from) (?:the|these|those|your|any|my) (?:\w+ ){{0,3}}{_SOURCES}\b",
    rf"(?:the|these|those|this|your|my|our|none of the)(?: \w+){{0,3}} {_SOURCES}(?: (?!that )\w+){{0,5}}? (?:(?:do|does|did|is|are|was|were|has|have)(?: not|n't|n’t)|fails? to|never|lacks?|says? nothing|(?:is|are) silent)\b",
    rf"there (?:is|are|was|were|isn't|aren't) (?:not |no |nothing |insufficient |not enough )(?:\w+ ){{0,3}}(?:information|mention|indication|details?|{_SOURCES})\b",
    r"(?:no|insufficient|not enough|more|further) (?:\w+ ){0,2}(?:information|details?|context)\b(?! must| need be| should)",
    # no content
    r"(?:it|that|this|the answer|much|everything|a lot) (?:all |really |largely |very much |mostly )?(?:depends|varies)\b",
    r"(?:it(?:'s|’s| is) )?(?:\w+ )?(?:hard|difficult|impossible|too early|premature) to (?:say|tell|know|judge|be sure|give|draw|generali[sz]e|conclude)\b",
    r"it(?:'s|’s| is) (?:always |often |usually |generally |therefore |also )?(?:a good idea|best|better|important|worth|helpful|useful|wise|advisable|good|sensible|prudent|understandable|natural|normal) (?:practice )?(?:to|for|that you|\w+ing)\b",
    r"(?:it|this) (?:pays|helps|makes sense|can help|may help) to\b|(?:keep|bear) (?:this|that|it) in mind\b",
    r"there (?:is|are|'s|’s) (?:no (?:single|simple|one|clear|easy|right|universal|straightforward)|several|many|a few|a number of|various|some|different|multiple|two sides|always|pros|lots of|plenty of)"
    r"(?: \w+){0,3} (?:things|points|ways|factors|options|reasons|aspects|answers?|considerations|possibilities|explanations?|approaches|angles|room|steps|sides|cons)\b",
    r"(?:there )?(?:may|might|could) (?:well )?be (?:an? |another |other |some )?(?:\w+ )?(?:explanations?|reasons?|readings?|context)\b|there (?:may|might|could) (?:well )?be (?:an? |another |other |some )?(?:\w+ )?(?:explanations?|reasons?|readings?)\b",
    r"(?:this|that|it) (?:may|might|could) (?:well |also |all |simply |just )*be (?:innocent|nothing|a coincidence|fine|harmless|legitimate|a mistake)\b",
    r"(?:every|each) (?:\w+ )?(?:case|claim|situation|person|application|customer|patient|circumstance|business|company)(?:'s \w+)? is (?:\w+ )?(?:different|unique|individual|(?:looked|considered|assessed|judged|decided|reviewed|treated|handled)\b.{0,20}(?:individually|merits?|own|case))",
    r"(?:on balance|all in all|broadly speaking|at the end of the day|all things considered|taken together)\b",
    r"(?:the|this|that|it|things)(?: \w+){0,3} (?:is|are|looks?|seems?|remains?|can be|could be|may be) (?:\w+ ){0,2}(?:mixed|unclear|complex|complicated|tricky|nuanced|subjective|up to you|interesting)\b(?: \w+){0,2}[.!]?$",
    r"[\w ]{1,30} (?:is|are|can be) an? (?:\w+ )?(?:complex|complicated|tricky|nuanced|difficult|sensitive|broad|big|common|important|personal) (?:\w+ )?(?:area|topic|subject|matter|question|issue|field|one|decision|concern)\b",
    r"(?:context|timing|communication|preparation|details?) (?:is|are|matters?)(?: key| everything| important)?[.!]?$|(?:opinions|views|experiences|circumstances|results|answers) (?:differ|vary)\b|time will tell|more (?:research|work) is",
    r"(?:you (?:may|might) (?:also )?(?:want|wish|like|prefer) to|(?:we|I) (?:would )?(?:recommend|suggest|advise) (?:that you )?|(?:please )?consider |(?:always |please |do )?)(?:consult(?:ing)?|speak(?:ing)? (?:to|with)|talk(?:ing)? (?:to|with)|seek(?:ing)?|check(?:ing)? with|ask(?:ing)?)"
    r" (?:an?|the|your|with|independent|professional|further|legal|medical|financial|tax)? ?(?:\w+ )?(?:advice|advisers?|advisors?|professionals?|lawyers?|solicitors?|accountants?|doctors?|pharmacists?|specialists?|experts?|GP|physicians?|provider)\b",
    # signposts
    r"here(?:'s|’s| is| are)\b|(?:below|above|the following|what follows|next)(?:,)? (?:is|are|you|I|we|lists?|shows?|sets?|sections?)\b|see (?:below|above)\b|as (?:follows|mentioned|noted|discussed|requested|promised|you (?:know|can see|asked))\b[^,]*[.:,]?$",
    r"(?:first|next|now|then|finally|to (?:begin|start)(?: with)?)?,? ?(?:some|a (?:few|bit of|little|word)) (?:background|context|words?|notes?|definitions?|terminology|caveats?|pointers?)\b",
    r"to (?:answer|address|recap|summari[sz]e|sum up|conclude|clarify|put)\b[^,.]{0,40}[.:,]?$|(?:moving on|turning to|with that|that brings us|step by step|in (?:summary|conclusion|short|brief)\W*$)",
    r"(?:for )?(?:more|further|full|additional) (?:details?|information|guidance|help)\b|(?:your|the|our)(?: \w+){1,4} (?:sets?|lays?|spells?) (?:out|down) the (?:details|rest|terms)\b|(?:please )?(?:see|refer to|check|visit|consult|have a look at) (?:the|your|our)(?: [\w-]+){1,6} for (?:more|further|full|the|details)\b",
    r"(?:subject|from|to|cc|re|sent|notes|sources?|references?|disclaimer|ps|p\.s)\s?:|(?:主题|收件人|发件人|抄送|参考|来源)[：:]",
    r"(?:this|that|these|those) (?:is|are) (?:just |only |merely )?(?:an? )?(?:general|rough|quick|illustrative|indicative|my) (?:guidance|guide|overview|summary|information|illustration|view|understanding|estimate)\b",
)

_CHINESE_OPENINGS: Final[Sequence[str]] = (
    # courtesies
    r"(?:再次|非常|十分|衷心|首先)?(?:感谢|多谢|谢谢)|(?:您|你|大家|早上|上午|下午|晚上)好|(?:希望|祝|愿|欢迎|恭喜|敬请|此致|敬礼|期待|辛苦|打扰|劳驾)",
    r"(?:非常|十分|实在|很|深表)?(?:抱歉|歉意|对不起|不好意思|高兴|乐意|荣幸|理解|遗憾)(?!的是)|对(?:您|于您|此).{0,14}(?:同情|抱歉|歉意|遗憾|理解)|不(?:客气|用谢|必客气)|请(?:您)?(?:放心|见谅|谅解|理解|随时|稍[等候后]|耐心|别客气)",
    r"(?:好的|当然|明白|没问题|收到|了解|可以的|是的|对的|好问题|这是(?:一?个)?(?:很?好|非常好)的?(?:问题|想法))(?:了|可以)?[。！!.]*$|您?说得(?:有道理|对)|您的(?:心情|担心|顾虑|问题)|这(?:确实|的确)?(?:很|让人|令人)",
    # offers and requests
    r"(?:如果?|若|如您?|若您?|您如)(?:您|你)?(?:还|仍)?(?:有|需要?|想|遇到|存在)?.{0,10}(?:疑问|问题|不清楚|不明白|帮助|协助|了解更多|卡住).{0,4}(?:的?地方)?(?:[，,。！]|请|$)",
    r"(?:请|麻烦|烦请|劳烦)(?:您|你)?(?:先|再)?(?:提供|告诉|告知我|补充|说明|描述|发送?给?我|上传|回复|联系我们|确认(?:一下)?(?:您|是否)|问|给我|核对一下)|请问|麻烦",
    r"(?:能否|可否|是否|方便|需要我|要不要|您(?:是|需要|想|希望|还|可否|能否|方便)(?:我|要|否|在|按|不是)?).{0,30}[吗呢？?]|(?:我|我们)?建议(?:您|你)?(?:还是|最好|先|及时|尽快)?(?:去|向)?(?:咨询|询问|请教|征询|寻求|联系专业)|(?:最好|可以)(?:先|再)?咨询",
    # what the assistant is, knows and does
    r"(?:作为|身为)(?:一?[个名])?.{0,6}(?:AI|人工智能|助手|助理|语言模型|机器人|智能客服)|让我们?|(?:就)?(?:由|让)我来",
    # of 我, only a deed is a statement: 我已冻结, 我把它取消了
    r"(?:这个|那|如果|所以|因此)?我(?!行|司|国|公司|方|部|院|校|局|们|已|刚|.{0,20}(?<!看|查|找|懂|解|白|到)了[。，])",
    r"[^。]*(?:告诉|告知|联系|通知|找|问|回复|发给|ping ?)我(?!行|司|国|方)|(?:来信|来电|留言|您的(?:反馈|来信|邮件|问题))(?:已)?(?:收悉|收到)",
    r"(?:换作?|如果|假如|要)(?:是|作)我|[^。]*(?:谢谢|感谢)(?:您的?)?(?:耐心)?(?:等待|等候|反馈|理解|配合)",
    r"(?:谁也|没人|没有人|无人)(?:能|敢)?(?:说|知道|预|断|保证)|(?:仁者|见仁|众说|因人)|(?:不|别)(?:着急|急|用急|必担心|用担心)|慢慢来",
    r"我们(?:一直|始终|十分|非常|高度|真诚|衷心|将一如既往)*(?:重视|致力|珍惜|竭诚|感谢|理解|关注|努力|承诺为|希望|期待)",
    r"(?:以上|上述|这些|本文|这)(?:内容|信息|回答|建议|分析)?(?:并)?(?:不能|不可|无法|不足以)(?:代替|替代|取代)|(?:以上|上面|这些)(?:就|便|即)?是|本(?:报告|文|节|章|部分|页|备忘录|表|邮件)(?:主要|将|旨在)?(?:讨论|介绍|说明|列|描述|总结|涉及|概述|分析|阐述|关于)",
    r"[^。]{0,20}(?:详?见|参见|如|列于|载于)(?:上文|下文|上表|下表|上|下|后文|附件|前文)[。；]?$|[^。]{0,16}(?:稍后|随后|后续|另行)(?:奉上|附上|发送|补充|提供|跟进|说明)",
    r"(?:每|各)(?:家|个人|户|位|人|种|个)?.{0,4}(?:情况|需求|条件|企业)?(?:都|各)?(?:不同|不一样|不一|各异|有别)|(?:两|几|各)(?:种|方|派)?(?:看法|说法|观点|解读|意见|方案).{0,3}(?:各有|都有|均有)(?:道理|利弊|优劣|优缺点|依据)",
    r"(?:您|你)(?:可以)?(?:先|再)(?:试|看|想|考虑)|(?:如需|需要的话|若需|如要).{0,14}(?:我|请|告|联系|随时)|[^。]{0,12}(?:欢迎|随时)(?:提问|垂询|来电|咨询|联系|补充)|欢迎",
    r"我们(?:先|来|再|一起|一步|逐|接下来|下面|首先|可以(?:一起|先|从))|咱们",
    r"(?:本|以上|上述|该|此)(?:回复|答复|回答|内容|信息|说明|解释|意见)(?:仅|不|只|供|由|为|以|均)|仅供(?:您)?参考|不构成",
    # what the sources do not say
    r"(?:现有|已有|所给|提供的?|目前|当前|上述|参考|检索到?的?|您提供的|手头的|我看到的|相关)*(?:资料|文件|文档|材料|说明书|来源|上下文|检索结果|信息|知识库|内容|原文|页面|附件)(?:中|里|内|上)?(?:也|都|均|并|暂|尚|未|里面)*(?:没有|没|未|不|无|缺[乏少])(?!得|须|可|予|能|应|准|许)",
    r"(?:暂时?|目前|尚|也|并)*(?:未(?:找到|检索到|查到|见)|没有(?:找到|查到|检索到|足够|更多|相关)|没(?:找到|查到)|无法(?:判断|确定|得知|确认|回答|得出)|信息不足|缺[少乏](?:足够|相关)?信息)",
    # no content
    r"(?:这|那)?(?:主要|完全|还)?(?:要|得)?(?:看|视)(?:具体|实际|您的|个人)?情况|(?:具体|实际|个别)(?:情况|问题)?(?:需要?|要|请|得)?(?:具体|另行|个别|因)|因(?:人|地|事|情况)而异|具体(?:要)?(?:还)?(?:取决于|看)",
    r"(?:目前|现在|暂时|还|这|也|仍|单凭这些)*(?:很难|难以|不好|不便|无从|难)(?:说|判断|下结论|给出|定论|一概而论|断言|确定)|不(?:能|可)一概而论|不好说",
    r"(?:这个|该|此)?(?:问题|话题|事情|情况|案子|案件|领域|税务问题|整体情况)(?:总体|整体|本身|确实|目前|其实)*(?:上)?(?:是)?(?:比较|较为|很|相当|非常|有点|没有|不)(?:复杂|专业|棘手|敏感|微妙|常见|简单|难|统一|标准|多)",
    r"[^，。,]{1,8}(?:问题|领域|情况|话题)(?:比较|较为|很|相当|非常)(?:复杂|专业|棘手|敏感|微妙)",
    r"(?:这里|这方面|其中|以下)?有(?:几|一些|很多|许多|多|若干|不少|以下)(?:点|个|种|方面|项)?.{0,4}(?:值得|需要考虑|考虑|可能|方面|因素|原因|办法|方式|选择|情况)|可能有(?:以下|几|多|很多)|(?:没有|并无)(?:统一|标准|唯一|简单|固定)的?(?:答案|说法|做法)",
    r"(?:也|并|还|当然)*不排除|(?:可能|或许|也许)(?:只是|存在|有|另有)(?:其他|别的|合理|另外)|(?:背景|细节|沟通|时机|心态)(?:也|都)?很?重要|(?:了解|理解|清楚|注意|记住|提前).{0,16}(?:很重要|很有必要|比较好|很有帮助|是关键)|早做.{0,8}(?:好|重要)|每个(?:案件|人|案例|客户|企业|家庭|情况)(?:的情况)?(?:都|各)?(?:不同|不一样|会?(?:单独|个别)|要单独|有所不同|具体)",
    # signposts
    r"(?:下面|接下来|下文|以下|如下|上面|前面)(?:是|为|将|我|给|就|逐|请|列|的?(?:几|内容|步骤|信息|表)|来|分|介绍|说明|$|[：:])|(?:先|再)(?:来)?(?:看|说|谈|讲|介绍|回顾)(?:一下|说|看)?|(?:总结|小结|概括|总之|综上|说明|注意|提示|备注|参考|来源|补充|结论)(?:一下|所述|如下|如次|来说|起来)?[：:。，,]*$",
    r"(?:更多|其他|其余|进一步)(?:的)?(?:信息|详情|细节|内容|说明|帮助|问题)|(?:具体|详细|完整)?(?:详情|细节|细则|内容|条款|信息|规定)?(?:请)?(?:以|参[见阅考]|查[看阅]|见|请).{0,16}(?:为准|官网|条款|手册|附件|说明|网站|公告)",
    r"(?:我|我们)?(?:只|简单)?(?:说|打)(?:个|一个)?比方|举个例子[，。：:]*$",
)

_IDLE: Final = re.compile("|".join(f"(?:{one})" for one in (*_ENGLISH_OPENINGS, *_CHINESE_OPENINGS)), re.IGNORECASE)
_REQUESTING: Final = re.compile(
    r"\b(?:please|could you|can you|would you|(?:send|tell|give|show|let) (?:me|us)|I (?:need|would need|will need|require)|I(?:'d|’d) need"
    r"|(?:I|we) can (?:also )?(?:help|assist|do|offer|answer)|how can|may I|happy to help"
    r"|(?:can|could) (?:also )?help you|ask (?:me|us) about)\b"
    r"|(?:请|麻烦|烦请)(?:您|你)?(?:先|再)?(?:提供|告诉|告知|补充|说明|描述|发|上传|回复|确认|选择)|能否|可否|我(?:还)?(?:可以?|能)(?:为您|帮您?|提供|协助|解答)|(?:来源|参考(?:资料|文献)?|相关链接)[：:]",
    re.IGNORECASE,
)
_LONGEST_OPENING: Final = 6  # openers taken off, one after the other


def states_nothing(sentence: str) -> bool:
    """Return whether a sentence, without its citation marks, has no content that a source could confirm."""
    rest = strip_openers(sentence)
    if not _IDLE.match(rest):
        return False
    parts = _OBJECTION.split(rest, maxsplit=1)
    return len(parts) < 2 or states_nothing(parts[1])


def strip_openers(sentence: str) -> str:
    """Return a sentence from its statement proper on: `Yes, unfortunately, the fee stands` without the first two."""
    position = 0
    for _ in range(_LONGEST_OPENING):
        markup = _MARKUP.match(sentence, position)
        position = markup.end() if markup else position
        opener = _OPENER.match(sentence, position)
        if not opener:
            break
        position = opener.end()
    return sentence[position:]


def asks_or_offers(lead_in: str) -> bool:
    """Return whether a line that leads into a list asks the reader for its items or offers them."""
    return _REQUESTING.search(lead_in) is not None
