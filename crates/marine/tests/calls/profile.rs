//! The identity of the rules under which guests run.

use expect_test::expect;
use weir_marine::Profile;

/// Receipts name the profile, and who repeats a call needs the same one. So a change of this is a change of the protocol:
/// it needs a word in the change log, and all peers of a deal.
#[test]
fn the_profile_is_what_it_was() {
    expect!["0xaaa466820beaabfb13d78dd411ae0698293e0b7b991139c88c93b22582f93083"]
        .assert_eq(&Profile::Det1.id().to_string());
}
