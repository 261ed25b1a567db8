//! Sums over the workers of a run, in the network and its losses.

use std::ops::Range;

use c10d::{ProcessGroup, Work};
use tch::{Kind, TchError, Tensor};

/// The ranks that compute one batch together, or one process alone, for which
/// every sum is what it has itself.
///
/// Each rank has some images of the batch and computes the whole loss, from sums
/// over all ranks.
#[derive(Clone, Copy, Debug)]
pub struct Ranks<'g>(Option<&'g ProcessGroup>);

/// A sum on its way; `None` where nothing needs to travel.
pub(crate) struct Pending(Option<Work>);

impl<'g> Ranks<'g> {
    /// One process alone.
    pub const ALONE: Self = Self(None);

    /// All ranks of a group.
    #[must_use]
    pub fn of(group: &'g ProcessGroup) -> Self {
        Self(Some(group))
    }

    /// Returns this process's number, from 0.
    #[must_use]
    pub fn rank(self) -> usize {
        self.0.map_or(0, ProcessGroup::rank)
    }

    /// Returns how many processes there are.
    #[must_use]
    pub fn size(self) -> usize {
        self.0.map_or(1, ProcessGroup::size)
    }

    /// Returns which images of a batch are this process's.
    #[must_use]
    pub fn share(self, batch: usize) -> Range<usize> {
        let bound = |rank: usize| batch * rank / self.size();
        bound(self.rank())..bound(self.rank() + 1)
    }

    /// Returns the group, where this process is not alone.
    pub(crate) fn group(self) -> Option<&'g ProcessGroup> {
        self.0
    }

    /// Returns the sum of a tensor over all ranks.
    ///
    /// The gradient of the sum goes back as it is: so the gradient of what went
    /// into it is that of the whole loss. A parameter used after it has the
    /// whole gradient on every rank, one used before it a part.
    ///
    /// # Errors
    ///
    /// When another rank is gone.
    pub fn sum(self, tensor: &Tensor) -> Result<Tensor, TchError> {
        match self.0 {
            None => Ok(tensor.shallow_clone()),
            Some(group) => group.sum(tensor).map_err(|error| failed(&error)),
        }
    }

    /// Returns the rows of all ranks, `[n, D]` to `[N, D]`, in the order of the
    /// batch; gradients go back to the own rows.
    ///
    /// # Errors
    ///
    /// When another rank is gone.
    pub fn gather(self, rows: &Tensor) -> Result<Tensor, TchError> {
        let Some(group) = self.0 else {
            return Ok(rows.shallow_clone());
        };
        let (own, width) = rows.size2()?;
        let ranks = i64::try_from(group.size()).unwrap_or(i64::MAX);
        let rank = i64::try_from(group.rank()).unwrap_or(i64::MAX);
        let mut counts = Tensor::f_zeros([ranks], (Kind::Int64, rows.device()))?;
        let _ = counts.f_narrow(0, rank, 1)?.f_fill_(own)?;
        group.all_reduce(&mut counts).and_then(Work::wait).map_err(|error| failed(&error))?;
        let before = counts.f_narrow(0, 0, rank)?.f_sum(Kind::Int64)?.f_int64_value(&[])?;
        let all = counts.f_sum(Kind::Int64)?.f_int64_value(&[])?;
        let zeros = |count: i64| Tensor::f_zeros([count, width], (rows.kind(), rows.device()));
        let padded = Tensor::f_cat(&[&zeros(before)?, rows, &zeros(all - before - own)?], 0)?;
        self.sum(&padded)
    }

    /// Begins to sum a contiguous tensor over all ranks, in place.
    pub(crate) fn begin_sum(self, tensor: &mut Tensor) -> Result<Pending, TchError> {
        Ok(Pending(
            self.0
                .map(|group| group.all_reduce(tensor))
                .transpose()
                .map_err(|error| failed(&error))?,
        ))
    }

    /// Copies tensors from rank 0 to all, in place and in one piece.
    pub(crate) fn copy_from_leader(self, tensors: &mut [Tensor]) -> Result<(), TchError> {
        let Some(group) = self.0 else {
            return Ok(());
        };
        tch::no_grad(|| {
            let mut flat = flattened(tensors)?;
            group.broadcast(&mut flat, 0).and_then(Work::wait).map_err(|error| failed(&error))?;
            scatter(&flat, tensors)
        })
    }
}

impl Pending {
    pub(crate) fn wait(self) -> Result<(), TchError> {
        self.0.map_or(Ok(()), |work| work.wait().map_err(|error| failed(&error)))
    }
}

/// Returns the values of all tensors in one, in the precision of the first.
pub(crate) fn flattened(tensors: &[Tensor]) -> Result<Tensor, TchError> {
    let kind = tensors.first().map_or(Kind::Float, Tensor::kind);
    let flat = |tensor: &Tensor| tensor.f_detach()?.f_reshape([-1])?.f_to_kind(kind);
    let flat = tensors.iter().map(flat).collect::<Result<Vec<_>, TchError>>()?;
    Tensor::f_cat(&flat, 0)
}

/// Copies the values of `flat` to the tensors that they were from; what is left
/// stays.
pub(crate) fn scatter(flat: &Tensor, tensors: &mut [Tensor]) -> Result<(), TchError> {
    let mut first = 0;
    for tensor in tensors {
        let count = i64::try_from(tensor.numel()).unwrap_or(i64::MAX);
        let values = flat.f_narrow(0, first, count)?.f_reshape(tensor.size())?;
        tensor.f_copy_(&values)?;
        first += count;
    }
    Ok(())
}

/// An operation with the other ranks failed; the workers find out why.
pub(crate) fn failed(error: &c10d::Error) -> TchError {
    TchError::Torch(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_alone_has_the_whole_batch_and_its_own_sums() -> Result<(), TchError> {
        assert_eq!(Ranks::ALONE.share(7), 0..7);
        let tensor = Tensor::from_slice(&[1.0_f32, 2.0]);
        assert_eq!(Ranks::ALONE.sum(&tensor)?, tensor);
        Ok(())
    }

    #[test]
    fn flat_values_go_back_where_they_were() -> Result<(), TchError> {
        let tensors = [Tensor::from_slice(&[1.0_f32, 2.0]), Tensor::from(3.0_f32)];
        let flat = flattened(&tensors)?.f_mul_scalar(2.0)?;
        let mut targets = [Tensor::from_slice(&[0.0_f32; 2]), Tensor::from(0.0_f32)];
        scatter(&flat, &mut targets)?;
        assert_eq!(Vec::<f32>::try_from(&targets[0])?, [2.0, 4.0]);
        assert_eq!(Vec::<f32>::try_from(targets[1].f_reshape([-1])?)?, [6.0]);
        Ok(())
    }
}
