"""A trained module as ONNX, refused when ONNX Runtime does not say the same."""

import io
import warnings

import numpy as np
import torch
from torch import Tensor, nn

from monitor.detection.serve import Session, member_views
from monitor.domain.errors import MonitorError
from monitor.models.autoencoder import Autoencoder, Coder

AGREE = 1e-4
OPSET = 18


class Served(nn.Module):
    """(views, n, inputs) -> reconstruction (K, n, outputs), code (K, n, code)."""

    def __init__(self, module: Autoencoder | Coder) -> None:
        super().__init__()
        self.module = module
        self.register_buffer("view", torch.from_numpy(member_views(module.network.members)))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        output, code = self.module(x.index_select(0, self.get_buffer("view")))  # (K, n, inputs) in
        return output, code


class ServedForecast(Served):
    """The linear forecast plus the gain of what the network adds to it."""

    def __init__(self, module: Coder, weight: Tensor, bias: Tensor, gain: Tensor) -> None:
        super().__init__(module)
        self.register_buffer("weight", weight)  # (K, inputs, outputs)
        self.register_buffer("bias", bias)  # (K, 1, outputs)
        self.register_buffer("gain", gain)  # (K, 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        seen = x.index_select(0, self.get_buffer("view"))  # (K, n, inputs)
        output, code = self.module(seen)
        linear = torch.baddbmm(self.get_buffer("bias"), seen, self.get_buffer("weight"))
        return linear + self.get_buffer("gain") * output, code


def export(served: Served, example: Tensor) -> bytes:
    """ONNX bytes with any number of rows.

    ``example``: (views, n, inputs). Raises MonitorError when outputs differ from torch by more than 1e-4.
    """
    blob = io.BytesIO()
    names = {"x": {1: "n"}, "output": {1: "n"}, "code": {1: "n"}}
    with warnings.catch_warnings(), torch.no_grad():
        # Deprecated in favour of an exporter that takes 1 to 3 s a model where this one takes 0.03 s.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            served.eval(),
            (example,),
            blob,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=OPSET,
            input_names=["x"],
            output_names=["output", "code"],
            dynamic_axes=names,
        )
    model = blob.getvalue()
    _verify(served, model, example)
    return model


def _verify(served: Served, model: bytes, example: Tensor) -> None:
    with torch.no_grad():
        expected = served(example)
    got = Session(model)(example.numpy())
    for name, a, b in zip(("output", "code"), expected, got, strict=True):
        size = 1 + np.abs(a.numpy())
        worst = float((np.abs(a.numpy() - b) / size).max(initial=0.0))
        if not worst < AGREE:
            raise MonitorError(
                f"the exported {name} differs from training by {worst:.2g}; expected below {AGREE}"
            )
