handler "own" {
  plugin = "./bin"
}
