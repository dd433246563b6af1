"""Is it exactly one SELECT, and can it stand in parentheses?"""

import re

from monitor.domain.errors import SourceRefused

TOKENS = re.compile(
    r"""
    (?P<space>\s+|--[^\n]*|/\*.*?\*/)
  | (?P<quoted>'(?:[^']|'')*' | "(?:[^"]|"")*" | `[^`]*` | \$(?P<tag>\w*)\$.*?\$(?P=tag)\$)
  | (?P<word>\w+)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
READS = ("select", "with", "values")
WRITES = {"insert", "update", "delete", "merge"}  # what may stand where a CTE's or the last statement begins


def one_select(query: str) -> str:
    """The query without a closing semicolon.

    Raises SourceRefused for anything but one SELECT. This is a guard against slips and the plainest misuse; what keeps
    the source safe is that it is opened read-only.

    >>> one_select("select * from tx;")
    'select * from tx'
    """
    words, depth, end, before = [], 0, len(query), ""
    for token in TOKENS.finditer(query):
        text = token[0]
        if token["space"]:
            continue
        if end < len(query):
            raise SourceRefused(
                f"the query holds more than one statement, from {text[:20]!r} on; expected one SELECT"
            )
        if token["word"]:
            words.append(text.lower())
            if text.lower() in WRITES and before in {"(", ")"}:
                raise SourceRefused(f"the query says {text}; expected one SELECT that only reads")
        depth += (text == "(") - (text == ")")
        if depth < 0:
            raise SourceRefused("the query closes a parenthesis that it did not open; expected one SELECT")
        if text == ";":
            end = token.start()
        if token["other"] and text in "'\"`":
            raise SourceRefused(f"the query opens a quote {text} and does not close it; expected one SELECT")
        before = text
    if depth:
        raise SourceRefused(f"the query leaves {depth} parentheses open; expected one SELECT")
    if not words or words[0] not in READS:
        raise SourceRefused(f"the query starts with {(words or ['nothing'])[0]!r}; expected one SELECT")
    return query[:end].strip()
