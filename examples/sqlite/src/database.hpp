// SQLite with types: a connection and a statement that close themselves.

#pragma once

#include "sqlite3.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sql {

struct Failure {
  int code;
  std::string message;
};

enum class Access { read, write };

// A prepared statement of a database, which must outlive it.
class Statement {
public:
  Statement(sqlite3 *database, sqlite3_stmt *statement)
      : database_(database), statement_(statement) {}
  Statement(Statement &&other) noexcept
      : database_(other.database_),
        statement_(std::exchange(other.statement_, nullptr)),
        code_(other.code_) {}
  Statement(const Statement &) = delete;
  Statement &operator=(const Statement &) = delete;
  Statement &operator=(Statement &&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  int places() const { return sqlite3_bind_parameter_count(statement_); }
  bool only_reads() const { return sqlite3_stmt_readonly(statement_) != 0; }

  int bind_null(int place) { return sqlite3_bind_null(statement_, place); }
  int bind(int place, int64_t value) {
    return sqlite3_bind_int64(statement_, place, value);
  }
  int bind(int place, double value) {
    return sqlite3_bind_double(statement_, place, value);
  }
  // Text and blobs must outlive the statement.
  int bind_text(int place, std::string_view text) {
    return sqlite3_bind_text64(statement_, place, text.data(), text.size(),
                               SQLITE_STATIC, SQLITE_UTF8);
  }
  int bind_blob(int place, const uint8_t *bytes, size_t size) {
    return size == 0 ? sqlite3_bind_zeroblob(statement_, place, 0)
                     : sqlite3_bind_blob64(statement_, place, bytes, size,
                                           SQLITE_STATIC);
  }

  // Goes to the next row; false at the end and after a failure.
  bool step() {
    code_ = sqlite3_step(statement_);
    return code_ == SQLITE_ROW;
  }
  // What made the last step fail, if it did.
  std::optional<Failure> finished() const {
    if (code_ == SQLITE_DONE)
      return std::nullopt;
    return failure();
  }
  Failure failure() const {
    return {sqlite3_extended_errcode(database_), sqlite3_errmsg(database_)};
  }

  int columns() const { return sqlite3_column_count(statement_); }
  std::string_view name(int column) const {
    const char *name = sqlite3_column_name(statement_, column);
    return name == nullptr ? "" : name;
  }
  int type(int column) const { return sqlite3_column_type(statement_, column); }
  int64_t integer(int column) const {
    return sqlite3_column_int64(statement_, column);
  }
  double real(int column) const {
    return sqlite3_column_double(statement_, column);
  }
  std::string_view text(int column) const {
    const auto *text = sqlite3_column_text(statement_, column);
    return {reinterpret_cast<const char *>(text), size(column)};
  }
  std::string_view blob(int column) const {
    const auto *bytes = sqlite3_column_blob(statement_, column);
    return {static_cast<const char *>(bytes), size(column)};
  }

private:
  size_t size(int column) const {
    return static_cast<size_t>(sqlite3_column_bytes(statement_, column));
  }

  sqlite3 *database_;
  sqlite3_stmt *statement_;
  int code_ = SQLITE_DONE;
};

// A connection. Only one call at a time can change a service's state, so the
// file needs no locks; and a call that fails leaves no file behind that would
// have to be repaired, so the journal stays in memory.
class Database {
public:
  Database(const char *path, Access access) {
    const int flags = access == Access::write
                          ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE
                          : SQLITE_OPEN_READONLY;
    code_ = sqlite3_open_v2(path, &database_, flags, "unix-none");
    if (code_ == SQLITE_OK)
      code_ = sqlite3_exec(database_, "PRAGMA journal_mode=MEMORY", nullptr,
                           nullptr, nullptr);
  }
  Database(const Database &) = delete;
  Database &operator=(const Database &) = delete;
  ~Database() { sqlite3_close(database_); }

  std::optional<Failure> opened() const { return failed(); }

  // Takes the first statement of the text away from it. None at its end and
  // when it is wrong, as prepared() tells.
  std::optional<Statement> prepare(std::string_view &text) {
    while (!text.empty()) {
      sqlite3_stmt *statement = nullptr;
      const char *rest = nullptr;
      code_ = sqlite3_prepare_v2(database_, text.data(),
                                 static_cast<int>(text.size()), &statement,
                                 &rest);
      if (code_ != SQLITE_OK)
        return std::nullopt;
      text.remove_prefix(static_cast<size_t>(rest - text.data()));
      // Space and comments are no statement.
      if (statement != nullptr)
        return Statement(database_, statement);
    }
    return std::nullopt;
  }
  std::optional<Failure> prepared() const { return failed(); }

  uint64_t changes() const {
    return static_cast<uint64_t>(sqlite3_total_changes64(database_));
  }
  bool in_transaction() const { return sqlite3_get_autocommit(database_) == 0; }

private:
  std::optional<Failure> failed() const {
    if (code_ == SQLITE_OK)
      return std::nullopt;
    return Failure{sqlite3_extended_errcode(database_),
                   sqlite3_errmsg(database_)};
  }

  sqlite3 *database_ = nullptr;
  int code_ = SQLITE_OK;
};

} // namespace sql
