//! Which trials come in which batch: sessions alternate, and the longest decides
//! the epoch.

use lcl_artefacts::random::{Purpose, stream};
use lcl_population::{Session, Tier};
use rand::seq::SliceRandom;
use tch::{TchError, Tensor};

use crate::model::length;

/// The training trials of one session.
#[derive(Debug)]
pub(super) struct Material {
    trials: Vec<usize>,
}

/// One batch: its session, and trials of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) session: usize,
    pub(super) trials: Vec<usize>,
}

impl Material {
    /// Takes a share of a session's training trials, the first ones, at least two.
    pub(super) fn new(session: &Session, share: f64) -> Self {
        let mut trials = session.of_tier(Tier::Train);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let count = (share * trials.len() as f64).round() as usize;
        trials.truncate(count.max(2));
        Self { trials }
    }

    /// Returns the number of training images.
    pub(super) fn len(&self) -> usize {
        self.trials.len()
    }

    /// Returns the batches of one pass in an order of its own.
    fn pass(&self, size: usize, seed: u64, key: [u64; 2]) -> Vec<Vec<usize>> {
        let mut order = self.trials.clone();
        order.shuffle(&mut stream(seed, Purpose::Order, key));
        order.chunks(size).map(<[usize]>::to_vec).collect()
    }
}

/// Returns the batches of an epoch, as many of each session as the longest has, one
/// of each in turn; shorter sessions start again in another order.
pub(super) fn epoch(material: &[Material], size: usize, seed: u64, epoch: u64) -> Vec<Batch> {
    let longest = material.iter().map(|one| one.len().div_ceil(size)).max().unwrap_or_default();
    let per_session: Vec<Vec<Vec<usize>>> = (0..)
        .zip(material)
        .map(|(session, one): (u64, &Material)| {
            let mut batches = Vec::new();
            for pass in 0.. {
                if batches.len() >= longest {
                    break;
                }
                batches.extend(one.pass(size, seed, [epoch, (session << 32) + pass]));
            }
            batches
        })
        .collect();
    let turn = |at: usize| {
        let batch = move |(session, batches): (usize, &Vec<Vec<usize>>)| Batch {
            session,
            trials: batches[at].clone(),
        };
        per_session.iter().enumerate().map(batch).collect::<Vec<_>>()
    };
    (0..longest).flat_map(turn).collect()
}

/// Returns images of a session, `[N, 1, H, W]`, raw.
pub(super) fn images(session: &Session, which: &[usize]) -> Result<Tensor, TchError> {
    let pixels: Vec<f32> = which.iter().flat_map(|&image| session.image(image)).copied().collect();
    let [count, height, width] = [which.len(), session.height, session.width].map(length);
    Tensor::f_from_slice(&pixels)?.f_reshape([count, 1, height, width])
}

/// Returns the responses of trials, each divided by its neuron's scale, `[N,
/// neurons]`.
pub(super) fn targets(
    session: &Session,
    scale: &[f64],
    trials: &[usize],
) -> Result<Tensor, TchError> {
    let of = |trial: &usize| {
        #[expect(clippy::cast_possible_truncation, reason = "targets are 32-bit")]
        let scaled = |(value, scale): (&f32, &f64)| (f64::from(*value) / scale) as f32;
        session.response(*trial).iter().zip(scale).map(scaled).collect::<Vec<_>>()
    };
    let values: Vec<f32> = trials.iter().flat_map(of).collect();
    Tensor::f_from_slice(&values)?.f_reshape([trials.len(), session.neurons()].map(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_alternate_and_the_longest_decides() {
        let material =
            [Material { trials: (0..10).collect() }, Material { trials: (100..104).collect() }];
        let batches = epoch(&material, 3, 1, 0);
        let sessions: Vec<usize> = batches.iter().map(|batch| batch.session).collect();
        assert_eq!(sessions, [0, 1, 0, 1, 0, 1, 0, 1]);
        let of = |session: usize| -> Vec<usize> {
            let own = batches.iter().filter(|batch| batch.session == session);
            own.flat_map(|batch| batch.trials.clone()).collect()
        };
        let mut long = of(0);
        long.sort_unstable();
        assert_eq!(long, (0..10).collect::<Vec<_>>());
        // Two passes over the shorter one.
        let mut short = of(1);
        short.sort_unstable();
        assert_eq!(short, [100, 100, 101, 101, 102, 102, 103, 103]);
        assert_eq!(batches, epoch(&material, 3, 1, 0));
        assert_ne!(batches, epoch(&material, 3, 1, 1));
    }
}
