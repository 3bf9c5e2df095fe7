// Texts and bytes between C++ and the generated bindings.
//
// Both are a pointer and a length there, in a struct of a type that each world has for itself; hence the templates. In
// C++ both are std::string, and std::string_view where they are only read.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace weir {

// A struct of the bindings with bytes: `greeter_string_t`, `weir_host_list_u8_t` and their like.
template <class T>
concept Bytes = requires(T bytes) {
  { bytes.ptr } -> std::same_as<std::uint8_t *&>;
  { bytes.len } -> std::same_as<std::size_t &>;
};

// What is in it. It stays the owner.
template <Bytes T>
std::string_view view(const T &bytes) {
  return {reinterpret_cast<const char *>(bytes.ptr), bytes.len};
}

// A copy for the caller of the function, who frees it: how results are returned.
template <Bytes T>
void give(T *result, std::string_view text) {
  result->len = text.size();
  result->ptr = nullptr;
  if (text.empty()) return;
  result->ptr = static_cast<std::uint8_t *>(std::malloc(text.size()));
  if (!result->ptr) std::abort();
  std::memcpy(result->ptr, text.data(), text.size());
}

// Takes over what the host has returned.
template <Bytes T>
std::string take(T &bytes) {
  std::string text(view(bytes));
  if (bytes.len > 0) std::free(bytes.ptr);
  bytes.ptr = nullptr;
  bytes.len = 0;
  return text;
}

// Lends bytes to the host for one call. Nothing is written there.
template <Bytes T>
T lend(std::string_view text) {
  T bytes;
  bytes.ptr = reinterpret_cast<std::uint8_t *>(const_cast<char *>(text.data()));
  bytes.len = text.size();
  return bytes;
}

}  // namespace weir
