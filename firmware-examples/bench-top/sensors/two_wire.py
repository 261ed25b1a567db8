"""A chip on I2C's two lines, followed edge by edge (NXP, UM10204)."""


class TwoWireChip:
    """A chip with that address, whose registers have numbers of `width` bytes.

    `answers` says whether it answers; `read` and `write` are of its registers.
    """

    def __init__(self, address, width, answers, read, write):
        self.address, self.width = address, width
        self.answers, self.read, self.write = answers, read, write
        self.scl = self.sda = True
        self.pulls = False
        self.bits, self.is_addressed, self.is_read, self.selected = [], False, False, 0
        self.pointer = []
        # Whether somebody holds a line: a short circuit, a chip that is stuck.
        self.holds_scl = self.holds_sda = False
        # Falls of SCL for which SDA is held: a chip in the middle of a byte.
        self.held_for = 0
        # Called with each register that is written, after it was.
        self.transfers = 0

    def level_scl(self, host):
        return host and not self.holds_scl

    def level_sda(self, host):
        return host and not self.pulls and not self.holds_sda and self.held_for == 0

    def set(self, scl, sda):
        """Takes note of what the host leaves the lines at."""
        scl = self.level_scl(scl)
        was_scl, was_sda = self.scl, self.sda
        if was_scl and scl and was_sda != sda:
            self.pulls = False
            self.is_addressed = not sda
            if not sda:
                self.bits, self.pointer = [], []
        self.scl, self.sda = scl, sda
        if scl and not was_scl and self.is_addressed:
            self.bits.append(self.level_sda(sda))
        if was_scl and not scl:
            self.held_for = max(self.held_for - 1, 0)
            self._fall()

    def _fall(self):
        self.pulls = False
        if not self.is_addressed:
            return
        count, bit = divmod(len(self.bits), 9)
        if bit == 8 and not (count and self.is_read):
            byte = sum(b << (7 - n) for n, b in enumerate(self.bits[9 * count : 9 * count + 8]))
            if count == 0:
                self.is_read = byte & 1 == 1
                self.is_addressed = byte >> 1 == self.address and self.answers()
                self.transfers += self.is_addressed
            elif len(self.pointer) < self.width:
                self.pointer.append(byte)
                self.selected = int.from_bytes(bytes(self.pointer), "big")
            else:
                self.write(self.selected, byte)
                self.selected += 1
            self.pulls = self.is_addressed
        elif count and self.is_read and bit < 8:
            if bit == 0:
                self.sent = self.read(self.selected)
            self.pulls = self.sent >> (7 - bit) & 1 == 0
