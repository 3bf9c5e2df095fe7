//! Which hops placement makes.

mod notation;

use expect_test::{Expect, expect};
use weir_aqua::{emit, place};

/// Places the body of a function as lowering leaves it: with the relay fetched
/// before, and the handler of the client around all.
fn check(text: &str, expected: Expect) {
    let program = notation::program(text, true);
    let placed = place::place(&program);
    emit::air(&placed);
    let printed = notation::print(&placed);
    expected.assert_eq(&printed);
}

#[test]
fn a_step_elsewhere_is_reached_through_the_relay_and_left_through_it() {
    check(
        "(on p : (c -> x)) (use x)",
        expect![[r#"
        ((try (>r0 c@p) (>r0 (fail))) >r0 use@I)
    "#]],
    );
    check(
        "(on p r : (c -> x)) (use x)",
        expect![[r#"
        ((try (>r0 >r c@p) (>r >r0 (fail))) >r >r0 use@I)
    "#]],
    );
    check(
        "(on p a b : (c -> x)) (use x)",
        expect![[r#"
        ((try (>r0 >a >b c@p) (>b >a >r0 (fail))) >b >a >r0 use@I)
    "#]],
    );
    check(
        "(on r0 : (c))",
        expect![[r#"
        (c@r0)
    "#]],
    );
    check(
        "(on p : (c) (on q : (d)) (e)) (use)",
        expect![[r#"
        ((try (>r0 c@p d@q e@p) (>r0 (fail))) >r0 use@I)
    "#]],
    );
    check(
        "(on p : (on q : (d)))",
        expect![[r#"
        ((try (>r0 d@q) (>r0 (fail))))
    "#]],
    );
    check(
        "(on a r : (c)) (on b r : (d))",
        expect![[r#"
        ((try (>r0 >r c@a) (>r >r0 (fail))) (try (>r d@b) (>r >r0 (fail))))
    "#]],
    );
    check(
        "(on p : (ap 1 x))",
        expect![[r#"
        ((ap 1 x))
    "#]],
    );
    check(
        "(on p : (home (cb)) (d)) (use)",
        expect![[r#"
        (cb@I (try (>r0 d@p) (>r0 (fail))) >r0 use@I)
    "#]],
    );
}

#[test]
fn arms() {
    check(
        "(par (on a : (f -> x)) (on b : (g -> y))) (use x)",
        expect![[r#"
            ((par (try (>r0 f@a >r0 >I) (>r0 >I (fail))) (try (>r0 g@b) (>r0 >I (fail)))) use@I)
        "#]],
    );
    check(
        "(par (on a : (f)) (on b : (g))) (use)",
        expect![[r#"
        ((par (try (>r0 f@a) (>r0 >I (fail))) (try (>r0 g@b) (>r0 >I (fail)))) >r0 use@I)
    "#]],
    );
    check(
        "(co (on p : (f -> x))) (use x)",
        expect![[r#"
        ((co (>r0 f@p >r0 >I)) use@I)
    "#]],
    );
    check(
        "(co (forever p ps (par (on p : (c -> x) (ap x $s)) (next p)))) (canon $s #s) (use)",
        expect![[r#"
            ((co (>r0 (forever p ps (par (c@p (ap x $s) >r0 >I) (next p))))) canon@I->#s use@I)
        "#]],
    );
    check(
        "(forever p ps (par (parseq p r : (c -> $s)) (next p))) (canon $s #s) (use)",
        expect![[r#"
            (>r0 (forever p ps (par (>r c@p >r) (next p))) >r0 canon@I->#s use@I)
        "#]],
    );
}

#[test]
fn loops() {
    check(
        "(for p ps (on p : (c)) (next p)) (use)",
        expect![[r#"
        (>r0 (for p ps ((try c@p (>r0 (fail))) (next p))) >r0 use@I)
    "#]],
    );
    check(
        "(for p ps (on p r : (c)) (next p)) (use)",
        expect![[r#"
        (>r0 (for p ps ((try (>r c@p) (>r >r0 (fail))) (next p))) >r0 use@I)
    "#]],
    );
    check(
        "(for p ps (on p p.relay : (c)) (next p)) (use)",
        expect![[r#"
            (>r0 (for p ps ((try (>p.relay c@p) (>p.relay >r0 (fail))) >p.relay (next p))) >r0 use@I)
        "#]],
    );
    check(
        "(for p ps (on k r : (c p)) (next p)) (use)",
        expect![[r#"
        (>r0 >r (for p ps ((try c@k (>r >r0 (fail))) (next p))) >r >r0 use@I)
    "#]],
    );
    check(
        "(for p ps (a) (on p : (c)) (next p)) (use)",
        expect![[r#"
        ((for p ps (a@I (try (>r0 c@p) (>r0 (fail))) >r0 (next p))) use@I)
    "#]],
    );
    check(
        "(for p ps (try (on p : (c)) (next p))) (use)",
        expect![[r#"
            (>r0 (for p ps (try c@p (next p))) >r0 use@I)
        "#]],
    );
    check(
        "(for p ps (try (if p 1 (on p : (c))) (null)) (next p)) (use)",
        expect![[r#"
            (>r0 (for p ps ((try (if p 1 c@p) (null)) (next p))) >r0 use@I)
        "#]],
    );
}

#[test]
fn failures() {
    check(
        "(try (on p : (c)) (d))",
        expect![[r#"
        ((try (>r0 c@p) (>r0 d@I)))
    "#]],
    );
    check(
        "(try (on p r : (c) (on q s : (d)) (e)) (h)) (use)",
        expect![[r#"
            ((try (>r0 >r c@p (try (>r >s d@q) (>s (fail))) >s >r e@p >r >r0) (>r >r0 h@I)) use@I)
        "#]],
    );
    check(
        "(on p r : (try (if x 1 (on q : (c))) (fail))) (use)",
        expect![[r#"
            ((try (if x 1 (try (>r0 >r c@q) (>r >r0 (fail)))) (fail)) >r >r0 use@I)
        "#]],
    );
}
