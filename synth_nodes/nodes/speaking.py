"""When a safety monitor speaks unasked. No ROS: the campaign of faults asks here too."""

from synth_nodes.nodes.guard import Guard

TICK = 0.025
"""How often it looks, and the period of zeros while stopped or without commands [s]."""
LAST_WORDS = 0.3
"""For how long zeros are sent before the node ends [s]."""
SILENCE = 0.06
"""Time without a command after which the last one is judged again [s]."""


def due(guard: Guard, silence: float, now: float) -> bool:
    """
    Whether the last command is to be judged again.

    At once where it has become too old: commands that come on time, but with a stamp that stands,
    must not carry the robot from one to the next.

    :param silence: time since the monitor last spoke [s].
    :param now: present time on the monitor's clock [s].
    """
    stopped = guard.verdict.action == 'stop'
    if not stopped and guard.starved(now):
        return True
    return silence >= 0.9 * TICK and (stopped or silence > SILENCE)
