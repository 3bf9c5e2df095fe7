" Colours for Aqua until the language server has looked at the file.
if exists('b:current_syntax')
  finish
endif

" The last rule that fits wins.
syntax match aquaOperator /<<-\|<-\|->\|?=\|==\|!=\|<=\|>=\|&&\|||\|[=<>+*/%!?-]/
syntax match aquaNumber /\<\d\+\(\.\d\+\)\?\>/
syntax match aquaFunction /\<\l\w*\ze[({]/
syntax match aquaType /\<\u\w*\>/
syntax match aquaConstant /\<\u[A-Z0-9_]\+\>/
syntax match aquaScalar /\<\(bool\|string\|[ui]\(8\|16\|32\|64\)\|f32\|f64\)\>\|[⊤⊥]/
syntax match aquaBuiltin /\<\(HOST_PEER_ID\|INIT_PEER_ID\|PARTICLE_TTL\|PARTICLE_TIMESTAMP\|LAST_ERROR\|nil\|true\|false\)\>\|%init_peer_id%/
syntax match aquaHeader /^\(aqua\|module\|import\|use\|export\)\>/
syntax match aquaHeader /\s\zs\(from\|as\|declares\)\ze\s/
syntax match aquaDefinition /^\(func\|data\|ability\|service\|alias\|const\)\>/
syntax match aquaStatement /^\s*\zs\(on\|for\|if\|parseq\|join\|par\|co\)\ze\s\+[^=<[:space:]]/
syntax match aquaStatement /^\s*\zs\(else\|try\|otherwise\)\ze\s*:\s*\(--.*\)\?$/
syntax match aquaStatement /^\s*\zscatch\ze\s\+\l\w*\s*:/
syntax match aquaStatement /\s\zs\(via\|on\)\ze\s\+[A-Za-z"%]/
syntax match aquaStatement /\s\zs\(par\|try\|rec\)\ze\s*:\s*\(--.*\)\?$/
syntax region aquaString start=/"/ end=/"/
syntax match aquaComment /--.*$/ contains=@Spell

highlight default link aquaOperator Operator
highlight default link aquaNumber Number
highlight default link aquaFunction Function
highlight default link aquaType Type
highlight default link aquaConstant Constant
highlight default link aquaScalar Type
highlight default link aquaBuiltin Special
highlight default link aquaHeader Include
highlight default link aquaDefinition Structure
highlight default link aquaStatement Statement
highlight default link aquaString String
highlight default link aquaComment Comment

setlocal commentstring=--\ %s comments=:-- shiftwidth=2 expandtab

let b:current_syntax = 'aqua'
