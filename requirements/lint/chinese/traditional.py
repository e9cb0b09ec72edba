"""Traditional characters and the simplified ones they stand for: the rules and our own sentences are kept once.

One character stands for one, so that places in a text stay what they are. It covers the characters of the rules and of
our sentences, not the script.
"""

from __future__ import annotations

from typing import Final

_PAIRS: Final = (
    "誰谁來来併并應应須须當当務务嚴严準准許许無无會会該该請请將将並并與与從从於于後后時时間间內内過过達达"
    "個个條条筆笔項项類类種种張张頁页號号碼码數数據据資资訊讯檔档錄录記记載载寫写讀读審审閱阅復复確确認认"
    "證证實实際际評评測测試试驗验檢检覽览報报發发傳传輸输遞递轉转換换變变刪删銷销毀毁儲储備备儘尽盡尽馬马"
    "長长較较極极頻频經经週周歲岁舊旧歷历慣惯係系統统畫画顯显視视覺觉標标註注說说語语氣气詞词彙汇問问題题"
    "對对話话談谈禮礼親亲專专業业職职員员顧顾戶户險险費费價价賠赔償偿貸贷還还銀银匯汇帳账賬账額额調调節节"
    "優优質质簡简潔洁單单純纯豐丰強强壯壮靈灵順顺暢畅穩稳適适夠够關关聯联動动態态環环範范圍围規规則则權权"
    "責责監监護护衛卫風风隱隐誤误導导見见識识別别選选擇择讓让給给為为幫帮啟启閉闭開开連连線线網网絡络點点"
    "擊击鍵键層层級级組组織织團团隊队夥伙進进階阶續续維维運运營营執执處处遲迟擴扩彈弹絕绝約约幾几億亿萬万"
    "兩两雙双雜杂複复製制圖图譯译參参庫库樣样產产術术藝艺輔辅擬拟訂订購购賣卖貨货幣币稅税勞劳醫医療疗藥药"
    "師师診诊斷断劑剂學学習习課课總总計计結结構构論论決决議议紀纪異异誌志補补齊齐歸归屬属貼贴圓圆滿满慮虑"
    "憑凭憂忧響响聲声靜静聽听電电腦脑機机軟软體体驅驱雲云協协嘗尝爭争勵励薦荐預预設设劃划鬆松緊紧謹谨細细"
    "緻致誠诚損损壞坏傷伤災灾難难錯错遺遗棄弃廢废禦御擋挡攔拦鎖锁凍冻遠远離离輪轮艙舱閘闸門门帶带領领軌轨"
    "邊边觸触濾滤壓压縮缩編编輯辑顏颜紅红綠绿藍蓝黃黄銳锐鮮鲜豔艳麗丽觀观賞赏樂乐愛爱歡欢願愿獲获勝胜劇剧"
    "僅仅義义鏈链鍊链債债績绩貢贡獻献繫系繼继緒绪緩缓隨随佔占擁拥掛挂牆墙壇坛塊块墊垫場场壘垒塵尘夢梦夾夹"
    "奪夺奮奋婦妇媽妈孫孙寧宁寬宽寶宝尋寻岡冈島岛嶼屿幹干帥帅幟帜廠厂廣广廳厅弒弑彎弯徑径徵征憶忆懷怀懶懒"
    "戰战戲戏撥拨擔担擾扰攝摄敵敌斂敛暫暂曉晓曆历東东樓楼欄栏歐欧殘残氫氢沒没況况淨净減减滅灭滾滚潛潜濟济"
    "濕湿燈灯爐炉牽牵狀状獨独現现瑣琐畢毕癒愈盜盗盤盘瞭了矯矫碩硕禍祸稱称積积窮穷競竞築筑簽签簾帘籤签糧粮"
    "糾纠紙纸納纳紐纽終终綜综綱纲繪绘罰罚羅罗聞闻腳脚臉脸臨临舉举艦舰莊庄華华蓋盖蘭兰虛虚蟲虫衝冲裝装裡里"
    "訃讣訓训託托訴诉詐诈詢询詳详誇夸諮咨諾诺謀谋貝贝負负財财貫贯貴贵買买賊贼賓宾賴赖贊赞贏赢趕赶跡迹踐践"
    "軍军輕轻輛辆轄辖辦办農农迴回這这違违遷迁郵邮鄰邻釋释釐厘針针鈕钮鈔钞鏡镜鐘钟鑑鉴閃闪陣阵陰阴陳陈陸陆"
    "陽阳雖虽頭头飛飞飯饭飲饮館馆駕驾駛驶騙骗髮发鬧闹魚鱼麥麦黨党齒齿龍龙麼么臺台裏里爲为羣群檯台鬥斗籌筹"
    "趨趋槓杠爾尔煩烦鍋锅鎊镑磚砖讚赞鏽锈謂谓凈净眾众衆众髒脏誘诱僱雇劉刘貓猫豬猪鳥鸟雞鸡鄉乡鎮镇縣县蘇苏"
    "徹彻剛刚囑嘱屆届屜屉淺浅艱艰澀涩懇恳樸朴惡恶悅悦慘惨憤愤戀恋應应曠旷桿杆棟栋極极橋桥檢检毆殴潤润澤泽滯滞漲涨"
    "灑洒煉炼熱热燒烧猶犹獎奖瘋疯癥症禱祷穎颖窺窥籠笼紋纹紛纷紮扎絲丝綁绑緣缘縫缝縱纵繞绕繳缴纏缠膚肤膽胆"
    "臟脏舖铺藉借蘊蕴襲袭覓觅觸触訪访詳详誇夸諒谅譜谱譴谴豎竖賺赚贈赠躍跃軌轨輯辑輸输逕径遺遗邏逻酬酬鈍钝"
    "鉛铅鋪铺錄录鍛锻闊阔闡阐闢辟陝陕隊队隸隶靈灵韻韵頓顿頗颇顛颠飾饰飽饱餘余馴驯騰腾驚惊驟骤體体鬱郁鮮鲜"
)


def _table() -> dict[int, int]:
    traditional, simplified = _PAIRS[::2], _PAIRS[1::2]
    return {ord(old): ord(new) for old, new in zip(traditional, simplified, strict=True) if old != new}


TO_SIMPLIFIED: Final = _table()
# Of several traditional characters for one, the one that our sentences mean.
_MEANT: Final = {
    "发": "發", "复": "複", "系": "系", "制": "制", "里": "裡", "干": "干", "准": "準", "据": "據", "划": "劃",
    "致": "致", "征": "徵", "冲": "衝", "了": "了", "回": "回", "托": "託", "志": "誌", "汇": "匯", "注": "註",
    "松": "鬆", "历": "歷", "链": "鏈", "签": "簽", "当": "當", "尽": "盡", "记": "記", "后": "後", "账": "帳",
    "范": "範", "周": "週", "厘": "釐", "咨": "諮", "愈": "癒", "占": "佔", "伙": "夥", "讯": "訊", "云": "雲",
    "并": "並", "净": "淨", "赞": "贊", "台": "臺", "众": "眾", "为": "為",
}  # fmt: skip
_TO_TRADITIONAL: Final = {ord(chr(new)): chr(old) for old, new in TO_SIMPLIFIED.items()} | {
    ord(simplified): traditional for simplified, traditional in _MEANT.items()
}
# Where one character has two, by the word.
_WORDS: Final = (
    ("批準", "批准"), ("準许", "准許"), ("不準", "不准"), ("覆審", "複審"), ("標註", "標註"), ("註明", "註明"),
    ("回複", "回覆"), ("關註", "關注"), ("恢複", "恢復"), ("恢复", "恢復"), ("複核", "複核"), ("準则", "準則"),
)  # fmt: skip


def to_traditional(sentence: str) -> str:
    """Return one of our own simplified sentences in traditional characters."""
    told = sentence.translate(_TO_TRADITIONAL)
    for wrong, right in _WORDS:
        told = told.replace(wrong, right)
    return told


def is_traditional(text: str) -> bool:
    """Whether a text has more characters that only the traditional script has than ones that only the other has."""
    old = sum(ord(mark) in TO_SIMPLIFIED for mark in text)
    new = sum(ord(mark) in _TO_TRADITIONAL and ord(mark) not in TO_SIMPLIFIED for mark in text)
    return old > new
