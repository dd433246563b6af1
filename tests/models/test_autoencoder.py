"""Networks and objectives compose; members of one batch of weights are independent of each other."""

import pytest
import torch

from monitor.models.autoencoder import Autoencoder, Plan, rate
from monitor.models.networks import dense, residual, windowed
from monitor.models.objectives import Denoising, Sparse, Vanilla, Variational

X = torch.randn(4, 16, 6, generator=torch.Generator().manual_seed(0))
OBJECTIVES = [Vanilla(), Sparse(3), Denoising((0.1, 0.3, 0.6, 1.0)), Variational(4, 6)]
NETWORKS = {
    "dense": lambda o: dense(6, 6, [4, 4, 3, 3], o.spread),
    "residual": lambda o: residual(6, 6, 4, 16),
    "windowed": lambda o: windowed(6, 6, 4, 8, o.spread),
}


def sampler(size: int, generator: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    rows = torch.randint(16, (size,), generator=generator)
    return X[:, rows], X[:, rows]


# A network without a bottleneck has no code to draw.
PAIRS = [(n, o) for n in NETWORKS for o in OBJECTIVES if (n, type(o)) != ("residual", Variational)]


@pytest.mark.parametrize(("network", "objective"), PAIRS)
def test_every_objective_goes_with_every_network(network: str, objective: Vanilla) -> None:
    module = Autoencoder(NETWORKS[network](objective), objective, sampler, Plan(10, 8, 0))
    output, code = module(X)
    assert output.shape == X.shape
    assert code.shape[:2] == X.shape[:2]
    module._loss(0.5).backward()
    assert all(p.grad is not None for p in module.network.parameters())


def test_a_members_loss_does_not_touch_another_members_weights() -> None:
    network = dense(6, 6, [4, 4, 3, 3])
    network.decode(network.encode(X))[0].sum().backward()
    for weights in network.parameters():
        assert (weights.grad[1:] == 0).all()


@pytest.mark.parametrize(("network", "objective"), PAIRS)
def test_a_member_alone_says_what_it_says_among_the_others(network: str, objective: Vanilla) -> None:
    whole = NETWORKS[network](objective)
    with torch.no_grad():
        for weights in whole.parameters():
            weights.add_(0.1 * torch.randn(weights.shape, generator=torch.Generator().manual_seed(1)))
        for member in range(4):
            encoder, decoder = whole.alone(member)
            code = objective.code(encoder(X[member]))
            assert torch.allclose(
                decoder(code), whole.decode(objective.code(whole.encode(X)))[member], atol=1e-5
            )


def test_members_keep_to_their_own_code_width() -> None:
    network = dense(6, 6, [4, 2, 1, 4])
    assert (network.encode(X)[1, :, 2:] == 0).all()
    assert (network.encode(X)[2, :, 1:] == 0).all()


def test_sparse_keeps_no_more_units_than_asked() -> None:
    code = Sparse(3).code(torch.randn(4, 16, 20))
    assert ((code != 0).sum(-1) <= 3).all()


def test_scoring_draws_nothing() -> None:
    module = Autoencoder(dense(6, 6, [4] * 4, 2), Variational(4, 6), sampler, Plan(10, 8, 0))
    assert torch.equal(module(X)[0], module(X)[0])


def test_trimming_leaves_the_largest_losses_out_once_under_way() -> None:
    cells = torch.tensor([[[1.0], [1.0], [1.0], [100.0]]])
    assert Vanilla(trim=0.25).reduce(cells, 0.0, progress=0.5) == 1
    assert Vanilla(trim=0.25).reduce(cells, 0.0, progress=0.05) > 20


def test_rows_are_not_left_out_for_a_column_that_is_not_judged() -> None:
    objective = Vanilla(trim=0.25)
    objective.judged = torch.tensor([True, False])
    cells = torch.tensor([[[1.0, 0.0], [1.0, 0.0], [9.0, 0.0], [0.0, 100.0]]])
    assert float(objective.reduce(cells, 0.0, progress=0.5)) == pytest.approx((0.5 + 0.5 + 50) / 3)


def test_the_rate_warms_up_and_ends_at_two_per_cent() -> None:
    rates = [rate(step, 300) for step in range(301)]
    assert rates[0] < rates[10] < rates[20] == max(rates)
    assert rates[-1] == pytest.approx(0.02 * max(rates))
