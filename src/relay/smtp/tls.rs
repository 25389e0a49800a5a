//! Encryption: whom we trust, and what a failed handshake means.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::domain::delivery::{BadCertificate, Obstacle, SmtpStage, Unreachable};
use crate::relay::RelayError;

use super::wire::{Broken, Deadline, Stream};

/// What is needed to encrypt a connection to one host.
pub(super) struct Encryption {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Encryption {
    /// Trusts the system's certificates, and those of `ca_file` besides.
    pub fn new(host: &str, ca_file: Option<&Path>) -> Result<Self, RelayError> {
        let name =
            ServerName::try_from(host.to_owned()).map_err(|_| RelayError::Host { host: host.to_owned() })?;
        let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| RelayError::NoRoots { cause: error.to_string() })?
            .with_root_certificates(roots(ca_file)?)
            .with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), name })
    }

    /// Shakes hands and verifies the certificate: its chain, its dates, and
    /// that it is for the host we were told to talk to.
    pub async fn wrap(&self, stream: TcpStream, deadline: Deadline) -> Result<Stream, Unreachable> {
        let handshake = async { Ok(self.connector.connect(self.name.clone(), stream).await?) };
        match deadline.hold(handshake).await {
            Ok(stream) => Ok(Stream::Tls(Box::new(stream))),
            Err(Broken::Failed(error)) => Err(failed(&error)),
            Err(broken) => {
                Err(unreachable(format!("the handshake did not finish: {broken}"), broken.obstacle()))
            }
        }
    }
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, RelayError> {
    let mut roots = RootCertStore::empty();
    let native = rustls_native_certs::load_native_certs();
    let (known, _passed_over) = roots.add_parsable_certificates(native.certs);
    match ca_file {
        Some(file) => add_file(&mut roots, file)?,
        None if known == 0 => {
            let cause = native.errors.first().map_or("none found".to_owned(), ToString::to_string);
            return Err(RelayError::NoRoots { cause });
        }
        None => {}
    }
    Ok(roots)
}

fn add_file(roots: &mut RootCertStore, file: &Path) -> Result<(), RelayError> {
    let wrong = |cause: String| RelayError::CaFile { file: file.to_owned(), cause };
    let mut found = 0;
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(error.to_string()))? {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        roots.add(certificate).map_err(|error| wrong(error.to_string()))?;
        found += 1;
    }
    if found == 0 { Err(wrong("no certificate in it; it must be PEM".to_owned())) } else { Ok(()) }
}

/// What does not verify stays so until somebody acts; the rest may pass.
fn unreachable(cause: String, obstacle: Obstacle) -> Unreachable {
    let needs_person = matches!(obstacle, Obstacle::Certificate(_) | Obstacle::OldTls);
    Unreachable { stage: SmtpStage::Tls, cause, obstacle, needs_person }
}

fn failed(error: &io::Error) -> Unreachable {
    let reason = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match reason {
        Some(rustls::Error::InvalidCertificate(why)) => unreachable(
            format!("the relay's certificate does not verify: {why}"),
            Obstacle::Certificate(bad_certificate(why)),
        ),
        Some(rustls::Error::NoCertificatesPresented) => unreachable(
            "the relay shows no certificate".to_owned(),
            Obstacle::Certificate(BadCertificate::Other),
        ),
        Some(rustls::Error::PeerIncompatible(why)) => {
            unreachable(format!("the relay speaks no TLS that is still safe: {why:?}"), Obstacle::OldTls)
        }
        Some(rustls::Error::InvalidMessage(_)) => unreachable(
            "what answers does not speak TLS; a port that begins in the clear (587, 25) needs `tls: starttls`"
                .to_owned(),
            Obstacle::NotTls,
        ),
        Some(_) | None => unreachable(error.to_string(), Obstacle::Other),
    }
}

fn bad_certificate(why: &CertificateError) -> BadCertificate {
    match why {
        CertificateError::NotValidForName => BadCertificate::WrongName(Vec::new()),
        CertificateError::NotValidForNameContext { presented, .. } => {
            // As rustls writes them: DnsName("mail.example").
            let name = |text: &String| text.split('"').nth(1).unwrap_or(text).to_owned();
            BadCertificate::WrongName(presented.iter().map(name).collect())
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => BadCertificate::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            BadCertificate::NotYetValid
        }
        // A signer of the same name as one we trust, with another key, is unknown too.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => BadCertificate::UnknownIssuer,
        _ => BadCertificate::Other,
    }
}
