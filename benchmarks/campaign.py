"""
What compiled loops save in a campaign, beside the safety core with numpy alone.

    python benchmarks/campaign.py [--chunks 6] [--size 1024]

Both judge the same views of the same scenarios in turn; processor time.
"""

import argparse
import time

import numpy as np

from synth_nodes.campaign.batch import Answer, draw_batch, View
from synth_nodes.campaign.judges import strict, strict_numpy
from synth_nodes.campaign.simulate import Drivers


class Both:
    """Asks both and adds up what each takes."""

    def __init__(self) -> None:
        """Begin at zero."""
        self.seconds = {strict_numpy: 0.0, strict: 0.0}

    def __call__(self, view: View) -> Answer:
        """Judge twice; the answers must be the same."""
        answers = []
        for judge in self.seconds:
            began = time.thread_time()
            answers.append(judge(view))
            self.seconds[judge] += time.thread_time() - began
        assert np.array_equal(answers[0].command, answers[1].command)
        return answers[0]


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description='Compiled loops beside numpy alone.')
    arguments.add_argument('--chunks', type=int, default=6, help='setups')
    arguments.add_argument('--size', type=int, default=1024, help='scenarios of each')
    args = arguments.parse_args()
    Drivers(draw_batch(1, 0, 16), Both()).run()
    both = Both()
    for chunk in range(args.chunks):
        Drivers(draw_batch(1, chunk, args.size), both).run()
    plain, swift = (s / args.chunks / args.size * 1e3 for s in both.seconds.values())
    print(f'judging a scenario: numpy {plain:.2f} ms, compiled {swift:.2f} ms, '
          f'{plain / swift:.1f} x')


if __name__ == '__main__':
    main()
