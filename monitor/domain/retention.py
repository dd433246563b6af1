"""What no retention takes: the rows that the next training learns from."""

LEARNT = 100_000  # newest rows that a training looks at
