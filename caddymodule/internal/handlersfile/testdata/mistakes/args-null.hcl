handler "own" {
  plugin = "./bin/handler"
  args   = ["--verbose", null]
}
