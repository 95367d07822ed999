"""Launchers: create the processes of a mesh, or hold its services in this one."""

from heronry.launch.errors import LaunchError
from heronry.launch.layout import Layout
from heronry.launch.local import LocalMesh, LocalMeshSettings, ServiceAddress
from heronry.launch.processes import ProcessSpec
from heronry.launch.restart_policy import RestartPolicy
from heronry.launch.supervisor import Supervisor

__all__ = [
    "LaunchError",
    "Layout",
    "LocalMesh",
    "LocalMeshSettings",
    "ProcessSpec",
    "RestartPolicy",
    "ServiceAddress",
    "Supervisor",
]
