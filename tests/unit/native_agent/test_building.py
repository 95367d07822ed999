"""Where builds lie, what they are named by, and what is said when one cannot be made or loaded."""

import json
import re
import sys
from pathlib import Path

import pytest

from heronry.maths.networks import Layers, NetworkSpec
from heronry.maths.spaces import ObservationSpace
from heronry.native_agent import build_agent, compiling, find_module, make_agent_forward, making
from heronry.native_agent.compiling import Torch, build_key, cache_folder, installed_torch, module_file, sources_hash
from heronry.native_agent.loading import load_file, load_module
from heronry.types.errors import ConfigurationError, FailedPreconditionError

NETWORK = NetworkSpec(ObservationSpace((4,)), Layers((8,)), (("policy", 2),))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("HERONRY_CACHE_DIR", str(tmp_path / "cache"))
    # Not what was loaded before, from another cache.
    monkeypatch.setattr(making, "load_module", load_module.__wrapped__)
    return tmp_path / "cache" / "agent"


def put_build(folder: Path, torch: Torch, sources: str = "") -> Path:
    home = folder / build_key(torch)
    home.mkdir(parents=True)
    (home / "build.json").write_text(json.dumps({"torch": torch.version, "sources": sources or sources_hash()}))
    (home / module_file()).write_bytes(b"no library")
    return home / module_file()


def test_the_installed_torch_is_found_without_importing_it() -> None:
    import torch

    found = installed_torch()

    assert found == Torch(torch.__version__, Path(torch.__file__).parent)
    assert str(found.folder / "share" / "cmake") == torch.utils.cmake_prefix_path


def test_a_build_is_named_by_torch_python_and_sources() -> None:
    key = build_key(Torch("2.13.0+cpu", Path("/there")))

    assert key.startswith(f"torch-2.13.0+cpu-{sys.implementation.cache_tag}-")
    assert key.endswith(sources_hash())
    assert key != build_key(Torch("2.14.0", Path("/there")))


def test_a_changed_source_is_another_build(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(compiling, "sources_folder", lambda: tmp_path)
    (tmp_path / "agent.h").write_text("one")
    before = sources_hash()

    (tmp_path / "agent.h").write_text("two")

    assert sources_hash() != before


def test_builds_lie_in_the_folder_for_caches_unless_another_is_named(monkeypatch) -> None:
    monkeypatch.delenv("HERONRY_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert cache_folder() == Path("/caches/heronry/agent")

    monkeypatch.setenv("HERONRY_CACHE_DIR", "/mine")
    assert cache_folder() == Path("/mine/agent")


def test_a_fleet_is_told_how_to_build_what_is_not_built(cache) -> None:
    with pytest.raises(FailedPreconditionError, match=r"not built for torch .*; run `heronry native build agent`"):
        make_agent_forward(NETWORK, "policy", {})


def test_the_agent_computes_on_the_cpu_alone() -> None:
    with pytest.raises(ConfigurationError, match=r"fleet\.device: got 'cuda', allowed: cpu or auto"):
        make_agent_forward(NETWORK, "policy", {}, "cuda")


def test_a_build_for_another_torch_is_named(cache) -> None:
    put_build(cache, Torch("1.2.3", Path("/there")))

    with pytest.raises(
        FailedPreconditionError, match=r"built for torch 1\.2\.3, not for .*; run `heronry native build"
    ):
        find_module()


def test_a_module_of_another_torch_is_refused_before_it_is_loaded(cache) -> None:
    module = put_build(cache, Torch("1.2.3", Path("/there")))

    with pytest.raises(FailedPreconditionError, match=r"was built against torch 1\.2\.3, installed is 4\.5\.6; run"):
        load_file(module, Torch("4.5.6", Path("/there")))


def test_a_module_of_other_sources_is_refused_before_it_is_loaded(cache) -> None:
    torch = Torch("4.5.6", Path("/there"))

    with pytest.raises(FailedPreconditionError, match="was built from other sources"):
        load_file(put_build(cache, torch, sources="0123456789ab"), torch)


def test_a_broken_module_is_named_with_what_helps(cache) -> None:
    torch = installed_torch()
    assert torch is not None
    module = put_build(cache, torch)

    with pytest.raises(FailedPreconditionError, match=r"cannot be loaded .*; run `heronry native build agent` --force"):
        load_file(module, torch)


def test_a_build_that_is_there_is_not_built_again(cache) -> None:
    torch = installed_torch()
    assert torch is not None
    module = put_build(cache, torch)

    built = build_agent()

    assert (built.module, built.torch, built.seconds) == (module, torch.version, 0.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"CXX": "/nowhere/c++"}, "CXX names '/nowhere/c++', which is not there"),
        ({"PATH": "/nowhere"}, "no cmake found"),
    ],
    ids=["compiler", "cmake"],
)
def test_a_missing_program_is_named(settings, message, cache, monkeypatch) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    if "PATH" in settings:
        monkeypatch.setattr(sys, "executable", "/nowhere/python")

    with pytest.raises(FailedPreconditionError, match=re.escape(message)):
        build_agent()


def test_a_folder_that_cannot_be_used_is_named(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("HERONRY_CACHE_DIR", str(tmp_path / "file"))

    with pytest.raises(FailedPreconditionError, match="HERONRY_CACHE_DIR names another folder"):
        build_agent()


def test_without_torch_the_agent_says_what_it_needs(cache, monkeypatch) -> None:
    monkeypatch.setattr(compiling.importlib.util, "find_spec", lambda name: None)

    with pytest.raises(FailedPreconditionError, match="needs torch, which is not installed"):
        build_agent()
