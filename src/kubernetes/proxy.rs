//! Which proxy leads to an API server, as kubectl chooses it: the cluster's own always, else that of the environment, but
//! for loopback and for what NO_PROXY names.

use std::net::IpAddr;

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;

/// The proxy of a server. `own`: what the kubeconfig says of the cluster; `variable` reads the environment.
pub(super) fn of(
    own: Option<&str>,
    server: &Uri,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Uri>, String> {
    if let Some(own) = own.filter(|it| !it.is_empty()) {
        return parsed(own).map(Some);
    }
    let first = |names: [&str; 2]| names.iter().find_map(|it| variable(it).filter(|it| !it.is_empty()));
    let named = match server.scheme_str() {
        Some("http") => first(["HTTP_PROXY", "http_proxy"]),
        _ => first(["HTTPS_PROXY", "https_proxy"]),
    };
    let exempt = first(["NO_PROXY", "no_proxy"]).unwrap_or_default();
    match named.filter(|_| !is_loopback(server) && !bypasses_proxy(&exempt, server)) {
        Some(named) => parsed(&named).map(Some),
        None => Ok(None),
    }
}

/// A proxy as the client library takes it: both kinds of SOCKS 5 leave names to the proxy, and without a scheme it is HTTP.
fn parsed(text: &str) -> Result<Uri, String> {
    let text = match text.split_once("://") {
        Some(("socks5h", rest)) => format!("socks5://{rest}"),
        Some(_) => text.to_owned(),
        None => format!("http://{text}"),
    };
    // A password may stand in it.
    let uri: Uri = text.parse().map_err(|_| "the proxy is no URL".to_owned())?;
    match uri.scheme_str() {
        Some("http" | "https" | "socks5") if uri.host().is_some() => Ok(uri),
        other => Err(format!(
            "a proxy of scheme {} is not supported: use http, https, socks5 or socks5h",
            other.unwrap_or("none")
        )),
    }
}

fn is_loopback(server: &Uri) -> bool {
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|it| it.is_loopback())
}

/// Whether a server is on the `NO_PROXY` list, as kubectl reads it: `*`, names with their subdomains, addresses, address
/// ranges, each with a port where only that is meant.
fn bypasses_proxy(list: &str, server: &Uri) -> bool {
    let port = server.port_u16().unwrap_or(if server.scheme_str() == Some("http") { 80 } else { 443 });
    let entries: Vec<&str> = list.split(',').filter_map(|it| of_port(it.trim(), port)).collect();
    if entries.contains(&"*") {
        return true;
    }
    let rules = Matcher::builder().all("http://proxy.invalid").no(entries.join(",")).build();
    rules.intercept(server).is_none()
}

/// An entry without its port and its leading `*`; `None`: it is about another port.
fn of_port(entry: &str, port: u16) -> Option<&str> {
    let split = entry.rsplit_once(':').filter(|(host, _)| !host.contains(':') || host.ends_with(']'));
    let host = match split.map(|(host, port)| (host, port.parse::<u16>())) {
        Some((host, Ok(of))) if of == port => host,
        Some((_, Ok(_))) => return None,
        Some((_, Err(_))) | None => entry,
    };
    let host = host.trim_matches(['[', ']']);
    Some(host.strip_prefix("*.").map_or(host, |_| host.trim_start_matches('*')))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_chosen_as_kubectl_chooses_it() {
        let environment =
            [("HTTPS_PROXY", "http://env:1"), ("http_proxy", "plain:2"), ("NO_PROXY", "10.0.0.0/8")];
        for (own, server, expected) in [
            (None, "https://eks.example", Some("http://env:1/")),
            (None, "http://eks.example", Some("http://plain:2/")),
            (None, "https://10.1.2.3", None),
            (None, "https://127.0.0.1:6443", None),
            (None, "https://[::1]:6443", None),
            (None, "https://localhost:6443", None),
            // What the kubeconfig says counts, wherever the server is.
            (Some("http://own:3"), "https://10.1.2.3", Some("http://own:3/")),
            (Some("http://own:3"), "https://127.0.0.1", Some("http://own:3/")),
            (Some("socks5h://own:4"), "https://eks.example", Some("socks5://own:4/")),
            (Some(""), "https://eks.example", Some("http://env:1/")),
        ] {
            let server: Uri = server.parse().unwrap();
            let variable = |name: &str| environment.iter().find(|it| it.0 == name).map(|it| it.1.to_owned());
            let chosen = of(own, &server, variable).unwrap().map(|it| it.to_string());
            assert_eq!(chosen.as_deref(), expected, "{own:?} {server}");
        }
        let server: Uri = "https://eks.example".parse().unwrap();
        let refused = of(Some("ftp://own"), &server, |_| None).unwrap_err();
        assert!(refused.contains("scheme ftp is not supported"), "{refused}");
    }

    #[test]
    fn no_proxy_is_compared_with_the_server() {
        let table = [
            ("", "https://10.0.0.1", false),
            ("*", "https://10.0.0.1", true),
            ("*", "https://kubernetes", true),
            ("127.0.0.1", "https://127.0.0.1:6443", true),
            ("127.0.0.1:6443", "https://127.0.0.1:6443", true),
            ("127.0.0.1:6443", "https://127.0.0.1", false),
            ("127.0.0.1:443", "https://127.0.0.1", true),
            ("[::1]:6443", "https://[::1]:6443", true),
            ("10.0.0.0/8", "https://10.20.0.1", true),
            ("10.0.0.0/8", "https://11.0.0.1", false),
            ("10.0.0.0/8", "https://[fd12::1]", false),
            ("fd00::/8", "https://[fd12::1]", true),
            ("localhost, .eks.amazonaws.com", "https://abc.gr7.eu-west-1.eks.amazonaws.com", true),
            ("*.eks.amazonaws.com", "https://abc.eks.amazonaws.com", true),
            ("EKS.amazonaws.com", "https://abc.eks.amazonaws.com", true),
            ("eks.amazonaws.com", "https://noteks.amazonaws.com", false),
            (",, ,", "https://10.0.0.1", false),
        ];
        for (list, server, expected) in table {
            let server: Uri = server.parse().unwrap();
            assert_eq!(bypasses_proxy(list, &server), expected, "{list:?} {server}");
        }
    }
}
