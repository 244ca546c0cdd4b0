"""
Fuzzes every reader: ``python tests/fuzz [--seconds 60] [--seed 0] [--target csv]``.

What breaks is written to ``fuzz-crashes`` and read again by ``python tests/fuzz --again FILE``.
"""

import argparse
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from fuzz.running import Job, limited, tried, work  # noqa: E402 - found by the line above
from fuzz.targets import TARGETS  # noqa: E402 - the same

GRACE_SECONDS = 120
"""How long a process may take beyond its time: starting, and a last slow input."""


def main(words: list[str]) -> int:
    """Runs what was asked for; gives 1 where something broke."""
    parser = argparse.ArgumentParser(prog="fuzz", description=(__doc__ or "").strip())
    parser.add_argument("--seconds", type=float, default=60, help="in all, shared by the targets")
    parser.add_argument("--inputs", type=int, help="so many for each target, in place of seconds")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--target", choices=sorted(TARGETS), action="append")
    parser.add_argument("--crashes", type=Path, default=Path("fuzz-crashes"))
    parser.add_argument("--again", type=Path, metavar="FILE", help="reads one input again")
    parser.add_argument("--job", help=argparse.SUPPRESS)
    given = parser.parse_args(words)
    if given.job:
        return min(work(Job.of(given.job)), 1)
    if given.again:
        return again(given.again, given.target)
    targets = given.target or list(TARGETS)
    share = given.seconds / len(targets)
    jobs = [Job(one, given.seed, share, given.inputs, given.crashes) for one in targets]
    return max(alone(job) for job in jobs)


def alone(job: Job) -> int:
    """Does a job in a process of its own, and tells of one that died."""
    command = [sys.executable, str(TESTS / "fuzz"), "--job", job.written()]
    try:
        code = subprocess.run(command, check=False, timeout=job.seconds + GRACE_SECONDS).returncode
    except subprocess.TimeoutExpired:
        code = -1
    if code < 0:
        left = job.crashes / f"{job.target}-{job.seed}-current.bin"
        print(f"{job.target}: the process died ({code}) of {left}", flush=True)  # noqa: T201 - a script
    for file in sorted(job.crashes.glob(f"{job.target}-{job.seed}-*.bin")) if code else ():
        print(f"  python tests/fuzz --again {file}", flush=True)  # noqa: T201 - a script
    return min(abs(code), 1)


def again(file: Path, targets: list[str] | None) -> int:
    """Reads one input that broke something; its name says who read it."""
    known = sorted(TARGETS, key=len, reverse=True)
    named = [one for one in known if file.name.startswith(f"{one}-")][:1]
    limited()
    said = [tried(one, file.read_bytes()) for one in targets or named]
    print("\n".join(filter(None, said)) or "nothing breaks")  # noqa: T201 - a script
    return int(any(said))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
