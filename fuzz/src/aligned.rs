//! Bytes at an aligned address, and how damaged blobs are mended.

use crc::{CRC_32_ISO_HDLC, Crc};
use lcl_infer::blob::ALIGNMENT;

/// Bytes of a blob's preamble.
const PREAMBLE_LEN: usize = 40;

/// What of a preamble is as every blob has it: magic, version, contract.
const CONSTANT_LEN: usize = 24;

/// Where the preamble tells `lcl.u8.v1` from `lcl.u8.v2`.
const CONTRACT_DIGIT: usize = 20;

/// Bytes at an aligned address, with nothing behind them, so that a sanitizer
/// sees what is read past their end.
#[derive(Debug)]
pub struct Aligned {
    bytes: Vec<u8>,
    start: usize,
}

impl Aligned {
    /// Copies `bytes`.
    pub fn copy_of(bytes: &[u8]) -> Self {
        Self::copy_off(bytes, 0)
    }

    /// Copies `bytes` to an address `offset` past an aligned one.
    pub fn copy_off(bytes: &[u8], offset: usize) -> Self {
        let offset = offset % ALIGNMENT;
        let mut copy: Vec<u8> = Vec::with_capacity(offset + bytes.len());
        // A sanitizer's allocations are aligned; others need room.
        if copy.as_ptr().align_offset(ALIGNMENT) != 0 {
            copy.reserve_exact(ALIGNMENT + offset + bytes.len());
        }
        let start = copy.as_ptr().align_offset(ALIGNMENT) + offset;
        copy.resize(start, 0);
        copy.extend_from_slice(bytes);
        Self { bytes: copy, start }
    }

    pub fn as_slice(&self) -> &[u8] {
        &self.bytes[self.start..]
    }

    pub fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..]
    }
}

/// States the CRC-32 of the bytes in their preamble.
pub fn mend_crc(bytes: &mut [u8]) {
    if let Some((preamble, body)) = bytes.split_first_chunk_mut::<PREAMBLE_LEN>() {
        let crc32 = Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(body);
        preamble[32..36].copy_from_slice(&crc32.to_le_bytes());
    }
}

/// Takes what is the same in every blob from `sound`, but for the contract where
/// the bytes state a known one, and states the length of
/// the payload and the CRC-32.
pub fn mend_preamble(bytes: &mut [u8], sound: &[u8]) {
    if bytes.len() < PREAMBLE_LEN || sound.len() < PREAMBLE_LEN {
        return;
    }
    let newer = bytes[CONTRACT_DIGIT] == b'2';
    bytes[..CONSTANT_LEN].copy_from_slice(&sound[..CONSTANT_LEN]);
    if newer {
        bytes[CONTRACT_DIGIT] = b'2';
    }
    bytes[36..40].fill(0);
    let header_len = u64::from(u32::from_le_bytes([bytes[24], bytes[25], bytes[26], bytes[27]]));
    let start = (PREAMBLE_LEN as u64 + header_len).next_multiple_of(ALIGNMENT as u64);
    if let Some(Ok(len)) = (bytes.len() as u64).checked_sub(start).map(u32::try_from) {
        bytes[28..32].copy_from_slice(&len.to_le_bytes());
    }
    mend_crc(bytes);
}
