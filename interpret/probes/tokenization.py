"""How a model's tokenizer cuts text before it merges, as its GGUF file says it; what is not known is refused.

transformers (5.23, 5.24) makes a tokenizer of a GGUF from its vocabulary and merges, and passes over the key that names
how text is cut first: for SmolLM2, `"limit:  5000"` became other tokens than those the model was trained on. The names
are llama.cpp's; what each of them does is what the tokenizer that the model was published with does, and llama.cpp.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import gguf
from tokenizers import Regex, pre_tokenizers

from interpret.errors import TokenizerMismatch, TokenizerUnknown

Cut = Callable[[], pre_tokenizers.PreTokenizer]

_MODEL: Final = "tokenizer.ggml.model"
_PRE: Final = "tokenizer.ggml.pre"
_MERGED_BYTES: Final = "gpt2"  # of _MODEL: byte pairs over bytes, the only kind whose text is cut first

# As Qwen2's published tokenizer.json has it.
_QWEN2: Final = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def _words() -> pre_tokenizers.PreTokenizer:
    """Cut as GPT-2 does."""
    return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)


def _digits_and_words() -> pre_tokenizers.PreTokenizer:
    """Cut each digit from what stands beside it, then as GPT-2 does."""
    return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), _words()])


def _words_with_their_mark() -> pre_tokenizers.PreTokenizer:
    """Cut as Qwen2 does."""
    bytes_only = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(_QWEN2), "isolated"), bytes_only])


CUTS: Final[Mapping[str, Cut]] = {
    "gpt-2": _words,
    "smollm": _digits_and_words,
    "qwen2": _words_with_their_mark,
}
"""What is done for each name that a GGUF may give."""


def cut_as_file_says(tokenizer: Any, path: Path) -> None:
    """Make a tokenizer that transformers read from a GGUF cut text as that file says.

    Args:
        tokenizer: a PreTrainedTokenizerFast.

    Raises:
        TokenizerUnknown: the file merges bytes and says no way to cut, or one that is not in `CUTS`.
    """
    fields = gguf.GGUFReader(path).fields
    kind = fields[_MODEL].contents() if _MODEL in fields else ""
    if kind != _MERGED_BYTES:
        return
    named = fields[_PRE].contents() if _PRE in fields else ""
    if named not in CUTS:
        says = f"says {named!r}" if named else "does not say"
        raise TokenizerUnknown(
            f"{path.name} {says} in `{_PRE}` how its text is cut into words, and any other way gives other tokens."
            f" Known are {', '.join(sorted(CUTS))}; a model folder with its own tokenizer.json needs none of them."
        )
    tokenizer.backend_tokenizer.pre_tokenizer = CUTS[named]()


def check_tokenizer(tokenizer: Any, vocabulary: int) -> None:
    """Refuse a tokenizer that cuts text into tokens of which the model has no embedding: it is another model's.

    Tokens that were added beside the vocabulary, a padding of the library's say, stand in no text.

    Raises:
        TokenizerMismatch: naming the largest.
    """
    largest = max(tokenizer.backend_tokenizer.get_vocab(with_added_tokens=False).values())
    if largest >= vocabulary:
        raise TokenizerMismatch(
            f"the tokenizer knows a token {largest}, the model has {vocabulary} from 0: it is another model's"
        )


def digest_of_tokenizer(tokenizer: Any) -> str:
    """SHA-256 of all that turns text into token ids, as the tokenizers library writes it down."""
    return hashlib.sha256(tokenizer.backend_tokenizer.to_str().encode()).hexdigest()


def digest_of_chat_template(tokenizer: Any) -> str:
    """SHA-256 of the template that puts turns into one text; empty where there is none."""
    template = getattr(tokenizer, "chat_template", None)
    return hashlib.sha256(template.encode()).hexdigest() if template else ""
