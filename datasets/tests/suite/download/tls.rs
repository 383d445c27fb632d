//! The same over TLS, with the certificates in `tests/tls/`.

use std::{
    io::Write,
    path::PathBuf,
    sync::{Arc, Mutex},
};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::{Location, file, server::*};

fn pem(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

fn encrypted(file: &[u8], answers: Vec<Answer>) -> Server {
    encrypted_with(file, answers, b"")
}

/// With `behind`, unencrypted, behind the first answer.
fn encrypted_with(file: &[u8], answers: Vec<Answer>, behind: &'static [u8]) -> Server {
    let certificate = CertificateDer::from_pem_file(pem("localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(pem("localhost.key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    let behind = Mutex::new(behind);
    Server::start_with(file, answers, move |stream, answer| {
        let connection = ServerConnection::new(Arc::clone(&config)).map_err(std::io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        answer(&mut stream)?;
        stream.sock.write_all(std::mem::take(&mut *behind.lock().unwrap()))?;
        stream.conn.send_close_notify();
        stream.conn.write_tls(&mut stream.sock).map(|_| ())
    })
}

/// Bytes between two records that are no record: a certificate that was good stays good, so the rest is asked for again.
#[test]
fn a_fault_in_an_encrypted_body_is_asked_for_again() {
    let file = file(100_000);
    let answers = vec![cut(&file, "\"v1\"", 60_000), honest(&file, "\"v1\"")];
    let server = encrypted_with(&file, answers, b"\x17\x03\x03\x00\x20no such record, 32 bytes long....");
    let mut place = Location::new(&file);
    place.options.authorities = Some(pem("authority.pem"));
    let url = format!("https://localhost:{}/a/file.bin", server.port());
    place.gets(std::slice::from_ref(&url), &file);
    let from = server.requests()[1].from().unwrap();
    assert!((1..=60_000).contains(&from), "{from}");
    let text = format!("sends what cannot be read behind byte {from}: cannot decrypt peer's message");
    assert_eq!(place.troubles, [text]);
}

#[test]
fn a_known_authority_is_trusted_and_no_other() {
    let file = file(100_000);
    let server = encrypted(&file, vec![cut(&file, "\"v1\"", 60_000), honest(&file, "\"v1\"")]);
    let url = format!("https://localhost:{}/a/file.bin", server.port());
    let mut place = Location::new(&file);
    let text = place.fails(std::slice::from_ref(&url), &["certificate"]);
    assert!(text.contains("UnknownIssuer"), "{text}");
    assert!(server.requests().is_empty(), "nothing was asked");

    place.options.authorities = Some(pem("authority.pem"));
    place.gets(std::slice::from_ref(&url), &file);
    assert_eq!(server.requests()[1].range.as_deref(), Some("bytes=60000-"));

    // The certificate is for localhost and for no other name of this machine.
    let server = encrypted(&file, vec![]);
    let mut place = Location::new(&file);
    place.options.authorities = Some(pem("authority.pem"));
    place.fails(
        &[format!("https://127.0.0.1:{}/b/file.bin", server.port())],
        &["certificate not valid for name \"127.0.0.1\""],
    );
}
