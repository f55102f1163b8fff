//! Requests as they go over the wire, to whatever API server: method, path, body in; status and JSON out.

use http_body_util::BodyExt;
use kube::Client;
use serde_json::Value;

/// A client of one API server, as one identity.
#[derive(Clone)]
pub(crate) struct Wire(Client);

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    /// Empty: none.
    pub(crate) accept: &'a str,
    pub(crate) content: &'a str,
    pub(crate) body: &'a str,
}

pub(crate) const MERGE: &str = "application/merge-patch+json";

impl Wire {
    /// Of the current context of a kubeconfig.
    pub(crate) async fn of(kubeconfig: &str) -> Self {
        let kubeconfig = kube::config::Kubeconfig::from_yaml(kubeconfig).unwrap();
        let options = kube::config::KubeConfigOptions::default();
        let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.unwrap();
        config.proxy_url = None;
        config.default_retry = false;
        Self(Client::try_from(config).unwrap())
    }

    /// Of a server that speaks plain HTTP and asks for nobody's name.
    pub(crate) fn plain(url: &str) -> Self {
        let mut config = kube::Config::new(url.parse().unwrap());
        config.proxy_url = None;
        Self(Client::try_from(config).unwrap())
    }

    /// A call of AWS's Query API, as an access key nobody checks. Gives status and text.
    pub(crate) async fn query(&self, form: &str) -> (u16, String) {
        let service = match form {
            _ if form.contains("Action=GetCallerIdentity") => "sts",
            _ if form.contains("Version=2016-11-15") => "ec2",
            _ => "elasticloadbalancing",
        };
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIACONTRACT/20260115/us-west-2/{service}/aws4_request, SignedHeaders=host, Signature=0"
        );
        let form =
            if form.contains("Version=") { form.to_owned() } else { format!("{form}&Version=2015-12-01") };
        let request = http::Request::builder()
            .method("POST")
            .uri("/")
            .header("content-type", "application/x-www-form-urlencoded; charset=utf-8")
            .header("authorization", authorization)
            .body(kube::client::Body::from(form.into_bytes()))
            .unwrap();
        let response = self.0.send(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    async fn send(&self, call: Call<'_>) -> http::Response<kube::client::Body> {
        let mut request = http::Request::builder().method(call.method).uri(call.path);
        for (name, value) in [("accept", call.accept), ("content-type", call.content)] {
            if !value.is_empty() {
                request = request.header(name, value);
            }
        }
        let request = request.body(kube::client::Body::from(call.body.as_bytes().to_vec())).unwrap();
        self.0.send(request).await.unwrap()
    }

    pub(crate) async fn call(&self, call: Call<'_>) -> Answer {
        let response = self.send(call).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let text = String::from_utf8_lossy(&body).into_owned();
        Answer { status, body: serde_json::from_slice(&body).unwrap_or(Value::String(text)) }
    }

    /// The events of a watch, until the server ends it.
    pub(crate) async fn watch(&self, path: &str) -> Vec<Value> {
        let response =
            self.send(Call { method: "GET", path, accept: "application/json", content: "", body: "" }).await;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
        body.split(|it| *it == b'\n')
            .filter(|it| !it.is_empty())
            .map(|it| serde_json::from_slice(it).unwrap())
            .collect()
    }
}
