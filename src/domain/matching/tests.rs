//! The fourteen standings and what follows from them.

use crate::domain::fixture::World;

#[test]
fn a_ready_pod_with_a_healthy_target_is_in_service() {
    assert_eq!(World::of("10.0.0.1 ready | 10.0.0.1 healthy").standings(), "10.0.0.1 in service");
}
