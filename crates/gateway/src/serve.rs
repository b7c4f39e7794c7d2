//! `usher serve`: bind, open, serve. How it ends is in [`stop`].

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::Duration,
};

use actix_web::{App as HttpApp, HttpRequest, HttpResponse, HttpServer, http::KeepAlive, web};
use tracing::{info, warn};

use crate::{
    admin,
    app::App,
    descriptors::{self, Configured, METRICS_CONNECTIONS, PROBE_CONNECTIONS, Process},
    health, health_writer, http,
    listeners::{Inherited, Listener, Listeners},
    log_writer, oauth,
    process_limits::make_files_for_this_user_only,
    pulses::Pulses,
    scim, service_manager,
    settings::{BaseUrl, Settings},
    stop::{self, Signals},
    telemetry::{
        self,
        tally::{self, TALLY},
        traces::Exporting,
    },
    tick,
};

/// Runs until SIGTERM or SIGINT.
///
/// # Errors
/// One sentence for the operator.
pub(crate) fn serve(config: Option<&Path>) -> Result<(), String> {
    make_files_for_this_user_only();
    let settings = Settings::read(config)?;
    let traces = Exporting::start(&settings.traces)?;
    telemetry::log::start(&settings, traces.layer())?;
    let inherited = Inherited::take()?;
    actix_web::rt::System::new().block_on(run(settings, inherited, traces))
}

async fn run(mut settings: Settings, inherited: Inherited, traces: Exporting) -> Result<(), String> {
    outlive_the_file_size_limit();
    // Before the listeners are bound, so that a signal stops the process in order from its first response on.
    let signals = Signals::watch();
    let workers = settings.server.workers.unwrap_or_else(descriptors::one_a_core);
    let listeners = Listeners::open(&settings, inherited)?;
    let connections = share_out_descriptors(&mut settings, &listeners)?;
    let (address, admin_address) = (listeners.scim.address, listeners.admin_address());
    let public_url = match settings.server.public_url.clone() {
        Some(configured) => configured,
        None => {
            BaseUrl::parse(&format!("http://{address}")).map_err(|fault| format!("server.listen {fault}"))?
        }
    };
    let app = App::open(settings, public_url).await?;
    if let Some(data_dir) = app.data_dir() {
        leave_server_url(data_dir, admin_address)?;
    }
    telemetry::panics::count(app.metrics.panics.clone());
    let side = |listener: Option<Listener>, side: SideServer| {
        listener.map(|listener| side.start(&app, &connections, listener)).transpose()
    };
    let (metrics, probes) = (side(listeners.metrics, METRICS)?, side(listeners.health, PROBES)?);
    let doors = if listeners.admin.is_some() { Doors::Clients } else { Doors::ClientsAndStaff };
    let pulses = Pulses::default();
    let place = Place { app: &app, connections: &connections, pulses: &pulses };
    let http::Serving { server, stopper } = place.serve(listeners.scim, doors, workers)?;
    let admin = listeners.admin.map(|listener| place.serve_staff(listener)).transpose()?;
    begin_background_work(&app, pulses);
    info!(%address, admin = %admin_address, public_url = %app.public_url, "serving");
    service_manager::tell_ready();
    let schedule = stop::Schedule::of(&app.settings.server);
    let stoppers = std::iter::once(stopper).chain(admin).collect();
    let stop =
        actix_web::rt::spawn(stop::when_asked(signals, schedule, Arc::clone(&app), connections, stoppers));
    server.await.map_err(|e| format!("serving: {e}"))?;
    let deadline = stop.await.map_err(|e| format!("stopping: {e}"))?;
    let rest = async {
        log_writer::write_all(&app).await;
        health_writer::write_all(&app).await;
        if let Some(metrics) = metrics {
            metrics.stop(false).await;
        }
        for registry in app.regions.registries().filter_map(Result::ok) {
            app.exporter.end(&registry).await;
        }
        app.stores.shutdown().await;
    };
    if tokio::time::timeout_at(deadline, rest).await.is_err() {
        warn!(
            "stores were not written back within server.shutdown_seconds; their logs are replayed at the next start"
        );
    }
    TALLY.sum_up();
    traces.end(deadline).await;
    info!("stopped");
    if let Some(probes) = probes {
        probes.stop(false).await;
    }
    Ok(())
}

/// What runs beside requests for as long as the process does.
fn begin_background_work(app: &Arc<App>, pulses: Pulses) {
    let looked_after = Arc::clone(app);
    actix_web::rt::spawn(async move { looked_after.regions.look_after().await });
    let in_touch = Arc::clone(app);
    actix_web::rt::spawn(async move { in_touch.keep_in_touch().await });
    actix_web::rt::spawn(tick::go_on(Arc::clone(app)));
    actix_web::rt::spawn(log_writer::go_on(Arc::clone(app)));
    actix_web::rt::spawn(health_writer::go_on(Arc::clone(app)));
    actix_web::rt::spawn(sum_up_refusals());
    actix_web::rt::spawn(telemetry::levels::go_on());
    actix_web::rt::spawn(service_manager::feed_watchdog(Arc::clone(app), pulses));
}

/// The APIs of a listener.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Doors {
    Clients,
    ClientsAndStaff,
    Staff,
}

impl Doors {
    fn routes(self, config: &mut web::ServiceConfig) {
        if self != Self::Clients {
            admin::routes(config);
        }
        match self {
            Self::Staff => admin::nothing_else(config),
            Self::Clients | Self::ClientsAndStaff => {
                health::routes(config);
                config.default_service(web::to(fall_through));
            }
        }
    }
}

/// What no other route takes: the paths of OAuth, and SCIM.
async fn fall_through(request: HttpRequest, payload: web::Payload, app: web::Data<App>) -> HttpResponse {
    match oauth::Path::parse(request.path()) {
        // Boxed, so that the requests of SCIM do not carry its room.
        Some(path) => Box::pin(oauth::answer(path, request, payload, app)).await,
        None => scim::scim(request, payload, app).await,
    }
}

/// Limits stores and connections by the number of file descriptors; writes the limits of stores into the settings.
fn share_out_descriptors(
    settings: &mut Settings,
    listeners: &Listeners,
) -> Result<http::Connections, String> {
    let process = Process::of(settings, listeners.admin.is_some(), listeners.health.is_some());
    let shares = descriptors::share_out(process, Configured::of(settings))?;
    settings.store.max_open = Some(shares.stores);
    settings.store.read_connections = u32::try_from(shares.read_connections).unwrap_or(u32::MAX);
    Ok(http::Connections::new(shares.bounds()))
}

/// What the APIs are served with.
struct Place<'a> {
    app: &'a Arc<App>,
    connections: &'a http::Connections,
    pulses: &'a Pulses,
}

impl Place<'_> {
    fn serve(&self, listener: Listener, doors: Doors, workers: usize) -> Result<http::Serving, String> {
        let (server, limits) = (&self.app.settings.server, &self.app.settings.limits);
        let data = web::Data::from(Arc::clone(self.app));
        let turn = self.app.settings.store.admission_deadline();
        // A request waits up to one `turn` each for memory for its body, for parsing it, for a share of the background, and for a turn in
        // two stores; the rest is for its work. A bulk may wait once more near its end, and a search then still makes its page.
        let work = (turn * 7).max(limits.bulk_seconds.0.max(limits.search_seconds.0) + turn * 5);
        let timeouts = http::Timeouts {
            head: server.header_timeout_seconds.0,
            exchange: server.header_timeout_seconds.0 + server.body_timeout_seconds.0 + work,
            write: server.write_timeout_seconds.0,
            idle: server.keep_alive_seconds.0,
        };
        let pulses = Some(self.pulses.clone()).filter(|_| service_manager::watches());
        let application = move || {
            // Once in each worker.
            if let Some(pulses) = &pulses {
                pulses.start_here();
            }
            HttpApp::new().app_data(data.clone()).configure(move |config| doors.routes(config))
        };
        let key = match doors {
            Doors::Staff => "admin.listen",
            Doors::Clients | Doors::ClientsAndStaff => "server.listen",
        };
        let serving = http::start(application, listener, workers, timeouts, self.connections);
        serving.map_err(|e| format!("{key} {e}"))
    }

    fn serve_staff(&self, listener: Listener) -> Result<http::Stopper, String> {
        let http::Serving { server, stopper } = self.serve(listener, Doors::Staff, 1)?;
        actix_web::rt::spawn(server);
        Ok(stopper)
    }
}

async fn sum_up_refusals() {
    loop {
        tokio::time::sleep(tally::INTERVAL).await;
        TALLY.sum_up();
    }
}

/// A listener beside those of the APIs. It has a worker and connections of its own, so it answers also when theirs are at their bound.
struct SideServer {
    key: &'static str,
    routes: fn(&mut web::ServiceConfig),
    connections: usize,
    keep_alive: KeepAlive,
}

const METRICS: SideServer = SideServer {
    key: "metrics.listen",
    routes: health::metrics_routes,
    connections: METRICS_CONNECTIONS,
    keep_alive: KeepAlive::Timeout(Duration::from_secs(5)),
};

/// A probe that holds its connection would keep others from theirs, so each has one request.
const PROBES: SideServer = SideServer {
    key: "health.listen",
    routes: health::probes,
    connections: PROBE_CONNECTIONS,
    keep_alive: KeepAlive::Disabled,
};

impl SideServer {
    fn start(
        self,
        app: &Arc<App>,
        connections: &http::Connections,
        listener: Listener,
    ) -> Result<actix_web::dev::ServerHandle, String> {
        /// For the head of a request, on loopback or in a cluster's network.
        const HEAD: Duration = Duration::from_secs(1);
        let (data, connections) = (web::Data::from(Arc::clone(app)), web::Data::new(connections.clone()));
        let routes = self.routes;
        let application =
            move || HttpApp::new().app_data(data.clone()).app_data(connections.clone()).configure(routes);
        let server = HttpServer::new(application)
            .workers(1)
            .max_connections(self.connections)
            .keep_alive(self.keep_alive)
            .client_request_timeout(HEAD)
            .disable_signals()
            .listen(listener.socket)
            .map_err(|e| format!("{}: {e}", self.key))?
            .run();
        let handle = server.handle();
        actix_web::rt::spawn(server);
        Ok(handle)
    }
}

/// Writes the address of the admin API for the command line. The old file is overwritten in place, which needs no new disk space,
/// because the process must also start on a full disk.
fn leave_server_url(data_dir: &Path, address: SocketAddr) -> Result<(), String> {
    let path = data_dir.join("server-url");
    let line = format!("http://{address}\n");
    let written =
        OpenOptions::new().write(true).create(true).truncate(false).open(&path).and_then(|mut file| {
            file.write_all(line.as_bytes())?;
            file.set_len(u64::try_from(line.len()).unwrap_or_default())
        });
    match written {
        Err(error) if matches!(error.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded) => {
            warn!(%error, "server-url could not be written; name this server with --server");
            Ok(())
        }
        written => written.map_err(|e| format!("{}: {e}", path.display())),
    }
}

/// Handles SIGXFSZ, which by default ends a process that reaches the limit on file sizes (`ulimit -f`, `LimitFSIZE=`). With the
/// handler only that write fails.
fn outlive_the_file_size_limit() {
    use tokio::signal::unix::{SignalKind, signal};
    /// SIGXFSZ; the number is the same on Linux and macOS.
    const FILE_SIZE_LIMIT: i32 = 25;
    // The handler stays installed after the stream is dropped.
    if let Err(error) = signal(SignalKind::from_raw(FILE_SIZE_LIMIT)) {
        warn!(%error, "a file size limit would end this process");
    }
}
