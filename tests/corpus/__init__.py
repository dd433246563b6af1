"""A corpus of bad input: what it is, through which sources it comes, and what must become of it.

Each case is played the real way: apply, pull, train where it matters, score, through the command line on a real
database. Then, whatever the case, each monitor's pulled = stored + quarantined + known, every quarantined row has a
reason and its raw text, no score is NaN, no command printed a traceback, and each ended with 0, 1 or 2.
"""

from . import cells, commands, configuration, degenerate, drift, keys, living, queries, shapes, typed

CASES = [
    case
    for part in (cells, typed, shapes, living, degenerate, drift, keys, queries, configuration, commands)
    for case in part.CASES
]
