// Finds where lines and blocks end, which the grammar cannot say.
//
// The tokens of lines and blocks have no characters. Where brackets are open the
// grammar asks for none of them, and lines do not matter.

#include "tree_sitter/parser.h"

#include <stdlib.h>
#include <string.h>

enum { NEWLINE, INDENT, DEDENT, LIST_END, FIRST, ERROR_SENTINEL };

// Blocks that are nested deeper are taken for lines of the last one; the compiler
// refuses them. With two bytes for each the state must fit into
// TREE_SITTER_SERIALIZATION_BUFFER_SIZE.
#define LEVELS_MAX 256

// The lengths of the indents of the blocks that are open, without the margin.
// Where the compiler accepts a text, an indent that is longer starts with the
// shorter one: their lengths are enough.
typedef struct {
  unsigned depth;
  uint16_t indents[LEVELS_MAX];
} Scanner;

static uint16_t innermost(const Scanner *scanner) {
  return scanner->depth == 0 ? 0 : scanner->indents[scanner->depth - 1];
}

void *tree_sitter_aqua_external_scanner_create(void) {
  return calloc(1, sizeof(Scanner));
}

void tree_sitter_aqua_external_scanner_destroy(void *payload) {
  free(payload);
}

unsigned tree_sitter_aqua_external_scanner_serialize(void *payload, char *buffer) {
  const Scanner *scanner = payload;
  for (unsigned level = 0; level < scanner->depth; level++) {
    buffer[2 * level] = (char)(scanner->indents[level] & 0xff);
    buffer[2 * level + 1] = (char)(scanner->indents[level] >> 8);
  }
  return 2 * scanner->depth;
}

void tree_sitter_aqua_external_scanner_deserialize(void *payload, const char *buffer,
                                                   unsigned length) {
  Scanner *scanner = payload;
  scanner->depth = length / 2;
  for (unsigned level = 0; level < scanner->depth; level++) {
    scanner->indents[level] =
        (uint16_t)((unsigned char)buffer[2 * level] | (unsigned char)buffer[2 * level + 1] << 8);
  }
}

static bool is_line_end(int32_t character) {
  return character == '\n' || character == '\r';
}

// Whether the next line starts with an operator, so that a value goes on in it.
// A dash is a minus here: comments are skipped before.
static bool is_at_operator(TSLexer *lexer) {
  int32_t first = lexer->lookahead;
  switch (first) {
    case '+':
    case '*':
    case '/':
    case '>':
      return true;
    case '-':
    case '<':
    case '=':
    case '!':
    case '&':
    case '|':
    case '%':
      break;
    default:
      return false;
  }
  lexer->advance(lexer, false);
  int32_t second = lexer->lookahead;
  switch (first) {
    case '-':
      return second != '>';
    case '<':
      // `<-` and `<<-` are arrows.
      return second != '-' && second != '<';
    case '%':
      // `%init_peer_id%`
      return second != 'i';
    case '&':
    case '|':
      return second == first;
    default:
      return second == '=';
  }
}

static bool is_in_word(int32_t character) {
  return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
         (character >= '0' && character <= '9') || character == '_';
}

// Whether a line starts something, and is not the next item of the list before it:
// a word and then another one, or a text.
static bool is_at_start(TSLexer *lexer) {
  if (!is_in_word(lexer->lookahead)) {
    return false;
  }
  while (is_in_word(lexer->lookahead)) {
    lexer->advance(lexer, false);
  }
  while (lexer->lookahead == ' ' || lexer->lookahead == '\t') {
    lexer->advance(lexer, false);
  }
  if (!is_in_word(lexer->lookahead)) {
    return lexer->lookahead == '"';
  }
  // `name as other` and `name from "file"`
  char word[5] = {0};
  unsigned length = 0;
  while (is_in_word(lexer->lookahead)) {
    if (length < sizeof word) {
      word[length] = (char)lexer->lookahead;
    }
    length++;
    lexer->advance(lexer, false);
  }
  return !(length == 2 && memcmp(word, "as", 2) == 0) &&
         !(length == 4 && memcmp(word, "from", 4) == 0);
}

// `!` in front of `==`: where it directly follows a value, its first element is meant.
static bool scan_first(TSLexer *lexer) {
  lexer->advance(lexer, false);
  lexer->mark_end(lexer);
  for (unsigned count = 0; count < 2; count++) {
    if (lexer->lookahead != '=') {
      return false;
    }
    lexer->advance(lexer, false);
  }
  lexer->result_symbol = FIRST;
  return true;
}

bool tree_sitter_aqua_external_scanner_scan(void *payload, TSLexer *lexer, const bool *valid) {
  Scanner *scanner = payload;
  bool recovers = valid[ERROR_SENTINEL];
  if (valid[FIRST] && !recovers && lexer->lookahead == '!') {
    return scan_first(lexer);
  }
  if (!valid[NEWLINE] && !valid[INDENT] && !valid[DEDENT] && !valid[LIST_END]) {
    return false;
  }
  lexer->mark_end(lexer);

  // To the first character of the next line that has one, and how far it is indented.
  bool is_new_line = lexer->get_column(lexer) == 0;
  unsigned indent = 0;
  bool has_dash = false;
  for (;;) {
    int32_t character = lexer->lookahead;
    if (lexer->eof(lexer)) {
      is_new_line = true;
      indent = 0;
      break;
    }
    if (is_line_end(character)) {
      is_new_line = true;
      indent = 0;
    } else if (character == ' ' || character == '\t') {
      indent++;
    } else if (character == '-') {
      lexer->advance(lexer, true);
      if (lexer->lookahead != '-') {
        has_dash = true;
        break;
      }
      while (!lexer->eof(lexer) && !is_line_end(lexer->lookahead)) {
        lexer->advance(lexer, true);
      }
      continue;
    } else {
      break;
    }
    lexer->advance(lexer, true);
  }
  if (!is_new_line) {
    return false;
  }

  if (valid[LIST_END] && !recovers) {
    if (!lexer->eof(lexer) && (indent > 0 || has_dash || !is_at_start(lexer))) {
      return false;
    }
    lexer->result_symbol = LIST_END;
    return true;
  }
  uint16_t current = innermost(scanner);
  if (valid[INDENT] && !recovers) {
    if (indent <= current || indent > UINT16_MAX || scanner->depth == LEVELS_MAX) {
      return false;
    }
    scanner->indents[scanner->depth++] = (uint16_t)indent;
    lexer->result_symbol = INDENT;
    return true;
  }
  if (valid[DEDENT] && indent < current) {
    scanner->depth--;
    lexer->result_symbol = DEDENT;
    return true;
  }
  if (valid[NEWLINE] && !recovers) {
    bool goes_on = has_dash ? lexer->lookahead != '>' : is_at_operator(lexer);
    if (goes_on && !lexer->eof(lexer)) {
      return false;
    }
    lexer->result_symbol = NEWLINE;
    return true;
  }
  return false;
}
