//! Certificates: what the hub writes into them, and what it reads back.

use std::net::IpAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::digest;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyUsagePurpose, SanType,
};
use rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::error::TlsError;
use super::host::HostNames;
use landline_model::link::Pin;

const DAY: Duration = Duration::from_secs(86_400);

/// How long the authority's certificate is valid. Its key, which clients pin, has no end.
pub(super) const AUTHORITY_LIFE: Duration = Duration::from_secs(20 * 365 * 86_400);

/// How long a leaf is valid from its issue.
pub(super) const LEAF_LIFE: Duration = Duration::from_secs(30 * 86_400);

/// Certificates begin that much earlier, for peers whose clocks are behind.
pub(super) const BACKDATED: Duration = DAY;

/// 2026-01-01T00:00:00Z. This program is younger: a clock that says less is wrong, and an authority that was dated
/// by it would have ended too early, or begun too late, once the clock is set.
const EARLIEST_NOW: Duration = Duration::from_secs(1_767_225_600);

/// 9900-01-01T00:00:00Z. X.509 ends with the year 9999 (RFC 5280, section 4.1.2.5).
const LATEST_NOW: Duration = Duration::from_secs(250_247_865_600);

/// Characters of a common name (RFC 5280, appendix A.1, ub-common-name).
const MAX_COMMON_NAME_CHARACTERS: usize = 64;

/// What the authority's certificate says. It is valid by every clock from this program's first day, or from a day
/// before `now` where that is earlier, until 20 years from `now`.
pub(super) fn authority_params(hub_name: &str, now: SystemTime) -> CertificateParams {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name(&format!("Landline hub {hub_name}"));
    params.not_before = (UNIX_EPOCH + now.min(EARLIEST_NOW) - BACKDATED).into();
    params.not_after = (UNIX_EPOCH + now.clamp(EARLIEST_NOW, LATEST_NOW) + AUTHORITY_LIFE).into();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

/// What a leaf says.
pub(super) fn leaf_params(names: &HostNames, now: SystemTime) -> Result<CertificateParams, TlsError> {
    let now = in_range(now)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = common_name("Landline hub");
    params.not_before = (now - BACKDATED).into();
    params.not_after = (now + LEAF_LIFE).into();
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    for name in &names.names {
        params
            .subject_alt_names
            .push(SanType::DnsName(name.as_str().try_into()?));
    }
    params
        .subject_alt_names
        .extend(names.addresses.iter().copied().map(SanType::IpAddress));
    Ok(params)
}

/// What the hub needs to know of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Facts {
    /// SHA-256 of its subjectPublicKeyInfo.
    pub(super) pin: Pin,
    /// Seconds since 1970.
    pub(super) not_before: i64,
    /// Seconds since 1970.
    pub(super) not_after: i64,
    /// What it is valid for.
    pub(super) names: HostNames,
}

impl Facts {
    /// `None` where it is no certificate.
    pub(super) fn of(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
        let mut names = HostNames::default();
        if let Some(extension) = parsed.subject_alternative_name().ok()? {
            for name in &extension.value.general_names {
                match name {
                    GeneralName::DNSName(name) => _ = names.names.insert((*name).to_owned()),
                    GeneralName::IPAddress(octets) => _ = names.addresses.insert(address(octets)?),
                    _ => return None,
                }
            }
        }
        Some(Self {
            pin: pin_of(parsed.public_key().raw),
            not_before: parsed.validity().not_before.timestamp(),
            not_after: parsed.validity().not_after.timestamp(),
            names,
        })
    }
}

/// Whether one certificate's key signed another.
pub(super) fn is_signed_by(certificate: &CertificateDer<'_>, issuer: &CertificateDer<'_>) -> bool {
    let (Ok((_, certificate)), Ok((_, issuer))) = (
        X509Certificate::from_der(certificate),
        X509Certificate::from_der(issuer),
    ) else {
        return false;
    };
    certificate.verify_signature(Some(issuer.public_key())).is_ok()
}

/// SHA-256 of a subjectPublicKeyInfo (RFC 5280, section 4.1.2.7) in DER.
pub(super) fn pin_of(subject_public_key_info: &[u8]) -> Pin {
    let hash = digest::digest(&digest::SHA256, subject_public_key_info);
    hash.as_ref().try_into().expect("SHA-256 has 32 bytes")
}

fn in_range(now: SystemTime) -> Result<SystemTime, TlsError> {
    match now.duration_since(UNIX_EPOCH) {
        Ok(since) if since <= LATEST_NOW => Ok(now),
        _ => Err(TlsError::Clock),
    }
}

fn common_name(text: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    let text: String = text.chars().take(MAX_COMMON_NAME_CHARACTERS).collect();
    name.push(DnType::CommonName, text);
    name
}

fn address(octets: &[u8]) -> Option<IpAddr> {
    let v4 = <[u8; 4]>::try_from(octets).map(IpAddr::from);
    v4.or_else(|_| <[u8; 16]>::try_from(octets).map(IpAddr::from))
        .ok()
}
