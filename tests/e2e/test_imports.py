"""What each part may load: torch belongs to the learner, the SDK stays small."""

import json
import subprocess
import sys

import pytest

HEAVY = ("torch", "tensorflow", "matplotlib", "cupy")


def loaded_modules(code: str) -> set[str]:
    script = f"import sys, json; {code}; print(json.dumps(sorted(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=30)
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize("role", ["params", "replay", "fleet", "coordinator"])
def test_a_service_other_than_the_learner_never_loads_torch(role: str) -> None:
    modules = loaded_modules(f"import heronry.{role}, heronry.{role}.servicer, heronry.{role}.__main__")

    assert f"heronry.{role}" in modules
    assert modules.isdisjoint(HEAVY)


def test_the_learner_binds_before_it_loads_torch() -> None:
    assert loaded_modules("import heronry.learner, heronry.learner.__main__").isdisjoint(HEAVY)


def test_the_command_line_starts_without_torch_or_gymnasium() -> None:
    assert loaded_modules("import heronry.cli.main").isdisjoint({*HEAVY, "gymnasium"})


def test_the_sdk_loads_nothing_of_the_services() -> None:
    modules = loaded_modules("import heronry.client")

    assert modules.isdisjoint({*HEAVY, "pydantic", "typer", "rich", "structlog", "gymnasium", "yaml"})
    assert not [m for m in modules if m.startswith(("heronry.runtime", "heronry.spec", "heronry.params"))]
