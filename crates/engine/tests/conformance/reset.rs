//! A reset while nothing is read: a slow answer must not keep anybody who has gone.

use std::io::Read as _;

use landline_engine::Kind;

use super::client::PATIENCE;
use super::engine::Engine;
use super::lab::Lab;
use super::phone::Call;

pub(super) fn a_reset_is_noticed_while_an_answer_is_owed(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let phone = lab.phone();
    let mut client = lab.connect();
    let id = client.id();
    client.send(format!("{}\n", phone.order()));
    let call = phone.call();
    client.reset();
    notices(&lab, engine, id, call);
    let report = lab.end();
    assert_eq!(report.broken + report.stopped, 1, "{report}");
}

/// What it had sent before is not read yet, and hides nothing.
pub(super) fn a_reset_is_noticed_behind_bytes_that_are_not_read(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let phone = lab.phone();
    let mut other = lab.connect();
    let mut client = lab.connect();
    let id = client.id();
    client.send(format!("{}\n", phone.order()));
    let call = phone.call();
    client.send("echo not read\n");
    // Where both are served by the same loop, it has seen by now that there is something to read.
    other.is_served();
    client.reset();
    notices(&lab, engine, id, call);
}

/// Order and reset come to light at once: the reset is still remembered when the order has been read.
pub(super) fn a_reset_is_noticed_that_came_with_what_is_asked(engine: Engine) {
    let lab = Lab::start(engine, |_| {});
    let phone = lab.phone();
    let mut holder = lab.connect();
    let mut client = lab.connect();
    let id = client.id();
    let held = lab.hold(&mut holder, "");
    client.send(format!("{}\n", phone.order()));
    client.reset();
    held.release();
    assert_eq!(lab.left(), id);
}

/// The server ends the connection, though nobody has answered the call.
fn notices(lab: &Lab, engine: Engine, id: u64, mut call: Call) {
    match &mut call {
        // Nothing is heard of a connection in a process of its own. But it was the process that called.
        Call::Real(stream) if engine == Kind::Process => {
            stream.set_read_timeout(Some(PATIENCE)).expect("an option");
            assert_eq!(stream.read(&mut [0; 1]).expect("it hangs up"), 0);
        }
        _ => assert_eq!(lab.left(), id),
    }
}
