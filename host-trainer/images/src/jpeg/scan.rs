//! Where the codes of a JPEG's pixels end.
//!
//! Some cameras and editors leave bytes between the last code and the marker of
//! the end, which every viewer passes over. Damage leaves such bytes too: a
//! decoder that lost its place is done too early. Following the codes tells the
//! two apart: codes that were written end with a byte filled up by ones, and
//! what follows them is no further blocks.

use super::segments::{SOF0, SOF1, SOS, Segment, segments};

const DHT: u8 = 0xc4;
const EOI: u8 = 0xd9;
const DRI: u8 = 0xdd;

/// Coefficients of a block.
const BLOCK: usize = 64;

/// Returns the file without what is between its last code and its end, or
/// nothing where no bytes are or where damage could have left them. Only files
/// that code all components in one scan are understood.
pub fn without_stray_bytes(bytes: &[u8]) -> Option<Vec<u8>> {
    let scan = Scan::of(bytes)?;
    let mut codes = Codes { bytes, next: scan.start, bits: 0, left: 0 };
    for mcu in 0..scan.mcus {
        if scan.restarts > 0 && mcu > 0 && mcu % scan.restarts == 0 {
            codes.restart()?;
        }
        scan.blocks.iter().try_for_each(|block| codes.block(block))?;
    }
    let end = codes.next;
    if !codes.is_filled_up() || bytes.get(codes.next_marker()? + 1) != Some(&EOI) {
        return None;
    }
    let stray = bytes.get(end..codes.next_marker()?)?;
    // Bytes that are all the same are no codes.
    let is_filling = stray.iter().all(|byte| *byte == stray[0]);
    let aligned = Codes { next: end, left: 0, ..codes };
    let are_codes = |start: Codes<'_>| {
        (0..scan.blocks.len()).any(|first| start.are_blocks(scan.blocks.iter().cycle().skip(first)))
    };
    if stray.is_empty() || !is_filling && (are_codes(codes) || are_codes(aligned)) {
        return None;
    }
    Some([&bytes[..end], &[0xff, EOI]].concat())
}

/// A Huffman table: for each length of codes the first code, their number, and
/// where their symbols begin.
#[derive(Clone, Debug, Default)]
struct Table {
    lengths: [(u32, u32, usize); 16],
    symbols: Vec<u8>,
}

/// The tables of a block's first and other coefficients.
#[derive(Clone, Debug)]
struct BlockTables {
    dc: Table,
    ac: Table,
}

/// What is coded in a scan.
struct Scan {
    start: usize,
    /// Groups of blocks.
    mcus: usize,
    /// Groups between restarts, 0 where there are none.
    restarts: usize,
    /// The blocks of a group.
    blocks: Vec<BlockTables>,
}

impl Scan {
    fn of(bytes: &[u8]) -> Option<Self> {
        let segments: Vec<Segment> = segments(bytes).collect();
        let content =
            |marker: u8| segments.iter().rfind(|s| s.marker == marker).map(|s| s.content(bytes));
        let mut tables = [[const { None }; 4], [const { None }; 4]];
        for segment in segments.iter().filter(|segment| segment.marker == DHT) {
            read_tables(segment.content(bytes), &mut tables)?;
        }
        let (frame, scan) = (content(SOF0).or_else(|| content(SOF1))?, content(SOS)?);
        let word =
            |at: usize| Some(usize::from(u16::from_be_bytes(*frame.get(at..)?.first_chunk()?)));
        let (height, width) = (word(1)?, word(3)?);
        let components: Vec<&[u8]> = frame.get(6..)?.chunks_exact(3).collect();
        let scanned: Vec<&[u8]> =
            scan.get(1..scan.len().checked_sub(3)?)?.chunks_exact(2).collect();
        if scanned.len() != components.len() || usize::from(frame[5]) != components.len() {
            return None;
        }
        let factors =
            |component: &[u8]| (usize::from(component[1] >> 4), usize::from(component[1] & 15));
        let (mut most_x, mut most_y) = (1, 1);
        for component in &components {
            let (x, y) = factors(component);
            (most_x, most_y) = (most_x.max(x), most_y.max(y));
        }
        let alone = components.len() == 1;
        let mut blocks = Vec::new();
        for (component, scanned) in components.iter().zip(scanned) {
            let (x, y) = if alone { (1, 1) } else { factors(component) };
            let table = |class: usize, number: u8| tables[class].get(usize::from(number))?.clone();
            let (dc, ac) = (table(0, scanned[1] >> 4)?, table(1, scanned[1] & 15)?);
            blocks.extend(vec![BlockTables { dc, ac }; x * y]);
        }
        let (x, y) = if alone { (8, 8) } else { (8 * most_x, 8 * most_y) };
        let restarts = content(DRI).map_or(Some(0), |content| {
            Some(usize::from(u16::from_be_bytes(*content.first_chunk()?)))
        })?;
        let start = segments.last()?.place.end;
        Some(Self { start, mcus: width.div_ceil(x) * height.div_ceil(y), restarts, blocks })
    }
}

fn read_tables(mut content: &[u8], tables: &mut [[Option<Table>; 4]; 2]) -> Option<()> {
    while let [place, rest @ ..] = content {
        let (counts, rest) = rest.split_at_checked(16)?;
        let mut table = Table::default();
        let (mut code, mut first) = (0_u32, 0);
        for (length, &count) in table.lengths.iter_mut().zip(counts) {
            *length = (code, u32::from(count), first);
            first += usize::from(count);
            code = (code + u32::from(count)) << 1;
        }
        let (symbols, rest) = rest.split_at_checked(first)?;
        table.symbols = symbols.to_vec();
        *tables.get_mut(usize::from(place >> 4))?.get_mut(usize::from(place & 15))? = Some(table);
        content = rest;
    }
    Some(())
}

/// Coded bits, read one by one.
#[derive(Clone, Copy)]
struct Codes<'a> {
    bytes: &'a [u8],
    /// The byte after the one that bits are taken from.
    next: usize,
    bits: u8,
    left: u32,
}

impl Codes<'_> {
    /// Returns a bit, or nothing at a marker.
    fn bit(&mut self) -> Option<u32> {
        if self.left == 0 {
            self.bits = *self.bytes.get(self.next)?;
            if self.bits == 0xff && *self.bytes.get(self.next + 1)? != 0 {
                return None;
            }
            self.next += if self.bits == 0xff { 2 } else { 1 };
            self.left = 8;
        }
        self.left -= 1;
        Some(u32::from(self.bits >> self.left) & 1)
    }

    fn symbol(&mut self, table: &Table) -> Option<u8> {
        let mut code = 0;
        for (first, count, symbols) in table.lengths {
            code = code << 1 | self.bit()?;
            let place = code.wrapping_sub(first);
            if place < count {
                return table.symbols.get(symbols + place as usize).copied();
            }
        }
        None
    }

    /// Passes over a block.
    fn block(&mut self, tables: &BlockTables) -> Option<()> {
        let length = self.symbol(&tables.dc)?;
        (0..length).try_for_each(|_| self.bit().map(drop))?;
        (self.coefficients(tables)? < BLOCK).then_some(())
    }

    /// Passes over what is left of a block, and returns its coefficients.
    fn coefficients(&mut self, tables: &BlockTables) -> Option<usize> {
        let mut done = 0;
        while done < BLOCK - 1 {
            let symbol = self.symbol(&tables.ac)?;
            let (zeros, length) = (usize::from(symbol >> 4), symbol & 15);
            (0..length).try_for_each(|_| self.bit().map(drop))?;
            match (zeros, length) {
                (15, 0) => done += 16,
                (_, 0) => break,
                _ => done += zeros + 1,
            }
        }
        Some(done)
    }

    /// Returns whether the bits that are left of the byte are ones.
    fn is_filled_up(&self) -> bool {
        let ones = (1_u32 << self.left) - 1;
        u32::from(self.bits) & ones == ones
    }

    /// Returns where the next marker is.
    fn next_marker(&self) -> Option<usize> {
        let mut pairs = self.bytes.get(self.next..)?.windows(2);
        let place = pairs.position(|pair| pair[0] == 0xff && !matches!(pair[1], 0 | 0xff))?;
        Some(self.next + place)
    }

    /// Passes over the marker of a restart.
    fn restart(&mut self) -> Option<()> {
        self.left = 0;
        while self.bytes.get(self.next..self.next + 2)? == [0xff, 0xff] {
            self.next += 1;
        }
        let marker = self.bytes.get(self.next..self.next + 2)?;
        self.next += 2;
        (marker[0] == 0xff && matches!(marker[1], 0xd0..=0xd7)).then_some(())
    }

    /// Returns whether blocks alone follow, up to the next marker, of which the
    /// first may have begun before.
    fn are_blocks<'t>(self, mut blocks: impl Iterator<Item = &'t BlockTables> + Clone) -> bool {
        let mut within = self;
        let mut others = blocks.clone();
        let rest = others.next().and_then(|first| within.coefficients(first));
        if rest.is_some() && (within.are_at_end() || within.are_whole_blocks(&mut others)) {
            return true;
        }
        let mut codes = self;
        codes.are_whole_blocks(&mut blocks)
    }

    fn are_whole_blocks<'t>(&mut self, blocks: &mut impl Iterator<Item = &'t BlockTables>) -> bool {
        blocks.map_while(|block| self.block(block).map(|()| self.are_at_end())).any(|end| end)
    }

    /// Returns whether a marker is next, with the last byte filled up.
    fn are_at_end(&self) -> bool {
        let is_marker = self.bytes.get(self.next) == Some(&0xff)
            && self.bytes.get(self.next + 1).is_some_and(|byte| *byte != 0);
        is_marker && self.is_filled_up()
    }
}
