"""
Variational autoencoder (Kingma and Welling 2014), conditional on the ideal scan.

The latent has a value for every fourth beam, so it tells where along the scan something differs.
The decoder gives each beam a mixture of three logistic distributions of the error, and the chance
of a return; the KL term is annealed (Bowman et al. 2016) so that the latent is used.
"""

from collections.abc import Mapping

import torch
from torch import nn, Tensor
from torch.nn import functional

from synth_nodes.generators.coding import CONDITIONS
from synth_nodes.generators.layers import normal, Trunk, uniform
from synth_nodes.generators.model import Case, GeneratorSettings, Stepper

LATENT, EVERY, MIX = 8, 4, 3
FREE = 0.02
"""KL [nats] of each latent value that costs nothing (Kingma et al. 2016, free bits)."""


class VaeNet(nn.Module):
    """Encoder and decoder."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.encoder = Trunk(CONDITIONS + 2, width, 3)
        self.moments = nn.Conv1d(width, 2 * LATENT, EVERY, stride=EVERY)
        self.decoder = Trunk(CONDITIONS + LATENT, width)
        self.out = nn.Conv1d(width, 1 + 3 * MIX, 1)

    def encode(self, case: Case) -> tuple[Tensor, Tensor]:
        """Mean and logarithm of the variance of the latent, shape (N, LATENT, beams / 4)."""
        x = torch.cat((case.condition[:, :CONDITIONS], case.joined()), 1)
        x = functional.pad(x, (0, -x.shape[2] % EVERY), mode='replicate')
        mean, log_variance = self.moments(self.encoder(x)).chunk(2, 1)
        return mean, log_variance.clamp(-8.0, 4.0)

    def decode(self, condition: Tensor, z: Tensor) -> Tensor:
        """Logit of a return, then weights, means and log scales, shape (N, 10, beams)."""
        beams = condition.shape[2]
        spread = z.repeat_interleave(EVERY, 2)[:, :, :beams]
        out: Tensor = self.out(self.decoder(torch.cat((condition[:, :CONDITIONS], spread), 1)))
        return out


class Vae:
    """A variational autoencoder of scans."""

    def __init__(self, settings: GeneratorSettings) -> None:
        self.module: nn.Module = VaeNet(settings.width).to(settings.device)
        self._net = self.module
        self._stepper = Stepper(self.module, settings.learning_rate, (0.9, 0.99))

    def train_step(self, case: Case, share: float) -> Mapping[str, float]:
        """Take a step; see Generator."""
        assert isinstance(self._net, VaeNet)
        mean, log_variance = self._net.encode(case)
        z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
        out = self._net.decode(case.condition, z)
        kl = 0.5 * (mean ** 2 + log_variance.exp() - 1.0 - log_variance)
        kl_beam = kl.mean(0).clamp(min=FREE).sum() / case.u.shape[1]
        error = negative_log_likelihood(out, case)
        self._stepper.step(error + min(1.0, 4 * share) * kl_beam, share)
        return {'error': float(error.detach()), 'kl': float(kl_beam.detach())}

    @torch.no_grad()
    def sample(self, condition: Tensor,
               generator: torch.Generator | None = None) -> tuple[Tensor, Tensor]:
        """Draw; see Generator."""
        assert isinstance(self._net, VaeNet)
        count, _, beams = condition.shape
        z = normal((count, LATENT, -(-beams // EVERY)), condition, generator)
        draws = uniform((count, 3, beams), condition, generator)
        return drawn(self._net.decode(condition, z), draws)

    def state(self) -> dict[str, object]:
        """Give weights and memory; see Generator."""
        return {'net': self.module.state_dict(),
                'optimiser': self._stepper.optimiser.state_dict()}

    def restore(self, state: Mapping[str, object]) -> None:
        """Take a state back; see Generator."""
        self.module.load_state_dict(state['net'])  # type: ignore[arg-type]
        self._stepper.optimiser.load_state_dict(state['optimiser'])  # type: ignore[arg-type]


def negative_log_likelihood(out: Tensor, case: Case) -> Tensor:
    """Mean over beams [nats] of returns, and of the errors of those that returned."""
    weights, means, scales = _mixture(out)
    z = (case.u[:, None] - means) / scales
    log_density = -z - torch.log(scales) - 2 * functional.softplus(-z)
    density = torch.logsumexp(weights + log_density, 1)
    back = functional.binary_cross_entropy_with_logits(out[:, 0], case.returned)
    return back - (density * case.returned).mean()


def drawn(out: Tensor, draws: Tensor) -> tuple[Tensor, Tensor]:
    """
    Draw from the decoder's distributions.

    :param out: shape (N, 10, beams); draws: uniform in [0, 1), shape (N, 3, beams).
    """
    weights, means, scales = _mixture(out)
    pick = (draws[:, :1] > torch.cumsum(weights.exp(), 1)[:, :-1]).sum(1, keepdim=True)
    share = draws[:, 1].clamp(1e-4, 1 - 1e-4)
    u = means.gather(1, pick)[:, 0] + scales.gather(1, pick)[:, 0] * (
        torch.log(share) - torch.log1p(-share))
    returned = (draws[:, 2] < torch.sigmoid(out[:, 0])).to(u)
    return u.clamp(-1.0, 1.0) * returned, returned


def _mixture(out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    weights, means, scales = out[:, 1:].chunk(3, 1)
    wide = functional.softplus(scales - 3.0) + 2e-3
    return torch.log_softmax(weights, 1), means, wide
