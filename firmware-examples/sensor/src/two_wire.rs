//! I2C on two plain pins, each step of which has an end.
//!
//! The HALs' own drivers wait for a bus without a limit where their timers are not
//! built in. Sensors need a few hundred bytes at the start and some more where they
//! change their speed, so that pins moved by the program are fast enough, and every
//! board has the same driver, which hosts test.

use embedded_hal::delay::DelayNs;
use embedded_hal::digital::{InputPin, OutputPin};
use embedded_hal::i2c::{Error, ErrorKind, ErrorType, I2c, NoAcknowledgeSource, Operation};

/// Microseconds of half a bit: 50 kHz at most, slow enough for the weak pull-ups of
/// chips.
const HALF_BIT_US: u32 = 10;

/// Half bits that a chip may hold SCL low for, to have time: 2 ms.
const STRETCH: u32 = 200;

/// Clocks after which every chip has let go of SDA: the rest of a byte and its
/// acknowledgement (NXP, UM10204, "Bus clear").
const CLEARING_CLOCKS: u32 = 9;

/// What can go wrong on two wires.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TwoWireError {
    /// Nothing says that it has taken a byte.
    NoAcknowledge(NoAcknowledgeSource),
    /// A line stays low, and clocks did not free it.
    Low {
        /// Name of the line and its pin.
        line: &'static str,
    },
}

impl Error for TwoWireError {
    fn kind(&self) -> ErrorKind {
        match *self {
            Self::NoAcknowledge(source) => ErrorKind::NoAcknowledge(source),
            Self::Low { .. } => ErrorKind::Bus,
        }
    }
}

/// I2C on two pins with pull-ups, which a high level releases.
#[derive(Debug)]
pub struct TwoWire<C, D, T> {
    scl: C,
    sda: D,
    delay: T,
    scl_name: &'static str,
    sda_name: &'static str,
}

type Outcome<T> = Result<T, TwoWireError>;

impl<C: InputPin + OutputPin, D: InputPin + OutputPin, T: DelayNs> TwoWire<C, D, T> {
    /// Returns the bus on `scl` and `sda`, each with its name for people.
    pub fn new(scl: (C, &'static str), sda: (D, &'static str), delay: T) -> Self {
        Self { scl: scl.0, sda: sda.0, delay, scl_name: scl.1, sda_name: sda.1 }
    }

    /// Frees a bus on which a chip waits for the rest of a byte.
    ///
    /// # Errors
    ///
    /// Returns the line that stays low.
    pub fn free(&mut self) -> Outcome<()> {
        self.sda.set_high().ok();
        self.rise()?;
        for _ in 0..CLEARING_CLOCKS {
            if self.is_sda_high() {
                break;
            }
            self.fall();
            self.rise()?;
        }
        if !self.is_sda_high() {
            return Err(TwoWireError::Low { line: self.sda_name });
        }
        // What a chip took for the middle of a byte is over.
        self.fall();
        self.stop()
    }

    fn pause(&mut self) {
        self.delay.delay_us(HALF_BIT_US);
    }

    fn is_sda_high(&mut self) -> bool {
        self.sda.is_high().unwrap_or(false)
    }

    /// Lets SCL rise, and waits for a chip that holds it.
    fn rise(&mut self) -> Outcome<()> {
        self.scl.set_high().ok();
        for _ in 0..STRETCH {
            self.pause();
            if self.scl.is_high().unwrap_or(false) {
                return Ok(());
            }
        }
        Err(TwoWireError::Low { line: self.scl_name })
    }

    fn fall(&mut self) {
        self.scl.set_low().ok();
        self.pause();
    }

    fn start(&mut self) -> Outcome<()> {
        self.sda.set_high().ok();
        self.rise()?;
        if !self.is_sda_high() {
            return Err(TwoWireError::Low { line: self.sda_name });
        }
        self.sda.set_low().ok();
        self.pause();
        self.fall();
        Ok(())
    }

    fn stop(&mut self) -> Outcome<()> {
        self.sda.set_low().ok();
        self.pause();
        self.rise()?;
        self.sda.set_high().ok();
        self.pause();
        Ok(())
    }

    /// Sends a bit; one that reads back low is somebody else's.
    fn send_bit(&mut self, bit: bool) -> Outcome<()> {
        if bit {
            self.sda.set_high().ok()
        } else {
            self.sda.set_low().ok()
        };
        self.pause();
        self.rise()?;
        if bit && !self.is_sda_high() {
            return Err(TwoWireError::Low { line: self.sda_name });
        }
        self.fall();
        Ok(())
    }

    fn receive_bit(&mut self) -> Outcome<bool> {
        self.sda.set_high().ok();
        self.pause();
        self.rise()?;
        let bit = self.is_sda_high();
        self.fall();
        Ok(bit)
    }

    fn send(&mut self, byte: u8, source: NoAcknowledgeSource) -> Outcome<()> {
        for shift in (0..8).rev() {
            self.send_bit(byte >> shift & 1 == 1)?;
        }
        if self.receive_bit()? { Err(TwoWireError::NoAcknowledge(source)) } else { Ok(()) }
    }

    fn receive(&mut self, is_last: bool) -> Outcome<u8> {
        let mut byte = 0;
        for _ in 0..8 {
            byte = byte << 1 | u8::from(self.receive_bit()?);
        }
        self.send_bit(is_last)?;
        Ok(byte)
    }

    fn attempt(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Outcome<()> {
        let mut was_read = None;
        for operation in operations {
            let is_read = matches!(operation, Operation::Read(_));
            if was_read.replace(is_read) != Some(is_read) {
                self.start()?;
                self.send(address << 1 | u8::from(is_read), NoAcknowledgeSource::Address)?;
            }
            match operation {
                Operation::Write(bytes) => {
                    for &byte in *bytes {
                        self.send(byte, NoAcknowledgeSource::Data)?;
                    }
                }
                Operation::Read(bytes) => {
                    let count = bytes.len();
                    for (at, byte) in bytes.iter_mut().enumerate() {
                        *byte = self.receive(at + 1 == count)?;
                    }
                }
            }
        }
        Ok(())
    }
}

impl<C, D, T> ErrorType for TwoWire<C, D, T> {
    type Error = TwoWireError;
}

impl<C: InputPin + OutputPin, D: InputPin + OutputPin, T: DelayNs> I2c for TwoWire<C, D, T> {
    /// A line that is low where it should not be is freed, and the transfer done
    /// once more.
    fn transaction(&mut self, address: u8, operations: &mut [Operation<'_>]) -> Outcome<()> {
        let mut outcome = self.attempt(address, operations);
        if let Err(TwoWireError::Low { .. }) = outcome {
            self.free()?;
            outcome = self.attempt(address, operations);
        }
        match outcome {
            Err(TwoWireError::Low { .. }) => outcome,
            _ => self.stop().and(outcome),
        }
    }
}
