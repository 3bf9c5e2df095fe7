[
  (function)
  (data)
  (ability)
  (service)
  (block)
  (arguments)
  (collection)
] @fold
