//! The commands, one a file.

mod access;
mod audit;
mod call;
mod chat;
mod completions;
mod config;
mod contact;
mod discover;
mod files;
mod history;
mod hubs;
mod invite;
mod join;
mod lab;
mod login;
mod logout;
mod man;
mod password;
mod receipt;
mod room;
mod send;
mod serve;
mod space;
mod status;
mod supervise;
mod textbook;
mod trash;
mod typed;
mod user;
mod versions;
mod whoami;

use crate::arguments::Arguments;
use crate::context::{Context, Usage};
use anyhow::Result;
use std::process::ExitCode;

/// What to do.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    Serve(serve::Serve),
    Invite(invite::Invite),
    Join(join::Join),
    Login(login::Login),
    Logout(logout::Logout),
    Password(password::Password),
    Whoami(whoami::Whoami),
    Hubs(hubs::Hubs),
    Discover(discover::Discover),
    User(user::User),
    Contact(contact::Contact),
    Status(status::Status),
    Room(room::Room),
    Send(send::Send),
    Chat(chat::Chat),
    History(history::History),
    Audit(audit::Audit),
    Ls(files::ls::Ls),
    Du(files::du::Du),
    Find(files::find::Find),
    Get(files::get::Get),
    Put(files::put::Put),
    Rm(files::rm::Rm),
    Mkdir(files::mkdir::Mkdir),
    Cp(files::cp::Cp),
    Mv(files::mv::Mv),
    Stat(files::stat::Stat),
    Sync(files::sync::Sync),
    Trash(trash::Trash),
    Versions(versions::Versions),
    Space(space::Space),
    Access(access::Access),
    Share(files::share::Share),
    Receipt(receipt::Receipt),
    Textbook(Box<textbook::Textbook>),
    Lab(lab::Lab),
    Config(config::Config),
    Completions(completions::Completions),
    Man(man::Man),
    Supervise(supervise::Supervise),
}

/// Does what the command line says.
pub(crate) fn run(arguments: Arguments) -> Result<ExitCode> {
    let Arguments {
        hub,
        token_file,
        quiet,
        command,
    } = arguments;
    if hub.is_some() && !command.asks_the_current_hub() {
        let hint = "landline --help shows what each command takes";
        return Err(Usage::new(
            "--hub says which hub to ask, and this command does not ask one",
            hint,
        )
        .into());
    }
    if token_file.is_some() && !command.asks_the_current_hub() && !matches!(command, Command::Login(_)) {
        let hint = "landline --help shows what each command takes";
        return Err(Usage::new(
            "--token-file says who asks a hub, and this command does not ask one",
            hint,
        )
        .into());
    }
    let context = Context {
        hub,
        token_file,
        quiet,
    };
    // These have threads of their own, and no use for tokio's.
    let command = match command {
        Command::Textbook(command) => return command.run(&context),
        Command::Lab(command) => return command.run(&context),
        Command::Supervise(command) => return Ok(command.run()),
        command => command,
    };
    let runtime = tokio::runtime::Runtime::new()?;
    let result = runtime.block_on(command.run(&context));
    // A thread may still wait for standard input; nobody waits for it.
    runtime.shutdown_background();
    result
}

impl Command {
    const fn asks_the_current_hub(&self) -> bool {
        !matches!(
            self,
            Self::Serve(_)
                | Self::Join(_)
                | Self::Login(_)
                | Self::Hubs(_)
                | Self::Discover(_)
                | Self::Config(_)
                | Self::Receipt(_)
                | Self::Textbook(_)
                | Self::Lab(_)
                | Self::Supervise(_)
                | Self::Completions(_)
                | Self::Man(_)
        )
    }

    async fn run(self, context: &Context) -> Result<ExitCode> {
        match self {
            Self::Serve(command) => command.run(context).await,
            Self::Invite(command) => command.run(context).await,
            Self::Join(command) => command.run(context).await,
            Self::Login(command) => command.run(context).await,
            Self::Logout(command) => command.run(context).await,
            Self::Password(command) => command.run(context).await,
            Self::Whoami(command) => command.run(context).await,
            Self::Hubs(command) => command.run(),
            Self::Discover(command) => command.run(context).await,
            Self::User(command) => command.run(context).await,
            Self::Contact(command) => command.run(context).await,
            Self::Status(command) => command.run(context).await,
            Self::Room(command) => command.run(context).await,
            Self::Send(command) => command.run(context).await,
            Self::Chat(command) => command.run(context).await,
            Self::History(command) => command.run(context).await,
            Self::Audit(command) => command.run(context).await,
            Self::Ls(command) => command.run(context).await,
            Self::Du(command) => command.run(context).await,
            Self::Find(command) => command.run(context).await,
            Self::Get(command) => command.run(context).await,
            Self::Put(command) => command.run(context).await,
            Self::Rm(command) => command.run(context).await,
            Self::Mkdir(command) => command.run(context).await,
            Self::Cp(command) => command.run(context).await,
            Self::Mv(command) => command.run(context).await,
            Self::Stat(command) => command.run(context).await,
            Self::Sync(command) => command.run(context).await,
            Self::Trash(command) => command.run(context).await,
            Self::Versions(command) => command.run(context).await,
            Self::Space(command) => command.run(context).await,
            Self::Access(command) => command.run(context).await,
            Self::Share(command) => command.run(context).await,
            Self::Receipt(command) => command.run(context),
            Self::Textbook(command) => command.run(context),
            Self::Lab(command) => command.run(context),
            Self::Supervise(command) => Ok(command.run()),
            Self::Config(command) => command.run(),
            Self::Completions(command) => command.run(),
            Self::Man(command) => command.run(),
        }
    }
}
