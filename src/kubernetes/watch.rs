//! One kind of one scope, watched: a list, then every change, and after a loss a list again. Events of a
//! list are held back until it is whole, so that nothing on show vanishes while it is read anew.

use std::time::Duration;

use futures::Stream;
use futures::StreamExt;
use futures::stream;
use kube::Api;
use kube::ResourceExt;
use kube::runtime::watcher;

use super::connect::Cluster;
use super::error;
use super::guard::Raw;
use super::kinds;
use super::read;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::ObjectName;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Object;
use crate::domain::inventory::Observation;
use crate::domain::inventory::Source;

impl Cluster {
    /// Changes of a kind, until the stream is dropped. It never ends by itself: failures are changes too.
    pub fn watch(
        &self,
        kind: Kind,
        namespace: Option<String>,
    ) -> impl Stream<Item = Observation> + Send + use<> {
        self.follow(kind, namespace, None)
    }

    /// The `ConfigMap` of a multi-cluster binding, now and whenever it changes.
    pub fn watch_ledger(&self, name: ObjectName) -> impl Stream<Item = Observation> + Send + use<> {
        self.follow(Kind::Ledgers, Some(name.namespace.clone()), Some(name))
    }

    fn follow(
        &self,
        kind: Kind,
        namespace: Option<String>,
        only: Option<ObjectName>,
    ) -> impl Stream<Item = Observation> + Send + use<> {
        let (cluster, backoff) = (self.clone(), Backoff::default());
        let watch = Watch { cluster, kind, namespace, only, streaming: true, backoff };
        let running = Running {
            watch,
            wait: None,
            events: None,
            whole: false,
            halved: false,
            since: None,
            listing: None,
            one: None,
        };
        stream::unfold(running, |mut running| async move {
            loop {
                if let Some(changes) = running.step().await {
                    return Some((stream::iter(changes), running));
                }
            }
        })
        .flatten()
    }
}

/// When to ask again whether a kind is served that was not.
const NOT_SERVED: Duration = Duration::from_mins(10);

/// A watch that held for so long was no accident.
const LIVED: Duration = Duration::from_secs(20);

struct Watch {
    cluster: Cluster,
    kind: Kind,
    namespace: Option<String>,
    /// One object alone, which may not exist.
    only: Option<ObjectName>,
    /// The list comes as a stream (Kubernetes 1.32 and later) until a server refuses it.
    streaming: bool,
    backoff: Backoff,
}

type Events = std::pin::Pin<Box<dyn Stream<Item = watcher::Result<watcher::Event<Raw>>> + Send>>;

struct Running {
    watch: Watch,
    /// How long to leave the server alone before the next start.
    wait: Option<Duration>,
    events: Option<Events>,
    /// When the list was whole.
    since: Option<tokio::time::Instant>,
    /// The list is whole: from now on the server is silent while nothing changes.
    whole: bool,
    /// The list was begun before, and broke off.
    halved: bool,
    /// Objects and unreadable ones of a list that is not whole yet.
    listing: Option<(Vec<Object>, Vec<Observation>)>,
    /// The one object of a list of one.
    one: Option<Raw>,
}

impl Running {
    async fn step(&mut self) -> Option<Vec<Observation>> {
        if self.events.is_none() {
            if let Some(wait) = self.wait.take() {
                tokio::time::sleep(wait).await;
            }
            if kinds::is_optional(self.watch.kind) {
                match self.watch.cluster.serves(self.watch.kind).await {
                    Ok(true) => {}
                    Ok(false) => {
                        self.wait = Some(NOT_SERVED);
                        let namespace = self.watch.namespace.as_deref();
                        return Some(vec![self.watch.cluster.none_of(self.watch.kind, namespace)]);
                    }
                    Err(failure) => return self.lost(Some(failure)),
                }
            }
            (self.whole, self.listing) = (false, None);
            self.events = Some(self.watch.start());
        }
        let next = self.events.as_mut()?.next();
        let event = match self.whole {
            true => next.await,
            false => {
                let patience = self.watch.cluster.request_timeout();
                match tokio::time::timeout(patience, next).await {
                    Ok(event) => event,
                    Err(_) => {
                        let operation = format!("watch {}", kinds::rbac_name(self.watch.kind));
                        return self.lost(Some(self.watch.cluster.silent(&operation, patience)));
                    }
                }
            }
        };
        match event {
            Some(Ok(watcher::Event::Init)) if self.listing.is_some() && self.halved => self.half(),
            Some(Ok(event)) if self.watch.only.is_some() => self.fold_one(event),
            Some(Ok(event)) => self.fold(event),
            Some(Err(error)) if self.watch.streaming && error::refuses_streaming(&error) => {
                self.events = None;
                self.watch.streaming = false;
                None
            }
            Some(Err(error)) => {
                let failure = error::watch_failure(self.watch.kind, &error);
                self.lost(failure.map(|it| self.watch.cluster.at(it)))
            }
            None => {
                self.events = None;
                None
            }
        }
    }

    /// The watch ended; `None`: it only fell behind.
    fn lost(&mut self, failure: Option<Failure>) -> Option<Vec<Observation>> {
        self.events = None;
        // A list alone is no sign of life: where watching is refused, it would be read for ever.
        if self.since.take().is_some_and(|it| it.elapsed() > LIVED) {
            self.watch.backoff = Backoff::default();
        }
        self.wait = Some(self.watch.backoff.next());
        let failure = failure?;
        tracing::warn!(kind = ?self.watch.kind, %failure, "watch ended");
        Some(vec![Observation::Failed(self.watch.source(), failure)])
    }

    fn fold_one(&mut self, event: watcher::Event<Raw>) -> Option<Vec<Observation>> {
        match event {
            watcher::Event::Init => {
                self.one = None;
                self.begin()
            }
            watcher::Event::InitApply(raw) => {
                self.one = Some(raw);
                None
            }
            watcher::Event::InitDone => {
                self.alive();
                self.listing = None;
                let found = self.one.take();
                self.watch.ledger(found).map(|it| vec![it])
            }
            watcher::Event::Apply(raw) => self.watch.ledger(Some(raw)).map(|it| vec![it]),
            watcher::Event::Delete(_) => self.watch.ledger(None).map(|it| vec![it]),
        }
    }

    /// A list that comes as a stream begins anew for the second time before it was whole: whatever stands in between does not let it through.
    fn half(&mut self) -> Option<Vec<Observation>> {
        (self.listing, self.halved) = (None, false);
        self.watch.streaming = false;
        let operation = format!("watch {}", kinds::rbac_name(self.watch.kind));
        let message = "the answer ended before the list was whole; it is asked for in pages instead";
        let failure = Failure::new(&operation, ErrorKind::Unreadable, message).with_hint(error::BETWEEN);
        self.lost(Some(self.watch.cluster.at(failure)))
    }

    /// A list begins. That it does so once more may be an accident.
    fn begin(&mut self) -> Option<Vec<Observation>> {
        self.halved = self.listing.is_some();
        self.listing = Some((Vec::new(), Vec::new()));
        None
    }

    /// The list is whole.
    fn alive(&mut self) {
        (self.whole, self.halved) = (true, false);
        self.since = Some(tokio::time::Instant::now());
    }

    fn fold(&mut self, event: watcher::Event<Raw>) -> Option<Vec<Observation>> {
        let cluster = self.watch.cluster.id().clone();
        match event {
            watcher::Event::Init => self.begin(),
            watcher::Event::InitApply(raw) => {
                let (objects, skipped) = self.listing.get_or_insert_default();
                match read::object(self.watch.kind, &raw.text) {
                    Ok(object) => objects.push(object),
                    Err(problem) => skipped.push(self.watch.skipped(&raw, problem)),
                }
                None
            }
            watcher::Event::InitDone => {
                self.alive();
                let (objects, mut changes) = self.listing.take().unwrap_or_default();
                let namespace = self.watch.namespace.clone();
                changes.insert(0, Observation::Listed { cluster, kind: self.watch.kind, namespace, objects });
                Some(changes)
            }
            watcher::Event::Apply(raw) => Some(vec![match read::object(self.watch.kind, &raw.text) {
                Ok(object) => Observation::Applied { cluster, object },
                Err(problem) => self.watch.skipped(&raw, problem),
            }]),
            watcher::Event::Delete(raw) => {
                Some(vec![Observation::Removed { cluster, key: (self.watch.kind, name(&raw)) }])
            }
        }
    }
}

impl Watch {
    fn source(&self) -> Source {
        Source::Kubernetes(self.cluster.id().clone(), self.kind)
    }

    fn skipped(&self, raw: &Raw, problem: String) -> Observation {
        tracing::warn!(kind = ?self.kind, name = %name(raw), problem, "an object could not be read");
        Observation::Skipped { cluster: self.cluster.id().clone(), kind: self.kind, name: name(raw), problem }
    }

    /// The object as the list of owned targets it is; `None`: it does not exist.
    fn ledger(&self, raw: Option<Raw>) -> Option<Observation> {
        let (cluster, name) = (self.cluster.id().clone(), self.only.clone()?);
        Some(match raw.map(|it| read::ledger(&it.text)).transpose() {
            Ok(ledger) => Observation::Ledger { cluster, name, ledger },
            Err(problem) => {
                let failure = Failure::new("watch configmaps", ErrorKind::Unreadable, &problem);
                Observation::Failed(self.source(), failure)
            }
        })
    }

    fn start(&self) -> Events {
        let api: Api<Raw> = self.cluster.api(self.kind, self.namespace.as_deref());
        let mut config = watcher::Config::default();
        if let Some(fields) = kinds::field_selector(self.kind) {
            config = config.fields(fields);
        }
        if let Some(only) = &self.only {
            config = config.fields(&format!("metadata.name={}", only.name));
        }
        if self.streaming {
            config = config.streaming_lists();
        }
        Box::pin(watcher(api, config))
    }
}

fn name(raw: &Raw) -> ObjectName {
    ObjectName::new(&raw.namespace().unwrap_or_default(), &raw.name_any())
}

/// Waits between attempts: the watcher's own, from 0.8 s to 30 s, with jitter.
#[derive(Default)]
struct Backoff(watcher::DefaultBackoff);

impl Backoff {
    fn next(&mut self) -> Duration {
        self.0.next().unwrap_or(Duration::from_secs(30))
    }
}
