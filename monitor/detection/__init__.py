"""From a saved bundle to scores, p-values and reasons: NumPy and ONNX Runtime only."""
