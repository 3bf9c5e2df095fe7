// Content-addressed bytes at the executing peer.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "result.hpp"

namespace weir::blobs {

// The most bytes that one `read` gives.
inline constexpr std::uint32_t read_bytes_max = 65'536;

// The size of a blob in bytes.
inline Result<std::uint64_t, Fault> size(std::string_view cid) {
  auto lent = lend<weir_host_string_t>(cid);
  std::uint64_t size;
  weir_host_blobs_fault_t fault;
  if (!weir_host_blobs_size(&lent, &size, &fault)) return take(fault);
  return size;
}

// At most `len` bytes, `read_bytes_max` at most, from `offset` on; fewer at the end.
inline Result<std::string, Fault> read(std::string_view cid, std::uint64_t offset, std::uint32_t len) {
  auto lent = lend<weir_host_string_t>(cid);
  weir_host_list_u8_t bytes;
  weir_host_blobs_fault_t fault;
  if (!weir_host_blobs_read(&lent, offset, len, &bytes, &fault)) return take(fault);
  return take(bytes);
}

// Keeps bytes and gives their CID.
inline Result<std::string, Fault> put(std::string_view bytes) {
  auto lent = lend<weir_host_list_u8_t>(bytes);
  weir_host_string_t cid;
  weir_host_blobs_fault_t fault;
  if (!weir_host_blobs_put(&lent, &cid, &fault)) return take(fault);
  return take(cid);
}

}  // namespace weir::blobs
