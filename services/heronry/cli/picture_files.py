"""Which names files of pictures may have."""

from pathlib import Path
from typing import Final

from heronry.types.errors import ConfigurationError
from heronry.types.recordings import PictureFormat

_FILMS: Final = {".gif": PictureFormat.GIF, ".png": PictureFormat.APNG}


def film_format(field: str, path: Path) -> PictureFormat:
    """Return the format that a film's name tells.

    Raises:
      ConfigurationError: it tells none, or its folder is not there.
    """
    require_picture(field, path, tuple(_FILMS))
    return _FILMS[path.suffix.lower()]


def require_picture(field: str, path: Path, endings: tuple[str, ...]) -> None:
    """Refuse a name that ends with none of `endings`, or has no folder.

    Raises:
      ConfigurationError: names the field, and what is allowed.
    """
    if path.suffix.lower() not in endings:
        raise ConfigurationError.of(field, str(path), f"a name that ends with {' or '.join(endings)}")
    if not path.parent.is_dir():
        raise ConfigurationError.of(field, str(path), "a file in a folder that is there")
