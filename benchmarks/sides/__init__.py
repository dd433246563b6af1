"""What a claim measures in a process of its own."""
