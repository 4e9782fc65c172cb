//! How many may come in.

use std::net::Ipv4Addr;

use super::client::Ending;
use super::engine::Engine;
use super::lab::Lab;

pub(super) fn one_address_has_its_places_and_no_more(engine: Engine) {
    let lab = Lab::start(engine, |setting| setting.options.admission.per_address = 2);
    let mut first = lab.connect();
    let mut second = lab.connect();
    first.is_served();
    second.is_served();
    lab.connect().ends();
    lab.connect_from(Ipv4Addr::new(127, 0, 0, 2)).is_served();
    first.is_served();
    let report = lab.end();
    assert_eq!((report.accepted, report.refused), (3, 1), "{report}");
}

pub(super) fn there_are_so_many_places_in_all(engine: Engine) {
    let lab = Lab::start(engine, |setting| setting.options.admission.connections = 2);
    let mut first = lab.connect();
    first.is_served();
    let mut second = lab.connect_from(Ipv4Addr::new(127, 0, 0, 2));
    second.is_served();
    lab.connect_from(Ipv4Addr::new(127, 0, 0, 3)).ends();
    lab.connect().ends();
    first.is_served();
    second.is_served();
    let report = lab.end();
    assert_eq!((report.accepted, report.refused), (2, 2), "{report}");
}

pub(super) fn who_is_refused_is_told_why(engine: Engine) {
    for words in ["", "not today\n"] {
        let lab = Lab::start(engine, |setting| setting.refuses = Some(words));
        let mut client = lab.connect();
        assert_eq!(client.rest(), (words.into(), Ending::Orderly));
        let report = lab.end();
        assert_eq!((report.accepted, report.refused), (0, 1), "{report}");
    }
}

pub(super) fn who_leaves_makes_room(engine: Engine) {
    let lab = Lab::start(engine, |setting| setting.options.admission.per_address = 1);
    for _ in 0..20 {
        let mut client = lab.connect();
        client.is_served();
        lab.connect().ends();
        client.finish();
        client.ends();
        lab.left();
    }
    let report = lab.end();
    assert_eq!(
        (report.accepted, report.refused, report.finished),
        (20, 20, 20),
        "{report}"
    );
}
