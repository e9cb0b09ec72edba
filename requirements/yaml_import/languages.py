"""Languages as BCP 47 writes them, and which was meant by another way of writing one."""

from __future__ import annotations

import re
from typing import Final

from evidence.nearest import MISSPELT, nearest_name

BCP_47: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,5}")
_NAMES: Final = {
    "english": "en", "german": "de", "deutsch": "de", "french": "fr", "français": "fr", "spanish": "es",
    "español": "es", "italian": "it", "portuguese": "pt", "dutch": "nl", "norwegian": "no", "swedish": "sv",
    "danish": "da", "finnish": "fi", "polish": "pl", "russian": "ru", "japanese": "ja", "日本語": "ja", "korean": "ko",
    "arabic": "ar", "hebrew": "he", "hindi": "hi", "vietnamese": "vi", "thai": "th", "indonesian": "id",
    "malay": "ms", "turkish": "tr", "greek": "el", "chinese": "zh-Hans", "mandarin": "zh-Hans",
    "simplified chinese": "zh-Hans", "traditional chinese": "zh-Hant", "cantonese": "zh-Hant-HK", "中文": "zh-Hans",
    "简体中文": "zh-Hans", "繁體中文": "zh-Hant", "英文": "en", "英语": "en",
}  # fmt: skip


def language_meant(written: str) -> str | None:
    """Return the language that was meant, as it is to be written: `zh_CN` is `zh-CN`, `english` is `en`."""
    if len(written) > 40:
        return None
    joined = "-".join(written.replace("_", "-").split())
    first, *rest = joined.split("-")
    tidy = "-".join([first.lower(), *rest])
    if BCP_47.fullmatch(tidy):
        return tidy
    nearest = nearest_name(written.lower(), _NAMES, alike=max(MISSPELT, 80))
    return _NAMES[nearest] if nearest else None
