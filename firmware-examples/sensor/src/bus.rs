//! Registers of an image sensor, over I2C or what is nearly that.

use embedded_hal::i2c::I2c;

use crate::CameraError;

/// How many bytes the number of a register has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    /// One, as `OmniVision`'s SCCB has it.
    One,
    /// Two, the high one first.
    Two,
}

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

    /// Returns what the chip in two registers says that it is.
    ///
    /// # Errors
    ///
    /// Returns an error where nothing answers, or it is not `expected`.
    pub fn probe(&mut self, registers: [u16; 2], expected: u16) -> Result<(), CameraError> {
        let [high, low] = registers.map(|register| self.get(register));
        let silence = CameraError::NoAnswer { address: self.address, wiring: self.wiring };
        let (Some(high), Some(low)) = (high, low) else { return Err(silence) };
        let got = u16::from_be_bytes([high, low]);
        if got == expected { Ok(()) } else { Err(CameraError::OtherChip { expected, got }) }
    }

    /// Reads a register.
    ///
    /// # Errors
    ///
    /// Returns an error where the chip does not answer.
    pub fn read(&mut self, register: u16) -> Result<u8, CameraError> {
        self.get(register).ok_or(CameraError::Refused { register })
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
            sent.map_err(|_| CameraError::Refused { register })?;
        }
        Ok(())
    }

    fn get(&mut self, register: u16) -> Option<u8> {
        let [high, low] = register.to_be_bytes();
        let asked = match self.width {
            Width::One => self.i2c.write(self.address, &[low]),
            Width::Two => self.i2c.write(self.address, &[high, low]),
        };
        let mut value = [0];
        asked.and_then(|()| self.i2c.read(self.address, &mut value)).ok()?;
        let [value] = value;
        Some(value)
    }
}
