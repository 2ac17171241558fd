import cv2
import numpy as np

from synth_nodes.tasks.course import Course
from synth_nodes.types import RobotSpec
from synth_nodes.world.posts import generate_post_room


def test_a_room_of_posts_comes_again_by_its_seed_and_has_errands_between_them():
    room = generate_post_room(3)
    assert np.array_equal(room.occupancy, generate_post_room(3).occupancy)
    assert room.occupancy.shape != generate_post_room(4).occupancy.shape
    parts, _ = cv2.connectedComponents(room.solid().astype(np.uint8))
    assert 9 <= parts - 2 <= 16  # free space and the wall are two of them
    errand = Course([room], RobotSpec()).errand(np.random.default_rng(0), 0, 2.0, 25.0)
    assert len(errand.path) > 15
