//! A bus with one chip.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::{ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

use crate::port::Clock;

/// A delay that takes no time.
pub struct NoDelay;

impl DelayNs for NoDelay {
    fn delay_ns(&mut self, _: u32) {}
}

/// A chip with registers, some of which decide how long its lines last.
pub struct Chip {
    address: u8,
    /// Bytes of a register's number.
    width: usize,
    registers: Rc<RefCell<BTreeMap<u16, u8>>>,
    selected: u16,
    /// Transfers that it does not answer at first, and that it answers then.
    asleep: usize,
    answers: usize,
    stuck: Option<u16>,
    clock: Rc<Clock>,
}

impl Chip {
    pub fn ov7670(clock: &Rc<Clock>) -> Self {
        Self::new(clock, 0x21, 1).with(0x0a, 0x76).with(0x0b, 0x73)
    }

    pub fn hm01b0(clock: &Rc<Clock>) -> Self {
        Self::new(clock, 0x24, 2).with(0, 0x01).with(1, 0xb0).with(0x0100, 0)
    }

    fn new(clock: &Rc<Clock>, address: u8, width: usize) -> Self {
        Self {
            address,
            width,
            registers: Rc::default(),
            selected: 0,
            asleep: 0,
            answers: usize::MAX,
            stuck: None,
            clock: clock.clone(),
        }
    }

    pub fn with(self, register: u16, value: u8) -> Self {
        self.registers.borrow_mut().insert(register, value);
        self
    }

    pub fn stuck_at(self, register: u16, value: u8) -> Self {
        Self { stuck: Some(register), ..self.with(register, value) }
    }

    pub fn silent(self) -> Self {
        self.answering(0)
    }

    pub fn answering(self, answers: usize) -> Self {
        Self { answers, ..self }
    }

    pub fn asleep(self, asleep: usize) -> Self {
        Self { asleep, ..self }
    }

    pub fn registers(&self) -> Rc<RefCell<BTreeMap<u16, u8>>> {
        self.registers.clone()
    }

    fn write(&mut self, bytes: &[u8]) {
        let (number, values) = bytes.split_at(self.width);
        self.selected = number.iter().fold(0, |all, byte| all << 8 | u16::from(*byte));
        if let [value] = values {
            if self.stuck != Some(self.selected) {
                self.registers.borrow_mut().insert(self.selected, *value);
            }
            let registers = self.registers.borrow();
            let clocks = |high, low| {
                Some(usize::from(u16::from_be_bytes([
                    *registers.get(&high)?,
                    *registers.get(&low)?,
                ])))
            };
            if let Some(clocks) = clocks(0x0342, 0x0343) {
                self.clock.set_line_ticks(clocks);
            }
        }
    }
}

impl ErrorType for Chip {
    type Error = ErrorKind;
}

impl I2c for Chip {
    fn transaction(
        &mut self,
        address: u8,
        operations: &mut [Operation<'_>],
    ) -> Result<(), ErrorKind> {
        // SCCB has no repeated start.
        let [operation] = operations else { return Err(ErrorKind::Bus) };
        let is_asleep = self.asleep > 0;
        self.asleep = self.asleep.saturating_sub(1);
        if address != self.address || is_asleep || self.answers == 0 {
            return Err(ErrorKind::NoAcknowledge(NoAcknowledgeSource::Address));
        }
        self.answers -= 1;
        match operation {
            Operation::Write(bytes) => self.write(bytes),
            Operation::Read([value]) => {
                let registers = self.registers.borrow();
                *value = *registers.get(&self.selected).ok_or(ErrorKind::Other)?;
            }
            Operation::Read(_) => return Err(ErrorKind::Other),
        }
        Ok(())
    }
}
