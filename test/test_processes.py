import os
from pathlib import Path
import signal
import subprocess
import sys
import threading
import time

from synth_nodes.processes import Child, Outcome, Patience, run_group

QUICK = Patience(terminate=0.5, kill=5.0)
SLEEP = 'import time; time.sleep(60)'
DEAF = ('import signal, time; signal.signal(signal.SIGINT, signal.SIG_IGN); '
        'signal.signal(signal.SIGTERM, signal.SIG_IGN); print("deaf", flush=True); time.sleep(60)')


def child(name: str, code: str, ends_group: bool = False) -> Child:
    return Child(name, (sys.executable, '-c', code), ends_group)


def run(*children: Child) -> tuple[Outcome, list[str]]:
    lines: list[str] = []
    outcome = run_group(
        children, os.environ, lambda name, line: lines.append(f'[{name}] {line}'), QUICK)
    return outcome, lines


def alive(pid: int) -> bool:
    try:
        state = Path(f'/proc/{pid}/stat').read_text().rsplit(')', 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != 'Z'


def test_output_carries_the_name_of_its_child() -> None:
    _, lines = run(child('speaker', 'print("hello"); import sys; print("oh", file=sys.stderr)'))
    assert sorted(lines) == ['[speaker] hello', '[speaker] oh']


def test_a_child_that_dies_takes_the_others_down_and_is_named(tmp_path: Path) -> None:
    pid = tmp_path / 'pid'
    sleeper = f'import os; open({str(pid)!r}, "w").write(str(os.getpid())); {SLEEP}'
    wait = (f'import os, sys, time\nwhile not os.path.exists({str(pid)!r}): time.sleep(0.01)\n'
            'sys.exit(7)')
    outcome, _ = run(child('sleeper', sleeper), child('broken', wait))
    assert outcome == Outcome(1, 'broken', 'broken ended with exit code 7')
    assert not alive(int(pid.read_text()))


def test_a_child_that_refuses_its_input_gives_exit_code_2() -> None:
    outcome, _ = run(child('sleeper', SLEEP), child('picky', 'import sys; sys.exit(2)'))
    assert (outcome.code, outcome.name) == (2, 'picky')


def test_a_child_that_crashes_is_named_with_its_signal() -> None:
    outcome, _ = run(child('crash', 'import os; os.kill(os.getpid(), 11)'))
    assert outcome == Outcome(1, 'crash', 'crash was killed by SIGSEGV')


def test_an_unexpected_end_is_a_failure_even_with_code_0() -> None:
    outcome, _ = run(child('sleeper', SLEEP), child('short', 'pass'))
    assert (outcome.code, outcome.name) == (1, 'short')


def test_the_child_that_ends_the_group_ends_it_well() -> None:
    outcome, _ = run(child('sleeper', SLEEP), child('mission', 'pass', ends_group=True))
    assert outcome == Outcome(0, 'mission', 'mission has finished')


def test_a_child_that_ignores_signals_is_killed_and_named() -> None:
    wait = 'import time; time.sleep(0.5)'
    outcome, lines = run(child('deaf', DEAF), child('mission', wait, ends_group=True))
    assert outcome.code == 0
    assert '[launch] deaf did not stop when asked and was killed' in lines


def test_grandchildren_do_not_survive(tmp_path: Path) -> None:
    file = tmp_path / 'pid'
    code = ('import subprocess, sys\n'
            f'p = subprocess.Popen([sys.executable, "-c", {DEAF!r}])\n'
            f'open({str(file)!r}, "w").write(str(p.pid))')
    run(child('parent', code, ends_group=True))
    pid = int(file.read_text())
    end = time.monotonic() + 5
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not alive(pid)


def start_group(tmp_path: Path) -> tuple['subprocess.Popen[str]', int]:
    """Run a group in a process of its own; returns it and the id of its child."""
    code = ('import os, sys\n'
            'from synth_nodes.processes import Child, print_line, run_group\n'
            f'code = "import os; print(os.getpid(), flush=True); {SLEEP}"\n'
            'outcome = run_group([Child("sleeper", (sys.executable, "-c", code))], os.environ, '
            'print_line)\nprint(outcome.reason)\nsys.exit(outcome.code)')
    process = subprocess.Popen([sys.executable, '-c', code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, int(process.stdout.readline().split()[1])


def test_interrupt_and_terminate_leave_no_process(tmp_path: Path) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        process, pid = start_group(tmp_path)
        process.send_signal(number)
        out, _ = process.communicate(timeout=20)
        assert process.returncode == 0
        assert f'stopped by {number.name}' in out
        assert not alive(pid)


def test_children_end_when_their_launcher_is_killed(tmp_path: Path) -> None:
    process, pid = start_group(tmp_path)
    process.kill()
    process.communicate(timeout=20)
    end = time.monotonic() + 10
    while alive(pid) and time.monotonic() < end:
        time.sleep(0.02)
    assert not alive(pid)


def test_a_group_can_run_in_a_thread() -> None:
    outcomes: list[Outcome] = []
    thread = threading.Thread(target=lambda: outcomes.append(
        run(child('mission', 'pass', ends_group=True))[0]))
    thread.start()
    thread.join(timeout=20)
    assert outcomes[0].code == 0
