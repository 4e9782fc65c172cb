//! Precedence, sources, and every way a configuration can be wrong.

use super::*;

/// A home directory with an optional configuration file in its default data directory.
struct Home {
    directory: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join(".local/share/landline")).unwrap();
        Self { directory }
    }

    fn with_file(content: impl AsRef<[u8]>) -> Self {
        let home = Self::new();
        std::fs::write(home.file(), content).unwrap();
        home
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join(".local/share/landline")
    }

    fn file(&self) -> PathBuf {
        self.data().join(FILE_NAME)
    }

    fn load(&self, flags: &Flags, variables: &[(&str, &str)]) -> Result<Loaded, ConfigErrors> {
        let home = (
            OsString::from("HOME"),
            self.directory.path().as_os_str().to_owned(),
        );
        let variables = variables
            .iter()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        load(flags, variables.chain([home]))
    }

    /// What is wrong, with the file's path cut to its name.
    fn complaint(&self) -> String {
        let text = self.load(&Flags::default(), &[]).unwrap_err().to_string();
        text.replace(self.file().to_str().unwrap(), FILE_NAME)
    }
}

fn config_flag(path: &Path) -> Flags {
    Flags {
        config: Some(path.to_owned()),
        ..Flags::default()
    }
}

#[test]
fn defaults_fill_every_setting() {
    let home = Home::new();
    let loaded = home.load(&Flags::default(), &[]).unwrap();
    assert_eq!(loaded.config.data, home.data());
    assert_eq!(loaded.config.listen.len(), 2);
    assert_eq!(loaded.config.limits.header_bytes, 65_536);
    assert_eq!(
        loaded.config.sessions.idle,
        std::time::Duration::from_secs(30 * 86_400)
    );
    assert_eq!(loaded.file, home.file());
    let shown = loaded.show();
    assert_eq!(shown.len(), SETTINGS.len());
    assert!(shown.iter().all(|one| one.source == Source::Default));
}

#[test]
fn flag_beats_environment_beats_file_beats_default() {
    let home = Home::with_file("# comment\nname = \"file\"\n[log]\nlevel = \"warn\"\nformat = \"json\"\n");
    let flags = Flags {
        name: Some("flag".to_owned()),
        ..Flags::default()
    };
    let variables = [("LANDLINE_NAME", "environment"), ("LANDLINE_LOG_LEVEL", "debug")];
    let loaded = home.load(&flags, &variables).unwrap();
    assert_eq!(loaded.config.name, "flag");
    assert_eq!(loaded.origin("name"), Some(&Source::Flag("--name")));
    assert_eq!(loaded.config.log.level, LogLevel::Debug);
    assert_eq!(
        loaded.origin("log.level").unwrap().to_string(),
        "environment LANDLINE_LOG_LEVEL"
    );
    assert_eq!(loaded.config.log.format, LogFormat::Json);
    assert_eq!(
        loaded.origin("log.format"),
        Some(&Source::File {
            path: home.file(),
            line: 5
        })
    );
    assert_eq!(loaded.origin("listen"), Some(&Source::Default));
}

#[test]
fn every_setting_can_be_given_by_its_variable() {
    let home = Home::new();
    for setting in SETTINGS {
        let text = match setting.kind {
            Kind::Addresses => "127.0.0.1:1, [::1]:2".to_owned(),
            Kind::Directory => "/elsewhere".to_owned(),
            Kind::Name => "Somebody".to_owned(),
            Kind::Choice(words) => words[0].to_owned(),
            Kind::Size => "10G".to_owned(),
            Kind::Integer { maximum, .. } => maximum.to_string(),
        };
        let loaded = home
            .load(&Flags::default(), &[(&setting.variable(), &text)])
            .unwrap();
        let expected = Value::from_text(setting, OsStr::new(&text)).unwrap().to_string();
        let shown = loaded
            .show()
            .into_iter()
            .find(|one| one.key == setting.key)
            .unwrap();
        assert_eq!(shown.value, expected);
        assert_eq!(shown.source, Source::Environment(setting.variable()));
    }
}

#[test]
fn what_is_shown_is_toml_that_loads_to_the_same() {
    let home = Home::new();
    let first = home
        .load(
            &Flags {
                name: Some("a \"b\" \\ c".to_owned()),
                ..Flags::default()
            },
            &[],
        )
        .unwrap();
    let text: String = first
        .show()
        .iter()
        .map(|one| format!("{} = {}\n", one.key, one.value))
        .collect();
    let path = home.directory.path().join("shown.toml");
    std::fs::write(&path, text).unwrap();
    let second = home.load(&config_flag(&path), &[]).unwrap();
    let values = |loaded: &Loaded| loaded.show().into_iter().map(|one| one.value).collect::<Vec<_>>();
    assert_eq!(values(&first), values(&second));
    assert_eq!(second.config.name, "a \"b\" \\ c");
}

#[test]
fn all_problems_of_a_file_are_reported_in_order_with_lines_and_suggestions() {
    let home = Home::with_file(
        "nmae = \"x\"\nlisten = \"0.0.0.0:1\"\nconnections = 5\n\n[limits]\nheader_bytes = 70000\n\
         idle_seconds = \"10\"\nconections = 1\n[limit]\nx = 1\n[log]\nlevel = \"inof\"\n",
    );
    let expected = "\
        landline.toml:1: there is no setting \"nmae\"; did you mean name?\n\
        landline.toml:2: listen is the text \"0.0.0.0:1\"; it takes a list of addresses with ports, such as [\"0.0.0.0:5263\", \"[::]:5263\"]\n\
        landline.toml:3: there is no setting \"connections\"; did you mean limits.connections?\n\
        landline.toml:6: limits.header_bytes is 70000; it takes a whole number from 1024 to 65536, such as 1024\n\
        landline.toml:7: limits.idle_seconds is the text \"10\"; it takes a whole number from 5 to 86400, such as 5\n\
        landline.toml:8: there is no setting \"limits.conections\"; did you mean limits.connections?\n\
        landline.toml:9: there is no section [limit]; did you mean limits?\n\
        landline.toml:12: log.level is \"inof\"; it takes one of error, warn, info, debug, trace; did you mean info?";
    assert_eq!(home.complaint(), expected);
}

#[test]
fn values_of_the_wrong_kind_are_refused() {
    for (text, expected) in [
        ("name = \"\"", "1: name takes 1 to 64 characters"),
        ("name = \"a\\u001bb\"", "1: name takes 1 to 64 characters"),
        ("limits = 5", "1: limits is a section; write [limits]"),
        ("listen = []", "1: listen is an empty list;"),
        ("listen = [1]", "1: listen is a list with something else in it;"),
        ("listen = [\"5263\"]", "write it like \"0.0.0.0:5263\""),
        ("listen = [\"::1\"]", "write it like \"[::1]:5263\""),
        ("listen = [\"example\"]", "write it like \"192.0.2.7:5263\""),
        (
            "limits.drain_seconds = -1",
            "1: limits.drain_seconds is -1; it takes a whole number from 0",
        ),
        (
            "limits.drain_seconds = 1.5",
            "1: limits.drain_seconds is the number 1.5;",
        ),
        (
            "limits.connections = 99999999999999999999999999",
            "limits.connections is 999999",
        ),
        (
            "data = \"/x\"",
            "1: data cannot be set by the file inside the data directory",
        ),
        ("log.format.x = 1", "1: log.format is a section;"),
    ] {
        let complaint = Home::with_file(text).complaint();
        assert!(complaint.contains(expected), "{text}: {complaint}");
    }
}

#[test]
fn what_is_not_toml_is_refused_with_its_lines() {
    let complaint = Home::with_file("name = \"x\"\nlisten = [\n\"a\"\n[log]\n= 3\n").complaint();
    assert!(complaint.contains("landline.toml:"), "{complaint}");
    assert!(complaint.contains("not TOML"), "{complaint}");
    let complaint = Home::with_file("name = \"x\"\nname = \"y\"\n").complaint();
    assert!(
        complaint.starts_with("landline.toml:2: not TOML: duplicate key"),
        "{complaint}"
    );
    let complaint = Home::with_file(b"name = \"x\"\nx = \"\xff\"\n").complaint();
    assert_eq!(
        complaint,
        "landline.toml:2: not UTF-8 text; save the file as UTF-8"
    );
}

#[test]
fn a_file_of_more_than_a_mebibyte_is_refused() {
    let largest = usize::try_from(MAX_FILE_BYTES).unwrap();
    assert!(
        Home::with_file(vec![b'\n'; largest])
            .load(&Flags::default(), &[])
            .is_ok()
    );
    let complaint = Home::with_file(vec![b'\n'; largest + 1]).complaint();
    assert!(complaint.contains("larger than 1048576 bytes"), "{complaint}");
}

#[test]
fn deep_nesting_is_refused_and_not_followed() {
    let complaint = Home::with_file(format!("x = {}", "[".repeat(500_000))).complaint();
    assert!(complaint.contains("not TOML"), "{complaint}");
}

#[test]
fn a_given_file_must_be_there_and_may_say_where_the_data_is() {
    let home = Home::new();
    let missing = home.directory.path().join("missing.toml");
    let errors = home.load(&config_flag(&missing), &[]).unwrap_err();
    assert!(
        matches!(errors.problems()[0].kind, ProblemKind::Unreadable(_)),
        "{errors}"
    );

    let given = home.directory.path().join("given.toml");
    std::fs::write(&given, "data = \"/srv/elsewhere\"\n").unwrap();
    let loaded = home.load(&config_flag(&given), &[]).unwrap();
    assert_eq!(loaded.config.data, Path::new("/srv/elsewhere"));
    assert_eq!(loaded.file, given);
    let loaded = home
        .load(&Flags::default(), &[("LANDLINE_CONFIG", given.to_str().unwrap())])
        .unwrap();
    assert_eq!(loaded.config.data, Path::new("/srv/elsewhere"));

    std::fs::write(&given, "data = \"here\"\n").unwrap();
    let errors = home.load(&config_flag(&given), &[]).unwrap_err();
    assert!(errors.to_string().contains("the relative path"), "{errors}");
}

#[test]
fn a_directory_in_the_files_place_is_a_problem_of_reading() {
    let home = Home::new();
    std::fs::create_dir(home.file()).unwrap();
    assert!(home.complaint().starts_with("landline.toml: cannot be read:"));
}

#[test]
fn a_variable_that_is_nearly_a_setting_is_refused_and_others_are_not() {
    let home = Home::new();
    let errors = home
        .load(&Flags::default(), &[("LANDLINE_LISTN", "x")])
        .unwrap_err();
    let expected =
        "environment LANDLINE_LISTN: there is no setting for this variable; did you mean LANDLINE_LISTEN?";
    assert_eq!(errors.to_string(), expected);
    let others: Vec<_> = OTHER_VARIABLES
        .iter()
        .filter(|name| **name != "LANDLINE_CONFIG")
        .collect();
    for other in others {
        assert!(home.load(&Flags::default(), &[(other, "x")]).is_ok(), "{other}");
    }
    assert!(
        home.load(&Flags::default(), &[("LANDLINE_SOMETHING_ELSE", "x")])
            .is_ok()
    );
}

#[test]
fn problems_of_flags_environment_and_file_come_together() {
    let home = Home::with_file("nmae = \"x\"\n");
    let flags = Flags {
        log_level: Some("loud".to_owned()),
        ..Flags::default()
    };
    let errors = home
        .load(&flags, &[("LANDLINE_LIMITS_CONNECTIONS", "many")])
        .unwrap_err();
    assert_eq!(errors.problems().len(), 3, "{errors}");
    assert_eq!(errors.problems()[0].source, Source::Flag("--log-level"));
    assert!(
        errors.to_string().contains("limits.connections is \"many\""),
        "{errors}"
    );
}

#[test]
fn control_characters_of_a_file_never_reach_the_message() {
    let complaint = Home::with_file("\"a\\u001b[2J\\u009b\\u202e\" = 1\n\"x\\u0007y\".z = 1\n").complaint();
    assert_eq!(complaint.lines().count(), 2, "{complaint}");
    let clean = |line: &str| landline_model::text::escape(line) == line;
    assert!(complaint.lines().all(clean), "{complaint:?}");
}

#[test]
fn without_a_home_the_data_directory_must_be_given() {
    let errors = load(&Flags::default(), std::iter::empty()).unwrap_err();
    assert!(matches!(errors.problems()[0].kind, ProblemKind::NoDataDirectory));
    let flags = Flags {
        data: Some(PathBuf::from("relative")),
        ..Flags::default()
    };
    let loaded = load(&flags, std::iter::empty()).unwrap();
    assert!(loaded.config.data.is_absolute());
    let xdg = [(OsString::from("XDG_DATA_HOME"), OsString::from("/xdg"))];
    assert_eq!(
        load(&Flags::default(), xdg.into_iter()).unwrap().config.data,
        Path::new("/xdg/landline")
    );
    let relative = [(OsString::from("XDG_DATA_HOME"), OsString::from("xdg"))];
    assert!(load(&Flags::default(), relative.into_iter()).is_err());
}

#[test]
fn a_file_of_nonsense_reports_a_bounded_number_of_problems() {
    let text: String = (0..2_000)
        .map(|number| format!("nonsense{number} = 1\n"))
        .collect();
    let complaint = Home::with_file(text).complaint();
    assert_eq!(complaint.lines().count(), MAX_PROBLEMS + 1);
    assert!(complaint.ends_with("1950 more problems"), "{complaint}");
}

#[test]
fn the_operations_page_has_the_table_of_settings_as_it_is() {
    let page = include_str!("../../../../docs/operations.md");
    let table = documentation_table();
    assert!(
        page.contains(&table),
        "docs/operations.md needs this table:\n{table}"
    );
}
