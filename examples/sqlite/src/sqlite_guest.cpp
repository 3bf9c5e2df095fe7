// The component: what its WIT promises, in terms of database.hpp.

#include "database.hpp"

#include "sqlite.h"

#include <cstdlib>
#include <cstring>
#include <span>
#include <unistd.h>

namespace {

constexpr const char *path = "/data.db";

using Value = exports_weir_sqlite_api_value_t;
using Failed = exports_weir_sqlite_api_failure_t;

std::string_view view(const sqlite_string_t &text) {
  return {reinterpret_cast<const char *>(text.ptr), text.len};
}

// What is returned belongs to the caller, which frees it.
template <typename T> T *allocate(size_t count) {
  if (count == 0)
    return nullptr;
  auto *memory = static_cast<T *>(std::calloc(count, sizeof(T)));
  if (memory == nullptr)
    std::abort();
  return memory;
}

template <typename Out> Out copied(std::string_view bytes) {
  Out out{allocate<uint8_t>(bytes.size()), bytes.size()};
  if (!bytes.empty())
    std::memcpy(out.ptr, bytes.data(), bytes.size());
  return out;
}

sqlite_string_t owned(std::string_view text) {
  return copied<sqlite_string_t>(text);
}

bool failed(const sql::Failure &failure, Failed &out) {
  out.code = failure.code;
  out.message = owned(failure.message);
  return false;
}

// Gives the statement as many of the parameters as it has places for.
std::optional<sql::Failure> bind(sql::Statement &statement,
                                 std::span<const Value> &parameters) {
  const int places = statement.places();
  if (static_cast<size_t>(places) > parameters.size())
    return sql::Failure{SQLITE_RANGE, "there are fewer parameters than places "
                                      "for them"};
  for (int place = 1; place <= places; place++) {
    const Value &value = parameters[place - 1];
    int code = SQLITE_OK;
    switch (value.tag) {
    case EXPORTS_WEIR_SQLITE_API_VALUE_NULL:
      code = statement.bind_null(place);
      break;
    case EXPORTS_WEIR_SQLITE_API_VALUE_INTEGER:
      code = statement.bind(place, value.val.integer);
      break;
    case EXPORTS_WEIR_SQLITE_API_VALUE_REAL:
      code = statement.bind(place, value.val.real);
      break;
    case EXPORTS_WEIR_SQLITE_API_VALUE_TEXT:
      code = statement.bind_text(place, view(value.val.text));
      break;
    case EXPORTS_WEIR_SQLITE_API_VALUE_BLOB:
      code = statement.bind_blob(place, value.val.blob.ptr, value.val.blob.len);
      break;
    }
    if (code != SQLITE_OK)
      return statement.failure();
  }
  parameters = parameters.subspan(places);
  return std::nullopt;
}

Value lift(const sql::Statement &statement, int column) {
  Value out{};
  switch (statement.type(column)) {
  case SQLITE_INTEGER:
    out.tag = EXPORTS_WEIR_SQLITE_API_VALUE_INTEGER;
    out.val.integer = statement.integer(column);
    break;
  case SQLITE_FLOAT:
    out.tag = EXPORTS_WEIR_SQLITE_API_VALUE_REAL;
    out.val.real = statement.real(column);
    break;
  case SQLITE_TEXT:
    out.tag = EXPORTS_WEIR_SQLITE_API_VALUE_TEXT;
    out.val.text = owned(statement.text(column));
    break;
  case SQLITE_BLOB:
    out.tag = EXPORTS_WEIR_SQLITE_API_VALUE_BLOB;
    out.val.blob = copied<sqlite_list_u8_t>(statement.blob(column));
    break;
  default:
    out.tag = EXPORTS_WEIR_SQLITE_API_VALUE_NULL;
  }
  return out;
}

} // namespace

bool exports_weir_sqlite_api_execute(
    sqlite_string_t *text, exports_weir_sqlite_api_list_value_t *list,
    uint64_t *changed, Failed *error) {
  std::span<const Value> parameters(list->ptr, list->len);
  sql::Database database(path, sql::Access::write);
  if (auto failure = database.opened())
    return failed(*failure, *error);
  std::string_view rest = view(*text);
  while (auto statement = database.prepare(rest)) {
    if (auto failure = bind(*statement, parameters))
      return failed(*failure, *error);
    while (statement->step()) {
    }
    if (auto failure = statement->finished())
      return failed(*failure, *error);
  }
  if (auto failure = database.prepared())
    return failed(*failure, *error);
  if (!parameters.empty())
    return failed({SQLITE_RANGE, "there are more parameters than places for "
                                 "them"},
                  *error);
  if (database.in_transaction())
    return failed({SQLITE_ERROR, "a transaction was begun and not ended; a "
                                 "call is one by itself"},
                  *error);
  *changed = database.changes();
  return true;
}

bool exports_weir_sqlite_api_query(sqlite_string_t *text,
                                   exports_weir_sqlite_api_list_value_t *list,
                                   exports_weir_sqlite_api_table_t *table,
                                   Failed *error) {
  std::span<const Value> parameters(list->ptr, list->len);
  // Before anything was written there is no file, and a query cannot make one.
  const bool exists = access(path, F_OK) == 0;
  sql::Database database(exists ? path : ":memory:", sql::Access::read);
  if (auto failure = database.opened())
    return failed(*failure, *error);
  std::string_view rest = view(*text);
  auto statement = database.prepare(rest);
  if (auto failure = database.prepared())
    return failed(*failure, *error);
  if (!statement || !statement->only_reads())
    return failed({SQLITE_READONLY, "a query is one statement that reads; "
                                    "others are for execute"},
                  *error);
  if (auto failure = bind(*statement, parameters))
    return failed(*failure, *error);
  if (!parameters.empty() || database.prepare(rest) || database.prepared())
    return failed({SQLITE_RANGE, "a query is one statement, with as many "
                                 "parameters as places for them"},
                  *error);
  const int columns = statement->columns();
  std::vector<exports_weir_sqlite_api_list_value_t> rows;
  while (statement->step()) {
    auto *row = allocate<Value>(columns);
    for (int column = 0; column < columns; column++)
      row[column] = lift(*statement, column);
    rows.push_back({row, static_cast<size_t>(columns)});
  }
  if (auto failure = statement->finished())
    return failed(*failure, *error);
  table->columns.ptr = allocate<sqlite_string_t>(columns);
  table->columns.len = columns;
  for (int column = 0; column < columns; column++)
    table->columns.ptr[column] = owned(statement->name(column));
  table->rows.ptr =
      allocate<exports_weir_sqlite_api_list_value_t>(rows.size());
  table->rows.len = rows.size();
  if (!rows.empty())
    std::memcpy(table->rows.ptr, rows.data(), rows.size() * sizeof(rows[0]));
  return true;
}
