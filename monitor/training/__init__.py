"""Fitting: features, network, objective and calibration to one bundle; the only place, with models, for torch."""

from monitor.training.evaluate import evaluate_files
from monitor.training.fit import fit

__all__ = ["evaluate_files", "fit"]
