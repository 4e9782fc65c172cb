//! Places for things that come and go, each visit with a number of its own.

use landline_protocol::ConnId;

/// Bits of an id that say the place: 16 million.
const PLACE_BITS: u32 = 24;
/// Bits above the place that say whose visit it is.
const VISIT_BITS: u32 = 32;

/// A growing list of places. An id is a shard, a visit and a place, so that news for somebody who has left does not
/// reach whoever has the place now.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    shard: u8,
    places: Vec<Place<T>>,
    free: Vec<u32>,
    count: usize,
}

#[derive(Debug)]
struct Place<T> {
    visit: u32,
    guest: Option<T>,
}

/// The shard that an id was given by.
pub(crate) fn shard_of(id: ConnId) -> usize {
    usize::from(id.0.to_be_bytes()[0])
}

fn place_of(id: ConnId) -> usize {
    usize::try_from(id.0 & ((1 << PLACE_BITS) - 1)).unwrap_or(usize::MAX)
}

fn visit_of(id: ConnId) -> u32 {
    u32::try_from((id.0 >> PLACE_BITS) & u64::from(u32::MAX)).unwrap_or_default()
}

impl<T> Slab<T> {
    pub(crate) fn new(shard: u8) -> Self {
        Self {
            shard,
            places: Vec::new(),
            free: Vec::new(),
            count: 0,
        }
    }

    /// The id that the next guest will have.
    pub(crate) fn next_id(&mut self) -> ConnId {
        if self.free.is_empty() {
            // The number of descriptors ends long before the number of places does.
            self.free
                .push(u32::try_from(self.places.len()).unwrap_or(u32::MAX));
            self.places.push(Place {
                visit: 0,
                guest: None,
            });
        }
        let place = self.free.last().copied().unwrap_or_default();
        let visit = self.places.get(place as usize).map_or(0, |place| place.visit);
        self.id(visit, place)
    }

    /// Lets a guest in, under the id that [`next_id`](Self::next_id) said.
    pub(crate) fn insert(&mut self, guest: T) -> ConnId {
        let id = self.next_id();
        self.free.pop();
        if let Some(place) = self.places.get_mut(place_of(id)) {
            place.guest = Some(guest);
            self.count += 1;
        }
        id
    }

    pub(crate) fn find(&mut self, id: ConnId) -> Option<&mut T> {
        let place = self.places.get_mut(place_of(id))?;
        if place.visit != visit_of(id) || self.shard != id.0.to_be_bytes()[0] {
            return None;
        }
        place.guest.as_mut()
    }

    pub(crate) fn remove(&mut self, id: ConnId) -> Option<T> {
        self.find(id)?;
        let number = place_of(id);
        let place = self.places.get_mut(number)?;
        place.visit = place.visit.wrapping_add(1);
        self.count -= 1;
        self.free.push(u32::try_from(number).ok()?);
        place.guest.take()
    }

    pub(crate) fn shard(&self) -> usize {
        usize::from(self.shard)
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Everybody who is here now.
    pub(crate) fn ids(&self) -> Vec<ConnId> {
        (0_u32..)
            .zip(&self.places)
            .filter(|(_, place)| place.guest.is_some())
            .map(|(number, place)| self.id(place.visit, number))
            .collect()
    }

    fn id(&self, visit: u32, place: u32) -> ConnId {
        make_id(self.shard, visit, place)
    }
}

fn make_id(shard: u8, visit: u32, place: u32) -> ConnId {
    ConnId(u64::from(shard) << (PLACE_BITS + VISIT_BITS) | u64::from(visit) << PLACE_BITS | u64::from(place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_dies_with_its_guest() {
        let mut slab = Slab::new(7);
        let first = slab.insert("first");
        assert_eq!(shard_of(first), 7);
        assert_eq!(slab.remove(first), Some("first"));
        assert_eq!(slab.next_id(), slab.next_id(), "asking changes nothing");
        let second = slab.insert("second");
        assert_eq!(place_of(first), place_of(second), "the place is used again");
        assert_eq!(slab.find(first), None);
        assert_eq!(slab.remove(first), None);
        assert_eq!(slab.find(second), Some(&mut "second"));
        assert_eq!(slab.ids(), [second]);
        assert_eq!(slab.len(), 1);
    }
}
