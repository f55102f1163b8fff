//! Following pages to their end: how many an answer may have, and what it means when it has no end.

use std::collections::BTreeSet;

use super::failure::ErrorKind;
use super::failure::Failure;

/// Most pages of one answer of AWS, of up to 400 things each: a region holds at most 3,000 target groups, a load
/// balancer far fewer listeners and rules (Quotas for your Application Load Balancers).
pub(crate) const OF_AWS: usize = 100;
/// Most pages of one list of Kubernetes, of 500 objects each: a cluster holds at most 150,000 pods.
pub(crate) const OF_KUBERNETES: usize = 1_000;

/// The pages of one answer, as they come.
#[derive(Debug)]
pub(crate) struct Pages {
    operation: String,
    /// Who answers, as a person calls it.
    whom: &'static str,
    most: usize,
    seen: BTreeSet<String>,
}

impl Pages {
    pub(crate) fn of_aws(operation: &str) -> Self {
        Self { operation: operation.to_owned(), whom: "AWS", most: OF_AWS, seen: BTreeSet::new() }
    }

    pub(crate) fn of_kubernetes(operation: &str) -> Self {
        let whom = "the API server";
        Self { operation: operation.to_owned(), whom, most: OF_KUBERNETES, seen: BTreeSet::new() }
    }

    /// Where the next page starts; `None`: there is none. An answer without an end is a failure.
    pub(crate) fn next(&mut self, token: Option<String>) -> Result<Option<String>, Failure> {
        let Some(token) = token.filter(|it| !it.is_empty()) else { return Ok(None) };
        let n_pages = self.seen.len() + 1;
        let (whom, most) = (self.whom, self.most);
        if !self.seen.insert(token.clone()) {
            let said =
                format!("{whom} sent the start of a page that was read already, after {n_pages} pages");
            return Err(self.failure(&said));
        }
        if n_pages >= most {
            return Err(self.failure(&format!("{whom} sent {most} pages and more are to come")));
        }
        Ok(Some(token))
    }

    fn failure(&self, said: &str) -> Failure {
        let failure = Failure::new(&self.operation, ErrorKind::Unreadable, said);
        failure.with_hint(
            "nothing of this answer is used; look at the endpoint, or at a proxy in between, and read again",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut pages: Pages, token: impl Fn(usize) -> Option<String>) -> (usize, Option<String>) {
        let mut n = 0;
        loop {
            n += 1;
            match pages.next(token(n)) {
                Ok(Some(_)) => {}
                Ok(None) => return (n, None),
                Err(failure) => return (n, Some(failure.to_string())),
            }
        }
    }

    #[test]
    fn an_answer_ends_where_no_token_follows() {
        assert_eq!(all(Pages::of_aws("DescribeRules"), |_| None), (1, None));
        let three = |n: usize| Some(if n < 3 { n.to_string() } else { String::new() });
        assert_eq!(all(Pages::of_aws("DescribeRules"), three), (3, None));
    }

    #[test]
    fn a_token_that_comes_again_is_a_failure_also_after_others() {
        let (n, said) = all(Pages::of_aws("DescribeRules"), |n| Some((n % 3).to_string()));
        let expected = "DescribeRules: AWS sent the start of a page that was read already, after 4 pages";
        assert_eq!((n, said.as_deref()), (4, Some(expected)));
    }

    #[test]
    fn more_pages_than_there_can_be_are_a_failure() {
        for (pages, most) in
            [(Pages::of_aws("x"), OF_AWS), (Pages::of_kubernetes("list pods"), OF_KUBERNETES)]
        {
            let (n, said) = all(pages, |n| Some(n.to_string()));
            assert_eq!(n, most);
            assert!(said.unwrap().ends_with("pages and more are to come"));
        }
    }
}
