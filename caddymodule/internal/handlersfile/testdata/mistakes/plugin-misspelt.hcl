handler "own" {
  plugin = "jsnol"
}
