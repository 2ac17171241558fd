#!/usr/bin/env python3
"""Run the node that this file is named after (installed once per node in lib/synth_nodes)."""

from pathlib import Path
import runpy

runpy.run_module(f'synth_nodes.nodes.{Path(__file__).name}', run_name='__main__')
