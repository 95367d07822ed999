"""`heronry fleet record`: an episode as a file."""

from dataclasses import dataclass
from pathlib import Path

from heronry.cli.access import Access
from heronry.cli.fleet_service import ask_fleet
from heronry.cli.picture_files import film_format
from heronry.client.fleet import FleetClient
from heronry.types.errors import ConfigurationError
from heronry.types.recordings import Recording, RecordingOrder


@dataclass(frozen=True)
class Film:
    """What is asked for, and where it goes."""

    dest: Path
    number: int | None
    tag: str | None
    seed: int
    greedy: bool
    max_steps: int
    frames_per_second: int

    def order(self) -> RecordingOrder:
        """Return the order that a fleet understands.

        Raises:
          ConfigurationError: the file's name tells no format, its folder is not there, or number and tag are given.
        """
        picture_format = film_format("DEST", self.dest)
        if self.number is not None and self.tag is not None:
            raise ConfigurationError.of("--tag", self.tag, "without --number")
        return RecordingOrder(
            number=self.number,
            tag=self.tag,
            seed=self.seed,
            greedy=self.greedy,
            max_steps=self.max_steps,
            frames_per_second=self.frames_per_second,
            format=picture_format,
        )


def record_film(access: Access, film: Film) -> dict[str, object]:
    """Have the film made, write it, and tell about it.

    Raises:
      ConfigurationError: the file cannot be written, or as `Film.order`.
    """
    order = film.order()

    async def ask(client: FleetClient) -> Recording:
        return await client.record_episode(order)

    recording = ask_fleet(access, ask)
    try:
        film.dest.write_bytes(recording.file)
    except OSError as error:
        raise ConfigurationError.of("DEST", str(film.dest), f"a file that can be written ({error.strerror})") from error
    return {
        "file": str(film.dest),
        "bytes": len(recording.file),
        "version": recording.version.number,
        "return": recording.episode_return,
        "length": recording.length,
        "ended": recording.ended,
    }
