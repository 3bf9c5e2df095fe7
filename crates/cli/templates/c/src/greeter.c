// The service `greeter`. `wit/world.wit` says what it offers, `weir.toml` how its functions are called.

#include "greeter.h"

#include <stdlib.h>
#include <string.h>

void exports_greeter_hello(greeter_string_t *name, greeter_string_t *result) {
  static const char before[] = "Hello, ", after[] = "!";
  size_t head = sizeof before - 1, tail = sizeof after - 1;
  result->len = head + name->len + tail;
  result->ptr = malloc(result->len);
  if (!result->ptr) abort();
  memcpy(result->ptr, before, head);
  memcpy(result->ptr + head, name->ptr, name->len);
  memcpy(result->ptr + head + name->len, after, tail);
}
