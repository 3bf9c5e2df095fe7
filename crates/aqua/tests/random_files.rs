//! Properties of random files.

#[path = "random/file.rs"]
mod random;
#[path = "fuzz_targets/targets.rs"]
#[allow(
    dead_code,
    reason = "only one of the targets is for files of syntax alone"
)]
mod targets;

use proptest::prelude::*;
use weir_aqua::FileId;
use weir_aqua::syntax::parse;

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_layout_changes_neither_the_program_nor_its_comments(seed: u64, depth in 0_u32..5) {
        let text = random::file(seed, depth);
        prop_assert_eq!(parse(FileId(0), &text).diagnostics, [], "{}", text);
        targets::syntax(text.as_bytes());
    }

    #[test]
    fn a_file_that_ends_early_or_misses_a_piece_does_not_panic(seed: u64, start: prop::sample::Index, length in 0_usize..20) {
        let text = random::file(seed, 3);
        let start = start.index(text.len() + 1);
        let end = text.len().min(start + length);
        targets::syntax(&text.as_bytes()[..start]);
        targets::syntax(&[&text.as_bytes()[..start], &text.as_bytes()[end..]].concat());
    }
}
