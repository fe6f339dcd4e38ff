"""Speed, as ratios of what this machine can do (`make bench`).

Absolute figures vary twofold from run to run, so speed is a ratio between servers that took turns within one
run, or between two pieces of work that took turns on one server. `__main__` is the story, `works` compares
servers with the ceiling, `growth` compares a server with itself once it has much to keep, and `sockets` has
client SDKs connected. `targets` starts servers: `ceiling` and `raw_writer` are two; those in `peers` are not
ours, and `ejabberd` starts one of them. `load` asks them, `crowd` is the clients, `support.filling` fills a
database. `report` prints and keeps the `rows` of a run, `chart` draws them, and `page` makes a document of
them.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent / "tests"))  # for `support`
