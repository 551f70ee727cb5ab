"""Commands over the whole library: the clauses of documents, the tree of places, one name over all places; and what lies behind them."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from rich.console import Console

from support import Said
from tiaoli.across import line_up
from tiaoli.across_text import lineup_rich, lineup_text
from tiaoli.clauses import Coverage, find_document, nearest_document, outlined
from tiaoli.divisions import DIVISIONS, place_name, place_text
from tiaoli.library_text import clauses_rich, documents_rich, places_rich
from tiaoli.pipeline import Library, load, read_library
from tiaoli.place_page import place_pages
from tiaoli.places import place_tree
from tiaoli.source import Source

Command = Callable[..., Said]

UPPER = """文件 甲府发〔2025〕1号
  标题 "关于待遇的通知"
  地区 ZZ
  施行 2025年度
  计算自 2024年度
条文 一 "数额" 编码 起付线, 比例, 档次比例, 起步, 要求
条文 二(一) "待遇" 编码 报销, 补助, 类别, 连续, 口径
条文 二(二) 不可计算 "只定方向"
条文 三 编码 费用
事实 类别: 成人 | 学生 默认 成人  依据 二(一)
每年 事实 费用: 金额 默认 0元  依据 三
参数 起付线: 金额  依据 一
参数 比例: 比例  依据 一
  2025年度 = 60%  依据 一
  2026年度 = 65%  依据 一  说明 "提高"
参数 档次比例: 比例 按 类别  依据 一
  行 成人 = 50%  依据 一
  行 学生 = 70%  依据 一
参数 起步: 年数 = 2年  自 2026年度  依据 一
存疑 口径 "包括当年吗？"
  选项 包括 默认 "照文字"
  选项 不包括
  依据 二(一)
规则 连续: 年数 = 连续年数(费用 > 0元)  依据 二(一)
结果 规则 补助: 金额 = 100元 × 比例  依据 二(一)
结果 规则 报销: 金额
  当 费用 > 起付线 得 (费用 - 起付线) × 比例 × 档次比例  依据 二(一)
  否则 0元  依据 二(一)
要求 比例 ≥ 50%  依据 一
"""
LOWER = """文件 乙府发〔2026〕2号  地区 ZZ-乙  施行 2025年度  可靠性 B
条文 "起付" 编码 起付线
条文 "比例" 编码 比例
条文 "当地" 编码 老人, 补助
修改 参数 起付线 = 500元  依据 "起付"
修改 参数 比例 = 80%  依据 "比例"  可靠性 C
每年 事实 老人: 是否 默认 否  依据 "当地"
例外 规则 补助 当 老人 得 300元  依据 "当地"
"""
THIRD = """文件 丙府发〔2026〕3号  地区 ZZ-丙  施行 2025年度
条文 "起付" 编码 起付线, 丙额
修改 参数 起付线 = 300.50元  依据 "起付"
结果 规则 丙额: 金额 = 7元  依据 "起付"
"""
PEOPLE = """- {编号: 张三, 类别: 学生, 年度: {2026: {费用: 1000}}}
- {编号: 李四, 年度: {2026: {费用: 1000.25, 老人: 是}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A nation ZZ and two places below it."""
    for name, text in (("甲", UPPER), ("乙", LOWER), ("丙", THIRD)):
        (tmp_path / f"{name}.tiaoli").write_text(text, "utf-8")
    (tmp_path / "人.yaml").write_text(PEOPLE, "utf-8")
    return tmp_path


@pytest.fixture
def library() -> Library:
    return read_library(Source(f"{n}.tiaoli", t) for n, t in (("甲", UPPER), ("乙", LOWER), ("丙", THIRD)))


def shown(table: Any, width: int = 200) -> str:
    stream = StringIO()
    Console(file=stream, width=width).print(table)
    return stream.getvalue()


# ── clauses ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "wanted",
    (
        "甲府发〔2025〕1号",
        "甲府发[2025]1号",
        "甲府发（２０２５）1号",
        "甲府发 2025 第1号",
        "《关于待遇的通知》",
        "关于待遇的通知",
    ),
)
def test_a_document_is_found_however_its_number_is_typed(library: Library, wanted: str) -> None:
    found = find_document(outlined(library.documents), wanted)
    assert found is not None and found.number == "甲府发〔2025〕1号"


def test_an_unknown_document_has_the_nearest(library: Library) -> None:
    documents = outlined(library.documents)
    assert find_document(documents, "甲府发〔2025〕11号") is None
    assert nearest_document(documents, "甲府发〔2025〕11号") == "甲府发〔2025〕1号"
    assert nearest_document(documents, "待遇的通知") == "甲府发〔2025〕1号"


def test_clauses_stand_in_the_order_of_the_document_with_what_encodes_them(library: Library) -> None:
    found = outlined(library.documents)[0]
    assert [c.clause for c in found.clauses] == ["一", "二(一)", "二(二)", "三"]
    first, second, third, _ = found.clauses
    assert [(e.kind, e.name) for e in first.encodings] == [
        ("parameter", "起付线"), ("parameter", "比例"), ("parameter", "档次比例"), ("parameter", "起步"), ("mandate", "比例 ≥ 50%"),
    ]  # fmt: skip
    assert [(e.kind, e.span.line) for e in second.encodings] == [
        ("rule", 26), ("rule", 25), ("fact", 10), ("rule", 24), ("question", 20),
    ]  # fmt: skip
    assert (third.encoded, third.reason) == (False, "只定方向")
    assert found.coverage == Coverage(3, 1, 4)


def test_what_changes_another_document_is_said_so(command: Command, folder: Path) -> None:
    result = command("clauses", "乙府发[2026]2号", "--rulesets", folder)
    assert result.code == 0
    assert "条文 3 条：编码 3，不可计算 0" in result.out
    assert f"修改 参数  起付线  {folder}/乙.tiaoli:5" in result.out
    assert "例外  补助" in result.out and "事实  老人" in result.out
    english = command("clauses", "乙府发[2026]2号", "--rulesets", folder, "--lang", "en").out
    assert "clauses 3: encoded 3, not computable 0" in english and "amended parameter  起付线" in english


def test_clauses_as_json(command: Command, folder: Path) -> None:
    data = json.loads(command("clauses", "甲府发[2025]1号", "--rulesets", folder, "--format", "json").out)
    assert data["覆盖"] == {"条文": 4, "编码": 3, "不可计算": 1, "未说明": 0}
    assert data["条文"][2] == {"条款": "二(二)", "主题": None, "编码": [], "不可计算": "只定方向"}
    assert data["条文"][3]["编码"] == [{"名称": "费用", "种类": "事实", "文件": f"{folder}/甲.tiaoli", "行": 11}]


def test_all_documents_with_their_coverage(command: Command, folder: Path) -> None:
    result = command("clauses", "--rulesets", folder)
    assert result.code == 0
    rows = [line.split() for line in result.out.splitlines()]
    assert ["ZZ", "甲府发〔2025〕1号", "4", "3", "1", "0"] in rows
    assert rows[-1][0] == "合计"
    every = json.loads(command("clauses", "--rulesets", folder, "--format", "json").out)
    assert len(every) == int(rows[-1][1])
    assert sum(d["覆盖"]["条文"] for d in every) == int(rows[-1][2])


def test_a_document_without_outline_says_so(command: Command, tmp_path: Path) -> None:
    (tmp_path / "丁.tiaoli").write_text("文件 丁〔2025〕1号 地区 ZZ 施行 2025年度\n参数 甲 = 1元\n", "utf-8")
    result = command("clauses", "丁〔2025〕1号", "--rulesets", tmp_path)
    assert (result.code, "没有条文目录" in result.out) == (0, True)


def test_every_clause_of_the_built_in_documents_is_accounted_for() -> None:
    documents = outlined(load().documents)
    assert {d.number: d.coverage.open for d in documents if d.coverage.open} == {}
    assert all(d.coverage.every for d in documents)


# ── places ───────────────────────────────────────────────────────────────────


def test_all_divisions_have_names() -> None:
    assert len(DIVISIONS) == 35
    assert len({zh for zh, _ in DIVISIONS.values()}) == len({en for _, en in DIVISIONS.values()}) == 35
    assert [place_name(c) for c in ("CN-JX", "CN-HB-武汉", "CN-XX")] == ["江西", "武汉", None]
    assert place_name("CN-SN", "en") == "Shaanxi"
    assert [place_text(c) for c in ("CN-JX", "CN-HB-武汉")] == ["CN-JX 江西", "CN-HB-武汉"]


def test_the_tree_has_places_without_documents_of_their_own() -> None:
    text = "文件 {}〔{}〕1号 地区 {} 施行 {}年度\n"
    sources = [("a", "2024", "YY-A-甲"), ("b", "2026", "YY-A-甲"), ("c", "2025", "YY")]
    library = read_library(Source(n, text.format(n, y, p, y)) for n, y, p in sources)
    (top,) = place_tree(library.documents)
    (middle,) = top.below
    assert (middle.code, middle.headers, middle.first) == ("YY-A", (), None)
    assert (middle.below[0].first, middle.below[0].newest) == (2024, 2026)
    assert [h.document for h in middle.below[0].headers] == ["a〔2024〕1号", "b〔2026〕1号"]


def test_places_in_text_and_json(command: Command, folder: Path) -> None:
    text = command("places", "--rulesets", folder).out
    assert "ZZ  2025年度，文件 1，存疑 1：甲府发〔2025〕1号\n  ZZ-丙  2025年度" in text
    assert "\n  CN-JX 江西  20" in text
    assert "open questions" in command("places", "--lang", "en").out
    nodes = json.loads(command("places", "--rulesets", folder, "--format", "json").out)
    own = next(n for n in nodes if n["代码"] == "ZZ")
    assert [n["代码"] for n in own["下级"]] == ["ZZ-丙", "ZZ-乙"]
    assert own["下级"][1]["文件"][0] | {"标题": None} == {
        "文号": "乙府发〔2026〕2号", "标题": None, "日期": None, "施行": 2025, "可靠性": "B",
    }  # fmt: skip


def test_tables_for_a_terminal(library: Library) -> None:
    documents = outlined(library.documents)
    assert "不可计算：只定方向" in shown(clauses_rich(documents[0]))
    assert "合计" in shown(documents_rich(documents))
    tree = shown(places_rich(place_tree(library.documents)))
    assert "└── ZZ-乙" in tree and "├── ZZ-丙" in tree
    lineup = shown(lineup_rich(line_up(library, "报销", 2026)))
    assert "起付线 = 500元" in lineup and "未编码" in lineup


# ── compare ──────────────────────────────────────────────────────────────────


def test_a_parameter_is_sorted_by_value_and_what_is_missing_comes_last(library: Library) -> None:
    found = line_up(library, "起付线", 2026)
    assert [(s.place, s.reason is None) for s in found.standings] == [("ZZ-乙", True), ("ZZ-丙", True), ("ZZ", False)]
    assert [s.place for s in line_up(library, "起付线", 2026, sort="place").standings] == ["ZZ", "ZZ-丙", "ZZ-乙"]
    first = found.standings[0]
    assert (first.documents, first.own, first.basis[0].reliability) == (("乙府发〔2026〕2号",), True, "B")
    assert found.standings[2].reason is not None and found.standings[2].reason.kind == "no_value"


def test_an_inherited_value_names_the_document_above(command: Command, folder: Path) -> None:
    text = command("compare", "比例", "--year", 2026, "--rulesets", folder, "--places", "ZZ-丙、ZZ-乙").out
    lines = text.splitlines()
    assert lines[0] == "比例 2026年度"
    assert (
        lines[3].split()[:3] == ["ZZ-乙", "80%", "自2025年度起"]
        and "当地文件" in lines[3]
        and "（可靠性 C）" in lines[3]
    )
    assert "沿用 甲府发〔2025〕1号" in lines[4] and lines[5].strip() == "提高"


def test_a_value_for_each_key(library: Library) -> None:
    found = line_up(library, "档次比例", 2026, ["ZZ"])
    assert [(s.key.value, s.value.value) for s in found.standings if s.key and s.value] == [("成人", Decimal("0.5")), ("学生", Decimal("0.7"))]  # fmt: skip
    assert "键" in lineup_text(found)


def test_years_in_which_there_is_no_value_are_a_reason(library: Library) -> None:
    (one,) = line_up(library, "起步", 2025, ["ZZ"]).standings
    assert one.reason is not None and (one.reason.kind, one.reason.year) == ("later", 2026)
    assert "自2026年度起才有" in lineup_text(line_up(library, "起步", 2025, ["ZZ"]))
    assert "only since 2026" in lineup_text(line_up(library, "起步", 2025, ["ZZ"]), "en")


def test_a_rule_that_documents_alone_decide_has_its_value(library: Library) -> None:
    found = line_up(library, "补助", 2026)
    values = {s.place: s.value.value if s.value else None for s in found.standings}
    assert values == {"ZZ-乙": None, "ZZ": 6500, "ZZ-丙": 6500}
    mixed = next(s for s in found.standings if s.place == "ZZ-乙")
    assert mixed.documents == ("甲府发〔2025〕1号", "乙府发〔2026〕2号")
    assert (mixed.own, mixed.above) == (True, ("甲府发〔2025〕1号",))
    assert "当地文件，沿用 甲府发〔2025〕1号" in lineup_text(found)


def test_a_value_names_the_document_and_clause_of_the_figure_that_decided() -> None:
    upper = UPPER.replace('"数额" 编码 起付线,', '"数额" 编码 起付线, 当地补助, 基准,').replace(
        "补助, 类别", "补助, 底数, 类别"
    )
    upper = upper.replace(
        "= 100元 × 比例  依据 二(一)", "\n  当 有 当地补助 得 当地补助 依据 二(一)\n  否则 底数 依据 二(一)"
    )
    upper += "参数 当地补助: 金额 可空 依据 一\n参数 基准: 金额 = 90元 依据 一\n规则 底数: 金额 = 基准 依据 二(一)\n"
    lower = (
        THIRD.replace("起付线, 丙额", "起付线, 丙额, 当地补助") + '修改 参数 当地补助: 金额 可空 = 200元 依据 "起付"\n'
    )
    found = line_up(read_library([Source("甲.tiaoli", upper), Source("丙.tiaoli", lower)]), "补助", 2026)
    local, general = found.standings
    assert (local.documents, local.own, str(local.basis[0])) == (
        ("丙府发〔2026〕3号",),
        True,
        '丙府发〔2026〕3号 "起付"',
    )
    assert [n.name for n in local.needs] == ["当地补助", "基准"]
    assert (general.documents, str(general.basis[0])) == (("甲府发〔2025〕1号",), "甲府发〔2025〕1号 一")
    assert [n.name for n in general.needs] == ["基准"]


def test_a_rule_that_depends_on_records_shows_the_parameters_it_needs(library: Library) -> None:
    found = line_up(library, "报销", 2026)
    by_place = {s.place: s for s in found.standings}
    assert [n.name for n in by_place["ZZ-乙"].needs] == ["起付线", "比例", "档次比例", "档次比例"]
    assert by_place["ZZ"].reason is not None and by_place["ZZ"].reason.names == ("起付线",)
    text = lineup_text(found)
    assert "参数 起付线 = 500元、比例 = 80%、档次比例[成人] = 50%、档次比例[学生] = 70%" in text
    assert "缺少 起付线" in text


def test_a_rule_of_one_place_only_is_undefined_in_the_others(library: Library) -> None:
    found = line_up(library, "丙额", 2026)
    assert [s.place for s in found.standings] == ["ZZ-丙", "ZZ", "ZZ-乙"]
    assert {s.reason.kind for s in found.standings if s.reason} == {"undefined"}


def test_people_side_by_side(command: Command, folder: Path) -> None:
    arguments = ("compare", "报销", "--year", 2026, "--rulesets", folder, "--records", folder / "人.yaml")
    result = command(*arguments, "--places", "ZZ,ZZ-乙,ZZ-丙", "--format", "json")
    assert result.code == 0, result.err
    data = json.loads(result.out, parse_float=Decimal)
    assert data["人"] == ["张三", "李四"]
    values = {p["代码"]: {n: o["值"] for n, o in p["结果"].items()} for p in data["地区"]}
    assert values == {
        "ZZ-丙": {"张三": Decimal("318.27"), "李四": Decimal("227.42")}, "ZZ-乙": {"张三": 280, "李四": Decimal("200.1")}, "ZZ": {},
    }  # fmt: skip
    assert [p["代码"] for p in data["地区"]] == ["ZZ-丙", "ZZ-乙", "ZZ"]
    text = command(*arguments, "--places", "ZZ,ZZ-乙").out
    assert ["ZZ-乙", "280元", "200.1元"] in [line.split()[:3] for line in text.splitlines()]


def test_records_with_faults_are_said_once_and_marked(command: Command, folder: Path) -> None:
    file = folder / "错.yaml"
    file.write_text(
        "- {编号: 甲, 年度: {2026: {费用: -1}}}\n- {编号: 乙, 年度: {2026: {费用: 1, 老忍: 是}}}\n", "utf-8"
    )
    result = command("compare", "补助", "--year", 2026, "--rulesets", folder, "--records", file, "--places", "ZZ,ZZ-乙")
    assert result.code == 1
    assert result.out.count("记录有错") == 4
    assert result.err.count("-1") >= 1 and result.err.count("错.yaml:1") == 1 and result.err.count("错.yaml:2") == 1


@pytest.mark.parametrize("name", ("甲.csv", "甲.xlsx"))
def test_a_table_in_a_file_holds_exact_values(command: Command, folder: Path, name: str) -> None:
    file = folder / name
    result = command(
        "compare", "起付线", "--year", 2026, "--rulesets", folder, "--places", "ZZ,ZZ-乙,ZZ-丙", "-o", file
    )
    assert (result.code, result.out, str(file) in result.err) == (0, "", True)
    if name.endswith("csv"):
        rows = list(csv.reader(StringIO(file.read_text("utf-8-sig"))))
    else:
        sheet = load_workbook(file)["比较"]
        rows = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    assert rows[0][:4] == ["地区", "名称", "键", "值"]
    assert [row[:4] for row in rows[1:]] == [
        ["ZZ-乙", "乙", "", "500"],
        ["ZZ-丙", "丙", "", "300.5"],
        ["ZZ", "", "", ""],
    ]
    assert rows[3][rows[0].index("未编码")] == "没有文件给出数值"


def test_people_are_columns_of_the_table(command: Command, folder: Path) -> None:
    file = folder / "甲.csv"
    command(
        "compare",
        "报销",
        "--year",
        2026,
        "--rulesets",
        folder,
        "--places",
        "ZZ-乙",
        "--records",
        folder / "人.yaml",
        "-o",
        file,
    )
    heads, row = csv.reader(StringIO(file.read_text("utf-8-sig")))
    assert (heads[3:5], row[3:5]) == (["张三", "李四"], ["280", "200.1"])


def test_a_place_that_computes_from_later_on_is_not_encoded_before() -> None:
    late = "文件 丁〔2030〕1号 地区 YY 施行 2030年度\n条文 一 编码 起付线\n参数 起付线 = 1元 依据 一\n"
    library = read_library([Source("甲", UPPER), Source("丁", late)])
    found = {s.place: s.reason for s in line_up(library, "比例", 2026).standings}
    assert found["ZZ"] is None
    assert found["YY"] is not None and (found["YY"].kind, found["YY"].year) == ("later", 2030)


# ── wrong usage ──────────────────────────────────────────────────────────────

USAGE = {
    "clauses, an unknown document": ("clauses", "甲府发〔2025〕9号"),
    "clauses, an unknown form": ("clauses", "--format", "xml"),
    "clauses, rulesets that are not there": ("clauses", "--rulesets", "没有"),
    "places, an unknown form": ("places", "--format", "tree"),
    "places, an unknown language": ("places", "--lang", "fr"),
    "compare, no name": ("compare", "--year", "2026"),
    "compare, no year": ("compare", "比例"),
    "compare, a word as year": ("compare", "比例", "--year", "今年"),
    "compare, a year of two digits": ("compare", "比例", "--year", "26"),
    "compare, a year before the first": ("compare", "财政补助标准", "--year", "1999"),
    "compare, an unknown name": ("compare", "比率", "--year", "2026", "--places", "ZZ"),
    "compare, a fact": ("compare", "费用", "--year", "2026", "--places", "ZZ"),
    "compare, an unknown place": ("compare", "比例", "--year", "2026", "--places", "ZZ,QQ"),
    "compare, no place": ("compare", "比例", "--year", "2026", "--places", ","),
    "compare, an unknown order": ("compare", "比例", "--year", "2026", "--sort", "name"),
    "compare, an unknown form": ("compare", "比例", "--year", "2026", "--format", "csv"),
    "compare, an output of an unknown form": ("compare", "比例", "--year", "2026", "-o", "a.json"),
    "compare, an output in a folder that is not there": ("compare", "比例", "--year", "2026", "-o", "没有/a.csv"),
    "compare, records of a parameter": (
        "compare",
        "比例",
        "--year",
        "2026",
        "--places",
        "ZZ",
        "--records",
        "{folder}/人.yaml",
    ),
    "compare, records that are not there": (
        "compare",
        "报销",
        "--year",
        "2026",
        "--places",
        "ZZ",
        "--records",
        "没有.yaml",
    ),
    "compare, a folder as records": ("compare", "报销", "--year", "2026", "--records", "{folder}"),
}


@pytest.mark.parametrize("lang", ("zh", "en"))
@pytest.mark.parametrize("arguments", USAGE.values(), ids=USAGE)
def test_wrong_usage_gives_a_message_and_code_2(
    command: Command, folder: Path, arguments: tuple[str, ...], lang: str
) -> None:
    own = () if "--rulesets" in arguments else ("--rulesets", str(folder))
    language = () if "--lang" in arguments else ("--lang", lang)
    result = command(*(a.format(folder=folder) for a in arguments), *own, *language)
    assert (result.code, result.out) == (2, "")
    assert result.err.strip() and "内部错误" not in result.err and "Errno" not in result.err


def test_the_records_are_never_overwritten(command: Command, folder: Path) -> None:
    file = folder / "人.csv"
    file.write_text("编号,年度,费用\n甲,2026,100\n", "utf-8")
    result = command("compare", "报销", "--year", 2026, "--rulesets", folder, "--records", file, "-o", file)
    assert (result.code, "E826" in result.err) == (2, True)


def test_too_many_people_are_refused(command: Command, folder: Path) -> None:
    file = folder / "多.csv"
    file.write_text("编号,年度,费用\n" + "".join(f"P{i},2026,100\n" for i in range(101)), "utf-8")
    result = command("compare", "报销", "--year", 2026, "--rulesets", folder, "--records", file, "--places", "ZZ-乙")
    assert (result.code, "E844" in result.err) == (2, True)


@pytest.mark.parametrize("arguments", (("clauses",), ("places",), ("compare", "比例", "--year", "2026")))
def test_broken_rulesets_are_said_with_code_1(command: Command, folder: Path, arguments: tuple[str, ...]) -> None:
    (folder / "丁.tiaoli").write_text("文件 丁 地区 ZZ 施行 2025年度\n参数 甲 = 3千\n", "utf-8")
    result = command(*arguments, "--rulesets", folder)
    assert (result.code, result.out) == (1, "") and "丁.tiaoli:2" in result.err


# ── pages of places ──────────────────────────────────────────────────────────


def test_a_page_says_what_is_stated_taken_over_open_and_missing(library: Library) -> None:
    pages = place_pages(library)
    assert sorted(pages) == sorted(["README.md", "ZZ.md", "ZZ-乙.md", "ZZ-丙.md"])
    page = pages["ZZ-乙.md"]
    assert '| 起付线 | 500元 | 自2025年度起 | 乙府发〔2026〕2号 "起付" | B |' in page
    assert '| 比例 | 80% | 自2025年度起 | 乙府发〔2026〕2号 "比例" | C |' in page
    assert "- 甲府发〔2025〕1号：报销、连续" in page or "- 甲府发〔2025〕1号：连续、报销" in page
    assert "口径（包括）" in page and "[ZZ](ZZ.md) 的要求 1 项" in page
    assert (
        '| 老人 | 每年 是否 | 默认 否 | 乙府发〔2026〕2号 "当地"（可靠性 B） |' in page
        and "[ZZ](ZZ.md) 的事实 2 项" in page
    )
    top = pages["ZZ.md"]
    assert "| 类别 | 成人 \\| 学生 | 默认 成人 |" in top and "| 费用 | 每年 金额 | 默认 0元 |" in top
    assert "| 报销 | 起付线 |" in top and "没有取值的参数：起付线" in top
    assert "**包括**（默认）：照文字；不包括" in top
    assert "| 甲府发〔2025〕1号 | ZZ | 4 | 3 | 1 | 0 |" in pages["README.md"]
    assert "| [ZZ-乙](ZZ-乙.md) | 1 | 2025 | 2 | 1 | 0 | 0 | B、C |" in pages["README.md"]
