//! How a server comes to its end.

use std::time::Duration;

use landline_engine::Kind;

use super::client::Ending;
use super::engine::Engine;
use super::experiment::process_group;
use super::lab::Lab;

pub(super) fn a_stop_asks_waits_and_then_cuts(engine: Engine) {
    let lab = Lab::start(engine, |setting| {
        setting.options.grace = Duration::from_millis(500)
    });
    let mut willing = lab.connect_to_every_loop();
    for client in &mut willing {
        client.is_served();
    }
    let mut stubborn = lab.connect();
    assert_eq!(stubborn.ask("stay"), "staying");
    lab.stop();
    for client in &mut willing {
        assert_eq!(client.line(), "last words");
        assert_eq!(client.ends(), Ending::Orderly);
        client.finish();
    }
    assert!(lab.is_closed(), "nobody new comes in");
    stubborn.is_served();
    // Where it is a process, it cuts, or is killed: whichever of the two comes first.
    assert!(
        stubborn.ends() == Ending::Cut || engine == Kind::Process,
        "the grace is over"
    );
    let report = lab.join();
    assert_eq!(report.accepted, willing.len() as u64 + 1, "{report}");
    assert_eq!(
        (report.finished, report.broken, report.stopped),
        (willing.len() as u64, 0, 1),
        "{report}"
    );
}

pub(super) fn the_second_stop_cuts_at_once(engine: Engine) {
    let lab = Lab::start(engine, |setting| {
        setting.options.grace = Duration::from_secs(3600)
    });
    let mut stubborn = lab.connect();
    assert_eq!(stubborn.ask("stay"), "staying");
    lab.stop();
    lab.stop();
    // The kernel ends a killed process's connections in order.
    assert_eq!(
        stubborn.ends(),
        if engine == Kind::Process {
            Ending::Orderly
        } else {
            Ending::Cut
        }
    );
    let report = lab.join();
    assert_eq!(
        (report.accepted, report.finished, report.stopped),
        (1, 0, 1),
        "{report}"
    );
}

/// It would be the first stop, and ours the second.
pub(super) fn a_terminal_s_interrupt_does_not_reach_a_connection(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut client = lab.connect();
    assert_ne!(client.ask("group"), process_group());
    client.finish();
    client.ends();
    let _ = lab.end();
}

pub(super) fn an_idle_server_stops_at_once(engine: Engine) {
    let lab = Lab::start(engine, |setting| {
        setting.options.grace = Duration::from_secs(3600)
    });
    let report = lab.end();
    assert_eq!(report.accepted, 0);
}
