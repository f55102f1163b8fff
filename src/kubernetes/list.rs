//! Lists and single objects, read once: for commands that look and leave, and for kinds not worth a watch.

use std::time::Duration;

use kube::Api;
use kube::api::ListParams;
use kube::core::ApiResource;
use tokio::time::Instant;

use super::connect::Cluster;
use super::guard::Raw;
use super::kinds;
use super::read;
use crate::domain::facts::failure::ErrorKind;
use crate::domain::facts::failure::Failure;
use crate::domain::facts::ids::BindingApi;
use crate::domain::facts::ids::ObjectName;
use crate::domain::facts::pages::Pages;
use crate::domain::inventory::Kind;
use crate::domain::inventory::Observation;

/// How long a server that is there may take to say so.
const PING: Duration = Duration::from_secs(5);
/// Objects a page.
const PAGE: u32 = 500;
/// Answers of a server that may answer better a moment later.
const BUSY: [u16; 3] = [429, 503, 504];
/// How long to leave a busy server alone: what API servers ask for, and then twice as long each time.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Refuses a list of something else: it would look as if there were none.
fn of_kind(kind: Kind, listed: &str, operation: &str) -> Result<(), Failure> {
    let wanted = format!("{}List", kinds::resource(kind).kind);
    if listed == wanted || ["", "List"].contains(&listed) {
        return Ok(());
    }
    let text = format!("an answer of kind {listed}, not {wanted}");
    Err(Failure::new(operation, ErrorKind::Unreadable, &text))
}

impl Cluster {
    /// Everything of a kind, as the change that replaces it and one for each unreadable object.
    pub async fn list(&self, kind: Kind, namespace: Option<&str>) -> Result<Vec<Observation>, Failure> {
        if kinds::is_optional(kind) && !self.serves(kind).await? {
            return Ok(vec![self.none_of(kind, namespace)]);
        }
        let api: Api<Raw> = self.api(kind, namespace);
        let mut params = ListParams::default().limit(PAGE);
        params.field_selector = kinds::field_selector(kind).map(str::to_owned);
        let mut objects = Vec::new();
        let mut changes = Vec::new();
        let operation = format!("list {}", kinds::rbac_name(kind));
        let mut pages = Pages::of_kubernetes(&operation);
        loop {
            let page = self.patiently(&operation, || api.list(&params)).await?;
            let page = page.map_err(|it| self.failed("list", &kinds::rbac_name(kind), &it))?;
            of_kind(kind, &page.types.kind, &operation)?;
            for raw in page.items {
                match read::object(kind, &raw.text) {
                    Ok(object) => objects.push(object),
                    Err(problem) => {
                        let name = kube::ResourceExt::name_any(&raw);
                        let namespace = kube::ResourceExt::namespace(&raw).unwrap_or_default();
                        let name = ObjectName::new(&namespace, &name);
                        changes.push(Observation::Skipped {
                            cluster: self.id().clone(),
                            kind,
                            name,
                            problem,
                        });
                    }
                }
            }
            params.continue_token = pages.next(page.metadata.continue_)?;
            if params.continue_token.is_none() {
                break;
            }
        }
        let namespace = namespace.map(str::to_owned);
        changes.insert(0, Observation::Listed { cluster: self.id().clone(), kind, namespace, objects });
        Ok(changes)
    }

    /// Whether the cluster serves a kind. Asked of the server's list of kinds, which everybody may read: who may not list a
    /// kind is refused also where there is none.
    pub(super) async fn serves(&self, kind: Kind) -> Result<bool, Failure> {
        let resource = kinds::resource(kind);
        let operation = format!("discover {}", resource.api_version);
        let list =
            self.patiently(&operation, || self.client().list_api_group_resources(&resource.api_version));
        match list.await? {
            Ok(list) => Ok(list.resources.iter().any(|it| it.name == resource.plural)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(false),
            Err(it) => Err(self.failed("discover", &resource.api_version, &it)),
        }
    }

    /// That there is nothing of a kind.
    pub(super) fn none_of(&self, kind: Kind, namespace: Option<&str>) -> Observation {
        let namespace = namespace.map(str::to_owned);
        Observation::Listed { cluster: self.id().clone(), kind, namespace, objects: Vec::new() }
    }

    /// Which of the two kinds of binding the cluster serves.
    pub async fn served_bindings(&self) -> Result<Vec<BindingApi>, Failure> {
        let mut served = Vec::new();
        for api in [BindingApi::LoadBalancerController, BindingApi::AutoMode] {
            if self.serves(Kind::Bindings(api)).await? {
                served.push(api);
            }
        }
        Ok(served)
    }

    /// Whether the server answers at all, soon; a refusal is an answer.
    pub(crate) async fn ping(&self) -> Result<(), Failure> {
        let patience = self.request_timeout().min(PING);
        match tokio::time::timeout(patience, self.client().apiserver_version()).await {
            Err(_) => Err(self.silent("reach the API server", patience)),
            Ok(Err(it)) => match self.failed("reach", "the API server", &it) {
                failure if failure.kind == ErrorKind::Unreachable => Err(failure),
                _ => Ok(()),
            },
            Ok(Ok(_)) => Ok(()),
        }
    }

    /// The `ConfigMap` of a multi-cluster binding.
    pub async fn ledger(&self, name: &ObjectName) -> Result<Observation, Failure> {
        let text = self.one(&kinds::resource(Kind::Ledgers), Some(&name.namespace), &name.name).await?;
        let ledger = text
            .map(|text| read::ledger(&text))
            .transpose()
            .map_err(|it| Failure::new("get configmaps", ErrorKind::Unreadable, &it))?;
        Ok(Observation::Ledger { cluster: self.id().clone(), name: name.clone(), ledger })
    }

    /// One object as text; `None`: it does not exist.
    pub(super) async fn one(
        &self,
        resource: &ApiResource,
        namespace: Option<&str>,
        name: &str,
    ) -> Result<Option<Box<str>>, Failure> {
        let api: Api<Raw> = self.api_of(resource, namespace);
        let operation = format!("get {}", resource.plural);
        let answer = self.patiently(&operation, || api.get_opt(name)).await?;
        answer.map(|it| it.map(|it| it.text)).map_err(|it| self.failed("get", &resource.plural, &it))
    }

    /// Makes a call, again while the server asks for patience, and ends it when the request timeout is over.
    pub(super) async fn patiently<T, F: Future<Output = kube::Result<T>>>(
        &self,
        operation: &str,
        call: impl Fn() -> F,
    ) -> Result<kube::Result<T>, Failure> {
        let end = Instant::now() + self.request_timeout();
        let mut wait = FIRST_WAIT;
        loop {
            let answer = tokio::time::timeout_at(end, call()).await;
            let answer = answer.map_err(|_| self.silent(operation, self.request_timeout()))?;
            let busy = matches!(&answer, Err(kube::Error::Api(it)) if BUSY.contains(&it.code));
            if !busy || Instant::now() + wait >= end {
                return Ok(answer);
            }
            tokio::time::sleep(wait).await;
            wait *= 2;
        }
    }

    /// One call, never repeated: whether it was heard is found out by reading back.
    pub(super) async fn once<T>(
        &self,
        operation: &str,
        call: impl Future<Output = kube::Result<T>>,
    ) -> Result<kube::Result<T>, Failure> {
        let answer = tokio::time::timeout(self.request_timeout(), call).await;
        answer.map_err(|_| self.silent(operation, self.request_timeout()))
    }
}
