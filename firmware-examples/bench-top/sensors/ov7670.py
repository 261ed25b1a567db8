"""OmniVision's OV7670, from what public drivers and benches say of it.

Registers by number are those of its data sheet; sources of what is not in there:
Linux (drivers/media/i2c/ov7670.c), OpenMV, Adafruit_OV7670, Arduino_OV767X.
A line lasts 784 pixels of two clocks, a frame 510 lines.
"""

from .two_wire import TwoWireChip

ADDRESS = 0x21
LINE_CLOCKS = 2 * 784
FRAME_LINES = 510
# Lines from the rise of VSYNC to the first line.
FIRST_LINE = 20

RESET_VALUES = {
    0x03: 0x00, 0x0A: 0x76, 0x0B: 0x73, 0x11: 0x80, 0x12: 0x00, 0x15: 0x00, 0x17: 0x11,
    0x18: 0x61, 0x19: 0x03, 0x1A: 0x7B, 0x32: 0x80, 0x3A: 0x0D, 0x3D: 0x88, 0x40: 0xC0,
    0x70: 0x3A, 0x71: 0x35, 0xB0: 0x00,
}

# White, yellow, cyan, green, magenta, red, blue, black: Y, U, V.
BARS = [(235, 128, 128), (210, 16, 146), (170, 166, 16), (145, 54, 34),
        (106, 202, 222), (81, 90, 240), (41, 240, 110), (16, 128, 128)]


class Frame:
    """What the sensor sees: for each line, 640 of Y and 320 of U and of V."""

    def __init__(self, planes, change=lambda lines: lines, has_vsync_alone=False):
        self.planes, self.change, self.has_vsync_alone = planes, change, has_vsync_alone


class Ov7670:
    def __init__(self, frames, clock_hz, product=0x7673):
        """`clock_hz` is called for what XCLK has; `frames` are sent by turns."""
        self.frames, self.clock_hz = frames, clock_hz
        self.product = product
        self.reset()
        self.bus = TwoWireChip(ADDRESS, 1, self._answers, self._read, self._write)
        self.answers_transfers = None
        self.started = None
        self.sent = 0
        self.now = lambda: 0.0
        self.written = []
        self.cache = {}
        self.ready_at = 0.0

    def reset(self):
        self.registers = dict(RESET_VALUES)
        self.registers[0x0A], self.registers[0x0B] = self.product >> 8, self.product & 255

    def _answers(self):
        limit = self.answers_transfers
        return self.clock_hz() > 0 and (limit is None or self.bus.transfers < limit)

    def _read(self, register):
        return self.registers.get(register, 0)

    def _write(self, register, value):
        self.written.append((register, value))
        if self.now() < self.ready_at:
            return
        if register == 0x12 and value & 0x80:
            self.reset()
            self.ready_at = self.now() + 0.001
            return
        if register not in (0x0A, 0x0B):
            self.registers[register] = value
        self.cache.clear()

    def line_seconds(self):
        clkrc = self.registers[0x11]
        divider = (clkrc & 0x1F) + 1
        if not clkrc & 0x80:
            divider *= 2
        if clkrc & 0x40:
            divider = 1
        return LINE_CLOCKS * divider / self.clock_hz()

    def vsync_is_high_without_data(self):
        return not self.registers[0x15] & 0x02

    def size(self):
        """Pixels of a line and lines, by the window's registers."""
        r = self.registers
        start = r[0x17] << 3 | r[0x32] & 7
        stop = r[0x18] << 3 | r[0x32] >> 3 & 7
        top = r[0x19] << 2 | r[0x03] & 3
        bottom = r[0x1A] << 2 | r[0x03] >> 2 & 3
        return (stop - start) % 784, (bottom - top) % 510

    def lines(self, frame):
        """Returns the bytes of each line of a frame, as the registers have them."""
        width, height = self.size()
        yuyv = not self.registers[0x3A] & 0x08
        swaps = bool(self.registers[0x3D] & 0x01)
        is_yuv = self.registers[0x12] & 0x05 == 0
        bars = self.registers[0x71] & 0x80 and not self.registers[0x70] & 0x80
        key = (frame, width, height, yuyv, swaps, is_yuv, bars)
        if key in self.cache:
            return self.cache[key]
        lines = []
        for y in range(height):
            luma, u, v = _bars() if bars else frame.planes(y % 480)
            if swaps:
                u, v = v, u
            line = bytearray(2 * width)
            count = len(line[0::4])
            luma = (luma + bytes(width))[:width]
            first = 0 if yuyv else 1
            line[first::2] = luma
            line[1 - first :: 4] = (u + bytes(count))[:count]
            line[3 - first :: 4] = (v + bytes(count))[:count]
            lines.append(bytes(line) if is_yuv else bytes(2 * width))
        lines = frame.change(lines) if not bars else lines
        self.cache[key] = lines
        return lines

    def next_at(self):
        """Returns when the next line ends, or when to look for a clock."""
        return self.now() + 0.0001 if self.started is None else self.started + self.line_seconds()

    def line(self, frame, number):
        lines = self.lines(frame)
        return lines[number] if number < len(lines) else b""

    def events(self, now):
        """Yields what has come until `now`: ("vsync",), ("start",) and ("line", bytes).

        The bytes are a function, which is called where somebody takes them.
        """
        if self.clock_hz() <= 0:
            self.started = None
            return
        if self.started is None:
            self.started, self.at = now, 0
        while True:
            period = self.line_seconds()
            if now < self.started + period:
                return
            self.started += period
            at, self.at = self.at, (self.at + 1) % FRAME_LINES
            frame = self.frames[self.sent % len(self.frames)]
            if at == 0:
                yield ("vsync",)
            elif at == 3:
                yield ("start",)
            elif at >= FIRST_LINE and not frame.has_vsync_alone:
                yield ("line", lambda n=at - FIRST_LINE: self.line(frame, n))
            if self.at == 0:
                self.sent += 1


def _bars():
    y = b"".join(bytes([bar[0]]) * 80 for bar in BARS)
    u = b"".join(bytes([bar[1]]) * 40 for bar in BARS)
    v = b"".join(bytes([bar[2]]) * 40 for bar in BARS)
    return y, u, v
