//! The random numbers of `NumPy`'s `RandomState`, which scikit-learn draws from.

use rand_mt::Mt;

/// The part of `numpy.random.RandomState` that splits need: the Mersenne
/// twister \[MT19937\] and the shuffle.
#[derive(Clone, Debug)]
pub struct RandomState(Mt);

impl RandomState {
    /// Creates the generator of a seed.
    #[must_use]
    pub fn new(seed: u32) -> Self {
        Self(Mt::new(seed))
    }

    /// Returns the numbers below `count` in random order.
    pub fn permutation(&mut self, count: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..count).collect();
        self.shuffle(&mut order);
        order
    }

    /// Brings values into random order, in place.
    pub fn shuffle<T>(&mut self, values: &mut [T]) {
        for last in (1..values.len()).rev() {
            let other = self.at_most(last);
            values.swap(last, other);
        }
    }

    /// Returns a number from 0 to `most`: as many low bits of a word as `most`
    /// has, until they are not more.
    fn at_most(&mut self, most: usize) -> usize {
        let mask = (most + 1).next_power_of_two() - 1;
        loop {
            let value = self.0.next_u32() as usize & mask;
            if value <= most {
                return value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_are_those_of_numpy() {
        // numpy.random.RandomState(1): permutation(10), then permutation(7).
        let mut random = RandomState::new(1);
        assert_eq!(random.permutation(10), [2, 9, 6, 4, 0, 3, 1, 7, 8, 5]);
        assert_eq!(random.permutation(7), [6, 3, 0, 2, 1, 4, 5]);
        assert!(random.permutation(0).is_empty() && random.permutation(1) == [0]);
    }
}
