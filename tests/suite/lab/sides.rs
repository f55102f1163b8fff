//! Forty bindings are read while one of their Deployments scales and restarts: whenever it is looked, nobody is accused by
//! sides of different age, and nothing is called settled that is not.

use std::fmt::Write;
use std::time::Duration;

use serde_json::Value;
use tgscope::app::opening::Opening;
use tgscope::backend::Look;
use tgscope::domain::plan::manner::Manner;
use tgscope::lab::Scenario;
use tgscope::report::Document;

use super::BEGIN;
use super::Still;
use super::session::Session;

const BINDINGS: usize = 40;
const LOOKS: u64 = 50;

fn world() -> Scenario {
    let mut text = String::from(
        r#"
        summary = "many bindings"
        [controller]
        [[node]]
        zone = "a"
        count = 4
        [[node]]
        zone = "b"
        count = 4
        [[image]]
        name = "web:1"
        start = "1s"
        ready = "1s"
        stop = "2s"
        [[load-balancer]]
        name = "lb"
        zones = ["a", "b"]
        [[load-balancer.listener]]
        port = 80
        forward = { tg-1 = 1 }
        "#,
    );
    for n in 1..=BINDINGS {
        let rule = format!(
            "[[load-balancer.listener.rule]]\npriority = {n}\npath = \"/{n}/*\"\nforward = {{ tg-{n} = 1 }}\n"
        );
        text.push_str(&rule);
    }
    _ = write!(
        text,
        "[[group]]\nname = \"tg-{{n}}\"\ncount = {BINDINGS}\ninterval = 5\ndelay = 5\n\
         [[app]]\nname = \"web-{{n}}\"\ncount = {BINDINGS}\nimage = \"web:1\"\nreplicas = 6\n\
         binding = {{ name = \"web-{{n}}\", group = \"tg-{{n}}\" }}\n"
    );
    Scenario::parse("sides", &text).unwrap()
}

/// A few numbers that are the same each time.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % end
    }
}

/// When the Deployment was told what, in milliseconds of the world.
type Told = Vec<(i64, u64)>;

/// Looks while the world goes on: the clock moves in small steps until the look is over, and the Deployment is told
/// something else at a moment of it.
async fn look(world: &Still, random: &mut Random, (now, told): (&mut i64, &mut Told)) -> Look {
    let look = world.look();
    tokio::pin!(look);
    let mut step = 0;
    let moment = random.below(40);
    let what = [9, 4, 6, 0][usize::try_from(random.below(4)).unwrap()];
    let tell = |now: i64, told: &mut Told| match what {
        0 => world.lab.act("restart = { app = \"web-7\" }").unwrap(),
        replicas => {
            world.lab.act(&format!("scale = {{ app = \"web-7\", replicas = {replicas} }}")).unwrap();
            told.push((now, replicas));
        }
    };
    loop {
        tokio::select! {
            look = &mut look => {
                // A look that was over sooner is followed by it.
                if step <= moment {
                    tell(*now, told);
                }
                return look;
            }
            () = tokio::time::sleep(Duration::from_millis(2)) => {
                if step == moment {
                    tell(*now, told);
                }
                step += 1;
                let by = 50 + random.below(300);
                world.lab.advance(Duration::from_millis(by));
                *now += i64::try_from(by).unwrap();
            }
        }
    }
}

fn millis(time: &Value) -> i64 {
    time.as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_millisecond()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_accused_and_nothing_is_settled_by_sides_of_different_age() {
    let world = Still::of(world()).await;
    let mut random = Random(7);
    let (mut now, mut told) = (BEGIN, vec![(i64::MIN, 6)]);
    let (mut wrong, mut settled, mut outdated) = (Vec::new(), 0, 0);
    for n in 0..LOOKS {
        let look = look(&world, &mut random, (&mut now, &mut told)).await;
        let document = serde_json::to_value(Document::new(
            &look.inventory,
            &look.reports,
            (&Manner::default(), None, look.at),
        ))
        .unwrap();
        assert_eq!(document["failures"], serde_json::json!([]), "look {n}");
        for it in document["bindings"].as_array().unwrap() {
            let rows = it["rows"].as_array().unwrap();
            outdated += rows.iter().filter(|row| row["outdated"] == true).count();
            // That none serves right after a restart without readiness gates is true, and no row's fault.
            for row in rows.iter().filter(|row| row["problem"] == true) {
                wrong.push(format!("look {n}: {} is accused: {row}", it["name"]));
            }
            if it["settled"] != true {
                continue;
            }
            settled += 1;
            let (asked, listed) = (millis(&it["healthAskedAt"]), millis(&it["kubernetesAt"]));
            assert!(asked <= listed, "look {n}: what is settled was listed after its health was asked for");
            let replicas = match it["name"] == "web-7" {
                true => told.iter().rev().find(|(at, _)| *at < listed).unwrap().1,
                false => 6,
            };
            if it["inService"] != replicas {
                wrong.push(format!("look {n}: {} is called settled with {}", it["name"], it["inService"]));
            }
        }
        let pause = random.below(20);
        world.seconds(pause);
        now += i64::try_from(pause).unwrap() * 1000;
    }
    assert!(wrong.is_empty(), "{} of {LOOKS} looks:\n{}", wrong.len(), wrong.join("\n"));
    assert!(settled > 1_000 && told.len() > 20, "{settled} were settled; {} times scaled", told.len());
    println!("{settled} settled, {outdated} rows outdated");
}

/// What a line of the list says under a title.
fn under<'a>(titles: &str, line: &'a str, title: &str) -> Option<&'a str> {
    let at = titles.chars().take(titles.find(title).map(|it| titles[..it].chars().count())?).count();
    let rest = line.char_indices().nth(at).map(|it| &line[it.0..])?;
    Some(rest.split("  ").next().unwrap_or_default().trim())
}

/// The lines of the list with their binding, number in service, whether settled, and problems.
fn listed(text: &str) -> Vec<(String, String, String, String)> {
    let Some(titles) = text.lines().find(|it| it.contains("VERDICT") && it.contains("PROBLEMS")) else {
        return Vec::new();
    };
    let lines = text.lines().filter(|it| it.contains(" web-"));
    let of = |line: &str, title: &str| under(titles, line, title).map(str::to_owned);
    let line =
        |it: &str| Some((of(it, "BINDING")?, of(it, "IN SERVICE")?, of(it, "SETTLED")?, of(it, "PROBLEMS")?));
    lines.filter_map(line).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_list_accuses_nobody_either_and_settles_in_the_end() {
    let session = Session::of(Still::of(world()).await, "sides", Opening::default());
    let mut random = Random(11);
    let (mut replicas, mut frames, mut moved, mut restarted) = (6, 0, 0, false);
    for round in 0..12 {
        // Everything is read and at rest, and then one Deployment is told something else.
        let mut steps = 0;
        loop {
            let lines = listed(&session.shown.text());
            for (name, in_service, _, problems) in &lines {
                // A restart without readiness gates may leave none in service for a while: that is an outage, and true.
                let is_down = session.shown.text().lines().any(|it| it.contains("down    web-7 "));
                if restarted && is_down && name == "web-7" && in_service.starts_with("0/") {
                    assert_eq!(problems, "1", "the outage alone is a problem:\n{}", session.shown.text());
                    continue;
                }
                // Whether that many are right is another question; nothing of it is anybody's fault.
                assert_eq!(problems, "", "{name} {in_service}, round {round}:\n{}", session.shown.text());
            }
            frames += 1;
            moved += lines.iter().filter(|it| it.0 == "web-7" && it.2 == "no").count();
            let whole = format!("{replicas}/{replicas}");
            let rests =
                |it: &(String, String, String, String)| it.2 == "yes" && (it.0 != "web-7" || it.1 == whole);
            if lines.len() > 10 && lines.iter().all(rests) && lines.iter().any(|it| it.0 == "web-7") {
                break;
            }
            steps += 1;
            assert!(steps < 20_000, "round {round} never comes to rest:\n{}", session.shown.text());
            session.world.lab.advance(Duration::from_millis(50 + random.below(300)));
            // The world goes on as fast as the screen follows: its watches may not fall behind by more than the grace.
            session.frame().await;
        }
        let next = [9, 4, 6, 0][usize::try_from(random.below(4)).unwrap()];
        // What a restart does may be seen rounds later: a list still at rest is looked at before it.
        restarted |= next == 0;
        match next {
            0 => session.act("restart = { app = \"web-7\" }"),
            n => {
                session.act(&format!("scale = {{ app = \"web-7\", replicas = {n} }}"));
                replicas = n;
            }
        }
    }
    println!("{frames} frames looked at, {moved} of them with the one that moves unsettled");
    assert!(moved > 20, "{moved} of {frames}");
    session.quit().await;
}
