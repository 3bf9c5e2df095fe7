-- Colours and folds by Tree-sitter, if its parser is in the runtime path; else `syntax/aqua.vim` stays.
if pcall(vim.treesitter.start) then
  vim.wo[0][0].foldexpr = 'v:lua.vim.treesitter.foldexpr()'
end
