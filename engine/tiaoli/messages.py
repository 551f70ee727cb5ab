"""The words of every diagnostic, in Chinese and English: what is wrong, and the edit that mends it.

Texts are templates over a diagnostic's arguments; `{near}` lines are dropped where nothing is near. One page in docs/errors explains each code.
"""

from __future__ import annotations

from tiaoli.message import Message
from tiaoli.record_messages import RECORD_MESSAGES

LABELS: dict[str, tuple[str, str]] = {
    "first_defined": ("先在这里定义", "first defined here"),
    "defined_here": ("定义在这里", "defined here"),
    "on_the_way": ("循环经过这里", "the cycle passes here"),
    "other_row": ("与这一行重叠", "overlaps with this row"),
    "mandate": ("上位要求在这里", "the mandate stands here"),
    "cited_here": ("引用在这里", "cited here"),
    "name": ("名称", "a name"),
    "string": ("引号中的文字", "a quoted text"),
    "value": ("数值", "a value"),
    "year": ("年度（如 2025年度）", "an insured year (such as 2025年度)"),
    "date": ("日期（如 2025-01-01）", "a date (such as 2025-01-01)"),
    "place": ("地区代码（如 CN-JX）", "a place code (such as CN-JX)"),
    "document": ("文件编号", "a document number"),
    "clause": ("条款号", "a clause"),
    "operator": ("运算符", "an operator"),
    "edge": ("(含) 或 (不含)", "(incl) or (excl)"),
    "end": ("结束", "the end"),
    "expression": ("表达式（名称、数值或括号）", "an expression (a name, a value or brackets)"),
    "amend": ("修改", "amend"),
    "repeal": ("废止", "repeal"),
    "exception": ("例外", "exception"),
}

MESSAGES: dict[str, Message] = {
    # ── 1xx: 写法 syntax ─────────────────────────────────────────────────────
    "E101": Message(
        "这里应是一个声明，却是“{found}”",
        "expected a declaration, found '{found}'",
        "每个声明以关键词开头：文件、条文、事实、参数、表、分段、规则、结果 规则、例外、修改、废止、要求、存疑",
        "each declaration begins with a keyword: document, clause, fact, param, table, scale, rule, output rule, …",
    ),
    "E102": Message(
        "“{after}”之后不能是“{found}”；可以是：{expected}",
        "'{found}' cannot follow '{after}'; expected: {expected}",
        "检查这里是否多写、漏写或写错了词",
        "check for a missing, extra or misspelt word here",
    ),
    "E103": Message(
        "“{found}”被读作一个名称：关键词“{keyword}”后面缺少空格",
        "'{found}' is read as one name: a space is missing after the keyword '{keyword}'",
        "写成“{keyword} {rest}”",
        "write '{keyword} {rest}'",
    ),
    "E104": Message(
        "“{after}”之后还没有写完；接下来可以是：{expected}",
        "the declaration ends too early after '{after}'; expected: {expected}",
        "补上缺少的部分",
        "add the missing part",
    ),
    "E105": Message("不认识的字符“{found}”", "unknown character '{found}'", "删去它", "delete it"),
    "E106": Message(
        "数字中不写千分位逗号：“{found}”",
        "numbers take no thousands separator: '{found}'",
        "写成“{better}”",
        "write '{better}'",
    ),
    "E107": Message(
        "引号没有成对：“{found}…”", "the quotation mark is not closed: {found}…", "在本行内补上右引号", "close it on the same line"
    ),
    "E108": Message(
        "一个文件只能有一个“文件”声明，这里又出现“{document}”",
        "a file holds one document; here is another header, '{document}'",
        "把它放到另一个 .tiaoli 文件",
        "move it to a .tiaoli file of its own",
    ),
    "E109": Message(
        "不认识的数字或单位“{found}”",
        "unknown number or unit '{found}'",
        "金额写 3000元 或 10万元，比例写 20%，期间写 4年、3个月、90天，年度写 2025年度",
        "write 3000元 or 3000yuan, 20%, 4年/4years, 3个月/3months, 90天/90days, 2025年度/Y2025",
    ),
    "E110": Message(
        "“{found}”（对象）声明本版本尚不支持",
        "'{found}' (entity) is not supported in this version",
        "目前的记录都是参保人；删去这个声明",
        "records are of insured persons for now; delete this declaration",
    ),
    "E111": Message(
        "表达式嵌套太深（超过{limit}层）", "the expression nests too deeply (more than {limit} levels)", "拆成几条规则", "split it into several rules"
    ),
    "E112": Message(
        "“{found}”是关键词，不能用作名称",
        "'{found}' is a keyword and cannot be a name",
        "换一个名称，例如在前后加字",
        "choose another name",
    ),
    "E113": Message(
        "金额“{found}”比分还小", "the amount '{found}' has fractions of a 分", "金额最多写两位小数（元）", "write at most two decimals of a yuan"
    ),
    "E114": Message("日期“{found}”不存在", "the date '{found}' does not exist", "改成存在的日期", "write a date that exists"),
    "E115": Message(
        "“{field}”重复", "'{field}' is given twice", "只保留一处", "keep one of them"
    ),
    "E116": Message(
        "行的最后一格应是结果的值", "the last cell of a row must be its result", "在最后一个“|”之后写结果", "write the result after the last '|'"
    ),
    # ── 2xx: 名称 names ──────────────────────────────────────────────────────
    "E201": Message(
        "“{name}”已经定义过",
        "'{name}' is already defined",
        "如果是新文件改变了它，写“修改 …”；否则换一个名称",
        "if a later document changes it write 'amend …', otherwise choose another name",
    ),
    "E202": Message(
        "要{action}的“{name}”不存在",
        "cannot {action} '{name}': it is not defined",
        "是不是“{near}”？被修改、废止或例外的名称须由本地区或上级的、更早的文件定义",
        "did you mean '{near}'? it must be defined by an earlier document of this place or one above",
    ),
    "E203": Message("“{name}”是保留名称", "'{name}' is a reserved name", "换一个名称", "choose another name"),
    "E204": Message(
        "未知的名称“{name}”",
        "unknown name '{name}'",
        "是不是“{near}”？",
        "did you mean '{near}'?",
    ),
    "E205": Message(
        "“{name}”没有为 {place} 定义（其他地区有）",
        "'{name}' is not defined for {place} (other places define it)",
        "在本地区的文件中定义它",
        "define it in a document of this place",
    ),
    "E206": Message(
        "“{name}”是“{owner}”的一个选项，不能单独作为值",
        "'{name}' is an option of '{owner}' and has no value of its own here",
        "写成“{owner} 为 {name}”",
        "write '{owner} is {name}'",
    ),
    "E207": Message("选项“{name}”重复", "the option '{name}' is listed twice", "删去一个", "delete one"),
    "E208": Message(
        "未知的类型“{name}”",
        "unknown type '{name}'",
        "类型有：是否 整数 金额 比例 年数 月数 天数 日期 年度 地区，或用“|”隔开的选项",
        "types are: bool int money rate years months days date insured_year place, or options separated by '|'",
    ),
    "E209": Message("存疑“{name}”至少要有两个不同的选项", "the question '{name}' needs two different options at least", "补上选项", "add an option"),
    "E210": Message(
        "存疑“{name}”应恰有一个默认选项，现有{count}个",
        "the question '{name}' needs exactly one default option, it has {count}",
        "在一个选项名后写“默认”",
        "write 'default' after one option",
    ),
    "E211": Message(
        "“{name}”不随年度变化，不能用“上年”", "'{name}' does not change by year and has no 'previous'", "删去“上年”", "delete 'previous'"
    ),
    "E212": Message(
        "通过“上年”读取的规则“{name}”没有初值",
        "the rule '{name}' is read through 'previous' and states no initial value",
        "在它的类型后写“初值 …”，例如“规则 {name}: {type}  初值 0…”",
        "write 'initial …' after its type",
    ),
    "E213": Message("未知的函数“{name}”", "unknown function '{name}'", "是不是“{near}”？", "did you mean '{near}'?"),
    "E214": Message("“{name}”是连写在一起的几个词", "'{name}' is several words written together", "加上空格：“{spaced}”", "put spaces: '{spaced}'"),
    # ── 3xx: 类型和单位 types and units ───────────────────────────────────────
    "E301": Message(
        "{left}与{right}不能用“{operator}”运算",
        "cannot apply '{operator}' to {left} and {right}",
        "把两边换成同一单位；期间用 数值(…) 取出整数，整数用 年数(…)、月数(…)、天数(…) 加上单位",
        "bring both sides to one unit; number(…) takes the count out of a duration, years(…), months(…), days(…) add a unit",
    ),
    "E302": Message(
        "这里要金额，“{text}”没有写单位", "an amount of money is needed here, '{text}' has no unit", "写成“{text}元”", "write '{text}元'"
    ),
    "E303": Message("这里要比例，“{text}”缺少百分号", "a rate is needed here, '{text}' lacks its percent sign", "写成“{text}%”", "write '{text}%'"),
    "E304": Message(
        "这里要{wanted}，“{text}”没有写单位",
        "a value of type {wanted} is needed here, '{text}' has no unit",
        "年数写 4年，月数写 3个月，天数写 90天，年度写 2025年度",
        "write 4年, 3个月, 90天 or 2025年度",
    ),
    "E305": Message(
        "这里要{wanted}，“{text}”是{found}", "expected {wanted}, but '{text}' is {found}", "改变表达式，或改变声明的类型", "change the expression or the declared type"
    ),
    "E306": Message(
        "“{name}”含有除法，必须写明舍入",
        "'{name}' divides and must name its rounding",
        "在类型后写“舍入 四舍五入 到 分”（或别的方式和单位），或用 舍入(式, 方式, 单位)",
        "write 'round half_up to 分' after the type, or round(value, mode, unit)",
    ),
    "E307": Message(
        "“{name}”的值可能超出64位整数",
        "the value of '{name}' could leave 64 bits",
        "给它用到的事实写明“范围 …”，或减少小数位",
        "state a range for the facts it reads, or use fewer decimals",
    ),
    "E309": Message("看不出参数“{name}”的类型", "cannot tell the type of the parameter '{name}'", "在名称后写“: 类型”", "write ': type' after its name"),
    "E311": Message(
        "“{name}”原来是{old}，修改后不能变成{new}", "'{name}' is {old} and cannot become {new}", "保持原来的类型", "keep its type"
    ),
    "E312": Message(
        "未知的舍入方式“{name}”；有：{known}",
        "unknown rounding mode '{name}'; there are: {known}",
        "是不是“{near}”？",
        "did you mean '{near}'?",
    ),
    "E313": Message(
        "未知的舍入单位“{name}”",
        "unknown rounding unit '{name}'",
        "单位有：分 角 元 十元 百元 千元 万元 整数，或写出数值如 0.01%",
        "units are: 分 角 元 百元 千元 万元 整数, or a value such as 0.01%",
    ),
    "E314": Message(
        "“{unit}”不能作为{type}的舍入单位", "'{unit}' is not a rounding unit for {type}", "换成与类型相符的单位", "use a unit of the same type"
    ),
    "E315": Message(
        "“{name}”可能为空（无），使用前没有判断",
        "'{name}' may be absent and is used without a test",
        "先写“有 {name} 且 …”，或在前面的分支中处理“没有 {name}”",
        "write 'has {name} and …' first, or treat 'lacks {name}' in an earlier clause",
    ),
    "E316": Message(
        "“无”不能参与运算；判断是否为空请写“没有 名称”",
        "'absent' cannot be computed with; to test, write 'lacks name'",
        "用“有 名称”或“没有 名称”；规则的结果可为空时在类型后写“可空”",
        "use 'has name' or 'lacks name'; a rule that may give no value is declared 'optional'",
    ),
    "E317": Message("这里要是否，却是{found}", "a condition is needed here, found {found}", "写成比较，例如“… > 0元”", "write a comparison"),
    "E318": Message("“进位”只用于日期加减年数或月数", "'carry' is only for adding years or months to a date", "删去“进位”", "delete 'carry'"),
    "E319": Message(
        "函数“{function}”不接受（{types}）", "the function '{function}' does not take ({types})", "检查参数的类型和顺序", "check the types and order of its arguments"
    ),
    "E320": Message("“{operator}”不能用于{left}", "'{operator}' does not apply to {left}", "换成数值", "use a number"),
    "E321": Message(
        "函数“{function}”的参数个数不对：写了{found}个",
        "the function '{function}' has a wrong number of arguments: {found}",
        "至少{low}个，至多{high}个；“自 年度”只用于 连续年数、累计、曾经",
        "at least {low}, at most {high}; 'from year' is only for consecutive_years, running_total, ever_before",
    ),
    "E322": Message("日期(年度, 月, 日) 的月和日要直接写整数，不大于{limit}", "month and day of date(…) are written as whole numbers, at most {limit}", "直接写出数字", "write the number"),
    "E323": Message(
        "“{name}”有条件必填，还须写“可空”", "'{name}' is required on a condition and must also be optional", "在类型后写“可空”", "write 'optional' after the type"
    ),
    "E324": Message("“{name}”的 可空、默认、必填 只能写一个", "'{name}' may state only one of optional, default and required", "只保留一个", "keep one"),
    "E325": Message("“{name}”的默认值不在范围之内", "the default of '{name}' is outside its range", "改默认值或范围", "change the default or the range"),
    "E326": Message("{type}不能写范围", "a value of type {type} has no range", "删去“范围”", "delete the range"),
    "E327": Message("范围的下限大于上限", "the range ends before it begins", "交换两端", "swap its ends"),
    "E328": Message(
        "“必填 当”的条件只能用事实", "the condition of 'required when' may use facts of the same year only", "只写当年的事实", "name facts of the year only"
    ),
    "E329": Message("这里只能写数值，不能用名称", "only literal values may stand here, no names", "直接写出数值", "write the value out"),
    "E330": Message("“{type}”的值要是整数单位", "a value of type {type} must be a whole number of its units", "写成整数（金额到分）", "write a whole number (money to the 分)"),
    "E331": Message(
        "“{name}”（{type}）不能作为参数的键", "'{name}' ({type}) cannot key a parameter", "键须是选项、是否、整数或地区，且不可空", "a key is an enumeration, bool, int or place, and never absent"
    ),
    "E332": Message("累计(…) 只用于不含除法的数值", "running_total(…) takes a number without division", "先定义一条舍入后的规则再累计", "define a rounded rule first and total that"),
    "W302": Message("“{name}”总是有值，不必判断", "'{name}' always has a value; the test is not needed", "删去这个判断", "delete the test"),
    # ── 4xx: 年度和文件 years and documents ──────────────────────────────────
    "E401": Message(
        "{year}年度早于文件 {document} 的施行年度（{effective}年度）",
        "{year} is before {document} takes effect ({effective})",
        "改正年度；确实溯及以前年度的，在后面写 说明 \"理由\"",
        "correct the year; if it really reaches back, add note \"reason\"",
    ),
    "E402": Message("“自 {first}年度 至 {last}年度”：结束早于开始", "from {first} until {last}: it ends before it begins", "改正年度", "correct the years"),
    "E403": Message("这一行已经以年度开头，不能再写“自”", "the row begins with its year and cannot also have 'from'", "删去“自 …”", "delete 'from …'"),
    "E404": Message(
        "参数“{name}”在{year}年度有两个值", "the parameter '{name}' has two values in {year}", "用“自/至”分开年度", "separate the years with from/until"
    ),
    "E405": Message("“{name}”的种类不同，不能这样修改", "'{name}' is of another sort and cannot be amended so", "用定义它的关键词", "use the keyword that defines it"),
    "E406": Message("修改参数“{name}”须与原来一样按键（按 …）给值", "the amendment of '{name}' must be keyed as the parameter is", "照原来的“按 …”写", "repeat its 'by …'"),
    "E407": Message("“{name}”不能废止，只有规则、表、分段和参数可以", "'{name}' cannot be repealed, only rules, tables, scales and parameters can", "删去这个声明", "delete this declaration"),
    "E408": Message("例外不写“否则”：其余情形由“{name}”原来的规则决定", "an exception has no 'otherwise': '{name}' itself decides the rest", "删去“否则”", "delete 'otherwise'"),
    "E409": Message("规则循环：{path}", "the rules form a cycle: {path}", "让其中一条改用“上年”或别的值", "let one of them use 'previous' or another value"),
    "E410": Message(
        "“{name}”在{year}年度没有施行（施行年度：{years}）",
        "'{name}' is not in force in {year} (in force: {years})",
        "用“自/至”限定这条规则的年度，或延长“{name}”的年度",
        "narrow this rule with from/until, or extend '{name}'",
    ),
    "E411": Message(
        "参数“{name}”在{year}年度没有值 {key}",
        "the parameter '{name}' has no value in {year} {key}",
        "补上这一年度（或这一键、这一地区）的值，或用“自/至”限定使用它的规则",
        "give its value for that year (key, place), or narrow the rule that uses it",
    ),
    "E412": Message("缺少“文件”声明", "the document header is missing", "在开头写“文件 编号  地区 CN-…  施行 2025年度”", "begin with 'document NUMBER place CN-… effective Y2025'"),
    "E413": Message("文件头缺少“{field}”", "the header lacks '{field}'", "补上“{field} …”", "add '{field} …'"),
    "E414": Message("文件 {document} 已经在另一个 .tiaoli 文件中", "the document {document} is already encoded in another file", "合成一个文件，或改正编号", "merge the files or correct the number"),
    "E415": Message("修改事实“{name}”不能改变它的类型，也不能改变是否每年", "the amended fact '{name}' must keep its type and stay yearly or not", "照原来的“每年”和类型写", "repeat 'yearly' and the type as they are"),
    # ── 5xx: 分支和表 clauses and tables ─────────────────────────────────────
    "E501": Message(
        "规则“{name}”缺少“否则”", "the rule '{name}' lacks 'otherwise'", "在最后加一行“否则 …”，写明其余情形的值", "end it with 'otherwise …'"
    ),
    "E502": Message("规则“{name}”没有内容", "the rule '{name}' has no value", "写“= …”或“当 … 得 … 否则 …”", "write '= …' or 'when … give … otherwise …'"),
    "E503": Message("未知的命中方式“{found}”", "unknown hit policy '{found}'", "写 唯一 或 首个", "write 'unique' or 'first'"),
    "E504": Message("这一行有{found}个条件格，表头有{wanted}列", "the row has {found} condition cells, the table {wanted} columns", "补上或删去格子，任意值写“-”", "add or delete cells; '-' fits any value"),
    "E505": Message("这一列不会为空，不能写“无”", "this column is never absent", "删去“无”", "delete 'absent'"),
    "E506": Message("格子中只能用数值和参数", "cells may use literals and parameters only", "先算出一条规则作为列", "make a rule of it and use that as a column"),
    "E507": Message("{type}没有大小，不能写范围", "{type} has no order and no ranges", "写出各个值", "list the values"),
    "E508": Message(
        "边界“{text}”没有写明是否包含", "the edge '{text}' does not say whether it is included", "写成“{text}(含)”或“{text}(不含)”", "write '{text}(incl)' or '{text}(excl)'"
    ),
    "E509": Message(
        "表“{name}”有空档：{example} 没有对应的行（{year}年度）", "the table '{name}' has a gap: no row for {example} (in {year})", "补一行，或加“否则 …”", "add a row or 'otherwise …'"
    ),
    "E510": Message("两行重叠：{example} 同时符合（{year}年度）", "two rows overlap: both fit {example} (in {year})", "改正边界，或写“命中 首个”让靠前的行优先", "mend the edges, or write 'hit first' to let the earlier row win"),
    "E511": Message("分段“{name}”有空档：{value} 不在任何一段（{year}年度）", "the scale '{name}' has a gap at {value} (in {year})", "改正边界；不计的部分写“得 0%”的段", "mend the edges; a part that does not count is a band at 0%"),
    "E512": Message("分段“{name}”重叠：{value} 在两段之中（{year}年度），段须由低到高", "bands of '{name}' overlap at {value} (in {year}); bands go from low to high", "改正边界或顺序", "mend the edges or the order"),
    "W501": Message("这一行永远不会被选中", "this row never decides", "删去它，或改正靠前的行", "delete it or mend the rows before it"),
    # ── 6xx: 依据、条文、要求 law ─────────────────────────────────────────────
    "W601": Message("没有写依据", "no legal basis is given", "在末尾写“依据 条款”，例如“依据 二(四)第1句”", "end it with 'basis CLAUSE'"),
    "E602": Message(
        "{place} {year}年度不符合上位要求“{mandate}”（{basis}）：{figures}",
        "{place} breaks the mandate '{mandate}' ({basis}) in {year}: {figures}",
        "改正数值；文件确实这样规定的，请向制定机关核实",
        "correct the figure; if the document really says so, ask the issuer",
    ),
    "W602": Message(
        "{place} {year}年度与原则上的要求“{mandate}”（{basis}）不一致：{figures}",
        "{place} departs from what is required in principle, '{mandate}' ({basis}), in {year}: {figures}",
        "核对数值",
        "check the figure",
    ),
    "E603": Message("{document} 的条文中没有“{clause}”", "the outline of {document} has no clause '{clause}'", "是不是“{near}”？或在该文件的“条文”中补上它", "did you mean '{near}'? or add it to that outline"),
    "E604": Message("引用的文件 {document} 不在库中", "the cited document {document} is not in the library", "是不是“{near}”？库外的上级文件请在文件头写“上位 {document}”", "did you mean '{near}'? a document outside the library is named in the header: 'parent {document}'"),
    "E605": Message("条文“{clause}”既没有写编码，也没有写不可计算的理由", "the clause '{clause}' is neither encoded nor explained", "写“编码 名称”或“不可计算 \"理由\"”", "write 'encoded_by NAME' or 'not_computable \"reason\"'"),
    "E606": Message("条文“{clause}”重复", "the clause '{clause}' is listed twice", "删去一处", "delete one"),
    "E607": Message("条文“{clause}”列出的“{name}”不在本文件中", "'{name}', listed for clause '{clause}', is not in this document", "是不是“{near}”？要求一律写“要求”", "did you mean '{near}'? mandates are listed as 要求"),
    "E608": Message("条文“{clause}”列出了“{name}”，但它没有引用这一条", "clause '{clause}' lists '{name}', which does not cite it", "在“{name}”写“依据 {clause}”，或从条文中删去", "add 'basis {clause}' to '{name}', or delete it here"),
    "E609": Message("“{name}”引用了条文“{clause}”，条文中没有列出它", "'{name}' cites clause '{clause}', which does not list it", "在条文的“编码”后加上“{name}”", "add '{name}' behind 'encoded_by'"),
    "W605": Message("{document} 没有列出条文", "{document} has no outline of its clauses", "在文件头之后写“条文 一(一) \"主题\" 编码 …”", "list its clauses after the header: clause 一(一) \"subject\" encoded_by …"),
    # ── 8xx: 运行 running ────────────────────────────────────────────────────
    "E801": Message("除数为零：{text}", "division by zero: {text}", "先判断除数不为零", "test the divisor first"),
    "E802": Message("日期超出公元1—9999年：{text}", "a date leaves the years 1 to 9999: {text}", "检查记录中的日期和期间", "check the dates and durations of the record"),
    "E803": Message("“{rule}”的两个例外同时成立而值不同：{clauses}", "two exceptions to '{rule}' hold with different values: {clauses}", "让两个例外的条件互斥，或用更高的文件规定先后", "make the exceptions exclude each other"),
    "E804": Message(
        "{person} {year}年度 {rule}：{reason}", "{person}, {year}, {rule}: {reason}", "该人这一次没有结果；改正规则或记录", "this person has no result; mend the rule or the record"
    ),
    "E805": Message(
        "{person} {year}年度不符合要求“{mandate}”（{basis}）", "{person} in {year} breaks the mandate '{mandate}' ({basis})", "核对该人的记录和有关规则", "check the person's record and the rules"
    ),
    "W805": Message(
        "{person} {year}年度与原则上的要求“{mandate}”（{basis}）不一致", "{person} in {year} departs from '{mandate}' ({basis}), required in principle", "核对", "check it"
    ),
    "E810": Message(
        "没有地区 {place}；现有：{known}", "there is no place {place}; there are: {known}", "是不是“{near}”？自己的规则集用 --rulesets 目录", "did you mean '{near}'? name your own folder with --rulesets"
    ),
    "E811": Message("{place} 没有名为“{name}”的规则", "{place} has no rule named '{name}'", "是不是“{near}”？", "did you mean '{near}'?"),
    "E812": Message("没有名为“{name}”的存疑", "there is no open question named '{name}'", "是不是“{near}”？", "did you mean '{near}'?"),
    "E813": Message("存疑“{name}”没有选项“{option}”；有：{known}", "the question '{name}' has no option '{option}'; it has: {known}", "选其中一个", "choose one of them"),
    "E814": Message("年度“{text}”写法不对", "cannot read the years '{text}'", "写成 2025 或 2025..2030", "write 2025 or 2025..2030"),
    "E815": Message("{year}年度早于计算自 {first}年度", "{year} is before computation starts ({first})", "改正年度", "correct the year"),
    "E816": Message("没有编号为“{person}”的记录", "there is no record of '{person}'", "是不是“{near}”？", "did you mean '{near}'?"),
    "E817": Message("找不到文件或目录：{path}", "no such file or folder: {path}", "检查路径", "check the path"),
    "E818": Message("不能读取 {path}：{reason}", "cannot read {path}: {reason}", "须是 UTF-8 文本文件", "it must be a text file in UTF-8"),
    "E819": Message("不支持的输出格式“{suffix}”", "unknown output format '{suffix}'", "用 .jsonl、.json、.csv 或 .xlsx", "use .jsonl, .json, .csv or .xlsx"),
    "E820": Message("“{rule}”在{year}年度没有施行", "'{rule}' is not in force in {year}", "换一个年度，或用 tiaoli show 查看施行年度", "choose another year; 'tiaoli show' lists what is in force"),
    "E821": Message("{path} 中没有规则集文件（*.tiaoli）", "there are no rulesets (*.tiaoli) in {path}", "检查路径", "check the path"),
    "E822": Message("期初：{reason}", "opening state: {reason}", "用 --closing 写出的文件作为 --opening", "use a file written by --closing"),
    "E823": Message("{path} 已经存在", "{path} already exists", "换一个文件名", "choose another name"),
    "E824": Message("不能写入 {path}：{reason}", "cannot write {path}: {reason}", "检查目录和权限", "check the folder and permissions"),
    "E825": Message("“{text}”应写成 {form}", "'{text}' should be written {form}", "照此改写", "write it so"),
    "E830": Message("用例文件：{reason}", "cases file: {reason}", "参照 docs/language.md 的“用例”一节", "see the section on cases in docs/language.md"),
    "E831": Message("用例“{case}”：{year}年度 {rule} 应为 {expected}，实为 {actual}", "case '{case}': {rule} in {year} should be {expected}, is {actual}", "改正规则或期望", "mend the rule or the expectation"),
    **RECORD_MESSAGES,
}
