//! Guests that ask for files in ways that no library would: what they are told, and what they pay.

use crate::support::{call_within, load, show};
use weir_marine::{Error, Limits, Module};

fn filer() -> Module {
    load(&wat::parse_str(include_str!("filer.wat")).expect("the component is valid"))
}

#[test]
fn what_is_too_much_is_refused_and_not_done() {
    let filer = filer();
    for (function, arguments, answer) in [
        // Two folders are open from the start, one of each file system; 6 is `quota`.
        ("open-many", "[]", "100006"),
        // 18 is `name-too-long`.
        ("open-long", "[200]", "0"),
        ("open-long", "[201]", "1000018"),
        ("open-long", "[5000]", "1000018"),
        ("write", "[0, 0, 5000]", "5000"),
        ("write", "[1, 7, 5000]", "5000"),
        // More than is taken at once.
        ("write", "[0, 0, 2000000]", "1048576"),
        // 8 is `file-too-large`.
        ("write", "[0, 18446744073709551615, 5]", "1000008"),
        ("write", "[0, 17592186044416, 1]", "1000008"),
        ("write", "[0, 17592186044415, 1]", "1"),
        (
            "read",
            "[0, 18446744073709551615, 18446744073709551615]",
            "0",
        ),
        ("resize", "[0, 17592186044417]", "1000008"),
        ("resize", "[1, 17592186044416]", "0"),
    ] {
        assert_eq!(
            show(&filer, function, arguments),
            answer,
            "{function} {arguments}"
        );
    }
}

#[test]
fn work_without_end_uses_up_the_fuel_and_not_the_machine() {
    let filer = filer();
    for function in ["write-without-end", "read-without-end"] {
        let limits = Limits {
            fuel: 500_000_000,
            ..Limits::default()
        };
        let output = call_within(&filer, &limits, function, &[]);
        assert!(
            matches!(output.result, Err(Error::Fuel { .. })),
            "{function}: {output:?}"
        );
    }
}
