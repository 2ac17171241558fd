"""Images between processes, as a user starts them."""

import json
import os
import subprocess
import sys

import pytest

from synth_nodes import resources

pytestmark = pytest.mark.graph


def test_no_image_is_lost_in_either_mode_with_the_packaged_profile():
    script = resources.checkout() / 'benchmarks' / 'delivery.py'
    found = subprocess.run(
        [sys.executable, str(script), '--frames', '60', '--profile', 'ours', '--json'],
        env={**os.environ, 'PYTHONPATH': str(resources.checkout())}, capture_output=True,
        text=True, timeout=120)
    rows = json.loads(found.stdout)
    assert {r['mode'] for r in rows} == {'reliable', 'best-effort'}
    assert all(r['received'] == r['sent'] == 60 for r in rows), rows
    assert found.returncode == 0
