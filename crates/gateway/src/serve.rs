//! `usher serve`: bind, open, serve, and drain at a stop.

use std::{
    fs::OpenOptions,
    io::{ErrorKind, Write as _},
    net::{SocketAddr, TcpListener},
    path::Path,
    sync::Arc,
};

use actix_web::{App as HttpApp, HttpRequest, HttpResponse, HttpServer, web};
use tracing::{info, warn};

use crate::{
    admin,
    app::App,
    descriptors::{self, Configured, METRICS_CONNECTIONS, Process},
    health, health_writer, http, log_writer, oauth,
    process_limits::make_files_for_this_user_only,
    scim,
    settings::{BaseUrl, Settings},
    telemetry::{
        self,
        tally::{self, TALLY},
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
    telemetry::log::start(&settings)?;
    actix_web::rt::System::new().block_on(run(settings))
}

async fn run(mut settings: Settings) -> Result<(), String> {
    outlive_the_file_size_limit();
    // Before the listeners are bound, so that a signal stops the process in order from its first response on.
    let stop_asked_for = stop_signals();
    let workers = settings.server.workers.unwrap_or_else(one_a_core);
    let connections = share_out_descriptors(&mut settings, workers)?;
    let listener = bind("server.listen", settings.server.listen)?;
    let address = listener.local_addr().map_err(|e| format!("server.listen: {e}"))?;
    let admin = settings.admin.listen.map(|a| bind("admin.listen", a)).transpose()?;
    let metrics = settings.metrics.listen.map(|a| bind("metrics.listen", a)).transpose()?;
    let admin_address = match &admin {
        Some(listener) => listener.local_addr().map_err(|e| format!("admin.listen: {e}"))?,
        None => address,
    };
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
    let metrics = metrics.map(|listener| metrics_server(&app, &connections, listener)).transpose()?;
    let doors = if admin.is_some() { Doors::Clients } else { Doors::ClientsAndStaff };
    let http::Serving { server, stopper } = serving(&app, listener, doors, workers, &connections)?;
    let admin = admin.map(|listener| server_for_staff(&app, listener, &connections)).transpose()?;
    let looked_after = Arc::clone(&app);
    actix_web::rt::spawn(async move { looked_after.regions.look_after().await });
    let in_touch = Arc::clone(&app);
    actix_web::rt::spawn(async move { in_touch.keep_in_touch().await });
    actix_web::rt::spawn(tick::go_on(Arc::clone(&app)));
    actix_web::rt::spawn(log_writer::go_on(Arc::clone(&app)));
    actix_web::rt::spawn(health_writer::go_on(Arc::clone(&app)));
    actix_web::rt::spawn(sum_up_refusals());
    info!(%address, admin = %admin_address, public_url = %app.public_url, "serving");
    let stopped = Arc::clone(&app);
    let stop = actix_web::rt::spawn(async move {
        stop_asked_for.await;
        stopped.stop_being_ready();
        connections.stop();
        let staff = async {
            if let Some(admin) = admin {
                admin.stop().await;
            }
        };
        tokio::join!(stopper.stop(), staff);
    });
    let ended = server.await.map_err(|e| format!("serving: {e}"));
    if ended.is_ok() {
        stop.await.map_err(|e| format!("stopping: {e}"))?;
    }
    if let Some(metrics) = metrics {
        metrics.stop(true).await;
    }
    log_writer::write_all(&app).await;
    health_writer::write_all(&app).await;
    for registry in app.regions.registries().filter_map(Result::ok) {
        app.exporter.end(&registry).await;
    }
    app.stores.shutdown().await;
    TALLY.sum_up();
    info!("stopped");
    ended
}

fn bind(key: &str, address: SocketAddr) -> Result<TcpListener, String> {
    TcpListener::bind(address)
        .map_err(|e| format!("{key} {address}: {e}; choose another address or stop what uses it"))
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
        Some(path) => oauth::answer(path, request, payload, app).await,
        None => scim::scim(request, payload, app).await,
    }
}

fn one_a_core() -> usize {
    std::thread::available_parallelism().map_or(2, usize::from)
}

/// Limits stores and connections by the number of file descriptors; writes the limits of stores into the settings.
fn share_out_descriptors(settings: &mut Settings, workers: usize) -> Result<http::Connections, String> {
    let read_connections = usize::try_from(settings.store.read_connections).unwrap_or(usize::MAX);
    let (limit, regions) = (descriptors::raise_limit(), settings.regions.len());
    let listeners = if settings.admin.listen.is_some() { 2 } else { 1 };
    let process = Process { limit, workers, listeners, regions, read_connections };
    let configured = Configured {
        connections: settings.server.max_connections,
        unauthenticated: settings.server.max_unauthenticated,
        stores: settings.store.max_open,
    };
    let shares = descriptors::share_out(process, configured)?;
    settings.store.max_open = Some(shares.stores);
    settings.store.read_connections = u32::try_from(shares.read_connections).unwrap_or(u32::MAX);
    Ok(http::Connections::new(shares.bounds()))
}

fn serving(
    app: &Arc<App>,
    listener: TcpListener,
    doors: Doors,
    workers: usize,
    connections: &http::Connections,
) -> Result<http::Serving, String> {
    let (server, limits) = (&app.settings.server, &app.settings.limits);
    let data = web::Data::from(Arc::clone(app));
    let turn = app.settings.store.admission_deadline();
    // A request waits up to one `turn` each for memory for its body, for parsing it, for a share of the background, and for a turn in
    // two stores; the rest is for its work. A bulk may wait once more near its end, and a search then still makes its page.
    let work = (turn * 7).max(limits.bulk_seconds.0.max(limits.search_seconds.0) + turn * 5);
    let timeouts = http::Timeouts {
        head: server.header_timeout_seconds.0,
        exchange: server.header_timeout_seconds.0 + server.body_timeout_seconds.0 + work,
        write: server.write_timeout_seconds.0,
        idle: server.keep_alive_seconds.0,
        shutdown: server.shutdown_seconds.0,
    };
    let application =
        move || HttpApp::new().app_data(data.clone()).configure(move |config| doors.routes(config));
    let key = match doors {
        Doors::Staff => "admin.listen",
        Doors::Clients | Doors::ClientsAndStaff => "server.listen",
    };
    let serving = http::start(application, listener, workers, timeouts, connections);
    serving.map_err(|e| format!("{key} {e}"))
}

fn server_for_staff(
    app: &Arc<App>,
    listener: TcpListener,
    connections: &http::Connections,
) -> Result<http::Stopper, String> {
    let http::Serving { server, stopper } = serving(app, listener, Doors::Staff, 1, connections)?;
    actix_web::rt::spawn(server);
    Ok(stopper)
}

async fn sum_up_refusals() {
    loop {
        tokio::time::sleep(tally::INTERVAL).await;
        TALLY.sum_up();
    }
}

fn metrics_server(
    app: &Arc<App>,
    connections: &http::Connections,
    listener: TcpListener,
) -> Result<actix_web::dev::ServerHandle, String> {
    let (data, connections) = (web::Data::from(Arc::clone(app)), web::Data::new(connections.clone()));
    let application = move || {
        let application = HttpApp::new().app_data(data.clone()).app_data(connections.clone());
        application.configure(health::metrics_routes)
    };
    let server = HttpServer::new(application)
        .workers(1)
        .max_connections(METRICS_CONNECTIONS)
        .disable_signals()
        .listen(listener)
        .map_err(|e| format!("metrics.listen: {e}"))?
        .run();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Ok(handle)
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

/// Handles SIGTERM and SIGINT; the future ends with the first of them.
fn stop_signals() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut term), Ok(mut interrupt)) = signals else {
            warn!("signals cannot be waited for; stop this process with SIGKILL");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = term.recv() => {}
            _ = interrupt.recv() => {}
        }
    }
}
