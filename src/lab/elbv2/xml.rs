//! The Query protocol: parameters with numbered members in, XML out.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::refused::Refused;
use crate::lab::server::Reply;

/// The parameters of a call.
#[derive(Clone, Debug, Default)]
pub(in crate::lab) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    pub(in crate::lab) fn parse(body: &[u8], query: &[(String, String)]) -> Self {
        let form = form_urlencoded::parse(body).into_owned();
        Self(form.chain(query.iter().cloned()).collect())
    }

    pub(in crate::lab) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(in crate::lab) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// The values of `NAME.member.N`.
    pub(in crate::lab) fn list(&self, name: &str) -> Vec<String> {
        (1..).map_while(|n| self.get(&format!("{name}.member.{n}")).map(str::to_owned)).collect()
    }

    /// The fields of each `NAME.member.N.…`.
    pub(in crate::lab) fn structures(&self, name: &str) -> Vec<Self> {
        let of = |n: usize| {
            let start = format!("{name}.member.{n}.");
            let inside = self
                .0
                .iter()
                .filter_map(|(key, it)| Some((key.strip_prefix(&start)?.to_owned(), it.clone())));
            Self(inside.collect())
        };
        (1..=self.0.len()).map(of).take_while(|it| !it.0.is_empty()).collect()
    }

    /// The values of `NAME.N`, as EC2 has them.
    pub(in crate::lab) fn numbered(&self, name: &str) -> Vec<String> {
        (1..).map_while(|n| self.get(&format!("{name}.{n}")).map(str::to_owned)).collect()
    }

    /// The fields behind a start.
    pub(in crate::lab) fn within(&self, start: &str) -> Self {
        let inside =
            self.0.iter().filter_map(|(key, it)| Some((key.strip_prefix(start)?.to_owned(), it.clone())));
        Self(inside.collect())
    }

    /// There is something in it.
    pub(in crate::lab) fn is_some(&self) -> bool {
        !self.0.is_empty()
    }

    pub(in crate::lab) fn has(&self, start: &str) -> bool {
        self.0.keys().any(|it| it.starts_with(start))
    }
}

/// XML being written.
#[derive(Clone, Debug, Default)]
pub(in crate::lab) struct Xml(String);

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Xml {
    /// A tag with a text.
    pub(in crate::lab) fn tag(&mut self, name: &str, text: impl AsRef<str>) -> &mut Self {
        let text = escape(text.as_ref());
        _ = write!(self.0, "<{name}>{text}</{name}>");
        self
    }

    /// A tag with a text that may not be there.
    pub(in crate::lab) fn some(&mut self, name: &str, text: &str) -> &mut Self {
        if text.is_empty() { self } else { self.tag(name, text) }
    }

    pub(in crate::lab) fn number(&mut self, name: &str, number: i64) -> &mut Self {
        self.tag(name, number.to_string())
    }

    /// A tag with more inside.
    pub(in crate::lab) fn inside(&mut self, name: &str, write: impl FnOnce(&mut Self)) -> &mut Self {
        _ = write!(self.0, "<{name}>");
        write(self);
        _ = write!(self.0, "</{name}>");
        self
    }

    /// A list, each element in a tag `item`, as EC2 has them.
    pub(in crate::lab) fn items<T>(
        &mut self,
        name: &str,
        all: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Self, T),
    ) -> &mut Self {
        self.each(name, "item", all, write)
    }

    /// A list, each element in a tag `member`.
    pub(in crate::lab) fn list<T>(
        &mut self,
        name: &str,
        all: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Self, T),
    ) -> &mut Self {
        self.each(name, "member", all, write)
    }

    fn each<T>(
        &mut self,
        name: &str,
        element: &str,
        all: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Self, T),
    ) -> &mut Self {
        self.inside(name, |xml| {
            for it in all {
                xml.inside(element, |xml| write(xml, it));
            }
        })
    }

    /// A list of texts.
    pub(in crate::lab) fn texts<T: AsRef<str>>(
        &mut self,
        name: &str,
        all: impl IntoIterator<Item = T>,
    ) -> &mut Self {
        self.inside(name, |xml| {
            for it in all {
                xml.tag("member", it);
            }
        })
    }
}

const ELB: &str = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/";
const EC2: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";
const STS: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

fn namespace(sts: bool) -> &'static str {
    if sts { STS } else { ELB }
}

pub(in crate::lab) fn answer(action: &str, inner: &Xml, request: &str, sts: bool) -> Reply {
    let body = format!(
        "<{action}Response xmlns=\"{}\"><{action}Result>{}</{action}Result><ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata></{action}Response>",
        namespace(sts),
        inner.0
    );
    reply(200, request, body)
}

pub(in crate::lab) fn refusal(it: &Refused, request: &str, sts: bool) -> Reply {
    let who = if it.status < 500 { "Sender" } else { "Receiver" };
    let body = format!(
        "<ErrorResponse xmlns=\"{}\"><Error><Type>{who}</Type><Code>{}</Code><Message>{}</Message></Error><RequestId>{request}</RequestId></ErrorResponse>",
        namespace(sts),
        it.code,
        escape(&it.message)
    );
    reply(it.status, request, body)
}

/// The same as EC2 writes it.
pub(in crate::lab) fn answer_of_ec2(action: &str, inner: &Xml, request: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{action}Response xmlns=\"{EC2}\"><requestId>{request}</requestId>{}</{action}Response>",
        inner.0
    );
    reply(200, request, body)
}

pub(in crate::lab) fn refusal_of_ec2(it: &Refused, request: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response><Errors><Error><Code>{}</Code><Message>{}</Message></Error></Errors><RequestID>{request}</RequestID></Response>",
        it.code,
        escape(&it.message)
    );
    reply(it.status, request, body)
}

fn reply(status: u16, request: &str, body: String) -> Reply {
    let headers = vec![("x-amzn-requestid", request.to_owned())];
    Reply::Whole { status, kind: "text/xml", headers, body: body.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbered_members_are_read_in_order() {
        let body = b"Action=X&Arns.member.1=a&Arns.member.2=b%3Ac&Targets.member.1.Id=10.0.0.1&Targets.member.1.Port=80&Targets.member.2.Id=i-1";
        let parameters = Parameters::parse(body, &[]);
        assert_eq!(parameters.list("Arns"), ["a", "b:c"]);
        let targets = parameters.structures("Targets");
        let ids: Vec<(&str, Option<&str>)> =
            targets.iter().map(|it| (it.text("Id"), it.get("Port"))).collect();
        assert_eq!(ids, [("10.0.0.1", Some("80")), ("i-1", None)]);
    }

    #[test]
    fn texts_are_escaped() {
        let mut xml = Xml::default();
        xml.inside("A", |it| {
            it.tag("B", "1 < 2 & 3");
        });
        assert_eq!(xml.0, "<A><B>1 &lt; 2 &amp; 3</B></A>");
    }
}
