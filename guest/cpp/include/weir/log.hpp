// Notes for whoever runs the service. They are bounded and are no part of what a call gives.
#pragma once

#include "text.hpp"
#include "weir_host.h"

namespace weir::log {

enum class Level : weir_host_log_level_t {
  error = WEIR_HOST_LOG_LEVEL_ERROR,
  warn = WEIR_HOST_LOG_LEVEL_WARN,
  info = WEIR_HOST_LOG_LEVEL_INFO,
  debug = WEIR_HOST_LOG_LEVEL_DEBUG,
  trace = WEIR_HOST_LOG_LEVEL_TRACE,
};

inline void write(Level level, std::string_view text) {
  auto lent = lend<weir_host_string_t>(text);
  weir_host_log_write(static_cast<weir_host_log_level_t>(level), &lent);
}

inline void error(std::string_view text) { write(Level::error, text); }
inline void warn(std::string_view text) { write(Level::warn, text); }
inline void info(std::string_view text) { write(Level::info, text); }
inline void debug(std::string_view text) { write(Level::debug, text); }
inline void trace(std::string_view text) { write(Level::trace, text); }

}  // namespace weir::log
