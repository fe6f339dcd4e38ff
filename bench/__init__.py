"""Speed, as ratios of what this machine can do (`make bench`).

Absolute figures vary twofold from run to run, so speed is a ratio between servers that took turns within one
run. `__main__` is the story, `targets` starts what is compared, `ceiling` is what it is compared with, `load`
asks, and `report` prints and keeps the results.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "tests"))  # for `support`, which runs a real PostgreSQL
