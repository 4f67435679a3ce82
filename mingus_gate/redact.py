"""Takes secrets out of text, once, where it enters a report."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

MASK = "[redacted]"
MIN_LENGTH = 6
"""Shorter values of secret variables are not masked: they would blank ordinary words."""

PATTERNS = (
    (re.compile(r"([a-z][a-z0-9+.-]{0,30}://)[^\s/@'\"]*@", re.IGNORECASE), rf"\1{MASK}@"),
    (re.compile(r"\b(sk|rk|pk|whsec)_(live|test)?_?[A-Za-z0-9]{8,}"), MASK),
    (re.compile(r"\b(gh[pousr]_|github_pat_|xox[abprs]-|AKIA|ASIA|AIza|SG\.|glpat-|npm_|pypi-|ya29\.)[A-Za-z0-9_.-]{8,}"), MASK),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{5,}(\.[A-Za-z0-9_-]*)?"), MASK),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", re.DOTALL), MASK),
    (re.compile(r"(?i)\b(password|passwd|pwd|secret|token|api[_-]?key|authorization)(['\"]?\s*[:=]\s*)(['\"]?)[^\s'\"&,;]{4,}"), rf"\1\2\3{MASK}"),
    (re.compile(r"(?i)(?<!\w)(--?[\w-]*(?:password|passwd|secret|token|key)[ =])(?!-)['\"]?[^\s'\"`]{4,}"), rf"\1{MASK}"),
    # long runs of letters and digits without a word in them: keys of providers not named above
    (re.compile(r"(?<![\w/.-])(?=[A-Za-z0-9+_-]*\d)(?=[A-Za-z0-9+_-]*[A-Za-z])[A-Za-z0-9+_-]{32,}={0,2}(?![\w/.-])"), MASK),
)


class Redactor:
    """Masks known secret shapes and the given values (those of secret variables the gate was handed)."""

    def __init__(self, values: Iterable[str] = ()) -> None:
        self.values = sorted((v for v in set(values) if len(v) >= MIN_LENGTH), key=len, reverse=True)

    def text(self, text: str) -> str:
        for value in self.values:
            text = text.replace(value, MASK)
        for pattern, mask in PATTERNS:
            text = pattern.sub(mask, text)
        return text

    def any(self, value: Any) -> Any:
        """The same for all text in numbers, lists and dictionaries; anything else becomes its redacted text."""
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, dict):
            return {self.text(str(k)): self.any(v) for k, v in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.any(v) for v in value]
        return self.text(str(value))
