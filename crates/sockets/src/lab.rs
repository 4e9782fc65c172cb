//! Experiments over real loopback sockets: how a stream glues and cuts what is sent, and what watching many
//! connections costs.

pub mod descriptors;
pub mod multiplex;
pub mod sticky;
