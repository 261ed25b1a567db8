//! One update of the weights, by the gradient that all ranks have together.

use tch::{TchError, Tensor, no_grad};

use super::{
    TrainError,
    learner::{Answer, Learner},
    optimiser::Optimiser,
    validation::DeviceBatch,
};
use crate::{
    model::Mode,
    workers::{Pending, Ranks, flattened, scatter},
};

/// What each rank tells all others along with its gradients; afterwards, whether
/// any of them did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Signals {
    /// Somebody asked this rank to save and end.
    pub(super) interrupted: bool,
    /// The validation loss no longer improves.
    pub(super) stops: bool,
}

/// Updates the weights by the gradient of a batch, of which this rank has a
/// part, and returns what the batch came to before that.
///
/// The stages have nothing to do with one another in the backward pass: the
/// gradient of stage 2 travels while that of stage 1 is computed.
pub(super) fn update(
    learner: &Learner,
    batch: &DeviceBatch,
    optimiser: &mut Optimiser,
    ranks: Ranks<'_>,
    signals: &mut Signals,
) -> Result<Answer, TrainError> {
    let answer = learner.answer(batch, Mode::Training(ranks))?;
    optimiser.zero_grad();
    let mut buckets = Vec::new();
    for (stage, loss) in answer.losses.iter().enumerate().rev() {
        loss.f_backward()?;
        let told = (stage == 0).then_some(*signals);
        buckets.push(Bucket::send(&learner.parameters_in_parts(stage), told, ranks)?);
    }
    for bucket in buckets {
        if let Some(sum) = bucket.receive()? {
            *signals = sum;
        }
    }
    optimiser.step()?;
    Ok(answer)
}

/// Gradients on their way, in one piece; empty where a process is alone.
struct Bucket {
    gradients: Vec<Tensor>,
    flat: Option<(Tensor, Pending)>,
    has_signals: bool,
}

impl Bucket {
    /// Begins to sum the gradients of `parameters` over all ranks.
    fn send(
        parameters: &[Tensor],
        signals: Option<Signals>,
        ranks: Ranks<'_>,
    ) -> Result<Self, TchError> {
        if ranks.group().is_none() {
            return Ok(Self { gradients: Vec::new(), flat: None, has_signals: false });
        }
        let gradients = parameters.iter().map(Tensor::f_grad).collect::<Result<Vec<_>, _>>()?;
        // Those that no rank has are left out by all.
        let mut pieces: Vec<Tensor> = gradients.into_iter().filter(Tensor::defined).collect();
        let gradients = pieces.iter().map(Tensor::shallow_clone).collect();
        if let (Some(Signals { interrupted, stops }), Some(first)) = (signals, pieces.first()) {
            let told = [interrupted, stops].map(|told| f32::from(u8::from(told)));
            pieces.push(Tensor::f_from_slice(&told)?.f_to_device(first.device())?);
        }
        let mut flat = no_grad(|| flattened(&pieces))?;
        let pending = ranks.begin_sum(&mut flat)?;
        Ok(Self { gradients, flat: Some((flat, pending)), has_signals: signals.is_some() })
    }

    /// Waits for the sum, puts it in the place of the gradients, and returns what
    /// any rank told.
    fn receive(mut self) -> Result<Option<Signals>, TchError> {
        let Some((flat, pending)) = self.flat else {
            return Ok(None);
        };
        pending.wait()?;
        no_grad(|| scatter(&flat, &mut self.gradients))?;
        if !self.has_signals {
            return Ok(None);
        }
        let told = |from_end: i64| -> Result<bool, TchError> {
            let place = flat.size1()? - from_end;
            Ok(flat.f_double_value(&[place])? > 0.5)
        };
        Ok(Some(Signals { interrupted: told(2)?, stops: told(1)? }))
    }
}
