"""What the fleet's process imports, and when."""

import subprocess
import sys

SCRIPT = """
import sys
import heronry.fleet
before = {name for name in ("gymnasium", "torch") if name in sys.modules}
import heronry.fleet.core.evaluation, heronry.environments.making
after = {name for name in ("gymnasium", "torch") if name in sys.modules}
print(sorted(before), sorted(after))
"""


def test_gymnasium_comes_after_the_port_is_bound_and_torch_never():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=30)

    assert done.stdout.strip() == "[] ['gymnasium']"
