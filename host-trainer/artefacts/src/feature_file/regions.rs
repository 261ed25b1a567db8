//! Arrays of a file that grow side by side.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
};

/// Bytes that are moved at a time.
const CHUNK: usize = 1 << 20;

/// The arrays of a file, one behind the other, each with room for as many items
/// as there may come.
#[derive(Debug)]
pub struct Regions {
    start: u64,
    most: u64,
    items: u64,
    item_bytes: Vec<u64>,
}

impl Regions {
    /// Creates arrays that begin at `start`, of items of so many bytes, at most
    /// `most` of each.
    pub fn new(start: usize, most: usize, item_bytes: &[usize]) -> Self {
        let item_bytes = item_bytes.iter().map(|bytes| *bytes as u64).collect();
        Self { start: start as u64, most: most as u64, items: 0, item_bytes }
    }

    /// Appends `items` items to each array.
    pub fn append(&mut self, file: &mut File, items: usize, parts: &[&[u8]]) -> io::Result<()> {
        let mut start = self.start;
        for (part, bytes) in parts.iter().zip(&self.item_bytes) {
            file.seek(SeekFrom::Start(start + self.items * bytes))?;
            file.write_all(part)?;
            start += self.most * bytes;
        }
        self.items += items as u64;
        Ok(())
    }

    /// Moves the arrays together, where fewer items came than there may, and
    /// ends the file behind them.
    pub fn close(&mut self, file: &mut File) -> io::Result<()> {
        let (mut from, mut to) = (self.start, self.start);
        for bytes in &self.item_bytes {
            let len = self.items * bytes;
            if from != to {
                shift(file, from, to, len)?;
            }
            (from, to) = (from + self.most * bytes, to + len);
        }
        self.most = self.items;
        file.set_len(to)
    }

    /// Copies an array into `out`.
    pub fn copy(&self, file: &mut File, array: usize, out: &mut impl Write) -> io::Result<()> {
        let before: u64 = self.item_bytes[..array].iter().sum();
        file.seek(SeekFrom::Start(self.start + self.most * before))?;
        let len = self.items * self.item_bytes[array];
        let copied = io::copy(&mut file.take(len), out)?;
        if copied == len { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }
}

/// Moves bytes towards the start of a file.
fn shift(file: &mut File, from: u64, to: u64, len: u64) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    let mut moved = 0;
    while moved < len {
        let part = usize::try_from(len - moved).unwrap_or(CHUNK).min(CHUNK);
        file.seek(SeekFrom::Start(from + moved))?;
        file.read_exact(&mut chunk[..part])?;
        file.seek(SeekFrom::Start(to + moved))?;
        file.write_all(&chunk[..part])?;
        moved += part as u64;
    }
    Ok(())
}
