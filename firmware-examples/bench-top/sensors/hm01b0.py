"""Himax's HM01B0 on one line of data, from what public drivers and benches say of it.

Sources of what its data sheet does not say: the registers of OpenMV, Zephyr and Arm's
library for the Pico; PicoHM01B0 (gated PCLK, waits, two bytes more of each line); the
byte-exact bench of icesugar-hm01b0 (register 0x1012, the walking test picture).
"""

from .two_wire import TwoWireChip

ADDRESS = 0x24
FIRST_LINE = 4

RESET_VALUES = {
    0x0000: 0x01, 0x0001: 0xB0, 0x0100: 0, 0x0340: 0x02, 0x0341: 0x32, 0x0342: 0x01,
    0x0343: 0x72, 0x0601: 0, 0x1012: 0x03, 0x3059: 0x02, 0x3060: 0x0A, 0x3064: 0,
}
WALKING = bytes([1, 2, 4, 8, 16, 32, 64, 128, 0])


class GreyFrame:
    """What the sensor sees: 324 lines of 324 bytes; `change` makes them go wrong.

    A line is bytes, or bytes and how many bits of them are sent.
    """

    def __init__(self, lines, change=lambda lines: lines, has_vsync_alone=False):
        self.lines, self.change, self.has_vsync_alone = lines, change, has_vsync_alone


class Hm01b0:
    def __init__(self, frames, own_clock_hz=24_000_000, model=0x01B0):
        """`own_clock_hz` is the module's oscillator, or 0 where it has none."""
        self.frames, self.own_clock_hz, self.model = frames, own_clock_hz, model
        self.board_clock_hz = lambda: 0
        self.now = lambda: 0.0
        self.bus = TwoWireChip(ADDRESS, 2, self._answers, self._read, self._write)
        self.answers_transfers = None
        self.written = []
        self.registers = {}
        self.started, self.sent, self.at = None, 0, 0
        self.reset_at = None
        self.reset()

    def reset(self):
        self.registers = dict(RESET_VALUES)
        self.registers[0], self.registers[1] = self.model >> 8, self.model & 255
        self.started = None

    def clock_hz(self):
        if self.own_clock_hz and self.board_clock_hz():
            raise RuntimeError("two outputs fight: the module has an oscillator on MCLK")
        return self.own_clock_hz or self.board_clock_hz()

    def _answers(self):
        limit = self.answers_transfers
        return self.clock_hz() > 0 and (limit is None or self.bus.transfers < limit)

    def _read(self, register):
        return self.registers.get(register, 0)

    def _write(self, register, value):
        self.written.append((register, value))
        if register == 0x0103:
            # A frame that is being sent ends first.
            self.reset_at = self.now() + (self.frame_seconds() if self.started is not None else 0)
            self.settle()
        elif register not in (0, 1):
            self.registers[register] = value

    def settle(self):
        if self.reset_at is not None and self.now() >= self.reset_at:
            self.reset_at = None
            self.reset()

    def pair(self, register):
        return self.registers.get(register, 0) << 8 | self.registers.get(register + 1, 0)

    def line_seconds(self):
        return max(self.pair(0x0342), 0x0178) * 8 / self.clock_hz()

    def frame_seconds(self):
        return self.line_seconds() * max(self.pair(0x0340), 0x0158)

    def is_gated(self):
        return bool(self.registers.get(0x3060, 0) & 0x20)

    def is_serial(self):
        """One line of data, pixels at an eighth of the clock."""
        return self.registers.get(0x3059) == 0x22 and self.registers.get(0x3060, 0) & 0x0C == 0x08

    def line(self, frame, number):
        """Returns the bytes of a line, and how many bits of them are sent."""
        if self.registers.get(0x0601) == 0x11:
            line = (WALKING * 37)[:324]
        else:
            lines = frame.change(frame.lines)
            if number >= len(lines):
                return None
            line = lines[number]
        line, bits = line if isinstance(line, tuple) else (line, 8 * len(line))
        if self.registers.get(0x3060, 0) & 0x10:
            line = bytes(int(f"{byte:08b}"[::-1], 2) for byte in line)
        if self.registers.get(0x1012, 0) & 0x02:
            line, bits = line + b"\xaa\xaa", bits + 16
        return line, bits

    def next_at(self):
        if self.started is None:
            return self.now() + 0.0005
        return self.started + self.line_seconds()

    def events(self, now):
        """Yields ("rise",), ("fall",) of VSYNC and ("line", function)."""
        self.settle()
        if self.registers.get(0x0100, 0) != 1 and self.at == 0 or self.clock_hz() <= 0:
            self.started = None
            return
        if self.started is None:
            self.started, self.at = now, 0
        while now >= self.started + self.line_seconds():
            self.started += self.line_seconds()
            frame = self.frames[self.sent % len(self.frames)]
            at, self.at = self.at, self.at + 1
            if at == 1:
                yield ("rise",)
            elif FIRST_LINE <= at < FIRST_LINE + 330 and not frame.has_vsync_alone:
                yield ("line", lambda n=at - FIRST_LINE, f=frame: self.line(f, n))
            elif at == FIRST_LINE + 332:
                yield ("fall",)
            if self.at >= max(self.pair(0x0340), 0x0158):
                self.at = 0
                self.sent += 1
