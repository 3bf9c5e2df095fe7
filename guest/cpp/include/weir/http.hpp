// Outgoing HTTP, to hosts that manifest, operator and deployer all allow.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "result.hpp"

namespace weir::http {

// Names and values, in their order.
using Headers = std::vector<std::pair<std::string, std::string>>;

struct Request {
  std::string method = "GET";
  std::string url = {};  // absolute, `http` or `https`
  Headers headers = {};
  std::string body = {};
};

struct Response {
  std::uint16_t status;
  Headers headers;
  std::string body;
};

// Sends a request and waits for the whole response, whatever its status. Redirects are not followed.
inline Result<Response, Fault> fetch(const Request &request) {
  std::vector<weir_host_http_header_t> headers;
  for (const auto &[name, value] : request.headers) {
    headers.push_back({lend<weir_host_string_t>(name), lend<weir_host_string_t>(value)});
  }
  weir_host_http_request_t lent{
      lend<weir_host_string_t>(request.method),
      lend<weir_host_string_t>(request.url),
      {headers.data(), headers.size()},
      lend<weir_host_list_u8_t>(request.body),
  };
  weir_host_http_response_t given;
  weir_host_http_fault_t fault;
  if (!weir_host_http_fetch(&lent, &given, &fault)) return take(fault);
  Response response{given.status, {}, std::string(view(given.body))};
  for (std::size_t i = 0; i < given.headers.len; ++i) {
    auto &header = given.headers.ptr[i];
    response.headers.emplace_back(view(header.name), view(header.value));
  }
  weir_host_http_response_free(&given);
  return response;
}

}  // namespace weir::http
