//! What CMSIS-NN takes for the same network on the same emulated cores, as it
//! was recorded, or as a board logs it.
//!
//! Recorded is CMSIS-NN of July 2026, gcc 12 with `-O3`, zero padding, a scale for each
//! channel, the blur as a depthwise convolution. Its convolutions read no
//! reflected border, which would cost it a padded copy more.

use super::line::Line;

/// Instructions for one image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Baseline {
    size: u64,
    stages: [Stage; 2],
    /// The whole network.
    pub total: u64,
}

/// Instructions of one stage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stage {
    /// The convolution.
    pub conv2d: u64,
    /// The maximum and the blur.
    pub pool: u64,
}

const fn recorded(
    board: &'static str,
    size: u64,
    stages: [[u64; 2]; 2],
    total: u64,
) -> (&'static str, Baseline) {
    let [[conv1, pool1], [conv2, pool2]] = stages;
    let stages = [Stage { conv2d: conv1, pool: pool1 }, Stage { conv2d: conv2, pool: pool2 }];
    (board, Baseline { size, stages, total })
}

#[rustfmt::skip]
const RECORDED: &[(&str, Baseline)] = &[
    recorded("mps2-an385", 96, [[38_620_000, 3_930_000], [113_150_000, 2_810_000]], 158_500_000),
    recorded("mps2-an386", 48, [[6_690_000, 870_000], [18_490_000, 600_000]], 26_600_000),
    recorded("mps2-an386", 96, [[26_760_000, 3_550_000], [73_940_000, 2_540_000]], 106_800_000),
    recorded("mps2-an386", 224, [[145_700_000, 19_600_000], [402_600_000, 14_320_000]], 582_100_000),
    recorded("mps2-an500", 96, [[26_900_000, 3_500_000], [73_950_000, 2_510_000]], 106_900_000),
    recorded("mps2-an505", 96, [[26_690_000, 3_500_000], [73_950_000, 2_510_000]], 106_600_000),
    recorded("mps3-an547", 48, [[1_000_000, 220_000], [2_020_000, 150_000]], 3_390_000),
    recorded("mps3-an547", 96, [[4_020_000, 870_000], [8_100_000, 610_000]], 13_600_000),
    recorded("mps3-an547", 224, [[21_900_000, 4_780_000], [44_100_000, 3_340_000]], 74_100_000),
];

impl Baseline {
    /// Returns what was recorded on that board.
    pub fn recorded(board: &str) -> Vec<Self> {
        RECORDED.iter().filter(|(name, _)| *name == board).map(|(_, baseline)| *baseline).collect()
    }

    /// Returns what a board has logged.
    pub fn logged(lines: &[Line]) -> Vec<Self> {
        let totals = lines.iter().filter(|line| line.op == "total");
        totals.map(|total| Self::of_size(total, lines)).collect()
    }

    fn of_size(total: &Line, lines: &[Line]) -> Self {
        let mut stages = [Stage::default(); 2];
        for line in lines.iter().filter(|line| line.size == total.size) {
            if let Some(stage) = index(line.stage).and_then(|index| stages.get_mut(index)) {
                let sum = if line.op == "conv2d" { &mut stage.conv2d } else { &mut stage.pool };
                *sum += line.instructions;
            }
        }
        Self { size: total.size, stages, total: total.instructions }
    }

    /// Returns the one for images of that size.
    pub fn find(baselines: &[Self], size: u64) -> Option<&Self> {
        baselines.iter().find(|baseline| baseline.size == size)
    }

    /// Returns the figures of the stage, counted from 1.
    pub fn stage(&self, stage: u64) -> Option<&Stage> {
        self.stages.get(index(stage)?)
    }
}

fn index(stage: u64) -> Option<usize> {
    usize::try_from(stage).ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boards::board;

    #[test]
    fn totals_are_the_sums_as_far_as_they_were_rounded() {
        for (name, baseline) in RECORDED {
            assert!(board(name).is_ok(), "{name}");
            let sum: u64 = baseline.stages.iter().map(|stage| stage.conv2d + stage.pool).sum();
            assert!(
                sum.abs_diff(baseline.total) * 1000 <= 5 * baseline.total,
                "{name}: {baseline:?}"
            );
        }
    }

    #[test]
    fn stages_count_from_one() {
        let baselines = Baseline::recorded("mps2-an386");
        let baseline = Baseline::find(&baselines, 96).expect("it is recorded");
        assert_eq!(baseline.stage(1).map(|stage| stage.conv2d), Some(26_760_000));
        assert_eq!(baseline.stage(2).map(|stage| stage.conv2d), Some(73_940_000));
        assert_eq!((baseline.stage(0), baseline.stage(3)), (None, None));
        assert_eq!(Baseline::find(&baselines, 97), None);
    }

    #[test]
    fn a_log_is_summed_over_each_stage() {
        let line = |stage, op: &str, instructions| Line {
            size: 48,
            stage,
            op: op.to_owned(),
            instructions,
            macs: 0,
            memory: None,
        };
        let lines = [
            line(1, "conv2d", 5),
            line(1, "max", 3),
            line(1, "blur", 4),
            line(2, "conv2d", 9),
            line(0, "total", 21),
        ];
        let stages = [Stage { conv2d: 5, pool: 7 }, Stage { conv2d: 9, pool: 0 }];
        assert_eq!(Baseline::logged(&lines), [Baseline { size: 48, stages, total: 21 }]);
    }
}
