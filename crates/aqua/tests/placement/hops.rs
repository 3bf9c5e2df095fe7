//! Which hops placement makes.

use expect_test::{Expect, expect};
use weir_aqua::{emit, place};

use crate::{network, notation};

/// Places programs and prints each with what comes out.
fn check(programs: &[&str], expected: Expect) {
    check_with(programs, true, expected);
}

fn check_with(programs: &[&str], relay: bool, expected: Expect) {
    let mut out = String::new();
    for text in programs {
        let placed = place::place(&notation::program(text, relay));
        emit::air(&placed).expect("AIR reads it");
        out.push_str(&format!(
            "{text}\n    {}",
            notation::print(&placed)
                .replace('\n', "\n    ")
                .trim_end_matches(' ')
        ));
    }
    expected.assert_eq(&out);
}

#[test]
fn a_step_elsewhere_is_reached_through_the_relay_and_left_through_it() {
    check(
        &[
            "(on p : (c -> x)) (use x)",
            "(on p r : (c -> x)) (use x)",
            "(on p a b : (c -> x)) (use x)",
            "(on p *rs : (c -> x)) (use x)",
            "(on r0 : (c))",
            "(on r0 : (c)) (use)",
            "(a) (b)",
        ],
        expect![[r#"
            (on p : (c -> x)) (use x)
                ((try (>r0 c@p->x) (>r0 (fail))) >r0 use(x)@I)
            (on p r : (c -> x)) (use x)
                ((try (>r0 >r c@p->x) (>r >r0 (fail))) >r >r0 use(x)@I)
            (on p a b : (c -> x)) (use x)
                ((try (>r0 >a >b c@p->x) (>b >a >r0 (fail))) >b >a >r0 use(x)@I)
            (on p *rs : (c -> x)) (use x)
                ((try (>r0 >*rs c@p->x) (<*rs >r0 (fail))) <*rs >r0 use(x)@I)
            (on r0 : (c))
                (c@r0)
            (on r0 : (c)) (use)
                (c@r0 use@I)
            (a) (b)
                (a@I b@I)
        "#]],
    );
}

/// The worked examples of the specification, and how many hops the reference
/// makes in them when nothing fails.
#[test]
fn no_more_hops_are_made_than_by_the_reference() {
    for (text, reference) in [
        ("(on p : (c -> x)) (use x)", 2),
        ("(on p r : (c -> x)) (use x)", 4),
        ("(on p a b : (c -> x)) (use x)", 6),
        ("(on r0 : (c)) (use)", 0),
        ("(on p : (c) (on q : (d)) (e)) (use)", 2),
        ("(on p : (on q : (d)))", 2),
        ("(on a r : (c)) (on b r : (d)) (use)", 8),
        ("(par (on a : (f -> x)) (on b : (g -> y))) (use x)", 4),
        (
            "(co (forever p l3 (par (on p : (c -> $s)) (next p)))) (canon $s #s) (use)",
            9,
        ),
        ("(on p : (ap 1 x)) (use x)", 2),
        ("(for x l3 (on k r : (c x)) (next x)) (use)", 12),
        ("(for x l3 (on x : (c)) (next x)) (use)", 6),
        ("(on p : (home (cb)) (d)) (use)", 3),
    ] {
        let program = notation::program(text, true);
        let placed = place::place(&program);
        let outcome = network::run(&placed, &program);
        assert_eq!(
            outcome.steps,
            network::run_everywhere(&program).steps,
            "{text}"
        );
        assert!(outcome.hops <= reference, "{} hops in {text}", outcome.hops);
    }
}

#[test]
fn without_a_relay_peers_are_reached_directly() {
    check_with(
        &["(on p : (c)) (use)", "(on p r : (c)) (on q r : (d)) (use)"],
        false,
        expect![[r#"
            (on p : (c)) (use)
                (c@p use@I)
            (on p r : (c)) (on q r : (d)) (use)
                ((try (>r c@p >r d@q) (>r (fail))) >r use@I)
        "#]],
    );
}

#[test]
fn nested_and_sequential_places_are_reached_from_each_other() {
    check(
        &[
            "(on p : (c) (on q : (d)) (e)) (use)",
            "(on p : (on q : (d)))",
            "(on p a : (on q b : (d))) (use)",
            "(on p a b : (c) (on q : (d)) (e)) (use)",
            "(on a r : (c)) (on b r : (d)) (use)",
            "(on a : (c)) (on b : (d)) (use)",
            "(on p : (ap 1 x)) (use x)",
            "(on p : (home (cb)) (d)) (use)",
            "(on p : (c) (home (cb)) (d)) (use)",
        ],
        expect![[r#"
            (on p : (c) (on q : (d)) (e)) (use)
                ((try (>r0 c@p d@q e@p) (>r0 (fail))) >r0 use@I)
            (on p : (on q : (d)))
                ((try (>r0 d@q) (>r0 (fail))))
            (on p a : (on q b : (d))) (use)
                ((try (>r0 >a >b d@q) (>b >a >r0 (fail))) >b >a >r0 use@I)
            (on p a b : (c) (on q : (d)) (e)) (use)
                ((try (>r0 >a >b c@p >b d@q >b e@p) (>b >a >r0 (fail))) >b >a >r0 use@I)
            (on a r : (c)) (on b r : (d)) (use)
                ((try (>r0 >r c@a >r d@b) (>r >r0 (fail))) >r >r0 use@I)
            (on a : (c)) (on b : (d)) (use)
                ((try (>r0 c@a d@b) (>r0 (fail))) >r0 use@I)
            (on p : (ap 1 x)) (use x)
                ((ap 1 x) use(x)@I)
            (on p : (home (cb)) (d)) (use)
                (cb@I (try (>r0 d@p) (>r0 (fail))) >r0 use@I)
            (on p : (c) (home (cb)) (d)) (use)
                ((try (>r0 c@p >r0 cb@I >r0 d@p) (>r0 (fail))) >r0 use@I)
        "#]],
    );
}

#[test]
fn nothing_follows_so_nothing_returns() {
    check(
        &[
            "(on p r : (c))",
            "(try (if x 1 (on p r : (c))) (null))",
            "(par (on a : (f -> x)) (on b : (g -> y)))",
        ],
        expect![[r#"
            (on p r : (c))
                ((try (>r0 >r c@p) (>r >r0 (fail))))
            (try (if x 1 (on p r : (c))) (null))
                ((try (if x 1 (>r0 >r c@p)) (null)))
            (par (on a : (f -> x)) (on b : (g -> y)))
                ((par (try (>r0 f@a->x) (>r0 >I (fail))) (try (>r0 g@b->y) (>r0 >I (fail)))))
        "#]],
    );
}

#[test]
fn arms_bring_results_to_who_needs_them() {
    check(
        &[
            "(par (on a : (f -> x)) (on b : (g -> y))) (use x)",
            "(par (on a : (f -> x)) (on b : (g -> y))) (use x y)",
            "(par (on a : (f)) (on b : (g))) (use)",
            "(par (on a : (f -> x)) (h)) (use)",
            "(par (try (on a : (f -> x)) (on b : (g -> x))) (h)) (use x)",
            "(par (on a : (f -> x)) (on b : (g x -> y))) (use y)",
            "(par (on a : (f -> x)) (on b : (g -> y))) (on c r : (use x))",
            "(on p : (par (on a r : (f -> x)) (g)) (use x)) (use)",
        ],
        expect![[r#"
            (par (on a : (f -> x)) (on b : (g -> y))) (use x)
                (
                  (par (try (>r0 f@a->x >r0 >I) (>r0 >I (fail))) (try (>r0 g@b->y) (>r0 >I (fail))))
                  use(x)@I)
            (par (on a : (f -> x)) (on b : (g -> y))) (use x y)
                (
                  (par
                    (try (>r0 f@a->x >r0 >I) (>r0 >I (fail)))
                    (try (>r0 g@b->y >r0 >I) (>r0 >I (fail))))
                  use(x y)@I)
            (par (on a : (f)) (on b : (g))) (use)
                ((par (try (>r0 f@a) (>r0 >I (fail))) (try (>r0 g@b) (>r0 >I (fail)))) >r0 use@I)
            (par (on a : (f -> x)) (h)) (use)
                ((par (try (>r0 f@a->x) (>r0 >I (fail))) h@I) use@I)
            (par (try (on a : (f -> x)) (on b : (g -> x))) (h)) (use x)
                ((par (try ((try (>r0 f@a->x) g@b->x) >r0 >I) (>r0 >I (fail))) h@I) use(x)@I)
            (par (on a : (f -> x)) (on b : (g x -> y))) (use y)
                (
                  (par
                    (try (>r0 f@a->x (co >b)) (>r0 >I (fail)))
                    (try (>r0 g(x)@b->y >r0 >I) (>r0 >I (fail))))
                  use(y)@I)
            (par (on a : (f -> x)) (on b : (g -> y))) (on c r : (use x))
                (
                  (par (try (>r0 f@a->x >r >c) (>r0 >I (fail))) (try (>r0 g@b->y) (>r0 >I (fail))))
                  (try use(x)@c (>r >r0 (fail))))
            (on p : (par (on a r : (f -> x)) (g)) (use x)) (use)
                (
                  (par (try (>r0 >r f@a->x >r >p) (>r >r0 (fail))) (try (>r0 g@p) (>r0 (fail))))
                  (try use(x)@p (>r0 (fail)))
                  >r0
                  use@I)
        "#]],
    );
}

#[test]
fn detached_steps_bring_results_to_who_waits() {
    check(
        &[
            "(co (on p : (f))) (use)",
            "(co (on p : (f -> x))) (use x)",
            "(co (on p : (f -> x))) (on q r : (g)) (use x)",
            "(co (forever p ps (par (on p : (c -> x) (ap x $s)) (next p)))) (canon $s #s) (use)",
        ],
        expect![[r#"
            (co (on p : (f))) (use)
                ((co (>r0 f@p)) use@I)
            (co (on p : (f -> x))) (use x)
                ((co (>r0 f@p->x >r0 >I)) use(x)@I)
            (co (on p : (f -> x))) (on q r : (g)) (use x)
                ((try ((co (>r0 f@p->x >r0 >I)) >r0 >r g@q) (>r >r0 (fail))) >r >r0 use(x)@I)
            (co (forever p ps (par (on p : (c -> x) (ap x $s)) (next p)))) (canon $s #s) (use)
                ((co (>r0 (forever p ps (par (c@p->x (ap x $s) >r0 >I) (next p))))) canon@I->#s use@I)
        "#]],
    );
}

#[test]
fn loops_move_no_more_than_their_rounds_need() {
    check(
        &[
            "(for p ps (on p : (c)) (next p)) (use)",
            "(for p ps (on p r : (c)) (next p)) (use)",
            "(for p ps (on p p.relay : (c)) (next p)) (use)",
            "(for p ps (on k r : (c p)) (next p)) (use)",
            "(on k r : (for p ps (c p) (next p))) (use)",
            "(on r0 : (for p ps (c p) (next p))) (use)",
            "(for p ps (a) (on p : (c)) (next p)) (use)",
            "(for p ps (try (on p : (c)) (next p))) (use)",
            "(for p ps (try (if p 1 (on p : (c))) (null)) (next p)) (use)",
            "(for p ps (for q qs (on p q : (c)) (next q)) (next p)) (use)",
            "(for p ps (ap p x) (next p)) (use)",
        ],
        expect![[r#"
            (for p ps (on p : (c)) (next p)) (use)
                (>r0 (for p ps ((try c@p (>r0 (fail))) (next p))) >r0 use@I)
            (for p ps (on p r : (c)) (next p)) (use)
                (>r0 (for p ps ((try (>r c@p) (>r >r0 (fail))) (next p))) >r >r0 use@I)
            (for p ps (on p p.relay : (c)) (next p)) (use)
                (>r0 (for p ps ((try (>p.relay c@p) (>p.relay >r0 (fail))) >p.relay (next p))) >r0 use@I)
            (for p ps (on k r : (c p)) (next p)) (use)
                (>r0 >r (for p ps ((try c(p)@k (>r >r0 (fail))) (next p))) >r >r0 use@I)
            (on k r : (for p ps (c p) (next p))) (use)
                ((try (>r0 >r (for p ps (c(p)@k (next p)))) (>r >r0 (fail))) >r >r0 use@I)
            (on r0 : (for p ps (c p) (next p))) (use)
                ((try (for p ps (c(p)@r0 (next p))) (>r0 (fail))) use@I)
            (for p ps (a) (on p : (c)) (next p)) (use)
                ((for p ps (a@I (try (>r0 c@p) (>r0 (fail))) >r0 (next p))) use@I)
            (for p ps (try (on p : (c)) (next p))) (use)
                (>r0 (for p ps (try c@p (next p))) >r0 use@I)
            (for p ps (try (if p 1 (on p : (c))) (null)) (next p)) (use)
                (>r0 (for p ps ((try (if p 1 c@p) (null)) (next p))) >r0 use@I)
            (for p ps (for q qs (on p q : (c)) (next q)) (next p)) (use)
                (
                  >r0
                  (for p ps ((for q qs ((try (>q c@p) (>q >r0 (fail))) >q (next q))) (next p)))
                  >r0
                  use@I)
            (for p ps (ap p x) (next p)) (use)
                ((for p ps ((ap p x) (next p))) use@I)
        "#]],
    );
}

#[test]
fn rounds_of_a_growing_stream_start_where_the_fold_is() {
    check(
        &["(ap 1 $s) (co (forever i $s (par (on i r : (c i -> $s)) (next i))))"],
        expect![[r#"
            (ap 1 $s) (co (forever i $s (par (on i r : (c i -> $s)) (next i))))
                ((ap 1 $s) (co (>r0 (forever i $s (par (>r c(i)@i->$s >r >r0 >I) (next i))))))
        "#]],
    );
}

#[test]
fn failures_get_to_their_handler() {
    check(
        &[
            "(try (on p : (c)) (d))",
            "(try (on p r : (c)) (on q r : (d))) (use)",
            "(try (on p r : (c) (on q s : (d)) (e)) (h)) (use)",
            "(try (seq (a) (on p r : (c)) (b)) (h)) (use)",
            "(on p r : (try (if x 1 (on q : (c))) (fail))) (use)",
            "(on p *rs : (c)) (use)",
            "(try (par (on a : (f)) (on b : (g))) (h))",
            "(on p : (ap x.0 y) (c y)) (use)",
        ],
        expect![[r#"
            (try (on p : (c)) (d))
                ((try (>r0 c@p) (>r0 d@I)))
            (try (on p r : (c)) (on q r : (d))) (use)
                ((try (try (>r0 >r c@p >r >r0) (>r d@q >r >r0)) (>r >r0 (fail))) use@I)
            (try (on p r : (c) (on q s : (d)) (e)) (h)) (use)
                ((try (>r0 >r c@p (try (>r >s d@q) (>s (fail))) >s >r e@p >r >r0) (>r >r0 h@I)) use@I)
            (try (seq (a) (on p r : (c)) (b)) (h)) (use)
                ((try (a@I (try (>r0 >r c@p) (>r >r0 (fail))) >r >r0 b@I) h@I) use@I)
            (on p r : (try (if x 1 (on q : (c))) (fail))) (use)
                ((try (if x 1 (try (>r0 >r c@q) (>r >r0 (fail)))) (fail)) >r >r0 use@I)
            (on p *rs : (c)) (use)
                ((try (>r0 >*rs c@p) (<*rs >r0 (fail))) <*rs >r0 use@I)
            (try (par (on a : (f)) (on b : (g))) (h))
                ((try (par (try (>r0 f@a) (>r0 >I (fail))) (try (>r0 g@b) (>r0 >I (fail)))) h@I))
            (on p : (ap x.0 y) (c y)) (use)
                ((ap x.0 y) (try (>r0 c(y)@p) (>r0 (fail))) >r0 use@I)
        "#]],
    );
}

#[test]
fn branches_that_end_apart_meet_before_the_next_step() {
    check(
        &[
            "(try (if x 1 (on p : (c))) (on q : (d))) (use)",
            "(try (if x 1 (on p r : (c))) (null)) (use)",
            "(try (if x 1 (on p r : (c))) (null)) (on q r : (d)) (use)",
            "(on p : (c)) (try (if x 1 (on q : (d))) (null)) (use)",
        ],
        expect![[r#"
            (try (if x 1 (on p : (c))) (on q : (d))) (use)
                ((try (try (if x 1 (try (>r0 c@p) (>r0 (fail)))) (>r0 d@q)) (>r0 (fail))) >r0 use@I)
            (try (if x 1 (on p r : (c))) (null)) (use)
                ((try ((if x 1 (try (>r0 >r c@p) (>r >r0 (fail)))) >r >r0) (null)) use@I)
            (try (if x 1 (on p r : (c))) (null)) (on q r : (d)) (use)
                (
                  (try
                    ((try ((if x 1 (try (>r0 >r c@p) (>r >r0 (fail)))) >r) (>r0 >r)) d@q)
                    (>r >r0 (fail)))
                  >r
                  >r0
                  use@I)
            (on p : (c)) (try (if x 1 (on q : (d))) (null)) (use)
                ((try (>r0 c@p) (>r0 (fail))) (try (if x 1 d@q) (null)) >r0 use@I)
        "#]],
    );
}

#[test]
fn a_plan_shows_hops_and_calls() {
    let text = "(par (on peer r : (load -> x)) (co (log))) (for p ps (on p : (save x)) (next p)) \
                (try (if x 1 (use x)) (null))";
    let placed = place::place(&notation::program(text, true));
    expect![[r#"
        call  INIT_PEER_ID  client.argument
        call  INIT_PEER_ID  client.argument
        call  INIT_PEER_ID  client.argument
        call  INIT_PEER_ID  client.argument
        par
          hop   r0
          hop   r
          call  peer  s.load
          hop   r
          hop   r0
          hop   INIT_PEER_ID
        and
          co
            call  INIT_PEER_ID  s.log
        hop   r0
        for p <- ps
          call  p  s.save
        if x == 1
          hop   r0
          call  INIT_PEER_ID  s.use
        otherwise
          call  INIT_PEER_ID  client.error
    "#]]
    .assert_eq(&emit::plan_text(&emit::plan(&placed)));
}

#[test]
fn a_script_is_short_and_balanced() {
    let text = "(on p *rs : (get 1 x.name true -> y)) (canon $s #c) (put y #c.0 %m) (use y)";
    let placed = place::place(&notation::program(text, true));
    let script = emit::air(&placed).expect("AIR reads it");
    expect![[r#"
        (xor
          (seq
            (seq
              (seq
                (call %init_peer_id% ("client" "argument") [] r0)
                (call %init_peer_id% ("client" "argument") [] p))
              (seq
                (call %init_peer_id% ("client" "argument") [] rs)
                (seq
                  (call %init_peer_id% ("client" "argument") [] x)
                  (xor
                    (seq
                      (new $-h (new #-h (canon r0 $-h #-h)))
                      (seq
                        (fold rs -p
                          (seq (new $-h (new #-h (canon -p $-h #-h))) (next -p))
                          (null))
                        (call p ("s" "get") [1 x.$.name true] y)))
                    (seq
                      (fold rs -p
                        (seq (next -p) (new $-h (new #-h (canon -p $-h #-h))))
                        (null))
                      (seq (new $-h (new #-h (canon r0 $-h #-h))) (fail :error:)))))))
            (seq
              (seq
                (fold rs -p
                  (seq (next -p) (new $-h (new #-h (canon -p $-h #-h))))
                  (null))
                (new $-h (new #-h (canon r0 $-h #-h))))
              (seq
                (canon %init_peer_id% $s #c)
                (seq
                  (ap (y #c.$.[0]) %m)
                  (call %init_peer_id% ("s" "use") [y])))))
          (call %init_peer_id% ("client" "error") []))
    "#]]
    .assert_eq(&weir_air::format(&script).unwrap());
    let shortest =
        weir_air::minify(&weir_air::parse(&script, &weir_air::Limits::default()).unwrap());
    assert!(script.len() <= shortest.len() + 20, "{script}\n{shortest}");
}
