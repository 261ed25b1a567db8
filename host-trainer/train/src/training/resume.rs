//! Finds the state that a run goes on from.

use super::{StopRule, TrainError, state::State};
use lcl_artefacts::saved::Saved;
use lcl_run::run::{Checksums, MetricsLog, Progress, RunFolder, States};

/// The state that a run goes on from.
pub(super) struct Resumed {
    pub(super) saved: Saved,
    pub(super) states: States,
}

impl Resumed {
    /// Finds the newest sound state of a run, and says what is wrong with a newer
    /// one; there is none where the run was killed before its first.
    ///
    /// # Errors
    ///
    /// When states are there and none of them can be used.
    pub(super) fn find(
        run: &RunFolder,
        progress: &mut dyn Progress,
    ) -> Result<Option<Self>, TrainError> {
        let checksums = Checksums::read(&run.checksums());
        let is_left = [run.checkpoint(), run.previous(), run.best()].iter().any(|p| p.exists());
        if !is_left {
            return begin_anew(run, progress).map(|()| None);
        }
        let mut problems = Vec::new();
        let mut states = States { checksums, ..States::default() };
        let mut found = None;
        for is_newest in [true, false] {
            let path = if is_newest { run.checkpoint() } else { run.previous() };
            if !is_newest && !path.exists() {
                continue;
            }
            match sound(run, &states.checksums, &path) {
                Ok(saved) => {
                    let place = if is_newest { &mut states.newest } else { &mut states.previous };
                    *place = Some(saved.step());
                    found.get_or_insert(saved);
                }
                Err(problem) => problems.push(problem),
            }
        }
        let Some(saved) = found else {
            return Err(TrainError::NoState { problems, advice: advice(run, &states.checksums) });
        };
        for problem in problems {
            progress.warned(&format!("{problem}; the run goes on from step {}", saved.step()));
        }
        for path in [run.best(), run.optimiser(saved.step())] {
            settle(&mut states.checksums, &path);
        }
        for (step, path) in [(states.newest, run.checkpoint()), (states.previous, run.previous())] {
            if step.is_some() {
                settle(&mut states.checksums, &path);
            }
        }
        Ok(Some(Self { saved, states }))
    }

    /// Forgets the best validation of `rule` where its weights are damaged or
    /// gone.
    pub(super) fn check_best(
        &self,
        run: &RunFolder,
        rule: &mut StopRule,
        progress: &mut dyn Progress,
    ) {
        let Some((step, _)) = rule.best() else {
            return;
        };
        let path = run.best();
        let fault = match self.states.checksums.fault(&path) {
            Some(fault) => Some(fault),
            None => match Saved::read(&path) {
                Ok(best) if best.step() == step => return,
                // Killed or damaged between a state and what comes after it.
                Ok(_) => None,
                Err(error) => Some(format!("cannot be used: {error}")),
            },
        };
        if let Some(fault) = fault {
            let path = path.display();
            progress.warned(&format!("{path} {fault}; the best of what follows takes its place"));
        }
        rule.forget_best();
    }
}

/// Lets checksums of files of which several contents were possible be those of
/// what is there; a damaged file keeps its own.
fn settle(checksums: &mut Checksums, path: &std::path::Path) {
    if checksums.fault(path).is_none() {
        checksums.settle(path);
    }
}

/// Reads a checkpoint that is whole and has its optimiser's state beside it.
fn sound(run: &RunFolder, checksums: &Checksums, path: &std::path::Path) -> Result<Saved, String> {
    let check = |path: &std::path::Path| match checksums.fault(path) {
        Some(fault) => Err(format!("{} {fault}", path.display())),
        None => Ok(()),
    };
    check(path)?;
    let saved = Saved::read(path).map_err(|error| error.to_string())?;
    let optimiser = run.optimiser(saved.step());
    check(&optimiser)?;
    State::check(&optimiser, saved.step()).map_err(|error| error.to_string())?;
    Ok(saved)
}

/// Says how to go on with what is left of a run whose states cannot be used.
fn advice(run: &RunFolder, checksums: &Checksums) -> String {
    let weights = [run.checkpoint(), run.best(), run.previous()].into_iter().find(|path| {
        checksums.fault(path).is_none() && matches!(Saved::read(path), Ok(Saved::Layers(_)))
    });
    match weights {
        Some(path) => format!(
            "start another run from the weights that are left, `lcl train --init {} --out RUN`",
            path.display()
        ),
        None => "start another run with --out".to_owned(),
    }
}

/// Lets a run begin anew of which no state is left. Where it had begun, that is
/// said, and its log is kept.
fn begin_anew(run: &RunFolder, progress: &mut dyn Progress) -> Result<(), TrainError> {
    let lines = MetricsLog::lines(&run.metrics()).map_or(0, |lines| lines.len());
    if lines > 0 {
        let aside = run.set_logs_aside()?;
        progress.warned(&format!(
            "no checkpoint is left in {}, so the run begins anew at step 0; its log so far is {}",
            run.path().display(),
            aside.display()
        ));
    }
    Ok(())
}
