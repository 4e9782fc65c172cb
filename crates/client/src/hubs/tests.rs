use super::*;
use landline_model::role::Role;
use landline_model::time::Timestamp;

fn welcome(name: &str) -> Welcome {
    Welcome {
        protocol: 1,
        hub: name.to_owned(),
        version: "0".to_owned(),
        pin: Pin::from_bytes([0; 32]),
        head_key: HeadKey::from_bytes([1; 32]),
        time: Timestamp(0),
    }
}

fn login(number: u8) -> LoggedIn {
    LoggedIn {
        account: Account {
            id: AccountId::from_bytes([number; 16]),
            name: "bob".parse().unwrap(),
            role: Role::Member,
        },
        session: SessionId::from_bytes([number; 16]),
        secret: SessionSecret::from_bytes([number; 32]),
    }
}

fn add(directory: &Path, name: &str, number: u8) -> String {
    let address = HubAddress {
        host: "192.0.2.1".to_owned(),
        port: u16::from(number),
    };
    Hubs::change_in(directory, |hubs| {
        let pin = Pin::from_bytes([number; 32]);
        Ok(hubs
            .logged_in(&address, pin, &welcome(name), &login(number))
            .name
            .clone())
    })
    .unwrap()
}

#[test]
fn hubs_are_kept_and_the_last_one_logged_in_to_is_current() {
    let directory = tempfile::tempdir().unwrap();
    add(directory.path(), "lab", 1);
    add(directory.path(), "ship", 2);
    let hubs = Hubs::load_from(directory.path()).unwrap();
    assert_eq!(
        hubs.named("lab").unwrap().session.as_ref().unwrap().secret,
        login(1).secret
    );
    assert!(hubs.is_current(hubs.named("ship").unwrap()));
}

#[test]
fn a_second_hub_of_the_same_name_gets_a_number_and_a_known_one_keeps_its_name() {
    let directory = tempfile::tempdir().unwrap();
    let names = [(1, "lab"), (2, "lab"), (3, "lab"), (2, "other")]
        .map(|(number, name)| add(directory.path(), name, number));
    assert_eq!(names, ["lab", "lab-2", "lab-3", "lab-2"]);
}

#[test]
fn a_hubs_own_name_cannot_be_used_against_the_terminal_or_the_file() {
    for (given, name) in [
        ("a\u{1b}[31m b", "a--31m-b"),
        ("\n\n", "hub"),
        ("", "hub"),
        ("张三 的", "张三-的"),
    ] {
        assert_eq!(plain_name(given), name);
    }
    assert_eq!(plain_name(&"x".repeat(500)).len(), HUB_NAME_MAX);
}

#[test]
fn logins_made_at_once_lose_nothing() {
    let directory = tempfile::tempdir().unwrap();
    std::thread::scope(|scope| {
        for number in 1..=8 {
            let directory = directory.path();
            scope.spawn(move || add(directory, "lab", number));
        }
    });
    assert_eq!(Hubs::load_from(directory.path()).unwrap().all().len(), 8);
}

#[test]
fn logging_out_forgets_the_secret_and_forgetting_forgets_the_hub() {
    let directory = tempfile::tempdir().unwrap();
    add(directory.path(), "lab", 1);
    add(directory.path(), "ship", 2);
    Hubs::change_in(directory.path(), |hubs| hubs.logged_out("ship")).unwrap();
    let hubs = Hubs::load_from(directory.path()).unwrap();
    assert_eq!(hubs.named("ship").unwrap().session, None);
    Hubs::change_in(directory.path(), |hubs| hubs.forget("ship")).unwrap();
    let hubs = Hubs::load_from(directory.path()).unwrap();
    assert!(hubs.named("ship").is_err() && hubs.is_current(hubs.named("lab").unwrap()));
}

#[test]
fn a_damaged_file_is_told_with_its_line_and_without_its_secret() {
    let directory = tempfile::tempdir().unwrap();
    add(directory.path(), "lab", 1);
    let path = directory.path().join(FILE_NAME);
    let text = std::fs::read_to_string(&path).unwrap();
    let line = 1 + text.lines().position(|line| line.starts_with("secret")).unwrap();
    std::fs::write(&path, text.replace("secret = \"", "secret = \"!!")).unwrap();
    let message = Hubs::load_from(directory.path()).unwrap_err().to_string();
    assert!(message.contains(&format!("line {line}")), "{message}");
    assert!(!message.contains("!!"), "{message}");
    let refused = Hubs::change_in(directory.path(), |_| Ok(()));
    assert!(refused.is_err(), "a damaged file is not written over");
}
