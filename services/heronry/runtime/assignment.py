"""What a service is told to do, and what it reports; defined in `heronry.types.run`."""

from dataclasses import replace

from heronry.types.run import Assignment, Endpoint, Progress, RunState, ServiceRole

__all__ = ["Assignment", "Endpoint", "Progress", "RunState", "ServiceRole", "is_newer"]


def is_newer(assignment: Assignment, former: Assignment | None, *, same_coordinator: bool) -> bool:
    """Tell whether an assignment is to be carried out after `former`.

    Generations compare within one start of the coordinator and one run; elsewhere what counts is
    whether anything but the generation differs.
    """
    if former is None:
        return True
    if same_coordinator and assignment.run_id == former.run_id:
        return assignment.generation > former.generation
    return replace(assignment, generation=0) != replace(former, generation=0)
