"""The words of a trace as PostgreSQL reads them, and the keys under which an index holds them.

An index stands on these functions. Another reading is therefore another function with another name, and an index of its
own built beside the old one: with the same name, rows would stand under keys that nobody asks for any more.

A key is the stretch of rows that the trace lies in and, below it, a hash of one word with the system. So a word that a
million traces hold is as many short lists as there are stretches, and a search reads those it needs, newest first; and
what is written lies together. Why it is so, and what it costs: docs/decisions/0043-words-of-traces.md.
"""

# ruff: noqa: S608  # SQL composed of constants of this file; nobody's input is in it

from __future__ import annotations

from typing import Final

from evidence.combining_marks import COMBINING_MARKS, LONGEST_RUN

STRETCH_BITS: Final = 14  # rows of a stretch: 2 to this power, by primary key
# Of a key; above them is the stretch. In one of a million words two are alike once in a million stretches.
_HASH_BITS: Final = 40
_HASH: Final = 2**_HASH_BITS - 1

# What is written without spaces between words. Below U+3041 nothing is; NFKC has unified half and full width before.
_UNSPACED: Final = r"\u3041-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff"
_FIRST_UNSPACED: Final = 0x3041
# What the parser of `to_tsvector` would take for the inside of an address, a path, a markup or a negative number.
_JOINTS: Final = r"[-/._<>&@~+#]+"
_HEAPED_MARKS: Final = f"([{COMBINING_MARKS}]{{{LONGEST_RUN}}})[{COMBINING_MARKS}]+"
_PORTION: Final = 100_000  # characters, because a tsvector ends at 1 MB
_OVERLAP: Final = 100  # characters: a word that is cut at the end of a portion is whole in the next

TRACE_KEYS: Final = "tracebinder_trace_keys"
SEARCH_KEYS: Final = "tracebinder_search_keys"
SEARCH_TEXT: Final = "tracebinder_search_text"

# Between two texts stands a character that is in no phrase. Most traces have one exchange, which the columns repeat.
# Of marks that are heaped on one character the first are enough: a normal form of them all takes the square of their
# number.
_SEARCH_TEXT: Final = f"""
CREATE OR REPLACE FUNCTION {SEARCH_TEXT}(question text, answer text, exchanges jsonb) RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 2000 AS $$
DECLARE
    said text := question || chr(31) || answer;
BEGIN
    IF jsonb_path_exists(exchanges, '$[1]') THEN
        said := concat_ws(chr(31), said, (
            SELECT string_agg(told #>> '{{}}', chr(31))
            FROM jsonb_path_query(exchanges, '$[*].*.text') AS told));
    END IF;
    IF octet_length(said) > length(said) THEN
        said := normalize(regexp_replace(said, '{_HEAPED_MARKS}', '\\1', 'g'), NFKC);
    END IF;
    RETURN lower(said);
END $$;
"""

# Words in their stems, without those that are in nearly every text; of what is written without spaces, each two
# characters that stand together.
_SEARCH_WORDS: Final = f"""
CREATE OR REPLACE FUNCTION tracebinder_search_words(folded text) RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 5000 AS $$
DECLARE
    spaced text := folded;
    words text[] := '{{}}';
    place integer := 1;
BEGIN
    IF octet_length(folded) > length(folded) AND folded ~ '[{_UNSPACED}]' THEN
        words := coalesce((
            SELECT array_agg(one || other) FROM (
                SELECT one, lead(one) OVER () AS other FROM string_to_table(folded, NULL) AS one) AS pair
            WHERE ascii(one) >= {_FIRST_UNSPACED} AND ascii(other) >= {_FIRST_UNSPACED}), '{{}}');
        spaced := regexp_replace(folded, '[{_UNSPACED}]+', ' ', 'g');
    END IF;
    spaced := regexp_replace(spaced, '{_JOINTS}', ' ', 'g');
    WHILE place <= length(spaced) LOOP
        words := words || tsvector_to_array(
            to_tsvector('pg_catalog.english', substr(spaced, place, {_PORTION} + {_OVERLAP})));
        place := place + {_PORTION};
    END LOOP;
    RETURN words;
END $$;
"""

_SEARCH_KEYS: Final = f"""
CREATE OR REPLACE FUNCTION {SEARCH_KEYS}(words text[], system_id bigint, stretch bigint) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 500 AS $$
BEGIN
    RETURN (
        SELECT coalesce(array_agg((stretch << {_HASH_BITS}) | (hashtextextended(word, system_id) & {_HASH})), '{{}}')
        FROM unnest(words) AS word);
END $$;
"""

# What runs while an index is built finds nothing by a search path.
_TRACE_KEYS: Final = f"""
CREATE OR REPLACE FUNCTION {TRACE_KEYS}(
    system_id bigint, id bigint, question text, answer text, exchanges jsonb) RETURNS bigint[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE COST 8000 AS $$
BEGIN
    RETURN public.{SEARCH_KEYS}(
        public.tracebinder_search_words(public.{SEARCH_TEXT}(question, answer, exchanges)),
        system_id, id >> {STRETCH_BITS});
END $$;
"""


def word_functions() -> dict[str, str]:
    """Return, by signature, the functions that read words. They see what they are given, and no table."""
    return {
        f"{SEARCH_TEXT}(text, text, jsonb)": _SEARCH_TEXT,
        "tracebinder_search_words(text)": _SEARCH_WORDS,
        f"{SEARCH_KEYS}(text[], bigint, bigint)": _SEARCH_KEYS,
        f"{TRACE_KEYS}(bigint, bigint, text, text, jsonb)": _TRACE_KEYS,
    }
