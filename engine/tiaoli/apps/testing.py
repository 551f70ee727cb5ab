"""The command `test`: cases are run, what differs is shown with its reasons, and what no case reached is listed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from tiaoli.apps.options import Lang, Rulesets
from tiaoli.apps.speech import guarded, say, set_lang, words, wrong
from tiaoli.diagnostic import Diagnostic


def test(
    paths: Annotated[
        list[Path] | None, typer.Argument(help="*.cases.yaml 文件或目录；不写则用内置的 / files or folders")
    ] = None,
    rulesets: Rulesets = None,
    lang: Lang = None,
) -> None:
    """运行用例，列出不符之处和理由，以及用例对条款的覆盖。 Run cases."""
    from importlib.resources import as_file, files

    from tiaoli.api import Rules
    from tiaoli.cases import run_cases
    from tiaoli.pipeline import load

    set_lang(lang)
    with guarded():
        if paths:
            found = [file for path in paths for file in _case_files(path)]
            beside = _beside(paths)
            library = load([*beside, *(rulesets or ())])
            report = run_cases(found, lambda place: Rules(library, place))
            own = {str(file) for path in beside for file in (path.rglob("*.tiaoli") if path.is_dir() else [path])}
            shown = [d.header.document for d in library.documents if d.header and d.source.path in own]
        else:
            library = load(list(rulesets or ()))
            with as_file(files("tiaoli.rulesets")) as folder:
                found = sorted(folder.rglob("*.cases.yaml"))
                report = run_cases(found, lambda place: Rules(library, place))
            shown = list(report.coverage)
    _show_report(report, len(found), shown)
    if report.failures:
        raise typer.Exit(1)


def _case_files(path: Path) -> list[Path]:
    if not path.exists():
        wrong(Diagnostic("E817", {"path": str(path)}))
    found = sorted(path.rglob("*.cases.yaml")) if path.is_dir() else [path]
    if not found:
        wrong(Diagnostic("E830", {"reason": f"{path}: 没有 *.cases.yaml\0{path}: no *.cases.yaml"}))
    return found


def _beside(paths: Sequence[Path]) -> list[Path]:
    """The folders of rulesets named, and the rulesets that stand beside the files of cases named."""
    folders = [p for p in paths if p.is_dir() and any(p.rglob("*.tiaoli"))]
    return [*folders, *sorted({f for p in paths if p.is_file() for f in p.parent.glob("*.tiaoli")})]


def _show_report(report: Any, files: int, shown: Sequence[str]) -> None:
    """``shown``: the documents whose branches are listed; those of all others are counted together."""
    for failure in report.failures:
        say([failure.diagnostic])
        if failure.explanation:
            print("\n".join("    " + line for line in failure.explanation.splitlines()), file=sys.stderr)
    for document in shown:
        _show_coverage(document, *report.coverage.get(document, (0, 0, [])))
    _show_others([entry for document, entry in report.coverage.items() if document not in shown])
    failed = len({id(f.case) for f in report.failures})
    print(
        words(
            f"{files} 个用例文件：{report.passed} 个通过，{failed} 个不符",
            f"{files} files of cases: {report.passed} passed, {failed} failed",
        )
    )


def _show_coverage(document: str, reached: int, every: int, missed: Sequence[Any]) -> None:
    if not every:
        print(
            words(
                f"{document}: 没有分支（只有参数、事实等）",
                f"{document}: no branches (only parameters, facts and the like)",
            )
        )
        return
    print(
        words(f"{document}: 用例到达 {reached}/{every} 处分支", f"{document}: cases reach {reached}/{every} branches")
    )
    for place in missed[:20]:
        line = place.span.text.strip().splitlines()[0]
        print(f"  {words('未到达', 'not reached')} {place.span}  {line}")
    if len(missed) > 20:
        print(words(f"  另有 {len(missed) - 20} 处未到达", f"  and {len(missed) - 20} more not reached"))


def _show_others(others: Sequence[tuple[int, int, Any]]) -> None:
    reached, every = sum(entry[0] for entry in others), sum(entry[1] for entry in others)
    if every:
        print(
            words(
                f"其他 {len(others)} 份文件（内置的等）：用例到达 {reached}/{every} 处分支",
                f"{len(others)} other documents (built-in and such): cases reach {reached}/{every} branches",
            )
        )


__all__ = ["test"]
