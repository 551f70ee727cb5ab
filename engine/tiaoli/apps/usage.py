"""What the parser of the command line finds wrong, in the language of the reader: a missing option, an unknown command, a value of the wrong kind."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from typing import Any

from typer.core import TyperGroup

from tiaoli.apps.speech import say, set_lang
from tiaoli.diagnostic import Diagnostic
from tiaoli.nearness import nearest


class Commands(TyperGroup):
    """The commands; what is wrong with their arguments is said as a diagnostic, with exit code 2."""

    def main(self, args: Sequence[str] | None = None, **extra: Any) -> Any:  # type: ignore[override]
        """Run the command line. Raises SystemExit."""
        arguments = list(sys.argv[1:] if args is None else args)
        try:
            code = super().main(arguments, **{**extra, "standalone_mode": False})
        except Exception as error:
            if not hasattr(error, "format_message"):
                raise
            _say(error, arguments, list(self.commands))
            sys.exit(getattr(error, "exit_code", 2))
        sys.exit(code if isinstance(code, int) else 0)


def _say(error: Any, arguments: Sequence[str], commands: Sequence[str]) -> None:
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        return
    set_lang(_language(arguments))
    english = re.sub(r"\s*Did you mean.*", "", error.format_message()).strip().rstrip(".")
    english = english[:1].lower() + english[1:]
    chinese, near = _in_chinese(error, english, commands)
    command = getattr(getattr(error, "ctx", None), "command_path", "tiaoli")
    say([Diagnostic("E848", {"reason": f"{chinese}\0{english}", "near": near, "command": command})])


def _language(arguments: Sequence[str]) -> str | None:
    """The language asked for, which the parser may not have come to."""
    text = " ".join(arguments)
    asked = re.search(r"--lang[ =](zh|en)\b", text)
    known = os.environ.get("TIAOLI_LANG", "")
    return asked[1] if asked else known if known in ("zh", "en") else None


def _in_chinese(error: Any, english: str, commands: Sequence[str]) -> tuple[str, str | None]:
    """The same in Chinese, and the name that was probably meant."""
    if found := re.fullmatch(r"no such command '(.*)'", english):
        return f"没有命令“{found[1]}”", nearest(found[1], commands)
    if type(error).__name__ == "NoSuchOption":
        known = error.possibilities or [o for p in error.ctx.command.params for o in p.opts] if error.ctx else []
        return f"没有选项 {error.option_name}", nearest(error.option_name, known)
    if type(error).__name__ == "MissingParameter":
        return f"缺少{_named(error.param)}", None
    if found := re.fullmatch(r"got unexpected extra argument(?:s|\(s\))? \((.*)\)", english):
        return f"多出的内容：{found[1]}", None
    if found := re.search(r"'?(-[\w-]+)'? requires (?:an|\d+) arguments?", english):
        return f"选项 {found[1]} 后面要写值", None
    if found := re.search(r"'?(-[\w-]+)'? does not take a value", english):
        return f"选项 {found[1]} 不带值", None
    if "valid integer" in english:
        return f"{_named(error.param)}应是整数", None
    return english, None


def _named(parameter: Any) -> str:
    if parameter is None:
        return "内容"
    if parameter.param_type_name == "option":
        return f"选项 {max(parameter.opts, key=len)}"
    return f"参数 {(parameter.metavar or parameter.name).upper().removesuffix('...')}"


__all__ = ["Commands"]
