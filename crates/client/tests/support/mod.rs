//! A hub that does what a test says: it speaks TLS and frames, and the test plays its part message by message.
#![allow(
    dead_code,
    reason = "every test file compiles this for itself and none needs all of it"
)]

use bytes::{Bytes, BytesMut};
use landline_model::link::{HubAddress, Pin};
use landline_wire::{Frame, FrameDecoder};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, PublicKeyData as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{HandshakeKind, ServerConfig};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// A certificate authority.
pub(crate) struct Authority {
    pub(crate) certificate: CertificateDer<'static>,
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pin: Pin,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &key.subject_public_key_info());
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = parameters.self_signed(&key).unwrap().der().clone();
        let pin = Pin::try_from(digest.as_ref()).unwrap();
        Self {
            certificate,
            issuer: Issuer::new(parameters, key),
            pin,
        }
    }

    /// A certificate for a hub, valid for these years.
    pub(crate) fn leaf(
        &self,
        years: std::ops::Range<i32>,
    ) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let mut parameters = CertificateParams::new(["hub.local".to_owned()]).unwrap();
        parameters.not_before = rcgen::date_time_ymd(years.start, 1, 1);
        parameters.not_after = rcgen::date_time_ymd(years.end, 1, 1);
        let certificate = parameters.signed_by(&key, &self.issuer).unwrap();
        (
            certificate.der().clone(),
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
    }
}

/// A listening hub.
pub(crate) struct TestHub {
    listener: TcpListener,
    acceptor: TlsAcceptor,
    pub(crate) address: HubAddress,
    pub(crate) pin: Pin,
}

impl TestHub {
    /// As hubs are.
    pub(crate) async fn start() -> Self {
        let authority = Authority::new();
        let (leaf, key) = authority.leaf(2020..2100);
        Self::with(
            vec![leaf, authority.certificate.clone()],
            key,
            b"landline/1",
            authority.pin,
        )
        .await
    }

    pub(crate) async fn with(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
        alpn: &[u8],
        pin: Pin,
    ) -> Self {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = vec![alpn.to_vec()];
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = HubAddress {
            host: "127.0.0.1".to_owned(),
            port,
        };
        Self {
            listener,
            acceptor: TlsAcceptor::from(Arc::new(config)),
            address,
            pin,
        }
    }

    /// Takes a connection before its handshake.
    pub(crate) async fn accept_raw(&self) -> TcpStream {
        self.listener.accept().await.unwrap().0
    }

    /// Takes a connection; an error is the handshake's.
    pub(crate) async fn accept(&self) -> std::io::Result<Peer> {
        let stream = self.acceptor.accept(self.accept_raw().await).await?;
        Ok(Peer {
            stream,
            decoder: FrameDecoder::default(),
            input: BytesMut::new(),
        })
    }

    /// Takes a connection and welcomes it.
    pub(crate) async fn welcome(&self) -> Peer {
        let mut peer = self.accept().await.unwrap();
        let hello = peer.request().await.unwrap();
        assert_eq!(
            (hello.name.as_str(), &hello.args["protocol"]),
            ("hello", &json!(1))
        );
        peer.ok(hello.id, welcome(self.pin)).await;
        peer
    }
}

pub(crate) fn welcome(pin: Pin) -> Value {
    json!({ "protocol": 1, "hub": "lab", "version": "0.1.0", "pin": pin, "head_key": "00".repeat(32), "time": 1 })
}

/// A request as it arrived.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) args: Value,
    pub(crate) body: Bytes,
}

/// The hub's side of a connection.
pub(crate) struct Peer {
    stream: TlsStream<TcpStream>,
    decoder: FrameDecoder,
    input: BytesMut,
}

impl Peer {
    /// The next request; none where the client has closed.
    pub(crate) async fn request(&mut self) -> Option<Request> {
        let Frame { header, body } = loop {
            if let Some(frame) = self.decoder.decode(&mut self.input).unwrap() {
                break frame;
            }
            if self.stream.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                return None;
            }
        };
        let header: Value = serde_json::from_slice(&header).unwrap();
        let name = header["do"].as_str().unwrap().to_owned();
        Some(Request {
            id: header["id"].as_u64().unwrap(),
            name,
            args: header["args"].clone(),
            body,
        })
    }

    /// What no other TLS connection has, for the login with a token.
    pub(crate) fn exporter(&self) -> [u8; 32] {
        let tls = self.stream.get_ref().1;
        let label = landline_model::token::EXPORTER_LABEL;
        tls.export_keying_material([0; 32], label, None).unwrap()
    }

    /// Whether the connection began with a certificate, or with a ticket of an earlier one.
    pub(crate) fn handshake(&self) -> HandshakeKind {
        self.stream.get_ref().1.handshake_kind().unwrap()
    }

    pub(crate) async fn send(&mut self, header: Value, body: &[u8]) {
        let mut bytes = BytesMut::new();
        landline_wire::encode(&header, body, &mut bytes).unwrap();
        self.bytes(&bytes).await;
    }

    pub(crate) async fn ok(&mut self, id: u64, ok: Value) {
        self.send(json!({ "id": id, "ok": ok }), b"").await;
    }

    pub(crate) async fn refuse(&mut self, id: u64, code: &str) {
        self.send(
            json!({ "id": id, "error": { "code": code, "message": format!("no: {code}") } }),
            b"",
        )
        .await;
    }

    pub(crate) async fn bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }
}

/// How a client that has joined this hub knows it.
pub(crate) fn known(hub: &TestHub) -> landline_client::Hub {
    landline_client::Hub {
        name: "lab".to_owned(),
        addresses: vec![hub.address.clone()],
        pin: hub.pin,
        head_key: landline_model::hash::HeadKey::from_bytes([0; 32]),
        account: landline_client::hubs::KnownAccount {
            id: landline_model::id::AccountId::from_bytes([2; 16]),
            name: "bob".parse().unwrap(),
        },
        session: Some(landline_client::hubs::Session {
            id: landline_model::id::SessionId::from_bytes([6; 16]),
            secret: landline_model::protocol::people::SessionSecret::from_bytes([7; 32]),
            token: false,
        }),
    }
}

impl TestHub {
    /// Takes a connection, welcomes it and lets it resume its session.
    pub(crate) async fn resumed(&self) -> Peer {
        let mut peer = self.welcome().await;
        let resume = peer.request().await.unwrap();
        assert_eq!(resume.name, "resume");
        peer.ok(
            resume.id,
            json!({ "id": "02".repeat(16), "name": "bob", "role": "member" }),
        )
        .await;
        peer
    }
}

pub(crate) fn signed_head(sequence: u64) -> Value {
    json!({ "sequence": sequence, "hash": "00".repeat(32), "signature": "00".repeat(64) })
}

pub(crate) fn room(sequence: u64) -> Value {
    json!({
        "id": "01".repeat(16), "target": "#general", "kind": "public", "created": 1, "creator": "02".repeat(16),
        "original_name": "general", "head": signed_head(sequence),
    })
}
