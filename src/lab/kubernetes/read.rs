//! Reading objects: one, a list in pages, or a watch.

use std::collections::VecDeque;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream;
use serde_json::Value;
use serde_json::json;
use tokio::sync::watch;
use tokio::time::Instant;

use super::answer::Refusal;
use super::form::Form;
use super::kinds::Kind;
use super::select::Select;
use super::store::Change;
use super::store::Event;
use super::store::key;
use super::target::Target;
use crate::lab::fault::Wrong;
use crate::lab::json::put;
use crate::lab::json::text;
use crate::lab::server::Ask;
use crate::lab::server::Cut;
use crate::lab::server::Lines;
use crate::lab::server::Reply;
use crate::lab::shared::Shared;
use crate::lab::world::World;

pub(super) fn get(world: &World, target: &Target, ask: &Ask) -> Result<Reply, Refusal> {
    let kind = target.kind;
    let found = world.kube.get(kind.id, &target.namespace, &target.name);
    let object = found.ok_or_else(|| Refusal::not_found(kind, &target.name))?;
    if target.sub == "scale" {
        return Ok(Reply::json(200, &scale(object)));
    }
    Ok(Reply::json(200, &Form::of(ask).one(kind, object, world.now)))
}

/// The scale of a workload, as `kubectl scale` reads and writes it.
pub(super) fn scale(object: &Value) -> Value {
    let get = |path: &str| crate::lab::json::at(object, path);
    let selector: Vec<String> = crate::lab::json::pairs(object, "spec.selector.matchLabels")
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    json!({"kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": get("metadata.name"), "namespace": get("metadata.namespace"), "uid": get("metadata.uid"),
            "resourceVersion": get("metadata.resourceVersion"), "creationTimestamp": get("metadata.creationTimestamp")},
        "spec": {"replicas": get("spec.replicas")},
        "status": {"replicas": crate::lab::json::number(object, "status.replicas"), "selector": selector.join(",")}})
}

fn select(kind: &Kind, ask: &Ask) -> Result<Select, Refusal> {
    let of = |name| ask.parameter(name).unwrap_or_default();
    Select::parse(kind, of("labelSelector"), of("fieldSelector"))
}

pub(super) fn list(world: &World, target: &Target, ask: &Ask, malformed: bool) -> Result<Reply, Refusal> {
    let (kind, select) = (target.kind, select(target.kind, ask)?);
    let limit: usize = ask.parameter("limit").and_then(|it| it.parse().ok()).unwrap_or(0);
    let after = match ask.parameter("continue").filter(|it| !it.is_empty()) {
        Some(token) => Some(
            place(token)
                .ok_or_else(|| Refusal::bad_request("continue key is not valid: illegal base64 data"))?,
        ),
        None => None,
    };
    if let Some((version, ..)) = &after
        && world.kube.since(kind.id, *version).is_none()
    {
        let message = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.";
        return Err(Refusal::new(410, "Expired", message));
    }
    let version = after.as_ref().map_or(world.kube.version(), |it| it.0);
    let after = after.map(|(_, namespace, name)| (namespace, name));
    let mut rest = world
        .kube
        .objects(kind.id, target.within())
        .filter(|it| after.as_ref().is_none_or(|after| key(it) > *after));
    let matching = rest.by_ref().filter(|it| select.matches(it));
    let page: Vec<_> = match limit {
        0 => matching.collect(),
        limit => matching.take(limit).collect(),
    };
    // Like the real one, which does not look ahead: nothing of what is left may match.
    let left = rest.count();
    let mut meta = json!({"resourceVersion": version.to_string()});
    if let (Some(last), true) = (page.last(), left > 0) {
        let (namespace, name) = key(last);
        put(&mut meta, "continue", json!(STANDARD.encode(json!([version, namespace, name]).to_string())));
        if select.is_everything() {
            put(&mut meta, "remainingItemCount", json!(left));
        }
    }
    let mut body = Form::of(ask).list(kind, page.iter().map(|it| &***it), &meta, world.now);
    if let Some(first) = body.get_mut("items").and_then(|it| it.get_mut(0)).filter(|_| malformed) {
        put(first, "metadata.labels", json!(["these are no labels"]));
        put(first, "spec", json!("nor is this a specification"));
        put(first, "endpoints", json!({"nor": "these"}));
    }
    Ok(Reply::json(200, &body))
}

/// Version, namespace and name a continue token stands for.
fn place(token: &str) -> Option<(u64, String, String)> {
    let text = STANDARD.decode(token).ok()?;
    serde_json::from_slice(&text).ok()
}

/// A watch that is under way.
struct Watching {
    shared: Shared,
    woken: watch::Receiver<u64>,
    kind: &'static Kind,
    namespace: Option<String>,
    select: Select,
    form: Form,
    /// Columns are only sent with the first row.
    headed: bool,
    position: u64,
    ready: VecDeque<Bytes>,
    bookmarks: bool,
    ends: Instant,
    next_bookmark: Instant,
    cuts: u64,
    over: bool,
}

/// How often a quiet watch is told its version.
const BOOKMARK: Duration = Duration::from_mins(1);
/// How long a watch lasts when the client does not say.
const LASTS: Duration = Duration::from_mins(30);

pub(super) fn watch(shared: &Shared, world: &World, target: &Target, ask: &Ask) -> Result<Reply, Refusal> {
    let (kind, select) = (target.kind, select(target.kind, ask)?);
    let asked: Option<u64> = match ask.parameter("resourceVersion").unwrap_or_default() {
        "" | "0" => None,
        text => Some(text.parse().map_err(|_| {
            Refusal::bad_request(format!(
                "Invalid value: {text:?}: strconv.ParseUint: parsing {text:?}: invalid syntax"
            ))
        })?),
    };
    let streaming = ask.says("sendInitialEvents");
    if streaming && ask.parameter("resourceVersionMatch") != Some("NotOlderThan") {
        let cause = "sendInitialEvents: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        return Err(Refusal::invalid(kind, "", cause));
    }
    let seconds =
        ask.parameter("timeoutSeconds").and_then(|it| it.parse().ok()).map_or(LASTS, Duration::from_secs);
    let now = Instant::now();
    let mut watching = Watching {
        shared: shared.clone(),
        woken: world.kube.subscribe(),
        kind,
        namespace: target.within().map(str::to_owned),
        select,
        form: Form::of(ask),
        headed: false,
        position: asked.unwrap_or(world.kube.version()),
        ready: VecDeque::new(),
        bookmarks: ask.says("allowWatchBookmarks"),
        ends: now + seconds,
        next_bookmark: now + BOOKMARK,
        cuts: world.faults.cuts,
        over: false,
    };
    if asked.is_none() || streaming {
        watching.position = world.kube.version();
        let objects = world.kube.objects(kind.id, target.within()).filter(|it| watching.select.matches(it));
        let objects: Vec<_> = objects.cloned().collect();
        for it in &objects {
            watching.push("ADDED", it, world);
        }
        if streaming && watching.bookmarks {
            watching.bookmark(true);
        }
    }
    watching.collect(world);
    Ok(Reply::Stream(watching.lines()))
}

impl Watching {
    fn lines(self) -> Lines {
        Box::pin(stream::unfold(self, |mut it| async move {
            let line = it.next().await?;
            Some((line, it))
        }))
    }

    async fn next(&mut self) -> Option<Result<Bytes, Cut>> {
        loop {
            if let Some(line) = self.ready.pop_front() {
                return Some(Ok(line));
            }
            if self.over {
                return None;
            }
            let shared = self.shared.clone();
            let wrong = {
                let world = shared.lock();
                let wrong = world.faults.of_watch(self.kind.id, world.now);
                if wrong.is_none() {
                    self.collect(&world);
                }
                wrong.or((world.faults.cuts != self.cuts).then_some(Wrong::Cut))
            };
            match wrong {
                Some(Wrong::Down) => {
                    self.over = true;
                    return Some(Err(Cut));
                }
                Some(Wrong::Cut) => return None,
                _ => {}
            }
            if !self.ready.is_empty() {
                continue;
            }
            tokio::select! {
                changed = self.woken.changed() => if changed.is_err() { return None },
                () = tokio::time::sleep_until(self.ends) => self.over = true,
                () = tokio::time::sleep_until(self.next_bookmark), if self.bookmarks && wrong.is_none() => {
                    self.bookmark(false);
                }
            }
        }
    }

    /// Takes in what happened since the last look.
    fn collect(&mut self, world: &World) {
        self.woken.borrow_and_update();
        let Some(changes) = world.kube.since(self.kind.id, self.position) else {
            let refusal = Refusal::too_old(self.position, world.kube.version());
            self.line("ERROR", &refusal.object());
            self.over = true;
            return;
        };
        let changes: Vec<Change> = changes.cloned().collect();
        for change in changes {
            self.position = change.version;
            let inside =
                self.namespace.as_deref().is_none_or(|it| it == text(&change.new, "metadata.namespace"));
            if !inside {
                continue;
            }
            let was = change.old.as_ref().is_some_and(|it| self.select.matches(it));
            let is = self.select.matches(&change.new);
            let event = match (change.event, was, is) {
                (Event::Deleted, true, _) | (Event::Modified, true, false) => "DELETED",
                (Event::Modified, true, true) => "MODIFIED",
                (Event::Modified | Event::Added, false, true) => "ADDED",
                _ => continue,
            };
            self.push(event, &change.new, world);
        }
    }

    fn push(&mut self, event: &str, object: &Value, world: &World) {
        let mut shown = self.form.one(self.kind, object, world.now);
        if let (Form::Table(_), Value::Object(table)) = (self.form, &mut shown) {
            if self.headed {
                table.insert("columnDefinitions".to_owned(), Value::Null);
            }
            self.headed = true;
        }
        self.line(event, &shown);
    }

    fn line(&mut self, event: &str, object: &Value) {
        // The type first, as the real one writes it: a client may have to know it before it reads the object.
        self.ready.push_back(Bytes::from(format!("{{\"type\":\"{event}\",\"object\":{object}}}\n")));
    }

    /// Tells the version a client may resume from.
    fn bookmark(&mut self, end_of_list: bool) {
        self.next_bookmark = Instant::now() + BOOKMARK;
        let mut object = json!({"kind": self.kind.name, "apiVersion": self.kind.api_version(),
            "metadata": {"resourceVersion": self.position.to_string(), "creationTimestamp": null}});
        if end_of_list {
            crate::lab::json::annotate(&mut object, "k8s.io/initial-events-end", "true");
        }
        self.line("BOOKMARK", &object);
    }
}
