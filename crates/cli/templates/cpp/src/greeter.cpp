// The service `greeter`. `wit/world.wit` says what it offers, `weir.toml` how its functions are called.

#include "greeter.h"

#include <string>
#include <weir/text.hpp>

void exports_greeter_hello(greeter_string_t *name, greeter_string_t *result) {
  weir::give(result, "Hello, " + std::string(weir::view(*name)) + "!");
}
