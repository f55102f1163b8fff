//! Which rule of a listener a request comes to: conditions in the order of their priority, each answered yes, no, or not
//! known where the request does not say enough. Follows what AWS documents of condition types and transforms.

use std::net::IpAddr;

use ipnet::IpNet;
use regex::Regex;
use regex::RegexBuilder;

use crate::domain::facts::elb::Rule;
use crate::domain::facts::routing::Condition;
use crate::domain::facts::routing::Patterns;
use crate::domain::facts::routing::Redirect;
use crate::domain::facts::routing::Transform;

/// A request, as far as it was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Request {
    /// `http` or `https`.
    pub(crate) scheme: String,
    /// In lower case, without its port.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// From its slash on.
    pub(crate) path: String,
    /// Without its question mark.
    pub(crate) query: String,
    pub(crate) method: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
    /// Headers that are not named are not sent.
    pub(crate) headers_are_all: bool,
    pub(crate) source: Option<IpAddr>,
}

/// A text that is no URL of a web server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a URL: {0:?} (expected http://HOST[:PORT][/PATH][?QUERY], or https)")]
pub(crate) struct NoUrl(String);

impl Request {
    /// `https://shop.example/cart?x=1`.
    pub(crate) fn of(url: &str) -> Result<Self, NoUrl> {
        let no = || NoUrl(url.to_owned());
        let (scheme, rest) = url.split_once("://").ok_or_else(no)?;
        let scheme = scheme.to_lowercase();
        let usual = match scheme.as_str() {
            "http" => 80,
            "https" => 443,
            _ => return Err(no()),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (place, tail) = rest.split_at(end);
        let place = place.rsplit_once('@').map_or(place, |it| it.1);
        let has_port = place.rsplit_once(':').filter(|(_, port)| port.bytes().all(|it| it.is_ascii_digit()));
        let (host, port) = match has_port {
            Some((host, port)) if !host.is_empty() => (host, port.parse().map_err(|_| no())?),
            _ => (place, usual),
        };
        if host.is_empty() || host.contains(char::is_whitespace) {
            return Err(no());
        }
        let (path, query) = tail.split_once('?').unwrap_or((tail, ""));
        let path = if path.is_empty() { "/" } else { path };
        Ok(Self {
            scheme,
            host: host.to_lowercase(),
            port,
            path: path.to_owned(),
            query: query.to_owned(),
            ..Self::default()
        })
    }

    /// As it is typed.
    pub(crate) fn url(&self) -> String {
        let usual = if self.scheme == "https" { 443 } else { 80 };
        let port = if self.port == usual { String::new() } else { format!(":{}", self.port) };
        let query = if self.query.is_empty() { String::new() } else { format!("?{}", self.query) };
        format!("{}://{}{port}{}{query}", self.scheme, self.host, self.path)
    }
}

/// Whether something fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    Yes,
    No,
    /// What would have to be known.
    Unknown(String),
}

/// Where a request comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrival<'a> {
    /// Rules that come first and may fit, with what would have to be known.
    pub(crate) perhaps: Vec<(&'a Rule, String)>,
    /// The first rule that fits; `None`: the listener has no default action.
    pub(crate) rule: Option<&'a Rule>,
}

/// The rule that takes a request.
pub(crate) fn arrive<'a>(rules: &'a [Rule], request: &Request) -> Arrival<'a> {
    let mut perhaps = Vec::new();
    for rule in in_order(rules) {
        match fits(rule, request) {
            Fit::Yes => return Arrival { perhaps, rule: Some(rule) },
            Fit::Unknown(what) => perhaps.push((rule, what)),
            Fit::No => {}
        }
    }
    Arrival { perhaps, rule: None }
}

/// By priority, the default action last.
pub(crate) fn in_order(rules: &[Rule]) -> Vec<&Rule> {
    let mut all: Vec<&Rule> = rules.iter().collect();
    all.sort_by_key(|it| it.priority.parse::<u32>().unwrap_or(u32::MAX));
    all
}

/// Whether all conditions of a rule hold; one that does not decides, whatever is not known.
pub(crate) fn fits(rule: &Rule, request: &Request) -> Fit {
    let mut unknown: Vec<String> = Vec::new();
    for condition in &rule.matches {
        match holds(condition, request) {
            Fit::Yes => {}
            Fit::No => return Fit::No,
            Fit::Unknown(what) => unknown.push(what),
        }
    }
    if unknown.is_empty() { Fit::Yes } else { Fit::Unknown(unknown.join(" and ")) }
}

fn holds(condition: &Condition, request: &Request) -> Fit {
    match condition {
        Condition::Host(patterns) => any(patterns, &request.host, false),
        Condition::Path(patterns) => any(patterns, &request.path, true),
        Condition::Method(methods) => match &request.method {
            Some(method) => of(methods.contains(method)),
            None => Fit::Unknown(format!("whether the method is {}", methods.join(" or "))),
        },
        Condition::Header(name, patterns) => header(name, patterns, request),
        Condition::Query(pairs) => {
            of(pairs.iter().any(|(key, value)| has(&request.query, key.as_deref(), value)))
        }
        Condition::Source(blocks) => match request.source {
            Some(source) => {
                let holds = |it: &String| it.parse::<IpNet>().is_ok_and(|it| it.contains(&source));
                of(blocks.iter().any(holds))
            }
            None => Fit::Unknown(format!("whether the client is in {}", blocks.join(" or "))),
        },
        Condition::Family(family) => match request.source {
            Some(source) => of(source.is_ipv6() == (family == "ipv6")),
            None => Fit::Unknown(format!("whether the client comes by {family}")),
        },
        Condition::Other(text) => Fit::Unknown(format!("what {text:?} means")),
    }
}

fn of(yes: bool) -> Fit {
    if yes { Fit::Yes } else { Fit::No }
}

fn header(name: &str, patterns: &Patterns, request: &Request) -> Fit {
    let mut sent = request.headers.iter().filter(|(it, _)| it.eq_ignore_ascii_case(name)).peekable();
    if sent.peek().is_none() && !request.headers_are_all {
        return Fit::Unknown(format!("the header {name}"));
    }
    sent.map(|(_, value)| any(patterns, value, false)).find(|it| *it != Fit::No).unwrap_or(Fit::No)
}

/// Whether one of the patterns fits a text.
fn any(patterns: &Patterns, text: &str, case: bool) -> Fit {
    if patterns.values.iter().any(|it| glob(it, text, case)) {
        return Fit::Yes;
    }
    let mut unknown = Fit::No;
    for expression in &patterns.expressions {
        match compiled(expression, case) {
            Some(it) if it.is_match(text) => return Fit::Yes,
            Some(_) => {}
            None => unknown = Fit::Unknown(format!("what the expression {expression} means")),
        }
    }
    unknown
}

/// AWS leaves out what this library leaves out: look-around and references back.
fn compiled(expression: &str, case: bool) -> Option<Regex> {
    RegexBuilder::new(expression).case_insensitive(!case).size_limit(1 << 20).build().ok()
}

/// `*` is any text, `?` any one character, and a backslash takes either as it is.
pub(crate) fn glob(pattern: &str, text: &str, case: bool) -> bool {
    let fold = |it: &str| if case { it.to_owned() } else { it.to_lowercase() };
    let pattern: Vec<Piece> = pieces(&fold(pattern));
    let text: Vec<Piece> = fold(text).chars().map(Piece::Letter).collect();
    covers(&pattern, &text)
}

/// Whether whatever fits `narrow` fits `wide` as well, as far as the texts tell.
pub(crate) fn is_within(narrow: &str, wide: &str, case: bool) -> bool {
    let fold = |it: &str| if case { it.to_owned() } else { it.to_lowercase() };
    covers(&pieces(&fold(wide)), &pieces(&fold(narrow)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Piece {
    Any,
    One,
    Letter(char),
}

fn pieces(pattern: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut letters = pattern.chars().peekable();
    while let Some(letter) = letters.next() {
        found.push(match (letter, letters.peek()) {
            ('\\', Some('*' | '?')) => Piece::Letter(letters.next().unwrap_or_default()),
            ('*', _) => Piece::Any,
            ('?', _) => Piece::One,
            (other, _) => Piece::Letter(other),
        });
    }
    found
}

/// Goes back to the last `*` where what follows does not fit.
fn covers(wide: &[Piece], narrow: &[Piece]) -> bool {
    let (mut w, mut n) = (0, 0);
    let mut last: Option<(usize, usize)> = None;
    while n < narrow.len() {
        let fits = match (wide.get(w), narrow.get(n)) {
            (Some(Piece::Any), _) => {
                last = Some((w, n));
                w += 1;
                continue;
            }
            // One character is less than any text.
            (Some(Piece::One), Some(it)) => *it != Piece::Any,
            (Some(one), Some(other)) => one == other,
            _ => false,
        };
        match (fits, last) {
            (true, _) => (w, n) = (w + 1, n + 1),
            (false, Some((at, from))) => {
                last = Some((at, from + 1));
                (w, n) = (at + 1, from + 1);
            }
            (false, None) => return false,
        }
    }
    wide.iter().skip(w).all(|it| *it == Piece::Any)
}

/// Whether a query has a pair.
fn has(query: &str, key: Option<&str>, value: &str) -> bool {
    query.split('&').filter(|it| !it.is_empty()).any(|pair| {
        let (of, is) = pair.split_once('=').unwrap_or((pair, ""));
        match key {
            Some(key) => glob(key, of, false) && glob(value, is, false),
            // A value alone may stand by itself.
            None => glob(value, is, false) || (!pair.contains('=') && glob(value, of, false)),
        }
    })
}

/// What the target gets to see: host, then path and query. `Err`: an expression that cannot be understood here.
pub(crate) fn rewritten(transforms: &[Transform], request: &Request) -> Result<Request, String> {
    let mut sent = request.clone();
    for transform in transforms {
        let query = if sent.query.is_empty() { String::new() } else { format!("?{}", sent.query) };
        let text = if transform.url { format!("{}{query}", sent.path) } else { sent.host.clone() };
        for (expression, replacement) in &transform.rewrites {
            let compiled = compiled(expression, transform.url).ok_or_else(|| expression.clone())?;
            if !compiled.is_match(&text) {
                continue;
            }
            let new = compiled.replace(&text, grouped(replacement).as_str()).into_owned();
            match transform.url {
                true => {
                    let (path, query) = new.split_once('?').unwrap_or((&new, ""));
                    (sent.path, sent.query) = (path.to_owned(), query.to_owned());
                }
                false => sent.host = new,
            }
            break;
        }
    }
    Ok(sent)
}

/// `$1x` is the first group and an x, for the library a group called `1x`.
fn grouped(replacement: &str) -> String {
    let mut text = String::new();
    let mut letters = replacement.chars().peekable();
    while let Some(letter) = letters.next() {
        text.push(letter);
        if letter == '$' && letters.peek().is_some_and(char::is_ascii_digit) {
            let mut number = String::new();
            while let Some(digit) = letters.next_if(char::is_ascii_digit) {
                number.push(digit);
            }
            text.extend(["{", &number, "}"]);
        }
    }
    text
}

/// Where a redirect sends the client.
pub(crate) fn redirected(redirect: &Redirect, request: &Request) -> String {
    let path = request.path.trim_start_matches('/');
    let filled = redirect
        .template()
        .replace("#{protocol}", &request.scheme)
        .replace("#{host}", &request.host)
        .replace("#{port}", &request.port.to_string())
        .replace("#{path}", path)
        .replace("#{query}", &request.query);
    filled.trim_end_matches('?').to_owned()
}

/// The rule before another that takes everything the other would.
pub(crate) fn shadow<'a>(rules: &[&'a Rule], of: &Rule) -> Option<&'a Rule> {
    let before = rules.iter().take_while(|it| ***it != *of);
    before.copied().find(|it| !it.matches.is_empty() && it.matches.iter().all(|wide| is_implied(wide, of)))
}

/// Whether a rule has a condition that is as narrow.
fn is_implied(wide: &Condition, rule: &Rule) -> bool {
    let inside = |narrow: &Patterns, wide: &Patterns, case: bool| {
        let value = |it: &String| wide.values.iter().any(|wide| is_within(it, wide, case));
        let all = wide.values.iter().any(|it| it == "*");
        let expression = |it: &String| all || wide.expressions.contains(it);
        narrow.values.iter().all(value) && narrow.expressions.iter().all(expression)
    };
    rule.matches.iter().any(|narrow| match (narrow, wide) {
        (Condition::Host(narrow), Condition::Host(wide)) => inside(narrow, wide, false),
        (Condition::Path(narrow), Condition::Path(wide)) => inside(narrow, wide, true),
        (Condition::Header(one, narrow), Condition::Header(other, wide)) => {
            one.eq_ignore_ascii_case(other) && inside(narrow, wide, false)
        }
        (Condition::Method(narrow), Condition::Method(wide)) => narrow.iter().all(|it| wide.contains(it)),
        (Condition::Source(narrow), Condition::Source(wide)) => {
            let net = |it: &String| it.parse::<IpNet>().ok();
            let within = |it: &IpNet| wide.iter().filter_map(net).any(|wide| wide.contains(it));
            narrow.iter().all(|it| net(it).is_some_and(|it| within(&it)))
        }
        (narrow, wide) => narrow == wide,
    })
}

#[cfg(test)]
mod tests;
