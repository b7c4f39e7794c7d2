//! A Redis of a test's own, in a process that the test can stop, kill, freeze and start again.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{
    gateway::{Signal, signal},
    ports,
};

/// How long it may take to start.
const START: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_millis(5);

/// A running server; it ends with this value and has nothing on disk.
pub struct Redis {
    port: u16,
    password: Option<String>,
    process: Child,
}

impl Redis {
    pub fn start() -> Self {
        Self::start_on(ports::claim(), None)
    }

    /// One that wants a password.
    pub fn start_with_password(password: &str) -> Self {
        Self::start_on(ports::claim(), Some(password.to_owned()))
    }

    fn start_on(port: u16, password: Option<String>) -> Self {
        let process = spawn(port, password.as_deref());
        let mut server = Self { port, password, process };
        server.wait_until_ready();
        server
    }

    /// `redis://127.0.0.1:<port>`, with the password.
    pub fn url(&self) -> String {
        let password = self.password.as_ref().map_or_else(String::new, |password| format!(":{password}@"));
        format!("redis://{password}127.0.0.1:{}", self.port)
    }

    /// Ends it with `kill -9`.
    pub fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts it again on the same port, empty.
    pub fn start_again(&mut self) {
        self.process = spawn(self.port, self.password.as_deref());
        self.wait_until_ready();
    }

    /// From now on it takes connections and answers nothing.
    pub fn freeze(&self) {
        signal(self.process.id(), Signal::STOP);
    }

    /// It goes on where it was.
    pub fn thaw(&self) {
        signal(self.process.id(), Signal::CONT);
    }

    /// Sends a command; the answer's first line, and the value of a bulk string.
    pub fn command(&self, words: &[&str]) -> String {
        self.try_command(words).unwrap()
    }

    fn try_command(&self, words: &[&str]) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(START))?;
        let mut send = |words: &[&str]| {
            let mut request = format!("*{}\r\n", words.len());
            words.iter().for_each(|word| request += &format!("${}\r\n{word}\r\n", word.len()));
            stream.write_all(request.as_bytes())?;
            let mut reader = BufReader::new(&stream);
            let mut line = String::new();
            reader.read_line(&mut line)?;
            if let Some(length) = line.strip_prefix('$').and_then(|length| length.trim().parse().ok()) {
                let mut value = vec![0; length];
                reader.read_exact(&mut value)?;
                return Ok(String::from_utf8_lossy(&value).into_owned());
            }
            Ok(line.trim().to_owned())
        };
        if let Some(password) = &self.password {
            send(&["AUTH", password])?;
        }
        send(words)
    }

    fn wait_until_ready(&mut self) {
        let began = Instant::now();
        while !self.try_command(&["PING"]).is_ok_and(|answer| answer == "+PONG") {
            let is_alive = self.process.try_wait().unwrap().is_none();
            assert!(is_alive && began.elapsed() < START, "Redis does not start on port {}", self.port);
            sleep(PAUSE);
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(port: u16, password: Option<&str>) -> Child {
    let start = |program: &str| {
        let mut command = Command::new(program);
        command.args([
            "--port",
            &port.to_string(),
            "--bind",
            "127.0.0.1",
            "--save",
            "",
            "--appendonly",
            "no",
        ]);
        command.args(password.map(|password| ["--requirepass", password]).into_iter().flatten());
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
    };
    let started = start("redis-server").or_else(|_| start("valkey-server"));
    started.unwrap_or_else(|e| panic!("this test needs the package redis-server: {e}"))
}
