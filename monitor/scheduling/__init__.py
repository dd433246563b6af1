"""When each job looks again: slots become rows, workers claim them, one process watches over the others."""

from monitor.scheduling.manual import run_now
from monitor.scheduling.supervisor import up

__all__ = ["run_now", "up"]
