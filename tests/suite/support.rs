//! What the tests of both outsides share: a server on the loopback that answers as told, kubeconfigs for it,
//! and the program as a child process.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// Longest time a test waits for something that must come; only ever used up by a test that fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A request as it came over the wire.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Request {
    pub(crate) fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }

    /// A parameter of the query or of a form in the body.
    pub(crate) fn parameter(&self, name: &str) -> Option<String> {
        let query = self.target.split_once('?').map_or("", |it| it.1);
        let pairs = query.split('&').chain(self.body.split('&')).filter_map(|it| it.split_once('='));
        pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| decoded(value))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|it| it.1.as_str())
    }
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    String::from_utf8(bytes).unwrap()
}

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Whole {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: String,
    },
    /// JSON that was packed by gzip.
    Packed(Vec<u8>),
    /// Lines one after the other, and then this.
    Stream(Vec<String>, After),
    /// The connection stays open and nothing comes.
    Never,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum After {
    /// The answer ends as it should.
    End,
    /// The connection is cut in the middle.
    Cut,
    /// Nothing more comes, and the connection stays.
    Hold,
    /// It goes on without a line end for as long as anybody reads it.
    Endless,
}

pub(crate) fn answer(status: u16, body: impl Into<String>) -> Answer {
    Answer::Whole { status, headers: Vec::new(), body: body.into() }
}

/// A server on the loopback; it goes with this value.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Request>>>,
    _stop: oneshot::Sender<()>,
}

impl Server {
    /// Answers each request by what `answer` makes of it.
    pub(crate) fn start(answer: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Vec<Request>>>::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let (log, answer) = (seen.clone(), Arc::new(answer));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).unwrap();
                let mut connections = JoinSet::new();
                let accept = async {
                    loop {
                        let Ok((stream, _)) = listener.accept().await else { return };
                        let (log, answer) = (log.clone(), answer.clone());
                        connections.spawn(async move {
                            // A client that leaves early is no error.
                            _ = serve(stream, &log, &*answer).await;
                        });
                    }
                };
                tokio::select! {
                    () = accept => {}
                    _ = stopped => {}
                }
            });
        });
        Self { address, seen, _stop: stop }
    }

    /// Gives these answers one after the other, and then none.
    pub(crate) fn in_turn(answers: impl IntoIterator<Item = Answer>) -> Self {
        let answers = Mutex::new(answers.into_iter().collect::<VecDeque<_>>());
        Self::start(move |_| answers.lock().unwrap().pop_front().unwrap_or(Answer::Never))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request so far.
    pub(crate) fn seen(&self) -> Vec<Request> {
        self.seen.lock().unwrap().clone()
    }
}

/// A URL nobody listens at.
pub(crate) fn nowhere() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

async fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<Request>>,
    answer: &(impl Fn(&Request) -> Answer + Send + Sync),
) -> std::io::Result<()> {
    let Some(request) = receive(&mut stream).await? else { return Ok(()) };
    log.lock().unwrap().push(request.clone());
    match answer(&request) {
        Answer::Whole { status, headers, body } => {
            let kind = if body.starts_with('<') { "text/xml" } else { "application/json" };
            let headers: Vec<String> =
                headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
            let head = format!(
                "HTTP/1.1 {status} Because\r\nconnection: close\r\ncontent-type: {kind}\r\n{}content-length: {}\r\n\r\n",
                headers.concat(),
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(body.as_bytes()).await?;
            stream.shutdown().await
        }
        Answer::Packed(body) => {
            let head = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
                body.len()
            );
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&body).await?;
            stream.shutdown().await
        }
        Answer::Stream(lines, after) => {
            let head =
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
            stream.write_all(head.as_bytes()).await?;
            for line in lines {
                stream.write_all(format!("{:x}\r\n{line}\n\r\n", line.len() + 1).as_bytes()).await?;
            }
            match after {
                After::End => stream.write_all(b"0\r\n\r\n").await?,
                After::Cut => stream.write_all(b"40\r\n{\"type\":").await?,
                After::Hold => std::future::pending().await,
                After::Endless => {
                    let chunk = format!("10000\r\n{}\r\n", "x".repeat(1 << 16));
                    loop {
                        stream.write_all(chunk.as_bytes()).await?;
                    }
                }
            }
            stream.shutdown().await
        }
        Answer::Never => std::future::pending().await,
    }
}

async fn receive(stream: &mut TcpStream) -> std::io::Result<Option<Request>> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|it| it == b"\r\n\r\n") {
            break at;
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ').map(str::to_owned);
    let (method, target) = (first.next().unwrap_or_default(), first.next().unwrap_or_default());
    let headers: Vec<(String, String)> = lines
        .filter_map(|it| it.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut request = Request { method, target, headers, body: String::new() };
    let length = request.header("content-length").and_then(|it| it.parse().ok()).unwrap_or(0);
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    }
    request.body = String::from_utf8_lossy(&bytes[head_end + 4..]).into_owned();
    Ok(Some(request))
}

/// A kubeconfig with one context `here` in namespace `shop`, whose user has these lines.
pub(crate) fn kubeconfig(folder: &Path, server: &str, user: &str) -> PathBuf {
    let path = folder.join("kubeconfig.yaml");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: here\n\
         contexts:\n- {{name: here, context: {{cluster: c, user: u, namespace: shop}}}}\n\
         clusters:\n- {{name: c, cluster: {{server: \"{server}\"}}}}\n\
         users:\n- name: u\n  user: {user}\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// The program with these arguments, its home in a folder and nothing else in its environment.
pub(crate) fn program(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tgscope"));
    command.args(arguments).env_clear().env("HOME", folder).env("AWS_EC2_METADATA_DISABLED", "true");
    command.current_dir(folder).stdin(std::process::Stdio::null());
    command
}

/// What an ended program said: its exit code, stdout and stderr.
pub(crate) fn said(output: &Output) -> (Option<i32>, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

/// Runs a test of this binary in a process of its own, whose environment holds an access key and little else.
/// `false`: this is that process, and the test itself is to be run.
pub(crate) fn runs_elsewhere(test: &str) -> bool {
    const INSIDE: &str = "TGSCOPE_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        return false;
    }
    let home = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", test, "--nocapture"]).env_clear().env(INSIDE, "1").env("HOME", home.path());
    child.env("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT").env("AWS_SECRET_ACCESS_KEY", "secret");
    let output = child.env("AWS_EC2_METADATA_DISABLED", "true").output().unwrap();
    let (code, stdout, stderr) = said(&output);
    assert!(code == Some(0) && stdout.contains("1 passed"), "{stdout}{stderr}");
    true
}
