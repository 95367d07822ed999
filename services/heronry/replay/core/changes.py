"""The one way by which a served table changes: an effect is applied, then noted."""

from heronry.replay.core.contents import Contents
from heronry.replay.core.effects import Effect, Journal, RngState
from heronry.types.experience import AcknowledgementLevel


class Changes:
    """Applies effects to a table's contents and notes them in its journal, where it has one."""

    def __init__(self, contents: Contents, journal: Journal | None) -> None:
        self.contents = contents
        self.journal = journal
        self.durable_position = 0
        self._position = 0
        self._waits_for_disk = contents.definition.acknowledgement is AcknowledgementLevel.DISK

    @property
    def position(self) -> int:
        """Position of the log after the last commit."""
        return self._position

    def check_room(self) -> None:
        """Refuse what would add to the table, or acknowledge it, while the log could not tell it.

        Raises:
          ResourceExhaustedError: the disk is full or failed; reading goes on.
        """
        if self.journal is not None:
            self.journal.check_room()

    def make(self, effect: Effect) -> None:
        """Change what the effect names."""
        self.contents.apply(effect)
        if self.journal is not None:
            self.journal.note(effect)

    def rng_state(self) -> RngState | None:
        """Return the generator's state for an effect that came out of a draw; None where nobody notes it."""
        if self.journal is None:
            return None
        state: RngState = self.contents.rng.bit_generator.state
        return state

    def commit(self) -> int:
        """Hand all changes to the operating system and return the log's position; 0 without a journal."""
        if self.journal is None:
            return 0
        position = self._position = self.journal.commit()
        contents = self.contents
        if contents.has_store:
            contents.store.stamp_freed(position)
        if not self._waits_for_disk:
            self.note_durable(position)
        return position

    def note_durable(self, position: int) -> None:
        """Say that changes up to a position have the table's level: pages they freed may be used again."""
        if position > self.durable_position:
            self.durable_position = position
        if self.contents.has_store:
            self.contents.store.reuse_freed(self.durable_position)

    def free_quarantined(self) -> bool:
        """Make pages free that only wait for the log; tell whether there were any."""
        if self.journal is None or not self.contents.has_store or not self.contents.store.num_quarantined:
            return False
        self.commit()
        self.note_durable(self.journal.sync())
        return True
