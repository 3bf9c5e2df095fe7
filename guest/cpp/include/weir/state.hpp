// The state of the service: an ordered map from byte strings to byte strings.
//
// A call sees the state as it was when the call began, and its own changes. They are kept together when the function
// returns, unless it returns an error; and none of them when it traps. Functions that the manifest declares `view` only
// read; functions declared `pure` cannot use the state at all and trap if they try.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "result.hpp"

namespace weir::state {

struct Error {
  enum class Kind {
    read_only = WEIR_HOST_STATE_ERROR_READ_ONLY,  // the function was declared `view`
    too_long = WEIR_HOST_STATE_ERROR_TOO_LONG,    // a key over 255 bytes, or a value over 65,536
    quota = WEIR_HOST_STATE_ERROR_QUOTA,          // the service may not hold or change more
  };

  Kind kind;
  std::string text;
};

struct Entry {
  std::string key;
  std::string value;
};

// Keys from `start` on and below `end`; without an end, all from `start` on.
struct Range {
  std::string_view start = {};
  std::optional<std::string_view> end = {};
};

enum class Order : weir_host_state_order_t {
  ascending = WEIR_HOST_STATE_ORDER_ASCENDING,
  descending = WEIR_HOST_STATE_ORDER_DESCENDING,
};

namespace detail {

inline Error take(weir_host_state_error_t &error) {
  auto kind = static_cast<Error::Kind>(error.tag);
  if (kind == Error::Kind::read_only) return {kind, "the function is declared as a view"};
  // The others have a text, in the same place.
  return {kind, weir::take(error.val.too_long)};
}

inline weir_host_state_key_range_t lend(Range range) {
  weir_host_state_key_range_t lent;
  lent.start = weir::lend<weir_host_list_u8_t>(range.start);
  lent.end.is_some = range.end.has_value();
  lent.end.val = weir::lend<weir_host_list_u8_t>(range.end.value_or(std::string_view()));
  return lent;
}

}  // namespace detail

// The value of a key.
inline std::optional<std::string> get(std::string_view key) {
  auto lent = lend<weir_host_list_u8_t>(key);
  weir_host_list_u8_t value;
  if (!weir_host_state_get(&lent, &value)) return std::nullopt;
  return take(value);
}

// The length of the value, without fetching it.
inline std::optional<std::uint32_t> length(std::string_view key) {
  auto lent = lend<weir_host_list_u8_t>(key);
  std::uint32_t length;
  if (!weir_host_state_length(&lent, &length)) return std::nullopt;
  return length;
}

// Gives the key a value, and says whether it held something before.
inline Result<bool, Error> set(std::string_view key, std::string_view value) {
  auto lent_key = lend<weir_host_list_u8_t>(key), lent_value = lend<weir_host_list_u8_t>(value);
  bool held;
  weir_host_state_error_t error;
  if (!weir_host_state_set(&lent_key, &lent_value, &held, &error)) return detail::take(error);
  return held;
}

// Forgets the key, and says whether it held something.
inline Result<bool, Error> remove(std::string_view key) {
  auto lent = lend<weir_host_list_u8_t>(key);
  bool held;
  weir_host_state_error_t error;
  if (!weir_host_state_delete(&lent, &held, &error)) return detail::take(error);
  return held;
}

// At most `limit` entries of the range in that order; fewer if they are many (1,000) or large (1 MiB), but none only if
// there is none. To go on, begin behind the last key.
inline std::vector<Entry> scan(Range range, Order order, std::uint32_t limit) {
  auto lent = detail::lend(range);
  weir_host_state_list_entry_t list;
  weir_host_state_scan(&lent, static_cast<weir_host_state_order_t>(order), limit, &list);
  std::vector<Entry> entries;
  entries.reserve(list.len);
  for (std::size_t i = 0; i < list.len; ++i) {
    entries.push_back({std::string(view(list.ptr[i].key)), std::string(view(list.ptr[i].value))});
  }
  weir_host_state_list_entry_free(&list);
  return entries;
}

// The same without values.
inline std::vector<std::string> keys(Range range, Order order, std::uint32_t limit) {
  auto lent = detail::lend(range);
  weir_host_list_list_u8_t list;
  weir_host_state_keys(&lent, static_cast<weir_host_state_order_t>(order), limit, &list);
  std::vector<std::string> keys;
  keys.reserve(list.len);
  for (std::size_t i = 0; i < list.len; ++i) keys.emplace_back(view(list.ptr[i]));
  weir_host_list_list_u8_free(&list);
  return keys;
}

}  // namespace weir::state
