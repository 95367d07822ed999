"""Who calls: bearer tokens bound to client ids, or the id that a trusted peer claims."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, Self

from heronry.types.errors import ConfigurationError, PermissionDeniedError, UnauthenticatedError

CLIENT_ID_KEY: Final = "heronry-client-id"
ANONYMOUS: Final = "anonymous"
_AUTHORIZATION_KEY: Final = "authorization"
_SCHEME: Final = "Bearer "
_MIN_TOKEN_CHARACTERS: Final = 16
_MAX_CLIENT_ID_CHARACTERS: Final = 128

Metadata = Iterable[tuple[str, str | bytes]]


class Identities:
    """Finds the client id of a call.

    With tokens, the token alone decides and a claimed id must agree with it. Without, the id in the
    metadata is believed: everybody who reaches the port is trusted, or mTLS keeps the others out.
    """

    def __init__(self, tokens: Mapping[str, str] | None = None) -> None:
        """Take tokens by client id; None asks for no token."""
        self._client_ids = None if tokens is None else {_digest(token): name for name, token in tokens.items()}
        self.asks_tokens = tokens is not None
        """Whether anybody may be refused."""

    @classmethod
    def from_file(cls, path: Path | None) -> Self:
        """Read lines `client_id token`; blank lines and those that begin with # are skipped.

        Raises:
          ConfigurationError: the file cannot be read, or a line is not of that form.
        """
        return cls(None if path is None else _read_tokens(path))

    def client_id(self, metadata: Metadata | None) -> str:
        """Return the caller's id.

        Raises:
          UnauthenticatedError: no token, or one that nobody has.
          PermissionDeniedError: the token belongs to another id than the one that is claimed.
        """
        claimed = token = ""
        for key, value in metadata or ():
            if key == CLIENT_ID_KEY:
                claimed = str(value)[:_MAX_CLIENT_ID_CHARACTERS]
            elif key == _AUTHORIZATION_KEY:
                token = str(value)
        if self._client_ids is None:
            return claimed or ANONYMOUS
        bound = self._holder(self._client_ids, token)
        if claimed and claimed != bound:
            details = {"client_id": claimed, "allowed": bound}
            raise PermissionDeniedError(f"the token belongs to {bound!r}, not to {claimed!r}", details=details)
        return bound

    def _holder(self, client_ids: Mapping[bytes, str], token: str) -> str:
        if not token.startswith(_SCHEME):
            raise UnauthenticatedError("no token: send `authorization: Bearer TOKEN`")
        # Looking up a digest tells, by its timing, nothing about the tokens.
        name = client_ids.get(_digest(token.removeprefix(_SCHEME).strip()))
        if name is None:
            raise UnauthenticatedError("the token is not known")
        return name


def client_metadata(client_id: str = "", token: str | None = None) -> list[tuple[str, str]]:
    """Return the metadata with which a caller names itself."""
    metadata = [(CLIENT_ID_KEY, client_id)] if client_id else []
    return [*metadata, (_AUTHORIZATION_KEY, _SCHEME + token)] if token else metadata


def _digest(token: str) -> bytes:
    return hashlib.blake2b(token.encode(), digest_size=32).digest()


def _read_tokens(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError.of("tokens_file", str(path), f"a readable file ({error})") from None
    tokens: dict[str, str] = {}
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        if len(words) != 2 or len(words[1]) < _MIN_TOKEN_CHARACTERS or words[0] in tokens:
            allowed = f"`client_id token`, a token of {_MIN_TOKEN_CHARACTERS} characters or more, each id once"
            raise ConfigurationError.of(f"tokens_file line {number}", words[0], allowed)
        tokens[words[0]] = words[1]
    if not tokens:
        raise ConfigurationError.of("tokens_file", str(path), "at least one line `client_id token`")
    return tokens
