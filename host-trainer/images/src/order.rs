//! The order of names.

use std::{
    cmp::Ordering,
    path::{Component, Path},
};

/// How the images of a source are ordered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Listing {
    /// By path, with numbers in names read as numbers: `frame2` before
    /// `frame10`, in folders and archives alike.
    #[default]
    Numbers,
    /// As older runs and packs have it: folders by the text of paths, archives
    /// as they were written.
    Text,
}

/// Compares two paths part by part, with the numbers in them read as numbers.
///
/// It tells any two paths apart; where no number decides, it is the order of
/// their bytes.
#[must_use]
pub fn by_numbers(a: &Path, b: &Path) -> Ordering {
    let parts = |path| Path::components(path).filter(|part| *part != Component::CurDir);
    let (mut left, mut right) = (parts(a), parts(b));
    loop {
        let ordering = match (left.next(), right.next()) {
            (None, None) => return a.cmp(b),
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(l), Some(r)) => {
                let [l, r] = [l, r].map(|part| part.as_os_str().as_encoded_bytes());
                names(l, r)
            }
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
}

fn names(a: &[u8], b: &[u8]) -> Ordering {
    let (mut left, mut right) = (a, b);
    loop {
        let ordering = match (left.first(), right.first()) {
            (Some(l), Some(r)) if l.is_ascii_digit() && r.is_ascii_digit() => {
                numbers(take_number(&mut left), take_number(&mut right))
            }
            (Some(l), Some(r)) => {
                (left, right) = (&left[1..], &right[1..]);
                l.cmp(r)
            }
            (l, r) => return l.cmp(&r).then_with(|| a.cmp(b)),
        };
        if ordering != Ordering::Equal {
            return ordering;
        }
    }
}

/// Takes the digits that a name begins with.
fn take_number<'a>(name: &mut &'a [u8]) -> &'a [u8] {
    let end = name.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(name.len());
    let (digits, rest) = name.split_at(end);
    *name = rest;
    digits
}

fn numbers(a: &[u8], b: &[u8]) -> Ordering {
    let digits =
        |number: &'_ [u8]| number.iter().position(|digit| *digit != b'0').unwrap_or(number.len());
    let (a, b) = (&a[digits(a)..], &b[digits(b)..]);
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sorted: &[&str]) {
        for (at, a) in sorted.iter().enumerate() {
            for (other, b) in sorted.iter().enumerate() {
                assert_eq!(by_numbers(a.as_ref(), b.as_ref()), at.cmp(&other), "{a} {b}");
            }
        }
    }

    #[test]
    fn numbers_are_read_as_numbers() {
        check(&["frame1.png", "frame2.png", "frame10.png", "frame240.png"]);
        check(&["1/z.png", "2/a.png", "10/b.png"]);
        check(&["a-1", "a-2", "a1", "a1b", "a01c", "a2", "b"]);
        check(&["9", "10", "99999999999999999999998", "99999999999999999999999", "x"]);
    }

    #[test]
    fn equal_numbers_leave_it_to_the_text() {
        check(&["a001.png", "a01.png", "a1.png"]);
        check(&["a/1", "a/1/b", "a/1.png", "a.png"]);
        check(&["IMG_0009.jpg", "IMG_0010.jpg", "img_1.jpg"]);
    }
}
