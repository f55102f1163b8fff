//! What every test needs: the started test bed, its command-line tools, the program's environment, waiting
//! for facts and noting how long they took.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::io::BufReader;
use std::io::Read;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;
use serde_json::json;

/// Between two looks for a fact.
pub(crate) const PAUSE: Duration = Duration::from_millis(25);

/// The started test bed.
pub(crate) struct Bed {
    pub(crate) folder: PathBuf,
    /// Names of what is seeded in AWS.
    pub(crate) seeded: Value,
}

/// The test bed with nothing scripted. Where it was not started a test fails: one that looks at nothing proves nothing.
pub(crate) fn bed() -> Bed {
    let folder = std::env::var_os("TGSCOPE_TESTBED").map(PathBuf::from);
    let Some(folder) = folder else {
        panic!("no test bed here: tests/testbed/run starts it and runs these tests");
    };
    let seeded = std::fs::read_to_string(folder.join("aws.json")).unwrap();
    control("reset", Some(&json!({})));
    Bed { folder, seeded: serde_json::from_str(&seeded).unwrap() }
}

/// Waits for a fact, with a generous limit.
pub(crate) fn until<T>(what: &str, seconds: u64, mut fact: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(seconds);
    loop {
        if let Some(it) = fact() {
            return it;
        }
        assert!(Instant::now() < end, "not within {seconds} s: {what}");
        std::thread::sleep(PAUSE);
    }
}

/// Says how long the screen took to follow something, and fails when that was too long.
pub(crate) fn follows(side: &str, what: &str, (happened, shown): (Instant, Instant), limit: Duration) {
    let took = shown.saturating_duration_since(happened);
    println!("follows: {side:<10} {:>5} ms  {what}", took.as_millis());
    assert!(took <= limit, "{what}: shown after {took:?}, allowed are {limit:?}");
}

/// Kubernetes is watched.
pub(crate) const WATCHED: Duration = Duration::from_secs(1);
/// AWS is asked every two seconds while anything moves, every five otherwise.
pub(crate) const POLLED: Duration = Duration::from_millis(2500);
pub(crate) const POLLED_AT_REST: Duration = Duration::from_millis(5500);

/// Runs a program that must succeed; gives what it printed.
pub(crate) fn run(program: &str, args: &[&str]) -> String {
    let (code, out, err) = attempt(Command::new(program).args(args), None);
    assert!(code == 0, "{program} {args:?} ended with {code}: {err}");
    out
}

/// Runs a command, with something to read; gives exit code, output and complaints.
pub(crate) fn attempt(command: &mut Command, input: Option<&str>) -> (i32, String, String) {
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
    let mut child = command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    if let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) {
        stdin.write_all(text.as_bytes()).unwrap();
    }
    let ended = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (ended.status.code().unwrap_or(-1), text(&ended.stdout), text(&ended.stderr))
}

pub(crate) fn kubectl(args: &[&str]) -> String {
    run("kubectl", args)
}

/// `kubectl apply` of one object.
pub(crate) fn apply(object: &Value) {
    let args = ["apply", "--validate=false", "-f", "-"];
    let (code, _, err) = attempt(Command::new("kubectl").args(args), Some(&object.to_string()));
    assert!(code == 0, "{object}: {err}");
}

/// `aws elbv2 …`, its answer as JSON.
pub(crate) fn aws(args: &[&str]) -> Value {
    let args: Vec<&str> = ["--output", "json", "elbv2"].iter().chain(args).copied().collect();
    let answer = run("aws", &args);
    if answer.trim().is_empty() { Value::Null } else { serde_json::from_str(&answer).unwrap() }
}

/// A control route of the AWS side: POST where there is a body, GET otherwise.
pub(crate) fn control(route: &str, body: Option<&Value>) -> Value {
    let url = std::env::var("AWS_ENDPOINT_URL").unwrap();
    let host = url.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = TcpStream::connect(host).unwrap();
    let text = body.map(ToString::to_string).unwrap_or_default();
    let method = if body.is_some() { "POST" } else { "GET" };
    let length = text.len();
    let request = format!(
        "{method} /_testbed/{route} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{text}"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.split(' ').nth(1) == Some("200"), "{route}: {answer}");
    serde_json::from_str(&unchunked(answer.split_once("\r\n\r\n").unwrap().1)).unwrap()
}

/// A body as HTTP/1.1 sends it in chunks, put together.
fn unchunked(mut body: &str) -> String {
    let mut text = String::new();
    while let Some((length, rest)) = body.split_once("\r\n") {
        let n = usize::from_str_radix(length.trim(), 16).unwrap();
        text += &rest[..n];
        body = rest[n..].trim_start();
    }
    text
}

/// Calls of one action since the counts were last cleared.
pub(crate) fn calls(action: &str) -> u64 {
    control("calls", None)[action].as_u64().unwrap_or(0)
}

/// The whole environment of the program: nothing of the machine's but what it is given here.
pub(crate) struct Settings {
    pub(crate) variables: BTreeMap<String, String>,
    home: tempfile::TempDir,
}

impl Settings {
    pub(crate) fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut variables = BTreeMap::new();
        let kept = ["PATH", "KUBECONFIG", "NO_PROXY", "no_proxy"];
        for (name, value) in std::env::vars() {
            if kept.contains(&name.as_str()) || name.starts_with("AWS_") {
                variables.insert(name, value);
            }
        }
        let folders = [
            ("HOME", ""),
            ("XDG_CONFIG_HOME", "config"),
            ("XDG_STATE_HOME", "state"),
            ("XDG_CACHE_HOME", "cache"),
        ];
        for (name, below) in folders {
            variables.insert(name.to_owned(), home.path().join(below).to_string_lossy().into_owned());
        }
        variables.insert("TERM".to_owned(), "xterm-256color".to_owned());
        variables.insert("LANG".to_owned(), "C.UTF-8".to_owned());
        Self { variables, home }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Sets a variable.
    pub(crate) fn with(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.variables.insert(name.to_owned(), value.as_ref().to_owned());
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.variables.remove(name);
        self
    }

    /// Writes a file into the program's home; gives its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.home().join(name);
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    }

    /// Runs the program without a terminal; gives exit code, output and complaints.
    pub(crate) fn tgscope(&self, args: &[&str]) -> (i32, String, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tgscope"));
        attempt(command.args(args).env_clear().envs(&self.variables).current_dir(self.home()), None)
    }

    /// `get … -o json`: exit code and document.
    pub(crate) fn get(&self, args: &[&str]) -> (i32, Value) {
        let args: Vec<&str> = ["get", "-o", "json"].iter().chain(args).copied().collect();
        let (code, out, err) = self.tgscope(&args);
        let document = serde_json::from_str(&out);
        (code, document.unwrap_or_else(|it| panic!("{it}: {out}\n{err}")))
    }
}

/// `kubectl get --watch`: when the API server said what, independently of the program.
pub(crate) struct Watch {
    child: Child,
    lines: Arc<Mutex<Vec<(Instant, String)>>>,
}

impl Watch {
    /// Watches a kind of a namespace; each line is the name and what the JSON path gives.
    pub(crate) fn start(namespace: &str, kind: &str, path: &str) -> Self {
        let output = format!("jsonpath={{.metadata.name}} {path}{{\"\\n\"}}");
        let mut child = Command::new("kubectl")
            .args(["-n", namespace, "get", kind, "--watch", "-o", &output])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines: Arc<Mutex<Vec<(Instant, String)>>> = Arc::default();
        let (writes, output) = (lines.clone(), child.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                writes.lock().unwrap().push((Instant::now(), line));
            }
        });
        Self { child, lines }
    }

    /// When the `n`th object was first said to be so.
    pub(crate) fn nth(&self, n: usize, so: impl Fn(&str) -> bool) -> Instant {
        until("the API server says so", 30, || {
            let lines = self.lines.lock().unwrap();
            let mut names = Vec::new();
            lines.iter().filter(|it| so(&it.1)).find_map(|(at, line)| {
                let name = line.split(' ').next().unwrap_or_default();
                if !names.contains(&name) {
                    names.push(name);
                }
                (names.len() == n).then_some(*at)
            })
        })
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}
