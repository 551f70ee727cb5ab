"""Commands over the whole library: `clauses`, `places`, `compare`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tiaoli.apps.options import Format, Lang, Rulesets, choice, show_on_terminal
from tiaoli.apps.running import keep_apart, readable, writable
from tiaoli.apps.speech import guarded, language, note, say, set_lang, wrong
from tiaoli.diagnostic import Diagnostic, errors
from tiaoli.errors import TiaoliError
from tiaoli.exact_json import dumps


def clauses(
    document: Annotated[
        str | None, typer.Argument(help="文号或《标题》；不写则列出全部文件 / number or title of a document")
    ] = None,
    rulesets: Rulesets = None,
    form: Format = "text",
    lang: Lang = None,
) -> None:
    """列出一份文件的条文：由哪些定义编码，或为什么不可计算，以及覆盖的数目。 List the clauses of a document."""
    from tiaoli import library_json as data
    from tiaoli import library_text as text
    from tiaoli.clauses import find_document, nearest_document, outlined

    set_lang(lang)
    choice(form, ("text", "json"), "--format")
    with guarded():
        documents = outlined(_library(rulesets).documents)
        if document is None:
            _out(form, data.documents_json, text.documents_text, text.documents_rich, documents)
            return
        found = find_document(documents, document)
        if found is None:
            near = nearest_document(documents, document)
            wrong(Diagnostic("E841", {"document": document, "near": near}))
        _out(form, data.clauses_json, text.clauses_text, text.clauses_rich, found)


def places(rulesets: Rulesets = None, form: Format = "text", lang: Lang = None) -> None:
    """列出全部地区：年度、文件、存疑的数目。 List all places with their years and documents."""
    from tiaoli import library_json as data
    from tiaoli import library_text as text
    from tiaoli.places import place_tree

    set_lang(lang)
    choice(form, ("text", "json"), "--format")
    with guarded():
        _out(form, data.places_json, text.places_text, text.places_rich, place_tree(_library(rulesets).documents))


def compare(
    name: Annotated[str, typer.Argument(help="参数或规则的名称 / a parameter or rule")],
    year: Annotated[int, typer.Option("--year", help="年度 / insured year")],
    only: Annotated[
        str | None, typer.Option("--places", metavar="CN-JX,CN-HB", help="只比较这些地区 / these places only")
    ] = None,
    order: Annotated[str, typer.Option("--sort", metavar="value|place", help="排序 / order")] = "value",
    records: Annotated[
        Path | None, typer.Option("--records", help="记录：各人在各地的结果 / what people would have in each place")
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="写入 .xlsx 或 .csv / write to a file")] = None,
    form: Format = "text",
    rulesets: Rulesets = None,
    lang: Lang = None,
) -> None:
    """比较一个参数或规则在各地区的数值和出处，没有编码的说明理由。 Compare a parameter or rule over all places."""
    from tiaoli.across import line_up
    from tiaoli.across_data import SHEETS, lineup_json, write_lineup
    from tiaoli.across_text import lineup_rich, lineup_text

    set_lang(lang)
    choice(form, ("text", "json"), "--format")
    choice(order, ("value", "place"), "--sort")
    if not 1900 <= year <= 2199:
        wrong(Diagnostic("E814", {"text": str(year)}))
    if output is not None and output.suffix.lower() not in SHEETS:
        wrong(Diagnostic("E825", {"text": f"--output {output}", "form": "--output *.xlsx|*.csv"}))
    writable(output)
    if records is not None:
        readable(records)
        keep_apart([(None, records)], (), (output,))
    with guarded():
        found = line_up(_library(rulesets), name, year, _listed(only), order, records)  # type: ignore[arg-type]
        if output is not None:
            write_lineup(found, output)
            note(f"已写入 {output}", f"wrote {output}")
        else:
            _out(form, lineup_json, lineup_text, lineup_rich, found)
    say(found.faults)
    if errors(found.faults):
        raise typer.Exit(1)


def _listed(only: str | None) -> list[str] | None:
    if only is None:
        return None
    listed = [part.strip() for part in only.replace("，", ",").replace("、", ",").split(",") if part.strip()]
    if not listed:
        wrong(Diagnostic("E825", {"text": f"--places {only}", "form": "--places CN-JX,CN-HB"}))
    return list(dict.fromkeys(listed))


def _library(rulesets: Sequence[Path] | None) -> Any:
    """The documents; mistakes in them are said first, for what they hide would be missing."""
    from tiaoli.pipeline import load

    library = load(list(rulesets or ()))
    broken = errors(library.diagnostics)
    if broken:
        raise TiaoliError(broken)
    return library


def _out(form: str, as_json: Any, as_text: Any, as_rich: Any, found: Any) -> None:
    if form == "json":
        print(dumps(as_json(found)))
    else:
        show_on_terminal(as_text, as_rich, found, language())
