handler "own" {
  plugin = ""
}
