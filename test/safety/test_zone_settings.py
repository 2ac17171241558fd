"""Zones, exclusions and sources out of flat parameters."""

from dataclasses import dataclass

import numpy as np
import pytest

from synth_nodes.errors import InputError
from synth_nodes.safety.zone_drawing import user_outlines
from synth_nodes.safety.zone_settings import (
    ExclusionSettings,
    masks_of,
    SourceSettings,
    user_zones,
    zone_setup,
    ZoneSettings,
)
from synth_nodes.settings import build, Groups, groups_of, named

BODY = np.array(((0.2, 0.2), (-0.2, 0.2), (-0.2, -0.2), (0.2, -0.2)))
SQUARE = [1.0, 1.0, -1.0, 1.0, -1.0, -1.0, 1.0, -1.0]


@dataclass(frozen=True)
class Everything:
    zones: Groups = named(ZoneSettings)
    sources: Groups = named(SourceSettings)
    exclusions: Groups = named(ExclusionSettings)


def made(values, names=('scan',)):
    return user_zones(build(Everything, values).zones, names, BODY, 'file')


def zone(**values):
    return {f'zones.a.{k.replace("__", ".")}': v for k, v in {
        'shape': 'polygon', 'action': 'stop', **values}.items()}


def test_zones_come_with_all_that_was_said_of_them():
    near, way = made({
        **zone(points=SQUARE, min_points=3, sources=['scan'], hold_time=0.4, trigger_after=2,
               release_after=5),
        'zones.b.shape': 'velocity_polygon', 'zones.b.action': 'approach',
        'zones.b.holonomic': True, 'zones.b.parts.on.points': SQUARE,
        'zones.b.parts.on.linear_max': 0.5, 'zones.b.parts.back.points': SQUARE[:6],
        'zones.b.parts.back.linear_min': -0.5})
    assert (near.name, near.min_points, near.sources) == ('a', 3, ('scan',))
    assert (near.hold_time, near.trigger_after, near.release_after) == (0.4, 2, 5)
    assert near.corners.tolist() == np.reshape(SQUARE, (4, 2)).tolist()
    assert [p.name for p in way.sub_zones] == ['on', 'back'] and way.holonomic
    assert way.sub_zones[0].covers(np.array((0.2, 0.1, 0.0)), True)
    assert not way.sub_zones[1].covers(np.array((0.2, 0.1, 0.0)), True)


def test_footprint_zone_takes_the_robots_outline_unless_a_topic_gives_it():
    own, told = made({**zone(shape='footprint', action='approach'),
                      'zones.b.shape': 'footprint', 'zones.b.action': 'approach',
                      'zones.b.topic': 'local_costmap/published_footprint'})
    assert own.corners is BODY and told.corners is None and not told.shape_known


@pytest.mark.parametrize(('values', 'words'), [
    (zone(), "zone 'a' has no shape; give its 'points', 'radius' or 'parts', or the 'topic'"),
    (zone(points=SQUARE[:7]), '7 numbers; give x, y of each corner'),
    (zone(points=SQUARE[:4]), 'three or more pairs'),
    ({'zones.a.action': 'stop', 'zones.a.points': SQUARE}, "'shape' = ''"),
    ({'zones.a.shape': 'circle', 'zones.a.radius': 1.0}, "'action' = ''"),
    (zone(points=SQUARE, sources=['radar']), "source 'radar', which is not among scan"),
    (zone(shape='velocity_polygon', topic='shape', parts__on__points=SQUARE), 'cannot give'),
    (zone(shape='velocity_polygon', parts__on__points=SQUARE, parts__on__linear_min=1.0),
     'linear_min')])
def test_zone_that_cannot_be_used_is_named_with_the_remedy(values, words):
    with pytest.raises(InputError) as caught:
        made(values)
    assert words in str(caught.value) and "zone 'a'" in str(caught.value)


def test_exclusions_belong_to_the_sources_they_name_or_to_all():
    exclusions = build(Everything, {
        'exclusions.cart.points': SQUARE, 'exclusions.cart.sources': ['rear'],
        'exclusions.mast.radius': 0.3, 'exclusions.gone.radius': 0.3,
        'exclusions.gone.enabled': False}).exclusions
    masks = masks_of(exclusions, ['scan', 'rear'], 'file')
    assert {k: [m.name for m in v] for k, v in masks.items()} == {
        'scan': ['mast'], 'rear': ['cart', 'mast']}
    for wrong in ({}, {'exclusions.a.points': SQUARE, 'exclusions.a.radius': 1.0}):
        groups = build(Everything, {'exclusions.a.enabled': True, **wrong}).exclusions
        with pytest.raises(InputError, match='either'):
            masks_of(groups, ['scan'], 'file')


def test_offline_setup_holds_zones_sources_and_their_masks():
    settings = build(Everything, {
        **zone(points=SQUARE), 'sources.top.kind': 'pointcloud', 'sources.top.min_height': 0.1,
        'exclusions.mast.radius': 0.3})
    setup = zone_setup(settings.zones, groups_of(settings.sources), settings.exclusions, BODY,
                       'file')
    assert [z.name for z in setup.zones] == ['a'] and setup.sources[0].min_height == 0.1
    assert setup.sources[0].masks[0].name == 'mast'


def test_offline_setup_holds_how_old_and_how_far_data_of_a_source_counts():
    def made(timeout, default):
        settings = build(Everything, {'sources.top.kind': 'pointcloud', 'sources.top.max_range': 3,
                                      'sources.top.timeout': timeout})
        setup = zone_setup(settings.zones, groups_of(settings.sources), settings.exclusions, BODY,
                           'file', default)
        source, = setup.sources
        assert source.max_range == 3.0
        return source.strict_timeout, source.timeout, setup.source_timeout
    assert made(0.1, 0.3) == (0.1, 0.1, 2.0) and made(10.0, 0.3) == (10.0, 10.0, 2.0)
    # Without its own, Nav2's default, or that of the rules where strict judgements allow more.
    assert made(0.0, 0.3) == (0.0, 2.0, 2.0) and made(0.0, 5.0) == (0.0, 5.0, 5.0)


def test_only_what_counts_now_is_drawn():
    zones = made({
        **zone(shape='circle', radius=0.5),
        'zones.off.shape': 'circle', 'zones.off.action': 'stop', 'zones.off.radius': 1.0,
        'zones.off.enabled': False,
        'zones.late.shape': 'polygon', 'zones.late.action': 'stop', 'zones.late.topic': 't',
        'zones.v.shape': 'velocity_polygon', 'zones.v.action': 'stop',
        'zones.v.parts.on.points': SQUARE, 'zones.v.parts.on.linear_max': 1.0,
        'zones.v.parts.back.points': SQUARE, 'zones.v.parts.back.linear_min': -1.0,
        'zones.v.parts.back.linear_max': -0.1})
    drawn = user_outlines(zones, np.array((0.5, 0.0, 0.0)))
    assert [z.name for z in drawn] == ['a', 'v']
    assert np.hypot(*drawn[0].polygon.T) == pytest.approx(0.5)
