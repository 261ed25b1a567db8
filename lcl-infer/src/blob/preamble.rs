//! The fixed start of a blob.

use super::OpenError;
use crate::contract::Contract;

/// Bytes of the preamble.
pub(crate) const LEN: usize = 40;

/// First bytes of every blob.
pub(crate) const MAGIC: [u8; 8] = *b"LCLBLOB\n";

/// Version of the format.
pub(crate) const VERSION: u32 = 3;

/// Bytes of the contract's id, padded with zeros.
const CONTRACT_LEN: usize = 12;

mod field {
    use core::ops::Range;

    pub(super) const MAGIC: Range<usize> = 0..8;
    pub(super) const VERSION: Range<usize> = 8..12;
    pub(super) const CONTRACT: Range<usize> = 12..24;
    pub(super) const HEADER_LEN: Range<usize> = 24..28;
    pub(super) const PAYLOAD_LEN: Range<usize> = 28..32;
    pub(super) const CRC32: Range<usize> = 32..36;
    pub(super) const RESERVED: Range<usize> = 36..40;
}

/// What the preamble says of the bytes that follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Preamble {
    /// The newest contract that a layer asks for.
    pub(crate) contract: Contract,
    /// Bytes of the postcard header, which starts at [`LEN`].
    pub(crate) header_len: u32,
    /// Bytes of the payload, which starts at the next multiple of 16.
    pub(crate) payload_len: u32,
    /// CRC-32 of all that follows the preamble.
    pub(crate) crc32: u32,
}

impl Preamble {
    /// Reads a preamble.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, OpenError> {
        let bytes: &[u8; LEN] = bytes
            .first_chunk()
            .ok_or(OpenError::Truncated { expected: LEN as u64, got: bytes.len() as u64 })?;
        if bytes[field::MAGIC] != MAGIC {
            return Err(OpenError::NotABlob);
        }
        let version = word(bytes, field::VERSION);
        if version != VERSION {
            return Err(OpenError::Version { expected: VERSION, got: version });
        }
        let mut id = [0; CONTRACT_LEN];
        id.copy_from_slice(&bytes[field::CONTRACT]);
        let mut contracts = Contract::ALL.into_iter();
        let contract = contracts
            .find(|contract| padded_id(*contract) == id)
            .ok_or(OpenError::Contract { got: id })?;
        if word(bytes, field::RESERVED) != 0 {
            return Err(OpenError::Header);
        }
        Ok(Self {
            contract,
            header_len: word(bytes, field::HEADER_LEN),
            payload_len: word(bytes, field::PAYLOAD_LEN),
            crc32: word(bytes, field::CRC32),
        })
    }

    /// Returns the preamble as bytes.
    pub(crate) fn emit(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        bytes[field::MAGIC].copy_from_slice(&MAGIC);
        bytes[field::VERSION].copy_from_slice(&VERSION.to_le_bytes());
        bytes[field::CONTRACT].copy_from_slice(&padded_id(self.contract));
        bytes[field::HEADER_LEN].copy_from_slice(&self.header_len.to_le_bytes());
        bytes[field::PAYLOAD_LEN].copy_from_slice(&self.payload_len.to_le_bytes());
        bytes[field::CRC32].copy_from_slice(&self.crc32.to_le_bytes());
        bytes
    }

    /// Returns where the payload starts.
    pub(crate) fn payload_start(&self) -> u64 {
        (LEN as u64 + u64::from(self.header_len)).next_multiple_of(super::ALIGNMENT as u64)
    }

    /// Returns the length of the whole blob.
    pub(crate) fn blob_len(&self) -> u64 {
        self.payload_start() + u64::from(self.payload_len)
    }
}

const fn padded_id(contract: Contract) -> [u8; CONTRACT_LEN] {
    let id = contract.id().as_bytes();
    let mut padded = [0; CONTRACT_LEN];
    let mut position = 0;
    while position < id.len() && position < CONTRACT_LEN {
        padded[position] = id[position];
        position += 1;
    }
    padded
}

fn word(bytes: &[u8; LEN], field: core::ops::Range<usize>) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[field]);
    u32::from_le_bytes(word)
}
