"""Minibatches from tensors in memory: rows of a table, or windows of a timeline."""

import torch
from torch import Generator, Tensor

from monitor.features.base import Floats


class RowSampler:
    """Each member draws rows of its own view; the target is the row itself."""

    def __init__(self, views: Floats, member_views: Tensor) -> None:
        self.views, self.member_views = torch.from_numpy(views), member_views

    def __call__(self, size: int, generator: Generator) -> tuple[Tensor, Tensor]:
        n = self.views.shape[1]
        rows = torch.randint(n, (len(self.member_views), size), generator=generator)
        x = self.views[self.member_views[:, None], rows]  # (K, size, d)
        return x, x


class WindowSampler:
    """Each member draws windows of its own view; the target is what the linear forecast leaves of the last step."""

    def __init__(
        self, views: Floats, member_views: Tensor, places: Tensor, weight: Tensor, bias: Tensor
    ) -> None:
        self.views, self.member_views = torch.from_numpy(views), member_views  # (views, n, fields)
        self.places = places  # (windows, steps)
        self.weight, self.bias = (
            weight[member_views],
            bias[member_views],
        )  # (K, inputs, fields), (K, 1, fields)

    def __call__(self, size: int, generator: Generator) -> tuple[Tensor, Tensor]:
        members = len(self.member_views)
        chosen = torch.randint(len(self.places), (members, size), generator=generator)
        return self.windows(self.places[chosen])

    def windows(self, places: Tensor) -> tuple[Tensor, Tensor]:
        """(K, m, steps) -> visible steps (K, m, inputs), what is left to learn (K, m, fields)"""
        windows = self.views[self.member_views[:, None, None], places]  # (K, m, steps, fields)
        x = windows[:, :, :-1].flatten(2)  # (K, m, inputs)
        return x, windows[:, :, -1] - torch.baddbmm(self.bias, x, self.weight)
