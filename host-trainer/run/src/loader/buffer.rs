//! Memory that batches use again.
//!
//! Fresh memory costs the system more time, page by page, than making the views
//! that go into it.

use std::{
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
};

/// Values in memory that goes back to where it is from.
#[derive(Debug)]
pub struct Buffer {
    values: Vec<f32>,
    home: Buffers,
}

/// Buffers that no batch uses.
#[derive(Clone, Debug, Default)]
pub struct Buffers {
    idle: Arc<Mutex<Vec<Vec<f32>>>>,
}

impl Buffers {
    /// Returns a buffer of that many values, whatever they are.
    #[must_use]
    pub fn take(&self, len: usize) -> Buffer {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let found = idle.iter().position(|values| values.len() == len);
        let values = found.map(|place| idle.swap_remove(place));
        drop(idle);
        Buffer { values: values.unwrap_or_else(|| vec![0.0; len]), home: self.clone() }
    }
}

impl From<Vec<f32>> for Buffer {
    fn from(values: Vec<f32>) -> Self {
        Self { values, home: Buffers::default() }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.values
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        Self { values: self.values.clone(), home: self.home.clone() }
    }
}

impl PartialEq for Buffer {
    fn eq(&self, other: &Self) -> bool {
        self.values == other.values
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let values = std::mem::take(&mut self.values);
        self.home.idle.lock().unwrap_or_else(PoisonError::into_inner).push(values);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_used_again() {
        let buffers = Buffers::default();
        let first = buffers.take(8);
        let (address, other) = (first.as_ptr(), buffers.take(8));
        assert_ne!(address, other.as_ptr());
        drop(first);
        assert_eq!(buffers.take(4).len(), 4);
        assert_eq!(buffers.take(8).as_ptr(), address);
    }
}
