// Who calls, in what circumstances, and where arguments came from.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text.hpp"
#include "weir_host.h"

namespace weir::context {

// The circumstances of the call.
struct Info {
  std::string request;         // the particle or request that led to the call
  std::string initiator;       // the peer that started it
  std::string host;            // the peer that executes the call
  std::string worker;          // under whose identity it does
  std::string service;         // the service that is called
  std::uint64_t timestamp_ms;  // when the request was started, since the Unix epoch, by the initiator's clock
  std::uint64_t ttl_ms;        // for how long it lives from then on
  std::string salt;            // 32 bytes that the caller could not foresee
};

// Where a value came from: the function of a service on a peer that gave it, and the part of it that was taken.
struct Tetraplet {
  std::string peer, service, function, lens;
};

inline Info get() {
  weir_host_context_info_t info;
  weir_host_context_get(&info);
  return {take(info.request), take(info.initiator), take(info.host), take(info.worker),
          take(info.service), info.timestamp_ms,    info.ttl_ms,     take(info.salt)};
}

// Where an argument came from, by its position from 0: one origin for a value, one for each element of a list that a
// script collected, none where nothing is known.
inline std::vector<Tetraplet> provenance(std::uint32_t argument) {
  weir_host_context_list_tetraplet_t list;
  weir_host_context_provenance(argument, &list);
  std::vector<Tetraplet> origins;
  origins.reserve(list.len);
  for (std::size_t i = 0; i < list.len; ++i) {
    auto &origin = list.ptr[i];
    origins.push_back({std::string(view(origin.peer)), std::string(view(origin.service)),
                       std::string(view(origin.function)), std::string(view(origin.lens))});
  }
  weir_host_context_list_tetraplet_free(&list);
  return origins;
}

namespace detail {

template <class Check>
bool all_origins(std::uint32_t argument, Check fits) {
  auto origins = provenance(argument);
  return !origins.empty() && std::all_of(origins.begin(), origins.end(), fits);
}

}  // namespace detail

// Whether all of an argument, and at least something, was given by this function, on whichever peer. That says what the
// value is and not who vouches for it: anybody may run a service of this name. `came_from_peer` says the rest.
inline bool came_from(std::uint32_t argument, std::string_view service, std::string_view function) {
  return detail::all_origins(argument, [&](const Tetraplet &origin) {
    return origin.service == service && origin.function == function;
  });
}

// Whether all of an argument, and at least something, came from this peer: from any service there, or as a literal of a
// script that the peer started. With `came_from` it is a check that only this function of this peer meets.
inline bool came_from_peer(std::uint32_t argument, std::string_view peer) {
  return detail::all_origins(argument, [&](const Tetraplet &origin) { return origin.peer == peer; });
}

}  // namespace weir::context
