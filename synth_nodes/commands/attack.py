"""`synth-nodes attack`: how far a model moves when what it sees is moved within its noise."""

import argparse
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TYPE_CHECKING

from synth_nodes.commands.common import (
    add_verb,
    columns,
    indent,
    print_json,
    Stages,
    Subparsers,
)
from synth_nodes.commands.inputs import (
    add_robot,
    add_settings,
    describe_settings,
    load_maps,
    robot_and_lidar,
    settings_from_words,
)

if TYPE_CHECKING:
    from synth_nodes.policy.contract import PolicyContract

EXAMPLE = """synth-nodes attack
synth-nodes attack models/collision.onnx --json
synth-nodes attack line --set samples=16
synth-nodes attack run --set deviations=1 --set episodes=6"""
SEEDS = (9001, 9002)
"""Of the generated buildings driven in; training uses neither."""


def add(verbs: Subparsers) -> None:
    """Add the verb."""
    parser = add_verb(verbs, 'attack', 'Attack the scans or images of a policy, or the scans of a '
                      "collision predictor, within their sensor's noise (FGSM, PGD).", EXAMPLE,
                      _run)
    parser.add_argument('model', nargs='?', default='',
                        help='ONNX file, folder or registry of a policy, or the ONNX file of a '
                        'collision predictor; line: the shipped policy that follows lines by '
                        'camera; the shipped one that reaches goals if none')
    parser.add_argument('--map', type=Path, action='append', default=[], metavar='M.yaml',
                        help='Nav2 map, repeatable; two generated buildings if none')
    add_settings(parser)
    add_robot(parser)


def _run(args: argparse.Namespace) -> int:
    from synth_nodes.train.attack_report import AttackSettings

    if args.settings:
        print(indent(describe_settings(AttackSettings)))
        return 0
    settings = settings_from_words(AttackSettings, args.set, {})
    with Stages() as stages:
        result = _attack(args, settings, stages.report)
    if args.json:
        print_json({'attack': result, 'settings': asdict(settings)})
        return 0
    driven = result.pop('closed_loop', {})
    print(columns(_table(result)))
    for name, score in driven.items():
        print(f"driven {name}: success {score['success']}, contacts {score['contact_rate']}, "
              f"{score['episodes']} errands")
    return 0


def _attack(args: argparse.Namespace, settings: Any, report: Any) -> dict[str, Any]:
    import numpy as np

    from synth_nodes.errors import InputError
    from synth_nodes.infer.locate import locate_policy
    from synth_nodes.infer.session import load_policy, start_session
    from synth_nodes.policy.contract import read_contract
    from synth_nodes.train.attack_report import attack_policy, attack_predictor, moments
    from synth_nodes.world.building import generate_building

    robot, lidar = robot_and_lidar(args.params_file)
    model, contract_file = locate_policy(args.model)
    contract = read_contract(contract_file)
    spec = contract.observation
    if contract.task == 'line_camera':
        return _attack_images(args, contract, settings, report)
    maps = load_maps(args.map) or [generate_building(seed) for seed in SEEDS]
    if contract.task != 'collision':
        if [t.name for t in contract.inputs] != ['scan', 'goal', 'velocity']:
            raise InputError(f'{model} takes {[t.name for t in contract.inputs]}; the attack is '
                             "for policies of scans ('scan', 'goal', 'velocity') or of images "
                             'that follow lines, and for collision predictors')
        session = load_policy(args.model, robot, lidar=lidar)
        return attack_policy(session.act, maps, robot, lidar, spec, settings, report)
    content = model.read_bytes()
    contract.check_file(content, str(model))
    graph = start_session(content, contract, str(model), 'cpu')
    seen, command = moments(maps, robot, lidar, spec, settings)
    asked = np.column_stack((command[:, 0], np.zeros(len(command)), command[:, 1]))
    asked = asked.astype(np.float32)

    def probability(scan: Any, rows: Any) -> Any:
        return graph.run(['probability'], {'scan_history': scan, 'command': asked[rows]})[0]

    return attack_predictor(probability, np.asarray(seen['scan'], np.float32), lidar, spec,
                            settings, report)


def _attack_images(args: argparse.Namespace, contract: 'PolicyContract', settings: Any,
                   report: Any) -> dict[str, Any]:
    from synth_nodes.envs.settings import LineCameraSettings
    from synth_nodes.errors import InputError
    from synth_nodes.infer.session import load_policy
    from synth_nodes.train.attack_images import attack_images

    if args.map or settings.episodes:
        raise InputError('--map and episodes are for policies that reach goals; a policy that '
                         'follows lines is attacked at moments on generated tracks')
    robot = robot_and_lidar(args.params_file)[0]
    task = LineCameraSettings()
    task = replace(task, line=replace(task.line, robot=robot),
                   camera=contract.camera or task.camera)
    return attack_images(load_policy(args.model, robot).act, task, settings, report)


def _table(result: dict[str, Any]) -> list[tuple[str, ...]]:
    """Lay out the changes, one attack a row."""
    first = next(iter(result.values()))
    names = [n for n, v in first.items() if isinstance(v, dict)]
    units = {'speed': 'm/s', 'turn': 'rad/s', 'probability': ''}
    shares = [n for n in first if n not in names]
    head = ('attack', *(f'{n} {k} {units[n]}'.strip() for n in names
                        for k in ('mean', 'p95', 'max')), *shares)
    rows = [(attack, *(f'{row[n][k]:.3f}' for n in names for k in ('mean', 'p95', 'max')),
             *(f'{row[n]:.3f}' for n in shares)) for attack, row in result.items()]
    return [head, *rows]
