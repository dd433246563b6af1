"""A corpus of bad input: what it is, through which sources it comes, and what must become of it."""
