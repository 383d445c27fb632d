//! The same over TLS, with the certificates in `tests/tls/`.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::{Place, file, server::*};

fn pem(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/tls").join(name)
}

fn encrypted(file: &[u8], answers: Vec<Answer>) -> Server {
    let certificate = CertificateDer::from_pem_file(pem("localhost.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(pem("localhost.key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    Server::start_with(file, answers, move |stream, answer| {
        let connection = ServerConnection::new(Arc::clone(&config)).map_err(std::io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        answer(&mut stream)?;
        stream.conn.send_close_notify();
        stream.conn.write_tls(&mut stream.sock).map(|_| ())
    })
}

#[test]
fn a_known_authority_is_trusted_and_no_other() {
    let file = file(100_000);
    let server = encrypted(&file, vec![cut(&file, "\"v1\"", 60_000), honest(&file, "\"v1\"")]);
    let url = format!("https://localhost:{}/a/file.bin", server.port());
    let mut place = Place::new(&file);
    let text = place.fails(std::slice::from_ref(&url), &["certificate"]);
    assert!(text.contains("UnknownIssuer"), "{text}");
    assert!(server.requests().is_empty(), "nothing was asked");

    place.options.authorities = Some(pem("authority.pem"));
    place.gets(std::slice::from_ref(&url), &file);
    assert_eq!(server.requests()[1].range.as_deref(), Some("bytes=60000-"));

    // The certificate is for localhost and for no other name of this machine.
    let server = encrypted(&file, vec![]);
    let mut place = Place::new(&file);
    place.options.authorities = Some(pem("authority.pem"));
    place.fails(
        &[format!("https://127.0.0.1:{}/b/file.bin", server.port())],
        &["certificate not valid for name \"127.0.0.1\""],
    );
}
