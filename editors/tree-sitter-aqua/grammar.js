/**
 * The grammar of Aqua for editors. It follows the parser of the compiler, and accepts more than it:
 * what is wrong is told by the language server, and colours shall not vanish meanwhile.
 */

/// <reference types="tree-sitter-cli/dsl" />

// How strongly operators bind.
const PREC = { or: 1, and: 2, equal: 3, compare: 4, add: 5, multiply: 6, power: 7, not: 8, postfix: 9 };

// No word is reserved. Where these could be keywords they are names unless what follows tells otherwise.
const KEYWORDS = [
  'if', 'else', 'on', 'for', 'parseq', 'join', 'par', 'co', 'try', 'catch', 'otherwise', 'func',
];

/** A list without brackets; it goes on in the next line behind a comma. */
const list = item => seq(item, repeat(seq(',', item)));

/** The same where a comma may stand behind the last item, if the next line starts something else. */
const closedList = ($, item) => seq(list(item), optional(seq(',', $._list_end)));

/** The inside of brackets; a comma may stand behind the last item. */
const items = item => optional(seq(list(item), optional(',')));

export default grammar({
  name: 'aqua',

  word: $ => $.identifier,

  // See src/scanner.c.
  externals: $ => [$._newline, $._indent, $._dedent, $._list_end, $._first, $._error_sentinel],

  extras: $ => [$.comment, /[\s\uFEFF]/],

  supertypes: $ => [$._statement, $._expression, $._type],

  inline: $ => [$._any_name, $._body],

  conflicts: $ => [
    // `if (x):` and `if(x)`
    [$.if_statement, $.variable],
    [$.on_statement, $.variable],
    [$.join_statement, $.variable],
    [$.simple_branch, $.variable],
    // `try:` and `try: *u32`
    [$.else_statement, $.variable],
    [$.try_statement, $.variable],
    [$.otherwise_statement, $.variable],
    // `a: u32, string -> bool, b: u32`
    [$._type, $._list_type],
    [$._type_list],
    // `S (id)` and `S(a = 1)`
    [$.service_name, $.variable],
    // `x = func (a: u32):` and `x = func(a)`
    [$.closure, $.variable],
  ],

  rules: {
    source_file: $ => repeat(choice($._header, $._definition)),

    // The header.

    _header: $ => seq(
      choice($.module_header, $.import_header, $.use_header, $.export_header),
      $._newline,
    ),

    module_header: $ => seq(
      choice('aqua', 'module'),
      field('name', $.path),
      optional(seq('declares', choice('*', closedList($, field('declares', $.path))))),
    ),

    import_header: $ => seq(
      'import',
      optional(seq(list($.renamed), optional(','), 'from')),
      field('file', $.string),
    ),

    use_header: $ => seq(
      'use',
      optional(seq(list($.renamed), optional(','), 'from')),
      field('file', $.string),
      optional(seq('as', field('alias', $.path))),
    ),

    export_header: $ => seq('export', closedList($, $.renamed)),

    renamed: $ => seq(
      field('name', $.path),
      optional(seq('as', field('alias', $.path))),
    ),

    path: $ => seq($._any_name, repeat(seq('.', $._any_name))),

    // Definitions.

    _definition: $ => choice(
      seq(choice($.constant, $.alias), $._newline),
      $.data,
      $.ability,
      $.service,
      $.function,
    ),

    constant: $ => seq(
      'const',
      field('name', $._any_name),
      optional('?'),
      '=',
      field('value', $._expression),
    ),

    alias: $ => seq('alias', field('name', $._any_name), ':', field('type', $._type)),

    data: $ => seq('data', field('name', $._any_name), ':', field('members', $.members)),

    ability: $ => seq('ability', field('name', $._any_name), ':', field('members', $.members)),

    service: $ => seq(
      'service',
      field('name', $._any_name),
      optional(seq('(', field('id', $._expression), ')')),
      ':',
      field('members', $.members),
    ),

    members: $ => seq($._indent, repeat1(seq(choice($.field, $.method), $._newline)), $._dedent),

    field: $ => seq(field('name', $._any_name), ':', field('type', $._type)),

    method: $ => seq(field('name', $._any_name), field('signature', $.signature)),

    function: $ => seq(
      'func',
      field('name', $._any_name),
      field('signature', $.signature),
      $._body,
    ),

    signature: $ => seq(
      optional($.abilities),
      $.parameters,
      optional(seq('->', field('results', $._types))),
    ),

    abilities: $ => seq('{', items($.path), '}'),

    parameters: $ => seq('(', items($.parameter), ')'),

    parameter: $ => seq(field('name', $._any_name), ':', field('type', $._type)),

    // Types.

    _type: $ => choice($._plain_type, $.arrow_type),

    // Behind `->` and before it stand lists of types; a bare arrow takes all that stand before it.
    arrow_type: $ => prec.right(seq(
      optional($.abilities),
      optional(field('arguments', $._type_list)),
      '->',
      field('results', $._types),
    )),

    _types: $ => choice($._type_list, $.arrow_type),

    _type_list: $ => list($._list_type),

    _list_type: $ => choice($._plain_type, $.parameters),

    _plain_type: $ => choice(
      $.scalar_type,
      alias($.path, $.named_type),
      $.array_type,
      $.option_type,
      $.stream_type,
      $.map_type,
      $.parenthesized_type,
    ),

    scalar_type: _ => choice(
      'u8', 'u16', 'u32', 'u64', 'i8', 'i16', 'i32', 'i64', 'f32', 'f64', 'bool', 'string', '⊤', '⊥',
    ),

    array_type: $ => seq('[', ']', $._plain_type),

    option_type: $ => seq('?', $._plain_type),

    stream_type: $ => seq('*', $._plain_type),

    map_type: $ => seq('%', $._plain_type),

    parenthesized_type: $ => seq('(', $._type, ')'),

    // Statements.

    _body: $ => seq(':', field('body', $.block)),

    block: $ => seq($._indent, repeat1($._line), $._dedent),

    _line: $ => choice(
      seq($._simple_statement, $._newline),
      $._block_statement,
    ),

    _statement: $ => choice($._simple_statement, $._block_statement),

    _simple_statement: $ => choice(
      $.return_statement,
      $.join_statement,
      $.assignment,
      $.push_statement,
      $.stream_declaration,
      $.service_binding,
      $.call_statement,
      alias($.simple_branch, $.branch_statement),
    ),

    _block_statement: $ => choice(
      $.if_statement,
      $.else_statement,
      $.on_statement,
      $.for_statement,
      $.parseq_statement,
      $.try_statement,
      $.catch_statement,
      $.otherwise_statement,
      $.closure,
      alias($.block_branch, $.branch_statement),
    ),

    return_statement: $ => seq('<-', closedList($, $._expression)),

    join_statement: $ => prec.dynamic(1, seq('join', closedList($, $._operand))),

    assignment: $ => seq(field('target', $.variable), '=', field('value', $._expression)),

    push_statement: $ => seq(
      field('target', $.variable),
      '<<-',
      field('value', $._expression),
      optional(seq(',', field('value', $._expression))),
    ),

    stream_declaration: $ => seq(field('name', $.variable), ':', field('type', $._type)),

    service_binding: $ => prec.dynamic(-1, seq(
      field('service', $.service_name),
      field('id', $._expression),
    )),

    service_name: $ => seq($.type_identifier, repeat(seq('.', $.type_identifier))),

    call_statement: $ => seq(
      optional(seq(list(field('target', $.variable)), '<-')),
      field('value', $._expression),
    ),

    simple_branch: $ => seq(choice('par', 'co'), $._simple_statement),

    block_branch: $ => seq(choice('par', 'co'), $._block_statement),

    if_statement: $ => seq('if', field('condition', $._expression), $._body),

    else_statement: $ => seq(
      'else',
      optional(seq('if', field('condition', $._expression))),
      $._body,
    ),

    on_statement: $ => seq('on', $._place, $._body),

    _place: $ => seq(
      field('peer', $._expression),
      repeat(seq('via', field('via', $._expression))),
    ),

    for_statement: $ => seq(
      'for',
      $._item,
      optional(field('mode', choice('par', 'try', 'rec'))),
      $._body,
    ),

    parseq_statement: $ => seq('parseq', $._item, 'on', $._place, $._body),

    _item: $ => seq(
      field('item', $.variable),
      optional(seq(',', field('item', $.variable))),
      '<-',
      field('iterable', $._expression),
    ),

    try_statement: $ => seq('try', $._body),

    catch_statement: $ => seq('catch', field('error', $.variable), $._body),

    otherwise_statement: $ => seq('otherwise', $._body),

    closure: $ => seq(
      field('name', $.variable),
      '=',
      optional('func'),
      field('signature', $.signature),
      $._body,
    ),

    // Values.

    _expression: $ => choice($._operand, $.binary_expression),

    _operand: $ => choice(
      $.variable,
      $.number,
      $.string,
      $.boolean,
      $.init_peer_id,
      $.collection,
      $.parenthesized_expression,
      $.not_expression,
      $.field_expression,
      $.index_expression,
      $.call_expression,
    ),

    binary_expression: $ => choice(
      ...[
        [PREC.or, '||'],
        [PREC.and, '&&'],
        [PREC.equal, choice('==', '!=')],
        [PREC.compare, choice('<', '<=', '>', '>=')],
        [PREC.add, choice('+', '-')],
        [PREC.multiply, choice('*', '/', '%')],
      ].map(([level, operator]) => prec.left(level, operation($, operator))),
      prec.right(PREC.power, operation($, '**')),
    ),

    not_expression: $ => prec(PREC.not, seq('!', $._operand)),

    parenthesized_expression: $ => seq('(', $._expression, ')'),

    collection: $ => seq(optional(choice('?', '*')), '[', items($._expression), ']'),

    field_expression: $ => prec(PREC.postfix, seq(
      field('base', $._operand),
      '.',
      field('field', $._any_name),
    )),

    index_expression: $ => prec.right(PREC.postfix, seq(
      field('base', $._operand),
      choice(
        seq('[', field('index', $._expression), ']'),
        // `x!==y` compares the first element; the longest operator would be `!=`.
        alias($._first, '!'),
        seq(
          alias(token.immediate('!'), '!'),
          optional(field('index', choice(
            alias(token.immediate(/[0-9]+/), $.number),
            alias(token.immediate(/[A-Za-z_][A-Za-z0-9_]*/), $.variable),
          ))),
        ),
      ),
    )),

    call_expression: $ => seq(
      field('callee', choice($.variable, $.method_expression)),
      optional(seq('{', items(field('ability', $._expression)), '}')),
      field('arguments', $.arguments),
    ),

    method_expression: $ => prec(PREC.postfix, seq(
      field('base', $._operand),
      '.',
      field('method', $._any_name),
    )),

    arguments: $ => seq('(', items(choice($._expression, $.named_argument)), ')'),

    named_argument: $ => seq(field('name', $._any_name), '=', field('value', $._expression)),

    variable: $ => choice($._any_name, ...KEYWORDS.map(word => alias(word, $.identifier))),

    _any_name: $ => choice($.identifier, $.type_identifier),

    identifier: _ => /[a-z_][A-Za-z0-9_]*/,

    type_identifier: _ => /[A-Z][A-Za-z0-9_]*/,

    boolean: _ => choice('true', 'false'),

    init_peer_id: _ => '%init_peer_id%',

    number: _ => /-?[0-9]+(\.[0-9]+)?/,

    // Without its closing quote it ends with the line.
    string: _ => /"([^"]*"|[^"\r\n]*)/,

    comment: _ => token(prec(1, /--[^\r\n]*/)),
  },
});

function operation($, operator) {
  return seq(
    field('left', $._expression),
    field('operator', operator),
    field('right', $._expression),
  );
}
