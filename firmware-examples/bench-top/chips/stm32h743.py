"""ST's STM32H743, as far as the programs use it (RM0433; names are the manual's)."""

from cortex_m import Core, Fault, Registers

HSI_HZ = 64_000_000
PERIPHERALS = 0x4000_0000

DCMI_IRQ, DMA1_STREAM0_IRQ = 78, 11


class Rcc(Registers):
    NAMES = {0x00: "cr", 0x10: "cfgr", 0x74: "csr", 0x84: "ahb2rstr"}

    def __init__(self, core):
        super().__init__(core)
        self.values[0x00] = 1
        self.dcmi_was_reset = False

    def read_cr(self):
        on = self.values[0x00]
        ready = 0
        for switch, flag in ((0, 2), (7, 8), (12, 13), (16, 17), (24, 25), (26, 27), (28, 29)):
            ready |= (on >> switch & 1) << flag
        # D1CKRDY, D2CKRDY, HSIDIVF.
        return on | ready | 1 << 14 | 1 << 15 | 1 << 5

    def read_cfgr(self):
        value = self.values.get(0x10, 0)
        return value & ~0x38 | (value & 7) << 3

    def read_csr(self):
        value = self.values.get(0x74, 0)
        return value | (value & 1) << 1

    def read(self, offset):
        self.core.dcmi.is_ready = True
        return super().read(offset)

    def write_ahb2rstr(self, value):
        if value & 1:
            self.core.dcmi.reset()
        elif self.values.get(0x84, 0) & 1:
            # Two buses: without a read back the next write may come too early.
            self.core.dcmi.is_ready = False
        self.values[0x84] = value

    def mco1_hz(self):
        """Returns what PA8 has, if its pin is the clock's output."""
        if not self.core.gpio[0].has_function(8, 0):
            return 0
        value = self.values.get(0x10, 0)
        divider = value >> 18 & 15
        return HSI_HZ / divider if divider and value >> 22 & 7 == 0 else 0


class Pwr(Registers):
    NAMES = {0x04: "csr1", 0x18: "d3cr"}

    def read_csr1(self):
        return 1 << 13

    def read_d3cr(self):
        return self.values.get(0x18, 0x4000) | 1 << 13


class Gpio(Registers):
    NAMES = {0x10: "idr", 0x18: "bsrr", 0x14: "odr"}

    def __init__(self, core, port):
        super().__init__(core)
        self.port = port

    def has_function(self, pin, function):
        mode = self.values.get(0x00, 0) >> 2 * pin & 3
        selected = self.values.get(0x20 + 4 * (pin // 8), 0) >> 4 * (pin % 8) & 15
        return mode == 2 and selected == function

    def drives_low(self, pin):
        is_output = self.values.get(0x00, 0) >> 2 * pin & 3 == 1
        return is_output and not self.values.get(0x14, 0) >> pin & 1

    def write_odr(self, value):
        self.values[0x14] = value
        self.core.move_bus()

    def write_bsrr(self, value):
        kept = self.values.get(0x14, 0)
        self.values[0x14] = kept & ~(value >> 16) | value & 0xFFFF
        self.core.move_bus()

    def read_idr(self):
        levels = 0xFFFF & ~sum(1 << pin for pin in range(16) if self.drives_low(pin))
        return levels & ~self.core.lows_of(self.port)

    def write(self, offset, value):
        super().write(offset, value)
        if offset == 0x00:
            self.core.move_bus()


class Dma1(Registers):
    """Stream 0, peripheral to memory; the others are only kept."""

    NAMES = {0x00: "lisr", 0x08: "lifcr", 0x10: "s0cr", 0x14: "s0ndtr"}
    TCIF, HTIF = 1 << 5, 1 << 4

    def __init__(self, core):
        super().__init__(core)
        self.flags = 0
        self.left = self.reload = self.at = 0
        self.laps = self.words = 0

    def is_on(self):
        return self.values.get(0x10, 0) & 1 == 1

    def read_lisr(self):
        return self.flags

    def write_lifcr(self, value):
        self.flags &= ~value
        self.interrupt()

    def read_s0ndtr(self):
        return self.left

    def write_s0ndtr(self, value):
        if not self.is_on():
            self.left = self.reload = value & 0xFFFF

    def write_s0cr(self, value):
        starts = value & 1 and not self.is_on()
        self.values[0x10] = value
        if starts:
            self.at = 0
            self.check(value)

    def check(self, value):
        """What has to hold when a stream starts; no compiler sees it."""
        core = self.core
        memory, length = self.values.get(0x1C, 0), 4 * self.reload
        wrong = []
        if core.dmamux.values.get(0, 0) & 0x7F != 75:
            wrong.append("its requests are not DCMI's, 75")
        if self.values.get(0x18, 0) != Dcmi.ORIGIN + 0x28:
            wrong.append("it does not read DCMI's data register")
        if not 0x2400_0000 <= memory <= memory + length <= 0x2408_0000:
            wrong.append(f"DMA1 does not reach {memory:#x}, or not {length} bytes from there")
        if value >> 6 & 3 != 0 or value >> 11 & 3 != 2 or value >> 13 & 3 != 2:
            wrong.append("it does not carry words from the camera to memory")
        if not value >> 10 & 1 or memory % 4 or not self.reload:
            wrong.append("its memory is not a row of aligned words")
        if any(core.system.is_cached(at) for at in range(memory, memory + length, 4096)):
            wrong.append("the core's data cache covers what it writes")
        core.faults += [f"DMA1 stream 0: {what}" for what in wrong]

    def take(self, data):
        """Writes whole words; returns how many bytes there was no room for."""
        while data and self.is_on() and self.left:
            count = min(len(data), 4 * self.left)
            base = self.values[0x1C]
            self.core.uc.mem_write(base + self.at, bytes(data[:count]))
            self.at += count
            self.left -= count // 4
            self.words += count // 4
            data = data[count:]
            if self.left == 0:
                self.flags |= self.TCIF
                if self.values[0x10] >> 8 & 1:
                    self.laps += 1
                    self.left, self.at = self.reload, 0
                else:
                    self.values[0x10] &= ~1
                self.interrupt()
        return len(data)

    def interrupt(self):
        wants = self.values.get(0x10, 0) >> 4 & 1 and self.flags & self.TCIF
        self.core.raise_interrupt(DMA1_STREAM0_IRQ, bool(wants))


class Dcmi(Registers):
    """Eight bits, snapshots, with and without a crop window."""

    ORIGIN = 0x4802_0000
    NAMES = {0x00: "cr", 0x04: "sr", 0x08: "ris", 0x10: "mis", 0x14: "icr"}
    CAPTURE, CM, CROP, PCKPOL, HSPOL, VSPOL, ENABLE = 1, 2, 4, 32, 64, 128, 1 << 14
    FRAME, OVR = 1, 2
    FIFO_BYTES = 16

    def __init__(self, core):
        super().__init__(core)
        self.is_ready = True
        self.reset()

    def reset(self):
        self.values.clear()
        self.flags, self.is_capturing, self.part, self.line = 0, False, b"", 0

    def read(self, offset):
        self.is_ready = True
        return super().read(offset)

    def write(self, offset, value):
        if not self.is_ready:
            # The first write after a reset, without a read of either block, is lost.
            self.is_ready = True
            return
        super().write(offset, value)

    def read_ris(self):
        return self.flags

    def read_mis(self):
        return self.flags & self.values.get(0x0C, 0)

    def write_icr(self, value):
        self.flags &= ~value

    def has_right_levels(self):
        """Whether data count while HREF is high and VSYNC low, at the rising edge."""
        wanted = self.PCKPOL | (self.VSPOL if self.core.camera.vsync_is_high_without_data() else 0)
        return self.values.get(0, 0) & (self.PCKPOL | self.HSPOL | self.VSPOL) == wanted

    def event(self, event):
        control = self.values.get(0, 0)
        if not control & self.ENABLE or not self.has_right_levels():
            return
        if event[0] == "vsync":
            if self.is_capturing:
                self.end()
        elif event[0] == "start":
            if control & self.CAPTURE:
                self.is_capturing, self.part, self.line = True, b"", 0
        elif self.is_capturing:
            line = event[1]()
            if line:
                self.take(line, control)

    def end(self):
        self.flags |= self.FRAME
        self.is_capturing = False
        if self.values.get(0, 0) & self.CM:
            self.values[0] &= ~self.CAPTURE

    def take(self, line, control):
        last = None
        if control & self.CROP:
            start, size = self.values.get(0x20, 0), self.values.get(0x24, 0)
            first, count = start & 0x3FFF, (size & 0x3FFF) + 1
            top, lines = start >> 16 & 0x1FFF, (size >> 16 & 0x3FFF) + 1
            last = top + lines - 1
            line = line[first : first + count] if top <= self.line <= last else b""
        self.core.something_came()
        data = self.part + line
        whole = len(data) // 4 * 4
        self.part = data[whole:]
        if self.core.dma1.take(data[:whole]) > self.FIFO_BYTES:
            self.flags |= self.OVR
        if self.line == last:
            self.end()
        self.line += 1


class Chip(Core):
    """The chip with an OV7670 on the pins of docs/boards/nucleo-h743zi.md."""

    NAME = "nucleo-h743zi"
    SCL, SDA = 8, 9

    def __init__(self, elf, model, camera=None, has_clock=True):
        super().__init__(elf, model, hz=480_000_000)
        self.camera = camera
        self.map_flash(0x0800_0000, 0x20_0000, 0x0810_0000)
        for origin, length in ((0, 0x1_0000), (0x2000_0000, 0x2_0000), (0x2400_0000, 0x8_0000)):
            self.map_ram(origin, length)
        self.rcc, self.dcmi, self.dma1 = Rcc(self), Dcmi(self), Dma1(self)
        self.gpio = [Gpio(self, port) for port in range(11)]
        self.dmamux = Registers(self)
        self.known = {
            0x5802_4400: self.rcc, 0x5802_4800: Pwr(self), Dcmi.ORIGIN: self.dcmi,
            0x4002_0000: self.dma1, 0x4002_0800: self.dmamux,
            **{0x5802_0000 + 0x400 * n: gpio for n, gpio in enumerate(self.gpio)},
        }
        self.others = Registers(self)
        for origin, length in (
            (0x4000_0000, 0x0803_0000), (0x5000_0000, 0x0C00_0000), (0x5C00_0000, 0x2000),
        ):
            self.map_registers(origin, length, Space(self, origin))
        if camera:
            camera.now = self.seconds
            camera.clock_hz = self.rcc.mco1_hz if has_clock else lambda: 0
            self.next_line = 0
            self.ticking.append(self.move_camera)
        self.start()

    def lows_of(self, port):
        """Pins that something else than the chip holds low."""
        if port != 1 or not self.camera:
            return 0
        bus, gpio = self.camera.bus, self.gpio[1]
        low = 0
        if not bus.level_scl(not gpio.drives_low(self.SCL)):
            low |= 1 << self.SCL
        if not bus.level_sda(not gpio.drives_low(self.SDA)):
            low |= 1 << self.SDA
        return low

    def move_bus(self):
        if self.camera:
            gpio = self.gpio[1]
            self.camera.bus.set(not gpio.drives_low(self.SCL), not gpio.drives_low(self.SDA))

    def move_camera(self):
        if self.now < self.next_line:
            return
        for event in self.camera.events(self.seconds()):
            self.dcmi.event(event)
        self.next_line = self.camera.next_at() * self.hz

    def level_interrupts(self):
        self.dma1.interrupt()
        self.tick()


class Space:
    """The chip's address space: blocks of 1 KiB and what is only kept."""

    def __init__(self, core, origin):
        self.core, self.origin = core, origin

    def find(self, offset):
        address = self.origin + offset
        block = self.core.known.get(address & ~0x3FF)
        return (block, address & 0x3FF) if block else (self.core.others, address)

    def read(self, offset):
        block, at = self.find(offset)
        return block.read(at)

    def write(self, offset, value):
        block, at = self.find(offset)
        block.write(at, value)

    def write_part(self, offset, size, value):
        block, at = self.find(offset)
        shift = 8 * (at & 3)
        mask = ((1 << (8 * size)) - 1) << shift
        block.write(at & ~3, block.read(at & ~3) & ~mask | value << shift)


__all__ = ["Chip", "Fault"]
