//! How libtorch's threads wait for one another.

/// Starts this program again with `OMP_WAIT_POLICY=passive`, unless the
/// environment says how OpenMP's threads are to wait.
///
/// By default they spin, and where another program wants a core, training
/// becomes many times slower. OpenMP reads the variable when it is loaded,
/// which is before `main`. Where the program cannot be started again, it goes
/// on as it is.
#[cfg(unix)]
pub fn wait_passively() {
    use std::{env, os::unix::process::CommandExt, process::Command};

    const CHOICES: [&str; 2] = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT"];
    if CHOICES.iter().any(|name| env::var_os(name).is_some()) {
        return;
    }
    let Ok(program) = env::current_exe() else {
        return;
    };
    let mut arguments = env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    // It returns only where it fails.
    let _ = command.args(arguments).env(CHOICES[0], "passive").exec();
}

/// Does nothing: libtorch does not use GNU OpenMP here.
#[cfg(not(unix))]
pub fn wait_passively() {}
