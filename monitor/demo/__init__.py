"""A living example: real telemetry, simulated card payments and this machine, with faults on demand."""
