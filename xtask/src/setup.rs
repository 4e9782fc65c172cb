//! `cargo xtask setup`: the programs beside Rust that tests and benchmarks drive.

use std::{
    env, fs,
    os::unix::fs::MetadataExt,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Result, ensure};

use crate::cargo;

/// The one list. A test or a benchmark that drives another program has it here first.
const PACKAGES: &[Package] = &[
    Package::new(
        "curl",
        "curl",
        &[Use::Test],
        "asks the hub's web page over HTTP/1.1 and HTTP/2",
    ),
    Package::new(
        "faketime",
        "faketime",
        &[Use::Test],
        "a hub or a client whose clock was set back or forward",
    ),
    Package::new(
        "iproute2",
        "ip",
        &[Use::Test],
        "changes addresses to see certificates re-issued; lists sockets",
    ),
    Package::new(
        "openssl",
        "openssl",
        &[Use::Test],
        "a TLS peer that is not ours, to inspect certificates",
    ),
    Package::new(
        "procps",
        "ps",
        &[Use::Test, Use::Bench],
        "a process's children, memory and CPU time",
    ),
    Package::new(
        "python3",
        "python3",
        &[Use::Test],
        "peers as students type them: clients and servers on bare sockets",
    ),
    Package::new(
        "strace",
        "strace",
        &[Use::Test],
        "shows that data is synced before it is acknowledged",
    ),
    Package::new(
        "tmux",
        "tmux",
        &[Use::Test],
        "a real terminal for the line editor and the progress bar",
    ),
    Package::new("chrony", "chronyd", &[Use::Bench], "peer: answers over UDP"),
    Package::new("nats-server", "nats-server", &[Use::Bench], "peer: messages"),
    Package::new(
        "nginx-light",
        "nginx",
        &[Use::Bench],
        "peer: downloads over HTTPS",
    ),
    Package::new("ngircd", "ngircd", &[Use::Bench], "peer: chat"),
    Package::new(
        "openssh-client",
        "scp",
        &[Use::Bench],
        "peer: files, the client's side",
    ),
    Package::new(
        "openssh-server",
        "sshd",
        &[Use::Bench],
        "peer: files, the server's side",
    ),
    Package::new("rsync", "rsync", &[Use::Bench], "peer: files"),
    Package::new("sqlite3", "sqlite3", &[Use::Bench], "peer: searching messages"),
    Package::new("vsftpd", "vsftpd", &[Use::Bench], "peer: files over FTP"),
];

/// Where a system administrator's programs live; not on every user's search path.
const ADMIN_DIRECTORIES: [&str; 3] = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// Packages that Debian enables a service of, and the service.
const SERVICES: [(&str, &str); 6] = [
    ("chrony", "chrony"),
    ("nats-server", "nats-server"),
    ("nginx-light", "nginx"),
    ("ngircd", "ngircd"),
    ("openssh-server", "ssh"),
    ("vsftpd", "vsftpd"),
];

/// What somebody is about to do, and so which packages must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    Test,
    Bench,
}

struct Package {
    /// Debian's name for it.
    name: &'static str,
    /// A program in it, by which it is recognised where there is no dpkg.
    program: &'static str,
    uses: &'static [Use],
    /// Why it is wanted.
    why: &'static str,
}

impl Package {
    const fn new(name: &'static str, program: &'static str, uses: &'static [Use], why: &'static str) -> Self {
        Self {
            name,
            program,
            uses,
            why,
        }
    }
}

/// Makes sure that the packages for `uses` are there. Root on Debian installs what is missing; everybody else is
/// told what it is and how to get it, and that is an error.
pub(crate) fn run(uses: &[Use]) -> Result<()> {
    let debian = Path::new("/etc/debian_version").exists();
    let is_there = |package: &Package| {
        if debian {
            is_installed(package)
        } else {
            is_on_the_path(package)
        }
    };
    let mut missing = missing(uses, is_there);
    if !missing.is_empty() && debian && is_root() {
        install(&missing)?;
        missing.retain(|package| !is_there(package));
    }
    ensure!(missing.is_empty(), "{}", advice(&missing));
    println!("all packages are there");
    Ok(())
}

fn missing(uses: &[Use], is_there: impl Fn(&Package) -> bool) -> Vec<&'static Package> {
    let wanted = |package: &&Package| package.uses.iter().any(|purpose| uses.contains(purpose));
    PACKAGES
        .iter()
        .filter(wanted)
        .filter(|package| !is_there(package))
        .collect()
}

fn is_installed(package: &Package) -> bool {
    Command::new("dpkg-query")
        .args(["-W", "-f=${db:Status-Status}", package.name])
        .stderr(Stdio::null())
        .output()
        .is_ok_and(|output| output.status.success() && output.stdout == b"installed")
}

fn is_on_the_path(package: &Package) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain(ADMIN_DIRECTORIES.map(Into::into))
        .any(|directory| directory.join(package.program).is_file())
}

fn is_root() -> bool {
    // The owner of a process's own entry is its effective user.
    fs::metadata("/proc/self").is_ok_and(|entry| entry.uid() == 0)
}

fn install(missing: &[&Package]) -> Result<()> {
    for package in missing {
        println!("missing: {} ({})", package.name, package.why);
    }
    cargo::run(&mut apt_get(&["update"]))?;
    let names = missing.iter().map(|package| package.name);
    cargo::run(apt_get(&["install", "-y", "--no-install-recommends"]).args(names))?;
    let services = services(missing);
    if !services.is_empty() {
        println!("nothing was started: whoever needs a server starts one of its own, on a free port");
        println!("where this machine should not start them at its next boot: systemctl disable {services}");
    }
    Ok(())
}

/// An apt-get that asks nothing and starts no service: invoke-rc.d starts none in run level 1, and systemctl
/// talks to no running systemd while SYSTEMD_OFFLINE is set.
fn apt_get(arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    command.args(arguments).envs([
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("RUNLEVEL", "1"),
        ("SYSTEMD_OFFLINE", "1"),
    ]);
    command
}

fn services(packages: &[&Package]) -> String {
    let brought = SERVICES
        .iter()
        .filter(|(name, _)| packages.iter().any(|package| package.name == *name));
    brought.map(|(_, service)| *service).collect::<Vec<_>>().join(" ")
}

fn advice(missing: &[&Package]) -> String {
    let reasons: String = missing
        .iter()
        .map(|package| format!("  {:16}{}\n", package.name, package.why))
        .collect();
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    format!(
        "missing packages:\n{reasons}install them, on Debian with:\n  \
         sudo apt-get update && sudo apt-get install -y --no-install-recommends {}",
        names.join(" ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(packages: &[&Package]) -> Vec<&'static str> {
        packages.iter().map(|package| package.name).collect()
    }

    #[test]
    fn every_package_is_listed_once_with_a_use_and_a_reason() {
        let mut listed: Vec<&str> = PACKAGES.iter().map(|package| package.name).collect();
        listed.sort_unstable();
        listed.dedup();
        assert_eq!(listed.len(), PACKAGES.len());
        assert!(
            PACKAGES
                .iter()
                .all(|package| !package.uses.is_empty() && !package.why.is_empty())
        );
    }

    #[test]
    fn tests_do_not_ask_for_the_peers_of_benchmarks() {
        let for_tests = names(&missing(&[Use::Test], |_| false));
        assert!(for_tests.contains(&"strace") && for_tests.contains(&"procps"));
        assert!(!for_tests.contains(&"nats-server"));
        let for_both = missing(&[Use::Test, Use::Bench], |_| false);
        assert_eq!(for_both.len(), PACKAGES.len());
    }

    #[test]
    fn only_what_is_not_there_is_missing() {
        assert_eq!(
            names(&missing(&[Use::Test], |package| package.name != "tmux")),
            ["tmux"]
        );
        assert!(missing(&[Use::Test, Use::Bench], |_| true).is_empty());
    }

    #[test]
    fn advice_names_the_packages_their_reasons_and_the_command() {
        let text = advice(&missing(&[Use::Test], |package| {
            !["curl", "tmux"].contains(&package.name)
        }));
        assert!(text.contains("a real terminal"), "{text}");
        assert!(
            text.ends_with("apt-get install -y --no-install-recommends curl tmux"),
            "{text}"
        );
    }

    #[test]
    fn services_are_those_of_the_packages_just_installed() {
        assert_eq!(services(&missing(&[Use::Test], |_| false)), "");
        assert_eq!(
            services(&missing(&[Use::Bench], |package| package.name == "ngircd")),
            "chrony nats-server nginx ssh vsftpd"
        );
    }

    #[test]
    fn a_package_that_nobody_makes_is_not_installed() {
        let package = Package::new(
            "landline-no-such-package",
            "landline-no-such-program",
            &[Use::Test],
            "nothing",
        );
        assert!(!is_installed(&package));
        assert!(!is_on_the_path(&package));
        assert!(is_on_the_path(&Package::new(
            "dash",
            "sh",
            &[Use::Test],
            "everywhere"
        )));
    }
}
