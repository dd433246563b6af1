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
FILES = {"outfile", "dumpfile", "load_file"}  # what reaches MySQL's own disk


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


def unambiguous(query: str) -> None:
    """Refuse what MySQL and MariaDB read otherwise than ``one_select`` did: quotes, comments, files.

    Raises SourceRefused.

    >>> unambiguous("select * from tx -- all")
    """
    for token in TOKENS.finditer(query):
        text = token[0]
        if token["quoted"] and "\\" in text:
            raise SourceRefused(
                f"the query holds a backslash in {text[:20]}; expected one SELECT without, such as char(92)"
            )
        if token["space"] and text.startswith(("/*!", "/*M!")):
            raise SourceRefused(f"the query holds a comment that is run, {text[:20]!r}; expected one SELECT")
        if token["space"] and re.match(r"--\S", text):
            raise SourceRefused(f"the query holds {text[:20]!r}; expected one SELECT with a space after --")
        if text == "#":
            raise SourceRefused("the query holds a comment with #; expected one SELECT with -- before it")
        if token["word"] and text.lower() in FILES:
            raise SourceRefused(f"the query says {text}; expected one SELECT that only reads")
