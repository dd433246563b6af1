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

    def alone(self, member: int) -> nn.Module:
        """One of the layers: (n, inputs) -> (n, outputs)."""
        _, inputs, outputs = self.weight.shape
        layer = nn.Linear(inputs, outputs, device="meta")  # draws nothing: its weights are given
        layer.weight, layer.bias = nn.Parameter(self.weight[member].T), nn.Parameter(self.bias[member, 0])
        return layer


class MembersNorm(nn.Module):
    """Layer normalisation with a scale and shift a member."""

    def __init__(self, members: int, width: int) -> None:
        super().__init__()
        self.width = width
        self.scale = nn.Parameter(torch.ones(members, 1, width))
        self.shift = nn.Parameter(torch.zeros(members, 1, width))

    def forward(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, (self.width,)) * self.scale + self.shift

    def alone(self, member: int) -> nn.Module:
        norm = nn.LayerNorm(self.width)
        norm.weight, norm.bias = nn.Parameter(self.scale[member, 0]), nn.Parameter(self.shift[member, 0])
        return norm


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

    def alone(self, member: int) -> tuple[nn.Module, nn.Module]:
        """Encoder and decoder of one member, for rows (n, ...): for running only, the weights are copies.

        Plain layers with their bias inside the product are what a runtime is fastest at.
        """
        return alone(self.encoder, member), alone(self.decoder, member)


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

    def alone(self, member: int) -> nn.Module:
        used = self.get_buffer("used")[member]  # (1, width)
        narrowed = Narrowed([1], 1)
        narrowed.register_buffer("used", used)
        return nn.Identity() if used.all() else narrowed


class Block(nn.Module):
    """Pre-normalised residual block: h + W2 silu(W1 norm(h))."""

    def __init__(self, norm: nn.Module, inner: nn.Module, outer: nn.Module) -> None:
        super().__init__()
        self.norm, self.inner, self.outer = norm, inner, outer

    def forward(self, h: Tensor) -> Tensor:
        step: Tensor = self.outer(F.silu(self.inner(self.norm(h))))
        return h + step

    def alone(self, member: int) -> nn.Module:
        return Block(*[alone(each, member) for each in (self.norm, self.inner, self.outer)])


def block(members: int, width: int) -> Block:
    return Block(MembersNorm(members, width), Members(members, width, width), Members(members, width, width))


def alone(module: nn.Module, member: int) -> nn.Module:
    """The part of one member in a module of many; what has no weights serves any."""
    if isinstance(module, nn.Sequential):
        return nn.Sequential(*[alone(each, member) for each in module])
    if isinstance(module, Members | MembersNorm | Narrowed | Block):
        return module.alone(member)
    return module


def residual(inputs: int, outputs: int, members: int, width: int = 128, blocks: int = 2) -> Network:
    """No bottleneck: the noise on the input is what keeps it from copying."""
    encoder = nn.Sequential(
        Members(members, inputs, width),
        *(block(members, width) for _ in range(blocks)),
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
