"""Speed, as ratios of what this machine can do (`make bench`).

Absolute figures vary twofold from run to run, so every figure that has a bar is a ratio between two servers that
took turns within one run. `__main__` is the story, `targets` starts what is compared, `ceiling` is what it is
compared with, `load` asks, and `report` prints and keeps the results.
"""
