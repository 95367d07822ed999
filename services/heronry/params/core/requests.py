"""The memory of what was counted."""

from collections import OrderedDict
from dataclasses import replace
from typing import Final

from heronry.types.contribution import Acknowledgement
from heronry.types.errors import InvalidArgumentError

RequestKey = tuple[str, str]
_MOST_CHARACTERS: Final = 256


class RequestMemory:
    """Remembers the last requests of every client, so that none counts twice. Lookups are O(1).

    The bound is one of each client: a busy one does not make the others' requests forgotten.
    """

    def __init__(self, num_clients: int = 4096, num_requests: int = 32) -> None:
        self._num_clients = num_clients
        self._num_requests = num_requests
        self._clients: OrderedDict[str, OrderedDict[str, Acknowledgement]] = OrderedDict()

    def find(self, client_id: str, request_id: str) -> Acknowledgement | None:
        """Return the answer given before, marked as not counted again; None for a new request.

        Raises:
          InvalidArgumentError: the request id is empty, or too long to be remembered.
        """
        if not 0 < len(request_id) <= _MOST_CHARACTERS:
            shown = request_id if len(request_id) < _MOST_CHARACTERS else f"{len(request_id)} characters"
            allowed = f"an id of the sender's choice, 1 to {_MOST_CHARACTERS} characters"
            raise InvalidArgumentError.of("request_id", shown, allowed)
        answers = self._clients.get(client_id)
        answer = None if answers is None else answers.get(request_id)
        return None if answer is None else replace(answer, counted=False)

    def remember(self, client_id: str, request_id: str, answer: Acknowledgement) -> None:
        """Keep an answer; the client's oldest is forgotten, and the client that has been silent longest."""
        answers = self._clients.setdefault(client_id, OrderedDict())
        self._clients.move_to_end(client_id)
        answers[request_id] = answer
        while len(answers) > self._num_requests:
            answers.popitem(last=False)
        while len(self._clients) > self._num_clients:
            self._clients.popitem(last=False)

    def forget(self, round_id: int) -> None:
        """Forget what was counted in a round that is dropped: a repeat is counted anew."""
        for answers in self._clients.values():
            for request_id in [request for request, answer in answers.items() if answer.round_id == round_id]:
                del answers[request_id]

    def restamp(self, epoch: int) -> None:
        """Move the versions in all answers to another epoch."""
        for answers in self._clients.values():
            for request_id, answer in answers.items():
                answers[request_id] = replace(answer, version=replace(answer.version, epoch=epoch))

    def entries(self) -> list[tuple[RequestKey, Acknowledgement]]:
        """Return everything remembered: the client silent longest first, each with its oldest first."""
        clients = self._clients.items()
        return [((client_id, request), answer) for client_id, answers in clients for request, answer in answers.items()]
