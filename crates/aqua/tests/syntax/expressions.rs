//! Values.

use expect_test::expect;

use super::{check, in_function};

#[test]
fn operators_bind_as_in_mathematics() {
    check(
        &in_function(
            "a = 1 + 2 * 3 ** 4 ** 5 - 6 / 7 % 8\nb = x || y && z == 1 < 2 + 3\nc = (1 + 2) * 3\nd = a - b - c\ne = !a.b == !c!\ng = a == b != c\nh = !!a\ni = 2 ** -1",
        ),
        &expect![[r#"
            (func f (->)
              (= a (- (+ 1 (* 2 (** 3 (** 4 5)))) (% (/ 6 7) 8)))
              (= b (|| x (&& y (== z (< 1 (+ 2 3))))))
              (= c (* (paren (+ 1 2)) 3))
              (= d (- (- a b) c))
              (= e (== (not a.b) (not (! c))))
              (= g (!= (== a b) c))
              (= h (not (not a)))
              (= i (** 2 -1)))
        "#]],
    );
}

#[test]
fn properties_follow_each_other() {
    check(
        &in_function(
            "a = x.y.Z.w\nb = x[0][i][i + 1]\nc = x!\nd = x!2\ne = x!i.f!!\ng = x.m().n(1, 2)[0].f\nh = x.copy(a = 1, b).copy(c)\ni = x.copy(1)\nj = x.copy()\nk = x!==y\nl = x!=y\nm = x [1]\nn = s!0!i!",
        ),
        &expect![[r#"
            (func f (->)
              (= a x.y.Z.w)
              (= b (at (at (at x 0) i) (+ i 1)))
              (= c (! x))
              (= d (! x 2))
              (= e (! (! (! x i).f)))
              (= g (at (call (call x.m).n 1 2) 0).f)
              (= h (copy (copy x a=1 b) c))
              (= i (call x.copy 1))
              (= j (call x.copy))
              (= k (== (! x) y))
              (= l (!= x y))
              (= m (at x 1))
              (= n (! (! (! s 0) i))))
        "#]],
    );
}

#[test]
fn calls_and_constructions() {
    check(
        &in_function(
            "a = f()\nb = f(1, g(2), [3])\nc = f{ab}(1)\nd = f{ a, b.c } (1)\ne = Mod.f(x)\ng = D(a = 1, b)\nh = Mod.D(a = D(x), b = [1],\n  c = 3,\n)\ni = f(\n  1,\n-- c\n    2,\n)",
        ),
        &expect![[r#"
            (func f (->)
              (= a (call f))
              (= b (call f 1 (call g 2) [3]))
              (= c (call f {ab} 1))
              (= d (call f {a b.c} 1))
              (= e (call Mod.f x))
              (= g (new D a=1 b))
              (= h (new Mod.D a=(new D x) b=[1] c=3))
              (= i (call f 1 2)))
        "#]],
    );
}

#[test]
fn collections() {
    check(
        &in_function(
            "a = []\nb = ?[]\nc = *[]\nd = [1, [2], ?[3, *[x]],\n 4,\n]\ne = ? [1]\ng = a * [1]",
        ),
        &expect![[r#"
            (func f (->)
              (= a [])
              (= b ?[])
              (= c *[])
              (= d [1 [2] ?[3 *[x]] 4])
              (= e ?[1])
              (= g (* a [1])))
        "#]],
    );
}

#[test]
fn values_go_on_in_the_next_line() {
    check(
        &in_function(
            "a = 1 +\n      2 *\n3\nb = (\n  1\n  + 2\n)\nc = a\n  && b\n    || c\nif a ||\n    b:\n  f(\n1\n)\nd = 1",
        ),
        &expect![[r#"
            (func f (->)
              (= a (+ 1 (* 2 3)))
              (= b (paren (+ 1 2)))
              (= c (|| (&& a b) c))
              (if (|| a b)
                (<- (call f 1)))
              (= d 1))
        "#]],
    );
}

#[test]
fn mistakes_in_values() {
    check(
        &in_function(
            "a = mk()(1)\nb = x[0](1)\nc = D(3)\nd = f(a = 1)\ne = a < b < c\ng = -x\nh = a +\ni = (a\nj = [1, 2\nk = f(1 2)\nl = f(1, 2]\nm = x.\nn = x[]\no = f(\np = a ? b\nq = }\nr = f{a}\ns = 1",
        ),
        &expect![[r#"
            (func f (->)
              (= a error)
              (= b error)
              (= c error)
              (= d (call f 1))
              (= e (< error c))
              (= g error)
              (= h (+ a i))
              (= j error)
              (= k error)
              (= l error)
              (= m error)
              (= n error)
              (= o error)
              (= q error)
              (= r error)
              (= s 1))
            2:11 W0201: only a name can be called | "("
              help: give the value before a name in a line above
            3:11 W0201: only a name can be called | "("
              help: give the value before a name in a line above
            4:9 W0201: a field is given without its name | "3"
              help: write `field = value`
            5:9 W0201: the arguments of a call are given without names | "a"
            6:9 W0201: comparisons cannot be chained | "< b <"
              help: compare twice: `a < b && b < c`
              edit: "" to "&& b "
            7:7 W0201: expected a value, found `-` | "-"
              help: subtract from 0 to change the sign: `0 - x`
            9:5 W0201: expected the end of the line, found `=` | "="
            10:12 W0201: expected `]` after the elements, found the end of the line | ""
              at 10:7: this `[` is not closed
              help: add `]` here
              edit: "" to "]"
            11:11 W0201: expected `,` or `)` after the arguments, found `2` | "2"
            12:13 W0201: expected `)` after the arguments, found `]` | "]"
              at 12:8: this `(` is not closed
            13:9 W0201: expected the name of a field after `.`, found the end of the line | ""
            14:9 W0201: expected a value, found `]` | "]"
            16:9 W0201: expected `,` or `)` after the arguments, found `?` | "?"
            17:7 W0201: expected a value, found `}` | "}"
            18:11 W0201: expected `(` and arguments after the abilities, found the end of the line | ""
        "#]],
    );
}
