; No two patterns capture the same node: editors need not agree on which one wins. Names are those of
; Helix; Zed takes what stands before the last dot where it does not know one, and Neovim has more
; names in editors/nvim/queries.

; Text

(comment) @comment
(string) @string
(number) @constant.numeric
(boolean) @constant.builtin.boolean
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

(module_header name: (path (_) @namespace))
(use_header alias: (path (_) @namespace))
(renamed (path (type_identifier) @type))
(renamed (path (identifier) @function))
(module_header declares: (path (identifier) @function))
(module_header declares: (path (type_identifier) @type))

; Definitions

(function name: (_) @function)
(closure name: (variable (_) @function))
(method name: (_) @function.method)
(parameter name: (_) @variable.parameter)
(field name: (_) @variable.other.member)
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

(field_expression field: (_) @variable.other.member)
(named_argument name: (_) @variable.other.member)

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
