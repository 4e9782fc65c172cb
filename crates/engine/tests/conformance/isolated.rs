//! The process that the engine `process` starts for each connection: this program once more, running one test only.

use std::ffi::OsString;
use std::sync::mpsc;
use std::time::Duration;

use landline_engine::protocol::{ConnLimits, Ended};
use landline_engine::{Options, serve_inherited};

use super::experiment::{Experiment, Setting, Telephone};

/// Says to the test harness and to the test below that it is the child. It is a filter that no test's name matches.
const MARK: &str = "as-a-child:";

/// The arguments of the child: the harness's, and the settings that a connection depends on.
pub(super) fn arguments(setting: &Setting) -> Vec<OsString> {
    let conn = &setting.options.conn;
    let numbers = [
        millis(conn.idle),
        millis(conn.handshake),
        millis(Some(setting.options.grace)),
        u64::from(setting.handshake),
    ];
    let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
    let test = "conformance::isolated::a_child_serves_its_connection";
    [
        "--exact",
        test,
        "--nocapture",
        &format!("{MARK}{}", numbers.join(",")),
    ]
    .map(OsString::from)
    .into()
}

/// What follows `mark` in this process's arguments, if it is a child.
pub(super) fn marked(mark: &str) -> Option<String> {
    std::env::args().find_map(|argument| argument.strip_prefix(mark).map(str::to_owned))
}

fn millis(duration: Option<Duration>) -> u64 {
    duration.map_or(0, |duration| {
        u64::try_from(duration.as_millis()).expect("a short time")
    })
}

/// In an ordinary run there is nothing to do here.
#[test]
fn a_child_serves_its_connection() {
    let Some(numbers) = marked(MARK) else {
        return;
    };
    let numbers: Vec<u64> = numbers
        .split(',')
        .map(|number| number.parse().expect("a number"))
        .collect();
    let time = |index: usize| Some(Duration::from_millis(numbers[index])).filter(|time| !time.is_zero());
    let setting = Setting {
        options: Options {
            conn: ConnLimits {
                idle: time(0),
                handshake: time(1),
                ..ConnLimits::default()
            },
            grace: time(2).unwrap_or_default(),
            ..Options::default()
        },
        handshake: numbers[3] == 1,
        refuses: None,
    };
    let service = Experiment::new(&setting, mpsc::channel().0, true);
    let ended =
        serve_inherited(service, Telephone, &setting.options).expect("a connection as standard input");
    // At once: what the harness would say belongs to nobody.
    std::process::exit(i32::from(ended != Ended::Finished));
}
