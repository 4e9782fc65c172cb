//! The words after `cargo xtask`, read without touching anything.

use crate::{bench::Area, deep::Part};

pub(crate) const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  setup                        install the Debian packages that tests and benchmarks use, or name what is missing
  test [ARGS]                  setup, build, every test; ARGS go to `cargo test`
  ci                           format, import edges, clippy, documentation, test: what every change must pass
  edges                        check which crate may import which, and what the pure crates promise
  bench [AREA [ARGS]]          measure a release build beside its peers; ARGS go to the benchmark
                               AREA: files, chat, search, echo, udp or engines
  deep [PART]                  the long checks; PART: deny (licences and sources), fuzz, kill (200 rounds of kill -9),
                               oracle (chat against a model of it, 5,000 seeds) or interruptions (5,000 transfers
                               that end in the middle)";

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    Setup,
    Test {
        arguments: Vec<String>,
    },
    Ci,
    Edges,
    Bench {
        areas: Vec<Area>,
        arguments: Vec<String>,
    },
    Deep {
        parts: Vec<Part>,
    },
}

/// Reads the words after the program's name. An error is one line that says which word is wrong.
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Command, String> {
    let mut words = words.into_iter();
    let Some(command) = words.next() else {
        return Err("no command given".to_owned());
    };
    let rest: Vec<String> = words.collect();
    match command.as_str() {
        "help" | "--help" | "-h" => alone(&command, &rest, Command::Help),
        "setup" => alone(&command, &rest, Command::Setup),
        "test" => Ok(Command::Test { arguments: rest }),
        "ci" => alone(&command, &rest, Command::Ci),
        "edges" => alone(&command, &rest, Command::Edges),
        "bench" => parse_bench(&rest),
        "deep" => parse_deep(&rest),
        unknown => Err(format!("unknown command '{unknown}'")),
    }
}

fn alone(name: &str, rest: &[String], command: Command) -> Result<Command, String> {
    match rest.first() {
        None => Ok(command),
        Some(word) => Err(format!("'{name}' takes no '{word}'")),
    }
}

fn parse_bench(rest: &[String]) -> Result<Command, String> {
    let Some((word, arguments)) = rest.split_first() else {
        return Ok(Command::Bench {
            areas: Area::ALL.to_vec(),
            arguments: Vec::new(),
        });
    };
    let area = Area::named(word).ok_or_else(|| format!("unknown benchmark '{word}'"))?;
    Ok(Command::Bench {
        areas: vec![area],
        arguments: arguments.to_vec(),
    })
}

fn parse_deep(rest: &[String]) -> Result<Command, String> {
    match rest {
        [] => Ok(Command::Deep {
            parts: Part::ALL.to_vec(),
        }),
        [word] => {
            let part = Part::named(word).ok_or_else(|| format!("unknown part '{word}'"))?;
            Ok(Command::Deep { parts: vec![part] })
        }
        [_, surplus, ..] => Err(format!("'deep' takes one part, '{surplus}' is one too many")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Command, String> {
        parse(line.split_whitespace().map(str::to_owned))
    }

    fn strings(words: &[&str]) -> Vec<String> {
        words.iter().map(|&word| word.to_owned()).collect()
    }

    #[test]
    fn every_command_is_known() {
        assert_eq!(parsed("setup"), Ok(Command::Setup));
        assert_eq!(parsed("ci"), Ok(Command::Ci));
        assert_eq!(parsed("edges"), Ok(Command::Edges));
        assert_eq!(parsed("--help"), Ok(Command::Help));
    }

    #[test]
    fn no_words_and_unknown_words_are_wrong_usage() {
        for line in [
            "",
            "tset",
            "ci now",
            "setup test",
            "bench disks",
            "deep sea",
            "deep fuzz kill",
        ] {
            assert!(parsed(line).is_err(), "'{line}' was taken");
        }
    }

    #[test]
    fn arguments_of_test_pass_through_untouched() {
        let arguments = strings(&["-p", "landline-wire", "--", "--nocapture"]);
        assert_eq!(
            parsed("test -p landline-wire -- --nocapture"),
            Ok(Command::Test { arguments })
        );
    }

    #[test]
    fn without_an_area_or_a_part_all_of_them_run() {
        assert_eq!(
            parsed("bench"),
            Ok(Command::Bench {
                areas: Area::ALL.to_vec(),
                arguments: Vec::new()
            })
        );
        assert_eq!(
            parsed("deep"),
            Ok(Command::Deep {
                parts: Part::ALL.to_vec()
            })
        );
    }

    #[test]
    fn one_area_takes_the_arguments_after_it() {
        let arguments = strings(&["--rounds", "7"]);
        assert_eq!(
            parsed("bench chat --rounds 7"),
            Ok(Command::Bench {
                areas: vec![Area::Chat],
                arguments
            })
        );
        assert_eq!(
            parsed("deep kill"),
            Ok(Command::Deep {
                parts: vec![Part::Kill]
            })
        );
        assert_eq!(
            parsed("deep oracle"),
            Ok(Command::Deep {
                parts: vec![Part::Oracle]
            })
        );
    }
}
