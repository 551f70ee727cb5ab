"""The words for one diagnostic, in both languages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """Texts are `str.format` templates over the arguments of the diagnostic; ``help`` is what the reader can do next."""

    zh: str
    en: str
    help_zh: str = ""
    help_en: str = ""
