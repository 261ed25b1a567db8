//! I2C on two pins, with a chip that follows them bit by bit.

use std::cell::RefCell;
use std::convert::Infallible;
use std::rc::Rc;

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{ErrorType, InputPin, OutputPin};
use embedded_hal::i2c::{ErrorKind, I2c, NoAcknowledgeSource};
use sensor::{TwoWire, TwoWireError};

const ADDRESS: u8 = 0x21;

/// A chip with 256 registers, and the two lines.
#[derive(Default)]
struct Chip {
    /// Levels that the host leaves; a line is high where nobody pulls it.
    scl: bool,
    sda: bool,
    /// Whether the chip pulls SDA, and somebody else either line.
    pulls_sda: bool,
    stuck_scl: bool,
    stuck_sda: bool,
    /// Clocks after which it lets go of SDA, which it holds in the middle of a byte.
    held_for: usize,
    /// Falls of SCL in the transfer.
    bits: Vec<bool>,
    is_addressed: bool,
    is_read: bool,
    selected: u8,
    registers: Vec<u8>,
    starts: usize,
    stops: usize,
    us: u64,
}

impl Chip {
    fn level_sda(&self) -> bool {
        self.sda && !self.pulls_sda && !self.stuck_sda && self.held_for == 0
    }

    fn set(&mut self, scl: bool, sda: bool) {
        let (before_scl, before_sda) = (self.scl, self.sda);
        if before_scl && scl && before_sda != sda {
            if sda {
                self.stops += 1;
            } else {
                self.starts += 1;
                self.bits.clear();
            }
            self.pulls_sda = false;
            self.is_addressed = !sda;
        }
        (self.scl, self.sda) = (scl, sda);
        if !before_scl && scl && self.is_addressed {
            self.bits.push(self.level_sda());
        }
        if before_scl && !scl {
            self.held_for = self.held_for.saturating_sub(1);
            self.fall();
        }
    }

    /// What the chip does at the fall of SCL.
    fn fall(&mut self) {
        self.pulls_sda = false;
        if !self.is_addressed {
            return;
        }
        let (byte_at, bit) = (self.bits.len() / 9, self.bits.len() % 9);
        let byte = |at: usize| {
            self.bits[9 * at..9 * at + 8].iter().fold(0, |all, bit| all << 1 | u8::from(*bit))
        };
        let sends = byte_at > 0 && self.is_read;
        if bit == 8 && byte_at == 0 {
            self.is_read = byte(0) & 1 == 1;
            self.is_addressed = byte(0) >> 1 == ADDRESS;
            self.pulls_sda = self.is_addressed;
        } else if bit == 8 && !sends {
            let value = byte(byte_at);
            if byte_at == 1 {
                self.selected = value;
            } else {
                self.registers[usize::from(self.selected)] = value;
            }
            self.pulls_sda = true;
        } else if sends && bit < 8 {
            self.pulls_sda = self.registers[usize::from(self.selected)] >> (7 - bit) & 1 == 0;
        }
    }
}

#[derive(Clone)]
struct Pin(Rc<RefCell<Chip>>, bool);

impl ErrorType for Pin {
    type Error = Infallible;
}

impl OutputPin for Pin {
    fn set_low(&mut self) -> Result<(), Infallible> {
        let (scl, sda) = (self.0.borrow().scl, self.0.borrow().sda);
        let levels = if self.1 { (false, sda) } else { (scl, false) };
        self.0.borrow_mut().set(levels.0, levels.1);
        Ok(())
    }

    fn set_high(&mut self) -> Result<(), Infallible> {
        let (scl, sda) = (self.0.borrow().scl, self.0.borrow().sda);
        let levels = if self.1 { (true, sda) } else { (scl, true) };
        self.0.borrow_mut().set(levels.0, levels.1);
        Ok(())
    }
}

impl InputPin for Pin {
    fn is_high(&mut self) -> Result<bool, Infallible> {
        let chip = self.0.borrow();
        Ok(if self.1 { chip.scl && !chip.stuck_scl } else { chip.level_sda() })
    }

    fn is_low(&mut self) -> Result<bool, Infallible> {
        self.is_high().map(|is_high| !is_high)
    }
}

struct Time(Rc<RefCell<Chip>>);

impl DelayNs for Time {
    fn delay_ns(&mut self, ns: u32) {
        self.0.borrow_mut().us += u64::from(ns / 1000);
    }
}

type Bus = TwoWire<Pin, Pin, Time>;

fn bus(chip: Chip) -> (Bus, Rc<RefCell<Chip>>) {
    let chip = Chip { scl: true, sda: true, registers: vec![0; 256], ..chip };
    let chip = Rc::new(RefCell::new(chip));
    let [scl, sda] = [true, false].map(|is_scl| Pin(chip.clone(), is_scl));
    (TwoWire::new((scl, "SCL"), (sda, "SDA"), Time(chip.clone())), chip)
}

#[test]
fn registers_are_written_and_read() {
    let (mut bus, chip) = bus(Chip::default());
    bus.free().expect("nobody holds it");
    for value in [0x00, 0xff, 0x5a, 0xa5, 0x80, 0x01] {
        bus.write(ADDRESS, &[0x11, value]).expect("it is taken");
        assert_eq!(chip.borrow().registers[0x11], value);
        bus.write(ADDRESS, &[0x11]).expect("it is taken");
        let mut got = [0];
        bus.read(ADDRESS, &mut got).expect("it answers");
        assert_eq!(got, [value]);
    }
    // One each for a transfer, one stop that freed the bus, and 50 kHz at most.
    let chip = chip.borrow();
    assert_eq!((chip.starts, chip.stops), (18, 18 + 1));
    assert!(chip.us > 6 * (27 + 18 + 18) * 20);
}

#[test]
fn another_address_is_not_acknowledged() {
    let (mut bus, chip) = bus(Chip::default());
    let silence = TwoWireError::NoAcknowledge(NoAcknowledgeSource::Address);
    assert_eq!(bus.write(0x24, &[1, 2]), Err(silence));
    assert_eq!(chip.borrow().stops, 1);
    assert_eq!(bus.write(ADDRESS, &[1, 2]), Ok(()));
}

#[test]
fn a_chip_in_the_middle_of_a_byte_is_clocked_free() {
    for held_for in 1..=9 {
        let (mut bus, chip) = bus(Chip { held_for, ..Chip::default() });
        bus.free().expect("nine clocks are enough");
        assert_eq!(chip.borrow().held_for, 0);
        // In the middle of a run too.
        chip.borrow_mut().held_for = held_for;
        assert_eq!(bus.write(ADDRESS, &[7, held_for as u8]), Ok(()), "{held_for}");
        assert_eq!(chip.borrow().registers[7], held_for as u8);
    }
}

#[test]
fn a_line_that_stays_low_is_named_within_milliseconds() {
    for (line, stuck_scl) in [("SCL", true), ("SDA", false)] {
        let stuck = Chip { stuck_scl, stuck_sda: !stuck_scl, ..Chip::default() };
        let (mut bus, chip) = bus(stuck);
        assert_eq!(bus.free(), Err(TwoWireError::Low { line }));
        let error = bus.write(ADDRESS, &[1, 2]).expect_err("it is stuck");
        assert_eq!(error, TwoWireError::Low { line });
        assert_eq!(embedded_hal::i2c::Error::kind(&error), ErrorKind::Bus);
        assert!(chip.borrow().us < 20_000, "{}", chip.borrow().us);
    }
}
