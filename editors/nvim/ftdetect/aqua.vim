autocmd BufRead,BufNewFile *.aqua setfiletype aqua
