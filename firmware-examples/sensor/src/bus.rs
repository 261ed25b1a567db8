//! Registers of an image sensor, over I2C or what is nearly that.

use embedded_hal::delay::DelayNs;
use embedded_hal::i2c::{Error, ErrorKind, I2c};

use crate::CameraError;

/// How many bytes the number of a register has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One, as `OmniVision`'s SCCB has it.
    One,
    /// Two, the high one first.
    Two,
}

/// How often a chip is asked what it is, and how long it has between: the most
/// careful of public drivers give a sensor 300 ms from its first clock, but for one.
const PROBES: u32 = 30;
const PROBE_MS: u32 = 10;

/// A sensor's registers, each of one byte.
///
/// A register is read in two transfers with a stop between: SCCB has no repeated
/// start (`OmniVision`, SCCB Functional Specification 2.2, 2007).
#[derive(Debug)]
pub struct Bus<I> {
    i2c: I,
    address: u8,
    width: Width,
    /// Pins that an answer depends on.
    wiring: &'static str,
}

impl<I: I2c> Bus<I> {
    /// Returns the registers of the sensor with that address, of seven bits;
    /// `wiring` names the pins to look at where it does not answer.
    pub const fn new(i2c: I, address: u8, width: Width, wiring: &'static str) -> Self {
        Self { i2c, address, width, wiring }
    }

    /// Waits until the chip says in two registers what it is.
    ///
    /// # Errors
    ///
    /// Returns an error where nothing answers, or it is not `expected`.
    pub fn probe(
        &mut self,
        registers: [u16; 2],
        expected: u16,
        delay: &mut impl DelayNs,
    ) -> Result<(), CameraError> {
        let mut asked = 1;
        let got = loop {
            let [high, low] = registers.map(|register| self.get(register));
            match (high, low) {
                (Ok(high), Ok(low)) => break u16::from_be_bytes([high, low]),
                (Err(ErrorKind::Bus), _) | (_, Err(ErrorKind::Bus)) => {
                    return Err(CameraError::BusIsStuck { wiring: self.wiring });
                }
                _ if asked >= PROBES => {
                    let Self { address, wiring, .. } = *self;
                    return Err(CameraError::NoAnswer { address, wiring });
                }
                _ => {}
            }
            asked += 1;
            delay.delay_ms(PROBE_MS);
        };
        if got == expected { Ok(()) } else { Err(CameraError::OtherChip { expected, got }) }
    }

    /// Reads a register.
    ///
    /// # Errors
    ///
    /// Returns an error where the chip does not answer.
    pub fn read(&mut self, register: u16) -> Result<u8, CameraError> {
        self.get(register).map_err(|kind| self.refused(register, kind))
    }

    /// Writes registers, in order.
    ///
    /// # Errors
    ///
    /// Returns an error where the chip does not take one.
    pub fn write(&mut self, registers: &[(u16, u8)]) -> Result<(), CameraError> {
        for &(register, value) in registers {
            let [high, low] = register.to_be_bytes();
            let sent = match self.width {
                Width::One => self.i2c.write(self.address, &[low, value]),
                Width::Two => self.i2c.write(self.address, &[high, low, value]),
            };
            sent.map_err(|error| self.refused(register, error.kind()))?;
        }
        Ok(())
    }

    fn refused(&self, register: u16, kind: ErrorKind) -> CameraError {
        match kind {
            ErrorKind::Bus => CameraError::BusIsStuck { wiring: self.wiring },
            _ => CameraError::Refused { register },
        }
    }

    fn get(&mut self, register: u16) -> Result<u8, ErrorKind> {
        let [high, low] = register.to_be_bytes();
        let asked = match self.width {
            Width::One => self.i2c.write(self.address, &[low]),
            Width::Two => self.i2c.write(self.address, &[high, low]),
        };
        let mut value = [0];
        let answered = asked.and_then(|()| self.i2c.read(self.address, &mut value));
        answered.map_err(|error| error.kind())?;
        let [value] = value;
        Ok(value)
    }
}
