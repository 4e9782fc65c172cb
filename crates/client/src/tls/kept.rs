//! The TLS sides of the hubs that this process has dialled, with the tickets in them: a lost connection is resumed.

use super::client_config;
use landline_model::link::Pin;
use rustls::{ClientConfig, Error};
use std::sync::{Arc, Mutex, PoisonError};

/// How many hubs are remembered. Then the one goes that was dialled longest ago; it is met again with a full handshake.
const HUBS_MAX: usize = 16;

/// Held to look one up, and never across an await. Sessions are the process's, as its connections are: nobody who dials
/// owns them.
static KEPT: Mutex<Kept> = Mutex::new(Kept(Vec::new()));

/// The same [`client_config`] for each dial to the hub with this pin, and for no other.
///
/// # Errors
/// As [`client_config`].
pub(crate) fn kept_config(pin: Pin) -> Result<Arc<ClientConfig>, Error> {
    KEPT.lock().unwrap_or_else(PoisonError::into_inner).of(pin)
}

/// At most [`HUBS_MAX`], the one that was dialled last at the end.
struct Kept(Vec<(Pin, Arc<ClientConfig>)>);

impl Kept {
    fn of(&mut self, pin: Pin) -> Result<Arc<ClientConfig>, Error> {
        let place = self.0.iter().position(|(kept, _)| *kept == pin);
        let config = match place {
            Some(place) => self.0.remove(place).1,
            None => Arc::new(client_config(pin)?),
        };
        if self.0.len() >= HUBS_MAX {
            self.0.remove(0);
        }
        self.0.push((pin, Arc::clone(&config)));
        Ok(config)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pin_has_one_of_its_own_and_the_one_dialled_longest_ago_makes_room() {
        let mut kept = Kept(Vec::new());
        let mut of = |number: usize| {
            let pin = Pin::from_bytes([u8::try_from(number).unwrap(); 32]);
            let config = kept.of(pin).unwrap();
            assert!(kept.0.len() <= HUBS_MAX);
            config
        };
        let [first, second] = [0, 1].map(&mut of);
        assert!(!Arc::ptr_eq(&first, &second));
        for number in 2..HUBS_MAX {
            of(number);
        }
        assert!(Arc::ptr_eq(&first, &of(0)));
        of(HUBS_MAX);
        assert!(Arc::ptr_eq(&first, &of(0)), "it was dialled a moment ago");
        assert!(!Arc::ptr_eq(&second, &of(1)), "it has made room");
    }
}
