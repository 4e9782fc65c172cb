//! The workspace's packages and what they depend on, out of `cargo metadata`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

pub(super) struct Workspace {
    pub(super) packages: Vec<Package>,
}

pub(super) struct Package {
    pub(super) name: String,
    /// Where its Cargo.toml lies.
    pub(super) directory: PathBuf,
    pub(super) dependencies: Vec<Dependency>,
}

pub(super) struct Dependency {
    /// The package's own name, whatever the importing manifest calls it.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) origin: Origin,
}

/// When a dependency is compiled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Normal,
    Build,
    /// For tests, examples and benchmarks only.
    Development,
}

/// Where a dependency's source comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// The public registry that cargo uses unless told otherwise.
    Registry,
    /// A registry that the manifest names.
    OtherRegistry(String),
    Git(String),
    Path(PathBuf),
}

impl Workspace {
    /// Reads the answer of `cargo metadata --format-version 1 --no-deps`.
    pub(super) fn from_metadata(metadata: &Value) -> Result<Self> {
        let packages = array(metadata, "packages")?
            .iter()
            .map(Package::from_metadata)
            .collect::<Result<_>>()?;
        Ok(Self { packages })
    }

    pub(super) fn has_directory(&self, directory: &Path) -> bool {
        self.packages.iter().any(|package| package.directory == directory)
    }
}

impl Package {
    fn from_metadata(package: &Value) -> Result<Self> {
        let manifest = Path::new(text(package, "manifest_path")?);
        let dependencies = array(package, "dependencies")?;
        Ok(Self {
            name: text(package, "name")?.to_owned(),
            directory: manifest
                .parent()
                .context("a manifest lies in a directory")?
                .to_owned(),
            dependencies: dependencies
                .iter()
                .map(Dependency::from_metadata)
                .collect::<Result<_>>()?,
        })
    }
}

impl Dependency {
    fn from_metadata(dependency: &Value) -> Result<Self> {
        let kind = match dependency["kind"].as_str() {
            Some("dev") => Kind::Development,
            Some("build") => Kind::Build,
            _ => Kind::Normal,
        };
        let origin = if let Some(path) = dependency["path"].as_str() {
            Origin::Path(path.into())
        } else if let Some(git) = dependency["source"]
            .as_str()
            .filter(|source| source.starts_with("git+"))
        {
            Origin::Git(git.to_owned())
        } else if let Some(registry) = dependency["registry"].as_str() {
            Origin::OtherRegistry(registry.to_owned())
        } else {
            Origin::Registry
        };
        Ok(Self {
            name: text(dependency, "name")?.to_owned(),
            kind,
            origin,
        })
    }
}

fn array<'a>(object: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    object[key]
        .as_array()
        .with_context(|| format!("cargo metadata has no list '{key}'"))
}

fn text<'a>(object: &'a Value, key: &str) -> Result<&'a str> {
    object[key]
        .as_str()
        .with_context(|| format!("cargo metadata has no text '{key}'"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(dependency: &Value) -> Dependency {
        let metadata = json!({"packages": [{
            "name": "landline-hub", "manifest_path": "/r/crates/hub/Cargo.toml", "dependencies": [dependency],
        }]});
        let mut workspace = Workspace::from_metadata(&metadata).unwrap();
        assert!(workspace.has_directory(Path::new("/r/crates/hub")));
        workspace.packages.remove(0).dependencies.remove(0)
    }

    #[test]
    fn kinds_are_told_apart() {
        assert_eq!(read(&json!({"name": "x", "kind": null})).kind, Kind::Normal);
        assert_eq!(read(&json!({"name": "x", "kind": "build"})).kind, Kind::Build);
        assert_eq!(read(&json!({"name": "x", "kind": "dev"})).kind, Kind::Development);
    }

    #[test]
    fn origins_are_told_apart() {
        let registry = json!({"name": "x", "source": "registry+https://a.example", "registry": null});
        assert_eq!(read(&registry).origin, Origin::Registry);
        let other =
            json!({"name": "x", "source": "registry+https://b.example", "registry": "https://b.example"});
        assert_eq!(
            read(&other).origin,
            Origin::OtherRegistry("https://b.example".into())
        );
        let git = json!({"name": "x", "source": "git+https://c.example/x", "registry": null});
        assert_eq!(read(&git).origin, Origin::Git("git+https://c.example/x".into()));
        let path = json!({"name": "x", "source": null, "path": "/r/vendor/x"});
        assert_eq!(read(&path).origin, Origin::Path("/r/vendor/x".into()));
    }

    #[test]
    fn metadata_of_another_shape_is_an_error() {
        assert!(Workspace::from_metadata(&json!({})).is_err());
        assert!(Workspace::from_metadata(&json!({"packages": [{"name": "x"}]})).is_err());
    }
}
