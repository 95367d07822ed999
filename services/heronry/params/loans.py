"""Memory lent to workers on this machine, who write their contributions into it."""

import os
import secrets
from dataclasses import dataclass
from typing import Final

from heronry.params.core.layout import Bytes
from heronry.runtime.descriptor_socket import DescriptorSocket
from heronry.runtime.sealed_memory import IS_OFFERED, SealedMemory
from heronry.types.errors import (
    InvalidArgumentError,
    MessageTooLargeError,
    NotFoundError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnimplementedError,
)

_ID_BYTES: Final = 16
_LIFETIME_S: Final = 10.0
_RETRY_AFTER_S: Final = 1.0


@dataclass(frozen=True)
class Loan:
    """Memory that one client may write to, and where it fetches it."""

    loan_id: bytes
    client_id: str
    memory: SealedMemory
    socket_path: str
    token: bytes

    @property
    def num_bytes(self) -> int:
        """Its length."""
        return self.memory.num_bytes


@dataclass(frozen=True)
class LoanLimits:
    """Bounds of all loans together; `max_loans` 0: nothing is lent."""

    max_loans: int
    max_bytes: int
    max_bytes_each: int


class Loans:
    """Lends memory until it is taken back; for one event loop.

    The borrower may write at any time: whoever uses what lies there copies it first.
    """

    def __init__(self, socket: DescriptorSocket, limits: LoanLimits) -> None:
        self._socket = socket
        self._limits = limits
        self._loans: dict[bytes, Loan] = {}
        self._num_bytes = 0

    @property
    def num_loans(self) -> int:
        """Loans that are out."""
        return len(self._loans)

    @property
    def num_bytes(self) -> int:
        """Bytes that are lent."""
        return self._num_bytes

    def lend(self, client_id: str, num_bytes: int) -> Loan:
        """Lend a client memory.

        Raises:
          UnimplementedError: there is no such memory here.
          InvalidArgumentError, MessageTooLargeError: no bytes, or more than a contribution may have.
          ResourceExhaustedError: too much is lent.
        """
        self._check(num_bytes)
        try:
            loan = self._made(client_id, num_bytes)
        except OSError as error:
            raise UnimplementedError(f"memory cannot be lent here ({error}); allowed: chunks") from error
        self._loans[loan.loan_id] = loan
        self._num_bytes += num_bytes
        return loan

    def take_back(self, loan: Loan) -> None:
        """End a loan; the borrower's mapping stays its own affair."""
        if self._loans.pop(loan.loan_id, None) is not None:
            self._num_bytes -= loan.num_bytes
            self._socket.withdraw(loan.token)
            loan.memory.close()

    def lent(self, loan_id: bytes, client_id: str, num_bytes: int) -> Bytes:
        """Return the first bytes of a client's loan; the client can change them.

        Raises:
          NotFoundError: it is no loan, or has ended.
          PermissionDeniedError: it is another client's.
          MessageTooLargeError: it is shorter.
        """
        loan = self._loans.get(loan_id)
        if loan is None:
            raise NotFoundError.of("loan", loan_id.hex(), "those whose LendMemory stream is open")
        if loan.client_id != client_id:
            details = {"field": "shared.loan_id", "value": loan_id.hex(), "allowed": "a loan of the caller"}
            message = f"shared.loan_id: got the loan of another client, allowed: one of {client_id!r}"
            raise PermissionDeniedError(message, details=details)
        if num_bytes > loan.num_bytes:
            raise MessageTooLargeError.of("num_bytes", num_bytes, f"at most {loan.num_bytes} (the loan)")
        return loan.memory.bytes()[:num_bytes]

    def _check(self, num_bytes: int) -> None:
        limits = self._limits
        if not IS_OFFERED or not limits.max_loans:
            raise UnimplementedError("memory is not lent here; allowed: chunks")
        if num_bytes < 1:
            raise InvalidArgumentError.of("num_bytes", num_bytes, "at least 1")
        if num_bytes > limits.max_bytes_each:
            raise MessageTooLargeError.of("num_bytes", num_bytes, f"at most {limits.max_bytes_each}")
        if len(self._loans) >= limits.max_loans:
            raise _exhausted("loans", len(self._loans), limits.max_loans)
        if self._num_bytes + num_bytes > limits.max_bytes:
            raise _exhausted("lent_bytes", self._num_bytes + num_bytes, limits.max_bytes)

    def _made(self, client_id: str, num_bytes: int) -> Loan:
        memory = SealedMemory(num_bytes, is_writable=True)
        try:
            descriptor = memory.descriptor()
            try:
                path, token = self._socket.give(descriptor, _LIFETIME_S)
            except OSError:
                os.close(descriptor)
                raise
        except OSError:
            memory.close()
            raise
        return Loan(secrets.token_bytes(_ID_BYTES), client_id, memory, path, token)


def _exhausted(field: str, value: int, allowed: int) -> ResourceExhaustedError:
    details = {"field": field, "value": str(value), "allowed": f"at most {allowed}"}
    message = f"{field}: got {value}, allowed: at most {allowed}"
    return ResourceExhaustedError(message, details=details, retry_after_s=_RETRY_AFTER_S)
