//! The log as others leave it: torn, damaged, turned over, written by several at once, no plain file at all.

mod damage;

use std::os::unix::fs::PermissionsExt;

use super::file::Disk;
use super::file::append_whole;
use super::older::older;
use super::*;
use crate::domain::facts::ids::RowKey;
use crate::domain::facts::plan_id::PlanIds;
use crate::domain::facts::time::Timestamp;
use crate::domain::fixture;
use crate::domain::fixture::World;
use crate::domain::plan::act::Act;
use crate::domain::plan::drain;
use crate::domain::plan::drain::Then;
use crate::domain::plan::known::Known;
use crate::domain::plan::log::Detached;

/// A home with a log in it.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("tgscope/audit.jsonl")
    }

    /// The log as a session of its own has it.
    fn log(&self) -> Log {
        self.log_of(LIMIT)
    }

    fn log_of(&self, limit: u64) -> Log {
        Log::at(FileLog::new(self.path(), true, limit))
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.path()).unwrap()).into_owned()
    }

    fn append(&self, bytes: &[u8]) {
        let mut file = std::fs::OpenOptions::new().append(true).open(self.path()).unwrap();
        io::Write::write_all(&mut file, bytes).unwrap();
    }
}

/// The drain of a pod: two steps that write and two that wait.
fn drained(ids: &mut PlanIds) -> Plan {
    let world = World::of("10.0.0.1 ready a, 10.0.0.2 ready b | 10.0.0.1 healthy a, 10.0.0.2 healthy b");
    let report = world.report();
    let known = Known { inventory: &world.inventory, report: &report, now: world.now };
    let row = RowKey::Target(fixture::key("10.0.0.2"));
    let mut plan = drain::drain(&known, &[row], Then::Delete).unwrap();
    plan.id = ids.take(plan.made, "drain");
    plan
}

fn a_plan() -> Plan {
    drained(&mut PlanIds::new(7))
}

/// A line of a plan, as whoever carries it out writes it.
fn line(plan: &Plan, index: usize, stage: LogStage) -> Entry {
    let time = format!("2026-01-15T09:{index:02}:00Z");
    let entry = Entry::new(plan, index, stage, time).unwrap();
    let accepted = (stage == LogStage::Begin).then(|| Box::new(plan.clone()));
    Entry { accepted, ..entry }
}

fn begin(log: &Log, plan: &Plan) {
    log.write(&line(plan, 0, LogStage::Begin)).unwrap();
}

fn names(past: &Past) -> Vec<&PlanId> {
    past.unfinished.iter().map(|it| &it.plan.id).collect()
}

#[test]
fn lines_are_appended_for_their_owner_alone_and_read_back() {
    let (home, plan) = (Home::new(), a_plan());
    begin(&home.log(), &plan);
    home.log().write(&line(&plan, 0, LogStage::Done)).unwrap();
    let entries = home.log().entries().unwrap();
    assert_eq!(entries, [line(&plan, 0, LogStage::Begin), line(&plan, 0, LogStage::Done)]);
    for (path, mode) in [(home.path(), 0o600), (home.path().parent().unwrap().to_owned(), 0o700)] {
        assert_eq!(std::fs::metadata(path).unwrap().permissions().mode() & 0o7777, mode);
    }
}

#[test]
fn every_line_says_which_plan_in_which_account_region_and_context_and_what_is_about_to_be_done() {
    let (home, plan) = (Home::new(), a_plan());
    for index in 0..plan.steps.len() {
        home.log().write(&line(&plan, index, LogStage::Begin)).unwrap();
    }
    for entry in home.log().entries().unwrap() {
        assert_eq!(entry.plan, plan.id);
        assert_eq!(entry.account.as_deref(), Some(fixture::arn().account()), "{}", entry.call);
        assert_eq!(entry.region.as_deref(), Some(fixture::arn().region()), "{}", entry.call);
        assert_eq!(entry.context.as_deref(), Some("test"));
        assert_eq!(entry.sentence.as_deref(), Some(plan.steps[entry.step - 1].act.sentence().as_str()));
    }
    assert!(home.text().starts_with("{\"time\":\"2026-01-15T09:00:00Z\",\"plan\":\""));
}

#[test]
fn a_log_that_cannot_be_written_says_so() {
    let home = tempfile::tempdir().unwrap();
    let entry = line(&a_plan(), 0, LogStage::Begin);
    std::fs::write(home.path().join("file"), "").unwrap();
    assert!(Log::file(home.path().join("file/audit.jsonl")).write(&entry).is_err());
    let full = Log::words(|_| Err(io::Error::other("full")));
    assert!(full.write(&entry).is_err());
    assert_eq!(full.entries().unwrap(), []);
    let long = Entry { before: Some("x".repeat(9 << 20)), ..entry };
    let said = Log::file(home.path().join("audit.jsonl")).write(&long).unwrap_err().to_string();
    assert!(said.contains("longer than the 8388608"), "{said}");
}

#[test]
fn what_is_no_plain_file_is_refused_and_said_and_what_is_too_wide_is_narrowed() {
    let home = tempfile::tempdir().unwrap();
    let (link, target) = (home.path().join("link"), home.path().join("target"));
    std::fs::write(&target, "").unwrap();
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let entry = line(&a_plan(), 0, LogStage::Begin);
    for (path, what) in [(link, "a symbolic link"), ("/dev/full".into(), "a device")] {
        let log = Log::file(path);
        let said = log.write(&entry).unwrap_err().to_string();
        assert!(said.contains(what), "{said}");
        assert!(log.last_done(None).unwrap_err().to_string().contains(what));
        assert!(log.excerpt().notes[0].contains(what) && log.past().notes[0].contains(what));
    }
    assert_eq!(std::fs::read(&target).unwrap(), b"");
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o666)).unwrap();
    Log::file(target.clone()).write(&entry).unwrap();
    assert_eq!(target.metadata().unwrap().permissions().mode() & 0o7777, 0o600);
}

#[test]
fn one_bad_byte_costs_its_line_and_is_counted_and_said() {
    let (home, plan) = (Home::new(), a_plan());
    begin(&home.log(), &plan);
    let at = home.text().len();
    home.append(b"\xff\n\0\0\0\n{\"later\": \"version\"}\n");
    home.log().write(&line(&plan, 0, LogStage::Done)).unwrap();
    let note = format!("3 lines of {} cannot be read (the first at byte {at})", home.path().display());
    let shown = home.log().excerpt();
    assert_eq!((shown.entries.len(), shown.notes), (2, vec![note.clone()]));
    let past = home.log().past();
    assert_eq!((names(&past), &past.notes), (vec![&plan.id], &vec![note.clone()]));
    assert_eq!(past.unfinished[0].next, 1);
    let last = home.log().last_done(None).unwrap();
    assert_eq!((last.done.unwrap().id, last.newer_lost, last.notes), (plan.id, false, vec![note]));
}

#[test]
fn nothing_is_called_the_last_change_while_newer_lines_cannot_be_read() {
    let (home, plan) = (Home::new(), a_plan());
    begin(&home.log(), &plan);
    home.append(b"damaged\n");
    let last = home.log().last_done(None).unwrap();
    assert!(last.newer_lost && last.done.is_some());
}

#[test]
fn a_torn_line_is_never_glued_to_the_next() {
    let (home, plan) = (Home::new(), a_plan());
    let log = home.log();
    begin(&log, &plan);
    // While the session has it open: another process was ended in the middle of a line.
    home.append(b"{\"time\":\"2026");
    log.write(&line(&plan, 0, LogStage::Done)).unwrap();
    let shown = home.log().excerpt();
    assert_eq!(shown.entries.len(), 2);
    assert!(shown.notes[0].starts_with("1 line of "), "{:?}", shown.notes);
}

/// A disk that takes so many bytes.
#[derive(Default)]
struct Small {
    kept: std::cell::RefCell<Vec<u8>>,
    room: usize,
    syncs: bool,
}

impl io::Write for Small {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut kept = self.kept.borrow_mut();
        let n = bytes.len().min(self.room.saturating_sub(kept.len())).min(7);
        kept.extend_from_slice(&bytes[..n]);
        if n == 0 { Err(io::Error::other("no space left on device")) } else { Ok(n) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk for Small {
    fn last_byte(&self, size: u64) -> io::Result<u8> {
        Ok(self.kept.borrow()[usize::try_from(size).unwrap() - 1])
    }

    fn sync(&self) -> io::Result<()> {
        if self.syncs { Ok(()) } else { Err(io::Error::other("input/output error")) }
    }

    fn cut(&self, size: u64) -> io::Result<()> {
        self.kept.borrow_mut().truncate(usize::try_from(size).unwrap());
        Ok(())
    }
}

#[test]
fn a_line_that_does_not_fit_or_is_not_on_disk_is_not_there() {
    let mut disk = Small { room: 20, syncs: true, ..Small::default() };
    append_whole(&mut disk, 0, b"a first line\n").unwrap();
    assert!(append_whole(&mut disk, 13, b"a second line\n").is_err());
    assert_eq!(disk.kept.borrow().as_slice(), b"a first line\n");
    disk.room = 100;
    append_whole(&mut disk, 13, b"a third line\n").unwrap();
    disk.syncs = false;
    assert!(append_whole(&mut disk, 26, b"a fourth line\n").is_err());
    assert_eq!(disk.kept.borrow().as_slice(), b"a first line\na third line\n");
}

#[test]
fn a_log_of_before_is_read() {
    let (home, plan) = (Home::new(), a_plan());
    begin(&home.log(), &plan);
    // As it was written before: without sum and sentence, the change by its old name, the plan in the first line only.
    let mut old: serde_json::Value = serde_json::from_str(home.text().trim()).unwrap();
    let fields = old.as_object_mut().unwrap();
    for gone in ["sum", "sentence"] {
        fields.remove(gone).unwrap();
    }
    let change = fields.remove("change").unwrap();
    fields.insert("hand".to_owned(), change);
    let accepted = fields["accepted"].as_object_mut().unwrap();
    let change = accepted.remove("change").unwrap();
    accepted.insert("hand".to_owned(), change);
    accepted.remove("id").unwrap();
    let mut end = old.clone();
    end.as_object_mut().unwrap().remove("accepted");
    end["stage"] = "done".into();
    std::fs::write(home.path(), format!("{old}\n{end}\n")).unwrap();
    let past = home.log().past();
    assert_eq!((past.unfinished[0].plan.clone(), past.unfinished[0].next), (plan, 1));
    assert_eq!(past.notes, [] as [String; 0]);
    end["stage"] = "not verified".into();
    home.append(format!("{end}\n").as_bytes());
    assert_eq!(home.log().past().unfinished, []);
    // A stage of a later version is not guessed at.
    end["stage"] = "half done".into();
    home.append(format!("{end}\n").as_bytes());
    assert!(home.log().past().notes[0].starts_with("1 line of "));
}

#[test]
fn a_log_is_turned_over_without_losing_what_is_unfinished_or_out_of_rotation() {
    let (home, mut ids) = (Home::new(), PlanIds::new(7));
    let limit = 64 * 1024;
    let (open, kept) = (drained(&mut ids), drained(&mut ids));
    begin(&home.log_of(limit), &open);
    begin(&home.log_of(limit), &kept);
    home.log_of(limit).write(&line(&kept, 0, LogStage::Done)).unwrap();
    home.log_of(limit).write(&line(&kept, 1, LogStage::Cancelled)).unwrap();
    let before = home.log().past();
    assert_eq!(names(&before), [&open.id]);
    assert_ne!(before.detached, Detached::default());
    let mut n = 0;
    while !older(&home.path(), 4).exists() {
        let other = drained(&mut ids);
        begin(&home.log_of(limit), &other);
        home.log_of(limit).write(&line(&other, 0, LogStage::Failed)).unwrap();
        n += 1;
        assert!(home.path().metadata().unwrap().len() <= limit);
    }
    for _ in 0..60 {
        let other = drained(&mut ids);
        begin(&home.log_of(limit), &other);
        home.log_of(limit).write(&line(&other, 0, LogStage::Failed)).unwrap();
    }
    assert!(!older(&home.path(), 5).exists() && n > 20);
    let after = home.log().past();
    assert_eq!((&after.unfinished, &after.detached), (&before.unfinished, &before.detached));
    assert_eq!(after.notes, [] as [String; 0]);
    // What was carried over is shown once, and the older files are read on.
    let entries = home.log().entries().unwrap();
    assert_eq!(entries.iter().filter(|it| it.plan == open.id).count(), 1);
    let lines = home.text().lines().count();
    assert!(entries.len() > lines, "{} entries, {lines} lines in the newest file", entries.len());
    // And can be undone from there.
    let first = entries.iter().find(|it| it.plan != open.id && it.plan != kept.id).unwrap();
    let done = home.log().last_done(Some(first.plan.as_str())).unwrap().done.unwrap();
    assert_eq!(done.acts.len(), 1);
}

#[test]
fn a_log_that_cannot_be_turned_over_is_written_on_and_says_so() {
    let (home, mut ids) = (Home::new(), PlanIds::new(7));
    let log = home.log_of(20 * 1024);
    let open: Vec<Plan> = (0..9).map(|_| drained(&mut ids)).collect();
    for plan in &open {
        begin(&log, plan);
    }
    assert!(!older(&home.path(), 1).exists());
    assert_eq!(home.log().past().unfinished.len(), 9);
    let notes = log.excerpt().notes;
    assert!(notes[0].contains("could not be rotated: unfinished changes alone take"), "{notes:?}");
    for plan in &open {
        log.write(&line(plan, 0, LogStage::Failed)).unwrap();
    }
    // And is turned over once that is possible.
    while !older(&home.path(), 1).exists() {
        let other = drained(&mut ids);
        begin(&log, &other);
        log.write(&line(&other, 0, LogStage::Failed)).unwrap();
    }
    assert_eq!(log.excerpt().notes, [] as [String; 0]);
}

#[test]
fn an_older_file_that_is_refused_hides_nothing_of_the_newest() {
    let (home, plan) = (Home::new(), a_plan());
    begin(&home.log(), &plan);
    std::os::unix::fs::symlink("/dev/zero", older(&home.path(), 1)).unwrap();
    let shown = home.log().excerpt();
    assert_eq!(shown.entries.len(), 1);
    assert!(shown.notes[0].contains("audit.jsonl.1 is a symbolic link"), "{:?}", shown.notes);
}

#[test]
fn sessions_that_write_at_once_lose_and_tear_no_line_when_the_log_is_turned_over() {
    let home = Home::new();
    let limit = 300 * 1024;
    std::thread::scope(|scope| {
        for session in 0..4 {
            let log = home.log_of(limit);
            scope.spawn(move || {
                let mut ids = PlanIds::new(session);
                for _ in 0..30 {
                    let plan = drained(&mut ids);
                    begin(&log, &plan);
                    log.write(&line(&plan, 0, LogStage::Failed)).unwrap();
                }
                begin(&log, &drained(&mut ids));
            });
        }
    });
    assert!(older(&home.path(), 1).exists(), "it was turned over");
    let shown = home.log().excerpt();
    assert_eq!(shown.notes, [] as [String; 0]);
    let lines: std::collections::BTreeSet<(String, &str)> =
        shown.entries.iter().map(|it| (it.plan.to_string(), it.stage.word())).collect();
    assert_eq!((lines.len(), shown.entries.len()), (244, 244));
    // Nobody wrote on in what was the log before.
    assert_eq!(home.log().past().unfinished.len(), 4);
}

#[test]
fn a_plan_that_another_session_carries_out_is_nobody_elses() {
    let (home, plan) = (Home::new(), a_plan());
    let theirs = home.log();
    let claim = theirs.claim(&plan.id).unwrap();
    begin(&theirs, &plan);
    let past = home.log().past();
    assert_eq!(names(&past), [] as [&PlanId; 0]);
    assert_eq!(past.notes, [format!("running in another session: {}", plan.effect)]);
    let said = home.log().claim(&plan.id).unwrap_err().to_string();
    assert_eq!(said, format!("plan {} is running in another session", plan.id));
    assert!(home.log().is_running(&plan.id).unwrap());
    let open = home.log().entries().unwrap();
    let open = &crate::domain::plan::log::unfinished(&open)[0];
    assert!(home.log().forget(open, String::new()).is_err());
    // The session ends, however it ends.
    drop(claim);
    assert!(!home.log().is_running(&plan.id).unwrap());
    assert_eq!(names(&home.log().past()), [&plan.id]);
    home.log().forget(open, "2026-01-15T10:00:00Z".to_owned()).unwrap();
    assert_eq!(home.log().past(), Past::default());
    let left = std::fs::read_dir(home.path().with_file_name("audit.jsonl.running")).unwrap();
    assert_eq!(left.count(), 0);
}

#[test]
fn what_a_killed_session_left_locks_nothing() {
    let (home, plan) = (Home::new(), a_plan());
    begin(&home.log(), &plan);
    let folder = home.path().with_file_name("audit.jsonl.running");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join(format!("{}.lock", plan.id)), "").unwrap();
    assert_eq!(names(&home.log().past()), [&plan.id]);
    drop(home.log().claim(&plan.id).unwrap());
    // A name that was damaged leads nowhere else.
    drop(home.log().claim(&"../../elsewhere".into()).unwrap());
    assert!(home.0.path().read_dir().unwrap().count() == 1);
}

#[test]
fn only_the_last_lines_of_a_long_log_are_kept_for_the_screen() {
    let (home, plan) = (Home::new(), a_plan());
    begin(&home.log(), &plan);
    let done = line::encode(&line(&plan, 0, LogStage::Done)).unwrap();
    home.append(done.repeat(3 * SHOWN).as_bytes());
    let shown = home.log().excerpt();
    assert_eq!(shown.entries.len(), SHOWN);
    assert!(shown.notes[0].starts_with("only the last 1000 lines"), "{:?}", shown.notes);
}

#[test]
fn the_plan_of_two_hundred_targets_fits_into_a_line() {
    let addresses: Vec<String> = (0..200).map(|it| format!("10.0.{}.{}", it / 100, it % 100 + 1)).collect();
    let pods: Vec<String> = addresses.iter().map(|it| format!("{it} ready a")).collect();
    let targets: Vec<String> = addresses.iter().map(|it| format!("{it} healthy a")).collect();
    let world = World::of(&format!("{} | {}", pods.join(", "), targets.join(", ")));
    let report = world.report();
    let known = Known { inventory: &world.inventory, report: &report, now: Timestamp(0) };
    let rows: Vec<RowKey> = addresses[..190].iter().map(|it| RowKey::Target(fixture::key(it))).collect();
    let plan = drain::drain(&known, &rows, Then::Delete).unwrap();
    let home = Home::new();
    begin(&home.log(), &plan);
    assert!(size_of(&plan) < backwards::LONGEST / 2, "{} bytes", size_of(&plan));
    assert_eq!(home.log().past().unfinished[0].plan, plan);
}

#[test]
fn what_may_have_been_written_can_be_undone_whatever_somebody_else_says_of_the_plan() {
    let refused = |log: &Log, plan: &Plan| log.write(&line(plan, 0, LogStage::Refused)).unwrap();
    let discarded = |log: &Log, plan: &Plan| {
        let open = log.past().unfinished.into_iter().find(|it| it.plan.id == plan.id).unwrap();
        log.forget(&open, "2026-01-15T09:30:00Z".to_owned()).unwrap();
    };
    let deeds: [(&str, &dyn Fn(&Log, &Plan)); 2] = [("refused", &refused), ("discarded", &discarded)];
    for (what, deed) in deeds {
        let (home, plan) = (Home::new(), a_plan());
        begin(&home.log(), &plan);
        deed(&home.log(), &plan);
        let last = home.log().last_done(None).unwrap().done;
        assert_eq!(last.map(|it| it.id), Some(plan.id.clone()), "{what}: its call may have been made");
        assert_eq!(home.log().left_of(&plan.id).unwrap(), 0, "{what}: nobody resumes it");
    }
    // A step that ended before its call, as its own session noted it.
    let (home, plan) = (Home::new(), a_plan());
    begin(&home.log(), &plan);
    let ended = Entry { duration_ms: Some(5), ..line(&plan, 0, LogStage::Refused) };
    home.log().write(&ended).unwrap();
    assert!(home.log().last_done(None).unwrap().done.is_none());
}

#[test]
fn what_is_left_of_a_plan_is_counted_from_its_last_line() {
    let (home, plan) = (Home::new(), a_plan());
    assert_eq!(home.log().left_of(&plan.id).unwrap(), 0);
    begin(&home.log(), &plan);
    assert_eq!(home.log().left_of(&plan.id).unwrap(), 5);
    home.log().write(&line(&plan, 0, LogStage::Done)).unwrap();
    assert_eq!(home.log().left_of(&plan.id).unwrap(), 4);
    assert_eq!(home.log().left_of(&drained(&mut PlanIds::new(8)).id).unwrap(), 0);
}

#[test]
fn a_drain_of_an_older_log_is_read() {
    let plan = a_plan();
    let act = &plan.steps.last().unwrap().act;
    let written = serde_json::to_string(act).unwrap();
    assert!(written.contains("evictPod"), "{written}");
    assert_eq!(serde_json::from_str::<Act>(&written.replace("evictPod", "deletePod")).unwrap(), *act);
}
