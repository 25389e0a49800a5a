//! What the service manager is told, in datagrams to the socket that it names
//! in `NOTIFY_SOCKET` (`sd_notify(3)`). Where it names none, nobody is told.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use tracing::warn;

/// How long a manager that does not read its mail may keep us.
const PATIENCE: Duration = Duration::from_secs(1);

/// One thing to tell it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Word {
    /// All is loaded, and the work begins; or goes on after a reload.
    Ready,
    /// The configuration is being read again, since this moment of
    /// `CLOCK_MONOTONIC`, in microseconds.
    Reloading {
        /// The moment.
        monotonic_us: u64,
    },
    /// What is in hand is finished, then we end.
    Stopping,
    /// The work goes on.
    Alive,
    /// Ending takes up to so long.
    MoreTime(Duration),
    /// What we are at, for `systemctl status`.
    Status(String),
}

impl Word {
    fn line(&self) -> String {
        match self {
            Self::Ready => "READY=1".to_owned(),
            Self::Reloading { monotonic_us } => format!("RELOADING=1\nMONOTONIC_USEC={monotonic_us}"),
            Self::Stopping => "STOPPING=1".to_owned(),
            Self::Alive => "WATCHDOG=1".to_owned(),
            Self::MoreTime(time) => format!("EXTEND_TIMEOUT_USEC={}", time.as_micros()),
            Self::Status(text) => format!("STATUS={}", text.replace(['\n', '\r'], " ")),
        }
    }
}

/// The service manager, if there is one.
#[derive(Debug, Default)]
pub struct Manager(Option<(UnixDatagram, SocketAddr)>);

impl Manager {
    /// Nobody.
    #[must_use]
    pub fn none() -> Self {
        Self(None)
    }

    /// The one that listens at the address of `NOTIFY_SOCKET`: a path, or a
    /// name in the abstract namespace with an `@` before it.
    ///
    /// # Errors
    /// Where that is no address of a socket.
    pub fn at(address: &OsStr) -> io::Result<Self> {
        let to = match address.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(address)?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        Ok(Self(Some((socket, to))))
    }

    /// Tells it these things at once. That it can't be told is no reason to
    /// stop; it may stop us.
    pub fn tell(&self, words: &[Word]) {
        let Some((socket, to)) = &self.0 else { return };
        let message = words.iter().map(Word::line).collect::<Vec<_>>().join("\n");
        if let Err(cause) = socket.send_to_addr(message.as_bytes(), to) {
            warn!(%cause, "the service manager can't be told how it goes");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is heard at a socket when this is told.
    fn heard(socket: &UnixDatagram, manager: &Manager, words: &[Word]) -> String {
        manager.tell(words);
        let mut buffer = [0; 1024];
        let length = socket.recv(&mut buffer).expect("a datagram");
        String::from_utf8(buffer[..length].to_vec()).expect("text")
    }

    #[test]
    fn a_path_and_an_abstract_name_are_told_the_same() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("notify");
        let name = format!("courtesy-test-{}", std::process::id());
        let abstract_name = SocketAddr::from_abstract_name(&name).expect("a name");
        let sockets = [UnixDatagram::bind(&path), UnixDatagram::bind_addr(&abstract_name)];
        let addresses = [path.into_os_string(), format!("@{name}").into()];
        for (socket, address) in sockets.into_iter().zip(addresses) {
            let (socket, manager) = (socket.expect("bound"), Manager::at(&address).expect("an address"));
            assert_eq!(heard(&socket, &manager, &[Word::Ready, Word::Alive]), "READY=1\nWATCHDOG=1");
            let reloading = [Word::Reloading { monotonic_us: 7 }];
            assert_eq!(heard(&socket, &manager, &reloading), "RELOADING=1\nMONOTONIC_USEC=7");
            let stopping = [Word::Stopping, Word::MoreTime(Duration::from_secs(2))];
            assert_eq!(heard(&socket, &manager, &stopping), "STOPPING=1\nEXTEND_TIMEOUT_USEC=2000000");
            let status = [Word::Status("all\nis well".to_owned())];
            assert_eq!(heard(&socket, &manager, &status), "STATUS=all is well");
        }
    }

    #[test]
    fn a_manager_that_is_gone_stops_nothing() {
        Manager::none().tell(&[Word::Ready]);
        let dir = tempfile::tempdir().expect("a folder");
        let gone = Manager::at(dir.path().join("gone").as_os_str()).expect("an address");
        gone.tell(&[Word::Ready]);
    }
}
