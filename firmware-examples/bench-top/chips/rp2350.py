"""Raspberry Pi's RP2350, as far as the programs use it (names are its data sheet's)."""

from unicorn import arm_const

from cortex_m import Core, Registers

XOSC_HZ = 12_000_000
D0, PCLK, HREF, VSYNC = 6, 7, 8, 9
SCL, SDA, MCLK = 5, 4, 13


class Resets(Registers):
    NAMES = {0x8: "done"}

    def read_done(self):
        return ~self.values.get(0, 0) & 0x1FFF_FFFF


class Clocks(Registers):
    NAMES = {0x38: "ref_selected", 0x44: "sys_selected"}

    def read_ref_selected(self):
        return 1 << (self.values.get(0x30, 0) & 3)

    def read_sys_selected(self):
        return 1 << (self.values.get(0x3C, 0) & 1)

    def gpout0_hz(self):
        control = self.values.get(0x00, 0)
        divider = self.values.get(0x04, 0x1_0000) >> 16 or 1
        return XOSC_HZ // divider if control >> 11 & 1 and control >> 5 & 15 == 6 else 0


class Stable(Registers):
    """An oscillator or a PLL that is ready at once."""

    NAMES = {0x00: "cs", 0x04: "status", 0x1C: "rosc_status"}

    def read_cs(self):
        return self.values.get(0, 0) | 1 << 31

    def read_status(self):
        return self.values.get(4, 0) | 1 << 31

    def read_rosc_status(self):
        return 1 << 31


class Sio(Registers):
    NAMES = {
        0x04: "in", 0x18: "out_set", 0x20: "out_clr", 0x28: "out_xor", 0x38: "oe_set",
        0x40: "oe_clr", 0x48: "oe_xor", **{0x100 + 4 * n: "lock" for n in range(32)},
    }

    def read_lock(self):
        return 1

    def drives_low(self, pin):
        out, oe = self.values.get(0x10, 0), self.values.get(0x30, 0)
        return bool(oe >> pin & 1 and not out >> pin & 1)

    def read_in(self):
        levels = self.values.get(0x10, 0) & self.values.get(0x30, 0)
        for pin in (SCL, SDA):
            levels |= self.core.bus_level(pin) << pin
        return levels

    def change(self, at, value):
        self.values[at] = value & 0xFFFF_FFFF
        self.core.move_bus()

    def write_out_set(self, value):
        self.change(0x10, self.values.get(0x10, 0) | value)

    def write_out_clr(self, value):
        self.change(0x10, self.values.get(0x10, 0) & ~value)

    def write_out_xor(self, value):
        self.change(0x10, self.values.get(0x10, 0) ^ value)

    def write_oe_set(self, value):
        self.change(0x30, self.values.get(0x30, 0) | value)

    def write_oe_clr(self, value):
        self.change(0x30, self.values.get(0x30, 0) & ~value)

    def write_oe_xor(self, value):
        self.change(0x30, self.values.get(0x30, 0) ^ value)


class Dma(Registers):
    """Channel 0, bytes of a FIFO into a ring of memory; the others are only kept."""

    NAMES = {0x08: "trans_count", 0x0C: "ctrl_trig", 0x10: "al1_ctrl", 0x464: "chan_abort"}
    EN, BUSY = 1, 1 << 26
    PIO0_RX0 = 4

    def __init__(self, core):
        super().__init__(core)
        self.left = 0
        self.bytes = 0

    def read_trans_count(self):
        return self.left

    def write_trans_count(self, value):
        self.values[0x08] = value

    def write_al1_ctrl(self, value):
        self.values[0x0C] = value

    def write_chan_abort(self, value):
        if value & 1:
            if self.values.get(0x0C, 0) & self.EN:
                self.core.faults.append("DMA channel 0 is aborted while it is on (erratum E5)")
            self.left = 0

    def write_ctrl_trig(self, value):
        self.values[0x0C] = value
        if not value & self.EN:
            return
        self.left = self.values.get(0x08, 0) & 0x0FFF_FFFF
        self.check(value)

    def check(self, value):
        read, write = self.values.get(0x00, 0), self.values.get(0x04, 0)
        ring = 1 << (value >> 8 & 15)
        wrong = []
        if value >> 17 & 63 != self.PIO0_RX0:
            wrong.append("its requests are not those of PIO0's first FIFO")
        if read != Pio.ORIGIN + 0x20 + 3 or value >> 2 & 3 != 0 or value >> 4 & 1:
            wrong.append("it does not read the highest byte of the FIFO")
        if not value >> 6 & 1 or not value >> 12 & 1 or ring == 1:
            wrong.append("it does not write round a ring")
        if write % ring:
            wrong.append(f"its ring of {ring} bytes is not aligned: {write:#x}")
        if not 0x2000_0000 <= write <= write + ring <= 0x2008_2000:
            wrong.append(f"there is no RAM at {write:#x}, or not {ring} bytes")
        if value >> 13 & 15 != 0:
            wrong.append("it is chained to another channel")
        if self.values.get(0x08, 0) >> 28:
            wrong.append("it does not end")
        self.core.faults += [f"DMA channel 0: {what}" for what in wrong]

    def take(self, data):
        """Writes bytes; returns those that there was no room for."""
        control = self.values.get(0x0C, 0)
        if not control & self.EN:
            return data
        ring = 1 << (control >> 8 & 15)
        taken, rest = data[: self.left], data[self.left :]
        self.left -= len(taken)
        while taken:
            at = self.values[0x04]
            count = min(len(taken), ring - at % ring)
            self.core.uc.mem_write(at, taken[:count])
            self.bytes += count
            at += count
            self.values[0x04] = at - ring if at % ring == 0 else at
            taken = taken[count:]
        return rest


class Pio(Registers):
    """State machine 0 of PIO0, without side-set and outputs."""

    ORIGIN = 0x5020_0000
    NAMES = {
        0x00: "ctrl", 0x04: "fstat", 0x08: "fdebug", 0x0C: "flevel", 0x10: "txf0", 0x30: "irq",
        0xD0: "sm0_shiftctrl", 0xD4: "sm0_addr", 0xD8: "sm0_instr",
    }

    def __init__(self, core):
        super().__init__(core)
        self.pc = self.x = self.y = self.osr = 0
        self.delay, self.waits_for = 0, None
        self.acc, self.acc_bits = 0, 0
        self.tx, self.rx, self.flags, self.has_stalled = [], 0, 0, False
        self.stall_seen = False
        self.shapes = {}
        self.quarters = 0

    def is_enabled(self):
        return self.values.get(0, 0) & 1

    def write_ctrl(self, value):
        self.values[0] = value & 0xF
        if value >> 4 & 1:
            self.delay, self.waits_for, self.acc, self.acc_bits = 0, None, 0, 0
            self.is_stuck = False

    is_stuck = False

    def read_fstat(self):
        return (1 << 8 if not self.rx else 0) | (1 << 24 if not self.tx else 0) | 0x0E00_0E00

    def read_fdebug(self):
        return int(self.stall_seen)

    def write_fdebug(self, value):
        if value & 1:
            self.stall_seen = False

    def read_flevel(self):
        return self.rx << 4 | len(self.tx)

    def write_txf0(self, value):
        if self.values.get(0xD0, 0) >> 31:
            self.core.faults.append("PIO: a FIFO that is all for receiving is sent to")
        self.tx.append(value)

    def write_sm0_shiftctrl(self, value):
        # Joining FIFOs empties them.
        if (value ^ self.values.get(0xD0, 0)) >> 30:
            self.tx, self.rx = [], 0
        self.values[0xD0] = value

    def read_irq(self):
        return self.flags

    def write_irq(self, value):
        self.flags &= ~value

    def read_sm0_addr(self):
        return self.pc

    def write_sm0_instr(self, value):
        kept = self.pc
        self.execute(value, 0, [])
        if value >> 13 != 0:
            self.pc = kept

    def state(self):
        return (self.pc, self.x, self.y, self.delay, self.waits_for)

    def step(self, pins, bits, bit):
        """One cycle; `pins` are all GPIOs, and a bit that is taken is number `bit`."""
        if self.delay:
            self.delay -= 1
            return
        if self.waits_for is not None:
            if self.flags >> self.waits_for & 1:
                return
            self.waits_for = None
            self.pc = self.after(self.pc)
            return
        word = self.values.get(0x48 + 4 * self.pc, 0)
        self.execute(word, pins, bits, bit)

    def after(self, pc):
        control = self.values.get(0xCC, 0)
        return control >> 7 & 31 if pc == control >> 12 & 31 else (pc + 1) % 32

    def execute(self, word, pins, bits, bit=0):
        kind, what, index = word >> 13, word >> 5 & 7, word & 31
        base = self.values.get(0xDC, 0) >> 15 & 31
        count = self.values.get(0xD0, 0) & 31 or 32
        seen = pins >> base & ((1 << count) - 1)
        then = self.after(self.pc)
        if kind == 0:
            jumps = {
                0: True, 1: self.x == 0, 2: self.x != 0, 3: self.y == 0, 4: self.y != 0,
                5: self.x != self.y, 6: pins >> (self.values.get(0xCC, 0) >> 24 & 31) & 1,
            }[what]
            if what == 2:
                self.x = (self.x - 1) & 0xFFFF_FFFF
            elif what == 4:
                self.y = (self.y - 1) & 0xFFFF_FFFF
            then = index if jumps else then
        elif kind == 1:
            if what & 3:
                raise NotImplementedError("only gpio is waited for")
            if pins >> index & 1 != what >> 2:
                return
        elif kind == 2 and what == 0 and index == 1:
            bits.append(bit)
        elif kind == 4 and what & 4:
            self.osr = self.tx.pop(0)
        elif kind == 5 and what >> 0 in (1, 2, 5):
            source = {0: seen, 1: self.x, 2: self.y, 7: self.osr}[index & 7]
            if what == 1:
                self.x = source
            elif what == 2:
                self.y = source
            else:
                then = source & 31
        elif kind == 6 and not what & 2:
            self.flags |= 1 << index
            if what & 1:
                self.waits_for = index
                then = self.pc
        else:
            raise NotImplementedError(f"PIO: {word:#06x}")
        self.pc = then
        self.delay = word >> 8 & 31

    # What a camera sends.

    def levels(self, vsync):
        for _ in range(40):
            self.step(vsync << VSYNC, [], 0)

    def receive(self, data, count, quarter_cycles, is_gated):
        """Takes a line of `count` bits, each of `quarter_cycles` / 4 cycles."""
        if self.is_stuck:
            return
        # A register that is far from zero counts down as another would.
        far = self.y if self.y > 2 * count else 0
        self.y -= far and far - 0x7000_0000
        key = (self.state(), self.flags, count, quarter_cycles, is_gated)
        if key not in self.shapes:
            taken = []
            quarters = 0
            for period in range(count + 52 * 8):
                href = period < count
                quarters += quarter_cycles
                cycles, quarters = divmod(quarters, 4)
                for cycle in range(cycles):
                    clock = cycle >= cycles // 2 and (href or not is_gated)
                    pins = clock << PCLK | href << HREF | 1 << VSYNC
                    self.step(pins, taken, period)
                if not href and period > count + 8 and is_gated:
                    break
            self.shapes[key] = (taken, self.state(), self.flags)
        taken, state, self.flags = self.shapes[key]
        self.pc, self.x, self.y, self.delay, self.waits_for = state
        if far and self.y > count:
            self.y += far - 0x7000_0000
        self.push(data, taken)

    def push(self, data, taken):
        value = int.from_bytes(data, "little")
        if taken == list(range(len(taken))):
            bits, count = value & ((1 << len(taken)) - 1), len(taken)
        else:
            bits, count = 0, len(taken)
            for place, bit in enumerate(taken):
                bits |= (value >> bit & 1) << place
        self.acc |= bits << self.acc_bits
        self.acc_bits += count
        whole = self.acc_bits // 8
        pushed = (self.acc & ((1 << (8 * whole)) - 1)).to_bytes(whole, "little")
        self.acc >>= 8 * whole
        self.acc_bits -= 8 * whole
        rest = self.core.dma.take(pushed)
        depth = 8 if self.values.get(0xD0, 0) >> 31 else 4
        self.rx = min(self.rx + len(rest), depth)
        if len(rest) > depth:
            self.stall_seen = self.is_stuck = True


class Chip(Core):
    """The chip with an HM01B0 on the pins of docs/boards/pico2.md."""

    NAME = "pico2"

    def __init__(self, elf, model, camera=None):
        super().__init__(elf, model, 150_000_000, arm_const.UC_CPU_ARM_CORTEX_M33)
        self.camera = camera
        self.map_flash(0x1000_0000, 0x40_0000, 0x1020_0000)
        self.map_ram(0x2000_0000, 0x8_2000)
        self.sio, self.dma, self.pio, self.clocks = Sio(self), Dma(self), Pio(self), Clocks(self)
        self.io = Registers(self)
        self.known = {
            0x4002_0000: Resets(self), 0x4001_0000: self.clocks, 0x4004_8000: Stable(self),
            0x4005_0000: Stable(self), 0x4005_8000: Stable(self), 0x400E_8000: Stable(self),
            0x5000_0000: self.dma, Pio.ORIGIN: self.pio, 0x4002_8000: self.io,
        }
        self.others = Registers(self)
        self.map_registers(0x4000_0000, 0x20_0000, Aliased(self, 0x4000_0000))
        self.map_registers(0x5000_0000, 0x100_0000, Aliased(self, 0x5000_0000))
        self.map_registers(0xD000_0000, 0x4_0000, self.sio)
        if camera:
            camera.now = self.seconds
            camera.board_clock_hz = self.mclk_hz
            self.next_line = 0
            self.ticking.append(self.move_camera)
        self.start()

    def mclk_hz(self):
        is_output = self.io.values.get(8 * MCLK + 4, 0x1F) & 31 == 9
        return self.clocks.gpout0_hz() if is_output else 0

    def bus_level(self, pin):
        if not self.camera:
            return 1
        bus, host = self.camera.bus, not self.sio.drives_low(pin)
        return int(bus.level_scl(host) if pin == SCL else bus.level_sda(host))

    def move_bus(self):
        if self.camera:
            self.camera.bus.set(not self.sio.drives_low(SCL), not self.sio.drives_low(SDA))

    def move_camera(self):
        if self.now < self.next_line:
            return
        for event in self.camera.events(self.seconds()):
            if self.pio.is_enabled():
                self.receive(event)
        self.next_line = self.camera.next_at() * self.hz

    def receive(self, event):
        if event[0] == "rise":
            self.pio.levels(0)
            self.pio.levels(1)
        elif event[0] == "fall":
            self.pio.levels(0)
        else:
            line = event[1]()
            if line and self.camera.is_serial():
                self.something_came()
                quarters = 4 * self.hz // self.camera.clock_hz()
                self.pio.receive(*line, quarters, self.camera.is_gated())


class Aliased:
    """Blocks with their copies that flip, set and clear bits."""

    def __init__(self, core, origin):
        self.core, self.origin = core, origin

    def find(self, offset):
        address = self.origin + offset
        plain = address & ~0x3000
        block = self.core.known.get(plain & ~0xFFF)
        return (block, plain & 0xFFF) if block else (self.core.others, plain)

    def read(self, offset):
        block, at = self.find(offset)
        return block.read(at)

    def write(self, offset, value):
        block, at = self.find(offset)
        change = offset >> 12 & 3
        if change:
            kept = block.read(at)
            value = [None, kept ^ value, kept | value, kept & ~value][change]
        block.write(at, value)

    def write_part(self, offset, size, value):
        # A part of a word is written to all of it.
        whole = value * (0x0101_0101 if size == 1 else 0x1_0001)
        self.write(offset & ~3, whole & 0xFFFF_FFFF)
