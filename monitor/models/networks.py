"""Networks of K members held in one set of batched weights: an exact ensemble for the price of one training.

Every network has ``encode`` (K, n, inputs) -> hidden and ``decode`` code -> (K, n, outputs); what lies between,
a bottleneck, noise or a few kept units, is the objective's.
"""

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Members(nn.Module):
    """K linear layers at once: (K, n, inputs) -> (K, n, outputs)."""

    def __init__(self, members: int, inputs: int, outputs: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(inputs)  # as torch.nn.Linear
        self.weight = nn.Parameter(torch.empty(members, inputs, outputs).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(members, 1, outputs).uniform_(-bound, bound))

    def forward(self, x: Tensor) -> Tensor:
        return torch.baddbmm(self.bias, x, self.weight)


class MembersNorm(nn.Module):
    """Layer normalisation with a scale and shift a member."""

    def __init__(self, members: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.scale = nn.Parameter(torch.ones(members, 1, width))
        self.shift = nn.Parameter(torch.zeros(members, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, (self.width,)) * self.scale + self.shift


class Network(nn.Module):
    """Two halves; ``code_width`` is what the decoder takes, ``hidden_width`` what the encoder gives."""

    def __init__(self, members: int, encoder: nn.Module, decoder: nn.Module, code_width: int) -> None:
        super().__init__()
        self.members, self.code_width = members, code_width
        self.encoder, self.decoder = encoder, decoder

    def encode(self, x: Tensor) -> Tensor:
        hidden: Tensor = self.encoder(x)  # (K, n, hidden)
        return hidden

    def decode(self, code: Tensor) -> Tensor:
        output: Tensor = self.decoder(code)  # (K, n, outputs)
        return output


def part(network: Network, members: slice) -> Network:
    """A copy that holds some of the members alone."""
    taken = copy.deepcopy(network)
    for module in taken.modules():
        for name, values in list(module.named_parameters(recurse=False)):
            setattr(module, name, nn.Parameter(values[members].detach().clone()))
        for name, held in list(module.named_buffers(recurse=False)):
            setattr(module, name, held[members].clone())
    taken.members = len(range(network.members)[members])
    return taken


def dense(inputs: int, outputs: int, codes: Sequence[int], spread: int = 1, width: int = 64) -> Network:
    """inputs-64-64-code-64-64-outputs, a member for each of ``codes``.

    ``spread`` is how many numbers the encoder gives a code unit: 2 where it gives a mean and a log-variance.
    """
    members, widest = len(codes), max(codes)
    encoder = nn.Sequential(
        Members(members, inputs, width),
        nn.SiLU(),
        Members(members, width, width),
        nn.SiLU(),
        Members(members, width, widest * spread),
        Narrowed(codes, spread),
    )
    decoder = nn.Sequential(
        Members(members, widest, width),
        nn.SiLU(),
        Members(members, width, width),
        nn.SiLU(),
        Members(members, width, outputs),
    )
    return Network(members, encoder, decoder, widest)


class Narrowed(nn.Module):
    """Holds the units beyond a member's own code width at 0, so that members of several widths share a tensor."""

    def __init__(self, codes: Sequence[int], spread: int) -> None:
        super().__init__()
        used = torch.arange(max(codes)) < torch.tensor(codes)[:, None]  # (K, widest)
        self.register_buffer("used", used.float().repeat(1, spread)[:, None])  # (K, 1, widest * spread)

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden * self.get_buffer("used")


class Block(nn.Module):
    """Pre-normalised residual block: h + W2 silu(W1 norm(h))."""

    def __init__(self, members: int, width: int) -> None:
        super().__init__()
        self.norm = MembersNorm(members, width)
        self.inner, self.outer = Members(members, width, width), Members(members, width, width)

    def forward(self, h: Tensor) -> Tensor:
        step: Tensor = self.outer(F.silu(self.inner(self.norm(h))))
        return h + step


def residual(inputs: int, outputs: int, members: int, width: int = 128, blocks: int = 2) -> Network:
    """No bottleneck: the noise on the input is what keeps it from copying."""
    encoder = nn.Sequential(
        Members(members, inputs, width),
        *(Block(members, width) for _ in range(blocks)),
        MembersNorm(members, width),
        nn.SiLU(),
    )
    return Network(members, encoder, Members(members, width, outputs), width)


def windowed(
    inputs: int, outputs: int, members: int, code: int, spread: int = 1, width: int = 256
) -> Network:
    """256-code-256 over a window's visible steps; it starts at almost nothing beside the linear forecast."""
    last = Members(members, width, outputs)
    with torch.no_grad():
        last.weight.normal_(0, 1e-3)
        last.bias.zero_()
    encoder = nn.Sequential(
        Members(members, inputs, width), nn.GELU(), Members(members, width, code * spread)
    )
    return Network(members, encoder, nn.Sequential(Members(members, code, width), nn.GELU(), last), code)
