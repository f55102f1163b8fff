//! The ten most telling cases on the screen itself: what stands there without a key pressed, colours and all.

use std::fmt::Write;
use std::time::Duration;

use portable_pty::CommandBuilder;

use super::fake::World;
use crate::pty::Terminal;
use crate::support::PATIENCE;
use crate::support::Server;
use crate::support::kubeconfig;

/// A case, the scope to look at, and what stands there once everything was read.
const TELLING: &[(&str, &str, &str)] = &[
    ("argo-selector-flip", "shop/tgb/web", "(W shifts there)"),
    ("controller-crashloops", "shop/tgb/web", "no controller follows this binding"),
    ("foreign-role", "shop/tgb/web", "use --profile with access"),
    ("gate-of-another-group", "shop/tgb/web", "the gate of binding web-admin is False"),
    ("missing-group", "shop/tgb/web-old", "does not exist any more"),
    ("nothing-listens", "shop/tgb/web", "nothing that passes the check listens"),
    ("proxy-protocol-health", "shop/tgb/web", "Proxy protocol v2 is on"),
    ("publish-not-ready", "shop/tgb/db", "the container keeps crashing"),
    ("quoted-port", "shop/tgb/web", "is written as text and taken for a name"),
    ("two-clusters", "shop/tgb/web", "find out who before it goes"),
];

const PAUSE: Duration = Duration::from_millis(50);

/// The screen without what two looks differ in: ages and calls a minute.
fn frame(terminal: &Terminal) -> String {
    let lines = terminal.lines();
    let mut told = String::new();
    for (n, (text, _)) in lines.iter().enumerate() {
        writeln!(told, "{}", if n == 1 { steady(text) } else { text.trim_end().to_owned() }).unwrap();
    }
    writeln!(told).unwrap();
    for (n, (_, runs)) in lines.iter().enumerate() {
        for (style, words) in runs {
            writeln!(told, "{n:>2}: {style}: {}", words.trim()).unwrap();
        }
    }
    told
}

/// The second line, whose right end tells how old each side is and how many calls were made.
fn steady(line: &str) -> String {
    let (verdict, sources) = line.split_once("k8s").unwrap();
    let sources = sources.split(|it: char| it.is_ascii_digit()).filter(|it| !it.is_empty());
    format!("{} k8s{}", verdict.trim_end(), sources.collect::<Vec<_>>().join("N"))
}

#[test]
fn the_most_telling_cases_look_like_this() {
    std::thread::scope(|all| {
        for telling in TELLING {
            all.spawn(|| looks(*telling));
        }
    });
}

/// The program at a terminal of its own in a world, which goes with this value.
pub(super) struct Watched {
    pub(super) terminal: Terminal,
    server: Server,
    /// Where its logs are, and its kubeconfig.
    pub(super) folder: tempfile::TempDir,
}

impl Watched {
    pub(super) fn of(world: World, scope: &str) -> Self {
        let server = Server::start(move |request| world.answer(request));
        let folder = tempfile::tempdir().unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_tgscope"));
        command.arg(scope);
        command.env_clear();
        command.env("KUBECONFIG", kubeconfig(folder.path(), &server.url(), "{token: t}"));
        command.env("XDG_STATE_HOME", folder.path());
        for (name, value) in [
            ("AWS_ENDPOINT_URL", server.url().as_str()),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_ACCESS_KEY_ID", "AKIA"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("LANG", "C.UTF-8"),
            ("TGSCOPE_LOG", "trace"),
        ] {
            command.env(name, value);
        }
        Self { terminal: Terminal::at_home(command), server, folder }
    }
}

fn looks((case, scope, telling): (&str, &str, &str)) {
    let Watched { terminal, server, folder: _folder } = Watched::of(World::read(case), scope);
    terminal.resize(120, 35);
    let words = |text: &str| text.replace(['│', '\n'], " ").split_whitespace().collect::<Vec<_>>().join(" ");
    terminal.until_so(telling, |text| words(text).contains(telling));
    let shown = || frame(&terminal).replace(server.url().trim_start_matches("http://"), "127.0.0.1:PORT");
    let kept = std::fs::read_to_string(format!("tests/cases/{case}/frame.snap")).unwrap_or_default();
    // What is read last may come a little later than what tells.
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        if kept.trim_end().ends_with(shown().trim_end()) {
            break;
        }
        std::thread::sleep(PAUSE);
    }
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path(format!("../../cases/{case}"));
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!("frame", shown()));
}
