// Values or errors, without exceptions.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <utility>
#include <variant>

#include "text.hpp"
#include "weir_host.h"

namespace weir {

// A value, or why there is none. Whoever takes the value without asking ends the call with a trap if there is none.
template <class T, class E>
class Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(E error) : content_(std::in_place_index<1>, std::move(error)) {}

  // Whether there is a value.
  explicit operator bool() const { return content_.index() == 0; }

  T &operator*() { return get<0>(); }
  T *operator->() { return &get<0>(); }
  const E &error() { return get<1>(); }

 private:
  template <std::size_t I>
  auto &get() {
    auto *found = std::get_if<I>(&content_);
    if (!found) std::abort();
    return *found;
  }

  std::variant<T, E> content_;
};

// Why an effect did not happen, or came to nothing.
struct Fault {
  enum class Kind {
    denied = WEIR_HOST_FAULTS_FAULT_DENIED,          // not granted: by the manifest, the operator or the deployer
    not_found = WEIR_HOST_FAULTS_FAULT_NOT_FOUND,    // what was asked is not there
    timed_out = WEIR_HOST_FAULTS_FAULT_TIMED_OUT,    // it took too long
    too_large = WEIR_HOST_FAULTS_FAULT_TOO_LARGE,    // more than is allowed, in number or size
    invalid = WEIR_HOST_FAULTS_FAULT_INVALID,        // what was asked makes no sense
    failed = WEIR_HOST_FAULTS_FAULT_FAILED,          // the outside failed
  };

  Kind kind;
  std::string text;
};

// Takes over what the host has returned.
inline Fault take(weir_host_faults_fault_t &fault) {
  auto kind = static_cast<Fault::Kind>(fault.tag);
  // All kinds but one have a text, in the same place.
  if (kind == Fault::Kind::timed_out) return {kind, "it took too long"};
  return {kind, take(fault.val.denied)};
}

// The fault of a world that uses `weir:host/faults`: the same kinds in a struct of its own.
template <class T>
concept OwnFault = requires(T fault) {
  { fault.tag } -> std::same_as<std::uint8_t &>;
  { fault.val.denied.len } -> std::same_as<std::size_t &>;
  { fault.val.not_found.len } -> std::same_as<std::size_t &>;
  { fault.val.too_large.len } -> std::same_as<std::size_t &>;
};

// A copy for the caller of the function, who frees it: how a function that returns such a fault fails.
template <OwnFault T>
void give(T *result, const Fault &fault) {
  result->tag = static_cast<std::uint8_t>(fault.kind);
  if (fault.kind != Fault::Kind::timed_out) give(&result->val.denied, fault.text);
}

}  // namespace weir
