//! CRC-32 as in zlib, PNG and Ethernet.

/// The CRC-32 of bytes that arrive in parts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crc32(u32);

/// The polynomial, its bits reversed.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// What each byte does to a remainder of 0.
static TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0_u32;
    while byte < 256 {
        let mut remainder = byte;
        let mut bit = 0;
        while bit < 8 {
            let carry = remainder & 1;
            remainder = (remainder >> 1) ^ (carry * POLYNOMIAL);
            bit += 1;
        }
        table[byte as usize] = remainder;
        byte += 1;
    }
    table
};

impl Crc32 {
    pub(crate) const fn new() -> Self {
        Self(u32::MAX)
    }

    /// Returns the CRC-32 of bytes that are there at once.
    pub(crate) fn of(bytes: &[u8]) -> u32 {
        let mut crc32 = Self::new();
        crc32.update(bytes);
        crc32.value()
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            let [low, ..] = self.0.to_le_bytes();
            self.0 = (self.0 >> 8) ^ TABLE[usize::from(low ^ byte)];
        }
    }

    pub(crate) const fn value(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_value_is_that_of_zlib() {
        assert_eq!((Crc32::of(b"123456789"), Crc32::of(b"")), (0xcbf4_3926, 0));
        let mut crc32 = Crc32::new();
        crc32.update(b"1234");
        crc32.update(b"56789");
        assert_eq!(crc32.value(), 0xcbf4_3926);
    }
}
