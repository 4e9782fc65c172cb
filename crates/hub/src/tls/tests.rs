//! The authority as clients and crashes meet it.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, HandshakeKind, RootCertStore, ServerConfig, ServerConnection};

use super::certificate::{Facts, LEAF_LIFE, pin_of};
use super::*;

const DAY: Duration = Duration::from_secs(86_400);

fn names(address: &str) -> HostNames {
    let address: IpAddr = address.parse().unwrap();
    HostNames {
        names: ["localhost".to_owned()].into(),
        addresses: [address].into(),
    }
}

fn open(directory: &Path, names: &HostNames, now: SystemTime) -> Result<Authority, TlsError> {
    Authority::open(directory, "Test", names, now)
}

/// A client that trusts one authority only.
fn client_of(authority: &Authority) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.certificate().clone()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![ALPN_LANDLINE.to_vec()];
    Arc::new(config)
}

/// A handshake in memory; the client's side of it, or why it refused.
fn handshake(
    server: &Arc<ServerConfig>,
    client: &Arc<ClientConfig>,
    host: &str,
) -> Result<ClientConnection, rustls::Error> {
    let host = ServerName::try_from(host.to_owned()).unwrap();
    let mut client = ClientConnection::new(Arc::clone(client), host).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    let mut bytes = Vec::new();
    while client.wants_write() || server.wants_write() {
        bytes.clear();
        while client.wants_write() {
            client.write_tls(&mut bytes).unwrap();
        }
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets()?;
        bytes.clear();
        while server.wants_write() {
            server.write_tls(&mut bytes).unwrap();
        }
        client.read_tls(&mut bytes.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(client)
}

fn leaf_of(client: &ClientConnection) -> CertificateDer<'static> {
    client.peer_certificates().unwrap()[0].clone().into_owned()
}

#[test]
fn changed_names_bring_a_new_leaf_and_the_same_pin() {
    let directory = tempfile::tempdir().unwrap();
    let now = SystemTime::now();
    let authority = open(directory.path(), &names("192.0.2.1"), now).unwrap();
    let (server, client) = (authority.server_config().unwrap(), client_of(&authority));
    let before = handshake(&server, &client, "192.0.2.1").unwrap();
    assert_eq!(before.alpn_protocol(), Some(ALPN_LANDLINE));
    assert!(handshake(&server, &client, "192.0.2.2").is_err());

    assert!(!authority.refresh_for(&names("192.0.2.1"), now).unwrap());
    assert!(authority.refresh_for(&names("192.0.2.2"), now).unwrap());
    // The same configuration serves the new leaf to new connections.
    let after = handshake(&server, &client, "192.0.2.2").unwrap();
    assert_ne!(leaf_of(&before), leaf_of(&after));
    for connection in [before, after] {
        let sent = connection.peer_certificates().unwrap();
        assert_eq!(sent.len(), 2);
        assert_eq!(Facts::of(&sent[1]).unwrap().pin, authority.pin());
    }
}

#[test]
fn another_authority_is_not_trusted() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one = open(one.path(), &names("192.0.2.1"), SystemTime::now()).unwrap();
    let two = open(two.path(), &names("192.0.2.1"), SystemTime::now()).unwrap();
    assert_ne!(one.pin(), two.pin());
    let refused = handshake(&two.server_config().unwrap(), &client_of(&one), "192.0.2.1");
    assert!(
        matches!(refused, Err(rustls::Error::InvalidCertificate(_))),
        "{refused:?}"
    );
}

#[test]
fn a_second_connection_resumes_without_early_data() {
    let directory = tempfile::tempdir().unwrap();
    let authority = open(directory.path(), &names("192.0.2.1"), SystemTime::now()).unwrap();
    let (server, client) = (authority.server_config().unwrap(), client_of(&authority));
    let first = handshake(&server, &client, "192.0.2.1").unwrap();
    assert_eq!(first.handshake_kind(), Some(HandshakeKind::Full));
    let second = handshake(&server, &client, "192.0.2.1").unwrap();
    assert_eq!(second.handshake_kind(), Some(HandshakeKind::Resumed));
    assert!(!second.is_early_data_accepted());
    assert_eq!(server.max_early_data_size, 0);
}

#[test]
fn a_leaf_is_reissued_before_its_end_and_when_the_clock_went_back() {
    let directory = tempfile::tempdir().unwrap();
    let (here, now) = (names("192.0.2.1"), SystemTime::now());
    let authority = open(directory.path(), &here, now).unwrap();
    assert!(!authority.refresh_for(&here, now + 19 * DAY).unwrap());
    assert!(
        authority.refresh_for(&here, now + 20 * DAY).unwrap(),
        "less than a third is left"
    );
    assert!(
        authority
            .refresh_for(&here, now + 20 * DAY + 2 * LEAF_LIFE)
            .unwrap(),
        "expired"
    );
    assert!(authority.refresh_for(&here, now).unwrap(), "not valid yet");
    assert!(
        !authority.refresh_for(&here, now - DAY / 2).unwrap(),
        "still valid"
    );
    handshake(
        &authority.server_config().unwrap(),
        &client_of(&authority),
        "192.0.2.1",
    )
    .unwrap();
}

#[test]
fn a_second_open_keeps_everything() {
    let directory = tempfile::tempdir().unwrap();
    let (here, now) = (names("192.0.2.1"), SystemTime::now());
    let first = open(directory.path(), &here, now).unwrap();
    let files = |name: &str| fs::read(directory.path().join(name)).unwrap();
    let all = || ["ca.key", "ca.crt", "leaf.key", "leaf.crt"].map(files);
    let before = all();
    let second = Authority::open(directory.path(), "Another name", &here, now + DAY).unwrap();
    assert_eq!(before, all());
    assert_eq!(first.pin(), second.pin());
    assert_eq!(first.certificate(), second.certificate());
    assert_eq!(first.certificate_pem(), second.certificate_pem());
    handshake(&second.server_config().unwrap(), &client_of(&first), "localhost").unwrap();
}

#[test]
fn files_are_private_and_nothing_temporary_is_left() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("ca.key.0123.new"), "half").unwrap();
    open(directory.path(), &names("192.0.2.1"), SystemTime::now()).unwrap();
    HeadKey::open(directory.path()).unwrap();
    let mut found = Vec::new();
    for entry in fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().permissions().mode() & 0o777,
            0o600,
            "{entry:?}"
        );
        found.push(entry.file_name().into_string().unwrap());
    }
    found.sort();
    assert_eq!(found, ["ca.crt", "ca.key", "head.key", "leaf.crt", "leaf.key"]);
}

#[test]
fn a_first_start_killed_after_the_key_is_finished_with_the_same_pin() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path(), &names("192.0.2.1"), SystemTime::now()).unwrap();
    for name in ["ca.crt", "leaf.key", "leaf.crt"] {
        fs::remove_file(directory.path().join(name)).unwrap();
    }
    let second = open(directory.path(), &names("192.0.2.1"), SystemTime::now()).unwrap();
    assert_eq!(first.pin(), second.pin());
    handshake(&second.server_config().unwrap(), &client_of(&first), "192.0.2.1").unwrap();
}

#[test]
fn a_missing_or_foreign_or_damaged_key_is_refused_and_nothing_is_replaced() {
    let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let here = names("192.0.2.1");
    open(directory.path(), &here, SystemTime::now()).unwrap();
    open(other.path(), &here, SystemTime::now()).unwrap();
    let key = directory.path().join("ca.key");
    let certificate = fs::read(directory.path().join("ca.crt")).unwrap();

    fs::copy(other.path().join("ca.key"), &key).unwrap();
    assert!(matches!(
        open(directory.path(), &here, SystemTime::now()),
        Err(TlsError::NotAPair { .. })
    ));
    fs::write(&key, "").unwrap();
    assert!(matches!(
        open(directory.path(), &here, SystemTime::now()),
        Err(TlsError::Damaged { .. })
    ));
    assert_eq!(fs::read(&key).unwrap(), b"");
    fs::remove_file(&key).unwrap();
    assert!(matches!(
        open(directory.path(), &here, SystemTime::now()),
        Err(TlsError::KeyMissing { .. })
    ));
    assert!(!key.exists());
    assert_eq!(fs::read(directory.path().join("ca.crt")).unwrap(), certificate);
}

#[test]
fn a_leaf_that_is_damaged_or_half_or_of_another_authority_is_reissued() {
    let (directory, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let here = names("192.0.2.1");
    let first = open(directory.path(), &here, SystemTime::now()).unwrap();
    open(other.path(), &here, SystemTime::now()).unwrap();
    let damages: [&dyn Fn(); 4] = [
        &|| fs::write(directory.path().join("leaf.crt"), "-----BEGIN").unwrap(),
        &|| fs::write(directory.path().join("leaf.key"), "").unwrap(),
        &|| _ = fs::copy(other.path().join("leaf.key"), directory.path().join("leaf.key")).unwrap(),
        &|| {
            for name in ["leaf.key", "leaf.crt"] {
                fs::copy(other.path().join(name), directory.path().join(name)).unwrap();
            }
        },
    ];
    for damage in damages {
        damage();
        let again = open(directory.path(), &here, SystemTime::now()).unwrap();
        handshake(&again.server_config().unwrap(), &client_of(&first), "192.0.2.1").unwrap();
    }
}

#[test]
fn the_authority_signs_certificates_and_nothing_below_it_does() {
    use x509_parser::prelude::{FromDer, X509Certificate};

    let directory = tempfile::tempdir().unwrap();
    let authority = open(directory.path(), &names("192.0.2.1"), SystemTime::now()).unwrap();
    let (_, certificate) = X509Certificate::from_der(authority.certificate()).unwrap();
    let constraints = certificate.basic_constraints().unwrap().unwrap().value;
    assert!(constraints.ca);
    assert_eq!(constraints.path_len_constraint, Some(0));
    let usage = certificate.key_usage().unwrap().unwrap().value;
    assert!(usage.key_cert_sign() && usage.crl_sign() && !usage.digital_signature());
    assert_eq!(certificate.subject().to_string(), "CN=Landline hub Test");
    assert_eq!(pin_of(certificate.public_key().raw), authority.pin());

    let client = client_of(&authority);
    let leaf = leaf_of(&handshake(&authority.server_config().unwrap(), &client, "localhost").unwrap());
    let (_, leaf) = X509Certificate::from_der(&leaf).unwrap();
    assert!(!leaf.basic_constraints().unwrap().unwrap().value.ca);
    assert!(leaf.extended_key_usage().unwrap().unwrap().value.server_auth);
}

#[test]
fn an_authority_of_a_machine_without_a_clock_is_valid_today() {
    for clock in [UNIX_EPOCH, SystemTime::now() + 3_650 * DAY] {
        let directory = tempfile::tempdir().unwrap();
        let authority = open(directory.path(), &names("192.0.2.1"), clock).unwrap();
        let facts = Facts::of(authority.certificate()).unwrap();
        let today = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        assert!((facts.not_before..facts.not_after).contains(&i64::try_from(today).unwrap()));
        // Once the clock is set, so is the leaf.
        assert!(
            authority
                .refresh_for(&names("192.0.2.1"), SystemTime::now())
                .unwrap()
        );
        handshake(
            &authority.server_config().unwrap(),
            &client_of(&authority),
            "192.0.2.1",
        )
        .unwrap();
    }
}

#[test]
fn a_clock_beyond_what_certificates_can_say_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    for clock in [UNIX_EPOCH - DAY, UNIX_EPOCH + 365 * 9_000 * DAY] {
        let refused = open(directory.path(), &names("192.0.2.1"), clock);
        assert!(matches!(refused, Err(TlsError::Clock)), "{refused:?}");
    }
}

#[test]
fn this_machines_own_names_make_a_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let here = HostNames::of_this_machine().unwrap();
    let authority = open(directory.path(), &here, SystemTime::now()).unwrap();
    let (server, client) = (authority.server_config().unwrap(), client_of(&authority));
    for host in ["127.0.0.1", "::1", "localhost"] {
        handshake(&server, &client, host).unwrap();
    }
}
