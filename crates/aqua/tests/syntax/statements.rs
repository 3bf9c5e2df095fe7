//! Statements.

use expect_test::expect;

use super::{check, in_function};

#[test]
fn calls_and_assignments() {
    check(
        &in_function(
            "f()\nf (1)\nx <- f(1)\nx<-f(1)\nx, Y, z <- S.m(a)\nX = 1\nx=a.b\nx <- a\nmk().field\nab.inner.arrow(x)",
        ),
        &expect![[r#"
            (func f (->)
              (<- (call f))
              (<- (call f 1))
              (<- x (call f 1))
              (<- x (call f 1))
              (<- x Y z (call S.m a))
              (= X 1)
              (= x a.b)
              (<- x a)
              (<- (call mk).field)
              (<- (call ab.inner.arrow x)))
        "#]],
    );
}

#[test]
fn returns_services_pushes_joins_declarations() {
    check(
        &in_function(
            "S \"id\"\nMod.S (id)\nS f(x)\ns: *u32\nm : %string\ns <<- 1\ns<<-f(x)\nm <<- key, value\nm <<- \"a\" , 1\njoin a\njoin a[1], b!, c.d(), 3\njoin (a)\n<- a, b + 1,\nc\n<-x",
        ),
        &expect![[r#"
            (func f (->)
              (service S "id")
              (service Mod.S (paren id))
              (service S (call f x))
              (declare s *u32)
              (declare m %string)
              (push s 1)
              (push s (call f x))
              (push m key value)
              (push m "a" 1)
              (join a)
              (join (at a 1) (! b) (call c.d) 3)
              (join (paren a))
              (return a (+ b 1) c)
              (return x))
        "#]],
    );
}

#[test]
fn loops() {
    check(
        &in_function(
            "for x <- xs:\n  f(x)\nfor x<-xs! par :\n  f(x)\nfor k, v <- map try:\n  f(k)\nfor x <- f(a)[1] rec:\n  f(x)\nparseq x <- xs on x.peer via r via s :\n  f(x)\nparseq k , v <- m on p:\n  f(x)",
        ),
        &expect![[r#"
            (func f (->)
              (for x xs
                (<- (call f x)))
              (for-par x (! xs)
                (<- (call f x)))
              (for-try k,v map
                (<- (call f k)))
              (for-rec x (at (call f a) 1)
                (<- (call f x)))
              (parseq x xs on x.peer via r via s
                (<- (call f x)))
              (parseq k,v m on p
                (<- (call f x))))
        "#]],
    );
}

#[test]
fn places_branches_and_failures() {
    check(
        &in_function(
            "on p:\n  f()\non \"p\" via a via b.c :\n  f()\nif a == b && !c:\n  f()\nelse :\n  g()\nif (a + b) == c:\n  f()\nif (a):\n  f()\nif !a:\n  f()\ntry:\n  f()\ncatch e:\n  g()\ncatch e :\n  g()\notherwise:\n  h()",
        ),
        &expect![[r#"
            (func f (->)
              (on p
                (<- (call f)))
              (on "p" via a via b.c
                (<- (call f)))
              (if (&& (== a b) (not c))
                (<- (call f)))
              (else
                (<- (call g)))
              (if (== (paren (+ a b)) c)
                (<- (call f)))
              (if (paren a)
                (<- (call f)))
              (if (not a)
                (<- (call f)))
              (try
                (<- (call f)))
              (catch e
                (<- (call g)))
              (catch e
                (<- (call g)))
              (otherwise
                (<- (call h))))
        "#]],
    );
}

#[test]
fn else_if_is_an_if_in_an_else() {
    check(
        &in_function(
            "if a:\n  f()\nelse if b:\n  g()\nelse if (c):\n  h()\nelse:\n  i()\nj()\nif a:\n  f()\nelse if b:\n  g()\notherwise:\n  h()",
        ),
        &expect![[r#"
            (func f (->)
              (if a
                (<- (call f)))
              (else
                (if b
                  (<- (call g)))
                (else
                  (if (paren c)
                    (<- (call h)))
                  (else
                    (<- (call i)))))
              (<- (call j))
              (if a
                (<- (call f)))
              (else
                (if b
                  (<- (call g))))
              (otherwise
                (<- (call h))))
        "#]],
    );
}

#[test]
fn parallel_prefixes() {
    check(
        &in_function(
            "f()\npar on p:\n  f()\n  g()\npar for x <- xs:\n  f(x)\npar x <- f()\npar join x, y\nco f()\nco on p via r:\n  f()\npar a, b <- f()",
        ),
        &expect![[r#"
            (func f (->)
              (<- (call f))
              (par (on p
                (<- (call f))
                (<- (call g))))
              (par (for x xs
                (<- (call f x))))
              (par (<- x (call f)))
              (par (join x y))
              (co (<- (call f)))
              (co (on p via r
                (<- (call f))))
              (par (<- a b (call f))))
        "#]],
    );
}

#[test]
fn par_cannot_stand_before_everything() {
    check(
        &in_function("par if a:\n  f()\nco x = 1\npar par f()\npar:\n  f()\npar <- x"),
        &expect![[r#"
            (func f (->)
              (par (if a
                (<- (call f))))
              (co (= x 1))
              (par (par (<- (call f))))
              (error)
              (<- par x))
            2:3 W0204: `par` cannot stand before this statement | "par if a:"
              help: `par` stands before `on`, `for`, `join` or a call
            4:3 W0204: `co` cannot stand before this statement | "co x = 1"
              help: `co` stands before `on`, `for`, `join` or a call
            5:3 W0204: `par` cannot stand before this statement | "par par f()"
              help: `par` stands before `on`, `for`, `join` or a call
            6:6 W0201: expected `on`, `for`, `join` or a call after `par`, found `:` | ":"
        "#]],
    );
}

#[test]
fn closures() {
    check(
        &in_function(
            "c = (a: u32) -> u32:\n  <- a\nd = func () :\n  f()\ne = ():\n  f()\ng = {A, B}(\n  x: u32,\n  y: u32\n) -> u32, u32:\n  <- x, y\nh = func {A}(x: u32) -> ():\n  f()\ni = (a)\nj = (a + b) * c\nk = func (a)",
        ),
        &expect![[r#"
            (func f (->)
              (closure c (a:u32 -> u32)
                (return a))
              (closure-func d (->)
                (<- (call f)))
              (closure e (->)
                (<- (call f)))
              (closure g ({A B} x:u32 y:u32 -> u32 u32)
                (return x y))
              (closure-func h ({A} x:u32 ->)
                (<- (call f)))
              (= i (paren a))
              (= j (* (paren (+ a b)) c))
              (= k (call func a)))
        "#]],
    );
}
