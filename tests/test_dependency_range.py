"""The lowest and the newest pydantic and SQLAlchemy that pyproject.toml allows really work."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from builders import problem
from packaging.requirements import Requirement
from packaging.version import Version
from sources import PROJECT

TESTED = ("pydantic", "sqlalchemy")

SCENARIO = """
import sys
sys.path[:0] = sys.argv[1:3]  # the versions under test, the builders

import json, pickle
from datetime import timedelta

import pydantic, sqlalchemy

import builders
from slotengine import Engine, Problem
from slotengine.domain import by_id

problem = builders.problem()
assert Problem.model_validate_json(problem.model_dump_json()) == problem
assert pickle.loads(pickle.dumps(problem)) == problem

now = builders.NOW
with Engine.open("sqlite:///" + sys.argv[3]) as engine:
    engine.set_policy(problem.policy, now=now)
    engine.publish(
        "giennois", practitioners=problem.practitioners, sites=problem.sites,
        slots=problem.slots, now=now,
    )
    receipt = engine.refer(problem.referrals[0], now=now)
    offer = engine.offers(receipt.referral, now=now)[0]
    held = engine.hold(offer.token, now=now)
    confirmed = engine.confirm(held.id, now=now + timedelta(minutes=1))
    report = engine.plan("giennois", timedelta(days=1), now=now + timedelta(minutes=2))

print(json.dumps({
    "versions": [pydantic.VERSION, sqlalchemy.__version__],
    "from": [pydantic.__file__, sqlalchemy.__file__],
    "statuses": [held.status, confirmed.status],
    "proved": report.plan.proved,
    "digests": [problem.digest, problem.policy.digest],
}))
"""


def _requirements() -> list[Requirement]:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    asked = {line.name: line for line in map(Requirement, project["dependencies"])}
    return [asked[name] for name in TESTED]


def _lowest(requirement: Requirement) -> str:
    (bound,) = (spec.version for spec in requirement.specifier if spec.operator == ">=")
    return f"{requirement.name}=={bound}"


@pytest.mark.parametrize("bound", ["lowest", "newest"])
def test_a_booking_and_a_plan_work_with_the(bound: str, tmp_path: Path) -> None:
    """One booking and one plan, warnings being errors; digests are the same in every version."""
    requirements = _requirements()
    asked = [_lowest(each) if bound == "lowest" else str(each) for each in requirements]
    target = tmp_path / "target"
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
         "--only-binary=:all:", "--target", str(target), *asked],
        check=True, capture_output=True,
    )  # fmt: skip

    done = subprocess.run(
        [sys.executable, "-I", "-W", "error", "-c", SCENARIO,
         str(target), str(PROJECT / "tests"), str(tmp_path / "store.sqlite")],
        cwd=tmp_path, check=False, capture_output=True, text=True,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert all(Path(file).is_relative_to(target) for file in seen["from"])
    for version, requirement in zip(seen["versions"], requirements, strict=True):
        assert Version(version) in requirement.specifier
        if bound == "lowest":
            assert f"{requirement.name}=={version}".startswith(_lowest(requirement))
    assert seen["statuses"] == ["held", "confirmed"]
    assert seen["proved"] is True
    here = problem()
    assert seen["digests"] == [here.digest, here.policy.digest]
