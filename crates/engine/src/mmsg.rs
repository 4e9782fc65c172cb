//! Many datagrams in one system call, each with the addresses of both its ends.
#![allow(
    unsafe_code,
    reason = "recvmmsg and sendmmsg take tables of pointers, which no library makes for us"
)]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the C types' lengths are of our making"
)]

use std::io;
use std::mem::{self, MaybeUninit};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::ptr;

use libc::{cmsghdr, iovec, mmsghdr, msghdr, sockaddr_storage, socklen_t};

/// Datagrams in one call.
pub(crate) const BATCH: usize = 64;
/// Room for one datagram: anything that UDP can carry.
const DATAGRAM_ROOM: usize = 65_535;
/// Room for control messages: one packet info of either family and one segment size, with their alignment.
const CONTROL_ROOM: usize = 128;

#[repr(C, align(8))]
#[derive(Clone, Copy)]
struct Control([u8; CONTROL_ROOM]);

/// One datagram that arrived.
pub(crate) struct Arrival<'a> {
    pub(crate) peer: SocketAddr,
    pub(crate) local: Option<IpAddr>,
    pub(crate) payload: &'a [u8],
}

/// The tables for receiving. They point into one another and are never moved after they are made.
pub(crate) struct Receiver {
    headers: Box<[mmsghdr]>,
    names: Box<[MaybeUninit<sockaddr_storage>]>,
    controls: Box<[Control]>,
    _vectors: Box<[iovec]>,
    payloads: Box<[u8]>,
    /// How many headers the last call wrote to, which have to be set anew.
    used: usize,
}

// SAFETY: the pointers point into the boxes beside them, which go wherever the receiver goes.
unsafe impl Send for Receiver {}

impl Receiver {
    pub(crate) fn new() -> Self {
        // Untouched pages of a zeroed allocation cost no memory, so small datagrams take little of this.
        let mut payloads = vec![0_u8; BATCH * DATAGRAM_ROOM].into_boxed_slice();
        let mut names = vec![MaybeUninit::<sockaddr_storage>::zeroed(); BATCH].into_boxed_slice();
        let mut controls = vec![Control([0; CONTROL_ROOM]); BATCH].into_boxed_slice();
        let mut vectors: Box<[iovec]> = payloads
            .chunks_exact_mut(DATAGRAM_ROOM)
            .map(|room| iovec {
                iov_base: room.as_mut_ptr().cast(),
                iov_len: room.len(),
            })
            .collect();
        let headers = (0..BATCH)
            .map(|index| {
                let mut header = empty_header();
                header.msg_hdr.msg_name = names[index].as_mut_ptr().cast();
                header.msg_hdr.msg_iov = &raw mut vectors[index];
                header.msg_hdr.msg_iovlen = 1;
                header.msg_hdr.msg_control = (&raw mut controls[index]).cast();
                header
            })
            .collect();
        Self {
            headers,
            names,
            controls,
            _vectors: vectors,
            payloads,
            used: BATCH,
        }
    }

    /// Takes what has arrived, at most [`BATCH`] datagrams, and says how many. Does not wait.
    pub(crate) fn receive(&mut self, socket: BorrowedFd<'_>) -> io::Result<usize> {
        for header in &mut self.headers[..self.used] {
            header.msg_hdr.msg_namelen = size_of::<sockaddr_storage>() as socklen_t;
            header.msg_hdr.msg_controllen = CONTROL_ROOM;
        }
        // SAFETY: every header points to a name, a control buffer and one vector of the stated sizes, all alive in self.
        let count = unsafe {
            libc::recvmmsg(
                socket.as_raw_fd(),
                self.headers.as_mut_ptr(),
                BATCH as u32,
                libc::MSG_DONTWAIT,
                ptr::null_mut(),
            )
        };
        let count = usize::try_from(count).map_err(|_| io::Error::last_os_error());
        // A call that took nothing may have touched the first.
        self.used = *count.as_ref().unwrap_or(&1);
        count
    }

    /// One of the datagrams that the last call took. `None` where its sender's address is none of the internet's.
    pub(crate) fn arrival(&self, index: usize) -> Option<Arrival<'_>> {
        let header = self.headers.get(index)?;
        let length = (header.msg_len as usize).min(DATAGRAM_ROOM);
        // SAFETY: the kernel wrote an address of msg_namelen bytes there; the storage was zeroed before.
        let peer = address(unsafe { self.names[index].assume_init_ref() })?;
        let control = &self.controls[index].0[..header.msg_hdr.msg_controllen.min(CONTROL_ROOM)];
        let start = index * DATAGRAM_ROOM;
        Some(Arrival {
            peer,
            local: arrived_at(control),
            payload: &self.payloads[start..start + length],
        })
    }
}

/// Datagrams that wait to be sent in one call.
pub(crate) struct Sender {
    headers: Box<[mmsghdr]>,
    names: Box<[MaybeUninit<sockaddr_storage>]>,
    controls: Box<[Control]>,
    vectors: Box<[iovec]>,
    /// Where each payload lies in `payloads`, its length, and that of its segments where it is several datagrams.
    ranges: Vec<(usize, usize, Option<u16>)>,
    payloads: Vec<u8>,
}

// SAFETY: as for the receiver; pointers into `payloads` are made afresh for each call.
unsafe impl Send for Sender {}

impl Sender {
    pub(crate) fn new() -> Self {
        Self {
            headers: (0..BATCH).map(|_| empty_header()).collect(),
            names: vec![MaybeUninit::zeroed(); BATCH].into_boxed_slice(),
            controls: vec![Control([0; CONTROL_ROOM]); BATCH].into_boxed_slice(),
            vectors: vec![
                iovec {
                    iov_base: ptr::null_mut(),
                    iov_len: 0
                };
                BATCH
            ]
            .into_boxed_slice(),
            ranges: Vec::with_capacity(BATCH),
            payloads: Vec::new(),
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.ranges.len() == BATCH
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Adds one datagram, or several of `segment` bytes; the payload is what `payload` has. There must be room.
    pub(crate) fn push(
        &mut self,
        peer: SocketAddr,
        local: Option<IpAddr>,
        segment: Option<usize>,
        payload: &[u8],
    ) {
        let index = self.ranges.len();
        let start = self.payloads.len();
        self.payloads.extend_from_slice(payload);
        let segment = segment.and_then(|segment| u16::try_from(segment).ok());
        self.ranges.push((start, payload.len(), segment));
        let header = &mut self.headers[index].msg_hdr;
        header.msg_namelen = write_address(peer, &mut self.names[index]);
        let control = &mut self.controls[index].0;
        let mut used = local.map_or(0, |local| write_source(control, local));
        if let Some(segment) = segment {
            used += write_control(
                &mut control[used..],
                libc::SOL_UDP,
                libc::UDP_SEGMENT,
                &segment.to_ne_bytes(),
            );
        }
        header.msg_controllen = used;
    }

    /// Sends what was added. What cannot be sent is lost, one datagram at a time, as datagrams are; what is there no
    /// room for now is lost as well.
    pub(crate) fn send(&mut self, socket: BorrowedFd<'_>) {
        let count = self.ranges.len();
        for (index, (start, length, _)) in self.ranges.iter().enumerate() {
            let payload = &mut self.payloads[*start..start + length];
            self.vectors[index] = iovec {
                iov_base: payload.as_mut_ptr().cast(),
                iov_len: *length,
            };
            let header = &mut self.headers[index].msg_hdr;
            header.msg_name = self.names[index].as_mut_ptr().cast();
            header.msg_iov = &raw mut self.vectors[index];
            header.msg_iovlen = 1;
            let has_control = header.msg_controllen > 0;
            header.msg_control = if has_control {
                (&raw mut self.controls[index]).cast()
            } else {
                ptr::null_mut()
            };
        }
        let mut sent = 0;
        while sent < count {
            // SAFETY: each of these headers points to a name, a vector and perhaps control bytes, made just above.
            let result = unsafe {
                libc::sendmmsg(
                    socket.as_raw_fd(),
                    self.headers.as_mut_ptr().add(sent),
                    (count - sent) as u32,
                    libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
                )
            };
            sent += match usize::try_from(result) {
                Ok(count) => count.max(1),
                // A failure concerns the first of those that are left.
                Err(_) => {
                    self.send_apart(socket, sent);
                    1
                }
            };
        }
        self.ranges.clear();
        self.payloads.clear();
    }

    /// Sends the segments of one buffer one by one. The kernel cuts no buffer that is longer than a datagram can be, none
    /// into segments longer than the link takes, and none for a card that makes no checksums; alone they all travel.
    fn send_apart(&mut self, socket: BorrowedFd<'_>, index: usize) {
        let (start, length, Some(segment)) = self.ranges[index] else {
            return;
        };
        let mut header = self.headers[index].msg_hdr;
        // The control message with the segments' length is the last.
        header.msg_controllen -= aligned(HEADER + size_of::<u16>());
        if header.msg_controllen == 0 {
            header.msg_control = ptr::null_mut();
        }
        for payload in self.payloads[start..start + length].chunks_mut(usize::from(segment).max(1)) {
            let mut vector = iovec {
                iov_base: payload.as_mut_ptr().cast(),
                iov_len: payload.len(),
            };
            header.msg_iov = &raw mut vector;
            // SAFETY: the header points to a name and perhaps control bytes of ours, and to the vector just above. What
            // cannot be sent is lost.
            let _ = unsafe {
                libc::sendmsg(
                    socket.as_raw_fd(),
                    &raw const header,
                    libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
                )
            };
        }
    }
}

/// Has the system tell for each datagram the address to which it came (ip(7)).
pub(crate) fn tell_addresses_v4(socket: BorrowedFd<'_>) -> io::Result<()> {
    switch_on(socket, libc::IPPROTO_IP, libc::IP_PKTINFO)
}

/// The same for IPv6 (ipv6(7)).
pub(crate) fn tell_addresses_v6(socket: BorrowedFd<'_>) -> io::Result<()> {
    switch_on(socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO)
}

fn switch_on(socket: BorrowedFd<'_>, level: i32, option: i32) -> io::Result<()> {
    let one: i32 = 1;
    // SAFETY: the option is an int, and an int of this size is passed.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            option,
            (&raw const one).cast(),
            size_of::<i32>() as socklen_t,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn empty_header() -> mmsghdr {
    // SAFETY: zeros and null pointers are a valid empty header.
    unsafe { MaybeUninit::zeroed().assume_init() }
}

fn address(storage: &sockaddr_storage) -> Option<SocketAddr> {
    match i32::from(storage.ss_family) {
        libc::AF_INET => {
            // SAFETY: the family says which structure lies in the storage.
            let name = unsafe { &*ptr::from_ref(storage).cast::<libc::sockaddr_in>() };
            let ip = Ipv4Addr::from(u32::from_be(name.sin_addr.s_addr));
            Some(SocketAddrV4::new(ip, u16::from_be(name.sin_port)).into())
        }
        libc::AF_INET6 => {
            // SAFETY: the same.
            let name = unsafe { &*ptr::from_ref(storage).cast::<libc::sockaddr_in6>() };
            let ip = Ipv6Addr::from(name.sin6_addr.s6_addr);
            let port = u16::from_be(name.sin6_port);
            Some(SocketAddrV6::new(ip, port, name.sin6_flowinfo, name.sin6_scope_id).into())
        }
        _ => None,
    }
}

fn write_address(address: SocketAddr, storage: &mut MaybeUninit<sockaddr_storage>) -> socklen_t {
    let place = storage.as_mut_ptr();
    match address {
        SocketAddr::V4(address) => {
            let name = libc::sockaddr_in {
                sin_family: libc::AF_INET as libc::sa_family_t,
                sin_port: address.port().to_be(),
                sin_addr: libc::in_addr {
                    s_addr: u32::from(*address.ip()).to_be(),
                },
                sin_zero: [0; 8],
            };
            // SAFETY: the storage is larger than any address and aligned for each.
            unsafe { place.cast::<libc::sockaddr_in>().write(name) };
            size_of::<libc::sockaddr_in>() as socklen_t
        }
        SocketAddr::V6(address) => {
            let name = libc::sockaddr_in6 {
                sin6_family: libc::AF_INET6 as libc::sa_family_t,
                sin6_port: address.port().to_be(),
                sin6_flowinfo: address.flowinfo(),
                sin6_addr: libc::in6_addr {
                    s6_addr: address.ip().octets(),
                },
                sin6_scope_id: address.scope_id(),
            };
            // SAFETY: the same.
            unsafe { place.cast::<libc::sockaddr_in6>().write(name) };
            size_of::<libc::sockaddr_in6>() as socklen_t
        }
    }
}

/// The bytes of a control message's header.
const HEADER: usize = size_of::<cmsghdr>();

/// Control messages begin at multiples of this.
const fn aligned(length: usize) -> usize {
    length.next_multiple_of(align_of::<cmsghdr>())
}

/// The address of ours to which a datagram came, where the socket was asked to tell (ip(7), ipv6(7)).
fn arrived_at(mut control: &[u8]) -> Option<IpAddr> {
    while control.len() >= HEADER {
        // SAFETY: there are as many bytes as a header has; read_unaligned asks for no more.
        let header = unsafe { control.as_ptr().cast::<cmsghdr>().read_unaligned() };
        let length = header.cmsg_len.clamp(HEADER, control.len());
        let content = &control[HEADER..length];
        match (header.cmsg_level, header.cmsg_type) {
            // in_pktinfo: interface index, our address, the address in the header.
            (libc::IPPROTO_IP, libc::IP_PKTINFO) => {
                let address = Ipv4Addr::from(*content.get(4..8)?.first_chunk::<4>()?);
                // None for a datagram that had arrived before the socket was asked to tell.
                return Some(address.into()).filter(|_| !address.is_unspecified());
            }
            // in6_pktinfo: our address, interface index.
            (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                return Some(Ipv6Addr::from(*content.first_chunk::<16>()?).into());
            }
            _ => {}
        }
        control = control.get(aligned(length)..).unwrap_or_default();
    }
    None
}

/// Says which address of ours a datagram shall leave from.
fn write_source(control: &mut [u8], local: IpAddr) -> usize {
    match local {
        IpAddr::V4(address) => {
            let mut info = [0; 12];
            info[4..8].copy_from_slice(&address.octets());
            write_control(control, libc::IPPROTO_IP, libc::IP_PKTINFO, &info)
        }
        IpAddr::V6(address) => {
            let mut info = [0; 20];
            info[..16].copy_from_slice(&address.octets());
            write_control(control, libc::IPPROTO_IPV6, libc::IPV6_PKTINFO, &info)
        }
    }
}

/// Writes one control message and says how many bytes it takes. `control` is aligned and has room.
fn write_control(control: &mut [u8], level: i32, kind: i32, content: &[u8]) -> usize {
    let whole = aligned(HEADER + content.len());
    let control = &mut control[..whole];
    control.fill(0);
    let length = (HEADER + content.len()).to_ne_bytes();
    control[..8].copy_from_slice(&length);
    control[8..12].copy_from_slice(&level.to_ne_bytes());
    control[12..16].copy_from_slice(&kind.to_ne_bytes());
    control[HEADER..HEADER + content.len()].copy_from_slice(content);
    whole
}

/// The fields are written by their places above; this is where that holds (64-bit Linux, cmsg(3)).
const _: () = assert!(
    HEADER == 16
        && mem::offset_of!(cmsghdr, cmsg_len) == 0
        && mem::offset_of!(cmsghdr, cmsg_level) == 8
        && mem::offset_of!(cmsghdr, cmsg_type) == 12
        && mem::offset_of!(msghdr, msg_name) == 0
);
