"""The shell that every service shares: settings, server, identity, registration, drain."""

from heronry.runtime.clock import Clock, SystemClock
from heronry.runtime.interceptors import CallContext, client_id_of
from heronry.runtime.node import ServiceNode
from heronry.runtime.owner import Owner
from heronry.runtime.process import run_service
from heronry.runtime.server import ServerBuilder
from heronry.runtime.service import Service
from heronry.runtime.settings import ServiceSettings, TlsSettings, load_settings
from heronry.runtime.streams import WatchedWriter, guarded

__all__ = [
    "CallContext",
    "Clock",
    "Owner",
    "ServerBuilder",
    "Service",
    "ServiceNode",
    "ServiceSettings",
    "SystemClock",
    "TlsSettings",
    "client_id_of",
    "guarded",
    "load_settings",
    "run_service",
    "WatchedWriter",
]
