//! A hundred worlds at once in one process, each with its own clock, and none knows of the others.

use futures::future::join_all;
use tgscope::domain::judgement::standing::VerdictKind;

use super::Still;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_worlds_live_side_by_side() {
    let names = ["workshop", "outage", "drift", "crashloop", "instance"];
    let worlds = join_all((0..100).map(|n| Still::start(names[n % names.len()]))).await;
    // Each is moved by another time.
    for (n, world) in worlds.iter().enumerate() {
        world.seconds(u64::try_from(n).unwrap());
    }
    let looks = join_all(worlds.iter().map(Still::look)).await;
    for (n, look) in looks.iter().enumerate() {
        let report = look.reports.first().unwrap_or_else(|| panic!("world {n} is empty"));
        assert_eq!(look.at.0, super::BEGIN + i64::try_from(n).unwrap() * 1000);
        match names[n % names.len()] {
            // At 85 s of its time and before nobody has opened the way.
            "outage" if n < 85 => assert_eq!(report.word(), VerdictKind::FailOpen, "world {n}"),
            // At 10 s of its time a version is rolled out that crashes.
            "crashloop" => {
                let word = if n < 10 { VerdictKind::Serving } else { report.word() };
                assert!(matches!(word, VerdictKind::Serving | VerdictKind::Rolling), "world {n}: {word:?}");
                assert_eq!(report.word(), word, "world {n}");
            }
            _ => {}
        }
    }
}
