"""The name that was probably meant: one measure for all names, of rulesets, of records and of the command line."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from tiaoli.source import half_width


def nearest(name: str, names: Iterable[str]) -> str | None:
    """Return the one of ``names`` most like ``name``, or None where none is like it: in most of its signs, else one within the other,
    else one that begins alike."""
    known = list(names)
    plain = half_width(name).strip()
    if close := get_close_matches(plain, known, 1, 0.5 if len(plain) <= 3 else 0.6):
        return close[0]
    if len(plain) < 2:
        return None
    inside = [n for n in known if len(n) > 1 and (n in plain or plain in n)]
    if inside:
        return max(inside, key=len)
    return next((n for n in known if n[:2] == plain[:2]), None)
