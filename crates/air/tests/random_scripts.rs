//! Properties of random scripts.

#[path = "random/script.rs"]
mod random;
#[path = "fuzz_targets/targets.rs"]
mod targets;

use proptest::prelude::*;
use weir_air::{Limits, parse};

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_layout_of_a_script_is_the_same_program(seed: u64, depth in 0_u32..7) {
        let text = random::script(seed, depth);
        match parse(&text, &Limits::default()) {
            Ok(script) => targets::check(&script),
            Err(_) => targets::script(text.as_bytes()),
        }
    }
}

#[test]
fn most_random_scripts_are_accepted() {
    let accepted = (0..1_000)
        .filter(|seed| parse(&random::script(*seed, 4), &Limits::default()).is_ok())
        .count();
    assert!((500..1_000).contains(&accepted), "{accepted} of 1000");
}
