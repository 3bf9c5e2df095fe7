; extends

; Names that only Neovim has; they come after those of the grammar, and so they win.

(comment) @spell
(number) @number
(boolean) @boolean
(module_header name: (path (_) @module))
(use_header alias: (path (_) @module))
(field name: (_) @variable.member)
(field_expression field: (_) @variable.member)
(named_argument name: (_) @variable.member)
