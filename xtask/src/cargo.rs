//! Running cargo, and other programs, at the repository's root.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// The repository's root: the directory above this crate, as it is now and not where it was compiled.
pub(crate) fn root() -> PathBuf {
    let manifest_dir =
        env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    manifest_dir
        .parent()
        .map_or_else(|| manifest_dir.clone(), Path::to_path_buf)
}

/// A cargo command at the root.
///
/// What `cargo run` told this program about itself is taken out of the environment: a build script that
/// watches such a variable would otherwise run again whenever cargo is called by hand and from here in turn.
pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(arguments).current_dir(root());
    for (name, _) in env::vars_os() {
        let about_this_program = name
            .to_str()
            .is_some_and(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
        if about_this_program {
            command.env_remove(&name);
        }
    }
    command
}

/// Shows the command, runs it on this terminal, and fails where it does not succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = shown(command);
    println!("$ {line}");
    let status = command
        .status()
        .with_context(|| format!("could not start '{line}'"))?;
    ensure!(status.success(), "'{line}' failed: {status}");
    Ok(())
}

/// Runs `cargo metadata` for the workspace's own packages; reads manifests only, touches no network.
pub(crate) fn metadata() -> Result<Value> {
    let mut command = cargo(["metadata", "--format-version", "1", "--no-deps", "--offline"]);
    serde_json::from_slice(&output(&mut command)?)
        .context("cargo metadata answered something that is not JSON")
}

/// Builds with `arguments` and returns the path of the program called `name`, wherever cargo's settings put it.
pub(crate) fn build_program(arguments: &[&str], name: &str) -> Result<PathBuf> {
    let mut command = cargo(["build", "--message-format", "json-render-diagnostics"]);
    command.args(arguments);
    println!("$ {}", shown(&command));
    let messages = output(&mut command)?;
    messages
        .split(|&byte| byte == b'\n')
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .find_map(|message| executable(&message, name))
        .with_context(|| format!("cargo built no program called '{name}'"))
}

fn executable(message: &Value, name: &str) -> Option<PathBuf> {
    (message["target"]["name"] == name)
        .then(|| message["executable"].as_str().map(PathBuf::from))
        .flatten()
}

fn output(command: &mut Command) -> Result<Vec<u8>> {
    let line = shown(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("could not start '{line}'"))?;
    if !output.status.success() {
        bail!("'{line}' failed: {}", output.status);
    }
    Ok(output.stdout)
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program())
        .file_name()
        .unwrap_or(command.get_program());
    let mut line = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_root_holds_the_workspace() {
        assert!(root().join("Cargo.lock").is_file());
    }

    #[test]
    fn a_failed_command_is_an_error_that_shows_it() {
        let error = run(Command::new("sh").args(["-c", "exit 3"])).unwrap_err();
        assert_eq!(error.to_string(), "'sh -c exit 3' failed: exit status: 3");
        assert!(run(&mut Command::new("/no/such/program")).is_err());
    }

    #[test]
    fn what_cargo_said_about_this_program_is_not_passed_on() {
        let command = cargo(["build"]);
        let removed: Vec<_> = command
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name)
            .collect();
        assert!(
            removed.iter().any(|&name| name == "CARGO_PKG_NAME"),
            "{removed:?}"
        );
        assert!(
            removed.iter().any(|&name| name == "CARGO_MANIFEST_DIR"),
            "{removed:?}"
        );
    }

    #[test]
    fn an_executable_is_found_by_its_target_not_by_a_library_of_that_name() {
        let library = json!({"target": {"name": "landline"}, "executable": null});
        let other = json!({"target": {"name": "xtask"}, "executable": "/t/xtask"});
        let program = json!({"target": {"name": "landline"}, "executable": "/t/landline"});
        assert_eq!(executable(&library, "landline"), None);
        assert_eq!(executable(&other, "landline"), None);
        assert_eq!(
            executable(&program, "landline"),
            Some(PathBuf::from("/t/landline"))
        );
    }
}
