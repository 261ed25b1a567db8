//! Writing a readout into a blob.

use super::{Neuron, ReadoutGeometry};
use crate::blob::write::{Out, Place};

/// A neuron as it goes into a blob.
pub type NeuronSpec = Neuron;

/// Everything that goes into a blob for a readout.
#[derive(Clone, Copy, Debug)]
pub struct ReadoutSpec<'a> {
    /// Channels and neurons.
    pub geometry: ReadoutGeometry,
    /// Weights, `[neurons, in_c]`, in `[-127, 127]`.
    pub weights: &'a [i8],
    /// The neurons, in the order of their positions along y.
    pub neurons: &'a [NeuronSpec],
    /// What one step of each neuron's rate is worth, `[neurons]`.
    pub output_scale: &'a [f32],
}

impl ReadoutSpec<'_> {
    /// Returns the tables with the lengths that the geometry asks for and that they
    /// have.
    pub(crate) fn lengths(&self) -> [(&'static str, usize, usize); 3] {
        let neurons = self.geometry.neurons();
        [
            ("weights", neurons * self.geometry.in_c(), self.weights.len()),
            ("neurons", neurons, self.neurons.len()),
            ("scales", neurons, self.output_scale.len()),
        ]
    }

    /// Returns the bytes of the tables and the scales.
    pub(crate) fn tables_len(&self) -> usize {
        let [weights, neurons] = self.geometry.lens();
        weights.saturating_add(neurons).saturating_add(4 * self.geometry.neurons())
    }

    pub(crate) fn header(&self, out: &mut Out<'_>, place: &mut Place) -> Option<()> {
        out.index(self.geometry.in_c())?;
        out.index(self.geometry.neurons())?;
        for len in self.geometry.lens() {
            out.section(place.next(len)?)?;
        }
        let scales: &[u8] = bytemuck::cast_slice(self.output_scale);
        out.put(&scales)
    }

    pub(crate) fn payload(&self, out: &mut Out<'_>) -> Option<()> {
        let (in_c, padded) = (self.geometry.in_c(), self.geometry.padded_c());
        for weights in self.weights.chunks_exact(in_c.max(1)) {
            let place = out.take(padded)?;
            let (own, filling) = place.split_at_mut_checked(in_c)?;
            for (place, weight) in own.iter_mut().zip(weights) {
                *place = weight.to_le_bytes()[0];
            }
            filling.fill(0);
        }
        for neuron in self.neurons {
            let ([x, y], number) =
                (neuron.position, i32::from_ne_bytes(neuron.number.to_ne_bytes()));
            let [x, y] = [x.to_le_bytes(), y.to_le_bytes()];
            let words = [
                i32::from_le_bytes([x[0], x[1], y[0], y[1]]),
                neuron.bias,
                neuron.drive.multiplier(),
                neuron.drive.shift().into(),
                neuron.rate.multiplier(),
                neuron.rate.shift().into(),
                number,
                0,
            ];
            let place = out.take(4 * words.len())?;
            for (place, byte) in place.iter_mut().zip(words.into_iter().flat_map(i32::to_le_bytes))
            {
                *place = byte;
            }
        }
        Some(())
    }
}
