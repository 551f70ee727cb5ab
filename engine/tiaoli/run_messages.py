"""The words of diagnostics on running: results, cases, the command line (codes 8xx)."""

from __future__ import annotations

from tiaoli.message import Message

RUN_MESSAGES: dict[str, Message] = {
    # ── 8xx: 运行 running ────────────────────────────────────────────────────
    "E801": Message("除数为零：{text}", "division by zero: {text}", "先判断除数不为零", "test the divisor first"),
    "E802": Message(
        "日期超出公元1—9999年：{text}",
        "a date leaves the years 1 to 9999: {text}",
        "检查记录中的日期和期间",
        "check the dates and durations of the record",
    ),
    "E803": Message(
        "“{rule}”的两个例外同时成立而值不同：{clauses}",
        "two exceptions to '{rule}' hold with different values: {clauses}",
        "让两个例外的条件互斥，或用更高的文件规定先后",
        "make the exceptions exclude each other",
    ),
    "E804": Message(
        "{person} {year}年度 {rule}：{reason}",
        "{person}, {year}, {rule}: {reason}",
        "该人这一次没有结果；改正规则或记录",
        "this person has no result; mend the rule or the record",
    ),
    "E805": Message(
        "{person} {year}年度不符合要求“{mandate}”（{basis}）{reason}",
        "{person} in {year} breaks the mandate '{mandate}' ({basis}){reason}",
        "核对这条记录和有关规则",
        "check this record and the rules",
    ),
    "W805": Message(
        "{person} {year}年度与原则上的要求“{mandate}”（{basis}）不一致{reason}",
        "{person} in {year} departs from '{mandate}' ({basis}), required in principle{reason}",
        "核对这条记录和有关规则；文件另有规定的可以不理会",
        "check this record and the rules, unless a document provides otherwise",
    ),
    "E806": Message(
        "{person} {year}年度在 {place}，不在 {own}：{reason}",
        "{person} is in {place} in {year}, not in {own}: {reason}",
        "转移之前的年度用原地区计算并写出 --closing，转移之后的年度用新地区计算，以它作为 --opening",
        "compute the years before with the old place and write --closing, the years after with the new place from it as --opening",
    ),
    "W806": Message(
        "有 {count} 条{members}记录没有计算，下列合计、占比等不含它们：{rules}",
        "records of {members} that were not computed: {count}; these figures are without them: {rules}",
        "先改正上面列出的错误，再用这些数字",
        "mend what is listed above before using these figures",
    ),
    "W807": Message(
        "输入中没有{members}的记录，下列数字按没有成员计算：{rules}",
        "the input has no records of {members}; these figures are those of no members: {rules}",
        "加上这类记录的文件；确实没有时可以不理会",
        "add the file of these records, unless there are none",
    ),
    "E810": Message(
        "没有地区“{place}”（{reason}）",
        "there is no place '{place}' ({reason})",
        "是不是“{near}”？自己的规则集用 --rulesets 写明目录；全部地区见 tiaoli places",
        "did you mean '{near}'? name the folder of your own rulesets with --rulesets; 'tiaoli places' lists all places",
    ),
    "E811": Message(
        "{place} 没有名为“{name}”的规则",
        "{place} has no rule named '{name}'",
        "是不是“{near}”？",
        "did you mean '{near}'?",
    ),
    "E812": Message(
        "没有名为“{name}”的存疑",
        "there is no open question named '{name}'",
        "是不是“{near}”？",
        "did you mean '{near}'?",
    ),
    "E813": Message(
        "存疑“{name}”没有选项“{option}”；有：{known}",
        "the question '{name}' has no option '{option}'; it has: {known}",
        "选其中一个",
        "choose one of them",
    ),
    "E814": Message(
        "年度“{text}”写法不对", "cannot read the years '{text}'", "写成 2025 或 2025..2030", "write 2025 or 2025..2030"
    ),
    "E815": Message(
        "{year}年度早于计算自 {first}年度",
        "{year} is before computation starts ({first})",
        "改正年度",
        "correct the year",
    ),
    "E816": Message(
        "没有编号为“{person}”的记录", "there is no record of '{person}'", "是不是“{near}”？", "did you mean '{near}'?"
    ),
    "E817": Message("找不到文件或目录：{path}", "no such file or folder: {path}", "检查路径", "check the path"),
    "E818": Message(
        "不能读取 {path}：{reason}",
        "cannot read {path}: {reason}",
        "检查路径和读取的权限",
        "check the path and whether it may be read",
    ),
    "E850": Message(
        "{path} 不是 UTF-8 文本",
        "{path} is no text in UTF-8",
        "用编辑器打开，另存为 UTF-8 编码",
        "open it in an editor and save it as UTF-8",
    ),
    "E819": Message(
        "不支持的输出格式“{suffix}”",
        "unknown output format '{suffix}'",
        "用 .jsonl、.json、.csv 或 .xlsx",
        "use .jsonl, .json, .csv or .xlsx",
    ),
    "E820": Message(
        "“{rule}”在{year}年度没有施行",
        "'{rule}' is not in force in {year}",
        "换一个年度，或用 tiaoli show 查看施行年度",
        "choose another year; 'tiaoli show' lists what is in force",
    ),
    "E840": Message(
        "“{rule}”未编码到 {place}：{parameters} 在当地没有取值",
        "'{rule}' is not encoded for {place}: {parameters} has no value there",
        "查到当地的规定之后，在它的文件里用 修改 参数 写明",
        "once the local rule is known, give the value in its document with 'amend param'",
    ),
    "E845": Message(
        "存疑“{name}”在 {place} 已确定为“{option}”（{basis}）",
        "the question '{name}' is settled in {place}: '{option}' ({basis})",
        "去掉这一读法",
        "leave this reading out",
    ),
    "E821": Message(
        "{path} 中没有规则集文件（*.tiaoli）",
        "there are no rulesets (*.tiaoli) in {path}",
        "检查路径",
        "check the path",
    ),
    "E822": Message(
        "期初：{reason}",
        "opening state: {reason}",
        "用 --closing 写出的文件作为 --opening",
        "use a file written by --closing",
    ),
    "E823": Message("{path} 已经存在", "{path} already exists", "换一个文件名", "choose another name"),
    "E824": Message(
        "不能写入 {path}：{reason}",
        "cannot write {path}: {reason}",
        "检查目录和权限",
        "check the folder and permissions",
    ),
    "E825": Message("“{text}”应写成 {form}", "'{text}' should be written {form}", "照此改写", "write it so"),
    "E826": Message(
        "{path} 既要读又要写，或要写两次",
        "{path} would be both read and written, or written twice",
        "换一个输出文件名",
        "choose another output file",
    ),
    "E862": Message(
        "缺少软件包：{packages}",
        "packages are missing: {packages}",
        '安装大批量计算的附加部分：pip install "tiaoli[{extra}]"',
        'install the extra for large tables: pip install "tiaoli[{extra}]"',
    ),
    "E863": Message(
        "概况文件：{reason}",
        "profile: {reason}",
        "用 tiaoli synth --print-profile 打印内置的概况，照它改写",
        "'tiaoli synth --print-profile' prints the built-in profile; write it like that",
    ),
    "E849": Message("{path} 作为输入写了两次", "{path} is named twice as input", "只写一次", "name it once"),
    "E841": Message(
        "没有文件“{document}”",
        "there is no document '{document}'",
        "是不是“{near}”？用 tiaoli clauses 列出全部文件",
        "did you mean '{near}'? 'tiaoli clauses' lists all documents",
    ),
    "E842": Message(
        "没有哪个地区有名为“{name}”的参数或规则",
        "no place has a parameter or rule named '{name}'",
        "是不是“{near}”？",
        "did you mean '{near}'?",
    ),
    "E847": Message(
        "“{name}”是{reason}，不是参数或规则，不能比较",
        "'{name}' is {reason}, no parameter or rule, and cannot be compared",
        "用 tiaoli show 地区 {name} 查看它",
        "'tiaoli show PLACE {name}' shows it",
    ),
    "E848": Message(
        "{reason}",
        "{reason}",
        "是不是“{near}”？{command} --help 列出用法",
        "did you mean '{near}'? '{command} --help' shows how it is used",
    ),
    "E843": Message(
        "“{name}”是参数，与记录无关",
        "'{name}' is a parameter and does not depend on records",
        "去掉 --records",
        "leave out --records",
    ),
    "E844": Message(
        "记录中的人太多，并列比较最多{most}人",
        "too many people in the records to stand side by side; at most {most}",
        "减少记录，或用 tiaoli run 逐个地区计算",
        "take fewer records, or compute place by place with 'tiaoli run'",
    ),
    "E830": Message(
        "用例文件：{reason}",
        "cases file: {reason}",
        "参照 docs/language.md 的“用例”一节",
        "see the section on cases in docs/language.md",
    ),
    "E831": Message(
        "用例“{case}”：{year}年度 {rule} 应为 {expected}，实为 {actual}",
        "case '{case}': {rule} in {year} should be {expected}, is {actual}",
        "改正规则或期望",
        "mend the rule or the expectation",
    ),
    "E846": Message(
        "{place} 的文件没有条文“{clause}”",
        "the documents of {place} have no clause '{clause}'",
        "是不是“{near}”？用 tiaoli clauses 列出文件的条文",
        "did you mean '{near}'? 'tiaoli clauses' lists the clauses of a document",
    ),
    "E832": Message(
        "“{rule}”要用到其他记录（{needs}），一条记录算不出来",
        "'{rule}' needs other records ({needs}); one record alone does not tell it",
        "把有关的记录一起给出（tiaoli run 写上它们的文件，Python 用 Rules.population），或只要不需要它们的规则",
        "give all these records together (name their files to tiaoli run; Rules.population in Python), or ask for rules that need none",
    ),
    "E833": Message(
        "“{rule}”是{entity}的规则，输入中没有{entity}的记录",
        "'{rule}' is a rule of {entity}, and the input has no record of {entity}",
        "加上{entity}的记录，如 {entity}=文件.csv",
        "add the records of {entity}, for example {entity}=file.csv",
    ),
    "E834": Message(
        "没有名为“{name}”的对象；有：{known}",
        "there is no kind of record named '{name}'; there are: {known}",
        "是不是“{near}”？",
        "did you mean '{near}'?",
    ),
    "E835": Message(
        "“{rule}”是{entity}的规则，不是{kind}的",
        "'{rule}' is a rule of {entity}, not of {kind}",
        "用 --entity {entity}，并写它的编号",
        "use --entity {entity} with the id of such a record",
    ),
    "E836": Message(
        "没有{entity}“{record}”的结果",
        "there is no result of {entity} '{record}'",
        "它的记录不在输入中，或者没有计算",
        "its record is not in the input, or was not computed",
    ),
    "E860": Message(
        "{year}年度的规则“{rule}”中间值可能超过 128 位，表格计算容纳不下",
        "a value within the rule '{rule}' of {year} could take more than 128 bits, which tables do not hold",
        "收紧事实的范围，或先把中间值写成另一条规则；也可用 --engine interpreter 计算",
        "narrow the ranges of facts, or define the part as a rule of its own; or compute with --engine interpreter",
    ),
    "E867": Message(
        "{options} 只用于表格计算",
        "{options}: for tables only",
        "去掉 --engine interpreter，或去掉这些选项",
        "leave out --engine interpreter, or these options",
    ),
    "E868": Message(
        "同一种对象写了两个文件：{kinds}",
        "two files of one kind of record: {kinds}",
        "表格计算时每种对象一个文件或目录；把文件放进一个目录",
        "for tables give one file or folder a kind; put the files into a folder",
    ),
    "E869": Message(
        "--resume 用于目录：输入和 --output 都是目录时，算好的文件不重算",
        "--resume is for folders: with a folder as input and as --output, finished files are kept",
        "把输入分成几个文件放进一个目录，--output 也写目录",
        "put the input as several files into a folder, and name a folder as --output",
    ),
    "E870": Message(
        "这样的表格计算不能用 {option}",
        "{option} does not go with this run over tables",
        "去掉它，或换一个 --engine",
        "leave it out, or take another --engine",
    ),
    "E872": Message(
        "有 {number} 处{kind}的错误，而规则沿链接从一条记录走到另一条：{engine} 不能把受影响的记录都剔除，没有计算",
        "there are {number} faults of {kind}, and rules go along links from record to record: {engine} cannot leave out all that rest on them; nothing was computed",
        "用 --engine polars，或先改正（--engine polars --rejects 列出它们）",
        "take --engine polars, or mend them first (--engine polars --rejects lists them)",
    ),
    "E871": Message(
        "{path}：表格形式的结果只用于表格（Parquet、CSV、XLSX、Arrow）",
        "{path}: results as a table are for records in tables (Parquet, CSV, XLSX, Arrow)",
        "写入 .jsonl、.json、.csv 或 .xlsx",
        "write to .jsonl, .json, .csv or .xlsx",
    ),
}
