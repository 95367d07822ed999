"""Which versions can be pulled."""

import numpy as np
import pytest

from heronry.params.core.versions import Published, VersionHistory
from heronry.types.errors import InvalidArgumentError, ResourceExhaustedError, VersionNotFoundError
from heronry.types.version import ParameterVersion


def history(num_versions: int, num_kept: int = 2, num_bases: int = 1) -> VersionHistory:
    made = VersionHistory(num_kept, num_bases)
    version = ParameterVersion(1, 0)
    for number in range(num_versions):
        published = Published.of(np.array([number], np.uint8), version, float(number))
        made.publish(published)
        version = published.version
    return made


def numbers(made: VersionHistory) -> list[int]:
    return [info.version.number for info in made.infos()]


def test_the_newest_versions_are_kept() -> None:
    assert numbers(history(5)) == [4, 5]


def test_tagged_versions_are_kept_until_the_tag_moves() -> None:
    made = history(1)
    made.tag("best", 1)
    for _ in range(3):
        made.publish(Published.of(np.zeros(1, np.uint8), made.newest.version, 0.0))

    assert numbers(made) == [1, 3, 4]
    assert made.infos()[0].tags == ("best",)
    made.tag("best", 4)

    assert numbers(made) == [3, 4]
    assert made.select(tag="best").version.number == 4


def test_bases_are_held_longer_than_they_can_be_read() -> None:
    made = history(5, num_kept=1, num_bases=3)

    assert made.base(ParameterVersion(1, 3)).version.number == 3
    with pytest.raises(VersionNotFoundError, match=r"no version 3 .have: 5"):
        made.select(number=3)
    with pytest.raises(VersionNotFoundError):
        made.base(ParameterVersion(1, 2))


def test_unknown_tags_and_numbers_are_refused_by_name() -> None:
    with pytest.raises(VersionNotFoundError, match="no tag 'best'"):
        history(2).select(tag="best")
    with pytest.raises(VersionNotFoundError, match="no version 9"):
        history(2).select(number=9)
    with pytest.raises(InvalidArgumentError, match="tag"):
        history(2).tag("", 1)


def test_numbers_never_fall() -> None:
    made = history(3)

    with pytest.raises(ValueError, match=r"version 1\.2 after 1\.3"):
        made.publish(Published(ParameterVersion(1, 2), np.zeros(1, np.uint8), 0.0))


def test_published_values_cannot_be_written_to() -> None:
    with pytest.raises(ValueError, match="read-only"):
        history(1).newest.flat[0] = 1


def test_restored_tags_keep_all_their_versions() -> None:
    old, restored = history(2), history(5, num_kept=1)
    for published in old.readable():
        restored.keep(published)

    restored.restore_tags({"first": 1, "second": 2})

    assert numbers(restored) == [1, 2, 5]


def test_more_tags_than_allowed_are_refused_but_tags_move() -> None:
    made = history(2)
    for index in range(256):
        made.tag(str(index), 1)

    with pytest.raises(ResourceExhaustedError, match="tag: got 'more', allowed: one of the 256 given"):
        made.tag("more", 1)
    assert made.tag("7", 2).version.number == 2
