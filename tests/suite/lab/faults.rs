//! What goes wrong on the way, one fault after the other: what was read stays, and what was not is said.

use tgscope::backend::Look;
use tgscope::domain::facts::failure::ErrorKind;
use tgscope::domain::judgement::standing::Standing;

use super::Still;

async fn with(fault: &str) -> Look {
    let world = Still::start("workshop").await;
    world.lab.act(&format!("fault = {{ {fault} }}")).unwrap();
    world.look().await
}

fn standings(look: &Look) -> Vec<Standing> {
    look.reports.first().map(|it| it.rows.iter().map(|row| row.standing).collect()).unwrap_or_default()
}

/// Kinds of failure of every source that has one.
fn failures(look: &Look) -> Vec<ErrorKind> {
    let failed = look.inventory.sources.values().filter_map(|it| it.failed.as_ref());
    failed.map(|(_, failure)| failure.kind).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_fault_is_told_as_what_it_is() {
    let table = [
        ("on = \"DescribeTargetHealth\", wrong = \"denied\"", ErrorKind::Denied),
        ("on = \"DescribeTargetHealth\", wrong = \"expired\"", ErrorKind::Expired),
        ("on = \"DescribeTargetHealth\", wrong = \"throttled\"", ErrorKind::Throttled),
        ("on = \"aws\", wrong = \"down\"", ErrorKind::Unreachable),
        ("on = \"pods\", wrong = \"denied\"", ErrorKind::Denied),
        ("on = \"pods\", wrong = \"expired\"", ErrorKind::Expired),
        ("on = \"pods\", wrong = \"throttled\"", ErrorKind::Throttled),
        ("on = \"pods\", wrong = \"html\"", ErrorKind::Unreadable),
        ("on = \"kubernetes\", wrong = \"down\"", ErrorKind::Unreachable),
    ];
    for (fault, kind) in table {
        let look = with(fault).await;
        assert!(failures(&look).contains(&kind), "{fault}: {:?}", failures(&look));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_malformed_object_costs_itself_alone() {
    let look = with("on = \"list pods\", wrong = \"malformed\"").await;
    // Its endpoint is ready all the same, and so it is judged.
    assert_eq!(standings(&look), [Standing::InService; 3]);
    let skipped: Vec<_> = look.inventory.sources.values().flat_map(|it| it.skipped.keys()).collect();
    assert_eq!(skipped.len(), 1, "{skipped:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_state_nobody_knows_is_unknown_and_nothing_else_is() {
    let look = with("on = \"DescribeTargetHealth\", wrong = \"unknown-state\"").await;
    let standings = standings(&look);
    let count = |of| standings.iter().filter(|it| **it == of).count();
    assert_eq!((count(Standing::Unknown), count(Standing::InService)), (1, 2), "{standings:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_that_passes_or_is_only_slow_costs_nothing() {
    for fault in [
        "on = \"DescribeTargetHealth\", wrong = \"throttled\", times = 1",
        "on = \"DescribeTargetHealth\", wrong = \"html\", times = 1",
        "on = \"*\", wrong = \"slow\", latency = 50",
    ] {
        let look = with(fault).await;
        assert_eq!(standings(&look), [Standing::InService; 3], "{fault}");
    }
}
