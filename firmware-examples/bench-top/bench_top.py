"""Runs the programs that would be flashed on models of chips and cameras.

`bench_top.py --model M.lcl --expected PROGRAM --decoder PROGRAM --built BOARD=FOLDER…`

Every case runs the very ELF file of a board. What it sends is held against what
`expected` computes on the host, and its log against the lines that docs/boards promises.
"""

import argparse
import json
import os
import struct
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import boards  # noqa: E402

SHADES = " .:-=+*#%@"


class Wrong(Exception):
    """A case that did not end as it is to."""


class Bench:
    """What cases need of the host."""

    def __init__(self, arguments, folder):
        self.arguments, self.folder = arguments, folder
        self.model = Path(arguments.model).read_bytes()
        self.built = dict(entry.split("=", 1) for entry in arguments.built)
        self.cache = {}

    def elf(self, board, program):
        return os.path.join(self.built[board.NAME], board.TARGET, "release", program)

    def log(self, elf, data):
        done = subprocess.run(
            [self.arguments.decoder, elf], input=bytes(data), capture_output=True, check=False
        )
        return done.stdout.decode(errors="replace").splitlines()

    def expected(self, kind, side, frames):
        """Returns the records that the host computes of frames."""
        key = (kind, side, hash(frames))
        if key not in self.cache:
            source, out = self.folder / "frames.raw", self.folder / "records.bin"
            source.write_bytes(frames)
            command = [self.arguments.expected, self.arguments.model, kind, str(side)]
            subprocess.run(command + [str(source), str(out)], check=True)
            self.cache[key] = list(records(out.read_bytes()))
        return self.cache[key]


def records(data):
    """Yields area, y and values."""
    at = 0
    while at + 12 <= len(data):
        area, y, length = struct.unpack_from("<III", data, at)
        yield area, y, bytes(data[at + 12 : at + 12 + length])
        at += 12 + length


def pictures(rows, side, channels=64):
    """Returns the picture of V1's energy of each frame, as the program draws it."""
    frames, energies = [], []
    for area, y, values in rows:
        if area != 1:
            continue
        energies.append(
            [sum(b * b for b in values[n : n + channels]) for n in range(0, len(values), channels)]
        )
        if y + 1 == side:
            largest = max(max(row) for row in energies) or 1
            frames.append(
                ["".join(2 * SHADES[-(-value * 9 // largest)] for value in row) for row in energies]
            )
            energies = []
    return frames


def need(is_so, what):
    if not is_so:
        raise Wrong(what)


def run(chip, seconds=60.0, until=None):
    status = chip.run(seconds, until)
    need(not chip.faults, "; ".join(chip.faults[:3]))
    return status


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("model", "expected", "decoder"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--built", required=True, action="append", metavar="BOARD=FOLDER")
    parser.add_argument("--case", help="only cases whose name has this")
    parser.add_argument("--verbose", action="store_true", help="show the logs")
    parser.add_argument("--json", help="write what each case took here")
    arguments = parser.parse_args()
    failed, table = 0, []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(arguments, Path(folder))
        for name in bench.built:
            board = boards.BOARDS[name](bench)
            for case, check in board.cases():
                if arguments.case and arguments.case not in case:
                    continue
                started = time.process_time()
                try:
                    note = check() or ""
                    outcome = "passed"
                except Wrong as wrong:
                    outcome, note = "FAILED", str(wrong)
                except Exception:  # noqa: BLE001
                    outcome, note = "FAILED", traceback.format_exc()
                took = time.process_time() - started
                failed += outcome == "FAILED"
                table.append((name, case, outcome, took, note))
                print(f"{name:14} {case:34} {took:6.1f} s  {outcome} {note}", flush=True)
                if arguments.verbose:
                    print("\n".join(board.last_log), flush=True)
    if arguments.json:
        Path(arguments.json).write_text(json.dumps(table))
    print(f"{len(table)} cases, {failed} failed, {sum(row[3] for row in table):.0f} s of processor")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.modules["bench_top"] = sys.modules["__main__"]
    sys.exit(main())
