//! How one answer of AWS changes what is known: groups, load balancers, and routes as they come in pieces.

use super::Gone;
use super::Heard;
use super::Inventory;
use super::Observation;
use super::Source;
use super::Touched;
use crate::domain::facts::elb::Listener;
use crate::domain::facts::elb::LoadBalancer;
use crate::domain::facts::elb::LoadBalancerKind;
use crate::domain::facts::elb::TargetGroup;
use crate::domain::facts::elb::Targets;
use crate::domain::facts::ids::LoadBalancerArn;
use crate::domain::facts::ids::TargetGroupArn;
use crate::domain::facts::time::Timestamp;

impl Inventory {
    /// The kind of a load balancer: as it was read, else as its ARN says.
    pub(crate) fn kind_of(&self, arn: &LoadBalancerArn) -> LoadBalancerKind {
        self.load_balancers.get(arn).map_or_else(|| LoadBalancerKind::of(arn), |it| it.kind)
    }

    /// The name of a load balancer: as it was read, else as its ARN says.
    pub(crate) fn name_of<'a>(&'a self, arn: &'a LoadBalancerArn) -> &'a str {
        self.load_balancers.get(arn).map_or_else(|| arn.name(), |it| it.name.as_str())
    }

    pub(super) fn learn(&mut self, answer: Observation, at: Timestamp) -> Touched {
        let mut touched = Touched::default();
        match answer {
            Observation::Groups(groups) => self.groups(groups, at, &mut touched),
            Observation::AllGroups(groups) => {
                self.read(Source::Groups, at);
                self.groups(groups, at, &mut touched);
            }
            Observation::Attributes(arn, attributes) => {
                self.read(Source::Attributes(arn.clone()), at);
                self.groups.entry(arn.clone()).or_default().attributes = Some(attributes);
                touched.groups.insert(arn);
            }
            Observation::Tags(tags) => {
                for (arn, tags) in tags {
                    self.read(Source::Tags(arn.clone()), at);
                    touched.groups.insert(arn.clone());
                    self.groups.entry(arn).or_default().tags = Some(tags);
                }
            }
            Observation::Targets(arn, targets) => self.targets(arn, targets, at, &mut touched),
            Observation::LoadBalancers(load_balancers) => {
                for it in load_balancers {
                    self.read(Source::LoadBalancer(it.arn.clone()), at);
                    self.load_balancer(it);
                }
                touched.all = true;
            }
            Observation::CrossZone(arn, cross_zone) => {
                if let Some(it) = self.load_balancers.get_mut(&arn) {
                    touched.all = it.cross_zone != cross_zone;
                    it.cross_zone = cross_zone;
                }
            }
            Observation::Routes(arn, listeners) => touched.all = self.routes_in_whole(arn, listeners, at),
            Observation::Listeners(arn, listeners) => {
                self.hear(&arn, listeners);
                touched.all = self.compose(&arn, false, at);
            }
            Observation::Rules(arn, listener, rules) => {
                let mut heard = self.heard.get_mut(&arn).into_iter().flatten();
                if let Some(it) = heard.find(|it| it.listener.arn == listener) {
                    it.rules = Some(rules);
                }
                touched.all = self.compose(&arn, true, at);
            }
            Observation::Gone(gone) => touched.all = self.lose(gone, at),
            Observation::Caller(caller) => {
                self.read(Source::Caller, at);
                // Whose account we are of is said beside groups that cannot be read.
                touched.all = self.caller.as_ref() != Some(&caller);
                self.caller = Some(caller);
            }
            Observation::Marks(marks) => self.marks.extend(marks),
            Observation::Network(answer) => {
                for part in answer.parts() {
                    self.read(Source::Network(part), at);
                }
                touched.all = self.network.learn(answer);
            }
            Observation::Listed { .. }
            | Observation::Applied { .. }
            | Observation::Removed { .. }
            | Observation::Skipped { .. }
            | Observation::Signs { .. }
            | Observation::Ledger { .. }
            | Observation::Permitted { .. }
            | Observation::Gated { .. }
            | Observation::Awaited(..)
            | Observation::Failed(..) => {}
        }
        touched
    }

    fn groups(&mut self, groups: Vec<TargetGroup>, at: Timestamp, touched: &mut Touched) {
        for group in groups {
            let arn = group.arn.clone();
            self.read(Source::Group(arn.clone()), at);
            self.gone.remove(&Gone::Group(arn.clone()));
            self.groups.entry(arn.clone()).or_default().group = Some(group);
            touched.groups.insert(arn);
        }
    }

    fn targets(&mut self, arn: TargetGroupArn, targets: Targets, at: Timestamp, touched: &mut Touched) {
        self.read(Source::Targets(arn.clone()), at);
        let known = &mut self.groups.entry(arn.clone()).or_default().targets;
        // An answer to an older question must not replace a newer one.
        if known.as_ref().is_none_or(|it| it.asked <= targets.asked) {
            *known = Some(targets);
            touched.groups.insert(arn);
        }
    }

    fn load_balancer(&mut self, mut new: LoadBalancer) {
        self.gone.remove(&Gone::LoadBalancer(new.arn.clone()));
        // The setting of a network load balancer is asked for by itself.
        let known = self.load_balancers.get(&new.arn).and_then(|it| it.cross_zone);
        new.cross_zone = new.cross_zone.or(known);
        self.load_balancers.insert(new.arn.clone(), new);
    }

    fn routes_in_whole(&mut self, arn: LoadBalancerArn, listeners: Vec<Listener>, at: Timestamp) -> bool {
        self.read(Source::Routes(arn.clone()), at);
        let pieces = listeners.iter().map(|it| Heard { listener: it.clone(), rules: Some(it.rules.clone()) });
        self.heard.insert(arn.clone(), pieces.collect());
        self.routes.insert(arn, listeners.clone()) != Some(listeners)
    }

    /// Takes listeners in; the rules that are known of them stay until they are read again.
    fn hear(&mut self, arn: &LoadBalancerArn, listeners: Vec<Listener>) {
        let mut before = self.heard.remove(arn).unwrap_or_default();
        let pieces = listeners.into_iter().map(|listener| {
            let known = before.iter_mut().find(|it| it.listener.arn == listener.arn);
            let rules = known.and_then(|it| it.rules.take());
            Heard { listener, rules }
        });
        let pieces = pieces.collect();
        self.heard.insert(arn.clone(), pieces);
    }

    /// Makes routes of the pieces, if none is missing. Rules that cannot be read are told by the answer about rules, not
    /// taken back by the one about listeners.
    fn compose(&mut self, arn: &LoadBalancerArn, about_rules: bool, at: Timestamp) -> bool {
        let has_rules = self.has_rules(arn);
        let pieces = self.heard.get(arn).map(Vec::as_slice).unwrap_or_default();
        let whole = pieces.iter().map(|it| match (has_rules, &it.rules) {
            (false, _) => Some(it.listener.clone()),
            (true, rules) => Some(Listener { rules: rules.clone()?, ..it.listener.clone() }),
        });
        let Some(whole) = whole.collect::<Option<Vec<Listener>>>() else { return false };
        if !has_rules || about_rules || whole.is_empty() {
            self.read(Source::Routes(arn.clone()), at);
        }
        self.routes.insert(arn.clone(), whole.clone()) != Some(whole)
    }

    fn lose(&mut self, gone: Gone, at: Timestamp) -> bool {
        match &gone {
            Gone::Group(arn) => _ = self.read(Source::Group(arn.clone()), at),
            Gone::LoadBalancer(arn) => {
                self.read(Source::LoadBalancer(arn.clone()), at);
                self.read(Source::Routes(arn.clone()), at);
                self.load_balancers.remove(arn);
                self.heard.remove(arn);
                self.routes.remove(arn);
            }
        }
        self.gone.insert(gone)
    }
}
