"""The gate every row passes: what a source's columns are taken for, and which rows can be used."""

from monitor.sources.quality.admission import Admitted, admit
from monitor.sources.quality.erased import blanked, leave_out
from monitor.sources.quality.inference import infer
from monitor.sources.quality.raw import restored
from monitor.sources.quality.roles import roles

__all__ = ["Admitted", "admit", "blanked", "infer", "leave_out", "restored", "roles"]
