//! How a running daemon is watched, as it is written and as it is used.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use schemars::{Schema, json_schema};

use super::forms::Spot;
use super::read::{Complaint, Reader, Scalar, shape};
use crate::web::{PingUrl, Watched};

shape! { "`monitoring`"
/// How those who watch see that the daemon does its work. What is changed
/// here takes effect when the daemon is started anew.
#[schemars(rename = "Monitoring")]
struct RawMonitoring {
    /// Where `/healthz`, `/readyz`, `/metrics` (Prometheus) and `/status`
    /// (JSON) can be read, `127.0.0.1:9470`; nowhere if not said. They name
    /// rules and numbers of letters, and nobody's address.
    listen: Option<Spot<Listen>>,
    /// Asked for with GET after each look that saw all there was, so that a
    /// service elsewhere raises the alarm when that does not come any more:
    /// `https://` or `http://`. Nothing if not said.
    ping_url: Option<Spot<PingUrl>>,
} }

/// An address of this machine and a port.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Listen(SocketAddr);

impl Scalar for Listen {
    fn parse(text: &str) -> Result<Self, Complaint> {
        let port_alone =
            || text.parse().ok().map(|port: u16| (IpAddr::from(Ipv4Addr::LOCALHOST), port).into());
        text.parse().ok().or_else(port_alone).map(Self).ok_or_else(|| {
            Complaint::new(
                format!("`{text}` is not an address to listen at"),
                "write an address and a port, like 127.0.0.1:9470",
            )
        })
    }

    fn schema() -> Schema {
        json_schema!({ "type": ["string", "integer"] })
    }
}

impl Scalar for PingUrl {
    fn parse(text: &str) -> Result<Self, Complaint> {
        text.parse().map_err(|hint: &str| Complaint::new("this can't be asked for".to_owned(), hint))
    }

    fn schema() -> Schema {
        json_schema!({ "type": "string", "pattern": "^https?://" })
    }
}

/// How it is watched.
pub(super) fn watched(raw: Option<&RawMonitoring>, reader: &mut Reader<'_>) -> Watched {
    let listen = raw.and_then(|raw| raw.listen.as_ref());
    if let Some(given) = listen.filter(|given| !given.value.0.ip().is_loopback()) {
        let message = format!("{} can be read from other machines, by anybody", given.value.0);
        let hint = "127.0.0.1 is this machine alone; else let a firewall choose who may ask";
        reader.warning(&given.at, message, hint);
    }
    Watched {
        listen: listen.map(|given| given.value.0),
        ping_url: raw.and_then(|raw| raw.ping_url.as_ref()).map(|given| given.value.clone()),
    }
}
