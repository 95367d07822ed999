"""The steps of a table and the views that items are of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from heronry.native import add_window_references
from heronry.replay.core.byte_budget import ByteBudget
from heronry.replay.core.episodes import EpisodeEnds
from heronry.replay.core.gather import Gather, outputs_of
from heronry.replay.core.page_table import NO_PAGE
from heronry.replay.core.patterns import Ends, Steps
from heronry.replay.core.runs import RunReader, check_items, check_run, known_history
from heronry.replay.core.step_columns import HISTORY
from heronry.replay.core.step_memory import StepMemory, StoredPart
from heronry.replay.core.step_pool import StepPool, StorageSettings
from heronry.replay.core.strand import Completed, Strand, Written
from heronry.replay.core.windows import Appended, Pages, Pieces, StoredRun, Windows
from heronry.types.columns import ColumnSpec
from heronry.types.errors import DataLossError, SchemaMismatchError
from heronry.types.patterns import Pattern
from heronry.types.tensors import Array

Flags = npt.NDArray[np.bool_]


class StepStore:
    """Steps in pages; an item is named by the row of its first held step and holds the pages it lies in.

    A window that begins in row r goes on `lanes` rows further a step, and at a page's end in the page
    that continues it: no lane or writer needs to be looked up, also for writers that are gone.
    """

    def __init__(
        self,
        table: str,
        specs: Sequence[ColumnSpec],
        pattern: Pattern,
        budget: ByteBudget,
        *,
        memory: StepMemory | None = None,
        settings: StorageSettings | None = None,
    ) -> None:
        """Prepare an empty store; its steps lie in memory of the process unless `memory` says where.

        Raises:
          SchemaMismatchError: pattern or settings name columns that are not there.
          ResourceExhaustedError: the byte bounds are smaller than one page.
        """
        settings = settings or StorageSettings()
        outputs_of(pattern, specs)
        _check_compressed(settings, specs)
        self._specs = tuple(specs)
        self._pattern = pattern
        stored = (*specs, HISTORY) if pattern.max_stack > 1 else tuple(specs)
        self._pool = StepPool(table, stored, budget, memory, settings)
        self._gathers: dict[tuple[str, ...], Gather] = {}
        self._ends = EpisodeEnds(pattern)

    @property
    def specs(self) -> tuple[ColumnSpec, ...]:
        """Columns of a step, in their order."""
        return self._specs

    @property
    def num_bytes(self) -> int:
        """Bytes of the pages in use, as they are stored."""
        return self._pool.num_bytes

    @property
    def num_step_bytes(self) -> int:
        """Bytes of the steps in use as writers sent them."""
        return self._pool.num_step_bytes

    @property
    def num_pages(self) -> int:
        """Pages in use."""
        return self._pool.num_pages

    @property
    def num_quarantined(self) -> int:
        """Pages that nobody needs and that wait for the log before they are used again."""
        return self._pool.num_quarantined

    @property
    def memory(self) -> StepMemory:
        """Where the steps lie; `sync` of it makes them durable."""
        return self._pool.store.memory

    def open_strands(self, num_lanes: int) -> list[Strand]:
        """Return strands for `num_lanes` lanes, in order, each of as many as a page has rows at most."""
        widest = self._pool.page_rows
        widths = [min(widest, num_lanes - start) for start in range(0, num_lanes, widest)]
        return [Strand(self._pool, width, self._pattern) for width in widths]

    def pages_short(self, strands: Sequence[Strand], num_steps: int) -> int:
        """Return how many pages lack for an append; quarantined ones are not counted as there."""
        num_values = num_steps * sum(s.num_lanes for s in strands)
        return self._pool.missing(sum(s.pages_needed(num_steps) for s in strands), num_values, len(strands))

    def append(
        self,
        strands: Sequence[Strand],
        columns: Mapping[str, Array],
        num_steps: int,
        lane_ends: Flags | None = None,
    ) -> Appended:
        """Store `[T, N, ...]` columns of all lanes of a writer and return the items they complete, held.

        `lane_ends` `[N]` marks lanes whose episode ends with the last step, whatever the columns say.

        Raises:
          ResourceExhaustedError: the byte budget is used up; nothing was stored.
        """
        num_lanes = sum(s.num_lanes for s in strands)
        needed = sum(s.pages_needed(num_steps) for s in strands)
        self._pool.ensure(needed, num_steps * num_lanes, len(strands))
        cuts, episode_ends = self._ends.find(columns, num_steps, lane_ends)
        parts: list[Completed] = []
        lane = 0
        for strand in strands:
            lanes = slice(lane, lane + strand.num_lanes)
            if len(strands) == 1:
                part = strand.append(columns, num_steps, cuts, episode_ends)
            else:
                own = {p: c[:, lanes] for p, c in columns.items()}
                part = strand.append(own, num_steps, _of_lanes(cuts, lanes), _of_lanes(episode_ends, lanes))
                part = part._replace(lanes=part.lanes + lane)
            parts.append(part)
            lane += strand.num_lanes
        windows, ends = _merged(parts)
        self.hold(windows)
        pieces = self._pieces([w for part in parts for w in part.written])
        for strand in strands:
            strand.release_passed()
        return Appended(windows, ends, pieces)

    def slices(self, strands: Sequence[Strand], lanes: Steps, starts: Steps, lengths: Steps) -> Windows:
        """Return items over slices that a writer names, held; `starts` count from the connection's first step.

        The last block and the `num_steps` steps before it are there to be named.

        Raises:
          InvalidArgumentError: names the first item that is wrong, its value and what is allowed; none is held.
        """
        num_lanes = sum(s.num_lanes for s in strands)
        lanes, starts, lengths = (np.asarray(a).astype(np.int64) for a in (lanes, starts, lengths))
        check_items("lanes", lanes, 0, num_lanes - 1)
        check_items("lengths", lengths, 1, self._pattern.num_steps)
        parts: list[Windows] = []
        order: list[Steps] = []
        lane = 0
        for strand in strands:
            mine = np.flatnonzero((lanes >= lane) & (lanes < lane + strand.num_lanes))
            parts.append(strand.slices(lane, starts[mine], lanes[mine] - lane, lengths[mine], mine))
            order.append(mine)
            lane += strand.num_lanes
        windows = Windows.concatenate(parts)[np.argsort(np.concatenate(order))]
        self.hold(windows)
        return windows

    def hold(self, windows: Windows) -> None:
        """Keep the pages of items, once for each item."""
        self._add(windows, 1)

    def release(self, windows: Windows) -> None:
        """Let go of the pages of items."""
        self._pool.release_fallen(self._add(windows, -1))

    def layout(self, names: Sequence[str], batch_size: int) -> tuple[ColumnSpec, ...]:
        """Return the outputs of a batch by name, with their whole shapes; without names all.

        Raises:
          SchemaMismatchError: there is no such output.
        """
        outputs = outputs_of(self._pattern, self._specs, names)
        return tuple(ColumnSpec(o.name, o.spec.element_type, o.whole_shape(batch_size)) for o in outputs)

    def gather_into(self, windows: Windows, outputs: Mapping[str, Array], at: int) -> None:
        """Write the items' columns to rows `at` and on of `[T, B, ...]` or `[B, ...]` outputs, C-contiguous."""
        names = tuple(outputs)
        gather = self._gathers.get(names)
        if gather is None:
            gather = Gather(self._pool, self._pattern, outputs_of(self._pattern, self._specs, names))
            self._gathers[names] = gather
        gather.fill(windows, outputs, at)

    def gather(self, windows: Windows, names: Sequence[str] = ()) -> dict[str, Array]:
        """Return the items' columns in arrays of their own."""
        specs = self.layout(names, len(windows))
        outputs = {s.path: np.empty(s.shape, s.element_type.dtype) for s in specs}
        self.gather_into(windows, outputs, 0)
        return outputs

    def runs(self, windows: Windows, max_steps: int) -> Iterator[StoredRun]:
        """Yield runs that cover the items, each of `max_steps` steps or a single item's, oldest items first."""
        return RunReader(self._pool, self._pattern, self._specs).read(windows, max_steps)

    def append_run(self, strand: Strand, run: StoredRun) -> Appended:
        """Store a run behind others in a strand of one lane and return its items, held, in the run's order.

        Raises:
          SchemaMismatchError, InvalidArgumentError: columns or items do not fit; nothing was stored.
          ResourceExhaustedError: the byte budget is used up; nothing was stored.
        """
        check_run(run, self._pattern, self._specs)
        num_steps = run.num_steps
        self._pool.ensure(strand.pages_needed(num_steps + 1), num_steps + 1, 1)
        columns = {s.path: run.columns[s.path][:, None] for s in self._specs}
        if self._pattern.max_stack > 1:
            columns[HISTORY.path] = known_history(run)[:, None]
        begin, written = strand.write_run(columns, num_steps)
        lengths = run.lengths.astype(np.int64)
        starts = run.starts.astype(np.int64)
        lanes = np.zeros(len(starts), np.int64)
        windows = strand.windows(begin + starts, lanes, lengths if self._pattern.has_lengths else None)
        self.hold(windows)
        pieces = self._pieces(written)
        strand.release_written()
        return Appended(windows, np.stack([starts + lengths - 1, lanes], axis=1), pieces)

    def stamp_freed(self, position: int) -> None:
        """Say that the log tells, up to `position`, what freed the pages that were freed so far."""
        self._pool.stamp_freed(position)

    def reuse_freed(self, position: int) -> None:
        """Let pages be used again that were freed up to a position of the log that cannot be lost."""
        self._pool.reuse_freed(position)

    def apply(self, pieces: Pieces) -> None:
        """Take over steps that an append left in the memory; their items are held after it. Part of a recovery."""
        if len(pieces):
            self._pool.apply(pieces)

    def finish_recovery(self) -> None:
        """Free what no item holds; from now on the store lives. No strand that is not new may be used."""
        self._pool.finish_recovery()

    def verify(self) -> Pages:
        """Return the pages in use whose bytes do not match their checksums; of a recovery, before it is finished.

        None where the store keeps no checksums.
        """
        return self._pool.failing(self._pool.used_pages())

    def pages_of(self, windows: Windows) -> Pages:
        """Return the page in which each window begins."""
        return windows.rows // self._pool.page_rows

    def items_on(self, pages: Pages, windows: Windows) -> npt.NDArray[np.bool_]:
        """Return for each window whether it touches any of the pages."""
        table, page_rows = self._pool.table, self._pool.page_rows
        page, local = np.divmod(windows.rows, page_rows)
        lanes = table.lanes[page]
        hops = (local // lanes + self._spans(windows) - 1) // (page_rows // lanes)
        touches = np.isin(page, pages)
        for hop in range(1, int(hops.max(initial=0)) + 1):
            page = np.where(hops >= hop, table.next_page[page], NO_PAGE)
            touches |= np.isin(page, pages)
        return touches

    def state(self) -> dict[str, Array]:
        """Return the tables of pages, for a snapshot; the steps themselves lie in the memory."""
        return self._pool.state()

    def restore(self, state: Mapping[str, Array]) -> None:
        """Take over what `state` returned; the items are held after it. Part of a recovery.

        Raises:
          DataLossError: the state is of pages of another size.
        """
        if int(state["page_rows"][0]) != self._pool.page_rows:
            got = int(state["page_rows"][0])
            raise DataLossError(f"the snapshot's pages have {got} rows, the table's {self._pool.page_rows}")
        self._pool.restore(state)

    def hold_pages(self) -> Pages:
        """Keep all pages in use, whatever becomes of their items, and return them: to copy what lies in them."""
        pages = self._pool.used_pages()
        self._pool.acquire(pages)
        return pages

    def release_pages(self, pages: Pages) -> None:
        """Let go of pages that were kept."""
        self._pool.release(pages)

    def parts(self, pages: Pages) -> Iterator[StoredPart]:
        """Yield the bytes of pages as they lie in the memory's regions; views, to be copied while they are held."""
        return self._pool.parts(pages)

    def fill(self, part: StoredPart) -> None:
        """Write bytes of a part, between `restore` and `finish_recovery`.

        Raises:
          DataLossError: there is no place for them.
        """
        self._pool.store.fill(part)

    def close(self, *, remove: bool = False) -> None:
        """Give all bytes back; `remove` also what lies on disk."""
        self._gathers.clear()
        self._pool.close(remove=remove)

    def _pieces(self, written: Written) -> Pieces:
        return self._pool.table.pieces(written) if self._pool.is_checked else ()

    def _spans(self, windows: Windows) -> Steps:
        """Return how many steps each window holds."""
        if windows.lengths is None:
            spans = np.full(len(windows), self._pattern.num_steps, np.int64)
        else:
            spans = windows.lengths.astype(np.int64)
        return spans if windows.leads is None else spans + windows.leads.astype(np.int64)

    def _add(self, windows: Windows, delta: int) -> Pages:
        table = self._pool.table
        return add_window_references(
            table.references,
            np.ascontiguousarray(windows.rows),
            self._spans(windows),
            table.next_page,
            table.lanes,
            self._pool.page_rows,
            delta,
        )


def _check_compressed(settings: StorageSettings, specs: Sequence[ColumnSpec]) -> None:
    paths = [s.path for s in specs]
    for path in settings.compressed_columns:
        if path not in paths:
            raise SchemaMismatchError.of("definition.compressed_columns", path, f"some of {', '.join(paths)}")


def _of_lanes(ends: Ends | None, lanes: slice) -> Ends | None:
    return None if ends is None else ends[:, lanes]


def _merged(parts: Iterable[Completed]) -> tuple[Windows, npt.NDArray[np.int64]]:
    """Return the windows of all strands in the order of their last step, then lane, then first step."""
    parts = list(parts)
    windows = Windows.concatenate([p.windows for p in parts])
    if len(parts) == 1:
        return windows, np.stack([parts[0].lasts, parts[0].lanes], axis=1)
    lasts = np.concatenate([p.lasts for p in parts])
    lanes = np.concatenate([p.lanes for p in parts])
    # Stable: windows of a lane that end together are in the order of their first steps already.
    order = np.lexsort((lanes, lasts))
    return windows[order], np.stack([lasts[order], lanes[order]], axis=1)
