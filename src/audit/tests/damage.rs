//! Whatever happens to a log, what was begun and not ended is offered. A plan is outside of the damage while one line that
//! holds it is whole: each line before a call does.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

/// What a session does with its plans, one line after the other.
#[derive(Clone, Copy, Debug)]
enum Deed {
    /// A new plan is begun.
    New,
    /// One of the open plans goes on by a line.
    On(usize),
    /// Another session goes on with one of them.
    Resume(usize),
    /// One of them is ended by somebody.
    End(usize, LogStage),
}

#[derive(Clone, Debug)]
enum Damage {
    /// Cut at a thousandth of its length.
    Cut(usize),
    /// Bytes changed from a thousandth on.
    Bytes(usize, Vec<u8>),
    /// A line lost.
    Line(usize),
    /// Bytes that came in between.
    Extra(usize, Vec<u8>),
}

fn deed() -> impl Strategy<Value = Deed> {
    let end = prop_oneof![
        Just(LogStage::Cancelled),
        Just(LogStage::Failed),
        Just(LogStage::Refused),
        Just(LogStage::NotVerified)
    ];
    prop_oneof![
        2 => Just(Deed::New),
        5 => (0..8_usize).prop_map(Deed::On),
        1 => (0..8_usize).prop_map(Deed::Resume),
        1 => (0..8_usize, end).prop_map(|(which, stage)| Deed::End(which, stage)),
    ]
}

fn damage() -> impl Strategy<Value = Damage> {
    let bytes = proptest::collection::vec(any::<u8>(), 1..40);
    prop_oneof![
        (0..1_000_usize).prop_map(Damage::Cut),
        (0..1_000_usize, bytes.clone()).prop_map(|(at, bytes)| Damage::Bytes(at, bytes)),
        (0..1_000_usize, any::<u8>()).prop_map(|(at, byte)| Damage::Bytes(at, vec![byte])),
        (0..1_000_usize).prop_map(Damage::Line),
        (0..1_000_usize, bytes).prop_map(|(at, bytes)| Damage::Extra(at, bytes)),
    ]
}

/// A plan that is carried out: what is left of it, how many lines its session wrote, whether its call is under way.
struct Running {
    whole: usize,
    plan: Plan,
    at: usize,
    called: bool,
}

/// Writes what is done, and gives the plans that are open at the end: by name, the next step, whether it may be done.
fn written(log: &Log, deeds: &[Deed]) -> Vec<(PlanId, usize, bool)> {
    let mut ids = PlanIds::new(7);
    let mut open: Vec<Running> = Vec::new();
    for deed in deeds {
        match *deed {
            Deed::New => {
                let plan = drained(&mut ids);
                begin(log, &plan);
                open.push(Running { whole: plan.steps.len(), plan, at: 0, called: true });
            }
            Deed::On(which) if !open.is_empty() => {
                let which = which % open.len();
                let it = &mut open[which];
                if it.called || it.plan.steps[it.at].act.only_waits() {
                    log.write(&line(&it.plan, it.at, LogStage::Done)).unwrap();
                    (it.at, it.called) = (it.at + 1, false);
                } else {
                    log.write(&line(&it.plan, it.at, LogStage::Begin)).unwrap();
                    it.called = true;
                }
                if it.at == it.plan.steps.len() {
                    open.remove(which);
                }
            }
            Deed::Resume(which) if !open.is_empty() => {
                let which = which % open.len();
                let it = &mut open[which];
                let begun = "2026-01-15T09:00:00Z".to_owned();
                let left = Unfinished { plan: it.plan.clone(), next: it.at, uncertain: it.called, begun };
                (it.plan, it.at, it.called) = (left.rest().unwrap(), 0, false);
                let waits = it.plan.steps[0].act.only_waits();
                let stage = if waits { LogStage::Waiting } else { LogStage::Begin };
                let first = Entry { accepted: Some(Box::new(it.plan.clone())), ..line(&it.plan, 0, stage) };
                log.write(&first).unwrap();
                it.called = true;
            }
            Deed::End(which, stage) if !open.is_empty() => {
                let it = open.remove(which % open.len());
                log.write(&line(&it.plan, it.at, stage)).unwrap();
            }
            _ => {}
        }
    }
    open.into_iter().map(|it| (it.plan.id, it.whole - it.plan.steps.len() + it.at, it.called)).collect()
}

fn damaged(text: &mut Vec<u8>, damage: &Damage) {
    let at = |of: usize| text.len() * of / 1_000;
    match damage {
        Damage::Cut(of) => text.truncate(at(*of)),
        Damage::Bytes(of, bytes) => {
            let at = at(*of);
            text.iter_mut().skip(at).zip(bytes).for_each(|(it, byte)| *it = *byte);
        }
        Damage::Line(of) => {
            let lines: Vec<&[u8]> = text.split_inclusive(|it| *it == b'\n').collect();
            let lost = lines.len() * of / 1_000;
            *text = lines.iter().enumerate().filter(|it| it.0 != lost).flat_map(|it| it.1.to_vec()).collect();
        }
        Damage::Extra(of, bytes) => drop(text.splice(at(*of)..at(*of), bytes.iter().copied())),
    }
}

/// The lines of a text that stood there before.
fn whole<'a>(text: &'a [u8], before: &BTreeSet<&[u8]>) -> Vec<&'a [u8]> {
    text.split(|it| *it == b'\n').filter(|it| before.contains(it)).collect()
}

proptest! {
    #![proptest_config(crate::domain::fixture::few(200))]

    #[test]
    fn what_was_begun_and_not_ended_is_offered_whatever_happens_to_the_log(
        deeds in proptest::collection::vec(deed(), 1..30),
        harm in proptest::collection::vec(damage(), 0..4),
        turned in any::<bool>(),
    ) {
        let home = Home::new();
        let open = written(&home.log(), &deeds);
        if open.is_empty() {
            return Ok(());
        }
        let before = std::fs::read(home.path()).unwrap();
        let mut text = before.clone();
        for it in &harm {
            damaged(&mut text, it);
        }
        std::fs::write(home.path(), &text).unwrap();
        if turned {
            // The next session's first line turns the log over, at its size.
            let log = home.log_of(text.len().max(64) as u64 * 2);
            let other = drained(&mut PlanIds::new(8));
            while !older(&home.path(), 1).exists() {
                begin(&log, &other);
                log.write(&line(&other, 0, LogStage::Cancelled)).unwrap();
            }
        }
        let lines: BTreeSet<&[u8]> = before.split(|it| *it == b'\n').filter(|it| !it.is_empty()).collect();
        let left = whole(&text, &lines);
        let past = home.log().past();
        let mut outside = 0;
        for (plan, next, called) in &open {
            let of = |line: &&&[u8]| line::decode(line).unwrap().plan == *plan;
            let holds = |line: &&[u8]| line::decode(line).unwrap().accepted.is_some_and(|it| !it.resumed);
            if !left.iter().filter(of).any(holds) {
                continue;
            }
            outside += 1;
            let found = past.unfinished.iter().find(|it| it.plan.id == *plan);
            let found = found.unwrap_or_else(|| panic!("{plan} is not offered: {past:?}"));
            prop_assert!(found.next <= *next, "{} steps done, {next} were", found.next);
            let last = lines_of(&before, plan).pop();
            if last.is_some_and(|it| left.contains(&it)) {
                prop_assert_eq!((found.next, found.uncertain), (*next, *called));
            }
        }
        if harm.is_empty() {
            prop_assert_eq!(past.unfinished.len(), open.len());
            prop_assert_eq!(outside, open.len());
            undoable(&home, &past);
        }
        // And what cannot be read is said, in each place.
        let bad = text.split(|it| *it == b'\n').filter(|it| !it.is_empty() && !lines.contains(it)).count();
        let said = |notes: &[String]| notes.iter().any(|it| it.contains("cannot be read (") && it.starts_with(&bad.to_string()));
        if bad > 0 {
            let shown = home.log().excerpt();
            prop_assert!(said(&shown.notes), "{bad} lines: {:?}", shown.notes);
            prop_assert!(turned || said(&past.notes), "{bad} lines: {:?}", past.notes);
            prop_assert!(said(&home.log().last_done(Some("none")).unwrap().notes));
        }
    }
}

/// What was begun can be undone, also once somebody has discarded it: its call may have been made.
fn undoable(home: &Home, past: &Past) {
    for it in &past.unfinished {
        let found = || home.log().last_done(Some(it.plan.id.as_str())).unwrap().done;
        assert!(found().is_some(), "{} was begun", it.plan.id);
        home.log().forget(it, "2026-01-15T09:30:00Z".to_owned()).unwrap();
        assert!(found().is_some(), "{} was begun, and then discarded", it.plan.id);
    }
    assert_eq!(home.log().past().unfinished, []);
}

/// The lines of one plan, oldest first.
fn lines_of<'a>(text: &'a [u8], plan: &PlanId) -> Vec<&'a [u8]> {
    let lines = text.split(|it| *it == b'\n').filter(|it| !it.is_empty());
    lines.filter(|it| line::decode(it).unwrap().plan == *plan).collect()
}
