//! Finding a host's addresses within a time, where threads can be started and where not.

use std::{
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    vec::IntoIter,
};

use ureq::{
    Error,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver as Resolve},
        transport::NextTimeout,
    },
};

/// As `ureq`'s own, which panics where no thread can be started.
#[derive(Debug)]
pub(super) struct Resolver;

impl Resolve for Resolver {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let refuse = || Error::BadUri(format!("{uri} has no scheme or no host"));
        let (scheme, authority) = uri.scheme().zip(uri.authority()).ok_or_else(refuse)?;
        let address = DefaultResolver::host_and_port(scheme, authority).ok_or_else(refuse)?;
        let found = look_up(&address, &timeout, on_a_thread)?;
        let (family, mut addresses) = (config.ip_family(), self.empty());
        for address in family.keep_wanted(found) {
            // No more than there is room for.
            if addresses.try_push(address).is_err() {
                break;
            }
        }
        if addresses.is_empty() { Err(Error::HostNotFound) } else { Ok(addresses) }
    }
}

/// Has something done on another thread.
type Start = fn(Box<dyn FnOnce() + Send>) -> io::Result<()>;

type Found = io::Result<IntoIter<SocketAddr>>;

/// The addresses of `HOST:PORT`. The system's look-up cannot be given a time, so another thread waits for it; where none can be
/// started, this one does, for as long as the system does.
fn look_up(address: &str, timeout: &NextTimeout, start: Start) -> Result<IntoIter<SocketAddr>, Error> {
    if timeout.after.is_not_happening() {
        return Ok(address.to_socket_addrs()?);
    }
    let (tell, hear) = mpsc::sync_channel::<Found>(1);
    let asked = address.to_owned();
    // Nobody may be listening any more.
    let work = Box::new(move || drop(tell.send(asked.to_socket_addrs())));
    if start(work).is_err() {
        return Ok(address.to_socket_addrs()?);
    }
    match hear.recv_timeout(*timeout.after) {
        Ok(found) => Ok(found?),
        Err(RecvTimeoutError::Timeout) => Err(Error::Timeout(timeout.reason)),
        Err(RecvTimeoutError::Disconnected) => Err(Error::HostNotFound),
    }
}

fn on_a_thread(work: Box<dyn FnOnce() + Send>) -> io::Result<()> {
    thread::Builder::new().name("resolver".into()).spawn(work).map(drop)
}

#[cfg(test)]
mod tests {
    use ureq::{Timeout, unversioned::transport::time::Duration};

    use super::*;

    fn within(after: Duration) -> NextTimeout {
        NextTimeout { after, reason: Timeout::Resolve, ..NextTimeout::default() }
    }

    fn no_thread(_: Box<dyn FnOnce() + Send>) -> io::Result<()> {
        Err(io::ErrorKind::WouldBlock.into())
    }

    #[test]
    fn a_host_is_found_with_and_without_another_thread() {
        let starts: [Start; 2] = [on_a_thread, no_thread];
        for start in starts {
            for after in [Duration::from_secs(60), Duration::NotHappening] {
                let found = look_up("127.0.0.1:4711", &within(after), start).unwrap();
                assert_eq!(found.collect::<Vec<_>>(), ["127.0.0.1:4711".parse().unwrap()]);
            }
            assert!(look_up("no port", &within(Duration::from_secs(60)), start).is_err());
        }
    }

    /// A look-up that takes for ever.
    #[test]
    fn the_time_is_kept() {
        let never = |work: Box<dyn FnOnce() + Send>| {
            std::mem::forget(work);
            Ok(())
        };
        let error = look_up("127.0.0.1:4711", &within(Duration::from_millis(1)), never).unwrap_err();
        assert!(matches!(error, Error::Timeout(Timeout::Resolve)), "{error}");
    }
}
