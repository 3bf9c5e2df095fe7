//! Types and signatures.

use expect_test::expect;

use super::check;

#[test]
fn prefixes_and_names() {
    check(
        "alias A: u32\nalias B:[]?*%T\nalias C :⊤\nalias D : ⊥\nalias E: Mod.Sub.T\nalias F: **T\nalias G: ?[]lower.path",
        &expect![[r#"
            (alias A u32)
            (alias B []?*%T)
            (alias C ⊤)
            (alias D ⊥)
            (alias E Mod.Sub.T)
            (alias F **T)
            (alias G ?[]lower.path)
        "#]],
    );
}

#[test]
fn arrows() {
    check(
        "alias A: -> u32\nalias B: u32 -> ()\nalias C: u32, []string -> bool, ?T\nalias D: {Ab, Mod.Cd} u32 -> u32\nalias E: u32 -> (u32 -> u32)\nalias F: A -> B, C -> D\nalias G: A -> (B -> C), D -> E\nalias H: (a: u32, b: string) -> bool\nalias I: {Ab}(a: u32) -> ()\nalias J: () -> u32\nalias K: A -> B -> C",
        &expect![[r#"
            (alias A (-> u32))
            (alias B (u32 ->))
            (alias C (u32 []string -> bool ?T))
            (alias D ({Ab Mod.Cd} u32 -> u32))
            (alias E (u32 -> (u32 -> u32)))
            (alias F (A -> (B C -> D)))
            (alias G (A -> (B -> C) (D -> E)))
            (alias H (a:u32 b:string -> bool))
            (alias I ({Ab} a:u32 ->))
            (alias J (-> u32))
            (alias K (A -> (B -> C)))
        "#]],
    );
}

#[test]
fn arrows_among_the_arguments_of_a_function() {
    check(
        "func f(a: u32, cb: u32, string -> bool, g: -> (), h: (u32 -> u32), i: A -> B, C,) -> A, (B -> C), D:\n  x = 1",
        &expect![[r#"
            (func f (a:u32 cb:(u32 string -> bool) g:(->) h:(u32 -> u32) i:(A -> B C) -> A (B -> C) D)
              (= x 1))
        "#]],
    );
}

#[test]
fn signatures() {
    check(
        "func a():\n  x()\nfunc b {A , B} ( x : u32 ,\n  -- why\n  y : string\n) -> u32 , []u8 :\n  x()\nfunc c() -> ():\n  x()\nfunc d( ) -> (A -> B):\n  x()\nfunc e() -> A,\n    B:\n  x()",
        &expect![[r#"
            (func a (->)
              (<- (call x)))
            (func b ({A B} x:u32 y:string -> u32 []u8)
              (<- (call x)))
            (func c (->)
              (<- (call x)))
            (func d (-> (A -> B))
              (<- (call x)))
            (func e (-> A B)
              (<- (call x)))
        "#]],
    );
}

#[test]
fn mistakes_in_types() {
    check(
        "alias A: []\nalias B: [u32]\nalias C: u32, u32\nalias D:\nalias E: (u32\nalias F: {A u32 -> u32\nfunc f(a, b: u32):\n  x()\nfunc g(a: u32 b: u32):\n  x()\nfunc h() => u32:\n  x()\nalias I: u32[]\nconst AFTER = 1",
        &expect![[r#"
            (alias A error)
            (alias B error)
            (alias C error)
            (alias D error)
            (alias E error)
            (alias F error)
            (error)
            (error)
            (func h (->)
              (<- (call x)))
            (alias I u32)
            (const AFTER = 1)
            1:12 W0201: expected a type, found the end of the line | ""
            2:11 W0201: expected `]`, found `u32` | "u32"
              help: the type of an array is written `[]T`
            3:18 W0201: expected `->` after the argument types of an arrow, found the end of the line | ""
            4:9 W0201: expected a type, found the end of the line | ""
            5:14 W0201: expected `)` after the type, found the end of the line | ""
              at 5:10: this `(` is not closed
              help: add `)` here
              edit: "" to ")"
            6:13 W0201: expected `,` or `}` after the abilities, found `u32` | "u32"
            7:9 W0201: expected `:` and a type after the argument `a`, found `,` | ","
            9:15 W0201: expected `,` or `)` after the arguments, found `b` | "b"
            11:10 W0201: expected `:` after the function `h`, found `=` | "="
              help: write `->`
              edit: "=>" to "->"
            13:13 W0201: expected the end of the line, found `[` | "["
              help: the type of an array is written `[]T`
        "#]],
    );
}
