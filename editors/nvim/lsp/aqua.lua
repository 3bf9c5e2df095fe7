-- For Neovim 0.11 and later: vim.lsp.enable('aqua')
return {
  cmd = { 'weir', 'lsp' },
  filetypes = { 'aqua' },
  root_markers = { '.weir', 'package.json', '.git' },
  -- Folders in which imports are looked for that are not found beside the importing file.
  init_options = { imports = {} },
}
