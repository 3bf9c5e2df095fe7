//! The service `greeter`. `wit/world.wit` says what it offers, `weir.toml` how its functions are called.

weir_guest::generate!({ path: "wit", world: "greeter" });

struct Greeter;

impl Guest for Greeter {
    fn hello(name: String) -> String {
        format!("Hello, {name}!")
    }
}

export!(Greeter);

#[cfg(test)]
mod tests {
    use super::{Greeter, Guest};

    #[test]
    fn it_greets_by_name() {
        assert_eq!(Greeter::hello("Ada".into()), "Hello, Ada!");
    }
}
