//! Time: how long a connection may stand, and when it may not be hurried.

use std::time::Duration;

use super::client::Ending;
use super::engine::Engine;
use super::lab::Lab;

pub(super) fn a_silent_peer_is_cut_off(engine: Engine) {
    let lab = Lab::start(engine, |setting| {
        setting.options.conn.idle = Some(Duration::from_millis(100))
    });
    let mut client = lab.connect();
    assert_eq!(client.ends(), Ending::Cut);
    let report = lab.end();
    assert_eq!(
        (report.finished, report.broken + report.stopped),
        (0, 1),
        "{report}"
    );
}

/// It takes longer than the idle time for a peer to read, but it never stands still for so long.
pub(super) fn a_slow_reader_that_makes_progress_is_not(engine: Engine) {
    const MIB: usize = 1024 * 1024;
    let lab = Lab::start(engine, |setting| {
        setting.options.conn.idle = Some(Duration::from_millis(1500))
    });
    let mut clock = lab.clock();
    let mut client = lab.connect_with_little_room();
    client.send(format!("big {}\n", 24 * MIB));
    for _ in 0..12 {
        client.take(MIB);
        clock.pass(150);
    }
    // More than the kernel holds, so it would be seen if the connection had been cut off.
    client.take(12 * MIB);
}

pub(super) fn a_slow_writer_that_makes_progress_is_not(engine: Engine) {
    let lab = Lab::start(engine, |setting| {
        setting.options.conn.idle = Some(Duration::from_millis(1500))
    });
    let mut clock = lab.clock();
    let mut client = lab.connect();
    for byte in b"echo slowly\n" {
        clock.pass(150);
        client.send([*byte]);
    }
    assert_eq!(client.line(), "slowly");
}

pub(super) fn no_idle_time_runs_while_we_owe_an_answer(engine: Engine) {
    let lab = Lab::start(engine, |setting| {
        setting.options.conn.idle = Some(Duration::from_millis(100))
    });
    let mut clock = lab.clock();
    let phone = lab.phone();
    let mut client = lab.connect();
    client.send(format!("{}\n", phone.order()));
    let mut call = phone.call();
    clock.pass(300);
    call.say("at last");
    assert_eq!(client.line(), "at last");
    assert_eq!(client.ends(), Ending::Cut, "from now on it counts again");
}

pub(super) fn a_handshake_has_its_own_time(engine: Engine) {
    let lab = Lab::start(engine, |setting| {
        setting.handshake = true;
        setting.options.conn.handshake = Some(Duration::from_millis(300));
    });
    let mut friend = lab.connect();
    friend.send("hello\n");
    friend.is_served();
    let mut stranger = lab.connect();
    assert_eq!(stranger.ends(), Ending::Cut);
    friend.is_served();
}

pub(super) fn a_protocol_is_woken_at_its_deadline(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let mut client = lab.connect();
    for millis in [0, 1, 50] {
        assert_eq!(client.ask(&format!("wait {millis}")), "waited");
    }
}
