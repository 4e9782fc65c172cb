//! `cargo xtask bench`: a release build beside its peers, in the same run.

use std::process::Command;

use anyhow::Result;

use crate::{
    cargo::{self, build_program},
    setup, steps,
};

/// What there is to measure; the benchmark program knows the areas by the same names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Area {
    Files,
    Chat,
    Search,
    Echo,
    Udp,
    Engines,
}

impl Area {
    pub(crate) const ALL: [Self; 6] = [
        Self::Files,
        Self::Chat,
        Self::Search,
        Self::Echo,
        Self::Udp,
        Self::Engines,
    ];

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|area| area.name() == name)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Files => "files",
            Self::Chat => "chat",
            Self::Search => "search",
            Self::Echo => "echo",
            Self::Udp => "udp",
            Self::Engines => "engines",
        }
    }
}

/// Measures each area in turn; `arguments` go to the benchmark program.
pub(crate) fn run(areas: &[Area], arguments: &[String]) -> Result<()> {
    steps::reported(|steps| {
        steps.run("setup", || setup::run(&[setup::Use::Bench]))?;
        let (landline, bench) = steps.run("build", || {
            let landline = build_program(&["--release", "--package", "landline"], "landline")?;
            let bench = build_program(&["--release", "--package", "landline-bench"], "landline-bench")?;
            Ok((landline, bench))
        })?;
        for area in areas {
            steps.run(area.name(), || {
                let mut command = Command::new(&bench);
                command
                    .arg(area.name())
                    .args(arguments)
                    .env("LANDLINE_BIN", &landline);
                cargo::run(command.current_dir(cargo::root()))
            })?;
        }
        Ok(())
    })
}
