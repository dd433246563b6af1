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
    """(views, n, inputs) -> reconstruction (K, n, outputs), code (K, n, code); each member's layers by themselves."""

    def __init__(self, module: Autoencoder | Coder) -> None:
        super().__init__()
        self.objective = module.objective
        members = [module.network.alone(member) for member in range(module.network.members)]
        self.encoders, self.decoders = (nn.ModuleList(half) for half in zip(*members, strict=True))
        self.view: list[int] = member_views(len(members)).tolist()

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        outputs, codes = [], []
        for member, (encoder, decoder) in enumerate(zip(self.encoders, self.decoders, strict=True)):
            seen = x[self.view[member]]  # (n, inputs)
            code = self.objective.code(encoder(seen))  # (n, code)
            outputs.append(self.output(member, seen, decoder(code)))
            codes.append(code)
        return torch.stack(outputs), torch.stack(codes)

    def output(self, member: int, seen: Tensor, decoded: Tensor) -> Tensor:
        return decoded


class ServedForecast(Served):
    """The linear forecast plus the gain of what the network adds to it."""

    def __init__(self, module: Coder, weight: Tensor, bias: Tensor, gain: Tensor) -> None:
        super().__init__(module)
        self.register_buffer("weight", weight)  # (K, inputs, outputs)
        self.register_buffer("bias", bias)  # (K, 1, outputs)
        self.register_buffer("gain", gain)  # (K, 1, 1)

    def output(self, member: int, seen: Tensor, decoded: Tensor) -> Tensor:
        weight, bias, gain = (self.get_buffer(name)[member] for name in ("weight", "bias", "gain"))
        return torch.addmm(bias[0], seen, weight) + gain * decoded


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
