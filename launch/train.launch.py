"""Start the graph 'train' of synth_nodes; it is described in synth_nodes/graphs.py."""

from synth_nodes.bringup import launch_description


def generate_launch_description():
    return launch_description('train')
