//! The loss of recognition.

use tch::{Kind, TchError, Tensor};

use crate::workers::Ranks;

/// What a batch of scores came to.
#[derive(Debug)]
pub struct Recognised {
    /// The cross-entropy, a scalar.
    pub loss: Tensor,
    /// Images whose class has the largest score, and whose class is among the
    /// five largest, over all images: `[2]`.
    pub shares: Tensor,
}

/// Returns the cross-entropy of `scores`, `[N, classes]`, before the softmax, to
/// the classes `labels`, `[N]`: the mean over all images of all ranks of
/// `-log softmax(scores)[label]`.
///
/// # Errors
///
/// When libtorch refuses an operation, for instance as a label is no class.
pub fn cross_entropy(
    scores: &Tensor,
    labels: &Tensor,
    ranks: Ranks<'_>,
) -> Result<Recognised, TchError> {
    let kind = if scores.kind() == Kind::Double { Kind::Double } else { Kind::Float };
    let scores = scores.f_to_kind(kind)?;
    let (images, classes) = scores.size2()?;
    let column = labels.f_unsqueeze(1)?;
    let of_label = scores.f_log_softmax(1, kind)?.f_gather(1, &column, false)?;
    let count = Tensor::f_from_slice(&[images as f64])?.f_to_device(scores.device())?;
    let count = ranks.sum(&count.f_to_kind(kind)?)?.f_double_value(&[0])?;
    let loss = ranks.sum(&of_label.f_sum(kind)?.f_neg()?.f_div_scalar(count)?)?;
    let (_, answers) = scores.f_detach()?.f_topk(classes.min(5), 1, true, true)?;
    let is_class = answers.f_eq_tensor(&column)?.f_to_kind(kind)?;
    let first = is_class.f_narrow(1, 0, 1)?.f_sum(kind)?;
    let shares = Tensor::f_stack(&[first, is_class.f_sum(kind)?], 0)?;
    Ok(Recognised { loss, shares: ranks.sum(&shares.f_div_scalar(count)?)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::values;

    #[test]
    fn is_the_mean_negative_logarithm_of_the_softmax() -> Result<(), TchError> {
        let scores = [[0.3_f32, -1.2, 2.0, 0.1, 0.0, -0.5], [1.0, 0.9, -0.3, 0.4, 2.2, 0.7]];
        let labels = [2_i64, 2];
        let x = Tensor::from_slice2(&scores).set_requires_grad(true);
        let Recognised { loss, shares } =
            cross_entropy(&x, &Tensor::from_slice(&labels), Ranks::ALONE)?;
        loss.backward();
        let mut expected = 0.0;
        let mut gradient = Vec::new();
        for (row, label) in scores.iter().zip(labels) {
            let sum: f64 = row.iter().map(|s| f64::from(*s).exp()).sum();
            let label = usize::try_from(label).expect("small");
            expected -= (f64::from(row[label]).exp() / sum).ln() / 2.0;
            gradient.extend(row.iter().enumerate().map(|(class, s)| {
                (f64::from(*s).exp() / sum - f64::from(u8::from(class == label))) / 2.0
            }));
        }
        assert!((loss.double_value(&[]) - expected).abs() < 1e-6);
        for (got, expected) in values(&x.grad())?.into_iter().zip(gradient) {
            assert!((f64::from(got) - expected).abs() < 1e-6, "{got} {expected}");
        }
        // The second image's class has the least of six scores.
        assert_eq!(values(&shares)?, [0.5, 0.5]);
        Ok(())
    }

    #[test]
    fn a_label_that_is_no_class_is_an_error() {
        let scores = Tensor::from_slice2(&[[0.3_f32, -1.2]]);
        for label in [2_i64, -1] {
            let labels = Tensor::from_slice(&[label]);
            assert!(cross_entropy(&scores, &labels, Ranks::ALONE).is_err());
        }
    }
}
