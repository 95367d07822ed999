"""The versions of a model that can be pulled: the newest ones and those under a tag."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from heronry.params.core.layout import Bytes
from heronry.types.errors import InvalidArgumentError, ResourceExhaustedError, VersionNotFoundError
from heronry.types.models import VersionInfo
from heronry.types.tensors import content_hash
from heronry.types.version import ParameterVersion

_MAX_TAG_LENGTH = 128
# Each may keep a version in memory.
_MOST_TAGS = 256


@dataclass(frozen=True)
class Published:
    """One version with its values; `flat` is the model's flat buffer, read-only."""

    version: ParameterVersion
    flat: Bytes
    publish_time_s: float

    @classmethod
    def of(cls, flat: Bytes, parent: ParameterVersion, publish_time_s: float) -> "Published":
        """Name values as the version after `parent`; the buffer becomes read-only."""
        flat = flat.view()
        flat.flags.writeable = False
        version = ParameterVersion(parent.epoch, parent.number + 1, content_hash(flat), parent.content_hash)
        return cls(version, flat, publish_time_s)


class VersionHistory:
    """Keeps the `num_kept` newest versions and every tagged one for reading. Numbers rise by one, from 1.

    The `num_bases` newest are held as bases of WEIGHTS as well, whether they can be read or not.
    """

    def __init__(self, num_kept: int, num_bases: int = 1) -> None:
        self._num_kept = num_kept
        self._num_bases = num_bases
        self._by_number: dict[int, Published] = {}
        self._tags: dict[str, int] = {}
        self._newest: Published | None = None

    @property
    def newest(self) -> Published:
        """The version published last."""
        if self._newest is None:
            raise LookupError("nothing was published")
        return self._newest

    @property
    def tags(self) -> dict[str, int]:
        """Numbers by tag."""
        return dict(self._tags)

    def hold(self, num_kept: int, num_bases: int) -> None:
        """Keep as many versions for reading and as bases from now on."""
        self._num_kept, self._num_bases = num_kept, num_bases
        if self._newest is not None:
            self._drop_unneeded()

    def publish(self, published: Published) -> None:
        """Make a version the newest one.

        Raises:
          ValueError: its number does not follow the newest one's.
        """
        if self._newest is not None and published.version.number <= self._newest.version.number:
            raise ValueError(f"version {published.version} after {self._newest.version}")
        self._newest = published
        self._by_number[published.version.number] = published
        self._drop_unneeded()

    def keep(self, published: Published) -> None:
        """Take in an older version, as a checkpoint or a journal holds it, to be tagged next."""
        self._by_number.setdefault(published.version.number, published)
        self._by_number = dict(sorted(self._by_number.items()))

    def tag(self, tag: str, number: int) -> Published:
        """Keep a version under a name, which leaves the version it was on before."""
        self.check_tag(tag)
        published = self.select(number=number)
        self._tags[tag] = published.version.number
        self._drop_unneeded()
        return published

    def check_tag(self, tag: str) -> None:
        """Refuse what cannot be a tag, and one more than are kept."""
        if not tag or len(tag) > _MAX_TAG_LENGTH:
            raise InvalidArgumentError.of("tag", tag, f"a name of 1 to {_MAX_TAG_LENGTH} characters")
        if tag not in self._tags and len(self._tags) >= _MOST_TAGS:
            raise ResourceExhaustedError(f"tag: got {tag!r}, allowed: one of the {_MOST_TAGS} given, to be moved")

    def restore_tags(self, tags: Mapping[str, int]) -> None:
        """Put tags back on versions taken in by `keep`, whether they could otherwise be read or not."""
        # All of them before anything is dropped: a version whose tag is yet to come must not go.
        self._tags.update(tags)
        self._drop_unneeded()

    def select(self, *, number: int | None = None, tag: str | None = None) -> Published:
        """Return the version of a number or a tag; the newest when neither is given."""
        if tag is not None:
            if tag not in self._tags:
                raise VersionNotFoundError.of("tag", tag, sorted(self._tags))
            number = self._tags[tag]
        if number is None:
            return self.newest
        if number not in self._by_number or not self._is_readable(number):
            raise VersionNotFoundError.of("version", number, [p.version.number for p in self.readable()])
        return self._by_number[number]

    def base(self, version: ParameterVersion) -> Published:
        """Return the values a contribution was computed at.

        Raises:
          VersionNotFoundError: they are no longer kept, or another content has the number.
        """
        self.check_content(version)
        found = self._by_number.get(version.number)
        if found is None:
            raise VersionNotFoundError.of("base_version", str(version), [str(p.version) for p in self.readable()])
        return found

    def check_content(self, version: ParameterVersion) -> None:
        """Refuse a version whose number is held with another content: it is of a model that was deleted since."""
        found = self._by_number.get(version.number)
        if found is not None and version.content_hash and version.content_hash != found.version.content_hash:
            have = found.version.content_hash.hex()
            raise VersionNotFoundError.of("base_version", f"{version} {version.content_hash.hex()}", have)

    def held(self, numbers: Iterable[int]) -> list[Published]:
        """Return those of the versions that are held, whether they can be read or not."""
        return [self._by_number[number] for number in numbers if number in self._by_number]

    def infos(self) -> list[VersionInfo]:
        """Describe all versions, oldest first."""
        return [VersionInfo(p.version, self._tags_of(p.version.number), p.publish_time_s) for p in self.readable()]

    def readable(self) -> list[Published]:
        """Return the versions that can be pulled, oldest first."""
        return [p for n, p in self._by_number.items() if self._is_readable(n)]

    def tagged(self) -> list[Published]:
        """Return the versions under a tag, oldest first."""
        return [p for n, p in self._by_number.items() if n in self._tags.values()]

    def restamp(self, epoch: int) -> None:
        """Move every version to another epoch; numbers and contents stay."""
        stamped = {n: replace(p, version=replace(p.version, epoch=epoch)) for n, p in self._by_number.items()}
        self._by_number = stamped
        self._newest = stamped[self.newest.version.number]

    def _tags_of(self, number: int) -> tuple[str, ...]:
        return tuple(sorted(tag for tag, tagged in self._tags.items() if tagged == number))

    def _is_readable(self, number: int) -> bool:
        return number > self.newest.version.number - self._num_kept or number in self._tags.values()

    def _drop_unneeded(self) -> None:
        oldest_base = self.newest.version.number - self._num_bases
        for number in [n for n in self._by_number if n <= oldest_base and not self._is_readable(n)]:
            del self._by_number[number]
