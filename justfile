# What CI does, without the test bed.
check:
    cargo test --locked
    cargo fmt --check
    cargo clippy --locked --all-targets -- -D warnings

# Generated tables, schema and pictures.
docs:
    UPDATE_DOCS=1 cargo test --locked --test suite docs

# Real servers on loopback.
testbed:
    tests/testbed/run
