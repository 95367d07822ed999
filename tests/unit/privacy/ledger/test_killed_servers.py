"""`kill -9` anywhere around a release: the ledger never counts less than what left the server."""

import random
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from heronry.privacy.ledger import Ledger, verify

POINTS = ("before reserve", "within reserve", "before release", "after release", "after commit")

# The server releases by printing; SIGKILL reaches it at `point` of its release number `last`.
SERVER = """
import os, signal, sys
from pathlib import Path
from heronry.privacy.ledger import Ledger, Reservation

path, point, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

def die_at(here, release):
    if (here, release) == (point, last):
        os.kill(os.getpid(), signal.SIGKILL)

ledger = Ledger.open(path, owner="params")
for release in range(1, last + 1):
    die_at("before reserve", release)
    trace = lambda statement: die_at("within reserve", release) if statement == "COMMIT" else None
    ledger._connection.set_trace_callback(trace)
    clients = [f"client-{release % 3}", "ada"]
    sequence = ledger.reserve("walk", Reservation(release, {"z": 1.0}, 1.0, 1.0, 4.0, 2, "m", clients), float(release))
    ledger._connection.set_trace_callback(None)
    die_at("before release", release)
    os.write(1, b"released\\n")
    die_at("after release", release)
    ledger.commit(sequence, float(release))
    die_at("after commit", release)
"""

# point -> reservations and open reservations expected after a kill at release `n`
EXPECTED = {
    "before reserve": lambda n: (n - 1, 0),
    "within reserve": lambda n: (n - 1, 0),
    "before release": lambda n: (n, 1),
    "after release": lambda n: (n, 1),
    "after commit": lambda n: (n, 0),
}


def kill_at(path: Path, point: str, last: int) -> int:
    """Run a server until it dies at `point`; return how many releases left it."""
    command = [sys.executable, "-c", SERVER, str(path), point, str(last)]
    died = subprocess.run(command, stdout=subprocess.PIPE, timeout=50, check=False)
    assert died.returncode == -signal.SIGKILL
    return died.stdout.count(b"released")


def assert_counts_what_left(path: Path, point: str, last: int) -> None:
    num_left = kill_at(path, point, last)

    report = verify(path)
    with Ledger.open(path, owner="params") as ledger:
        reserved, still_open = EXPECTED[point](last)
        assert report.is_sound
        assert sum(charge.count for charge in ledger.charges("walk")) == reserved >= num_left
        assert ledger.participation("walk", "ada").count == reserved
        assert len(ledger.uncommitted()) == still_open


@pytest.mark.parametrize("point", POINTS)
def test_a_killed_server_has_counted_what_it_released(path: Path, point: str) -> None:
    assert_counts_what_left(path, point, last=3)


@pytest.mark.acceptance
@pytest.mark.timeout(300)
@pytest.mark.parametrize("point", POINTS)
def test_a_server_killed_twenty_times_has_counted_what_it_released(tmp_path: Path, point: str) -> None:
    choose = random.Random(POINTS.index(point))
    for attempt in range(20):
        assert_counts_what_left(tmp_path / f"ledger-{attempt}", point, last=choose.randrange(1, 60))


@pytest.mark.acceptance
@pytest.mark.timeout(300)
def test_a_server_killed_again_and_again_goes_on_with_one_ledger(tmp_path: Path) -> None:
    choose, path, num_left = random.Random(9), tmp_path / "ledger", 0
    for _ in range(20):
        num_left += kill_at(path, choose.choice(POINTS), last=choose.randrange(1, 40))

        report = verify(path)
        assert report.is_sound
        assert report.runs["walk"].num_releases >= num_left if num_left else True


@pytest.mark.acceptance
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace shows whether the disk was asked")
def test_every_reservation_has_asked_the_disk_before_its_release_leaves(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    server = [sys.executable, "-c", SERVER, str(tmp_path / "ledger"), "after commit", "5"]
    strace = ["strace", "-f", "-o", str(trace), "-e", "trace=fsync,fdatasync,write"]
    subprocess.run([*strace, *server], stdout=subprocess.DEVNULL, timeout=50, check=False)
    calls = trace.read_text().splitlines()
    syncs = [index for index, call in enumerate(calls) if "sync(" in call and "= 0" in call]
    releases = [index for index, call in enumerate(calls) if 'write(1, "released' in call]

    assert len(releases) == 5
    # Between two releases lie the commit of the one and the reservation of the next.
    for before, after in zip([0, *releases], releases, strict=False):
        assert sum(before < sync < after for sync in syncs) >= (2 if before else 1)


GOES_ON = """
import os, sys
from pathlib import Path
from heronry.privacy.ledger import Ledger, Reservation
from heronry.types.errors import UnavailableError

row = Reservation(1, {"z": 1.0}, 1.0, 1.0, 4.0, 0, "m")
with Ledger.open(Path(sys.argv[1]), owner="params") as ledger:
    for _ in range(8):
        try:
            ledger.reserve("walk", row, 0.0)
            os.write(1, b"released\\n")
        except UnavailableError:
            os.write(1, b"refused\\n")
"""


def syncs_before_the_first_release(tmp_path: Path) -> int:
    trace = tmp_path / "trace"
    strace = ["strace", "-f", "-o", str(trace), "-e", "trace=fsync,fdatasync,write"]
    command = [*strace, sys.executable, "-c", GOES_ON, str(tmp_path / "sound")]
    subprocess.run(command, stdout=subprocess.DEVNULL, timeout=50, check=True)
    return trace.read_text().split("released")[0].count("sync(")


@pytest.mark.acceptance
@pytest.mark.skipif(shutil.which("strace") is None, reason="strace makes the disk fail")
@pytest.mark.parametrize("later", [0, 1, 4])
def test_a_disk_that_fails_to_sync_refuses_one_release_and_no_more(tmp_path: Path, later: int) -> None:
    path = tmp_path / "ledger"
    call = syncs_before_the_first_release(tmp_path) + later
    fail = ["strace", "-f", "-o", "/dev/null", "-e", f"inject=fsync,fdatasync:error=EIO:when={call}"]
    command = [*fail, sys.executable, "-c", GOES_ON, str(path)]

    done = subprocess.run(command, stdout=subprocess.PIPE, timeout=50, check=True)

    assert (done.stdout.count(b"released"), done.stdout.count(b"refused")) == (7, 1)
    report = verify(path)
    assert report.is_sound
    assert report.runs["walk"].num_releases == 7
