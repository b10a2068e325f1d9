handler "own" {
  plugin "./bin/handler"
}
