//! The command line as a whole.

use crate::commands::Command;
use std::path::PathBuf;

/// Chat, share files and more with the machines on your local network. One program, no cloud.
#[derive(Debug, clap::Parser)]
#[command(
    name = "landline",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
pub(crate) struct Arguments {
    /// Use this hub instead of the current one (also: LANDLINE_HUB).
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) hub: Option<String>,
    /// Be whoever the token in this file is for, on the hub that it is for (also: LANDLINE_TOKEN, the token itself).
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "hub")]
    pub(crate) token_file: Option<PathBuf>,
    /// Leave out progress and confirmations.
    #[arg(short, long, global = true)]
    pub(crate) quiet: bool,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[cfg(test)]
mod tests {
    use super::Arguments;
    use clap::{CommandFactory as _, Parser as _};

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_hub_flag_is_not_mistaken_for_a_commands_own_argument() {
        let arguments = Arguments::try_parse_from(["landline", "login", "lab"]).unwrap();
        assert_eq!(arguments.hub, None);
    }

    #[test]
    fn the_common_commands_are_understood() {
        let lines = [
            "serve --listen 127.0.0.1:0 --listen [::1]:0 --ready-file r --data d --log-format json",
            "invite --role member --uses 3 --expires 7d --json",
            "join - --name bob --password-stdin",
            "join ship --code 417-2984-6071",
            "invite --code --role guest",
            "discover --seconds 5 --json",
            "send #general hello",
            "send @bob -",
            "chat #general --json --follow --since 3",
            "history #general --since 1 --limit 5 --json",
            "room create #general",
            "room ls --json",
            "audit --data d",
            "config show --json --data d",
            "hubs use lab",
            "ls :/shared/",
            "--hub lab whoami",
            "user ls --json",
            "user search ali",
            "user role @bob guest",
            "user revoke --all bob",
            "user token robot --create member --for backups --expires 90d",
            "contact ask @bob",
            "status away",
            "whoami --token-file t",
        ];
        for line in lines {
            let words = ["landline"].into_iter().chain(line.split(' '));
            assert!(Arguments::try_parse_from(words).is_ok(), "{line}");
        }
    }
}
