//! A command line that cannot be understood, said in one line.

use clap::{Command, Error, error::ErrorKind};

/// Returns one line that says what is wrong and, where a command is unknown,
/// which there are.
pub fn one_line(error: &Error, cli: &Command) -> String {
    let rendered = error.render().to_string();
    // What is wrong comes before the first empty line, the usage after it.
    let problem = rendered.split("\n\n").next().unwrap_or_default();
    let problem: Vec<&str> = problem.split_whitespace().collect();
    let problem = problem.join(" ");
    let remedy = if error.kind() == ErrorKind::InvalidSubcommand {
        let commands = cli.get_subcommands().filter(|command| !command.is_hide_set());
        let names: Vec<&str> = commands.map(Command::get_name).collect();
        format!("the commands are {}", names.join(", "))
    } else {
        "see --help".to_owned()
    };
    format!("{problem}; {remedy}")
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::super::Cli;
    use super::*;

    #[track_caller]
    fn check(arguments: &[&str], expected: &[&str]) {
        let error = Cli::try_parse_from(arguments).expect_err("not a command line");
        let line = one_line(&error, &Cli::command());
        for part in expected {
            assert!(line.contains(part), "{part:?} is missing in {line:?}");
        }
        assert!(line.starts_with("error: ") && !line.contains('\n'), "{line:?}");
    }

    #[test]
    fn says_what_is_wrong_and_what_to_do() {
        check(&["lcl", "trian"], &["trian", "train, fit, prepare, quantise, features"]);
        check(&["lcl", "inspect"], &["<M.lcl>", "--help"]);
        check(&["lcl", "train", "--steps", "many"], &["many", "--steps", "--help"]);
    }
}
