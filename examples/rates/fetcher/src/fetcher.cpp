// The part of `rates` that reaches servers. It has no state: what it fetches it gives away, unread.

#include "fetcher.h"

#include <string>
#include <string_view>
#include <weir/http.hpp>
#include <weir/text.hpp>

constexpr std::size_t body_bytes_max = 64 * 1024;

bool exports_weir_rates_feed_get(fetcher_string_t *url, fetcher_list_u8_t *ret, fetcher_string_t *err) {
  auto refuse = [&](std::string_view why) {
    weir::give(err, why);
    return false;
  };
  weir::http::Request request;
  request.url = weir::view(*url);
  request.headers = {{"accept", "application/json"}};
  auto response = weir::http::fetch(request);
  if (!response) return refuse(response.error().text);
  if (response->status != 200) return refuse("the server answered " + std::to_string(response->status));
  if (response->body.size() > body_bytes_max) return refuse("the answer has more than 64 KiB");
  weir::give(ret, response->body);
  return true;
}
