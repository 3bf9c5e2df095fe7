; No two patterns capture the same node: editors differ in which one wins. Where a node has two
; names, Helix knows the first and Neovim and Zed the last.

(comment) @comment
(string) @string
(number) @constant.numeric @number
(boolean) @constant.builtin.boolean @boolean
(init_peer_id) @variable.builtin

; Keywords

["aqua" "module" "declares" "import" "use" "export" "from" "as"] @keyword.import

"func" @keyword.function

["const" "alias" "data" "ability" "service"] @keyword.type

["if" "else"] @keyword.conditional

"for" @keyword.repeat
(for_statement mode: _ @keyword.repeat)

(try_statement "try" @keyword.exception)
["catch" "otherwise"] @keyword.exception

(branch_statement ["par" "co"] @keyword.coroutine)
["parseq" "join"] @keyword.coroutine

["on" "via"] @keyword

; Header

(module_header name: (path (_) @namespace @module))
(use_header alias: (path (_) @namespace @module))
(renamed (path (type_identifier) @type))
(renamed (path (identifier) @function))
(module_header declares: (path (identifier) @function))
(module_header declares: (path (type_identifier) @type))

; Definitions

(function name: (_) @function)
(closure name: (variable (_) @function))
(method name: (_) @function.method)
(field name: (_) @variable.other.member @property)
(parameter name: (_) @variable.parameter)
(constant name: (_) @constant)
(alias name: (_) @type)
(data name: (_) @type)
(ability name: (_) @type)
(service name: (_) @type)

; Types

(scalar_type) @type.builtin
(named_type (_) @type)
(abilities (path (_) @type))
(service_name (_) @type)

; Values

(call_expression callee: (variable (identifier) @function))
(method_expression method: (identifier) @function.method)
(method_expression method: (type_identifier) @type)
(field_expression field: (_) @variable.other.member @property)
(named_argument name: (_) @variable.other.member @property)

((variable (identifier) @constant.builtin)
  (#eq? @constant.builtin "nil"))

((variable (type_identifier) @variable.builtin)
  (#any-of? @variable.builtin
    "HOST_PEER_ID" "INIT_PEER_ID" "PARTICLE_TTL" "PARTICLE_TIMESTAMP" "LAST_ERROR"))

((variable (type_identifier) @constant)
  (#match? @constant "^[A-Z][A-Z0-9_]+$")
  (#not-any-of? @constant
    "HOST_PEER_ID" "INIT_PEER_ID" "PARTICLE_TTL" "PARTICLE_TIMESTAMP" "LAST_ERROR"))

((variable (type_identifier) @type)
  (#not-match? @type "^[A-Z][A-Z0-9_]+$"))

; Signs

[
  "<-" "<<-" "->" "=" "==" "!=" "<" "<=" ">" ">=" "&&" "||" "+" "-" "*" "**" "/" "%" "!" "?"
] @operator

["," "." ":"] @punctuation.delimiter

["(" ")" "[" "]" "{" "}"] @punctuation.bracket
