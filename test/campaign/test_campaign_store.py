import json

import pytest

from synth_nodes.campaign.batch import draw_batch
from synth_nodes.campaign.chunks import chunk_for, Plan, run_chunk
from synth_nodes.campaign.figures import add_up, GAP_EDGES, median, summary, upper_bound
from synth_nodes.campaign.judges import none, PEERS
from synth_nodes.campaign.pictures import draw_histograms, draw_trace
from synth_nodes.campaign.setups import FAMILIES
from synth_nodes.campaign.store import append, chunk_of, CHUNKS, opened
from synth_nodes.campaign.trace import scenario, traced
from synth_nodes.errors import InputError

PLAN = Plan(5, 8)


def test_chunks_that_are_done_are_found_again_and_a_torn_line_is_not(tmp_path):
    assert opened(tmp_path, PLAN) == []
    append(tmp_path, {'chunk': 0, 'size': 16})
    append(tmp_path, {'chunk': 3, 'size': 16})
    with (tmp_path / CHUNKS).open('a') as stream:
        stream.write('{"chunk": 4, "si')
    assert [c['chunk'] for c in opened(tmp_path, PLAN)] == [0, 3]
    append(tmp_path, {'chunk': 4, 'size': 16})
    assert [c['chunk'] for c in opened(tmp_path, PLAN)] == [0, 3, 4]


def test_folder_of_another_campaign_is_refused(tmp_path):
    opened(tmp_path, PLAN)
    with pytest.raises(InputError, match='another campaign'):
        opened(tmp_path, Plan(6, 8))


def test_damaged_folder_is_refused_by_name(tmp_path):
    opened(tmp_path, PLAN)
    (tmp_path / CHUNKS).write_text('nonsense\n')
    with pytest.raises(InputError, match='cannot be used'):
        opened(tmp_path, PLAN)


def test_plan_without_a_chunk_size_is_refused_by_name(tmp_path):
    assert chunk_of(tmp_path) is None
    opened(tmp_path, PLAN)
    assert chunk_of(tmp_path) == PLAN.size
    (tmp_path / 'plan.json').write_text('{}')
    with pytest.raises(InputError, match=r'cannot be used: plan\.json'):
        chunk_of(tmp_path)


@pytest.mark.parametrize('scenarios', [512, 6144, 49_999, 100_000])
def test_all_families_of_scenes_are_in_a_campaign(scenarios):
    size = chunk_for(scenarios)
    drawn = {draw_batch(1, k, 1).setup.family for k in range(-(-scenarios // size))}
    assert drawn == set(FAMILIES)


def test_chunks_of_large_campaigns_stay_what_they_were():
    assert [chunk_for(n) for n in (1, 512, 4096, 49_999)] == [16, 16, 128, 1562]
    assert {chunk_for(n) for n in (50_000, 100_000, 393_216, 10_002_432)} == {4096}


def test_counts_add_up_and_maxima_stay():
    total = add_up([{'a': 1, 'x_max': 2.0, 'h': [1, 2], 'm': {'b': 1}, 'failing': [7]},
                    {'a': 2, 'x_max': 1.0, 'h': [3, 4], 'm': {'b': 5}, 'failing': [9]}])
    assert total == {'a': 3, 'x_max': 2.0, 'h': [4, 6], 'm': {'b': 6}, 'failing': [7, 9]}


def test_bound_on_the_share_of_collisions():
    assert upper_bound(0, 10 ** 7) == pytest.approx(3e-7, rel=0.01)
    assert upper_bound(0, 0) is None
    assert 0.1 < upper_bound(10, 100) < 0.17


def test_median_of_a_histogram():
    counts = [0] * (len(GAP_EDGES) - 1)
    assert median(counts, GAP_EDGES) is None
    counts[10], counts[20] = 1, 2
    assert GAP_EDGES[20] < median(counts, GAP_EDGES) < GAP_EDGES[21]


def test_report_holds_what_people_ask_for_and_pictures_are_drawn(tmp_path):
    chunks = [run_chunk(PLAN, k) for k in range(2)]
    report = json.loads(json.dumps(summary(chunks)))
    assert report['scenarios'] == 16
    assert report['monitors']['strict']['collisions'] == 0
    assert 0.0 <= report['monitors']['strict']['speed_let_through'] <= 1.0
    peers = report['peers']
    assert set(peers) == {'none', *PEERS}
    assert peers['none']['false_stops']['stopped'] == 0
    assert peers['none']['gap_beyond_margin']['still_world'] is None
    for held in (report, *peers.values()):
        stops = held['false_stops']
        assert stops['stopped'] <= stops['unthreatened'] <= 16
        assert stops['share_with_a_stop_verdict'] >= stops['share']
    older = summary([{k: v for k, v in c.items() if k != 'peer_stops'} for c in chunks])
    assert json.loads(json.dumps(older)) == {**report, 'peers': {}}
    draw_histograms(tmp_path / 'campaign.png', chunks)
    draw_trace(tmp_path / 'one.png', traced(scenario(PLAN, 1), none), 'one')
    assert (tmp_path / 'campaign.png').stat().st_size > 10_000
    assert (tmp_path / 'one.png').stat().st_size > 10_000
