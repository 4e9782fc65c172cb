//! A peer that need not behave: TLS as it should be, frames as a test wants them.

use super::Hub;
use landline_model::protocol::ALPN;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::{Value, json};
use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

/// A native connection to a hub.
pub(crate) struct Peer {
    stream: StreamOwned<ClientConnection, TcpStream>,
    last_id: u64,
}

impl Peer {
    /// Connects and finishes the handshake; says nothing.
    pub(crate) fn connect(hub: &Hub) -> Self {
        let mut roots = RootCertStore::empty();
        let authority = CertificateDer::from_pem_file(hub.data().join("tls/ca.crt")).unwrap();
        roots.add(authority).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![ALPN.to_vec()];
        let host = ServerName::try_from("127.0.0.1").unwrap();
        let connection = ClientConnection::new(Arc::new(config), host).unwrap();
        let stream = TcpStream::connect(hub.address()).unwrap();
        stream.set_nodelay(true).unwrap();
        let mut stream = StreamOwned::new(connection, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock).unwrap();
        }
        Self { stream, last_id: 0 }
    }

    /// Connects and says hello.
    pub(crate) fn greeted(hub: &Hub) -> Self {
        let mut peer = Self::connect(hub);
        let welcome = peer.ask("hello", &json!({ "protocol": 1, "client": "test" }));
        assert!(welcome["ok"].is_object(), "{welcome}");
        peer
    }

    /// Connects and becomes somebody.
    pub(crate) fn joined(hub: &Hub, link: &str, name: &str) -> Self {
        let mut peer = Self::greeted(hub);
        let account = peer.ask("join", &json!({ "token": token(link), "name": name }));
        assert!(account["ok"].is_object(), "{account}");
        peer
    }

    /// What no other TLS connection has, for the login with a token.
    pub(crate) fn exporter(&self) -> [u8; 32] {
        let label = landline_model::token::EXPORTER_LABEL;
        self.stream
            .conn
            .export_keying_material([0; 32], label, None)
            .unwrap()
    }

    /// Sends bytes as they are.
    pub(crate) fn write(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
        self.stream.flush().unwrap();
    }

    /// Sends a header that may be anything, with its right length.
    pub(crate) fn write_header(&mut self, header: &[u8]) {
        let length = u32::try_from(header.len()).unwrap();
        self.write(&[&length.to_be_bytes()[..], header].concat());
    }

    /// Sends a request with a body; says its id.
    pub(crate) fn request(&mut self, name: &str, arguments: &Value, body: &[u8]) -> u64 {
        self.last_id += 1;
        let header = json!({ "id": self.last_id, "do": name, "args": arguments, "body": body.len() });
        self.write_header(header.to_string().as_bytes());
        self.write(body);
        self.last_id
    }

    /// Sends requests with their bodies in one write; says their ids.
    pub(crate) fn request_together(&mut self, requests: &[(&str, Value, &str)]) -> Vec<u64> {
        let mut bytes = Vec::new();
        let first = self.last_id + 1;
        for (name, arguments, body) in requests {
            self.last_id += 1;
            let header = json!({ "id": self.last_id, "do": name, "args": arguments, "body": body.len() });
            let header = header.to_string();
            bytes.extend(u32::try_from(header.len()).unwrap().to_be_bytes());
            bytes.extend(header.as_bytes());
            bytes.extend(body.as_bytes());
        }
        self.write(&bytes);
        (first..=self.last_id).collect()
    }

    /// Asks, and waits for the answer to it: the header.
    pub(crate) fn ask(&mut self, name: &str, arguments: &Value) -> Value {
        self.ask_with(name, arguments, b"")
    }

    /// The same with a body.
    pub(crate) fn ask_with(&mut self, name: &str, arguments: &Value, body: &[u8]) -> Value {
        let id = self.request(name, arguments, body);
        loop {
            let (header, _) = self.receive().expect("an answer");
            if header["id"] == id {
                return header;
            }
        }
    }

    /// Waits for the next message, header and body; none: the hub has closed the connection.
    pub(crate) fn receive(&mut self) -> Option<(Value, Vec<u8>)> {
        let mut length = [0; 4];
        if !fill(&mut self.stream, &mut length) {
            return None;
        }
        let mut header = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
        assert!(fill(&mut self.stream, &mut header), "half a message came");
        let header: Value = serde_json::from_slice(&header).unwrap();
        let mut body = vec![0; usize::try_from(header["body"].as_u64().unwrap_or(0)).unwrap()];
        assert!(fill(&mut self.stream, &mut body), "half a message came");
        Some((header, body))
    }

    /// Says that nothing more comes, but goes on listening.
    pub(crate) fn finish(&mut self) {
        self.stream.conn.send_close_notify();
        self.stream.flush().unwrap();
        self.stream.sock.shutdown(Shutdown::Write).unwrap();
    }

    /// Waits until the hub closes the connection, which it must do without another word.
    #[track_caller]
    pub(crate) fn is_closed(&mut self) {
        let more = self.receive();
        assert!(more.is_none(), "{more:?}");
    }
}

/// The token in a link.
pub(crate) fn token(link: &str) -> &str {
    let (_, fragment) = link.split_once('#').unwrap();
    fragment.split_once('.').unwrap().0
}

/// Reads until `buffer` is full; false where the connection had ended before.
fn fill(stream: &mut impl io::Read, buffer: &mut [u8]) -> bool {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if is_end(&error) => break,
            Err(error) => panic!("reading: {error}"),
        }
    }
    assert!(
        filled == 0 || filled == buffer.len(),
        "the connection ended inside of a message"
    );
    filled == buffer.len()
}

/// However it was closed, it is closed.
fn is_end(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | UnexpectedEof)
}

/// Waits until the other side closes a plain connection, and says what came before.
pub(crate) fn rest(mut stream: &TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Err(error) = stream.read_to_end(&mut bytes) {
        assert!(is_end(&error), "{error}");
    }
    bytes
}
