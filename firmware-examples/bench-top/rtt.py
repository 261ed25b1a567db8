"""The other end of RTT: what `board-link` does over a debug probe.

Channels: up 0 is the log, up 1 are records of features, down 0 are images.
"""

import struct

CONTROL_BLOCK = "_SEGGER_RTT"
ID = b"SEGGER RTT"
BUFFER = struct.Struct("<IIIIII")
HEADER_LEN = 24
BLOCK_IF_FULL = 2


class Rtt:
    def __init__(self, core):
        self.core = core
        self.address = core.elf.symbols.get(CONTROL_BLOCK, (None,))[0]
        self.is_open = False
        self.log = bytearray()
        self.rows = bytearray()
        self.to_board = bytearray()
        # Bytes of the rows after which the host reads nothing any more, and how long.
        self.stops_after = None
        self.stops_for = None
        self.stopped_at = None

    def _reads(self):
        if self.stops_after is None or len(self.rows) < self.stops_after:
            return True
        if self.stopped_at is None:
            self.stopped_at = self.core.seconds()
        if self.stops_for is None:
            return False
        return self.core.seconds() >= self.stopped_at + self.stops_for

    def serve(self):
        if self.address is None:
            return
        uc = self.core.uc
        if not self.is_open:
            if bytes(uc.mem_read(self.address, len(ID))) != ID:
                return
            self.is_open = True
            self.ups, self.downs = struct.unpack("<II", uc.mem_read(self.address + 16, 8))
            flags = self.address + HEADER_LEN + 20
            uc.mem_write(flags, struct.pack("<I", BLOCK_IF_FULL))
        if self._reads():
            for channel, into in ((0, self.log), (1, self.rows)):
                if channel < self.ups:
                    into += self._take(self.address + HEADER_LEN + BUFFER.size * channel)
        if self.to_board and self.downs:
            self._give(self.address + HEADER_LEN + BUFFER.size * self.ups)

    def _take(self, at):
        uc = self.core.uc
        _, buffer, size, write, read, _ = BUFFER.unpack(uc.mem_read(at, BUFFER.size))
        if write == read:
            return b""
        if write > read:
            data = bytes(uc.mem_read(buffer + read, write - read))
        else:
            data = bytes(uc.mem_read(buffer + read, size - read) + uc.mem_read(buffer, write))
        uc.mem_write(at + 16, struct.pack("<I", write))
        return data

    def _give(self, at):
        uc = self.core.uc
        _, buffer, size, write, read, _ = BUFFER.unpack(uc.mem_read(at, BUFFER.size))
        room = (read - write - 1) % size
        data = bytes(self.to_board[:room])
        if not data:
            return
        del self.to_board[:room]
        first = data[: size - write]
        uc.mem_write(buffer + write, first)
        uc.mem_write(buffer, data[len(first) :] or b"") if len(data) > len(first) else None
        uc.mem_write(at + 12, struct.pack("<I", (write + len(data)) % size))
