//! Join links and hub addresses: what is understood is written again and understood as the same.
#![no_main]

use landline_model::link::{HubAddress, JoinLink, LINK_MAX};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(link) = text.parse::<JoinLink>() {
        let written = link.reveal();
        assert!(written.len() <= LINK_MAX);
        assert_eq!(written.parse(), Ok(link.clone()));
        assert_eq!(format!("{:?}", link.token), "Token(..)", "the token is a secret");
        sound(&link.address);
    }
    if let Ok(address) = text.parse::<HubAddress>() {
        sound(&address);
    }
});

fn sound(address: &HubAddress) {
    assert!(!address.host.is_empty() && address.port != 0);
    assert!(
        !address.host.contains(['/', '#', '@', '[', ']', ' ']),
        "{address:?}"
    );
    assert!(!address.host.chars().any(char::is_control), "{address:?}");
    assert_eq!(address.to_string().parse().as_ref(), Ok(address));
}
