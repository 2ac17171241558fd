import json

import pytest

from synth_nodes import __version__
from synth_nodes.cli import main


def test_campaign_reports_and_goes_on_where_it_was(tmp_path, capsys):
    words = ['campaign', '--scenarios', '12', '--chunk', '6', '--seed', '3',
             '--out', str(tmp_path), '--json']
    assert main(words) == 0
    first = json.loads(capsys.readouterr().out)
    assert first['scenarios'] == 12 and first['monitors']['strict']['collisions'] == 0
    assert first['monitors']['none']['collisions'] > 0
    assert [first[key] for key in ('seed', 'first', 'chunk', 'version')] == [3, 0, 6, __version__]
    written = (tmp_path / 'chunks.jsonl').read_text()
    assert main(words) == 0
    assert json.loads(capsys.readouterr().out) == first
    assert (tmp_path / 'chunks.jsonl').read_text() == written
    assert json.loads((tmp_path / 'report.json').read_text()) == first
    assert main([w for w in words if w not in ('--chunk', '6')]) == 0   # the chunk is remembered
    assert json.loads(capsys.readouterr().out) == first
    assert (tmp_path / 'campaign.png').exists()


def test_parts_of_a_campaign_make_the_whole(tmp_path, capsys):
    def hits(*words):
        assert main(['campaign', '--chunk', '8', '--json', *words]) == 0
        result = json.loads(capsys.readouterr().out)
        return result['scenarios'], result['monitors']['none']['collisions']
    whole, parts = hits('--scenarios', '24'), [
        hits('--scenarios', '8'), hits('--scenarios', '16', '--first', '8')]
    assert whole == tuple(map(sum, zip(*parts, strict=True))) and parts[1][0] == 16


def test_parts_in_folders_are_joined_and_those_of_others_refused(tmp_path, capsys):
    def run(*words):
        code = main(['campaign', '--json', *words])
        return code, capsys.readouterr()

    def part(name, *words):
        assert run('--chunk', '8', '--out', str(tmp_path / name), *words)[0] == 0
        return str(tmp_path / name)
    first = part('first', '--scenarios', '8')
    second = part('second', '--scenarios', '16', '--first', '8', '--compare-every', '8')
    assert (tmp_path / 'second' / 'campaign.png').exists()      # though none was compared
    both = part('both', '--scenarios', '24')
    code, said = run('--join', second, first, second, '--out', str(tmp_path / 'joined'))
    joined, whole = json.loads(said.out), json.loads((tmp_path / 'both/report.json').read_text())
    assert code == 0 and joined['scenarios'] == 24 and joined['setups'] == 3
    assert joined['monitors']['strict'] == whole['monitors']['strict']
    assert joined['monitors']['none']['scenarios'] == 8
    assert json.loads((tmp_path / 'joined/report.json').read_text()) == joined
    assert json.loads(run('--join', second, both)[1].out)['monitors'] == whole['monitors']
    other = part('other', '--scenarios', '8', '--seed', '2')
    code, said = run('--join', first, other)
    assert code == 2 and 'other: belongs to another campaign' in said.err
    (tmp_path / 'empty').mkdir()
    for name, lack in (('nothing', 'there is no such folder'),
                       ('empty', 'plan.json is not there')):
        code, said = run('--join', first, str(tmp_path / name))
        assert code == 2 and f'{name}: holds no part of a campaign: {lack}; name' in said.err


@pytest.mark.parametrize('words', [
    ['--seed', '1'], ['--first', '0'], ['--scenarios', '5'], ['--broken'], ['--chunk', '8'],
    ['--compare-every', '2'], ['--faults'], ['--rules', 'x.yaml'], ['--only', '3']])
def test_joining_takes_no_option_that_says_what_to_drive(tmp_path, capsys, words):
    assert main(['campaign', '--join', str(tmp_path), *words]) == 2
    said = capsys.readouterr().err
    assert f'--join drives nothing, so it takes no {words[0]}:' in said and said.count('\n') == 1


def test_small_campaign_has_small_chunks(capsys):
    assert main(['campaign', '--scenarios', '20', '--json']) == 0
    result = json.loads(capsys.readouterr().out)
    assert result['chunk'] == 16 and result['setups'] == 2 and result['scenarios'] == 32


def test_what_a_rules_file_says_beside_the_core_is_said_to_be_left_out(tmp_path, capsys):
    rules = tmp_path / 'rules.yaml'
    rules.write_text('/**/safety_monitor_node:\n  ros__parameters:\n    zones:\n'
                     '      near: {shape: circle, action: stop, radius: 0.5}\n'
                     '    sources:\n      scan: {timeout: 0.2}\n')
    words = ['campaign', '--scenarios', '1', '--chunk', '1', '--rules', str(rules)]
    assert main(words) == 0
    note = (f'{rules}: scenarios are driven against the core alone, without its zones near and '
            'sources scan')
    assert f'note: {note}\n' in capsys.readouterr().out
    assert main([*words, '--json']) == 0
    assert json.loads(capsys.readouterr().out)['notes'] == [note]


def test_campaign_of_a_rules_file_and_a_table(tmp_path, capsys):
    rules = tmp_path / 'rules.yaml'
    rules.write_text('/**/safety_monitor_node:\n  ros__parameters:\n    safety:\n'
                     '      braking:\n        margin: 0.15\n')
    assert main(['campaign', '--scenarios', '8', '--chunk', '8', '--rules', str(rules)]) == 0
    out = capsys.readouterr().out
    assert 'nav2_approach_1.2' in out and 'held without need' in out
    assert 'a stop verdict without need' in out and out.count('\nnav2_stop_0.3') == 2


def test_one_scenario_alone_leaves_a_trace_and_a_picture(tmp_path, capsys):
    assert main(['campaign', '--chunk', '32', '--only', '5', '--out', str(tmp_path)]) == 0
    assert 'status' in capsys.readouterr().out
    story = json.loads((tmp_path / 'scenario_5.json').read_text())
    assert story['index'] == 5 and story['rules'] and story['robot']
    assert (tmp_path / 'scenario_5.png').exists()


def test_broken_model_is_reported_without_blame(capsys):
    code = main(['campaign', '--scenarios', '12', '--chunk', '6', '--broken', '--json'])
    assert code == 0
    monitors = json.loads(capsys.readouterr().out)['monitors']
    assert monitors['none']['collisions'] > 0


def test_faults_are_counted_by_kind(tmp_path, capsys):
    words = ['campaign', '--faults', 'scan_nan', 'command_late', '--seeds', '2',
             '--out', str(tmp_path)]
    assert main(words) == 0
    assert '4 of 4 met' in capsys.readouterr().out
    assert json.loads((tmp_path / 'faults.json').read_text())['good'] == 4


def test_bad_campaign_input_is_refused(tmp_path, capsys):
    for words in (['--scenarios', '0'], ['--only', '-1'], ['--faults', 'nonsense'],
                  ['--rules', str(tmp_path / 'none.yaml')]):
        assert main(['campaign', *words]) == 2
        assert capsys.readouterr().err.count('\n') == 1
