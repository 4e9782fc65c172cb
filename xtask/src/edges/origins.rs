//! Dependencies come from the public registry or from this workspace: no git revision, no vendored or patched copy.

use super::workspace::{Origin, Workspace};

/// One line for every dependency in a manifest, development ones too, that comes from elsewhere.
pub(super) fn check_manifests(workspace: &Workspace) -> Vec<String> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        for dependency in &package.dependencies {
            let elsewhere = match &dependency.origin {
                Origin::Registry => continue,
                Origin::Path(path) if workspace.has_directory(path) => continue,
                Origin::Path(path) => format!("a copy in {}", path.display()),
                Origin::Git(source) => source.clone(),
                Origin::OtherRegistry(registry) => format!("another registry, {registry}"),
            };
            findings.push(format!(
                "{} takes {} from {elsewhere}",
                package.name, dependency.name
            ));
        }
    }
    findings
}

/// The same for Cargo.lock, which also shows what a `[patch]` put in place of a registry's package: one without a
/// source that is no package of this workspace.
pub(super) fn check_lock(lock: &str, workspace: &Workspace) -> Vec<String> {
    lock.split("[[package]]")
        .skip(1)
        .filter_map(|entry| check_entry(entry, workspace))
        .collect()
}

fn check_entry(entry: &str, workspace: &Workspace) -> Option<String> {
    let name = value(entry, "name")?;
    match value(entry, "source") {
        Some(source) if source.starts_with("git+") => Some(format!("Cargo.lock takes {name} from {source}")),
        Some(_) => None,
        None if workspace.packages.iter().any(|package| package.name == name) => None,
        None => Some(format!(
            "Cargo.lock takes {name} from a copy outside the workspace"
        )),
    }
}

/// The text of a line `key = "text"`. Cargo writes its lock file in this form and no other.
fn value<'a>(entry: &'a str, key: &str) -> Option<&'a str> {
    entry
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"'))
}

#[cfg(test)]
mod tests {
    use super::{
        super::workspace::{Dependency, Kind, Package},
        *,
    };

    fn workspace(origin: Origin) -> Workspace {
        let dependency = Dependency {
            name: "x".to_owned(),
            kind: Kind::Development,
            origin,
        };
        let package = Package {
            name: "landline-hub".to_owned(),
            directory: "/r/crates/hub".into(),
            dependencies: vec![dependency],
        };
        Workspace {
            packages: vec![package],
        }
    }

    #[test]
    fn the_registry_and_the_workspace_pass() {
        assert!(check_manifests(&workspace(Origin::Registry)).is_empty());
        assert!(check_manifests(&workspace(Origin::Path("/r/crates/hub".into()))).is_empty());
    }

    #[test]
    fn git_copies_and_other_registries_are_named() {
        let elsewhere = [
            Origin::Git("git+https://c.example/x".to_owned()),
            Origin::Path("/r/vendor/x".into()),
            Origin::OtherRegistry("https://b.example".to_owned()),
        ];
        for origin in elsewhere {
            let findings = check_manifests(&workspace(origin.clone()));
            assert_eq!(findings.len(), 1, "{origin:?}");
            assert!(
                findings[0].starts_with("landline-hub takes x from "),
                "{findings:?}"
            );
        }
    }

    #[test]
    fn the_lock_shows_patched_and_git_packages() {
        let lock = "version = 4\n\n\
            [[package]]\nname = \"landline-hub\"\nversion = \"0.1.0\"\ndependencies = [\n \"x\",\n]\n\n\
            [[package]]\nname = \"bytes\"\nsource = \"registry+https://a.example\"\n\n\
            [[package]]\nname = \"patched\"\nversion = \"1.0.0\"\n\n\
            [[package]]\nname = \"forked\"\nsource = \"git+https://c.example/x\"\n";
        assert_eq!(
            check_lock(lock, &workspace(Origin::Registry)),
            [
                "Cargo.lock takes patched from a copy outside the workspace",
                "Cargo.lock takes forked from git+https://c.example/x"
            ]
        );
    }
}
