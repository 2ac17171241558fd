"""Settings of detours. No numba: nodes on a robot read them too."""

from dataclasses import dataclass

from synth_nodes.settings import setting


@dataclass(frozen=True)
class DetourSettings:
    """When a blocked robot looks for another way, and which ways it takes."""

    enabled: bool = setting(
        True, 'Plan around what blocks the way and is not in the map, or stand aside for it.')
    patience: float = setting(
        8.0, 'Time without progress after which another way is looked for.',
        unit='s', low=0.2, high=600.0)
    still: float = setting(
        6.0, 'Time over which something has to stand where it stands to be planned around.',
        unit='s', low=0.0, high=600.0)
    progress: float = setting(
        0.3, 'Distance towards the goal that counts as progress.', unit='m', low=0.01, high=10.0)
    near: float = setting(
        0.3, 'Distance to the goal within which standing is no lack of progress.',
        unit='m', low=0.0, high=10.0)
    sight: float = setting(
        2.0, 'Distance up to which the scan is searched for what the map does not have.',
        unit='m', low=0.5, high=100.0)
    map_gap: float = setting(
        0.2, 'Distance to solid cells of the map from which these do not explain what is seen.',
        unit='m', low=0.0, high=2.0)
    margin: float = setting(
        0.05, 'Distance kept from what is seen, beside that kept from walls.',
        unit='m', low=0.0, high=2.0)
    longer: float = setting(
        15.0, 'How much longer than the present way a detour may be.',
        unit='m', low=0.0, high=1000.0)
    memory: float = setting(
        15.0, 'How long what was seen is planned around while the scan does not show it gone.',
        unit='s', low=0.0, high=600.0)
    room: float = setting(
        0.0, 'Distance from what blocks the way at which the robot stands aside where there is '
        'no detour, such as 1.2; 0 for never.', unit='m', low=0.0, high=10.0)
    hold: float = setting(
        1.0, 'Shortest stay aside, the way there included.', unit='s', low=0.0, high=600.0)
    stay: float = setting(
        5.0, 'Time aside after which the way that was blocked is tried again.',
        unit='s', low=0.0, high=600.0)
    retry: float = setting(
        0.5, 'Time between two searches for a way.', unit='s', low=0.1, high=600.0)
