//! Requests against rules, with the answers that AWS documents.

use super::*;
use crate::domain::fixture;

fn patterns(text: &str) -> Patterns {
    let (mut values, mut expressions) = (Vec::new(), Vec::new());
    for it in text.split('|') {
        match it.strip_prefix('~') {
            Some(expression) => expressions.push(expression.to_owned()),
            None => values.push(it.to_owned()),
        }
    }
    Patterns { values, expressions }
}

/// `10 host a.example & path /api/*`, `default`.
fn rule(text: &str) -> Rule {
    let (priority, conditions) = text.split_once(' ').unwrap_or((text, ""));
    let condition = |it: &str| {
        let (field, value) = it.trim().split_once(' ').unwrap();
        match field {
            "host" => Condition::Host(patterns(value)),
            "path" => Condition::Path(patterns(value)),
            "method" => Condition::Method(value.split('|').map(str::to_owned).collect()),
            "source" => Condition::Source(value.split('|').map(str::to_owned).collect()),
            "family" => Condition::Family(value.to_owned()),
            "header" => {
                let (name, value) = value.split_once(':').unwrap();
                Condition::Header(name.to_owned(), patterns(value))
            }
            "query" => {
                let pair = |it: &str| match it.split_once('=') {
                    Some((key, value)) => (Some(key.to_owned()), value.to_owned()),
                    None => (None, it.to_owned()),
                };
                Condition::Query(value.split('|').map(pair).collect())
            }
            other => panic!("{other}"),
        }
    };
    let matches = conditions.split(" & ").filter(|it| !it.trim().is_empty()).map(condition).collect();
    let plain = fixture::objects::listener(1).rules.remove(0);
    Rule { priority: priority.into(), matches, ..plain }
}

/// `URL [method M] [source IP] [header NAME:VALUE] [plain]`
fn request(text: &str) -> Request {
    let mut words = text.split_whitespace();
    let mut request = Request::of(words.next().unwrap()).unwrap();
    while let Some(word) = words.next() {
        match word {
            "method" => request.method = words.next().map(str::to_owned),
            "source" => request.source = words.next().map(|it| it.parse().unwrap()),
            "header" => {
                let (name, value) = words.next().unwrap().split_once(':').unwrap();
                request.headers.push((name.to_owned(), value.to_owned()));
            }
            "plain" => request.headers_are_all = true,
            other => panic!("{other}"),
        }
    }
    request
}

/// Rules, a request, and the priority of the rule it comes to; behind a question mark those that may come first.
const TABLE: &[(&[&str], &str, &str)] = &[
    // Priority decides, not the order in which rules are given.
    (&["default"], "http://a.example/", "default"),
    (&["default", "20 path /*", "10 path /api/*"], "http://a.example/api/x", "10"),
    (&["default", "20 path /api/*", "9 path /*"], "http://a.example/api/x", "9"),
    (&["default", "100 path /a", "20 path /a"], "http://a.example/a", "20"),
    // Hosts: upper and lower case are the same; wildcards.
    (&["10 host shop.example", "default"], "http://SHOP.example/", "10"),
    (&["10 host Shop.Example", "default"], "http://shop.example/", "10"),
    (&["10 host shop.example", "default"], "http://www.shop.example/", "default"),
    (&["10 host *.shop.example", "default"], "http://www.shop.example/", "10"),
    (&["10 host *.shop.example", "default"], "http://shop.example/", "default"),
    (&["10 host shop?.example", "default"], "http://shop1.example/", "10"),
    (&["10 host shop?.example", "default"], "http://shop.example/", "default"),
    (&["10 host a.example|b.example", "default"], "http://b.example/", "10"),
    (&["10 host shop.example", "default"], "http://shop.example:8080/", "10"),
    // Paths: case counts; the query is no part of it.
    (&["10 path /Img/*", "default"], "http://a.example/img/x", "default"),
    (&["10 path /img/*", "default"], "http://a.example/img/x.png", "10"),
    (&["10 path /img/*", "default"], "http://a.example/img", "default"),
    (&["10 path /img*", "default"], "http://a.example/img", "10"),
    (&["10 path /img/*/pics", "default"], "http://a.example/img/a/b/pics", "10"),
    (&["10 path /img/*/pics", "default"], "http://a.example/img/pics", "default"),
    (&["10 path /img/?", "default"], "http://a.example/img/x", "10"),
    (&["10 path /img/?", "default"], "http://a.example/img/xy", "default"),
    (&["10 path /search", "default"], "http://a.example/search?q=1", "10"),
    (&["10 path *", "default"], "http://a.example", "10"),
    // Regular expressions.
    (&["10 path ~^/v[0-9]+/", "default"], "http://a.example/v2/x", "10"),
    (&["10 path ~^/v[0-9]+/", "default"], "http://a.example/vx/x", "default"),
    (&["10 host ~^[aw][pw]i?\\.example$", "default"], "http://API.example/", "10"),
    (&["10 path ~^/API", "default"], "http://a.example/api", "default"),
    (&["10 path ~(?=x)", "default"], "http://a.example/x", "default?10"),
    // All conditions have to hold; one of each one's values.
    (&["10 host a.example & path /api/*", "default"], "http://a.example/api/1", "10"),
    (&["10 host a.example & path /api/*", "default"], "http://b.example/api/1", "default"),
    // The query: upper and lower case are the same.
    (&["10 query version=v1", "default"], "http://a.example/?VERSION=V1", "10"),
    (&["10 query version=v1", "default"], "http://a.example/?version=v2", "default"),
    (&["10 query *beta*", "default"], "http://a.example/?x=my-beta-1", "10"),
    (&["10 query version=v\\*", "default"], "http://a.example/?version=v1", "default"),
    (&["10 query version=v\\*", "default"], "http://a.example/?version=v*", "10"),
    (&["10 query version=v1|lang=de", "default"], "http://a.example/?lang=DE&x=1", "10"),
    // What the request does not say is not known, and another condition may decide all the same.
    (&["10 method POST", "default"], "http://a.example/", "default?10"),
    (&["10 method POST", "default"], "http://a.example/ method POST", "10"),
    (&["10 method POST", "default"], "http://a.example/ method post", "default"),
    (&["10 method POST & path /x", "default"], "http://a.example/y", "default"),
    (&["10 header X-Canary:always", "default"], "http://a.example/", "default?10"),
    (&["10 header X-Canary:always", "default"], "http://a.example/ plain", "default"),
    (&["10 header X-Canary:always", "default"], "http://a.example/ header x-canary:ALWAYS", "10"),
    (&["10 header User-Agent:*Chrome*", "default"], "http://a.example/ header user-agent:xchromey", "10"),
    (&["10 source 10.0.0.0/8", "default"], "http://a.example/ source 10.1.2.3", "10"),
    (&["10 source 10.0.0.0/8", "default"], "http://a.example/ source 192.0.2.1", "default"),
    (&["10 source 10.0.0.0/8", "20 path /*", "default"], "http://a.example/", "20?10"),
    (&["10 family ipv6", "default"], "http://a.example/ source 2001:db8::1", "10"),
    (&["10 family ipv6", "default"], "http://a.example/ source 10.0.0.1", "default"),
];

#[test]
fn requests_come_to_the_rules_that_aws_documents() {
    assert!(TABLE.len() >= 40);
    let mut wrong = Vec::new();
    for (rules, asked, expected) in TABLE {
        let rules: Vec<Rule> = rules.iter().map(|it| rule(it)).collect();
        let arrival = arrive(&rules, &request(asked));
        let perhaps: Vec<String> = arrival.perhaps.iter().map(|(it, _)| it.priority.to_string()).collect();
        let mut found = arrival.rule.map_or("none".to_owned(), |it| it.priority.to_string());
        if !perhaps.is_empty() {
            found.extend(["?", &perhaps.join(",")]);
        }
        if found != *expected {
            wrong.push(format!("{asked}: {found}, not {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_target_sees_what_transforms_make_of_a_request() {
    let url =
        |from: &str, to: &str| Transform { url: true, rewrites: vec![(from.to_owned(), to.to_owned())] };
    let host =
        |from: &str, to: &str| Transform { url: false, rewrites: vec![(from.to_owned(), to.to_owned())] };
    for (transforms, asked, sent) in [
        (
            vec![url("^/dp/([A-Za-z0-9]+)/?$", "/product.php?id=$1")],
            "http://a.example/dp/B09G3HRMW",
            "http://a.example/product.php?id=B09G3HRMW",
        ),
        (
            vec![host("^mywebsite-(.+).com$", "internal.dev.$1.myweb.com")],
            "http://mywebsite-example.com/project-a",
            "http://internal.dev.example.myweb.com/project-a",
        ),
        // What does not fit goes as it came.
        (vec![url("^/v1/(.*)$", "/$1")], "http://a.example/v2/x", "http://a.example/v2/x"),
        (vec![url("^/v1/(.*)$", "/$1x")], "http://a.example/v1/a?b=c", "http://a.example/a?b=cx"),
        (vec![host("^a", "b"), url("^/", "/app/")], "http://a.example/x", "http://b.example/app/x"),
        (vec![], "https://a.example:8443/x", "https://a.example:8443/x"),
    ] {
        assert_eq!(rewritten(&transforms, &request(asked)).unwrap().url(), sent, "{asked}");
    }
    let unclear = rewritten(&[url("(?<!x)y", "z")], &request("http://a.example/y"));
    assert_eq!(unclear, Err("(?<!x)y".to_owned()));
}

#[test]
fn a_redirect_says_where_to() {
    let to_https = Redirect {
        status: Some("HTTP_301".into()),
        protocol: Some("HTTPS".into()),
        port: Some("443".into()),
        ..Redirect::default()
    };
    let asked = request("http://shop.example/cart?x=1");
    assert_eq!(redirected(&to_https, &asked), "https://shop.example:443/cart?x=1");
    let moved = Redirect {
        host: Some("new.#{host}".into()),
        path: Some("/old/#{path}".into()),
        ..Redirect::default()
    };
    assert_eq!(redirected(&moved, &asked), "http://new.shop.example:80/old/cart?x=1");
    assert_eq!(redirected(&moved, &request("http://shop.example/")), "http://new.shop.example:80/old/");
}

#[test]
fn a_rule_that_never_gets_a_request_is_found() {
    for (rules, shadowed) in [
        (&["10 path /*", "20 path /api/*"][..], Some("10")),
        (&["10 path /api/*", "20 path /*"], None),
        (&["10 path /api/*", "20 path /api/v1"], Some("10")),
        (&["10 path /a?c", "20 path /a*c"], None),
        (&["10 host *.example", "20 host A.example & path /x"], Some("10")),
        (&["10 host a.example & path /x", "20 host a.example"], None),
        (&["10 path /x & method GET", "20 path /x & method GET"], Some("10")),
        (&["10 path /x & method GET", "20 path /x"], None),
        (&["10 source 10.0.0.0/8", "20 source 10.1.0.0/16"], Some("10")),
        (&["10 source 10.1.0.0/16", "20 source 10.0.0.0/8"], None),
        (&["10 path ~^/a", "20 path ~^/a"], Some("10")),
        (&["10 path ~^/a", "20 path /ab"], None),
        (&["10 path /a|/b", "20 path /b"], Some("10")),
        (&["10 path /b", "20 path /a|/b"], None),
    ] {
        let rules: Vec<Rule> = rules.iter().map(|it| rule(it)).collect();
        let order = in_order(&rules);
        let found = shadow(&order, order[1]).map(|it| it.priority.to_string());
        assert_eq!(found.as_deref(), shadowed, "{rules:?}");
    }
}

#[test]
fn what_is_no_url_is_refused() {
    for text in ["shop.example", "ftp://shop.example/", "http://", "http:///x", "http://a b/"] {
        assert!(Request::of(text).is_err(), "{text}");
    }
    let told = |text: &str| {
        let it = Request::of(text).unwrap();
        (it.host, it.port, it.path, it.query)
    };
    assert_eq!(
        told("HTTPS://Shop.Example?x"),
        ("shop.example".to_owned(), 443, "/".to_owned(), "x".to_owned())
    );
    assert_eq!(told("http://me:pw@h:81/a#b"), ("h".to_owned(), 81, "/a".to_owned(), String::new()));
}
