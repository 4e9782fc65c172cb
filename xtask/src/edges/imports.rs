//! The one direction of imports: a table of every crate and what it may import.

use super::workspace::{Kind, Package, Workspace};

/// Every crate and all it may import of ours. Whoever changes a line here changes the design.
const ALLOWED: &[(&str, &[&str])] = &[
    ("landline-wire", &[]),
    ("landline-protocol", &["landline-wire"]),
    ("landline-services", &["landline-protocol", "landline-wire"]),
    ("landline-tftp", &["landline-protocol", "landline-wire"]),
    ("landline-engine", &["landline-protocol"]),
    (
        "landline-sockets",
        &[
            "landline-engine",
            "landline-services",
            "landline-tftp",
            "landline-wire",
        ],
    ),
    ("landline-model", &[]),
    ("landline-store", &["landline-model"]),
    (
        "landline-hub",
        &[
            "landline-store",
            "landline-model",
            "landline-wire",
            "landline-sockets",
        ],
    ),
    ("landline-client", &["landline-model", "landline-wire"]),
    (
        "landline-agent",
        &["landline-client", "landline-model", "landline-wire"],
    ),
    (
        "landline",
        &[
            "landline-hub",
            "landline-client",
            "landline-agent",
            "landline-sockets",
            "landline-model",
        ],
    ),
];

/// Tools beside the product: they may import anything, and nothing imports them.
const TOOLS: [&str; 2] = ["landline-bench", "xtask"];

/// One line for every crate that the table does not know, and for every edge that it does not have.
/// Tests may import what they like.
pub(super) fn check(workspace: &Workspace) -> Vec<String> {
    workspace
        .packages
        .iter()
        .filter(|package| !TOOLS.contains(&package.name.as_str()))
        .flat_map(check_package)
        .collect()
}

fn check_package(package: &Package) -> Vec<String> {
    let importer = &package.name;
    let Some(allowed) = allowed_for(importer) else {
        return vec![format!(
            "{importer} is not in the table of import edges (xtask/src/edges/imports.rs)"
        )];
    };
    package
        .dependencies
        .iter()
        .filter(|dependency| dependency.kind != Kind::Development && is_ours(&dependency.name))
        .filter(|dependency| !allowed.contains(&dependency.name.as_str()))
        .map(|dependency| format!("{importer} must not import {}", dependency.name))
        .collect()
}

fn allowed_for(importer: &str) -> Option<&'static [&'static str]> {
    ALLOWED
        .iter()
        .find(|(name, _)| *name == importer)
        .map(|(_, allowed)| *allowed)
}

fn is_ours(name: &str) -> bool {
    name == "landline" || name.starts_with("landline-") || TOOLS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::{
        super::workspace::{Dependency, Origin},
        *,
    };

    fn findings(importer: &str, imports: &[(&str, Kind)]) -> Vec<String> {
        let dependencies = imports
            .iter()
            .map(|&(name, kind)| Dependency {
                name: name.to_owned(),
                kind,
                origin: Origin::Registry,
            })
            .collect();
        let package = Package {
            name: importer.to_owned(),
            directory: "/r".into(),
            dependencies,
        };
        check(&Workspace {
            packages: vec![package],
        })
    }

    #[test]
    fn edges_of_the_design_pass() {
        for (importer, allowed) in ALLOWED {
            let imports: Vec<_> = allowed.iter().map(|name| (*name, Kind::Normal)).collect();
            assert_eq!(findings(importer, &imports), Vec::<String>::new());
        }
    }

    #[test]
    fn an_edge_outside_the_table_names_both_ends() {
        assert_eq!(
            findings(
                "landline-store",
                &[("landline-model", Kind::Normal), ("landline-hub", Kind::Normal)]
            ),
            ["landline-store must not import landline-hub"]
        );
        assert_eq!(
            findings("landline-wire", &[("landline-model", Kind::Build)]),
            ["landline-wire must not import landline-model"]
        );
    }

    #[test]
    fn the_binary_reaches_the_store_only_through_the_hub() {
        assert_eq!(
            findings("landline", &[("landline-store", Kind::Normal)]),
            ["landline must not import landline-store"]
        );
    }

    #[test]
    fn nothing_imports_the_tools_or_the_binary() {
        assert_eq!(
            findings("landline", &[("xtask", Kind::Normal)]),
            ["landline must not import xtask"]
        );
        assert_eq!(findings("landline-hub", &[("landline", Kind::Normal)]).len(), 1);
        assert_eq!(
            findings("landline-client", &[("landline-bench", Kind::Normal)]).len(),
            1
        );
    }

    #[test]
    fn tests_and_tools_import_what_they_like() {
        assert!(findings("landline-client", &[("landline-hub", Kind::Development)]).is_empty());
        assert!(findings("landline-bench", &[("landline-store", Kind::Normal)]).is_empty());
    }

    #[test]
    fn a_crate_outside_the_table_is_named() {
        let found = findings("landline-common", &[]);
        assert!(
            found[0].starts_with("landline-common is not in the table"),
            "{found:?}"
        );
        let found = findings("landline-hub", &[("landline-common", Kind::Normal)]);
        assert_eq!(found, ["landline-hub must not import landline-common"]);
    }

    #[test]
    fn foreign_crates_are_no_edges() {
        assert!(
            findings(
                "landline-wire",
                &[("bytes", Kind::Normal), ("serde", Kind::Build)]
            )
            .is_empty()
        );
    }

    #[test]
    fn the_table_has_no_cycle() {
        // Taking away whatever imports only what was taken away before must empty the table.
        let mut gone: Vec<&str> = Vec::new();
        while let Some((name, _)) = ALLOWED.iter().find(|(name, allowed)| {
            !gone.contains(name) && allowed.iter().all(|import| gone.contains(import))
        }) {
            gone.push(name);
        }
        assert_eq!(gone.len(), ALLOWED.len(), "only {gone:?} are free of cycles");
    }
}
