"""How people look after the safety monitor: services, switches, rivals, health."""

from collections.abc import Callable
from functools import partial
import time
from typing import Any

from rclpy.node import Node
from std_srvs.srv import SetBool, Trigger

from synth_nodes.nodes.guard import Guard
from synth_nodes.ros.clocks import now
from synth_nodes.ros.diagnostics import ERROR, Health, OK, WARN
from synth_nodes.ros.verdicts import level_of


def serve(node: Any) -> None:
    """Offer the services of a safety monitor."""
    for name, action in (('stop', Guard.latch), ('reset', Guard.reset),
                         ('override', Guard.override)):
        node.create_service(Trigger, f'~/{name}', partial(_answer, node, name, action))
    node.create_service(SetBool, '~/toggle', partial(_answer, node, 'toggle', Guard.toggle))


def _answer(node: Any, name: str, action: Callable[..., str], request: Any, response: Any) -> Any:
    """Answer a call of Trigger or SetBool with what an action of the guard says."""
    words = (request.data,) if hasattr(request, 'data') else ()
    problem = action(node.guard, *words, now(node)) if node.guard else 'not configured'
    done = f'{name}: {"on" if words[0] else "off"}' if words else f'{name}: done'
    response.success, response.message = not problem, problem or done
    node.get_logger().info(response.message)
    return response


def live_switches(node: Any) -> dict[str, Callable[[str, bool], None]]:
    """List what to call when a parameter switches a zone or a source while the node runs."""
    def switch(enable: Callable[..., None]) -> Callable[[str, bool], None]:
        def set_to(parameter: str, on: bool) -> None:
            if node.guard is not None:
                enable(node.guard, parameter.split('.')[1], on, now(node))
        return set_to
    return {'zones.*.enabled': switch(Guard.enable_zone),
            'sources.*.enabled': switch(Guard.enable_source)}


def follow_switches(node: Any, guard: Guard) -> None:
    """Switch off what has been switched off by parameters since the node began."""
    for kind, names, enable in (('zones', guard.zones, guard.enable_zone),
                                ('sources', guard.intakes, guard.enable_source)):
        for name in names:
            switch = f'{kind}.{name}.enabled'
            if node.has_parameter(switch) and not node.get_parameter(switch).value:
                enable(name, False, now(node))


def rivals(node: Node, topic: str) -> list[str]:
    """Names of the nodes that publish a topic, one for each publisher."""
    if node.count_publishers(topic) < 2:
        return []
    return sorted(f"{p.node_namespace.rstrip('/')}/{p.node_name}"
                  for p in node.get_publishers_info_by_topic(topic))


def health(node: Any) -> Health:
    """Say how a safety monitor is, and what it has done."""
    if node.guard is None or not node.active:
        more = '; zeros are sent until it is cleaned up' if node.halting else ''
        return Health(ERROR if node.fault else WARN, node.fault or f'not active{more}')
    guard: Guard = node.guard
    log, verdict, predictor = node.log, guard.verdict, guard.predictor
    strange = guard.odometry_problem and f'the velocity of odom {guard.odometry_problem}'
    problem = strange or guard.brakes.problem or log.problem or node.unpredicted or (
        predictor.problem if predictor else '')
    values: dict[str, Any] = {
        **guard.counts, **node.latency.summary(), 'rule': verdict.rule, 'source': verdict.source,
        'switched': 'off' if guard.off else 'on', 'commanding': ', '.join(guard.commanding),
        'log_written': log.written, 'log_lost': log.lost, 'log_bytes': log.size,
        'log_digest': log.digest[:16],
        'brakes': 'weaker or later than stated' if guard.brakes.found else 'as stated'}
    if guard.brakes.found is not None:
        values |= {'braking_deceleration': guard.brakes.found.deceleration,
                   'braking_reaction': guard.brakes.found.reaction}
    if predictor is not None:
        values |= {'risk_model': predictor.path,
                   'risk': 'unknown' if guard.risk is None else guard.risk}
    level = level_of(verdict)
    return Health(max(level, WARN) if problem else level, problem or verdict.reason, values)


def timing(node: Any) -> Health:
    """Say whether verdicts come, and take effect, as soon as the rules take for granted."""
    pace, s = node.pace, node.settings
    problems = pace.problems(s.safety, s.robot, time.monotonic())
    return Health(WARN if problems else OK, '; '.join(problems) or 'as the rules take it', {
        'verdict_gap_max_ms': 1e3 * pace.longest, 'verdicts_late': pace.late,
        **{f'delay_{k.removeprefix("latency_")}': v for k, v in pace.delays.summary().items()}})
