"""Federated rounds with Flower: robots send weights, never data; a server averages them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
import torch

from synth_nodes.errors import InputError
from synth_nodes.policy.networks import GoalPolicy
from synth_nodes.train.fit import Fitter
from synth_nodes.train.progress import never, silent
from synth_nodes.train.samples import Samples
from synth_nodes.train.settings import BcSettings

Weights = list[NDArray[np.float32]]


def weights_of(net: GoalPolicy) -> Weights:
    """Give all weights and normalisers, in the order of the network's state."""
    return [v.detach().cpu().numpy().copy() for v in net.state_dict().values()]


def take_weights(net: GoalPolicy, weights: Sequence[NDArray[np.float32]]) -> None:
    """Set what :func:`weights_of` gave."""
    net.load_state_dict({name: torch.from_numpy(np.asarray(value)) for name, value in zip(
        net.state_dict(), weights, strict=True)})


def serve(address: str, net: GoalPolicy, rounds: int, clients: int) -> GoalPolicy:
    """
    Average the weights of robots round after round (FedAvg, McMahan et al. 2017).

    :param address: host:port to listen at.
    :param net: where the first round starts; changed in place.
    :param clients: robots that every round waits for.
    :return: the network with the last round's mean.
    """
    fl = _flower()
    newest: list[Any] = []

    class Keep(fl.server.strategy.FedAvg):  # type: ignore[misc, name-defined]
        def aggregate_fit(self, *arguments: Any) -> Any:
            mean = super().aggregate_fit(*arguments)
            if mean[0] is not None:
                newest[:] = fl.common.parameters_to_ndarrays(mean[0])
            return mean

    strategy = Keep(
        fraction_evaluate=0.0, min_fit_clients=clients, min_available_clients=clients,
        initial_parameters=fl.common.ndarrays_to_parameters(weights_of(net)))
    fl.server.start_server(server_address=address, strategy=strategy,
                           config=fl.server.ServerConfig(num_rounds=rounds))
    take_weights(net, newest)
    return net


def take_part(address: str, net: GoalPolicy, train: Samples, validation: Samples,
              settings: BcSettings) -> None:
    """
    Fit in each of a server's rounds, from its weights, on this robot's own samples.

    :param train: stays here, as `validation` does; only weights and the number of samples leave.
    """
    fl = _flower()

    class Robot(fl.client.NumPyClient):  # type: ignore[misc, name-defined]
        def fit(self, parameters: Weights, config: Any) -> tuple[Weights, int, dict[str, Any]]:
            take_weights(net, parameters)
            Fitter(net, settings, settings.seed).fit(
                train, validation, settings.epochs, 'fitting', silent, never)
            return weights_of(net), len(train), {}

    fl.client.start_client(server_address=address, client=Robot().to_client())


def _flower() -> Any:
    try:
        import flwr
        import flwr.client
        import flwr.common
        import flwr.server
    except ImportError:
        raise InputError("federated rounds need Flower; install the extra 'federated' into an "
                         'environment of its own') from None
    return flwr
