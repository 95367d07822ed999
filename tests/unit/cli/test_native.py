"""`heronry native build`: what it says of what it cannot build, and of what is there."""

import json

import pytest

from heronry.cli.main import main
from heronry.native_agent import loading
from heronry.native_agent.compiling import build_key, installed_torch, module_file


def test_an_unknown_target_is_named(capsys) -> None:
    assert main(["native", "build", "agnt"]) == 2

    assert capsys.readouterr().err == "error: TARGET: got 'agnt', allowed: agent\n"


def test_a_missing_compiler_is_named(capsys, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("HERONRY_CACHE_DIR", str(tmp_path))
    monkeypatch.setenv("CXX", "/nowhere/c++")

    assert main(["native", "build", "agent"]) == 2

    assert "error: the agent was not built: CXX names '/nowhere/c++'" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--json"]])
def test_a_build_that_cannot_be_loaded_is_no_success(arguments, capsys, tmp_path, monkeypatch) -> None:
    torch = installed_torch()
    assert torch is not None
    home = tmp_path / "agent" / build_key(torch)
    home.mkdir(parents=True)
    (home / "build.json").write_text(json.dumps({"torch": "1.2.3", "sources": "0"}))
    (home / module_file()).touch()
    monkeypatch.setenv("HERONRY_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(loading, "load_module", loading.load_module.__wrapped__)  # not what was loaded before

    assert main(["native", "build", "agent", *arguments]) == 2

    assert "was built against torch 1.2.3, installed is" in capsys.readouterr().err
