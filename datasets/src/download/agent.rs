//! The client behind a download, made from its options alone.

use std::{fs, path::Path};

use ureq::{
    Agent, Proxy,
    tls::{Certificate, PemItem, RootCerts, TlsConfig, parse_pem},
    unversioned::transport::DefaultConnector,
};

use super::{Options, error::DownloadError, resolver::Resolver};

/// More redirections than any mirror needs.
const REDIRECTIONS: u32 = 5;

pub(super) fn build(options: &Options) -> Result<Agent, DownloadError> {
    let refuse =
        |option, found: String, legal: &str| DownloadError::Option { option, found, legal: legal.into() };
    if options.attempts == 0 {
        return Err(refuse("attempts", "0".into(), "at least 1"));
    }
    for (option, time) in
        [("connect timeout", options.connect_timeout), ("stall timeout", options.stall_timeout)]
    {
        if time.is_zero() {
            return Err(refuse(option, "0 s".into(), "more than 0 s"));
        }
    }
    let proxy = match &options.proxy {
        None => None,
        Some(url) => {
            let legal = "the URL of an HTTP proxy, as in http://host:3128";
            Some(Proxy::new(url).map_err(|_| refuse("proxy", url.clone(), legal))?)
        }
    };
    let mut tls = TlsConfig::builder();
    if let Some(path) = &options.authorities {
        tls = tls.root_certs(RootCerts::new_with_certs(&certificates(path)?));
    }
    let config = Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(REDIRECTIONS)
        // The bytes as they lie on the server: a digest is of these.
        .accept_encoding("identity")
        .proxy(proxy)
        .tls_config(tls.build())
        .timeout_resolve(Some(options.connect_timeout))
        .timeout_connect(Some(options.connect_timeout))
        .timeout_recv_response(Some(options.stall_timeout))
        .timeout_per_read(Some(options.stall_timeout));
    Ok(Agent::with_parts(config.build(), DefaultConnector::default(), Resolver))
}

fn certificates(path: &Path) -> Result<Vec<Certificate<'static>>, DownloadError> {
    let text = fs::read(path).map_err(|source| DownloadError::io("read", path, source))?;
    let certificates: Vec<_> = parse_pem(&text)
        .filter_map(|item| match item {
            Ok(PemItem::Certificate(certificate)) => Some(certificate),
            _ => None,
        })
        .collect();
    if certificates.is_empty() {
        let legal = "a file with certificates in PEM".into();
        return Err(DownloadError::Option {
            option: "authorities",
            found: path.display().to_string(),
            legal,
        });
    }
    Ok(certificates)
}
