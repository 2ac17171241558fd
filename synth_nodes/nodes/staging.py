"""The scene that the simulated world plays in. No ROS."""

from synth_nodes.errors import InputError
from synth_nodes.nodes.parameters import WorldParameters
from synth_nodes.world.places import open_place
from synth_nodes.world.scene import Scene


def stage(settings: WorldParameters) -> Scene:
    """
    Load or generate the scene, and dress it where a bare map is looked at.

    Everything in it comes from the parameters and their seeds.

    :raises InputError: when there is no such place, or what is asked for cannot be.
    """
    s = settings
    if s.randomisation.mount_shift or s.randomisation.mount_turn:
        raise InputError('randomisation.mount_shift and randomisation.mount_turn must be 0 in '
                         'world_node, which has no sensor; set lidar.mount instead')
    scene, plain = open_place(s.map, s.building_seed)
    things = s.dress.boxes or s.dress.cylinders or s.dress.odd_walls
    if plain and (s.with_camera or things):
        from synth_nodes.world.scene_dress import dress

        return dress(scene.grid, s.scene_seed, s.dress, scene.source)
    return scene
