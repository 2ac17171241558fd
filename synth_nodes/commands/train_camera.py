"""`synth-nodes train generator --of camera`: learn what a real camera makes of an ideal frame."""

import argparse
from pathlib import Path

from synth_nodes.commands.common import indent, print_json, Stages, until_interrupted
from synth_nodes.commands.inputs import camera_of, describe_settings, settings_from_words


def train(args: argparse.Namespace) -> int:
    """Render, train, export; the arguments are those of `train generator`."""
    from synth_nodes.generators.camera_model import CameraSettings

    if args.settings:
        print(indent(describe_settings(CameraSettings)))
        return 0
    fixed = {n: v for n in ('kind', 'seed') if (v := getattr(args, n)) is not None}
    settings = settings_from_words(CameraSettings, args.set, fixed)
    spec, out = camera_of(args.params_file), args.out or Path('camera')

    from synth_nodes.export.camera import export_camera
    from synth_nodes.export.parity import ParityError
    from synth_nodes.train.camera import forget, train_camera

    with Stages() as stages, until_interrupted() as cancelled:
        trained = train_camera(settings, out, spec, stages.report, cancelled, args.track)
    try:
        card = export_camera(trained, settings, spec, out, {'command': args.command_line})
    except ParityError as error:
        print(f'synth-nodes: {error}')
        return 1
    forget(out)
    if args.json:
        print_json({'generator': out, **card.scores})
        return 0
    for name, score in card.scores.items():
        print(f'{name}: {score:.4g}')
    print(f'wrote {out}')
    return 0
