"""What becomes of a name that has to go: a keyed hash that knows it again, and texts without it."""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from typing import Any

CONTENT = "erased"  # what stands where a text was about the entity and nothing else
WORDS = re.compile(r"[^\s,;|\t\"']+")


def digest(key: bytes, entity: str) -> str:
    """HMAC-SHA256 (RFC 2104): equal entities are equal, and without the key nobody can try names.

    >>> digest(b"k", "card 7") == digest(b"k", "card 7")
    True
    """
    return hmac.new(key, entity.encode("utf-8", "backslashreplace"), hashlib.sha256).hexdigest()


def mentions(text: str, entity: str) -> bool:
    """Whether a text names the entity as a whole word: 7 is not in 17.

    >>> mentions("card 7, again", "7"), mentions("card 17", "7")
    (True, False)
    """
    return entity in text and _whole(entity).search(text) is not None


def contains(value: Any, entity: str) -> bool:
    """Whether JSON holds the entity as a value or a key of its own.

    >>> contains({"known": ["c7", "c8"]}, "c7"), contains({"reason": "c7 is odd"}, "c7")
    (True, False)
    """
    if isinstance(value, dict):
        return any(contains(each, entity) for pair in value.items() for each in pair)
    if isinstance(value, list | tuple):
        return any(contains(each, entity) for each in value)
    return bool(value == entity)


def without(value: Any, entity: str, instead: str) -> Any:
    """JSON with another word in place of the entity, in every text and key.

    >>> without({"note": "asked c7 twice", "n": 7}, "c7", "erased-1")
    {'note': 'asked erased-1 twice', 'n': 7}
    """
    if isinstance(value, str):
        return _whole(entity).sub(lambda _: instead, value) if entity in value else value
    if isinstance(value, dict):
        return {without(k, entity, instead): without(v, entity, instead) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [without(v, entity, instead) for v in value]
    return value


def words(text: str) -> Iterator[str]:
    """What of an unparsed row may be an entity: its cells, as far as they can be told.

    >>> list(words('c7,12.5;"Ana"'))
    ['c7', '12.5', 'Ana']
    """
    yield from WORDS.findall(text)


def names(text: str) -> set[str]:
    """All of a text that may be an entity: itself, its words, and cells where it is a row as JSON.

    >>> {"c 7", "c", "who"} <= names('{"who": "c 7"}')
    True
    """
    found = {text, *words(text)}
    try:
        cells = json.loads(text)
    except ValueError:
        return found
    return found | {str(v) for v in cells.values()} if isinstance(cells, dict) else found


def _whole(entity: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w){re.escape(entity)}(?!\w)")
