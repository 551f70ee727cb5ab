"""The words of diagnostics on 对象: kinds of record, links between them, figures over the records that point to one."""

from __future__ import annotations

from tiaoli.message import Message

ENTITY_MESSAGES: dict[str, Message] = {
    # ── 1xx: 写法 syntax ─────────────────────────────────────────────────────
    "E121": Message(
        "“按”和“当”只能写在计数、合计等的第一项里，不能写在“{function}”的这里",
        "'by' and 'when' belong to the first part of count, total and the like, not here in '{function}'",
        "先写对象和条件，再写要算的值：“合计(对象 当 条件, 值)”",
        "write the entity and the condition first, then the value: 'total(entity when condition, value)'",
    ),
    "E122": Message(
        "“{function}”括号里的第一项应是一个对象的名称",
        "the first part of '{function}' must be the name of an entity",
        "写成“{better}”；几个数相加用“+”，取较大、较小用“取大”“取小”",
        "write '{better}'; numbers are added by '+', compared by 'max' and 'min'",
    ),
    "E123": Message(
        "“{function}”要写两项：对象和每条记录上的值",
        "'{function}' needs two parts: the entity, and the value of each record",
        "写成“{function}({members} 当 …, 值)”；只数有几条用“计数”",
        "write '{function}({members} when …, value)'; to count records use 'count'",
    ),
    "E124": Message(
        "“{function}”只写对象和条件，不写值",
        "'{function}' takes the entity and a condition, no value",
        "条件写在“当”后：“{function}({members} 当 …)”；把值加起来用“合计”，求份额用“占比”",
        "write the condition behind 'when': '{function}({members} when …)'; to add values use 'total', for a share 'share'",
    ),
    "E125": Message(
        "参数不属于任何对象，不能写成“{owner} 的 {name}”",
        "a parameter belongs to no entity and cannot be '{owner} . {name}'",
        "每个{owner}各有的数写成“事实 {owner} 的 {name}: …”；法定的数直接写“参数 {name}”",
        "a figure that each {owner} has is 'fact {owner}.{name}: …'; a figure of the law is 'param {name}'",
    ),
    # ── 2xx: 名称 names ──────────────────────────────────────────────────────
    "E217": Message(
        "没有名为“{name}”的对象",
        "there is no entity '{name}'",
        "是不是“{near}”？声明它：“对象 {name}”",
        "did you mean '{near}'? declare it: 'entity {name}'",
    ),
    "E218": Message(
        "“{name}”是“{owner}”的，不能在“{here}”的规则里直接使用",
        "'{name}' is of '{owner}' and cannot stand by itself in a rule of '{here}'",
        "写成“{way}”",
        "write '{way}'",
    ),
    "E219": Message(
        "“{name}”不是指向其他记录的链接（它的类型是{found}），后面不能写“的”",
        "'{name}' points to no other record (its type is {found}), so no '.' can follow",
        "“的”前面写类型为对象的事实；要用它本身的值就删去“的 …”",
        "before '.' stands a fact whose type is an entity; for its own value delete '. …'",
    ),
    "E220": Message(
        "“{name}”是一种对象，不是一个值",
        "'{name}' is a kind of record, not a value",
        "要它的值，写“链接 的 名称”；要统计，写“计数({name})”",
        "for a value of it write 'link.name', to count them 'count({name})'",
    ),
    "E221": Message(
        "“{name}”是“{owner}”的，不是“{target}”的",
        "'{name}' is of '{owner}', not of '{target}'",
        "是不是“{near}”？“的”后面写“{target}”的事实或规则",
        "did you mean '{near}'? behind '.' stands a fact or rule of '{target}'",
    ),
    "E222": Message(
        "“{members}”没有指向“{here}”的链接，无法统计",
        "'{members}' has no link to '{here}', so there is nothing to add up",
        "声明链接，例如“事实 {members} 的 所属{here}: {here}”；或把规则写成它所指对象的规则",
        "declare the link, such as 'fact {members}.its_{here}: {here}', or make this a rule of the entity it points to",
    ),
    "E223": Message(
        "“{members}”有几个指向“{here}”的链接：{links}",
        "'{members}' has several links to '{here}': {links}",
        "写明按哪一个：“{members} 按 {link}”",
        "say which: '{members} by {link}'",
    ),
    "E224": Message(
        "“{name}”是“{owner}”的，不是“{found}”的",
        "'{name}' is of '{owner}', not of '{found}'",
        "写“{owner} 的 {name}”，或只写“{name}”",
        "write '{owner}.{name}' or just '{name}'",
    ),
    "E225": Message(
        "只有事实能以对象“{name}”为类型",
        "only facts can have the entity '{name}' as their type",
        "声明为事实：“事实 …: {name}”，规则里用“链接 的 名称”取它的值",
        "make it a fact 'fact …: {name}'; rules read its values by 'link.name'",
    ),
    "E226": Message(
        "“{name}”不是从“{members}”指向“{here}”的链接",
        "'{name}' is no link from '{members}' to '{here}'",
        "是不是“{near}”？“按”后面写这样的链接",
        "did you mean '{near}'? behind 'by' stands such a link",
    ),
    "E227": Message(
        "统计里面不能再套统计",
        "an aggregate cannot stand inside another",
        "给里面的一层单独写一条规则：“规则 {owner} 的 …: … = {text}”，外面用它的名称",
        "give the inner one a rule of its own, 'rule {owner}. …: … = {text}', and use its name",
    ),
    "E228": Message(
        "参数“{name}”按“{key}”取值，“{key}”是“{owner}”的，“{here}”的规则不能用",
        "the parameter '{name}' goes by '{key}', which is of '{owner}', so no rule of '{here}' can use it",
        "写一条“{owner}”的规则取出它的值，再通过链接使用",
        "write a rule of '{owner}' that gives its value and read that through a link",
    ),
    "E229": Message(
        "“{name}”是“{owner}”的；“{here}”没有通向“{owner}”的链接",
        "'{name}' is of '{owner}', and '{here}' has no link to '{owner}'",
        "先声明链接“事实 {here} 的 所属{owner}: {owner}”，再写“所属{owner} 的 {name}”",
        "declare a link 'fact {here}.its_{owner}: {owner}', then write 'its_{owner}.{name}'",
    ),
    "E230": Message(
        "“{name}”不属于任何对象，前面不能写“… 的”",
        "'{name}' belongs to no entity, so nothing with '.' can stand before it",
        "只写“{name}”",
        "write just '{name}'",
    ),
    "E231": Message(
        "“{name}”是本来就有的对象，不必声明",
        "'{name}' is built in and is not declared",
        "删去这个声明；参保人的事实和规则不写对象",
        "delete this declaration; facts and rules of insured persons name no entity",
    ),
    "E232": Message(
        "“{here}”的规则里不能统计“{members}”：没有哪个“{members}”属于另一个",
        "a rule of '{here}' cannot add up '{members}': none of them belongs to another",
        "写成所属对象的规则：“规则 {owner} 的 …: …”",
        "make it a rule of what they belong to: 'rule {owner}. …: …'",
    ),
    "E233": Message(
        "规则里不能写某一条“{owner}”的名称“{name}”",
        "a rule cannot name a certain '{owner}' such as '{name}'",
        "给“{owner}”加一个说明其类别的事实，例如“事实 {owner} 的 类型: … | …”，再比较“… 的 类型”",
        "give '{owner}' a fact that says what matters, such as 'fact {owner}.sort: … | …', and compare that",
    ),
    # ── 3xx: 类型 types ──────────────────────────────────────────────────────
    "E334": Message(
        "“{function}”不能用于{found}；可以用于：{takes}",
        "'{function}' does not take {found}; it takes: {takes}",
        "换一个值；数有几条用“计数”，求满足条件的份额用“占比”",
        "use another value; to count records use 'count', for the share that fulfils a condition 'share'",
    ),
    "E335": Message(
        "“{function}”里的值含有未舍入的除法",
        "the value in '{function}' holds a division that is not rounded",
        "先舍入：“舍入(…, 四舍五入, …)”，或单独写一条规则",
        "round it first, 'round(…, half_up, …)', or give it a rule of its own",
    ),
    "E336": Message(
        "没有记录时“{name}”没有值，不能直接参加运算",
        "'{name}' is absent where there are no records and cannot be computed with",
        "单独写一条可空的规则“规则 …: … 可空 = {name}”，用“有”问过再用",
        "give it an optional rule of its own, 'rule …: … optional = {name}', and ask 'has' before using it",
    ),
    "E337": Message(
        "“{value}”的范围太大，“{name}”加总后可能超出64位整数",
        "'{value}' can be so large that its total '{name}' could leave 64 bits",
        "用 取小 或 限于 使每条记录的值不超过{limit}，或给它用到的事实写明“范围 …”（计数没有范围，只能用前一种）",
        "keep the value of a record within {limit} with min or clamp, or state ranges for the facts it reads (a count has none)",
    ),
}
