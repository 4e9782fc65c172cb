//! An nginx of our own: static files over HTTPS.

use super::{Server, free_port};
use anyhow::{Context as _, Result, ensure};
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::Command;

/// A running nginx.
#[derive(Debug)]
pub(crate) struct Nginx {
    pub(crate) server: Server,
    port: u16,
}

impl Nginx {
    /// Serves the directory `store`; configuration and certificate are below `home`.
    pub(crate) fn start(home: &Path, store: &Path) -> Result<Self> {
        let port = free_port()?;
        make_certificate(home)?;
        let file = home.join("nginx.conf");
        fs::write(&file, configuration(home, store, port))?;
        let mut command = Command::new("nginx");
        command.arg("-p").arg(home).arg("-c").arg(&file);
        let mut server = Server::start("nginx", &command)?;
        server.await_port(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        Ok(Self { server, port })
    }

    /// What curl calls a file in the store.
    pub(crate) fn remote(&self, name: &str) -> String {
        format!("https://127.0.0.1:{}/{name}", self.port)
    }
}

/// A key of the kind that Landline's certificates have.
fn make_certificate(home: &Path) -> Result<()> {
    let output = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
        ])
        .args(["-nodes", "-days", "1", "-subj", "/CN=localhost", "-keyout"])
        .arg(home.join("key.pem"))
        .arg("-out")
        .arg(home.join("certificate.pem"))
        .output()
        .context("could not start openssl")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "openssl: {}: {said}", output.status);
    Ok(())
}

/// One process in the foreground, nothing written outside `home`; sendfile as everybody has it.
fn configuration(home: &Path, store: &Path, port: u16) -> String {
    let home = home.display();
    let temporary: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|kind| format!("{kind}_temp_path {home}/{kind};\n"))
        .collect();
    format!(
        "daemon off;\nmaster_process off;\npid {home}/nginx.pid;\nerror_log stderr;\n\
         events {{ worker_connections 256; }}\n\
         http {{\naccess_log off;\nsendfile on;\n{temporary}\
         server {{\nlisten 127.0.0.1:{port} ssl http2;\nssl_protocols TLSv1.3;\n\
         ssl_certificate {home}/certificate.pem;\nssl_certificate_key {home}/key.pem;\n\
         root {};\n}}\n}}\n",
        store.display()
    )
}
