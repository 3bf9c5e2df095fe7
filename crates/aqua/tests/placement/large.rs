//! Large programs are placed and written in time that grows with their size.

use std::time::{Duration, Instant};

use weir_aqua::{emit, place};

use weir_aqua::ir::{
    Base, Frame, FrameId, Frames, LEVELS_MAX, Op, Program, Value, VarId, VarKind, Variable,
};

use crate::notation;

/// Far more than it takes, far less than anything quadratic would.
const TIME_MAX: Duration = Duration::from_secs(5);

fn place_large(text: &str) -> String {
    place_program(&notation::program(text, true))
}

fn place_program(program: &Program) -> String {
    let levels = program.body.levels();
    assert!(levels <= LEVELS_MAX, "no lowering gives {levels} levels");
    let start = Instant::now();
    let placed = place::place(program);
    let script = emit::air(&placed).expect("AIR reads it");
    emit::plan_text(&emit::plan(&placed));
    assert!(start.elapsed() < TIME_MAX, "it took {:?}", start.elapsed());
    script
}

/// `before` many times, what is innermost, and `after` as often.
fn nested(count: usize, before: &str, inner: &str, after: &str) -> String {
    [before.repeat(count), inner.to_owned(), after.repeat(count)].concat()
}

#[test]
fn ten_thousand_calls() {
    place_large(&"(c) ".repeat(10_000));
    place_large(&"(on p r : (c)) (on q s : (d)) ".repeat(5_000));
    place_large(&"(co (on p : (c -> x))) ".repeat(10_000));
    place_large(&"(try (if x 1 (on p r : (c))) (on q : (d))) ".repeat(3_000));
}

#[test]
fn places_nested_to_the_limit() {
    place_large(&nested(LEVELS_MAX / 2 - 2, "(on p : (c) ", "(d)", ")"));
    place_large(&nested(LEVELS_MAX - 4, "(on p r : ", "(d)", ")"));
    let script = place_large(&nested(
        LEVELS_MAX / 4 - 2,
        "(on p r : (c) (on q s : (d) ",
        "(e)",
        "))",
    ));
    assert!(script.len() < 1 << 20, "{} bytes", script.len());
}

/// One more level around a program: each kind of operation in turn.
fn wrapped(body: Op, level: u32, frames: &mut Frames) -> Op {
    let one = || Value::from(Base::Int(1));
    let body = Box::new(body);
    let frame = FrameId(level % 50);
    match level % 9 {
        0 => Op::Xor(body, Box::new(call(frame))),
        1 => Op::Seq(vec![call(frame), *body]),
        2 => Op::Par(vec![call(frame), *body]),
        3 => Op::Detach(body),
        4 => Op::Match {
            equal: true,
            left: one(),
            right: one(),
            body,
        },
        5 => Op::New(vec![], body),
        6 => Op::Fold {
            item: VarId(level),
            iterable: Base::Empty.into(),
            body: Box::new(Op::Seq(vec![*body, Op::Next(VarId(level))])),
            never: false,
        },
        _ => Op::On {
            outer: FrameId::ROOT,
            frame: frames.intern(Frame {
                parent: Some(FrameId::ROOT),
                peer: Base::String(format!("peer{}", level % 50).as_str().into()).into(),
                via: vec![],
            }),
            body,
        },
    }
}

/// A wrapper adds up to two levels, and those of folds do.
const LEVELS_WRAPPED: u32 = LEVELS_MAX as u32 * 9 / 10 - 10;

fn call(frame: FrameId) -> Op {
    let text = |text: &str| Value::from(Base::String(text.into()));
    Op::Call {
        frame,
        service: text("s"),
        function: text("f"),
        args: vec![],
        output: None,
        site: None,
    }
}

#[test]
fn all_kinds_of_operations_nested_to_the_limit() {
    let mut frames = Frames::new(None);
    for peer in 0..50 {
        frames.intern(Frame {
            parent: Some(FrameId::ROOT),
            peer: Base::String(format!("peer{peer}").as_str().into()).into(),
            via: vec![],
        });
    }
    let mut body = call(FrameId(1));
    for level in 0..LEVELS_WRAPPED {
        body = wrapped(body, level, &mut frames);
    }
    let variables = (0..LEVELS_WRAPPED)
        .map(|number| Variable {
            kind: VarKind::Scalar,
            name: format!("v{number}"),
        })
        .collect();
    place_program(&Program {
        body,
        frames,
        variables,
    });
}

#[test]
fn loops_nested_to_the_limit() {
    let mut text = "(c)".to_owned();
    for level in 0..LEVELS_MAX / 3 - 2 {
        text = format!("(for i{level} l (on i{level} : {text}) (next i{level}))");
    }
    place_large(&text);
}
