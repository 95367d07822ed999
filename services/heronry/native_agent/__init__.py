"""The agent in C++ on libtorch: built on the user's machine against the torch that is installed there."""

from heronry.native_agent.agent import RLAgent
from heronry.native_agent.building import build_agent
from heronry.native_agent.forward import AgentForward, make_agent_forward
from heronry.native_agent.loading import find_module, load_module

__all__ = ["AgentForward", "RLAgent", "build_agent", "find_module", "load_module", "make_agent_forward"]
