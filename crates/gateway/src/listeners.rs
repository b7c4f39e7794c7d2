//! The sockets that the process listens on: bound as the settings say, or handed over by the service manager under their names
//! (`LISTEN_FDS` and `LISTEN_FDNAMES`, sd_listen_fds(3)). A socket that was handed over stays open in the service manager, so that no
//! connection is refused while the process is replaced.

use std::{
    collections::BTreeMap,
    env,
    net::{SocketAddr, TcpListener},
};

use listenfd::ListenFd;

use crate::settings::Settings;

/// The names that sockets are handed over by (`FileDescriptorName=`).
const NAMES: [&str; 4] = ["scim", "admin", "metrics", "health"];

/// A listening socket.
pub(crate) struct Listener {
    pub(crate) socket: TcpListener,
    pub(crate) address: SocketAddr,
    /// Whether the service manager holds it too.
    pub(crate) is_inherited: bool,
}

/// All sockets of the process. Without one of its own the admin API is served by `scim`; metrics and probes may be absent.
pub(crate) struct Listeners {
    pub(crate) scim: Listener,
    pub(crate) admin: Option<Listener>,
    pub(crate) metrics: Option<Listener>,
    pub(crate) health: Option<Listener>,
}

/// Sockets that were handed over, by name.
pub(crate) struct Inherited(BTreeMap<String, TcpListener>);

impl Inherited {
    /// Takes them from the environment. To be called before other threads read it.
    ///
    /// # Errors
    /// One sentence for the operator.
    pub(crate) fn take() -> Result<Self, String> {
        let mut handed = ListenFd::from_env();
        let names = env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut names = names.split(':');
        let mut sockets = BTreeMap::new();
        for place in 0..handed.len() {
            let name = names.next().unwrap_or_default();
            let told =
                |fault: &str| format!("the socket {name:?} that the service manager handed over {fault}");
            if !NAMES.contains(&name) {
                return Err(told(
                    "has no known name: set FileDescriptorName= to scim, admin, metrics or health",
                ));
            }
            let socket =
                handed.take_tcp_listener(place).map_err(|e| told(&format!("cannot be used: {e}")))?;
            let socket = socket.ok_or_else(|| told("is not there"))?;
            if sockets.insert(name.to_owned(), socket).is_some() {
                return Err(told("has the name of another one: name each once"));
            }
        }
        Ok(Self(sockets))
    }

    /// The socket of this name, or one at this address; `None` where there is neither.
    fn or_bind(
        &mut self,
        name: &str,
        key: &str,
        address: Option<SocketAddr>,
    ) -> Result<Option<Listener>, String> {
        let inherited = self.0.remove(name);
        let is_inherited = inherited.is_some();
        let socket = match (inherited, address) {
            (Some(socket), _) => socket,
            (None, Some(address)) => TcpListener::bind(address)
                .map_err(|e| format!("{key} {address}: {e}; choose another address or stop what uses it"))?,
            (None, None) => return Ok(None),
        };
        let address = socket.local_addr().map_err(|e| format!("{key}: {e}"))?;
        Ok(Some(Listener { socket, address, is_inherited }))
    }
}

impl Listeners {
    /// # Errors
    /// One sentence for the operator.
    pub(crate) fn open(settings: &Settings, mut inherited: Inherited) -> Result<Self, String> {
        let scim = inherited.or_bind("scim", "server.listen", Some(settings.server.listen))?;
        Ok(Self {
            scim: scim.ok_or("server.listen: no address")?,
            admin: inherited.or_bind("admin", "admin.listen", settings.admin.listen)?,
            metrics: inherited.or_bind("metrics", "metrics.listen", settings.metrics.listen)?,
            health: inherited.or_bind("health", "health.listen", settings.health.listen)?,
        })
    }

    /// Where the admin API is.
    pub(crate) fn admin_address(&self) -> SocketAddr {
        self.admin.as_ref().map_or(self.scim.address, |listener| listener.address)
    }
}
