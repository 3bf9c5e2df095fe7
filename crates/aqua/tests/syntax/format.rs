//! The one layout.

use expect_test::{Expect, expect};
use weir_aqua::syntax::{COLUMNS_MAX, format};

fn check(text: &str, expected: &Expect) {
    let formatted = format(text).expect("the file is right");
    expected.assert_eq(&formatted);
    assert_eq!(format(&formatted).as_ref(), Ok(&formatted));
}

#[test]
fn spaces() {
    check(
        "aqua  X   declares  a,B ,\n   c\nimport   a  as b,C from  \"f\"\nuse \"g\" as  Y\nexport a ,b\nconst A=1\nconst  B ?=  \"x\"\nalias C :{A,B}u32,[]string->()\nservice S ( \"id\" ) :\n    m :u32->u32\n    n ( a:u32 )->()\n    o: -> u32\nfunc f {A}( a :u32,b: u32->u32 )->u32,( A->B ) :\n\tx<-g (1,-2,[ 3,?[ ] ],!y)\n\ts:*u32\n\ts<<-x [0]!i . f!2.copy( a=1,b )\n\tm<<-\"k\",D (a=1)\n\tS  \"id\"\n\tc =func(a :u32)->u32:\n\t\t<-a+1*(2-3)**4\n\tfor a,b<-xs!par :\n\t\tjoin a [0],b\n\ton p via r  via s:\n\t\tpar  on q:\n\t\t\tg ()\n\tif(a)==b&&c<-1:\n\t\tg()\n\telse if d :\n\t\tg()\n\telse :\n\t\tg()\n\ttry :\n\t\tg()\n\tcatch e :\n\t\tg()\n\totherwise :\n\t\tparseq x<-xs on p:\n\t\t\tg()\n\t<-x,c",
        &expect![[r#"
            aqua X declares a, B, c

            import a as b, C from "f"
            use "g" as Y
            export a, b

            const A = 1
            const B ?= "x"
            alias C: {A, B} u32, []string -> ()

            service S("id"):
              m: u32 -> u32
              n(a: u32)
              o: -> u32

            func f{A}(a: u32, b: u32 -> u32) -> u32, (A -> B):
              x <- g(1, -2, [3, ?[]], !y)
              s: *u32
              s <<- x[0]!i.f!2.copy(a = 1, b)
              m <<- "k", D(a = 1)
              S "id"
              c = func (a: u32) -> u32:
                <- a + 1 * (2 - 3) ** 4
              for a, b <- xs!par:
                join a[0], b
              on p via r via s:
                par on q:
                  g()
              if (a) == b && c < -1:
                g()
              else if d:
                g()
              else:
                g()
              try:
                g()
              catch e:
                g()
              otherwise:
                parseq x <- xs on p:
                  g()
              <- x, c
        "#]],
    );
}

#[test]
fn blank_lines() {
    check(
        "\n\n\naqua X\nimport \"a\"\nimport \"b\"\n\n\n\nexport f\nconst A = 1\nconst B = 2\n\n\nalias C: u32\ndata D:\n\n  a: u32\n\n\n  b: u32\nfunc f():\n\n  g()\n\n\n\n  h()\n\nfunc g():\n  f()\nconst E = 1\n\n\n",
        &expect![[r#"
            aqua X

            import "a"
            import "b"

            export f

            const A = 1
            const B = 2

            alias C: u32

            data D:
              a: u32

              b: u32

            func f():
              g()

              h()

            func g():
              f()

            const E = 1
        "#]],
    );
}

#[test]
fn comments_stay_with_their_lines() {
    check(
        "-- top   \n\n\n-- module\naqua X   -- name\n-- imported\nimport \"a\"\n--- doc\n--- more\nfunc f(): -- body\n\n   -- first\n   g() -- call\n\n   -- lonely\n\n   if a: -- if\n      -- in if\n      g()\n      -- end of if\n   -- before else\n   else:\n      g()\n        -- deep end\n\n   -- end of f\n-- before g\nfunc g():\n-- at the margin\n  f()\n\n-- last\n   -- really",
        &expect![[r#"
            -- top

            -- module
            aqua X -- name

            -- imported
            import "a"

            --- doc
            --- more
            func f(): -- body
              -- first
              g() -- call

              -- lonely

              if a: -- if
                -- in if
                g()
                -- end of if
              -- before else
              else:
                g()
                -- deep end

              -- end of f

            -- before g
            func g():
              -- at the margin
              f()

            -- last
            -- really
        "#]],
    );
}

#[test]
fn comments_inside_lists_break_them() {
    check(
        "func f(a: u32, -- the a\n  -- the b\n  b: u32):\n  x = [1, 2, -- two\n    f(3)]\n  y = g( -- first\n    a, b -- last\n    -- end\n  )\n  z = a + -- plus\n    b\n  w = h(1 + -- one\n    2, [ -- empty\n    ])\n  g{A, -- ability\n    B}(\n    D(a = 1, -- field\n      b),\n    x.copy(\n      -- copied\n      c))\n",
        &expect![[r#"
            func f(
              a: u32, -- the a
              -- the b
              b: u32
            ):
              x = [
                1,
                2, -- two
                f(3)
              ]
              y = g(
                -- first
                a,
                b -- last
                -- end
              )
              -- plus
              z = a + b
              w = h(
                -- one
                1 + 2,
                [
                  -- empty
                ]
              )
              g{
                A, -- ability
                B
              }(
                D(
                  a = 1, -- field
                  b
                ),
                x.copy(
                  -- copied
                  c
                )
              )
        "#]],
    );
}

#[test]
fn lists_are_broken_where_the_line_is_too_long() {
    let long = "a_name_of_thirty_characters_xxx";
    check(
        &format!(
            "func f({long}: u32, {long}: u32, {long}: string) -> u32, string:\n  x <- g({long}, {long}, {long}, 1)\n  y = [g({long}), h({long}, {long}, {long}), {long}.m([{long}], {long}, {long}).n(1)]\n  z = {long} + {long} + {long} + {long}\n  if g({long}, {long}, {long}) == 1:\n    D(a = {long}, b = {long}, c = {long})\n"
        ),
        &expect![[r#"
            func f(
              a_name_of_thirty_characters_xxx: u32,
              a_name_of_thirty_characters_xxx: u32,
              a_name_of_thirty_characters_xxx: string
            ) -> u32, string:
              x <- g(
                a_name_of_thirty_characters_xxx,
                a_name_of_thirty_characters_xxx,
                a_name_of_thirty_characters_xxx,
                1
              )
              y = [
                g(a_name_of_thirty_characters_xxx),
                h(
                  a_name_of_thirty_characters_xxx,
                  a_name_of_thirty_characters_xxx,
                  a_name_of_thirty_characters_xxx
                ),
                a_name_of_thirty_characters_xxx.m(
                  [a_name_of_thirty_characters_xxx],
                  a_name_of_thirty_characters_xxx,
                  a_name_of_thirty_characters_xxx
                ).n(1)
              ]
              z = a_name_of_thirty_characters_xxx + a_name_of_thirty_characters_xxx + a_name_of_thirty_characters_xxx + a_name_of_thirty_characters_xxx
              if g(
                a_name_of_thirty_characters_xxx,
                a_name_of_thirty_characters_xxx,
                a_name_of_thirty_characters_xxx
              ) == 1:
                D(
                  a = a_name_of_thirty_characters_xxx,
                  b = a_name_of_thirty_characters_xxx,
                  c = a_name_of_thirty_characters_xxx
                )
        "#]],
    );
}

#[test]
fn a_list_that_fits_is_joined() {
    check(
        "func f(\n  a: u32,\n  b: u32,\n):\n  g(\n    1,\n    [\n      2,\n    ],\n  )\n",
        &expect![[r#"
            func f(a: u32, b: u32):
              g(1, [2])
        "#]],
    );
    let name = "x".repeat(COLUMNS_MAX - "  g(1, )".len());
    let text = format!("func f():\n  g(1, {name})\n");
    assert_eq!(format(&text).as_ref(), Ok(&text));
    let broken = format!("func f():\n  g(\n    1,\n    {name}x\n  )\n");
    assert_eq!(format(&format!("func f():\n  g(1, {name}x)\n")), Ok(broken));
}

#[test]
fn types_have_the_parentheses_they_need() {
    check(
        "alias A: (u32 -> u32)\nalias B: u32 -> (u32 -> u32), u32\nalias C: u32 -> u32 -> u32\nalias D: (a: u32) -> ()\nalias E: () -> ()\nalias F: (A -> B) -> C\nability G:\n  a(x: u32, y: u32 -> u32) -> u32\n  b{Ab}(x: u32)\n  c: {Ab} -> u32\n  d() -> ()\n  e: ?*%[]⊤\n",
        &expect![[r#"
            alias A: u32 -> u32
            alias B: u32 -> (u32 -> u32), u32
            alias C: u32 -> (u32 -> u32)
            alias D: (a: u32) -> ()
            alias E: -> ()
            alias F: (A -> B) -> C

            ability G:
              a(x: u32, y: u32 -> u32) -> u32
              b{Ab}(x: u32)
              c: {Ab} -> u32
              d()
              e: ?*%[]⊤
        "#]],
    );
}

#[test]
fn words_that_look_like_keywords_keep_their_meaning() {
    check(
        "func f():\n  if (1)\n  join (1)\n  join(1)\n  on (1)\n  par()\n  else = 1\n  try: *u32\n  S (id)\n  S [id]\n",
        &expect![[r#"
            func f():
              if(1)
              join (1)
              join(1)
              on(1)
              par()
              else = 1
              try: *u32
              S (id)
              S [id]
        "#]],
    );
}

#[test]
fn line_ends_become_lf_outside_strings() {
    let text = "aqua X\r\n\r\nfunc f(): -- c\r\n  g(\"a\r\nb\")\r\n";
    let formatted = "aqua X\n\nfunc f(): -- c\n  g(\"a\r\nb\")\n";
    assert_eq!(format(text).as_deref(), Ok(formatted));
    assert_eq!(format(formatted).as_deref(), Ok(formatted));
}

#[test]
fn nothing_stays_nothing() {
    check("", &expect![[""]]);
    check("\n \n", &expect![[""]]);
    check(
        "  -- c",
        &expect![[r#"
        -- c
    "#]],
    );
}

#[test]
fn a_file_with_mistakes_is_refused() {
    let mistakes = format("func f(:\n").expect_err("the file is wrong");
    assert_eq!(mistakes.len(), 1);
}
