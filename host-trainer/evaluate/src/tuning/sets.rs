//! Which gratings are shown: three sets, for orientation, spatial frequency and
//! size.

use super::grating::Grating;

/// Orientations and phases of the gratings, as in \[Marques\].
const ORIENTATIONS: [u32; 2] = [12, 6];
const PHASES: u32 = 8;

/// How gratings are seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Viewing {
    /// Pixels of a degree of visual angle.
    pub pixels_per_degree: f64,
    /// Michelson contrast, in `(0, 1]`.
    pub contrast: f64,
}

impl Default for Viewing {
    /// 224 pixels for 8 degrees, full contrast, as in \[Marques\].
    fn default() -> Self {
        Self { pixels_per_degree: 28.0, contrast: 1.0 }
    }
}

/// Gratings of every size, frequency, orientation and phase of a set.
#[derive(Clone, Debug, PartialEq)]
pub struct GratingSet {
    /// How large they are.
    pub sizes: Sizes,
    /// Spatial frequencies, rising, in cycles per degree.
    pub frequencies: Vec<f64>,
    /// Orientations, evenly spaced over `[0, 180)` degrees.
    pub orientations: Vec<f64>,
    /// Phases, evenly spaced over `[0, 360)` degrees.
    pub phases: Vec<f64>,
}

/// Sizes of gratings.
#[derive(Clone, Debug, PartialEq)]
pub enum Sizes {
    /// Radii in degrees, rising.
    Degrees(Vec<f64>),
    /// Radii in cycles of the grating.
    Cycles(Vec<f64>),
}

impl Sizes {
    /// Returns the number of sizes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values().len()
    }

    /// Returns whether there is no size.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values().is_empty()
    }

    /// Returns the radii, in degrees or in cycles.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        match self {
            Self::Degrees(values) | Self::Cycles(values) => values,
        }
    }

    fn degrees(&self, size: usize, frequency: f64) -> f64 {
        match self {
            Self::Degrees(radii) => radii[size],
            Self::Cycles(cycles) => cycles[size] / frequency,
        }
    }
}

impl GratingSet {
    /// Returns the number of gratings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.conditions() * self.phases.len()
    }

    /// Returns whether there is no grating.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the number of gratings but for their phases.
    #[must_use]
    pub fn conditions(&self) -> usize {
        self.sizes.len() * self.frequencies.len() * self.orientations.len()
    }

    /// Iterates over the gratings, `[sizes, frequencies, orientations, phases]`.
    pub fn gratings(&self, viewing: Viewing) -> impl Iterator<Item = Grating> {
        let Viewing { pixels_per_degree, contrast } = viewing;
        (0..self.len()).map(move |at| {
            let (at, phase) = (at / self.phases.len(), at % self.phases.len());
            let (at, orientation) = (at / self.orientations.len(), at % self.orientations.len());
            let (size, frequency) = (at / self.frequencies.len(), at % self.frequencies.len());
            let cycles_per_degree = self.frequencies[frequency];
            Grating {
                orientation_deg: self.orientations[orientation],
                cycles_per_pixel: cycles_per_degree / pixels_per_degree,
                phase_deg: self.phases[phase],
                radius: self.sizes.degrees(size, cycles_per_degree) * pixels_per_degree,
                contrast,
            }
        })
    }
}

/// The three sets of \[Marques\].
#[derive(Clone, Debug, PartialEq)]
pub struct GratingSets {
    /// 4 frequencies an octave apart at 3 sizes, 12 orientations.
    pub orientation: GratingSet,
    /// 22 frequencies a quarter of an octave apart at 2 sizes, 6 orientations.
    pub frequency: GratingSet,
    /// 12 sizes half an octave apart at 4 frequencies, 6 orientations.
    pub size: GratingSet,
    /// Frequencies that pixels cannot show, half a cycle per pixel or more,
    /// which are left out.
    pub left_out: usize,
}

impl GratingSets {
    /// Returns the sets, without the frequencies that pixels cannot show.
    #[must_use]
    pub fn new(viewing: Viewing) -> Self {
        let all = (0..22_u32).map(|at| (f64::from(at) / 4.0 - 11.0 / 8.0).exp2());
        let can_be_shown = |frequency: &f64| *frequency < 0.5 * viewing.pixels_per_degree;
        let frequencies: Vec<f64> = all.clone().filter(can_be_shown).collect();
        let octaves: Vec<f64> =
            [4, 8, 12, 16].into_iter().filter_map(|at| frequencies.get(at).copied()).collect();
        let radii = (0..12_u32).map(|at| 0.125 * ((f64::from(at) - 0.5) / 2.0).exp2());
        let set = |sizes, frequencies: &[f64], orientations| GratingSet {
            sizes,
            frequencies: frequencies.to_vec(),
            orientations: spaced(orientations, 180.0),
            phases: spaced(PHASES, 360.0),
        };
        Self {
            orientation: set(Sizes::Cycles(vec![1.0, 1.5, 2.0]), &octaves, ORIENTATIONS[0]),
            frequency: set(Sizes::Degrees(vec![0.75, 2.25]), &frequencies, ORIENTATIONS[1]),
            size: set(Sizes::Degrees(radii.collect()), &octaves, ORIENTATIONS[1]),
            left_out: all.count() - frequencies.len(),
        }
    }

    /// Returns the number of gratings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.orientation.len() + self.frequency.len() + self.size.len()
    }

    /// Returns whether there is no grating.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

fn spaced(count: u32, period: f64) -> Vec<f64> {
    (0..count).map(|at| period * f64::from(at) / f64::from(count)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_are_those_of_marques() {
        /// Digits of the values that the toolbox states.
        const STATED: f64 = 1e-12;
        let sets = GratingSets::new(Viewing { pixels_per_degree: 56.0, contrast: 1.0 });
        let near = |got: f64, expected: f64| {
            assert!((got / expected - 1.0).abs() < STATED, "{got} {expected}");
        };
        near(sets.frequency.frequencies[0], 0.385_552_706_351_985_2);
        near(sets.frequency.frequencies[21], 14.672_064_691_274_74);
        near(sets.orientation.frequencies[0], 0.771_105_412_703_970_4);
        near(sets.orientation.frequencies[3], 6.168_843_301_631_763);
        near(sets.size.sizes.values()[0], 0.105_112_051_906_714_31);
        near(sets.size.sizes.values()[11], 4.756_828_460_010_884);
        let lens = [&sets.orientation, &sets.frequency, &sets.size].map(GratingSet::len);
        assert_eq!((lens, sets.left_out), ([1152, 2112, 2304], 0));
    }

    #[test]
    fn what_pixels_cannot_show_is_left_out() {
        let sets = GratingSets::new(Viewing::default());
        assert_eq!((sets.left_out, sets.frequency.frequencies.len()), (1, 21));
        let coarse = GratingSets::new(Viewing { pixels_per_degree: 8.0, contrast: 1.0 });
        assert_eq!(coarse.orientation.frequencies.len(), 3);
        assert!(coarse.frequency.gratings(Viewing::default()).count() == coarse.frequency.len());
    }

    #[test]
    fn phases_come_innermost() {
        let viewing = Viewing::default();
        let sets = GratingSets::new(viewing);
        let gratings: Vec<Grating> = sets.orientation.gratings(viewing).take(97).collect();
        let at = |at: usize| (gratings[at].orientation_deg, gratings[at].phase_deg);
        assert_eq!([at(0), at(1), at(8)], [(0.0, 0.0), (0.0, 45.0), (15.0, 0.0)]);
        let cycles = |grating: &Grating| grating.radius * grating.cycles_per_pixel;
        assert!((cycles(&gratings[0]) - 1.0).abs() < 1e-12);
        assert!((gratings[96].cycles_per_pixel / gratings[0].cycles_per_pixel - 2.0).abs() < 1e-12);
    }
}
