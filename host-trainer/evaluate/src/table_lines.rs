//! Lines of tables as an editor counts them.

/// Returns the line, from 1, of the record that the reader says begins at a byte:
/// empty lines before it and both kinds of line ends are counted, which the
/// reader's own count leaves out.
#[expect(clippy::cast_possible_truncation, reason = "a place in what is in memory")]
pub fn line_of(table: &[u8], position: Option<&csv::Position>) -> u64 {
    let Some(position) = position else { return 0 };
    let rest = table.get(position.byte() as usize..).unwrap_or_default();
    let blank = rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
    let before = &table[..table.len() - rest.len() + blank];
    let ends = before.iter().enumerate().filter(|&(at, &byte)| match byte {
        b'\n' => true,
        b'\r' => before.get(at + 1) != Some(&b'\n'),
        _ => false,
    });
    1 + ends.count() as u64
}

/// Says what the reader found wrong, with the line.
pub fn fault(table: &[u8], error: &csv::Error) -> String {
    let line = line_of(table, error.position());
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("line {line} has {len} fields, and the first has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => format!("line {line} is not UTF-8"),
        csv::ErrorKind::Deserialize { err, .. } => format!("line {line}: {}", err.kind()),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_those_of_an_editor() {
        for (table, expected) in [
            ("a,b\n1,2\n3,4\n", [2, 3]),
            ("a,b\r\n1,2\r\n3,4\r\n", [2, 3]),
            ("a,b\n\n\n1,2\n\n3,4", [4, 6]),
            ("a,b\r\n\r\n1,2\r\n\r\n\r\n3,4", [3, 6]),
            ("a,b\n\"1\n1\",2\n3,4", [2, 4]),
            ("a,b\r1,2\r3,4\r", [2, 3]),
        ] {
            let mut reader = csv::Reader::from_reader(table.as_bytes());
            let lines: Vec<u64> = reader
                .records()
                .map(|record| line_of(table.as_bytes(), record.expect("whole").position()))
                .collect();
            assert_eq!(lines, expected, "{table:?}");
        }
        let table = b"a,b\r\n\r\n1,2\r\n\r\n3\r\n";
        let mut reader = csv::Reader::from_reader(&table[..]);
        let error = reader.records().find_map(Result::err).expect("unequal");
        assert_eq!(fault(table, &error), "line 5 has 1 fields, and the first has 2");
    }
}
